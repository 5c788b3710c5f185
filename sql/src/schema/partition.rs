//! Partitions of a table.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Schema, Table};
use crate::ident::{distinct_name, summed_name};

/// How a table spreads its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionBy {
    /// The strategy.
    pub strategy: PartitionStrategy,
    /// The columns of the partition key, in order.
    pub columns: Vec<String>,
}

/// A way of spreading rows over partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionStrategy {
    /// By ranges of the key.
    Range,
    /// By lists of values of one column.
    List,
    /// By the remainder of the key's hash.
    Hash,
}

impl PartitionStrategy {
    /// The SQL keyword.
    pub fn as_sql(self) -> &'static str {
        match self {
            PartitionStrategy::Range => "range",
            PartitionStrategy::List => "list",
            PartitionStrategy::Hash => "hash",
        }
    }
}

/// Which rows a partition holds. Values are SQL literals.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// From one key, inclusive, to another, exclusive; `minvalue` and `maxvalue` stand for no end.
    Range {
        /// The first key.
        from: Vec<String>,
        /// The key after the last.
        to: Vec<String>,
    },
    /// These values, in whatever order.
    List(Vec<String>),
    /// The keys whose hash leaves this remainder.
    Hash {
        /// The number of partitions that would be complete.
        modulus: u32,
        /// Which of them this is.
        remainder: u32,
    },
    /// Whatever no other partition holds.
    Default,
}

impl PartialEq for Partition {
    fn eq(&self, other: &Partition) -> bool {
        let sorted = |values: &[String]| values.iter().cloned().collect::<BTreeSet<String>>();
        match (self, other) {
            (Partition::List(some), Partition::List(others)) => sorted(some) == sorted(others),
            _ => self.as_sql() == other.as_sql(),
        }
    }
}

impl Eq for Partition {}

impl Partition {
    /// The bound as it stands behind `partition of …`.
    pub fn as_sql(&self) -> String {
        match self {
            Partition::Range { from, to } => format!(
                "for values from ({}) to ({})",
                from.join(", "),
                to.join(", ")
            ),
            Partition::List(values) => format!("for values in ({})", values.join(", ")),
            Partition::Hash { modulus, remainder } => {
                format!("for values with (modulus {modulus}, remainder {remainder})")
            }
            Partition::Default => "default".to_owned(),
        }
    }
}

/// A partition's own index in one of its table, or its part in a foreign key into its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share<'a> {
    pub(crate) partition: &'a str,
    /// The index of the table, the constraint that has one, or the foreign key of whichever table.
    pub(crate) index: &'a str,
}

impl Share<'_> {
    /// The name of the share, which every share is given in place of one that PostgreSQL makes up. It follows
    /// from the two names alone, and no other two have it, so that it changes along with the index and clashes
    /// with nothing but what is declared under that name. PostgreSQL ends none so of those that it makes up.
    pub(crate) fn name(&self) -> String {
        let Share { partition, index } = self;
        // Where one of them holds an underscore, others may be the same when joined.
        match partition.contains('_') || index.contains('_') {
            true => summed_name(partition, index, "part"),
            false => distinct_name(partition, index, "part"),
        }
    }
}

impl Table {
    /// The names of its indexes, those of constraints included.
    pub(crate) fn index_names(&self) -> impl Iterator<Item = &String> {
        let key = self.primary_key.iter().map(|key| &key.name);
        key.chain(self.uniques.keys())
            .chain(self.exclusions.keys())
            .chain(self.indexes.keys())
    }

    /// The names of its constraints.
    pub(crate) fn constraint_names(&self) -> impl Iterator<Item = &String> {
        let key = self.primary_key.iter().map(|key| &key.name);
        key.chain(self.uniques.keys())
            .chain(self.checks.keys())
            .chain(self.foreign_keys.keys())
            .chain(self.exclusions.keys())
    }

    /// What its partitions have of its indexes.
    pub(crate) fn shares(&self) -> impl Iterator<Item = Share<'_>> {
        let partitions = self.partitions.keys();
        partitions.flat_map(|partition| {
            self.index_names()
                .map(move |index| Share { partition, index })
        })
    }
}

impl Schema {
    /// What the partitions of other tables, or of its own, have of the foreign keys of a table, which lies beside
    /// the foreign keys.
    pub(crate) fn parts_of_keys<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = Share<'a>> {
        table.foreign_keys.iter().flat_map(|(index, key)| {
            let target = self.tables.get(&key.table).into_iter();
            let partitions = target.flat_map(|target| target.partitions.keys());
            partitions.map(move |partition| Share { partition, index })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_shares_have_one_name() {
        let share = |partition, index| Share { partition, index }.name();
        assert_eq!(share("e1", "i"), "e1_i_part");
        assert_ne!(share("e1", "i_j"), share("e1_i", "j"));
        assert_ne!(share("e1", "i"), share("e1", "i_part"));
    }
}
