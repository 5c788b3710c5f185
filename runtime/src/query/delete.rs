//! Deleting the row of a primary key.

use std::marker::PhantomData;

use super::{Fetch, Key, Query, Shape};
use crate::table::{AllowsDelete, AllowsSelect, HasPrimaryKey};
use crate::{IntoValue, Params, Scope, Scoped, Table};

/// The deletion of the row of `T` with a primary key.
#[derive(Debug)]
#[must_use = "nothing is deleted until it is executed"]
pub struct Delete<T> {
    key: &'static [&'static str],
    params: Params,
    of: PhantomData<fn() -> T>,
}

impl<T: Table> Delete<T> {
    pub(crate) fn new(key: impl IntoValue<T::Key>) -> Self
    where
        T: HasPrimaryKey,
    {
        let mut params = Params::default();
        T::bind(key.into_value(), &mut params);
        Delete {
            key: T::KEY,
            params,
            of: PhantomData,
        }
    }

    /// Deletes the row; returns how many were deleted: 0 where the scope sees no such row.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsDelete<S> + AllowsSelect<S>,
    {
        let query = self.query();
        Fetch::new(async move { Ok(scope.guise.run(query).await?.affected) })
    }

    pub(super) fn query(self) -> Query {
        Query {
            key: Key::new(T::INFO, Shape::Delete { key: self.key }),
            params: self.params,
        }
    }
}
