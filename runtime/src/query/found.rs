//! Changing and deleting what a finder finds.

use std::marker::PhantomData;

use super::finder::Limit;
use super::insert::set;
use super::written::returned;
use super::{
    Change, Changeable, Fetch, Finder, Key, MayChange, Projection, Query, Select, Shape, plain,
};
use crate::table::{AllowsDelete, AllowsSelect, AllowsUpdate, Column};
use crate::types::Param;
use crate::{Error, IntoValue, Params, Scope, Scoped, Table};

/// A change of the rows of `T` that a finder finds. Only the columns that are set change.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct UpdateFound<T, C = Changeable> {
    found: Result<(Select, Params), Error>,
    columns: Vec<&'static str>,
    params: Params,
    of: PhantomData<fn() -> (T, C)>,
}

/// The deletion of the rows of `T` that a finder finds.
#[derive(Debug)]
#[must_use = "nothing is deleted until it is executed"]
pub struct DeleteFound<T> {
    found: Result<(Select, Params), Error>,
    of: PhantomData<fn() -> T>,
}

impl<R: Projection, Rest, O> Finder<R, Rest, O> {
    /// Changes the rows: `Task::by_shop("acme").eq(Priority::Low).update().set(Task::DONE, true)`.
    ///
    /// All of them: with a limit or a cursor it is [`Error::LimitedWrite`].
    pub fn update(self) -> UpdateFound<R::Table> {
        UpdateFound {
            found: self.found(),
            columns: Vec::new(),
            params: Params::default(),
            of: PhantomData,
        }
    }

    /// Deletes the rows. All of them: with a limit or a cursor it is [`Error::LimitedWrite`].
    pub fn delete(self) -> DeleteFound<R::Table> {
        DeleteFound {
            found: self.found(),
            of: PhantomData,
        }
    }

    fn found(self) -> Result<(Select, Params), Error> {
        let (select, limit, params) = self.parts()?;
        match (limit, select.after) {
            (Limit::None, None) => Ok((select, params)),
            _ => Err(Error::LimitedWrite {
                table: plain(R::INFO.name),
            }),
        }
    }
}

impl<T: Table, C: Change> UpdateFound<T, C> {
    /// Sets a column. The last value of a column counts.
    pub fn set<V, D>(
        mut self,
        column: Column<T, V, D>,
        value: impl IntoValue<V>,
    ) -> UpdateFound<T, C::With<D>>
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
        UpdateFound {
            found: self.found,
            columns: self.columns,
            params: self.params,
            of: PhantomData,
        }
    }

    pub(super) fn query(self, returning: bool) -> Result<Query, Error> {
        let (select, mut params) = self.found?;
        if self.columns.is_empty() {
            return Err(Error::NothingToUpdate {
                table: plain(T::NAME),
            });
        }
        params.append(self.params);
        let shape = Shape::UpdateFound {
            select,
            columns: self.columns,
            version: T::VERSION_COLUMN,
            returning,
        };
        Ok(Query {
            key: Key::new(T::INFO, shape),
            params,
        })
    }

    /// Writes the change; returns how many rows it changed.
    ///
    /// # Errors
    /// [`Error::RowRefused`] where a row would leave the scope, [`Error::NothingToUpdate`] without a column to set,
    /// and see [`Error`].
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
        C: MayChange,
    {
        let query = self.query(false);
        Fetch::new(async move { Ok(scope.guise.run(query?).await?.affected) })
    }

    /// Writes the change and returns the rows as the database now holds them, in no order.
    ///
    /// # Errors
    /// As [`UpdateFound::execute`].
    pub fn fetch_all<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Vec<T>>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
        C: MayChange,
    {
        let query = self.query(true);
        Fetch::new(async move {
            let rows = scope.guise.run(query?).await?;
            returned(&scope.guise, &rows, T::from_row)
        })
    }
}

impl<T: Table> DeleteFound<T> {
    pub(super) fn query(self, returning: bool) -> Result<Query, Error> {
        let (select, params) = self.found?;
        let shape = Shape::DeleteFound { select, returning };
        Ok(Query {
            key: Key::new(T::INFO, shape),
            params,
        })
    }

    /// Deletes the rows; returns how many were deleted.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsDelete<S> + AllowsSelect<S>,
    {
        let query = self.query(false);
        Fetch::new(async move { Ok(scope.guise.run(query?).await?.affected) })
    }

    /// Deletes the rows and returns them as they were, in no order.
    ///
    /// # Errors
    /// As [`DeleteFound::execute`].
    pub fn fetch_all<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Vec<T>>
    where
        T: AllowsDelete<S> + AllowsSelect<S>,
    {
        let query = self.query(true);
        Fetch::new(async move {
            let rows = scope.guise.run(query?).await?;
            returned(&scope.guise, &rows, T::from_row)
        })
    }
}
