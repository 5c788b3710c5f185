//! What a new table needs, closed before it is opened.

use crate::ident::{object_name, quote, quote_literal};
use crate::schema::{Column, Generated, Index, Platform, QualifiedName, Table, Type};

use super::rls;
use super::statements::Plan;

/// Everything about a new table but its foreign keys, which wait for the other tables.
pub(super) fn table(name: &QualifiedName, table: &Table, platform: Platform, plan: &mut Plan) {
    let mut lines: Vec<String> = table.columns.iter().map(column).collect();
    if let Some(key) = &table.primary_key {
        lines.push(format!(
            "constraint {} primary key ({})",
            quote(&key.name),
            columns(&key.columns)
        ));
    }
    for (unique, definition) in &table.uniques {
        lines.push(format!(
            "constraint {} {}",
            quote(unique),
            unique_definition(&definition.columns)
        ));
    }
    for (check, definition) in &table.checks {
        lines.push(format!(
            "constraint {} check ({})",
            quote(check),
            definition.expr.sql
        ));
    }
    let group = plan.group(&table.source);
    group.push(format!(
        "create table {name} (\n  {}\n)",
        lines.join(",\n  ")
    ));
    // Row-level security and the revokes stand before a row or a grant can.
    rls::enable(name, table, group);
    rls::revoke_defaults(name, table, platform, group);
    for (index, definition) in &table.indexes {
        group.push(create_index(name, index, definition));
    }
    if !rls::reads_other_tables(table) {
        rls::open(name, table, group);
    }
    for comment in comments(name, None, table) {
        group.push(comment);
    }
}

pub(super) fn unique_definition(names: &[String]) -> String {
    format!("unique ({})", columns(names))
}

/// Names quoted and joined, as they stand between parentheses.
pub(super) fn columns(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| quote(name)).collect();
    quoted.join(", ")
}

/// A column as it stands in `create table` and `add column`.
pub(super) fn column(column: &Column) -> String {
    let ty = match (column.generated, &column.ty) {
        (Some(Generated::Serial), Type::Int2) => "smallserial".to_owned(),
        (Some(Generated::Serial), Type::Int8) => "bigserial".to_owned(),
        (Some(Generated::Serial), _) => "serial".to_owned(),
        (_, ty) => ty.to_string(),
    };
    let mut text = format!("{} {ty}", quote(&column.name));
    if !column.nullable {
        text.push_str(" not null");
    }
    if let Some(identity) = identity(column.generated) {
        text.push_str(&format!(" generated {identity} as identity"));
    }
    if let Some(default) = &column.default {
        text.push_str(&format!(" default {default}"));
    }
    text
}

/// The keywords between `generated` and `as identity`.
pub(super) fn identity(generated: Option<Generated>) -> Option<&'static str> {
    match generated {
        Some(Generated::IdentityAlways) => Some("always"),
        Some(Generated::IdentityByDefault) => Some("by default"),
        Some(Generated::Serial) | None => None,
    }
}

/// The sequence that a numbered column owns, under the name that PostgreSQL gives it.
pub(super) fn sequence(name: &QualifiedName, column: &Column) -> Option<QualifiedName> {
    column.generated?;
    let sequence = object_name(&name.name, &column.name, "seq");
    Some(QualifiedName::new(&name.schema, sequence))
}

/// The sequence of a serial column, which whoever inserts must be allowed to use.
pub(super) fn serial_sequence(name: &QualifiedName, column: &Column) -> Option<QualifiedName> {
    sequence(name, column).filter(|_| column.generated == Some(Generated::Serial))
}

pub(super) fn create_index(name: &QualifiedName, index: &str, definition: &Index) -> String {
    let unique = if definition.unique { "unique " } else { "" };
    let columns: Vec<String> = definition
        .columns
        .iter()
        .map(|column| {
            let order = if column.descending { " desc" } else { "" };
            format!("{}{order}", quote(column.name().unwrap_or_default()))
        })
        .collect();
    let mut text = format!(
        "create {unique}index {} on {name} ({})",
        quote(index),
        columns.join(", ")
    );
    if let Some(predicate) = &definition.predicate {
        text.push_str(&format!(" where {}", predicate.sql));
    }
    text
}

/// The comments that `after` has and `before` lacks, or has otherwise.
pub(super) fn comments(name: &QualifiedName, before: Option<&Table>, after: &Table) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |on: String, from: Option<&String>, to: Option<&String>| {
        if from != to {
            let text = to.map_or("null".to_owned(), |text| quote_literal(text));
            out.push(format!("comment on {on} is {text}"));
        }
    };
    let reason = |table: &Table| rls::table_comment(table);
    say(
        format!("table {name}"),
        before.and_then(reason).as_ref(),
        reason(after).as_ref(),
    );
    for column in &after.columns {
        let earlier = before.and_then(|table| table.column(&column.name));
        say(
            format!("column {name}.{}", quote(&column.name)),
            earlier.and_then(|column| column.comment.as_ref()),
            column.comment.as_ref(),
        );
    }
    out
}
