//! What a schema refers to and does not own.

use serde::{Deserialize, Serialize};

use super::Column;

/// A table of someone else, such as `auth.users`: referred to, never migrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// An extension that a migration installs where it is missing; no rollback ever drops it, since other
/// objects than ours may need it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// The PostgreSQL schema to install it in, where not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}
