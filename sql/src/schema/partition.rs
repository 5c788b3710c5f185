//! Partitions of a table.

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// From one key, inclusive, to another, exclusive; `minvalue` and `maxvalue` stand for no end.
    Range {
        /// The first key.
        from: Vec<String>,
        /// The key after the last.
        to: Vec<String>,
    },
    /// These values.
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
