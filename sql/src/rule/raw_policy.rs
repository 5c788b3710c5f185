//! A policy in raw SQL. The derive alone sees how a condition is written, and says so.

use super::{Level, Page, Rule};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "raw-policy",
        level: Level::Warning,
        summary: "a policy is raw SQL, which the build cannot check as it checks an expression",
        text: "\
What happens:
  The build reads `sql(\"...\")` and resolves the names of columns in it. Whether its types fit, whether its functions
  exist and who may call them, and whether it raises an error for some row or setting, PostgreSQL says when the
  migration is rehearsed, or a query later.
  Of what it reads, tables of the schema are known by their names. What stands behind a view or a function is not: no
  migration says that this policy may let more through where a table there, or that table's policies, change.

Why:
  What is parsed is narrower than what the server takes, but no schema of its functions and operators is known while
  building. An expression in Rust is compared with the columns by rustc, and its SQL has one known form, which an
  index serves and an empty setting never satisfies.

Seen:
  `shop = current_setting('app.shop')` raises an error where the setting is missing, which tells whoever asks that it
  is; and is read for each row. `shop == scope.domain` does neither.

To mend it:
  Write the condition as an expression of columns and `scope`; what another table decides as `exists(Member, ...)`.

To allow it:
  `#[allow_rule(\"raw-policy\", reason = \"...\")]` on the struct, with what was tried to see that the SQL is right. The
  drawn tests of row-level security run it like any other policy.",
    },
    check: |_, _, _, _| Vec::new(),
};

/// What is said of such a policy, without the code.
pub(super) fn message(policy: &str, table: &str) -> String {
    format!(
        "policy `{policy}` on `{table}` is raw SQL, whose types and functions no build checks; write it as an \
         expression, or allow it and say why it is right"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_says_what_nobody_follows() {
        let text = super::RULE.page.text;
        assert!(text.contains("behind a view or a function"), "{text}");
    }
}
