//! What goes with a table that is no longer declared.

use crate::schema::{QualifiedName, Table};

use super::hazard::{Hazard, Subject};
use super::partitions;
use super::statements::{Plan, Step};

/// Drops the table; its partitions, policies, grants and indexes leave in the same instant.
pub(super) fn table(name: &QualifiedName, table: &Table, plan: &mut Plan) {
    let mut step = Step::new(format!("drop table {name}"));
    for relation in partitions::relations(name, table) {
        step = step.stops(&relation);
    }
    let subject = Subject::new(format!("table {name}"), "dropped");
    plan.group(&table.source)
        .push(step.with(Hazard::LosesData(subject)));
}
