//! `updated_at`: a trigger that sets the column whenever a row is updated.
//!
//! The function belongs to a PostgreSQL schema and a column's name, and serves every table that has
//! such a column there. Where one of them is a `timestamp` without time zone, it runs in UTC: whatever
//! the time zone of the session, such a column holds the time in UTC.

use std::collections::BTreeMap;

use crate::ident::{distinct_name, quote, quote_dollar};
use crate::schema::{Column, Platform, QualifiedName, Schema, Table, Type};

use super::hazard::LockMode;
use super::statements::{Group, Plan, Step};

/// The function that sets a column of that name, in that PostgreSQL schema.
pub fn touch_function(namespace: &str, column: &str) -> QualifiedName {
    QualifiedName::new(namespace, distinct_name("touch", column, ""))
}

/// The trigger that calls it; triggers have a namespace for each table.
pub fn touch_trigger(column: &str) -> String {
    distinct_name("touch", column, "")
}

/// The functions that a schema needs, by their PostgreSQL schema and column, and whether they run in UTC.
fn needed(schema: &Schema) -> BTreeMap<(&str, &str), bool> {
    let mut needed = BTreeMap::new();
    for (name, table) in &schema.tables {
        for column in table.columns.iter().filter(|column| column.updated_at) {
            let in_utc = needed
                .entry((name.schema.as_str(), column.name.as_str()))
                .or_insert(false);
            *in_utc |= matches!(column.ty, Type::Timestamp(_));
        }
    }
    needed
}

/// Creates the functions that `to` needs and `from` has not.
pub(super) fn create_functions(from: &Schema, to: &Schema, plan: &mut Plan) {
    let existing = needed(from);
    for ((namespace, column), in_utc) in needed(to) {
        let function = touch_function(namespace, column);
        let group = plan.group("updated_at");
        let revoke = format!(
            "revoke all on function {function}() from {}",
            everyone(to.platform)
        );
        if let Some(&was_in_utc) = existing.get(&(namespace, column)) {
            match (was_in_utc, in_utc) {
                (false, true) => {
                    group.push(format!("alter function {function}() set timezone = 'UTC'"))
                }
                (true, false) => group.push(format!("alter function {function}() reset timezone")),
                _ => {}
            }
            // It was made where other roles had privileges by default.
            if from.platform != to.platform {
                group.push(revoke);
            }
            continue;
        }
        let zone = if in_utc { " set timezone = 'UTC'" } else { "" };
        group.push(format!(
            "create function {function}() returns trigger\n  \
             language plpgsql set search_path = ''{zone}\n\
             as {}",
            quote_dollar(&format!(
                "begin\n  new.{} := pg_catalog.now();\n  return new;\nend",
                quote(column)
            ))
        ));
        group.push(revoke);
    }
}

/// Who has privileges on a new function by default.
pub(super) fn everyone(platform: Platform) -> String {
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
    for (namespace, column) in needed(from).into_keys() {
        if !kept.contains_key(&(namespace, column)) {
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
