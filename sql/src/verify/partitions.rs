//! Partitions of which PostgreSQL would refuse the second.

use super::Finding;
use crate::schema::bounds::Clash;
use crate::schema::{Partition, QualifiedName, Table};

/// None claims a row of another.
pub(super) fn partitions(name: &QualifiedName, table: &Table, findings: &mut Vec<Finding>) {
    let key = table.partition_key();
    let mut before: Vec<(&String, &Partition)> = Vec::new();
    for (partition, bound) in &table.partitions {
        let mut clashes = before.iter().filter_map(|(first, taken)| {
            let clash = bound.clash(taken, &key)?;
            let value = match (bound, clash) {
                (Partition::List(values), Clash::Value(at)) => &values[at],
                _ => "",
            };
            Some(clash.message(first, partition, value))
        });
        // One is enough: the others follow from the same slip.
        if let Some(message) = clashes.next() {
            findings.push(Finding::new(name, None, message));
        }
        before.push((partition, bound));
    }
}
