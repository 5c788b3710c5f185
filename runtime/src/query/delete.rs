//! Deleting the row of a primary key.

use std::marker::PhantomData;

use super::update::unless_changed;
use super::{Fetch, Key, Query, Shape};
use crate::table::{AllowsDelete, AllowsSelect, HasPrimaryKey, HasVersion};
use crate::{IntoValue, Params, Scope, Scoped, Table};

/// The deletion of the row of `T` with a primary key.
#[derive(Debug)]
#[must_use = "nothing is deleted until it is executed"]
pub struct Delete<T> {
    key: &'static [&'static str],
    params: Params,
    version: Option<&'static str>,
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
            version: None,
            of: PhantomData,
        }
    }

    /// Only where the row still has this version, the one that it was read with; otherwise
    /// [`Error::RowChanged`](crate::Error::RowChanged).
    pub fn version(mut self, version: T::Version) -> Self
    where
        T: HasVersion,
    {
        if self.version.is_none() {
            self.params.push(version);
        }
        self.version = T::VERSION_COLUMN;
        self
    }

    /// Whether a version is expected.
    pub(super) fn is_expected(&self) -> bool {
        self.version.is_some()
    }

    /// Deletes the row; returns how many were deleted: 0 where the scope sees no such row.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn execute<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, u64>
    where
        T: AllowsDelete<S> + AllowsSelect<S>,
    {
        let expected = self.version.is_some();
        let query = self.query();
        Fetch::new(async move {
            let affected = scope.guise.run(query).await?.affected;
            unless_changed::<T>(expected && affected == 0)?;
            Ok(affected)
        })
    }

    pub(super) fn query(self) -> Query {
        Query {
            key: Key::new(
                T::INFO,
                Shape::Delete {
                    key: self.key,
                    version: self.version,
                },
            ),
            params: self.params,
        }
    }
}
