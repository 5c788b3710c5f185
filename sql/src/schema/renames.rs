//! What was renamed, and what was not. Two schemas alone cannot tell.

use std::collections::BTreeMap;

use super::QualifiedName;

/// What to do where an earlier name is one that something still has. It ends an error.
pub const STEPWISE: &str = "rename in one migration after another, first what has that name now; of two that exchange \
                            their names one takes a third name first and its own last";

/// What the attributes say about names that differ between the sealed schema and the declared one.
/// It is no part of either: once sealed, it has had its say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// By the declared table.
    pub tables: BTreeMap<QualifiedName, TableRenames>,
}

/// What the attributes of one struct say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableRenames {
    /// The table's earlier name: `#[table(renamed_from = "…")]`.
    pub from: Option<QualifiedName>,
    /// A table that goes and is not this one under another name: `#[table(replaces = "…")]`.
    pub replaces: Option<QualifiedName>,
    /// By the declared column, its earlier name: `#[column(renamed_from = "…")]`.
    pub columns: BTreeMap<String, String>,
    /// By the declared column, one that goes and is not this one: `#[column(replaces = "…")]`.
    pub replaced_columns: BTreeMap<String, String>,
    /// By the declared partition, its earlier name: `#[partition(renamed_from = "…")]`.
    pub partitions: BTreeMap<String, String>,
}
