//! CONCURRENTLY runs outside a transaction, so it stands in a file whose header says so, and which holds
//! nothing that could not be taken up where it stopped.

use super::{File, holds};
use crate::file::Step;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "concurrently-alone",
    level: Level::Lint,
    summary: "`concurrently` stands where PostgreSQL refuses it, or beside what cannot be taken up again",
    text: "\
Why:
  An index is built or dropped concurrently outside of any transaction. A file whose header says
  `-- tabellion: no-transaction` runs statement by statement, and what stands in it has to be such that a run that
  was killed can be finished: an index by its name, or a statement that may run twice.

To mend it:
  Put the statement into a pair of its own, with `-- tabellion: no-transaction` as a line of the header.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    let is_concurrent = |words: &[&str]| {
        let named = ["index", "table", "schema", "database", "system", "view"];
        let head = words.get(..5).unwrap_or(words);
        let is_option = head
            .windows(2)
            .any(|pair| named.contains(&pair[0]) && pair[1] == "concurrently");
        matches!(
            words,
            ["create" | "drop" | "reindex" | "refresh" | "alter", ..]
        ) && (is_option || holds(words, &["detach"]) && words.last() == Some(&"concurrently"))
    };
    let is_refresh = |words: &[&str]| words.first() == Some(&"refresh");
    if !file.header.no_transaction {
        // REFRESH … CONCURRENTLY is the one that may share a transaction.
        return file.each(|words| {
            (is_concurrent(words) && !is_refresh(words)).then(|| {
                "`concurrently` does not run in a transaction; put it into a file whose header says \
                 `-- tabellion: no-transaction`"
                    .into()
            })
        });
    }
    let faults = file.statements.iter().filter_map(|statement| {
        let fault = Step::read(statement.text).err()?;
        Some((statement.line, fault.to_owned()))
    });
    faults.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn concurrently_alone() {
        let lines = |sql: &str| lines("concurrently-alone", sql, &Schema::default());
        let index = "create index concurrently a on public.b (c);\n";
        let alone = "-- tabellion: no-transaction\n\n";
        assert_eq!(lines(&format!("select 1;\n{index}")), [2]);
        assert!(lines(&format!("{alone}{index}")).is_empty());
        assert!(lines(&format!("{alone}{index}select 1;\nvacuum public.b;")).is_empty());
        assert_eq!(lines(&format!("{alone}{index}commit;")), [4]);
        assert_eq!(lines("drop index concurrently public.a;"), [1]);
        assert_eq!(lines("reindex index concurrently public.a;"), [1]);
        assert!(lines("refresh materialized view concurrently a.b; select 1;").is_empty());
        assert!(lines("create table a.concurrently (id int);").is_empty());
    }
}
