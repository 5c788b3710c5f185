//! Reading along an index.

use std::fmt;
use std::marker::PhantomData;

use super::{ByAddress, Fetch, Key, Query, Shape, first, not_found};
use crate::table::AllowsSelect;
use crate::types::Param;
use crate::{IntoValue, Params, Scope, Scoped, Table};

/// An index as its finder sees it. Written by the derive.
#[doc(hidden)]
#[derive(Debug)]
pub struct Index {
    /// The columns as SQL, each with its order.
    pub columns: &'static [(&'static str, Order)],
    /// Which rows a partial index holds, as SQL; empty where it holds all.
    pub predicate: &'static [Piece],
}

/// The order of an index's column, and where NULLs stand in it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From small to large, then NULLs.
    Ascending,
    /// NULLs, then from large to small.
    Descending,
    /// NULLs, then from small to large.
    AscendingNullsFirst,
    /// From large to small, then NULLs.
    DescendingNullsLast,
}

impl Order {
    /// The same index read backwards.
    pub(super) fn reversed(self) -> Self {
        match self {
            Order::Ascending => Order::Descending,
            Order::Descending => Order::Ascending,
            Order::AscendingNullsFirst => Order::DescendingNullsLast,
            Order::DescendingNullsLast => Order::AscendingNullsFirst,
        }
    }

    /// What stands behind the column in ORDER BY.
    pub(super) fn as_sql(self) -> &'static str {
        match self {
            Order::Ascending => "",
            Order::Descending => " desc",
            Order::AscendingNullsFirst => " nulls first",
            Order::DescendingNullsLast => " desc nulls last",
        }
    }
}

/// A piece of a partial index's predicate.
#[doc(hidden)]
#[derive(Debug)]
pub enum Piece {
    /// SQL as it stands.
    Sql(&'static str),
    /// A variant's text, which becomes a literal.
    Text(fn() -> &'static str),
}

/// The rows of `T` along one of its indexes, in the index's order.
///
/// `Rest` holds the types of the index's columns that have no value yet. A finder sends its own
/// WHERE beside the policy's, so that the plan is the one without row-level security.
#[must_use = "a finder reads nothing until it is fetched"]
pub struct Finder<T, Rest> {
    index: &'static Index,
    params: Params,
    equal: usize,
    reverse: bool,
    limit: Option<u32>,
    of: PhantomData<fn() -> (T, Rest)>,
}

/// A value of the next of an index's columns, whose types are the tuple `Columns`.
#[diagnostic::on_unimplemented(
    message = "every column of the index has its value already",
    label = "no column is left for this value",
    note = "a finder of an index with more columns narrows further"
)]
pub trait NextValue<Columns> {
    /// The next column's type.
    type Column: Param;
    /// The types of those after it.
    type Rest;

    /// The value that is sent.
    fn into_column(self) -> Self::Column;
}

macro_rules! next_value {
    ($next:ident $($rest:ident)*) => {
        impl<V, $next, $($rest),*> NextValue<($next, $($rest,)*)> for V
        where
            V: IntoValue<$next>,
            $next: Param,
        {
            type Column = $next;
            type Rest = ($($rest,)*);

            fn into_column(self) -> $next {
                self.into_value()
            }
        }
        next_value!($($rest)*);
    };
    () => {};
}

next_value!(A B C D E F G H I J K L M N O P);

impl<T: Table, Rest> Finder<T, Rest> {
    /// The rows whose first column in the index has that value.
    #[doc(hidden)]
    pub fn new<V: Param>(index: &'static Index, value: V) -> Self {
        let mut params = Params::default();
        params.push(value);
        Finder {
            index,
            params,
            equal: 1,
            reverse: false,
            limit: None,
            of: PhantomData,
        }
    }

    /// Only rows whose next column in the index has that value.
    pub fn eq<V: NextValue<Rest>>(mut self, value: V) -> Finder<T, V::Rest> {
        self.params.push(value.into_column());
        Finder {
            index: self.index,
            params: self.params,
            equal: self.equal + 1,
            reverse: self.reverse,
            limit: self.limit,
            of: PhantomData,
        }
    }

    /// Against the index's order.
    pub fn reverse(mut self) -> Self {
        self.reverse = !self.reverse;
        self
    }

    /// At most that many rows.
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    pub(super) fn query(self) -> Query {
        let mut params = self.params;
        if let Some(limit) = self.limit {
            params.push(i64::from(limit));
        }
        let shape = Shape::Finder {
            index: ByAddress(self.index),
            equal: self.equal,
            reverse: self.reverse,
            limited: self.limit.is_some(),
        };
        Query {
            key: Key::new(T::INFO, shape),
            params,
        }
    }

    /// All of the rows, at once in memory.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn fetch_all<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Vec<T>>
    where
        T: AllowsSelect<S>,
    {
        let query = self.query();
        Fetch::new(async move { scope.guise.run(query).await?.decode(T::from_row) })
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn fetch_optional<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<T>>
    where
        T: AllowsSelect<S>,
    {
        let query = self.first();
        Fetch::new(async move { first(&scope.guise.run(query).await?, T::from_row) })
    }

    /// The first row.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) if the scope sees none; else see [`Error`](crate::Error).
    pub fn fetch_one<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, T>
    where
        T: AllowsSelect<S>,
    {
        let query = self.first();
        Fetch::new(async move {
            let found = first(&scope.guise.run(query).await?, T::from_row)?;
            found.ok_or_else(|| not_found(T::INFO))
        })
    }

    /// The query for the first row.
    pub(super) fn first(self) -> Query {
        let limit = self.limit.map_or(1, |limit| limit.min(1));
        self.limit(limit).query()
    }
}

impl<T: Table, Rest> fmt::Debug for Finder<T, Rest> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder")
            .field("table", &T::NAME)
            .field("equal", &self.equal)
            .field("reverse", &self.reverse)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
