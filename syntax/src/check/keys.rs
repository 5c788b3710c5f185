//! Lists of columns: keys, indexes, foreign keys.

use proc_macro2::Ident;
use tabellion_sql::raw;
use tabellion_sql::schema::{ReferentialAction, Type};

use crate::Report;
use crate::ast::{At, ForeignKey, Table, TypeRef};
use crate::predicate::plain;

/// A name that stands for no field, in the words that every other unknown column gets.
pub(super) fn known(table: &Table, field: &Ident, report: &mut Report) -> bool {
    let found = table.column(field).is_some();
    if !found {
        let fields: Vec<String> = table
            .columns
            .iter()
            .map(|column| plain(&column.ident))
            .collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        report.at(
            field.span(),
            raw::unknown_column(&plain(field), &table.name.value, &fields),
        );
    }
    found
}

/// PostgreSQL's limit on the columns of an index, and so of a key (INDEX_MAX_KEYS).
pub(super) const MAX_KEYS: usize = 32;

/// Every field exists, none stands twice, and they are not too many for an index.
pub(super) fn listed<'a>(
    table: &Table,
    what: &str,
    fields: impl Iterator<Item = &'a Ident>,
    report: &mut Report,
) {
    let fields: Vec<&Ident> = fields.collect();
    named(table, what, &fields, report);
    if let Some(field) = fields.get(MAX_KEYS) {
        report.at(
            field.span(),
            format!("{what} has more than {MAX_KEYS} columns, PostgreSQL's limit; drop some"),
        );
    }
}

/// Every field exists, and none stands twice.
pub(super) fn named(table: &Table, what: &str, fields: &[&Ident], report: &mut Report) {
    for (index, field) in fields.iter().enumerate() {
        let seen = &fields[..index];
        if known(table, field, report) && seen.contains(field) {
            report.at(
                field.span(),
                format!(
                    "column `{}` stands twice in {what}; remove one",
                    plain(field)
                ),
            );
        }
    }
}

/// Types without a btree operator class: no index sorts them, and so no key can hold them.
/// Source: `pg_type` of PostgreSQL 15 without the `opcintype` of its default btree classes.
const UNORDERED: [&str; 12] = [
    "json", "jsonpath", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "xid",
    "cid",
];

pub(super) fn ordered<'a>(
    table: &Table,
    what: &str,
    fields: impl Iterator<Item = &'a Ident>,
    report: &mut Report,
) {
    for field in fields {
        if let Some(column) = table.column(field)
            && let TypeRef::Stated(ty) = &column.ty
            && has_no_order(ty)
        {
            report.at(
                field.span(),
                format!(
                    "column `{}` is `{ty}`, which has no order, and {what} needs one; leave it out",
                    column.name.value
                ),
            );
        }
    }
}

/// An array is ordered by its elements.
fn has_no_order(ty: &Type) -> bool {
    match ty {
        Type::Array(element) => has_no_order(element),
        Type::Named(name) => UNORDERED.contains(&name.to_ascii_lowercase().as_str()),
        _ => false,
    }
}

pub(super) fn keys(table: &Table, report: &mut Report) {
    let key = "the primary key";
    listed(table, key, table.primary_key.iter(), report);
    ordered(table, key, table.primary_key.iter(), report);
    for field in &table.primary_key {
        // `serial` and `identity` have said the same already.
        if let Some(column) = table.column(field)
            && column.nullable
            && column.generated.is_none()
        {
            report.at(
                field.span(),
                format!(
                    "primary key column `{}` is an `Option`, and a primary key is never NULL; remove the `Option`",
                    column.name.value
                ),
            );
        }
    }
    for unique in &table.uniques {
        let what = format!("unique constraint `{}`", unique.name.value);
        listed(table, &what, unique.columns.iter(), report);
        ordered(table, &what, unique.columns.iter(), report);
    }
}

pub(super) fn foreign_keys(table: &Table, report: &mut Report) {
    for key in &table.foreign_keys {
        let what = format!("foreign key `{}`", key.name.value);
        listed(table, &what, key.columns.iter(), report);
        for (index, field) in key.references.iter().enumerate() {
            if key.references[..index].contains(field) {
                report.at(
                    field.span(),
                    format!(
                        "column `{}` of `{}` is referenced twice; remove one",
                        plain(field),
                        key.table.text()
                    ),
                );
            }
        }
        actions(table, key, report);
    }
}

/// What PostgreSQL accepts in the schema and refuses when a referenced row is deleted or changed.
fn actions(table: &Table, key: &ForeignKey, report: &mut Report) {
    let options = &key.options;
    for field in &options.on_delete_columns {
        if known(table, field, report) && !key.columns.contains(field) {
            report.at(
                field.span(),
                format!(
                    "column `{}` is not in foreign key `{}`, whose columns alone an action touches; name \
                     one of them",
                    plain(field),
                    key.name.value
                ),
            );
        }
    }
    if let Some(action) = &options.on_delete {
        let named = &options.on_delete_columns;
        if !named.is_empty() && key.columns.iter().all(|field| named.contains(field)) {
            let word = action.value.as_sql().replace(' ', "_");
            report.at(
                action.span,
                format!("`{word}` touches every column of the key by itself; write `{word}`"),
            );
        }
        let fields = match options.on_delete_columns.as_slice() {
            [] => key.columns.clone(),
            some => some
                .iter()
                .filter(|field| key.columns.contains(field))
                .cloned()
                .collect(),
        };
        stays_filled(table, action, &fields, report);
    }
    if let Some(action) = &options.on_update {
        stays_filled(table, action, &key.columns, report);
    }
}

/// An action that would put NULL into a column that takes none.
fn stays_filled(
    table: &Table,
    action: &At<ReferentialAction>,
    fields: &[Ident],
    report: &mut Report,
) {
    let stays_null = |field: &&Ident| {
        table.column(field).is_some_and(|column| {
            match action.value {
                // That such a column cannot be set is said of it already.
                _ if column.computed.is_some() => false,
                ReferentialAction::SetNull => !column.nullable,
                ReferentialAction::SetDefault => !column.nullable && !column.is_filled(),
                _ => false,
            }
        })
    };
    let Some(field) = fields.iter().find(stays_null) else {
        return;
    };
    let column = plain(field);
    let message = match action.value {
        ReferentialAction::SetNull => format!(
            "`set_null` would put NULL into column `{column}`, which is NOT NULL; make the field an \
             `Option`, or use another action"
        ),
        _ => format!(
            "`set_default` would put NULL into column `{column}`, which is NOT NULL and has no default; \
             give it one, or use another action"
        ),
    };
    report.at(action.span, message);
}
