//! What goes with a table that is no longer declared.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{QualifiedName, Schema, Table};

use super::hazard::{Hazard, Subject};
use super::partitions;
use super::statements::{Plan, Step};

/// The tables that stay and whose foreign keys name one that goes, by the one that goes.
pub(super) fn referencing<'a>(
    from: &'a Schema,
    to: &Schema,
) -> BTreeMap<&'a QualifiedName, BTreeSet<&'a QualifiedName>> {
    let mut referencing: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, table) in &from.tables {
        for key in table.foreign_keys.values() {
            if to.tables.contains_key(name) && !to.tables.contains_key(&key.table) {
                referencing.entry(&key.table).or_default().insert(name);
            }
        }
    }
    referencing
}

/// Drops the table; its partitions, policies, grants and indexes leave in the same instant.
pub(super) fn table(
    name: &QualifiedName,
    table: &Table,
    referencing: Option<&BTreeSet<&QualifiedName>>,
    plan: &mut Plan,
) {
    let mut step = Step::new(format!("drop table {name}"));
    for relation in partitions::relations(name, table) {
        step = step.stops(&relation);
    }
    let fate = match referencing {
        None => "dropped".to_owned(),
        Some(referencing) => format!(
            "dropped; the rollback needs {} to reference nothing in it",
            partitions::join(referencing)
        ),
    };
    let subject = Subject::new(format!("table {name}"), fate);
    plan.group(&table.source)
        .push(step.with(Hazard::LosesData(subject)));
}
