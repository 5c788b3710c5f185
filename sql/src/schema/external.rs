//! What a schema refers to and does not own.

use serde::{Deserialize, Serialize};

use super::Column;

/// A table of someone else, such as `auth.users`: referred to, never migrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// The module path of the struct that declares it.
    pub source: String,
    /// The columns that are referred to, in the order of the struct's fields. Of their facts only name,
    /// type and nullability count.
    #[serde(with = "super::table::columns_by_name")]
    pub columns: Vec<Column>,
    /// The columns of its unique keys, the primary key first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Vec<String>>,
}

impl External {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
