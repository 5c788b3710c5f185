//! Which membership holds wherever another one does: the same question of fewer rows.
//!
//! More conditions mean fewer rows for plain columns of joined tables alone: counted, a row less is another answer, and
//! behind `except` it is a row more. So only what is read to its end here is a membership.

use std::collections::BTreeSet;

use super::membership::Membership;
use super::parse::{Atom, Terms};
use super::tokens::{is_one_of, lex, name};
use super::universe::{TRUE, Value};
use super::{common, difference};
use crate::ident::quote;
use crate::schema::{Column, Expr, QualifiedName, Schema, Table};

/// Of the terms those that are memberships, each with one that holds where it does.
pub(super) fn implied(terms: &Terms, schemas: [&Schema; 2]) -> Vec<(usize, usize)> {
    let memberships: Vec<(usize, Membership)> = terms
        .atoms
        .iter()
        .enumerate()
        .filter_map(|(at, atom)| match atom {
            Atom::Opaque(text) => Some((at, Membership::read(text, schemas)?)),
            _ => None,
        })
        .collect();
    let pairs = memberships.iter().flat_map(|(one, narrow)| {
        let wider = memberships.iter().filter(move |(_, wide)| {
            let rows = || Rows::of(&narrow.tables, schemas);
            narrow.of == wide.of && rows().hold_all(&narrow.conditions, &wide.conditions)
        });
        wider.map(move |(other, _)| (*one, *other))
    });
    // The same words in two places may read a view, of which each reads other rows.
    pairs
        .filter(|(one, other)| terms.atoms[*one] != terms.atoms[*other])
        .collect()
}

/// Whether a membership can have a truth where a wider one has another: among fewer values there is no match, and no
/// NULL, that is not among more.
pub(super) fn may_be(narrow: Value, wide: Value) -> bool {
    match wide.rank() {
        Some(TRUE) => true,
        Some(_) => narrow == wide,
        None => narrow.rank() != Some(TRUE),
    }
}

/// Whether a truth, where it reads a table, is a membership that more rows of the table can only make true.
pub(super) fn grows_with(text: &str, table: &str, schemas: [&Schema; 2]) -> bool {
    Membership::read(text, schemas).is_some_and(|it| {
        let mut conditions = it.joined.iter().chain(&it.conditions);
        // By itself a name there belongs to the row in question; within a query of its own it is asked anew.
        !conditions.any(|tokens| {
            let mut all = tokens.iter();
            all.any(|token| is_one_of(token, &["select"])) && mention(tokens, table)
        })
    })
}

/// Whether a text names a table, or something else by its name.
pub(super) fn mentions(text: &str, table: &str) -> bool {
    lex(text).is_none_or(|tokens| mention(&tokens, table))
}

fn mention(tokens: &[impl AsRef<str>], table: &str) -> bool {
    let mut names = tokens.iter().filter_map(|token| name(token.as_ref()));
    names.any(|name| name == table)
}

/// The columns of what memberships read, as those of one table.
struct Rows<'a> {
    table: Table,
    /// What more there is to read, before and after.
    schemas: [&'a Schema; 2],
}

impl<'a> Rows<'a> {
    /// Those of the tables that stand in both schemas, as far as they are the same in both.
    fn of(tables: &[(String, QualifiedName)], schemas: [&'a Schema; 2]) -> Rows<'a> {
        let [from, to] = schemas;
        let mut table = Table::new("");
        for (row, name) in tables {
            let (Some(before), Some(after)) = (from.tables.get(name), to.tables.get(name)) else {
                continue;
            };
            let columns = after.columns.iter();
            let columns = columns.filter_map(|column| common(before, after, &column.name));
            table.columns.extend(columns.map(|column| Column {
                name: Rows::name(row, &column.name),
                ..column
            }));
        }
        Rows { table, schemas }
    }

    /// What a column is called among those of all tables.
    fn name(row: &str, column: &str) -> String {
        format!("{row}.{column}")
    }

    /// Conditions as one predicate over these columns; none where there are none.
    fn expr(&self, conditions: &[Vec<String>]) -> Option<Expr> {
        let (mut sql, mut columns): (Vec<String>, BTreeSet<String>) = Default::default();
        for token in conditions.join(&"and".to_owned()) {
            let column = match &*sql {
                [.., row, dot] if dot == "." => name(&token).map(|it| Rows::name(row, &it)),
                _ => None,
            };
            match column.filter(|column| self.table.column(column).is_some()) {
                Some(column) => {
                    sql.truncate(sql.len() - 2);
                    sql.push(quote(&column).into_owned());
                    columns.insert(column);
                }
                None => sql.push(token),
            }
        }
        (!sql.is_empty()).then(|| Expr::new(sql.join(" "), columns))
    }

    /// Whether conditions hold of all rows of which others do.
    fn hold_all(&self, conditions: &[Vec<String>], asked: &[Vec<String>]) -> bool {
        asked.iter().all(|asked| self.hold(conditions, asked))
    }

    /// Whether a condition holds of all rows of which others do.
    fn hold(&self, conditions: &[Vec<String>], asked: &Vec<String>) -> bool {
        let [from, to] = self.schemas;
        let follows = |narrow: &[Vec<String>]| {
            let (wide, narrow) = (self.expr(std::slice::from_ref(asked)), self.expr(narrow));
            let side = |expr, schema| (expr, &self.table, schema);
            let found = difference(side(wide.as_ref(), from), side(narrow.as_ref(), to));
            found.is_ok_and(|it| it.wider.is_none())
        };
        // What stands twice in all together may count as two values.
        conditions.contains(asked) || follows(conditions) || conditions.chunks(1).any(follows)
    }
}
