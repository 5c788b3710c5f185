//! A migration runs in a transaction that whoever runs it begins and ends.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "transaction-control",
    level: Level::Lint,
    summary: "a file begins or ends the transaction that it runs in",
    text: "\
Why:
  The file, what guards it and its row of the ledger are one transaction, which whoever runs it begins and ends.
  Between a COMMIT and what follows, tables would be there without their policies.

To mend it:
  Remove the statement; what must be committed first is a migration of its own.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| match words {
        ["rollback", "to", ..] | ["rollback", "work" | "transaction", "to", ..] => None,
        [
            first @ ("begin" | "start" | "commit" | "end" | "rollback" | "abort"),
            ..,
        ]
        | [first @ "prepare", "transaction", ..] => Some(format!(
            "`{first}` controls the transaction, and whoever runs the file does that; remove it"
        )),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn transaction_control() {
        let sql = "begin;\nselect 'begin';\nstart transaction;\nsavepoint a;\nrollback to a;\n\
                   do $$ begin null; end $$;\nprepare transaction 'x';\nprepare a as select 1;\nEND;";
        let found = lines("transaction-control", sql, &Schema::default());
        assert_eq!(found, [1, 3, 7, 9]);
    }
}
