//! Some statements PostgreSQL refuses inside a transaction, and a migration is one.
//!
//! Source: the calls of `PreventInTransactionBlock` in PostgreSQL 15, `src/backend/tcop/utility.c` and
//! `src/backend/commands`. What is built or dropped concurrently has a rule of its own.

use super::{File, holds};
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "needs-no-transaction",
    level: Level::Lint,
    summary: "a statement that PostgreSQL refuses inside a transaction",
    text: "\
Why:
  A migration is one transaction, so that it takes place as a whole or not at all.

To mend it:
  Run the statement by hand, beside the migrations. `vacuum` may stand in a file whose header says
  `-- tabellion: no-transaction`.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file.header.no_transaction {
        // Of those, such a file holds none either, as another rule says.
        return Vec::new();
    }
    file.each(|words| {
        let what = match words {
            ["vacuum", ..] => "vacuum",
            ["cluster"] | ["cluster", "verbose"] => "cluster",
            ["create", "database", ..] => "create database",
            ["drop", "database", ..] => "drop database",
            ["alter", "database", _, "set", "tablespace", ..] => "alter database",
            ["alter", "system", ..] => "alter system",
            ["create", "tablespace", ..] => "create tablespace",
            ["drop", "tablespace", ..] => "drop tablespace",
            // One that makes, or drops, a replication slot.
            ["create", "subscription", ..] if !is_off(words, "create_slot") && !is_off(words, "connect") => {
                "create subscription"
            }
            ["drop", "subscription", ..] => "drop subscription",
            ["reindex", rest @ ..] if reindexes_many(rest) => "reindex",
            _ => return None,
        };
        Some(format!(
            "`{what}` does not run in a transaction, and a migration is one; run it by hand, beside the \
             migrations"
        ))
    })
}

/// REINDEX of more than a table or an index, whatever its options.
fn reindexes_many(rest: &[&str]) -> bool {
    let rest = match rest {
        ["(", ..] => {
            let end = rest.iter().position(|word| *word == ")");
            &rest[end.map_or(rest.len(), |end| end + 1)..]
        }
        rest => rest,
    };
    matches!(rest, ["schema" | "database" | "system", ..])
}

/// Whether an option is set to false.
fn is_off(words: &[&str], option: &str) -> bool {
    let off = ["false", "off", "0", "'false'", "'off'", "'0'"];
    off.iter().any(|value| holds(words, &[option, "=", value]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn needs_no_transaction() {
        let lines = |sql: &str| lines("needs-no-transaction", sql, &Schema::default());
        for sql in [
            "vacuum;",
            "VACUUM (analyze) a.b;",
            "cluster;",
            "create database a;",
            "drop database if exists a;",
            "alter database a set tablespace b;",
            "alter system set work_mem = '1MB';",
            "create tablespace a location '/srv';",
            "drop tablespace a;",
            "create subscription a connection 'x' publication b;",
            "drop subscription a;",
            "reindex schema a;",
            "reindex (verbose) database a;",
        ] {
            assert_eq!(lines(&format!("select 1;\n{sql}")), [2], "{sql}");
        }
        for sql in [
            "analyze a.b;",
            "cluster a.b using c;",
            "alter database a set search_path = 'b';",
            "create subscription a connection 'x' publication b with (create_slot = false);",
            "reindex table a.b;",
            "reindex (verbose) index a.b;",
            "comment on database a is 'vacuum';",
            "create table a.vacuum (id int);",
        ] {
            assert!(lines(sql).is_empty(), "{sql}");
        }
        assert!(lines("-- tabellion: no-transaction\n\nvacuum;").is_empty());
    }
}
