//! What goes with a table that is no longer declared.

use crate::schema::{QualifiedName, Table};

use super::statements::Plan;

/// Drops the table; its policies, grants and indexes leave in the same instant.
pub(super) fn table(name: &QualifiedName, table: &Table, plan: &mut Plan) {
    plan.losses.push(format!("drops table `{name}`"));
    plan.group(&table.source).push(format!("drop table {name}"));
}
