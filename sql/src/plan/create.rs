//! What a new table needs, closed before it is opened.

use crate::ident::{object_name, quote, quote_literal};
use crate::schema::{
    Column, ForeignKey, Generated, Index, Platform, QualifiedName, ReferentialAction, Table, Type,
};

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
    for (policy, definition) in table.rls.policies() {
        group.push(rls::create_policy(name, policy, definition));
    }
    rls::grants(name, None, table, group);
    for comment in comments(name, None, table) {
        group.push(comment);
    }
}

/// The foreign keys that `after` has and `before` lacks, or has otherwise.
pub(super) fn foreign_keys(
    name: &QualifiedName,
    before: Option<&Table>,
    after: &Table,
    plan: &mut Plan,
) {
    for (key, definition) in &after.foreign_keys {
        if before.and_then(|table| table.foreign_keys.get(key)) != Some(definition) {
            plan.group(&after.source).push(format!(
                "alter table {name} add constraint {} {}",
                quote(key),
                foreign_key(definition)
            ));
        }
    }
}

fn foreign_key(key: &ForeignKey) -> String {
    let mut text = format!(
        "foreign key ({}) references {} ({})",
        columns(&key.columns),
        key.table,
        columns(&key.references)
    );
    if key.on_delete != ReferentialAction::NoAction {
        text.push_str(&format!(" on delete {}", key.on_delete.as_sql()));
    }
    text
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

/// The sequence that a serial column owns, under the name that PostgreSQL gives it.
pub(super) fn serial_sequence(name: &QualifiedName, column: &Column) -> Option<QualifiedName> {
    (column.generated == Some(Generated::Serial))
        .then(|| QualifiedName::new(&name.schema, object_name(&name.name, &column.name, "seq")))
}

pub(super) fn create_index(name: &QualifiedName, index: &str, definition: &Index) -> String {
    let unique = if definition.unique { "unique " } else { "" };
    let columns: Vec<String> = definition
        .columns
        .iter()
        .map(|column| {
            let order = if column.descending { " desc" } else { "" };
            format!("{}{order}", quote(&column.name))
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
