//! What a schema is: roles, and tables with their columns, constraints, indexes and policies.
//!
//! A schema is plain data, ordered and comparable. Whatever depends on a Rust name has been
//! resolved before it gets here: an enumeration is text with a CHECK, a scope is a role and settings.

mod allowed;
pub mod bounds;
pub(crate) mod built_in;
mod cast;
mod constraint;
mod expr;
pub(crate) mod extension;
mod external;
pub(crate) mod fitting;
mod index;
mod lookup;
mod name;
mod partition;
mod policy;
mod renames;
mod table;
mod types;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub(crate) use allowed::allowed;
pub(crate) use cast::is_alike;
pub use cast::{Cast, cast};
pub use constraint::{
    Check, Deferrable, Exclusion, ExclusionElement, ForeignKey, PrimaryKey, ReferentialAction,
    Unique,
};
pub use expr::Expr;
pub use extension::Extension;
pub use external::External;
pub use index::{BTREE, Index, IndexColumn, IndexKey, Nulls};
pub use lookup::{LOOKUP, Lookup};
pub use name::{QualifiedName, TableName};
pub(crate) use partition::Share;
pub use partition::{Partition, PartitionBy, PartitionStrategy};
pub use policy::{Command, Policy, Rls};
pub use renames::{Renames, STEPWISE, TableRenames};
pub use table::{Column, Generated, Table};
pub use types::Type;

/// Everything one crate declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Where the schema is meant to run; decides which roles lose their default privileges.
    #[serde(default)]
    pub platform: Platform,
    /// The roles that policies and grants name.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// The extensions that the tables need, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, Extension>,
    /// PostgreSQL schemas of someone else that tables lie in: never created, never dropped.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub external_schemas: BTreeSet<String>,
    /// Tables of someone else that foreign keys refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub externals: BTreeMap<QualifiedName, External>,
    /// The tables.
    #[serde(default)]
    pub tables: BTreeMap<QualifiedName, Table>,
}

impl Schema {
    /// The PostgreSQL schemas that hold a table, in order.
    pub fn namespaces(&self) -> BTreeSet<&str> {
        self.tables
            .keys()
            .map(|name| name.schema.as_str())
            .collect()
    }

    /// The roles that may use a PostgreSQL schema: those that are granted something there, and all where an
    /// extension is declared in it, since for one that may not its operators are not on the search path.
    pub fn users(&self, namespace: &str) -> BTreeSet<&str> {
        let tables = self.tables.iter();
        let tables = tables.filter(|(name, _)| name.schema == namespace);
        let granted = tables.flat_map(|(_, table)| table.grantees());
        let mut homes = extension::homes(&self.extensions);
        let is_home = homes.any(|home| home == namespace) && !self.is_given(namespace);
        let all = self.roles.keys().map(String::as_str);
        granted.chain(all.filter(|_| is_home)).collect()
    }

    /// Whether a PostgreSQL schema is there without us and has its own rules on who may use it.
    pub(crate) fn is_given(&self, namespace: &str) -> bool {
        let of_platform = self.platform == Platform::Supabase && namespace == "extensions";
        namespace == "public" || of_platform
    }
}

/// The kind of server a schema is meant for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// A PostgreSQL server with no roles of its own.
    #[default]
    Postgres,
    /// Supabase, whose default privileges grant everything to its API roles.
    Supabase,
}

impl Platform {
    /// The roles that get privileges by default there, and lose them on every table.
    pub fn default_grantees(self) -> &'static [&'static str] {
        match self {
            Platform::Postgres => &[],
            Platform::Supabase => &["anon", "authenticated"],
        }
    }
}

/// A role that policies and grants name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A migration creates it where it is missing, without login; no rollback ever drops it.
    Created,
    /// It exists already, and its owner is someone else.
    External,
}
