//! Reading a table without an index, on purpose.

use std::fmt;
use std::marker::PhantomData;

use super::finder::{Limit, count};
use super::{Fetch, Key, Query, RowStream, Shape, plain};
use crate::database::Incoming;
use crate::table::AllowsSelect;
use crate::{Error, Params, Scope, Scoped, Table};

/// All rows of `T` that a scope sees, in no order, along no index.
#[must_use = "nothing is read until it is fetched"]
pub struct Unindexed<T> {
    reason: &'static str,
    limit: Limit,
    of: PhantomData<fn() -> T>,
}

impl<T: Table> Unindexed<T> {
    pub(crate) fn new(reason: &'static str) -> Self {
        Unindexed {
            reason,
            limit: Limit::None,
            of: PhantomData,
        }
    }

    /// At most that many rows. A number that is negative or that no `u32` holds is
    /// [`Error::Limit`] once it is fetched.
    pub fn limit(mut self, rows: impl TryInto<u32>) -> Self {
        self.limit = rows.try_into().map_or(Limit::Invalid, Limit::Rows);
        self
    }

    fn query(self, counted: bool) -> Result<Query, Error> {
        let table = || plain(T::NAME);
        if self.reason.trim().is_empty() {
            return Err(Error::UnindexedWithoutReason { table: table() });
        }
        let mut params = Params::default();
        let limited = match self.limit {
            Limit::None => false,
            Limit::Rows(rows) => {
                params.push(i64::from(rows));
                true
            }
            Limit::Invalid => return Err(Error::Limit { table: table() }),
        };
        tracing::debug!(
            reason = self.reason,
            table = T::NAME,
            "read without an index"
        );
        Ok(Query {
            key: Key::new(T::INFO, Shape::Unindexed { counted, limited }),
            params,
        })
    }

    /// All of the rows, at once in memory.
    ///
    /// # Errors
    /// [`Error::UnindexedWithoutReason`], and see [`Error`].
    pub fn fetch_all<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Vec<T>>
    where
        T: AllowsSelect<S>,
    {
        let query = self.query(false);
        Fetch::new(async move { scope.guise.run(query?).await?.decode(T::from_row) })
    }

    /// The rows one after the other, of which only some are in memory.
    ///
    /// # Errors
    /// As [`Unindexed::fetch_all`].
    pub fn stream<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, RowStream<T>>
    where
        T: AllowsSelect<S>,
    {
        let query = self.query(false);
        Fetch::new(async move {
            let (incoming, rows) = Incoming::open(scope.guise.clone(), query?).await?;
            Ok(RowStream::new(incoming, rows, false))
        })
    }

    /// How many rows there are, or the limit where there are more.
    ///
    /// # Errors
    /// As [`Unindexed::fetch_all`].
    pub fn count<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsSelect<S>,
    {
        let query = self.query(true);
        Fetch::new(async move { count(&scope.guise.run(query?).await?) })
    }
}

impl<T: Table> fmt::Debug for Unindexed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unindexed")
            .field("table", &T::NAME)
            .field("reason", &self.reason)
            .field("limit", &self.limit)
            .finish()
    }
}
