//! Reading the row of a primary key.

use std::marker::PhantomData;

use super::{Fetch, Key, Lock, Query, Shape, first, not_found};
use crate::table::{AllowsSelect, HasPrimaryKey};
use crate::{IntoValue, Params, Scope, Scoped, Table};

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
        T: HasPrimaryKey,
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
    /// See [`Error`](crate::Error).
    pub fn fetch_optional<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Option<T>>
    where
        T: AllowsSelect<S>,
    {
        let query = self.query(None);
        Fetch::new(async move { first(&scope.guise.run(query).await?, T::from_row) })
    }

    /// The row.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) if the scope does not see it; else see
    /// [`Error`](crate::Error).
    pub fn fetch_one<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, T>
    where
        T: AllowsSelect<S>,
    {
        let query = self.query(None);
        Fetch::new(async move {
            let found = first(&scope.guise.run(query).await?, T::from_row)?;
            found.ok_or_else(|| not_found(T::INFO))
        })
    }

    pub(super) fn query(self, lock: Option<Lock>) -> Query {
        let key = self.key;
        Query {
            key: Key::new(T::INFO, Shape::Find { key, lock }),
            params: self.params,
        }
    }
}
