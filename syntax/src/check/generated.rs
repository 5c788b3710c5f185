//! Columns that nobody sets: generated ones, and those that a trigger keeps.

use proc_macro2::Span;
use tabellion_sql::raw::{self, Clause};
use tabellion_sql::schema::{ReferentialAction, Type};

use super::types;
use crate::Report;
use crate::ast::{At, Column, ForeignKey, Table, TypeRef};
use crate::attr::ColumnAttr;
use crate::predicate::plain;

/// What one field shows: a second value beside the one that the server makes.
pub(super) fn column(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    let name = &column.name.value;
    let numbered = attr.generated.first().map(|at| at.span);
    if column.computed.is_some() {
        let others = [
            (numbered, "numbered"),
            (attr.updated_at, "kept by `updated_at`"),
        ];
        for (span, what) in others {
            if let Some(span) = span {
                report.at(
                    span,
                    format!("column `{name}` is generated and cannot be {what} too; keep one"),
                );
            }
        }
        if let Some(default) = &column.default {
            report.at(
                default.span,
                format!("column `{name}` is generated, which leaves nothing to a default; remove `default`"),
            );
        }
    }
    if let Some(version) = attr.version {
        self::version(column, attr, version, report);
    }
    let Some(updated_at) = attr.updated_at else {
        return;
    };
    let is_timestamp = matches!(
        column.ty,
        TypeRef::Known(Type::Timestamp(_) | Type::Timestamptz(_))
            | TypeRef::Stated(Type::Timestamp(_) | Type::Timestamptz(_))
    );
    if !is_timestamp {
        report.at(
            updated_at,
            format!(
                "`updated_at` keeps the time of an update, and column `{name}` is no timestamp; use `Timestamp`"
            ),
        );
    }
    if let Some(default) = &column.default {
        report.at(
            default.span,
            format!("column `{name}` is `updated_at`, whose default is `now()`; remove `default`"),
        );
    }
}

/// A column that every update raises by one.
fn version(column: &Column, attr: &ColumnAttr, span: Span, report: &mut Report) {
    let name = &column.name.value;
    let is_integer = matches!(
        column.ty,
        TypeRef::Known(Type::Int2 | Type::Int4 | Type::Int8)
    );
    if !is_integer || column.nullable {
        report.at(
            span,
            format!("`version` counts updates, and column `{name}` cannot; make the field an `i32` or `i64`"),
        );
    }
    let numbered = attr.generated.first().map(|at| at.span);
    let computed = column.computed.as_ref().map(|at| at.span);
    let others = [
        (numbered, "numbered"),
        (computed, "generated"),
        (attr.updated_at, "`updated_at`"),
        (attr.primary_key, "the primary key"),
    ];
    for (span, what) in others {
        if let Some(span) = span {
            report.at(
                span,
                format!("column `{name}` is the row's version and cannot be {what} too; keep one"),
            );
        }
    }
    if let Some(default) = &column.default {
        report.at(
            default.span,
            format!("column `{name}` is the row's version, which begins at 0; remove `default`"),
        );
    }
}

/// What the whole struct shows: the columns that each expression reads.
pub(super) fn generated(table: &Table, report: &mut Report) {
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.value.as_str())
        .collect();
    for column in &table.columns {
        if let Some(sql) = &column.computed {
            expression(table, column, sql, &names, report);
        }
    }
    let mut versions = table.columns.iter().filter(|column| column.version);
    if let (Some(first), Some(second)) = (versions.next(), versions.next()) {
        report.at(
            second.ident.span(),
            format!(
                "table `{}` has two versions, columns `{}` and `{}`; keep one",
                table.name.value, first.name.value, second.name.value
            ),
        );
    }
    for key in &table.foreign_keys {
        actions(table, key, report);
    }
}

fn expression(
    table: &Table,
    column: &Column,
    sql: &At<String>,
    names: &[&str],
    report: &mut Report,
) {
    let name = &column.name.value;
    let what = format!("generated column `{name}`");
    let read = match raw::expression(&sql.value, &table.name.value, names) {
        Ok(read) => read,
        Err(messages) => {
            for message in messages {
                report.at(
                    sql.span,
                    format!("{what} is not a valid SQL expression: {message}"),
                );
            }
            return;
        }
    };
    let refused = raw::refused(&sql.value, Clause::Generated).into_iter();
    let mistyped = raw::mistyped(&sql.value, Clause::Generated, &types(table));
    for refused in refused.chain(mistyped) {
        report.at(sql.span, format!("{what} cannot {refused}"));
    }
    // https://www.postgresql.org/docs/15/ddl-generated-columns.html
    let computed = table
        .columns
        .iter()
        .filter(|other| other.computed.is_some());
    for other in computed {
        let other = &other.name.value;
        if !read.columns.contains(other) {
            continue;
        }
        let message = match other == name {
            true => format!("{what} cannot read itself; name other columns"),
            false => format!(
                "{what} cannot read the generated column `{other}`; repeat its expression over plain columns"
            ),
        };
        report.at(sql.span, message);
    }
}

/// A foreign key whose action would set a generated column.
fn actions(table: &Table, key: &ForeignKey, report: &mut Report) {
    let computed = key.columns.iter().find(|field| {
        let column = table.column(field);
        column.is_some_and(|column| column.computed.is_some())
    });
    let Some(field) = computed else {
        return;
    };
    let set = |action: &ReferentialAction| {
        matches!(
            action,
            ReferentialAction::SetNull | ReferentialAction::SetDefault
        )
    };
    let on_delete = key.options.on_delete.as_ref();
    let on_update = key.options.on_update.as_ref();
    let refused = [
        on_delete.filter(|action| set(&action.value)),
        on_update.filter(|action| set(&action.value) || action.value == ReferentialAction::Cascade),
    ];
    for action in refused.into_iter().flatten() {
        report.at(
            action.span,
            format!(
                "the action would set column `{}`, which is generated; use `restrict` or `no_action`",
                plain(field)
            ),
        );
    }
}
