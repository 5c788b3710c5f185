//! CONCURRENTLY runs outside a transaction, so it stands alone in a file whose header says so.

use super::{File, holds};
use crate::file::concurrent;
use crate::schema::Schema;

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
                "`concurrently` does not run in a transaction; put it alone into a file whose header says \
                 `-- tabellion: no-transaction`"
                    .into()
            })
        });
    }
    match file.statements.as_slice() {
        [one] if concurrent(one.text).is_some() => Vec::new(),
        found => {
            let line = found.first().map_or(1, |statement| statement.line);
            let message = "a file outside a transaction holds something else than one `create index \
                           concurrently NAME on SCHEMA.TABLE` or `drop index concurrently SCHEMA.NAME`, which \
                           alone can be taken up where it stopped; put the rest into a file of its own";
            vec![(line, message.into())]
        }
    }
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
        assert_eq!(lines(&format!("{alone}{index}select 1;")), [3]);
        assert_eq!(lines(&format!("{alone}vacuum public.b;")), [3]);
        assert_eq!(lines("drop index concurrently public.a;"), [1]);
        assert_eq!(lines("reindex index concurrently public.a;"), [1]);
        assert!(lines("refresh materialized view concurrently a.b; select 1;").is_empty());
        assert!(lines("create table a.concurrently (id int);").is_empty());
    }
}
