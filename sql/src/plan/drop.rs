//! What goes with a table that is no longer declared.

use crate::ident::quote;
use crate::schema::{QualifiedName, Table};

use super::statements::Plan;

/// Drops the foreign keys of a table that goes, so that tables can then go in any order.
pub(super) fn foreign_keys(name: &QualifiedName, table: &Table, plan: &mut Plan) {
    for (key, definition) in &table.foreign_keys {
        if &definition.table != name {
            plan.group(&table.source)
                .push(format!("alter table {name} drop constraint {}", quote(key)));
        }
    }
}

/// Drops the table; its policies, grants and indexes leave in the same instant.
pub(super) fn table(name: &QualifiedName, table: &Table, plan: &mut Plan) {
    plan.losses.push(format!("drops table `{name}`"));
    plan.group(&table.source).push(format!("drop table {name}"));
}
