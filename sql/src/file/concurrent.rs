//! The statements that a file outside a transaction may hold: an index built or dropped concurrently.
//!
//! Source: <https://www.postgresql.org/docs/15/sql-createindex.html> and
//! <https://www.postgresql.org/docs/15/sql-dropindex.html>.

use super::statements::tokens;
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
}
