//! A table and its parts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Check, Command, Exclusion, Expr, ForeignKey, Index, Partition, PartitionBy, PrimaryKey, Rls,
    Type, Unique,
};

/// A table. Its name is the key it is stored under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The module path of the struct that declares it, for comments in SQL and reports.
    pub source: String,
    /// COMMENT ON TABLE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The columns, in their order.
    #[serde(with = "columns_by_name")]
    pub columns: Vec<Column>,
    /// The primary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<PrimaryKey>,
    /// Unique constraints by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uniques: BTreeMap<String, Unique>,
    /// Foreign keys by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub foreign_keys: BTreeMap<String, ForeignKey>,
    /// CHECK constraints by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, Check>,
    /// Exclusion constraints by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exclusions: BTreeMap<String, Exclusion>,
    /// Indexes by name, those of constraints left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<String, Index>,
    /// How its rows are spread over partitions, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_by: Option<PartitionBy>,
    /// Its partitions by name; they lie in the schema of the table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partitions: BTreeMap<String, Partition>,
    /// The answer on row-level security.
    pub rls: Rls,
    /// What each role may do, beyond the revoked defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<String, BTreeSet<Command>>,
    /// What each role may do with some columns only: read these, insert into those, or update others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub column_grants: BTreeMap<String, BTreeMap<Command, BTreeSet<String>>>,
}

impl Table {
    /// A table without columns, closed to everyone.
    pub fn new(source: impl Into<String>) -> Self {
        Table {
            source: source.into(),
            comment: None,
            columns: Vec::new(),
            primary_key: None,
            uniques: BTreeMap::new(),
            foreign_keys: BTreeMap::new(),
            checks: BTreeMap::new(),
            exclusions: BTreeMap::new(),
            indexes: BTreeMap::new(),
            partition_by: None,
            partitions: BTreeMap::new(),
            rls: Rls::Enabled(BTreeMap::new()),
            grants: BTreeMap::new(),
            column_grants: BTreeMap::new(),
        }
    }

    /// The roles that may do anything with it, sorted.
    pub fn grantees(&self) -> BTreeSet<&str> {
        let roles = self.grants.keys().chain(self.column_grants.keys());
        roles.map(String::as_str).collect()
    }

    /// Whether a role may do it, be it with some columns only.
    pub fn is_granted(&self, role: &str, command: Command) -> bool {
        let whole = self.grants.get(role);
        let some = self.column_grants.get(role);
        whole.is_some_and(|commands| commands.contains(&command))
            || some.is_some_and(|commands| commands.contains_key(&command))
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    /// A column of that type, not null, with nothing else said about it.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Column {
            name: name.into(),
            ty,
            nullable: false,
            default: None,
            generated: None,
            computed: None,
            collation: None,
            updated_at: false,
            comment: None,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The name; the key it is stored under in a lock.
    #[serde(skip)]
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Whether NULL is allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// The default, as SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// How the server numbers the column, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// `generated always as (…) stored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Expr>,
    /// The collation by its name as SQL, where it is not the type's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// A trigger sets it to `now()` whenever the row is updated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub updated_at: bool,
    /// COMMENT ON COLUMN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// How the server numbers a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generated {
    /// `serial`, `bigserial` or `smallserial`: a sequence owned by the column.
    Serial,
    /// `generated always as identity`.
    IdentityAlways,
    /// `generated by default as identity`.
    IdentityByDefault,
}

/// Columns as a map from name to column, so that a lock has one line for one fact about a column.
pub(super) mod columns_by_name {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Placed {
        position: usize,
        #[serde(flatten)]
        column: Column,
    }

    pub(in crate::schema) fn serialize<S: Serializer>(
        columns: &[Column],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(columns.iter().enumerate().map(|(index, column)| {
            let placed = Placed {
                position: index + 1,
                column: column.clone(),
            };
            (&column.name, placed)
        }))
    }

    pub(in crate::schema) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Column>, D::Error> {
        let mut placed: Vec<_> = BTreeMap::<String, Placed>::deserialize(deserializer)?
            .into_iter()
            .collect();
        // Two branches may both have added "the next" column: the name decides between equals.
        placed.sort_by(|(a_name, a), (b_name, b)| (a.position, a_name).cmp(&(b.position, b_name)));
        Ok(placed
            .into_iter()
            .map(|(name, placed)| Column {
                name,
                ..placed.column
            })
            .collect())
    }
}
