//! Columns that keys, indexes and partitions name.

use super::Finding;
use crate::schema::{IndexColumn, IndexKey, QualifiedName, Table};

/// Each of them exists.
pub(super) fn columns(name: &QualifiedName, table: &Table, findings: &mut Vec<Finding>) {
    for (what, columns) in lists(table) {
        for column in columns {
            if table.column(column).is_none() {
                let message = format!(
                    "no column `{column}` on table `{}`, which {what} names; add it, or name another",
                    name.name
                );
                findings.push(Finding::new(name, None, message));
            }
        }
    }
}

/// Every list of columns, with what it belongs to.
fn lists(table: &Table) -> Vec<(String, Vec<&String>)> {
    let mut lists = Vec::new();
    if let Some(key) = &table.primary_key {
        lists.push(("the primary key".to_owned(), key.columns.iter().collect()));
    }
    for (name, unique) in &table.uniques {
        let what = format!("unique constraint `{name}`");
        lists.push((what, unique.columns.iter().collect()));
    }
    for (name, key) in &table.foreign_keys {
        let columns = key.columns.iter().chain(&key.on_delete_columns).collect();
        lists.push((format!("foreign key `{name}`"), columns));
    }
    for (name, index) in &table.indexes {
        let keys = index.columns.iter().flat_map(read);
        let predicate = index.predicate.iter().flat_map(|expr| &expr.columns);
        let columns = keys.chain(&index.include).chain(predicate).collect();
        lists.push((format!("index `{name}`"), columns));
    }
    for (name, exclusion) in &table.exclusions {
        let elements = exclusion.elements.iter();
        let keys = elements.flat_map(|element| read(&element.column));
        let predicate = exclusion.predicate.iter().flat_map(|expr| &expr.columns);
        let what = format!("exclusion constraint `{name}`");
        lists.push((what, keys.chain(predicate).collect()));
    }
    if let Some(by) = &table.partition_by {
        lists.push(("the partition key".to_owned(), by.columns.iter().collect()));
    }
    lists
}

/// The columns that a part of an index's key reads.
fn read(column: &IndexColumn) -> Vec<&String> {
    match &column.key {
        IndexKey::Name(name) => vec![name],
        IndexKey::Expression(expr) => expr.columns.iter().collect(),
    }
}
