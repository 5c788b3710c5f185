//! Changing the row of a primary key.

use std::marker::PhantomData;

use super::insert::set;
use super::written::first_returned;
use super::{Change, Changeable, Fetch, Key, MayChange, Query, Shape, plain};
use crate::table::{AllowsSelect, AllowsUpdate, Column, HasPrimaryKey, HasVersion};
use crate::types::Param;
use crate::{Error, IntoValue, Params, Scope, Scoped, Table};

/// A change of the row of `T` with a primary key. Only the columns that are set change.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct Update<T, C = Changeable> {
    columns: Vec<&'static str>,
    params: Params,
    key: &'static [&'static str],
    key_params: Params,
    expected: bool,
    of: PhantomData<fn() -> (T, C)>,
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
            expected: false,
            of: PhantomData,
        }
    }
}

impl<T: Table, C: Change> Update<T, C> {
    /// Sets a column. The last value of a column counts.
    pub fn set<V, D>(
        mut self,
        column: Column<T, V, D>,
        value: impl IntoValue<V>,
    ) -> Update<T, C::With<D>>
    where
        V: Param,
        D: Change,
    {
        set(
            &mut self.columns,
            &mut self.params,
            column.name,
            value.into_value(),
        );
        Update {
            columns: self.columns,
            params: self.params,
            key: self.key,
            key_params: self.key_params,
            expected: self.expected,
            of: PhantomData,
        }
    }

    /// Only where the row still has this version, the one that it was read with; otherwise [`Error::RowChanged`].
    pub fn version(mut self, version: T::Version) -> Self
    where
        T: HasVersion,
    {
        if !self.expected {
            self.key_params.push(version);
        }
        self.expected = true;
        self
    }

    /// Whether a version is expected.
    pub(super) fn is_expected(&self) -> bool {
        self.expected
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
            version: T::VERSION_COLUMN,
            expected: self.expected,
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
    /// a column to set, [`Error::RowChanged`] where the row has not the version of [`Update::version`], and
    /// see [`Error`].
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
        C: MayChange,
    {
        let expected = self.expected;
        let query = self.query(false);
        Fetch::new(async move {
            let affected = scope.guise.run(query?).await?.affected;
            unless_changed::<T>(expected && affected == 0)?;
            Ok(affected)
        })
    }

    /// Writes the change and returns the row as the database now holds it, if the scope sees one.
    ///
    /// # Errors
    /// As [`Update::execute`].
    pub fn fetch_optional<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<T>>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
        C: MayChange,
    {
        let expected = self.expected;
        let query = self.query(true);
        Fetch::new(async move {
            let rows = scope.guise.run(query?).await?;
            let row = first_returned(&scope.guise, &rows, T::from_row)?;
            unless_changed::<T>(expected && row.is_none())?;
            Ok(row)
        })
    }
}

/// The error of a row that is not there in the version that was expected.
pub(super) fn unless_changed<T: Table>(changed: bool) -> Result<(), Error> {
    match changed {
        false => Ok(()),
        true => Err(Error::RowChanged {
            table: plain(T::NAME),
        }),
    }
}
