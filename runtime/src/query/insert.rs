//! Writing a new row.

use std::marker::PhantomData;

use super::upsert::Conflict;
use super::written::first_returned;
use super::{Fetch, Key, Query, Shape, not_found};
use crate::table::{AllowsInsert, AllowsSelect, Column, NewRow};
use crate::types::Param;
use crate::{IntoValue, Params, Scope, Scoped, Table};

/// A new row of `T`. Columns that are not set get their default from the database.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct Insert<T> {
    pub(super) columns: Vec<&'static str>,
    pub(super) params: Params,
    pub(super) conflict: Option<Conflict>,
    of: PhantomData<fn() -> T>,
}

impl<T: Table> Insert<T> {
    pub(crate) fn new<R: NewRow<Table = T>>(row: R) -> Self {
        // Room for what is set beside them.
        let count = T::COLUMNS.len();
        let mut params = Params::with_capacity(count);
        row.bind(&mut params);
        let mut columns = Vec::with_capacity(count);
        columns.extend_from_slice(R::COLUMNS);
        Insert {
            columns,
            params,
            conflict: None,
            of: PhantomData,
        }
    }

    /// Sets one more column. The last value of a column counts.
    pub fn set<V, C>(mut self, column: Column<T, V, C>, value: impl IntoValue<V>) -> Self
    where
        V: Param,
    {
        set(
            &mut self.columns,
            &mut self.params,
            column.name,
            value.into_value(),
        );
        self
    }

    pub(super) fn query(self, returning: bool) -> Query {
        let shape = Shape::Insert {
            columns: self.columns,
            conflict: self.conflict,
            version: T::VERSION_COLUMN,
            returning,
        };
        Query {
            key: Key::new(T::INFO, shape),
            params: self.params,
        }
    }

    /// Writes the row; returns how many were written: 1, unless a trigger swallowed it.
    ///
    /// # Errors
    /// [`Error::RowRefused`](crate::Error::RowRefused) where the row lies outside the scope, and see [`Error`](crate::Error).
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsInsert<S>,
    {
        let query = self.query(false);
        Fetch::new(async move { Ok(scope.guise.run(query).await?.affected) })
    }

    /// Writes the row and returns it as the database now holds it, defaults included.
    ///
    /// PostgreSQL returns a row under the SELECT policy, so both policies are needed.
    ///
    /// # Errors
    /// [`Error::RowRefused`](crate::Error::RowRefused) where the row lies outside the scope, and see [`Error`](crate::Error).
    pub fn fetch_one<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, T>
    where
        T: AllowsInsert<S> + AllowsSelect<S>,
    {
        let query = self.query(true);
        Fetch::new(async move {
            let rows = scope.guise.run(query).await?;
            first_returned(&scope.guise, &rows, T::from_row)?.ok_or_else(|| not_found(T::INFO))
        })
    }
}

/// Sets a column of an insert or update, in place of an earlier value.
pub(super) fn set<V: Param>(
    columns: &mut Vec<&'static str>,
    params: &mut Params,
    column: &'static str,
    value: V,
) {
    match columns.iter().position(|name| *name == column) {
        Some(index) => params.replace(index, value),
        None => {
            columns.push(column);
            params.push(value);
        }
    }
}
