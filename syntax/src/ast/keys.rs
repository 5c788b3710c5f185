//! What stands over columns: keys, indexes, constraints, partitions.

use proc_macro2::Ident;
use tabellion_sql::schema::{Deferrable, Nulls, PartitionStrategy, ReferentialAction};

use super::{At, PathRef};
use crate::predicate::{Literal, Predicate, SpanOf};

/// A word that stands there or not, and where.
pub type Flag = Option<SpanOf>;

/// An index.
#[derive(Debug, Clone, Hash)]
pub struct Index {
    /// Its name.
    pub name: At<String>,
    /// The access method.
    pub method: At<String>,
    /// Its columns.
    pub columns: Vec<IndexColumn>,
    /// The fields that it carries beside its key.
    pub include: Vec<Ident>,
    /// Whether it is unique.
    pub unique: Flag,
    /// NULL equals NULL.
    pub nulls_not_distinct: Flag,
    /// Which rows it holds.
    pub predicate: Option<Predicate>,
    /// Its storage parameters, each with its value as SQL.
    pub with: Vec<(At<String>, At<String>)>,
    /// The name of its finder; `None` where no query reads along it.
    pub finder: Option<At<String>>,
}

/// A part of an index's key.
#[derive(Debug, Clone, Hash)]
pub struct IndexColumn {
    /// What it is over.
    pub key: IndexKey,
    /// The name of its collation, where it is not the column's own.
    pub collation: Option<At<String>>,
    /// The name of its operator class, where it is not the type's default.
    pub opclass: Option<At<String>>,
    /// Descending order.
    pub descending: Flag,
    /// Where NULLs stand.
    pub nulls: Option<At<Nulls>>,
}

/// What a part of an index's key is over.
#[derive(Debug, Clone, Hash)]
pub enum IndexKey {
    /// A field.
    Field(Ident),
    /// An expression in SQL.
    Sql(At<String>),
}

impl IndexColumn {
    /// The field; `None` for an expression.
    pub fn field(&self) -> Option<&Ident> {
        match &self.key {
            IndexKey::Field(field) => Some(field),
            IndexKey::Sql(_) => None,
        }
    }

    /// The field, where nothing but an order is said about it: what a query can name as it stands.
    pub fn plain(&self) -> Option<&Ident> {
        let is_plain = self.collation.is_none() && self.opclass.is_none();
        self.field().filter(|_| is_plain)
    }
}

/// A unique constraint.
#[derive(Debug, Clone, Hash)]
pub struct Unique {
    /// Its name.
    pub name: At<String>,
    /// Its fields.
    pub columns: Vec<Ident>,
    /// NULL equals NULL.
    pub nulls_not_distinct: bool,
    /// When it is checked.
    pub deferrable: Deferrable,
}

/// A CHECK constraint.
#[derive(Debug, Clone, Hash)]
pub struct Check {
    /// Its name.
    pub name: At<String>,
    /// What must not be false.
    pub predicate: Predicate,
}

/// An exclusion constraint.
#[derive(Debug, Clone, Hash)]
pub struct Exclusion {
    /// Its name.
    pub name: At<String>,
    /// The access method of its index.
    pub method: At<String>,
    /// What is compared, each with its operator.
    pub elements: Vec<(IndexColumn, At<String>)>,
    /// Which rows it is about.
    pub predicate: Option<Predicate>,
    /// When it is checked.
    pub deferrable: Deferrable,
}

/// A foreign key.
#[derive(Debug, Clone, Hash)]
pub struct ForeignKey {
    /// Its name.
    pub name: At<String>,
    /// The referencing fields.
    pub columns: Vec<Ident>,
    /// The struct of the referenced table.
    pub table: PathRef,
    /// The referenced fields.
    pub references: Vec<Ident>,
    /// What it does, and when.
    pub options: ForeignKeyOptions,
}

/// What a foreign key does when the referenced row changes, and when it is checked.
#[derive(Debug, Clone, Default, Hash)]
pub struct ForeignKeyOptions {
    /// What happens when the referenced row goes.
    pub on_delete: Option<At<ReferentialAction>>,
    /// The fields behind `set_null(…)` and `set_default(…)`; none where it touches all.
    pub on_delete_columns: Vec<Ident>,
    /// What happens when the referenced key changes.
    pub on_update: Option<At<ReferentialAction>>,
    /// When it is checked.
    pub deferrable: Option<At<Deferrable>>,
}

/// How a table spreads its rows.
#[derive(Debug, Clone, Hash)]
pub struct PartitionBy {
    /// The strategy.
    pub strategy: At<PartitionStrategy>,
    /// The fields of the partition key.
    pub columns: Vec<Ident>,
}

/// A partition.
#[derive(Debug, Clone, Hash)]
pub struct Partition {
    /// Its name.
    pub name: At<String>,
    /// Which rows it holds.
    pub bound: At<Bound>,
    /// Its earlier name.
    pub renamed_from: Option<At<String>>,
}

/// Which rows a partition holds.
#[derive(Debug, Clone, Hash)]
pub enum Bound {
    /// From one key, inclusive, to another, exclusive.
    Range {
        /// The first key.
        from: Vec<At<BoundValue>>,
        /// The key after the last.
        to: Vec<At<BoundValue>>,
    },
    /// These values.
    List(Vec<At<BoundValue>>),
    /// The keys whose hash leaves this remainder.
    Hash {
        /// The number of partitions that would be complete.
        modulus: At<u32>,
        /// Which of them this is.
        remainder: At<u32>,
    },
    /// Whatever no other partition holds.
    Default,
}

/// A value of a partition's bound.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
pub enum BoundValue {
    /// A literal.
    Literal(Literal),
    /// NULL.
    Null,
    /// Below every value.
    Min,
    /// Above every value.
    Max,
}
