//! An allowance for what no rule finds. The derive alone sees both the attribute and what was found, and says so.

use super::{Level, Page, Rule};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "unneeded-allowance",
        level: Level::Warning,
        summary: "`#[allow_rule]` allows what no rule finds in the struct",
        text: "\
What happens:
  Nothing, for now: the rule finds nothing here. Were the trap to come back, the allowance would hide it, with a
  reason that was given for something else.

Why:
  What the allowance was about has been mended, or was never there.

To mend it:
  Remove the `#[allow_rule(...)]`.

To allow it:
  It cannot be allowed; with the attribute the warning goes.",
    },
    check: |_, _, _, _| Vec::new(),
};
