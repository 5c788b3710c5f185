//! The names of what a struct's attributes make, given or as PostgreSQL would choose them, and of finders.

use proc_macro2::{Ident, Span};
use tabellion_sql::ident::object_name;

use crate::Report;
use crate::ast::{At, Index, IndexColumn, IndexKey, Table};
use crate::attr;
use crate::predicate::plain;

/// An index with its name and its finder.
pub(super) fn index_of(table: &Table, index: attr::IndexAttr, report: &mut Report) -> Index {
    let name = named(
        table,
        index.name,
        index.columns.iter(),
        "idx",
        index.span,
        report,
    );
    let fields: Option<Vec<&Ident>> = index.columns.iter().map(IndexColumn::plain).collect();
    // Along these a query can find rows by their columns alone.
    let fields = fields.filter(|_| matches!(index.method.value.as_str(), "btree" | "hash"));
    let finder = match (fields, index.finder) {
        (Some(_), Some(finder)) => Some(finder),
        (Some(fields), None) => Some(At::new(format!("by_{}", joined(&fields)), index.span)),
        (None, Some(finder)) => {
            let why = no_finder(&index.method.value, &index.columns);
            report.at(
                finder.span,
                format!(
                    "index `{}` has no finder, since {why}; remove `finder`",
                    name.value
                ),
            );
            None
        }
        (None, None) => None,
    };
    Index {
        name,
        method: index.method,
        columns: index.columns,
        include: index.include,
        unique: index.unique,
        nulls_not_distinct: index.nulls_not_distinct,
        predicate: index.predicate,
        with: index.with,
        finder,
    }
}

/// Why no query reads along an index by its columns alone.
fn no_finder(method: &str, columns: &[IndexColumn]) -> String {
    if !matches!(method, "btree" | "hash") {
        return format!("`{method}` finds no rows by equal columns");
    }
    let word = columns.iter().find_map(|column| match column {
        IndexColumn {
            collation: Some(_), ..
        } => Some("collate"),
        IndexColumn {
            opclass: Some(_), ..
        } => Some("opclass"),
        _ => None,
    });
    match word {
        Some(word) => format!("by its `{word}` it sorts otherwise than a query does"),
        None => "it holds an expression".to_owned(),
    }
}

/// The name that is given, or the one that PostgreSQL would choose. Of an expression it makes none that
/// would say anything.
pub(super) fn named<'a>(
    table: &Table,
    name: Option<At<String>>,
    parts: impl Iterator<Item = &'a IndexColumn>,
    suffix: &str,
    span: Span,
    report: &mut Report,
) -> At<String> {
    let mut fields = Vec::new();
    let mut expression = None;
    for part in parts {
        match &part.key {
            IndexKey::Field(field) => fields.push(field),
            IndexKey::Sql(sql) => expression = Some(sql),
        }
    }
    if let (None, Some(sql)) = (&name, expression) {
        report.at(
            sql.span,
            "what holds an expression needs a name of its own; add `name = \"...\"`",
        );
    }
    name.unwrap_or_else(|| {
        At::new(
            object_name(&table.name.value, &columns(table, &fields), suffix),
            span,
        )
    })
}

/// Field names joined by underscores.
fn joined(fields: &[&Ident]) -> String {
    let names: Vec<_> = fields.iter().map(|field| plain(field)).collect();
    names.join("_")
}

/// Column names joined by underscores, as PostgreSQL joins them for a name of its own.
pub(super) fn columns(table: &Table, fields: &[&Ident]) -> String {
    let names: Vec<_> = fields
        .iter()
        .map(|field| {
            table
                .column(field)
                .map_or_else(|| plain(field), |column| column.name.value.clone())
        })
        .collect();
    names.join("_")
}
