//! Reading along an index.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Bound;

use super::cursor::{self, Cursor, Page, Raw};
use super::narrow::{NextValue, ValueRange};
use super::paging::{next, nulls};
use super::{
    ByAddress, Fetch, Index, Key, Projection, Query, RowStream, Select, Wanted, first, not_found,
    plain,
};
use crate::database::Incoming;
use crate::row::{Row, Rows};
use crate::table::AllowsSelect;
use crate::types::Param;
use crate::{Error, Params, Scope, Scoped};

/// The rows of a table along one of its indexes, in the index's order, each read as an `R`.
///
/// `Rest` holds the types of the index's columns that have no value yet, `O` whether the order tells
/// any two rows apart. A finder sends its own WHERE beside the policy's, so that the plan is the one
/// without row-level security.
#[must_use = "a finder reads nothing until it is fetched"]
pub struct Finder<R, Rest, O = Ties> {
    select: Select,
    pub(super) params: Params,
    limit: Limit,
    after: Option<Place>,
    of: Types<R, Rest, O>,
}

/// What only the compiler looks at.
type Types<R, Rest, O> = PhantomData<fn() -> (R, Rest, O)>;

/// A cursor's finder and values.
pub(super) type Place = (u64, Vec<Option<Vec<u8>>>);

/// The order of an index that may hold two rows alike.
#[derive(Debug)]
pub enum Ties {}

/// The order of an index that tells any two rows apart: it holds the primary key, or is unique over
/// columns that are NOT NULL.
#[derive(Debug)]
pub enum Total {}

/// An order that tells any two rows apart, so that a place in it is a place in the table.
#[diagnostic::on_unimplemented(
    message = "the order of this finder's index does not tell any two rows apart",
    label = "a cursor could skip rows that are alike, or repeat them",
    note = "add the primary key's columns at the end of the index's, or make the index unique over columns \
            that are no `Option`"
)]
pub trait TotalOrder {}

#[diagnostic::do_not_recommend]
impl TotalOrder for Total {}

/// How many rows at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    None,
    Rows(u32),
    /// Negative, or more than a `u32` holds.
    Invalid,
}

impl<R: Projection, Rest, O> Finder<R, Rest, O> {
    /// The rows whose first column in the index has that value.
    #[doc(hidden)]
    pub fn new<V: Param>(index: &'static Index, value: V) -> Self {
        let mut params = Params::default();
        params.push(value);
        Finder {
            select: Select {
                index: ByAddress(index),
                equal: 1,
                lower: None,
                upper: None,
                after: None,
                reverse: false,
                limited: false,
                wanted: Wanted::Rows,
                nested: 0,
            },
            params,
            limit: Limit::None,
            after: None,
            of: PhantomData,
        }
    }

    /// The same with other types.
    fn typed<P, Left>(self) -> Finder<P, Left, O> {
        Finder {
            select: self.select,
            params: self.params,
            limit: self.limit,
            after: self.after,
            of: PhantomData,
        }
    }

    /// Reads only the columns of `P`, a projection of the table.
    pub fn select<P: Projection<Table = R::Table>>(self) -> Finder<P, Rest, O> {
        self.typed()
    }

    /// Only rows whose next column in the index has that value.
    pub fn eq<V: NextValue<Rest>>(mut self, value: V) -> Finder<R, V::Rest, O> {
        self.params.push(value.into_column());
        self.select.equal += 1;
        self.typed()
    }

    /// Only rows whose next column in the index lies in that range: `from..to`, `from..`, `..=to`.
    ///
    /// A NULL lies in no range. Behind a range no other column narrows.
    pub fn range<V>(mut self, range: V) -> Finder<R, (), O>
    where
        V: ValueRange<Value: NextValue<Rest>>,
    {
        let (lower, upper) = range.into_bounds();
        self.select.lower = self.bound(lower.map(NextValue::into_column));
        self.select.upper = self.bound(upper.map(NextValue::into_column));
        self.typed()
    }

    /// Adds the bound's value; returns whether the bound itself is in the range.
    fn bound<V: Param>(&mut self, bound: Bound<V>) -> Option<bool> {
        match bound {
            Bound::Included(value) => {
                self.params.push(value);
                Some(true)
            }
            Bound::Excluded(value) => {
                self.params.push(value);
                Some(false)
            }
            Bound::Unbounded => None,
        }
    }

    /// Against the index's order.
    pub fn reverse(mut self) -> Self {
        self.select.reverse = !self.select.reverse;
        self
    }

    /// At most that many rows. A number that is negative or that no `u32` holds is
    /// [`Error::Limit`] once the finder is fetched.
    pub fn limit(mut self, rows: impl TryInto<u32>) -> Self {
        self.limit = rows.try_into().map_or(Limit::Invalid, Limit::Rows);
        self
    }

    pub(super) fn query(self, wanted: Wanted) -> Result<Query, Error> {
        let mut params = self.params;
        let mut after = None;
        if let Some((finder, values)) = self.after {
            let misfit = |reason| Error::Cursor {
                table: plain(R::INFO.name),
                column: None,
                reason,
            };
            if finder != cursor::finder(R::INFO.name, &self.select) {
                return Err(misfit(
                    "it belongs to another finder, or to another order of it",
                ));
            }
            let nulls = nulls(&self.select, &values);
            after = Some(nulls.ok_or_else(|| misfit("it holds other values than the index has"))?);
            for value in values.into_iter().flatten() {
                params.push(Raw(value));
            }
        }
        let limited = match self.limit {
            Limit::None => false,
            Limit::Rows(rows) => {
                // One row more tells whether there is another page.
                params.push(i64::from(rows) + i64::from(wanted == Wanted::Page));
                true
            }
            Limit::Invalid => {
                return Err(Error::Limit {
                    table: plain(R::INFO.name),
                });
            }
        };
        let select = Select {
            after,
            limited,
            wanted,
            ..self.select
        };
        Ok(Query {
            key: Key::select(R::INFO, select),
            params,
        })
    }

    /// Form, limit and values, for one statement of many finders.
    pub(super) fn parts(self) -> Result<(Select, Limit, Params), Error> {
        let limit = self.limit;
        let mut query = Finder {
            limit: match limit {
                Limit::Rows(_) => Limit::None,
                other => other,
            },
            ..self
        }
        .query(Wanted::Rows)?;
        let params = std::mem::take(&mut query.params);
        match query.key.into_select() {
            Some(select) => Ok((select, limit, params)),
            None => Err(Error::Protocol("a finder reads along no index")),
        }
    }

    /// The query for the first row.
    pub(super) fn first_query(self) -> Result<Query, Error> {
        self.one(Wanted::Rows)
    }

    /// The query for one row at most.
    pub(super) fn one(mut self, wanted: Wanted) -> Result<Query, Error> {
        self.limit = match self.limit {
            Limit::None => Limit::Rows(1),
            Limit::Rows(rows) => Limit::Rows(rows.min(1)),
            Limit::Invalid => Limit::Invalid,
        };
        self.query(wanted)
    }

    /// All of the rows, at once in memory.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch_all<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Vec<R>>
    where
        R::Table: AllowsSelect<S>,
    {
        let query = self.query(Wanted::Rows);
        Fetch::new(async move { scope.guise.run(query?).await?.decode(R::from_row) })
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn first<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<R>>
    where
        R::Table: AllowsSelect<S>,
    {
        let query = self.first_query();
        Fetch::new(async move { first(&scope.guise.run(query?).await?, R::from_row) })
    }

    /// The first row, if there is one: [`Finder::first`] by the name that it has elsewhere.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch_optional<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<R>>
    where
        R::Table: AllowsSelect<S>,
    {
        self.first(scope)
    }

    /// The first row.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the scope sees none; else see [`Error`].
    pub fn fetch_one<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, R>
    where
        R::Table: AllowsSelect<S>,
    {
        let query = self.first_query();
        Fetch::new(async move {
            let found = first(&scope.guise.run(query?).await?, R::from_row)?;
            found.ok_or_else(|| not_found(R::INFO))
        })
    }

    /// The rows one after the other, of which only some are in memory: for more of them than one wants there
    /// at once.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn stream<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, RowStream<R>>
    where
        R::Table: AllowsSelect<S>,
    {
        let query = self.query(Wanted::Rows);
        Fetch::new(async move {
            let (incoming, rows) = Incoming::open(scope.guise.clone(), query?).await?;
            Ok(RowStream::new(incoming, rows, false))
        })
    }

    /// How many rows there are, or the limit where there are more.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn count<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        R::Table: AllowsSelect<S>,
    {
        let query = self.query(Wanted::Count);
        Fetch::new(async move { count(&scope.guise.run(query?).await?) })
    }

    /// Whether there is a row.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn exists<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, bool>
    where
        R::Table: AllowsSelect<S>,
    {
        let query = self.one(Wanted::Exists);
        Fetch::new(async move { exists(&scope.guise.run(query?).await?) })
    }
}

impl<R: Projection, Rest, O> Finder<R, Rest, O> {
    /// Only rows behind that place in the finder's order.
    ///
    /// Rows that come and go meanwhile move no other: each row that stays is read once.
    pub fn after(mut self, cursor: &Cursor<R::Table>) -> Self
    where
        O: TotalOrder,
    {
        self.after = Some((cursor.finder, cursor.values.clone()));
        self
    }

    /// As many rows as the limit says, and the cursor to go on from.
    ///
    /// # Errors
    /// [`Error::Cursor`] where the one of [`Finder::after`] does not fit; else see [`Error`].
    pub fn page<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Page<R, R::Table>>
    where
        O: TotalOrder,
        R::Table: AllowsSelect<S>,
    {
        let (select, limit) = (self.select, self.limit);
        let query = self.query(Wanted::Page);
        Fetch::new(async move {
            let mut rows = scope.guise.run(query?).await?;
            let next = match limit {
                Limit::Rows(limit) => next(&mut rows, select, R::INFO, limit)?,
                Limit::None | Limit::Invalid => None,
            };
            Ok(Page {
                rows: rows.decode(R::from_row)?,
                next: next.map(|(finder, values)| Cursor::new(finder, values)),
            })
        })
    }
}

/// The number in the only row.
pub(super) fn count(rows: &Rows) -> Result<u64, Error> {
    let count = first(rows, |row: &Row<'_>| row.get::<i64>(0))?;
    Ok(count.and_then(|count| count.try_into().ok()).unwrap_or(0))
}

/// The answer in the only row.
pub(super) fn exists(rows: &Rows) -> Result<bool, Error> {
    Ok(first(rows, |row: &Row<'_>| row.get::<bool>(0))?.unwrap_or(false))
}

impl<R: Projection, Rest, O> fmt::Debug for Finder<R, Rest, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder")
            .field("table", &R::INFO.name)
            .field("index", &self.select.index.0.name)
            .field("equal", &self.select.equal)
            .field("reverse", &self.select.reverse)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
