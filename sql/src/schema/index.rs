//! Indexes of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Expr;

/// The access method that stands where none is named.
pub const BTREE: &str = "btree";

/// An index that no constraint owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The access method, such as `gin`.
    #[serde(default = "btree", skip_serializing_if = "is_btree")]
    pub method: String,
    /// Its key columns and expressions, in order.
    pub columns: Vec<IndexColumn>,
    /// Columns that it carries beside its key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Whether it is unique.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// NULL equals NULL; of a unique index.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nulls_not_distinct: bool,
    /// Which rows it holds, where not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<Expr>,
    /// Storage parameters: `with (lists = 100)`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
}

impl Index {
    /// A B-tree over these columns.
    pub fn new(columns: impl IntoIterator<Item = IndexColumn>) -> Self {
        Index {
            method: btree(),
            columns: columns.into_iter().collect(),
            include: Vec::new(),
            unique: false,
            nulls_not_distinct: false,
            predicate: None,
            with: BTreeMap::new(),
        }
    }

    /// Every expression in it: those of its key, and its predicate.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let keys = self.columns.iter().filter_map(IndexColumn::expression);
        keys.chain(&self.predicate)
    }
}

fn btree() -> String {
    BTREE.to_owned()
}

fn is_btree(method: &str) -> bool {
    method == BTREE
}

/// One part of an index's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexColumn {
    /// A column or an expression.
    #[serde(flatten)]
    pub key: IndexKey,
    /// The collation by its name as SQL, where it is not the column's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// The operator class by its name as SQL, where it is not the type's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
    /// Descending order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
    /// Where NULLs stand, if not where the order puts them: last ascending, first descending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<Nulls>,
}

/// What an index's key part is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexKey {
    /// A column.
    Name(String),
    /// An expression.
    Expression(Expr),
}

/// Where an index puts NULLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    /// Before every value.
    First,
    /// After every value.
    Last,
}

impl IndexColumn {
    /// A column in ascending order.
    pub fn new(name: impl Into<String>) -> Self {
        IndexColumn::over(IndexKey::Name(name.into()))
    }

    /// A column or an expression in ascending order.
    pub fn over(key: IndexKey) -> Self {
        IndexColumn {
            key,
            collation: None,
            opclass: None,
            descending: false,
            nulls: None,
        }
    }

    /// The same in descending order.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// The column's name; `None` for an expression.
    pub fn name(&self) -> Option<&str> {
        match &self.key {
            IndexKey::Name(name) => Some(name),
            IndexKey::Expression(_) => None,
        }
    }

    /// The expression; `None` for a column.
    pub fn expression(&self) -> Option<&Expr> {
        match &self.key {
            IndexKey::Name(_) => None,
            IndexKey::Expression(expr) => Some(expr),
        }
    }
}
