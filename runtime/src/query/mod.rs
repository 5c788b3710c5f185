//! Statements on one table: what they are, and their SQL.
//!
//! A statement is known by its shape, not by its text: a connection looks its prepared form up by
//! shape, and writes the text only when it has to prepare it.

mod bypassing;
mod delete;
mod fetch;
mod find;
mod finder;
mod insert;
mod sql;
mod update;

use std::hash::{Hash, Hasher};

pub use bypassing::Bypassing;
pub use delete::Delete;
pub use fetch::Fetch;
pub use find::Find;
pub use finder::{Finder, Index, NextValue, Order, Piece};
pub use insert::Insert;
pub use update::Update;

pub(crate) use sql::plain;

use crate::row::{Row, Rows};
use crate::{Error, Params};

/// A table as statements see it.
#[doc(hidden)]
#[derive(Debug)]
pub struct TableInfo {
    /// The qualified name as SQL.
    pub name: &'static str,
    /// The columns as SQL, in the order of the fields.
    pub columns: &'static [&'static str],
}

/// A statement and the values of its parameters.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) key: Key,
    pub(crate) params: Params,
}

/// A statement without its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    table: ByAddress<TableInfo>,
    shape: Shape,
}

impl Key {
    pub(crate) fn new(table: &'static TableInfo, shape: Shape) -> Self {
        Key {
            table: ByAddress(table),
            shape,
        }
    }

    pub(crate) fn table(&self) -> &'static TableInfo {
        self.table.0
    }

    /// The privilege that the statement is about; also the operation's name in traces.
    pub(crate) fn operation(&self) -> &'static str {
        match self.shape {
            Shape::Finder { .. } | Shape::Find { .. } => "select",
            Shape::Insert { .. } => "insert",
            Shape::Update { .. } => "update",
            Shape::Delete { .. } => "delete",
        }
    }

    pub(crate) fn is_write(&self) -> bool {
        self.operation() != "select"
    }
}

/// What a statement does. Parameters are numbered in the order in which they are named here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// The rows of an index whose first `equal` columns have given values, in its order; the limit
    /// is the last parameter.
    Finder {
        index: ByAddress<Index>,
        equal: usize,
        reverse: bool,
        limited: bool,
    },
    /// The row of a key.
    Find { key: &'static [&'static str] },
    /// A new row.
    Insert {
        columns: Vec<&'static str>,
        returning: bool,
    },
    /// The changed columns, then the key.
    Update {
        columns: Vec<&'static str>,
        key: &'static [&'static str],
        returning: bool,
    },
    /// The row of a key.
    Delete { key: &'static [&'static str] },
}

/// A constant of the program, compared by where it lies: cheaper than by its text, and two places
/// for one text cost no more than a second prepared statement.
#[derive(Debug)]
pub(crate) struct ByAddress<T: 'static>(pub(crate) &'static T);

impl<T> Clone for ByAddress<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ByAddress<T> {}

impl<T> PartialEq for ByAddress<T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl<T> Eq for ByAddress<T> {}

impl<T> Hash for ByAddress<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

/// The first of the rows.
fn first<T>(rows: &Rows, decode: fn(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
    Ok(rows.decode(decode)?.into_iter().next())
}

#[cold]
fn not_found(table: &'static TableInfo) -> Error {
    Error::NotFound {
        table: plain(table.name),
    }
}
