//! SQL expressions, with the columns that they read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Lookup, QualifiedName, TableName};

/// An SQL expression over the columns of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expr {
    /// The text, as it stands between the parentheses of `using (…)`, `check (…)` or `where (…)`.
    pub sql: String,
    /// The columns it reads. A change of one of them makes the owner of the expression step aside.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// The other tables that its subqueries read, as it names them. They must exist before it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tables: BTreeSet<TableName>,
    /// What functions look up for it, by their names: in a policy their calls stand in place of the queries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lookups: BTreeMap<QualifiedName, Lookup>,
}

impl Expr {
    /// An expression from its text and the columns that it reads.
    pub fn new(
        sql: impl Into<String>,
        columns: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Expr {
            sql: sql.into(),
            columns: columns.into_iter().map(Into::into).collect(),
            tables: BTreeSet::new(),
            lookups: BTreeMap::new(),
        }
    }
}
