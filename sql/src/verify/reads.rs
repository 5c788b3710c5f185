//! Which columns a policy's subqueries read, as far as their text tells.
//!
//! A column stands behind its row's name, `select m.shop from public.members m where …`, and a row may be read whole.
//! What may be of another table is of none here: the server refuses it to whoever may not read it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::file::tokens;
use crate::ident::unquote;
use crate::schema::{Expr, QualifiedName, Schema, TableName};

use super::policies::Readable;

/// A column of a table, as something to read.
pub(super) struct Read<'a> {
    pub(super) table: &'a QualifiedName,
    pub(super) column: &'a str,
}

impl Read<'_> {
    /// Whether an expression reads it in a subquery of its own, not by a function.
    pub(super) fn is_in(&self, expr: &Expr, schema: &Schema, readable: &Readable) -> bool {
        let written = expr.written();
        let words = tokens(&written).unwrap_or_default();
        // It may call a query as a table is called.
        if words.iter().any(|word| word.eq_ignore_ascii_case("with")) {
            return false;
        }
        let subqueries = Subqueries::of(words);
        subqueries.named().any(|(at, row)| {
            let is_read = match subqueries.behind(at) {
                [".", "*", ..] | [")", ".", "*", ..] => true,
                [".", column, ..] | [")", ".", column, ..] => folded(column) == self.column,
                ["(", ..] => false,
                _ => subqueries.may_be_whole(at) && !is_column(schema, &row),
            };
            is_read && subqueries.are_rows_of(at, &row, self.table, readable)
        })
    }
}

/// The columns of other tables that an expression reads in subqueries, its own or a function's, each with its table.
/// A column that SQL names without its row is counted where the table of the expression has none of that name.
pub(crate) fn read_elsewhere<'a>(
    expr: &Expr,
    own: &QualifiedName,
    schema: &'a Schema,
) -> Vec<(&'a QualifiedName, &'a str)> {
    if expr.tables.is_empty() {
        return Vec::new();
    }
    let readable = Readable::of(schema);
    let queries = Expr {
        lookups: BTreeMap::new(),
        ..expr.clone()
    };
    let words = tokens(&expr.sql).unwrap_or_default();
    let bare: BTreeSet<String> = (0..words.len())
        .filter(|at| at.checked_sub(1).is_none_or(|before| words[before] != "."))
        .map(|at| folded(words[at]))
        .collect();
    let own = schema.tables.get(own);
    let named = expr.tables.iter().flat_map(|name| readable.named(name));
    let named: BTreeSet<QualifiedName> = named.cloned().collect();
    let tables = schema.tables.iter();
    let tables = tables.filter(|(name, _)| named.contains(*name));
    let mut read = Vec::new();
    for (table, definition) in tables {
        for column in definition.columns.iter().map(|column| &column.name) {
            let is_own = own.is_some_and(|own| own.column(column).is_some());
            let it = Read { table, column };
            if bare.contains(column) && !is_own || it.is_in(&queries, schema, &readable) {
                read.push((table, column.as_str()));
            }
        }
    }
    read
}

/// The column that a function's query gives out, `select m.shop from …`.
pub(super) fn selected(query: &str) -> Option<String> {
    match tokens(query).ok()?[..] {
        ["select", _, ".", column, "from", ..] => Some(folded(column)),
        _ => None,
    }
}

/// Whether a table has a column of that name, which PostgreSQL takes before a row.
fn is_column(schema: &Schema, name: &str) -> bool {
    let mut columns = schema.tables.values().flat_map(|table| &table.columns);
    columns.any(|column| column.name == name)
}

/// The words of an expression, and what its subqueries call the rows that they read.
struct Subqueries<'a> {
    words: Vec<&'a str>,
    /// For each word the parenthesis that it stands in.
    within: Vec<Option<usize>>,
    rows: Vec<Row>,
}

/// `public.members m`, behind `from` or `join`.
struct Row {
    name: String,
    table: TableName,
    words: Range<usize>,
}

impl<'a> Subqueries<'a> {
    fn of(words: Vec<&'a str>) -> Self {
        let mut open = Vec::new();
        let within = words.iter().enumerate().map(|(at, word)| {
            if *word == ")" {
                open.pop();
            }
            let within = open.last().copied();
            if *word == "(" {
                open.push(at);
            }
            within
        });
        let within = within.collect();
        let mut rows = Vec::new();
        for at in 0..words.len() {
            if is_one_of(words[at], &["from", "join"]) {
                let mut next = at + 1;
                while let Some(row) = Row::at(&words, next) {
                    next = row.words.end + 1;
                    let is_last = words.get(row.words.end) != Some(&",");
                    rows.push(row);
                    if is_last {
                        break;
                    }
                }
            }
        }
        Subqueries {
            words,
            within,
            rows,
        }
    }

    /// The words that may name a row, where none is given its name.
    fn named(&self) -> impl Iterator<Item = (usize, String)> {
        let words = self.words.iter().enumerate();
        let used = words.filter(|(at, _)| !self.rows.iter().any(|row| row.words.contains(at)));
        used.filter_map(|(at, word)| Some((at, name(word)?)))
    }

    fn behind(&self, at: usize) -> &[&'a str] {
        &self.words[at + 1..]
    }

    /// Whether a word stands where only a value can.
    fn may_be_whole(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.words[before]);
        let begins = ["(", ",", "select", "where", "and", "or", "not"];
        before.is_some_and(|before| is_one_of(before, &begins))
    }

    /// Whether what a word names are rows of that table and of no other: those of the innermost subquery that has
    /// some of that name.
    fn are_rows_of(
        &self,
        at: usize,
        name: &str,
        table: &QualifiedName,
        readable: &Readable,
    ) -> bool {
        let mut within = Some(self.within[at]);
        while let Some(here) = within {
            let rows = self.rows.iter().filter(|row| row.name == name);
            let mut rows = rows
                .filter(|row| self.within[row.words.start] == here)
                .peekable();
            if rows.peek().is_some() {
                return rows.all(|row| readable.named(&row.table) == [table]);
            }
            within = here.map(|open| self.within[open]);
        }
        false
    }
}

impl Row {
    fn at(words: &[&str], start: usize) -> Option<Row> {
        let (schema, last) = match words.get(start..)? {
            [schema, ".", _, ..] => (Some(folded(schema)), start + 2),
            [_, ..] => (None, start),
            [] => return None,
        };
        // Behind a point a key word is a name too.
        let own = match schema {
            Some(_) => folded(words[last]),
            None => name(words[last])?,
        };
        let is_as = words
            .get(last + 1)
            .is_some_and(|word| is_one_of(word, &["as"]));
        let behind = last + 1 + usize::from(is_as);
        let given = words.get(behind).and_then(|word| name(word));
        let end = behind + usize::from(given.is_some());
        Some(Row {
            table: TableName {
                schema,
                name: own.clone(),
            },
            name: given.unwrap_or(own),
            words: start..end,
        })
    }
}

fn is_one_of(word: &str, wanted: &[&str]) -> bool {
    wanted
        .iter()
        .any(|wanted| word.eq_ignore_ascii_case(wanted))
}

/// What a word names behind a point, where a key word is a name too.
fn folded(word: &str) -> String {
    match word.starts_with('"') {
        true => unquote(word).map_or_else(String::new, |(name, _)| name),
        false => word.to_ascii_lowercase(),
    }
}

/// What a word names, where it is no key word.
fn name(word: &str) -> Option<String> {
    match word.starts_with('"') {
        true => Some(folded(word)),
        false => unquote(&folded(word))
            .filter(|(_, rest)| rest.is_empty())
            .map(|(name, _)| name),
    }
}
