//! Indexes: what their access method can do.

use proc_macro2::{Ident, Span};
use tabellion_sql::raw::{self, Clause};
use tabellion_sql::schema::Nulls;

use super::keys::{listed, ordered};
use super::{collation, storage, types};
use crate::Report;
use crate::ast::{At, Index, IndexColumn, IndexKey, Table};
use crate::predicate::plain;

/// What an access method can do. Source: `pg_indexam_has_property` of PostgreSQL 15, and the sources of
/// pgvector and bloom.
#[derive(Clone, Copy)]
pub(super) struct Method {
    pub(super) name: &'static str,
    unique: bool,
    several: bool,
    include: bool,
    pub(super) exclusion: bool,
}

const fn method(name: &'static str, several: bool, include: bool, exclusion: bool) -> Method {
    Method {
        name,
        unique: false,
        several,
        include,
        exclusion,
    }
}

/// Only `btree` sorts: an order elsewhere is refused.
const METHODS: [Method; 9] = [
    Method {
        unique: true,
        ..method("btree", true, true, true)
    },
    method("hash", false, false, true),
    method("gist", true, true, true),
    method("spgist", false, true, true),
    method("gin", true, false, false),
    method("brin", true, false, false),
    method("ivfflat", false, false, false),
    method("hnsw", false, false, false),
    method("bloom", true, false, false),
];

/// What is known of a method; `None` for one of an extension that is not known here.
pub(super) fn known_method(name: &str) -> Option<Method> {
    METHODS.into_iter().find(|method| method.name == name)
}

pub(super) fn indexes(table: &Table, report: &mut Report) {
    for index in &table.indexes {
        let what = format!("index `{}`", index.name.value);
        let fields = index.columns.iter().filter_map(IndexColumn::field);
        listed(table, &what, fields.clone().chain(&index.include), report);
        let method = known_method(&index.method.value);
        if let Some(method) = method {
            capabilities(&what, index, method, report);
            storage::parameters(method.name, &index.with, report);
        }
        let sorts = method.is_some_and(|method| method.unique);
        if sorts {
            ordered(table, &what, fields, report);
        }
        for column in &index.columns {
            part(table, &what, column, report);
            if sorts {
                nulls(table, &what, column, report);
            } else {
                let fact = format!("{what} is `{}`", index.method.value);
                no_order(&fact, column, report);
            }
        }
        if let (Some(flag), None) = (index.nulls_not_distinct, index.unique) {
            report.at(
                flag.0,
                format!("{what} is not unique, so no two NULLs meet in it; add `unique`"),
            );
        }
    }
}

fn capabilities(what: &str, index: &Index, method: Method, report: &mut Report) {
    let name = method.name;
    if let (Some(flag), false) = (index.unique, method.unique) {
        report.at(
            flag.0,
            format!(
                "{what} is `{name}`, and only `btree` can be unique; remove `unique` or `method`"
            ),
        );
    }
    if let (Some(second), false) = (index.columns.get(1), method.several) {
        report.at(
            span(second),
            format!(
                "{what} is `{name}`, which holds one column; give this one an index of its own"
            ),
        );
    }
    if let (Some(field), false) = (index.include.first(), method.include) {
        report.at(
            field.span(),
            format!("{what} is `{name}`, which carries no other columns; remove `include`"),
        );
    }
}

/// Where a part of a key begins.
pub(super) fn span(column: &IndexColumn) -> Span {
    match &column.key {
        IndexKey::Field(field) => field.span(),
        IndexKey::Sql(sql) => sql.span,
    }
}

/// An order where nothing is sorted.
pub(super) fn no_order(fact: &str, column: &IndexColumn, report: &mut Report) {
    let descending = column.descending.iter().map(|flag| ("desc", flag.0));
    let nulls = column.nulls.iter().map(|nulls| match nulls.value {
        Nulls::First => ("nulls_first", nulls.span),
        Nulls::Last => ("nulls_last", nulls.span),
    });
    for (word, span) in descending.chain(nulls) {
        report.at(
            span,
            format!("{fact}, so it keeps no order; remove `{word}`"),
        );
    }
}

/// A place for NULLs that is theirs anyway, or that none takes.
fn nulls(table: &Table, what: &str, column: &IndexColumn, report: &mut Report) {
    if let Some(nulls) = &column.nulls {
        let usual = match column.descending {
            Some(_) => Nulls::First,
            None => Nulls::Last,
        };
        let word = match nulls.value {
            Nulls::First => "nulls_first",
            Nulls::Last => "nulls_last",
        };
        if nulls.value == usual {
            report.at(
                nulls.span,
                format!("`{word}` is where NULLs stand in this order anyway; remove it"),
            );
        }
        if let Some(known) = column.field().and_then(|field| table.column(field))
            && !known.nullable
        {
            report.at(
                nulls.span,
                format!(
                    "column `{}` is NOT NULL, so no NULL has a place in {what}; remove `{word}`",
                    known.name.value
                ),
            );
        }
    }
}

/// One part of a key: its expression, where it is one, and its collation.
pub(super) fn part(table: &Table, what: &str, column: &IndexColumn, report: &mut Report) {
    collation::part(table, what, column, report);
    if let IndexKey::Sql(sql) = &column.key {
        expression(table, what, sql, report);
    }
}

/// An expression over the columns of the table, which must give the same for the same row.
fn expression(table: &Table, what: &str, sql: &At<String>, report: &mut Report) {
    let columns: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.value.as_str())
        .collect();
    match raw::expression(&sql.value, &table.name.value, &columns) {
        Err(messages) => {
            for message in messages {
                let message = match message.starts_with("no column") {
                    true => format!("{what}: {message}"),
                    false => format!("{what} holds no valid SQL expression: {message}"),
                };
                report.at(sql.span, message);
            }
        }
        Ok(expr) => {
            let mut refused = raw::refused(&sql.value, Clause::IndexWhere);
            refused.extend(raw::mistyped(&sql.value, Clause::IndexWhere, &types(table)));
            let is_allowed = refused.is_empty();
            for refused in refused {
                report.at(sql.span, format!("{what} cannot {refused}"));
            }
            let column = expr.columns.first().filter(|_| expr.columns.len() == 1);
            if column.is_some_and(|column| is_just(&sql.value, column)) {
                report.at(
                    sql.span,
                    format!("{what} holds a column as an expression; write the field's name"),
                );
            } else if expr.columns.is_empty() && is_allowed {
                report.at(
                    sql.span,
                    format!("{what} holds an expression that reads no column; name one"),
                );
            }
        }
    }
}

fn is_just(sql: &str, column: &str) -> bool {
    sql.trim().trim_matches(['(', ')', '"', ' ']) == column
}

/// A field's name in a message.
pub(super) fn shown(table: &Table, field: &Ident) -> String {
    table
        .column(field)
        .map_or_else(|| plain(field), |column| column.name.value.clone())
}
