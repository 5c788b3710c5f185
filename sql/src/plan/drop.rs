//! What goes with a table that is no longer declared.

use crate::schema::{QualifiedName, Schema, Table};

use super::hazard::{Hazard, Subject};
use super::partitions;
use super::statements::{Plan, Step};

/// Drops the table; its partitions, policies, grants and indexes leave in the same instant.
pub(super) fn table(
    from: &Schema,
    to: &Schema,
    name: &QualifiedName,
    table: &Table,
    plan: &mut Plan,
) {
    let mut step = Step::new(format!("drop table {name}"));
    for relation in partitions::relations(name, table) {
        step = step.stops(&relation);
    }
    let references = |other: &&QualifiedName| {
        let mut keys = from.tables[*other].foreign_keys.values();
        to.tables.contains_key(*other) && keys.any(|key| key.table == *name)
    };
    let referencing: Vec<String> = from
        .tables
        .keys()
        .filter(references)
        .map(ToString::to_string)
        .collect();
    let fate = match referencing.is_empty() {
        true => "dropped".to_owned(),
        false => format!(
            "dropped; the rollback needs {} to reference nothing in it",
            referencing.join(" and ")
        ),
    };
    let subject = Subject::new(format!("table {name}"), fate);
    plan.group(&table.source)
        .push(step.with(Hazard::LosesData(subject)));
}
