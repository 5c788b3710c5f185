//! Writing a new row where another one may have its key.

use std::marker::PhantomData;

use super::written::first_returned;
use super::{Change, Changeable, Fetch, Insert, MayChange, Query, not_found};
use crate::table::{AllowsInsert, AllowsSelect, AllowsUpdate, Column};
use crate::{Scope, Scoped, Table};

/// A primary or unique key of the table `T`, all of whose columns a statement may set. The derive writes one for
/// each, named after its columns: `Task::SHOP_TITLE_KEY`.
#[derive(Debug)]
pub struct UniqueKey<T> {
    columns: &'static [&'static str],
    of: PhantomData<fn() -> T>,
}

impl<T> UniqueKey<T> {
    /// A key by its columns as SQL.
    #[doc(hidden)]
    pub const fn new(columns: &'static [&'static str]) -> Self {
        UniqueKey {
            columns,
            of: PhantomData,
        }
    }
}

impl<T> Clone for UniqueKey<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for UniqueKey<T> {}

/// What becomes of a new row whose key another one has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Conflict {
    pub(crate) key: &'static [&'static str],
    /// The columns that the row there takes from the new one; none where it stays as it is.
    pub(crate) update: Vec<&'static str>,
}

/// A new row of `T`, and the key that another one may have. [`OnConflict::do_nothing`] and
/// [`OnConflict::do_update`] say what then.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct OnConflict<T> {
    insert: Insert<T>,
    key: UniqueKey<T>,
}

/// A new row of `T`, unless its key is taken.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct InsertOrNothing<T>(Insert<T>);

/// A new row of `T`, or some of its columns for the row that has its key.
#[derive(Debug)]
#[must_use = "nothing is written until it is executed"]
pub struct InsertOrUpdate<T, C = Changeable>(Insert<T>, PhantomData<fn() -> C>);

impl<T: Table> Insert<T> {
    /// The key that another row may have.
    pub fn on_conflict(self, key: UniqueKey<T>) -> OnConflict<T> {
        OnConflict { insert: self, key }
    }
}

impl<T: Table> OnConflict<T> {
    /// Where the key is taken nothing is written.
    pub fn do_nothing(self) -> InsertOrNothing<T> {
        InsertOrNothing(self.with(Vec::new()))
    }

    /// Where the key is taken, the row there gets the new one's value of this column. Called again on the result,
    /// of another column too; no other changes.
    pub fn do_update<V, C: Change>(self, column: Column<T, V, C>) -> InsertOrUpdate<T, C> {
        InsertOrUpdate(self.with(vec![column.name]), PhantomData)
    }

    fn with(mut self, update: Vec<&'static str>) -> Insert<T> {
        let key = self.key.columns;
        self.insert.conflict = Some(Conflict { key, update });
        self.insert
    }
}

impl<T: Table> InsertOrNothing<T> {
    /// Writes the row, if its key is free; returns how many were written.
    ///
    /// PostgreSQL looks for the key under the SELECT policy, so both policies are needed.
    ///
    /// # Errors
    /// [`Error::RowRefused`](crate::Error::RowRefused) where the row lies outside the scope, and see [`Error`](crate::Error).
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsInsert<S> + AllowsSelect<S>,
    {
        let query = self.query(false);
        Fetch::new(async move { Ok(scope.guise.run(query).await?.affected) })
    }

    /// Writes the row and returns it as the database now holds it, if its key was free.
    ///
    /// # Errors
    /// As [`InsertOrNothing::execute`].
    pub fn fetch_optional<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<T>>
    where
        T: AllowsInsert<S> + AllowsSelect<S>,
    {
        let query = self.query(true);
        Fetch::new(async move {
            let rows = scope.guise.run(query).await?;
            first_returned(&scope.guise, &rows, T::from_row)
        })
    }

    pub(super) fn query(self, returning: bool) -> Query {
        self.0.query(returning)
    }
}

impl<T: Table, C: Change> InsertOrUpdate<T, C> {
    /// One more column that the row there takes from the new one.
    pub fn do_update<V, D: Change>(
        mut self,
        column: Column<T, V, D>,
    ) -> InsertOrUpdate<T, C::With<D>> {
        if let Some(conflict) = &mut self.0.conflict
            && !conflict.update.contains(&column.name)
        {
            conflict.update.push(column.name);
        }
        InsertOrUpdate(self.0, PhantomData)
    }

    /// Writes the row, or changes the one that has its key; returns how many were written.
    ///
    /// The row there is found under the SELECT policy and changed under the UPDATE policy, so all three policies are
    /// needed.
    ///
    /// # Errors
    /// [`Error::RowRefused`](crate::Error::RowRefused) where the row lies outside the scope, or the one that has its key does; and see
    /// [`Error`](crate::Error).
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsInsert<S> + AllowsUpdate<S> + AllowsSelect<S>,
        C: MayChange,
    {
        let query = self.query(false);
        Fetch::new(async move { Ok(scope.guise.run(query).await?.affected) })
    }

    /// Writes the row, or changes the one that has its key, and returns it as the database now holds it.
    ///
    /// # Errors
    /// As [`InsertOrUpdate::execute`].
    pub fn fetch_one<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, T>
    where
        T: AllowsInsert<S> + AllowsUpdate<S> + AllowsSelect<S>,
        C: MayChange,
    {
        let query = self.query(true);
        Fetch::new(async move {
            let rows = scope.guise.run(query).await?;
            first_returned(&scope.guise, &rows, T::from_row)?.ok_or_else(|| not_found(T::INFO))
        })
    }

    pub(super) fn query(self, returning: bool) -> Query {
        self.0.query(returning)
    }
}
