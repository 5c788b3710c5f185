//! The statements that a file outside a transaction may hold, and how each is run so that it can be taken
//! up where it stopped.
//!
//! Source: <https://www.postgresql.org/docs/15/sql-createindex.html> and
//! <https://www.postgresql.org/docs/15/sql-dropindex.html>.

use super::tokens::tokens;
use crate::ident;
use crate::schema::QualifiedName;

/// What a statement does to an index without stopping writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concurrent {
    /// `create index concurrently`.
    Create {
        /// The index, which lies in its table's schema.
        index: QualifiedName,
        /// The table.
        table: QualifiedName,
    },
    /// `drop index concurrently`.
    Drop {
        /// The index.
        index: QualifiedName,
    },
}

impl Concurrent {
    /// The index.
    pub fn index(&self) -> &QualifiedName {
        match self {
            Concurrent::Create { index, .. } | Concurrent::Drop { index } => index,
        }
    }
}

/// How a statement of a file outside a transaction runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// In a transaction of its own, with the row that says so.
    Inside,
    /// Outside any; the index tells how far it came.
    Index(Concurrent),
    /// Outside any; run twice, it does no harm: `vacuum`, `analyze`, `reindex`.
    Repeatable,
}

impl Step {
    /// Reads a statement, given without its semicolon.
    ///
    /// # Errors
    /// Why it may not stand in such a file, with the remedy.
    pub fn read(statement: &str) -> Result<Step, &'static str> {
        let tokens = tokens(statement).unwrap_or_default();
        let words: Vec<String> = tokens.iter().map(|t| t.to_ascii_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["vacuum" | "analyze" | "analyse" | "reindex", ..] => Ok(Step::Repeatable),
            ["create", "index", "concurrently", ..]
            | ["create", "unique", "index", "concurrently", ..]
            | ["drop", "index", "concurrently", ..] => concurrent(statement).map(Step::Index).ok_or(
                "cannot be taken up where it stopped; write `create index concurrently NAME on SCHEMA.TABLE` or \
                 `drop index concurrently SCHEMA.NAME`, without `if exists`",
            ),
            ["begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release", ..]
            | ["prepare", "transaction", ..] => {
                Err("controls a transaction; each statement here runs by itself, so remove it")
            }
            ["set" | "reset", ..] => Err(
                "would hold for its own transaction alone, since each statement here runs by itself; remove it",
            ),
            ["copy", .., "stdin" | "stdout"] => {
                Err("copies from or to the client; write the rows as `insert`")
            }
            ["create" | "drop", "database" | "tablespace" | "subscription", ..]
            | ["alter", "system" | "subscription", ..]
            | ["alter", "table", .., "concurrently" | "finalize"]
            | ["cluster"] => Err(
                "runs outside a transaction, and nothing tells whether it was cut short; run it by hand, or write \
                 it without `concurrently`",
            ),
            _ => Ok(Step::Inside),
        }
    }
}

/// Reads such a statement, given without its semicolon. `None` for any other, for names that leave
/// their schema to the search path, and for `if exists` and `if not exists`, which would take a half-built index for a
/// whole one.
pub fn concurrent(statement: &str) -> Option<Concurrent> {
    let tokens = tokens(statement).ok()?;
    let words: Vec<String> = tokens.iter().map(|t| t.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["create", "unique", "index", "concurrently", ..] => create(&tokens[4..]),
        ["create", "index", "concurrently", ..] => create(&tokens[3..]),
        ["drop", "index", "concurrently", ..] => {
            let (index, rest) = qualified(&tokens[3..])?;
            rest.is_empty().then_some(Concurrent::Drop { index })
        }
        _ => None,
    }
}

/// The statement, given without its semicolon, that builds the same index on another table and lets writes wait
/// meanwhile; `None` where [`concurrent()`] reads no `create` in it.
pub fn built_on(statement: &str, other: &QualifiedName) -> Option<String> {
    let Concurrent::Create { index, .. } = concurrent(statement)? else {
        return None;
    };
    let tokens = tokens(statement).ok()?;
    // Up to NAME, `on` and the table's name, which has its schema.
    let name = tokens
        .iter()
        .position(|t| t.eq_ignore_ascii_case("concurrently"))?
        + 1;
    let unique = if name == 4 { "unique " } else { "" };
    let table = tokens.get(name + 4)?;
    // `tokens` gives parts of `statement`, so that the address tells where a part ends.
    let end = table.as_ptr().addr() - statement.as_ptr().addr() + table.len();
    let index = ident::quote(&index.name);
    Some(format!(
        "create {unique}index {index} on {other}{}",
        &statement[end..]
    ))
}

fn create(tokens: &[&str]) -> Option<Concurrent> {
    let (name, rest) = tokens.split_first()?;
    let (on, rest) = rest.split_first()?;
    let (table, _) = qualified(rest)?;
    let index = QualifiedName::new(table.schema.clone(), part(name)?);
    on.eq_ignore_ascii_case("on")
        .then_some(Concurrent::Create { index, table })
}

/// A name with its schema at the front.
fn qualified<'a, 'b>(tokens: &'a [&'b str]) -> Option<(QualifiedName, &'a [&'b str])> {
    match tokens {
        [schema, ".", name, rest @ ..] => {
            Some((QualifiedName::new(part(schema)?, part(name)?), rest))
        }
        _ => None,
    }
}

/// An identifier as the server reads it: one without quotes in lower case.
fn part(token: &str) -> Option<String> {
    if token.starts_with('"') {
        let (name, rest) = ident::unquote(token)?;
        return rest.is_empty().then_some(name);
    }
    let first = token.chars().next()?;
    (first.is_alphabetic() || first == '_').then(|| token.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_each_runs() {
        for sql in [
            "update a.b set c = 1",
            "refresh materialized view concurrently a.b",
            "truncate a.b",
        ] {
            assert_eq!(Step::read(sql), Ok(Step::Inside), "{sql}");
        }
        for sql in [
            "VACUUM (analyze) a.b",
            "reindex table concurrently a.b",
            "analyze",
        ] {
            assert_eq!(Step::read(sql), Ok(Step::Repeatable), "{sql}");
        }
        let drop = "drop index concurrently a.b";
        assert_eq!(Step::read(drop), Ok(Step::Index(concurrent(drop).unwrap())));
        for (sql, said) in [
            (
                "create index concurrently if not exists a on b.c (d)",
                "taken up",
            ),
            ("commit", "controls a transaction"),
            ("set role a", "by itself"),
            ("copy a.b from stdin", "client"),
            ("alter system set work_mem = 1", "by hand"),
            (
                "alter table a.b detach partition a.c concurrently",
                "cut short",
            ),
        ] {
            let fault = Step::read(sql).unwrap_err();
            assert!(fault.contains(said), "{sql}: {fault}");
        }
    }

    #[test]
    fn the_index_and_its_table_are_read() {
        let create = |index, table: (&str, &str)| {
            Some(Concurrent::Create {
                index: QualifiedName::new(table.0, index),
                table: QualifiedName::new(table.0, table.1),
            })
        };
        for (sql, expected) in [
            (
                "create index concurrently note_idx on public.note (id)",
                create("note_idx", ("public", "note")),
            ),
            (
                "CREATE UNIQUE INDEX\n  CONCURRENTLY \"Note \"\"x\" /* a */ ON \"Desk\" . Note USING btree (id)",
                create("Note \"x", ("Desk", "note")),
            ),
            (
                "drop index concurrently public.note_idx",
                Some(Concurrent::Drop {
                    index: QualifiedName::new("public", "note_idx"),
                }),
            ),
            ("create index concurrently if not exists a on b.c (d)", None),
            ("create index concurrently a on c (d)", None),
            ("create index concurrently on b.c (d)", None),
            ("create index a on b.c (d)", None),
            ("drop index concurrently a", None),
            ("drop index concurrently a.b, a.c", None),
            ("drop index concurrently if exists a.b", None),
            ("vacuum a.b", None),
        ] {
            assert_eq!(concurrent(sql), expected, "{sql}");
        }
    }

    #[test]
    fn the_same_index_on_another_table() {
        let other = QualifiedName::new("pg_temp", "Note");
        for (sql, expected) in [
            (
                "create index concurrently note_idx on public.note (id) where id > 1",
                Some("create index note_idx on pg_temp.\"Note\" (id) where id > 1"),
            ),
            (
                "CREATE UNIQUE INDEX\n CONCURRENTLY \"concurrently\" /* a */ ON \"Desk\" . Note/**/USING btree (note.id)",
                Some(
                    "create unique index \"concurrently\" on pg_temp.\"Note\"/**/USING btree (note.id)",
                ),
            ),
            ("drop index concurrently public.note_idx", None),
            ("create index a on b.c (d)", None),
        ] {
            assert_eq!(built_on(sql, &other).as_deref(), expected, "{sql}");
        }
    }
}
