//! Reading the row of a primary key.

use std::marker::PhantomData;

use super::{Key, Query, Shape, first, not_found};
use crate::table::{AllowsSelect, HasPrimaryKey};
use crate::{Error, IntoValue, Params, Scoped, Table};

/// The row of `T` with a primary key.
#[derive(Debug)]
#[must_use = "nothing is read until it is fetched"]
pub struct Find<T> {
    key: &'static [&'static str],
    params: Params,
    of: PhantomData<fn() -> T>,
}

impl<T: Table> Find<T> {
    pub(crate) fn new(key: impl IntoValue<T::Key>) -> Self
    where
        T: HasPrimaryKey + AllowsSelect,
    {
        let mut params = Params::default();
        T::bind(key.into_value(), &mut params);
        Find {
            key: T::KEY,
            params,
            of: PhantomData,
        }
    }

    /// The row, if the scope sees it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn fetch_optional(self, scope: &Scoped<T::Scope>) -> Result<Option<T>, Error> {
        let query = Query {
            key: Key::new(T::INFO, Shape::Find { key: self.key }),
            params: self.params,
        };
        first(&scope.guise.run(query).await?, T::from_row)
    }

    /// The row.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the scope does not see it; else see [`Error`].
    pub async fn fetch_one(self, scope: &Scoped<T::Scope>) -> Result<T, Error> {
        let found = self.fetch_optional(scope).await?;
        found.ok_or_else(|| not_found(T::INFO))
    }
}
