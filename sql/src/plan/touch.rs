//! `updated_at`: a trigger that sets the column whenever a row is updated.
//!
//! The function belongs to a PostgreSQL schema and a column's name, and serves every table that has
//! such a column there.

use std::collections::BTreeSet;

use crate::ident::{object_name, quote, quote_dollar};
use crate::schema::{Column, Platform, QualifiedName, Schema, Table};

use super::hazard::LockMode;
use super::statements::{Group, Plan, Step};

/// The function that sets a column of that name, in that PostgreSQL schema.
pub fn touch_function(namespace: &str, column: &str) -> QualifiedName {
    QualifiedName::new(namespace, object_name("touch", column, ""))
}

/// The trigger that calls it; triggers have a namespace for each table.
pub fn touch_trigger(column: &str) -> String {
    object_name("touch", column, "")
}

/// The functions that a schema needs, by their PostgreSQL schema and column.
fn needed(schema: &Schema) -> BTreeSet<(&str, &str)> {
    let tables = schema.tables.iter();
    tables
        .flat_map(|(name, table)| {
            let columns = table.columns.iter().filter(|column| column.updated_at);
            columns.map(|column| (name.schema.as_str(), column.name.as_str()))
        })
        .collect()
}

/// Creates the functions that `to` needs and `from` has not.
pub(super) fn create_functions(from: &Schema, to: &Schema, plan: &mut Plan) {
    let existing = needed(from);
    for (namespace, column) in needed(to) {
        let function = touch_function(namespace, column);
        let group = plan.group("updated_at");
        let revoke = format!(
            "revoke all on function {function}() from {}",
            everyone(to.platform)
        );
        if existing.contains(&(namespace, column)) {
            // It was made where other roles had privileges by default.
            if from.platform != to.platform {
                group.push(revoke);
            }
            continue;
        }
        group.push(format!(
            "create function {function}() returns trigger\n  \
             language plpgsql set search_path = ''\n\
             as {}",
            quote_dollar(&format!(
                "begin\n  new.{} := pg_catalog.now();\n  return new;\nend",
                quote(column)
            ))
        ));
        group.push(revoke);
    }
}

fn everyone(platform: Platform) -> String {
    let mut roles = vec!["public".to_owned()];
    roles.extend(
        platform
            .default_grantees()
            .iter()
            .map(|role| quote(role).into_owned()),
    );
    roles.join(", ")
}

/// Drops the functions that `from` needed and `to` does not.
pub(super) fn drop_functions(from: &Schema, to: &Schema, plan: &mut Plan) {
    let kept = needed(to);
    for (namespace, column) in needed(from) {
        if !kept.contains(&(namespace, column)) {
            let function = touch_function(namespace, column);
            plan.group("updated_at")
                .push(format!("drop function {function}()"));
        }
    }
}

/// The triggers of a new table.
pub(super) fn triggers(name: &QualifiedName, table: &Table, group: &mut Group) {
    for column in table.columns.iter().filter(|column| column.updated_at) {
        group.push(create(name, column));
    }
}

/// The trigger of one column.
pub(super) fn create(name: &QualifiedName, column: &Column) -> Step {
    Step::new(format!(
        "create trigger {} before update on {name}\n  for each row execute function {}()",
        quote(&touch_trigger(&column.name)),
        touch_function(&name.schema, &column.name)
    ))
    .locks(LockMode::ShareRowExclusive, name)
}

/// Takes the trigger of a column away.
pub(super) fn remove(name: &QualifiedName, column: &Column) -> Step {
    let trigger = quote(&touch_trigger(&column.name)).into_owned();
    Step::new(format!("drop trigger {trigger} on {name}"))
        .stops(name)
        .removes(format!("trigger {trigger} on {name}"), "dropped")
}
