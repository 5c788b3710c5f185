//! The ledger tells what was done to a database; what a migration wrote there itself would be no proof.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "ledger-write",
    level: Level::Lint,
    summary: "a statement names the schema of the ledger",
    text: "\
Why:
  The ledger proves what was done to a database. What a migration wrote there by itself would prove nothing.

To mend it:
  Take the statement out; `cargo tabellion repair` and `adopt` enter what happened elsewhere, with who says so.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let names_it = words
            .windows(2)
            .any(|pair| matches!(pair, ["tabellion" | "\"tabellion\"", "."] | ["schema", "tabellion" | "\"tabellion\""]));
        names_it.then(|| {
            "schema `tabellion` holds the ledger, which no migration touches; take the statement out".to_owned()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn ledger_write() {
        let found = |sql: &str| lines("ledger-write", sql, &Schema::default());
        for sql in [
            "insert into tabellion.ledger (event) values ('approved');",
            "with x as (delete from \"tabellion\".ledger returning 1) select 1;",
            "alter table Tabellion.ledger disable trigger append_only;",
            "drop schema tabellion cascade;",
            "grant usage on schema tabellion to a;",
        ] {
            assert_eq!(found(sql), [1], "{sql}");
        }
        for sql in [
            "select 'tabellion.ledger';",
            "insert into a.tabellion values (1);",
        ] {
            assert!(found(sql).is_empty(), "{sql}");
        }
    }
}
