//! Statements past row-level security.

use super::finder::count;
use super::update::unless_changed;
use super::written::first_returned;
use super::{
    Change, Delete, DeleteFound, Find, Finder, Insert, InsertMany, InsertOrNothing, InsertOrUpdate,
    InsertRow, Projection, Update, UpdateFound, Wanted, first, not_found,
};
use crate::table::HasPrimaryKey;
use crate::{Bypass, Error, Table};

/// A statement that no policy filters or checks.
#[derive(Debug)]
#[must_use = "nothing is sent until it is fetched or executed"]
pub struct Bypassing<'a, Q> {
    statement: Q,
    bypass: &'a Bypass,
}

macro_rules! bypassing {
    ($(impl<$($param:ident $(: $bound:path)?),*> $statement:ty;)*) => {$(
        impl<$($param $(: $bound)?),*> $statement {
            /// The same past row-level security. The policies need not allow it, and the login must be one
            /// that bypasses them.
            pub fn bypassing(self, bypass: &Bypass) -> Bypassing<'_, Self> {
                Bypassing { statement: self, bypass }
            }
        }
    )*};
}

bypassing! {
    impl<T: Projection, Rest, O> Finder<T, Rest, O>;
    impl<T: HasPrimaryKey> Find<T>;
    impl<T: Table> Insert<T>;
    impl<T: HasPrimaryKey, C: Change> Update<T, C>;
    impl<T: HasPrimaryKey> Delete<T>;
    impl<T: Table> InsertOrNothing<T>;
    impl<T: Table, C: Change> InsertOrUpdate<T, C>;
    impl<T: Table, C: Change> UpdateFound<T, C>;
    impl<T: Table> DeleteFound<T>;
    impl<T: Table, I> InsertMany<T, I>;
}

impl<T: Table> Bypassing<'_, InsertOrNothing<T>> {
    /// Writes the row, if its key is free; returns how many were written.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let query = self.statement.query(false);
        Ok(self.bypass.guise.run(query).await?.affected)
    }
}

impl<T: Table, C: Change> Bypassing<'_, InsertOrUpdate<T, C>> {
    /// Writes the row, or changes the one that has its key; returns how many were written.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let query = self.statement.query(false);
        Ok(self.bypass.guise.run(query).await?.affected)
    }
}

impl<T: Table, C: Change> Bypassing<'_, UpdateFound<T, C>> {
    /// Writes the change of the rows of every tenant that the finder finds; returns how many it changed.
    ///
    /// # Errors
    /// [`Error::NothingToUpdate`], [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let query = self.statement.query(false)?;
        Ok(self.bypass.guise.run(query).await?.affected)
    }
}

impl<T: Table> Bypassing<'_, DeleteFound<T>> {
    /// Deletes the rows of every tenant that the finder finds; returns how many were deleted.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let query = self.statement.query(false)?;
        Ok(self.bypass.guise.run(query).await?.affected)
    }
}

impl<T, I> Bypassing<'_, InsertMany<T, I>>
where
    T: Table,
    I: Iterator<Item: InsertRow<T>> + Send,
{
    /// Writes the rows, all of them or none; returns how many were written.
    ///
    /// # Errors
    /// [`Error::RowsDiffer`], [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let written = self.statement.write(&self.bypass.guise, false).await?;
        Ok(written.iter().map(|rows| rows.affected).sum())
    }
}

impl<T: Projection, Rest, O> Bypassing<'_, Finder<T, Rest, O>> {
    /// All of the rows of every tenant that the finder finds, at once in memory.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn fetch_all(self) -> Result<Vec<T>, Error> {
        let query = self.statement.query(Wanted::Rows)?;
        self.bypass.guise.run(query).await?.decode(T::from_row)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Bypassing::fetch_all`].
    pub async fn fetch_optional(self) -> Result<Option<T>, Error> {
        let query = self.statement.first_query()?;
        first(&self.bypass.guise.run(query).await?, T::from_row)
    }

    /// How many rows of every tenant there are, or the limit where there are more.
    ///
    /// # Errors
    /// As [`Bypassing::fetch_all`].
    pub async fn count(self) -> Result<u64, Error> {
        let query = self.statement.query(Wanted::Count)?;
        count(&self.bypass.guise.run(query).await?)
    }
}

impl<T: HasPrimaryKey> Bypassing<'_, Find<T>> {
    /// The row, if there is one.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn fetch_optional(self) -> Result<Option<T>, Error> {
        let query = self.statement.query(None);
        first(&self.bypass.guise.run(query).await?, T::from_row)
    }
}

impl<T: Table> Bypassing<'_, Insert<T>> {
    /// Writes the row; returns how many were written: 1, unless a trigger swallowed it.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let query = self.statement.query(false);
        Ok(self.bypass.guise.run(query).await?.affected)
    }

    /// Writes the row and returns it as the database now holds it.
    ///
    /// # Errors
    /// As [`Bypassing::execute`].
    pub async fn fetch_one(self) -> Result<T, Error> {
        let query = self.statement.query(true);
        let rows = self.bypass.guise.run(query).await?;
        first_returned(&self.bypass.guise, &rows, T::from_row)?.ok_or_else(|| not_found(T::INFO))
    }
}

impl<T: HasPrimaryKey, C: Change> Bypassing<'_, Update<T, C>> {
    /// Writes the change; returns how many rows it changed.
    ///
    /// # Errors
    /// [`Error::NothingToUpdate`], [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let expected = self.statement.is_expected();
        let query = self.statement.query(false)?;
        let affected = self.bypass.guise.run(query).await?.affected;
        unless_changed::<T>(expected && affected == 0)?;
        Ok(affected)
    }
}

impl<T: HasPrimaryKey> Bypassing<'_, Delete<T>> {
    /// Deletes the row; returns how many were deleted.
    ///
    /// # Errors
    /// [`Error::LoginCannotBypass`], and see [`Error`].
    pub async fn execute(self) -> Result<u64, Error> {
        let expected = self.statement.is_expected();
        let query = self.statement.query();
        let affected = self.bypass.guise.run(query).await?.affected;
        unless_changed::<T>(expected && affected == 0)?;
        Ok(affected)
    }
}
