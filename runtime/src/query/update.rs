//! Changing the row of a primary key.

use std::marker::PhantomData;

use super::insert::set;
use super::{Fetch, Key, Query, Shape, first, plain};
use crate::table::{AllowsSelect, AllowsUpdate, Column, HasPrimaryKey};
use crate::types::Param;
use crate::{Error, IntoValue, Params, Scope, Scoped, Table};

/// A change of the row of `T` with a primary key. Only the columns that are set change.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct Update<T> {
    columns: Vec<&'static str>,
    params: Params,
    key: &'static [&'static str],
    key_params: Params,
    of: PhantomData<fn() -> T>,
}

impl<T: Table> Update<T> {
    pub(crate) fn new(key: impl IntoValue<T::Key>) -> Self
    where
        T: HasPrimaryKey,
    {
        let mut key_params = Params::default();
        T::bind(key.into_value(), &mut key_params);
        Update {
            columns: Vec::new(),
            params: Params::default(),
            key: T::KEY,
            key_params,
            of: PhantomData,
        }
    }

    /// Sets a column. The last value of a column counts.
    pub fn set<V>(mut self, column: Column<T, V>, value: impl IntoValue<V>) -> Self
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

    pub(super) fn query(self, returning: bool) -> Result<Query, Error> {
        if self.columns.is_empty() {
            return Err(Error::NothingToUpdate {
                table: plain(T::NAME),
            });
        }
        let mut params = self.params;
        params.append(self.key_params);
        let shape = Shape::Update {
            columns: self.columns,
            key: self.key,
            returning,
        };
        Ok(Query {
            key: Key::new(T::INFO, shape),
            params,
        })
    }

    /// Writes the change; returns how many rows it changed: 0 where the scope sees no such row.
    ///
    /// # Errors
    /// [`Error::RowRefused`] where the row would leave the scope, [`Error::NothingToUpdate`] without
    /// a column to set, and see [`Error`].
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.query(false);
        Fetch::new(async move { Ok(scope.guise.run(query?).await?.affected) })
    }

    /// Writes the change and returns the row as the database now holds it, if the scope sees one.
    ///
    /// # Errors
    /// As [`Update::execute`].
    pub fn fetch_optional<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<T>>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.query(true);
        Fetch::new(async move { first(&scope.guise.run(query?).await?, T::from_row) })
    }
}
