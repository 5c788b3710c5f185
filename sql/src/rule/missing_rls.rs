//! A table that gives no answer on row-level security. The derive alone sees that, since no schema can hold such
//! a table, and says so.

use super::{Level, Page, Rule};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "missing-rls",
        level: Level::Error,
        summary: "a table says nothing about row-level security",
        text: "\
What happens:
  The build stops. Without row-level security, every role that may read the table reads the rows of every tenant,
  and nothing says so: no error, no warning, no missing row.

Why:
  In PostgreSQL row-level security is off until somebody turns it on, table by table, and a table that was forgotten
  looks like one that is meant to be open.

To mend it:
  Rows of one tenant each: `#[tenant(shop = scope.domain)]`.
  Anything else: a `#[policy(...)]` for each command that the scope may run, or `#[policy(deny_all)]`.

To allow it:
  `#[no_rls(reason = \"...\", allow(select))]` says why the table is everybody's, and what the scope's role may do. The
  reason goes into the table's comment in the database.",
    },
    check: |_, _, _, _| Vec::new(),
};

/// What the derive says.
pub(super) fn message(table: &str) -> String {
    format!(
        "table `{table}` has no row-level security; add a `#[policy(...)]`, `#[tenant(...)]`, or \
         `#[no_rls(reason = \"...\")]`"
    )
}
