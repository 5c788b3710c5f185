//! SQL expressions, with the columns that they read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// An SQL expression over the columns of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expr {
    /// The text, as it stands between the parentheses of `using (…)`, `check (…)` or `where (…)`.
    pub sql: String,
    /// The columns it reads. A change of one of them makes the owner of the expression step aside.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// The other tables that its subqueries read, as they are written. They must exist before it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tables: BTreeSet<String>,
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
        }
    }
}
