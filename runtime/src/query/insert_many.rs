//! Writing many new rows.

use std::fmt;
use std::iter::Peekable;
use std::marker::PhantomData;

use super::elements::{Value, push};
use super::written::returned;
use super::{Fetch, Insert, Key, Query, Shape, plain};
use crate::database::Guise;
use crate::row::Rows;
use crate::table::{AllowsInsert, AllowsSelect, NewRow};
use crate::{Error, Params, Scope, Scoped, Table};

/// How many rows one statement takes at most, and about how many bytes.
const ROWS: usize = 5_000;
const BYTES: usize = 1024 * 1024;

/// New rows of `T`, all of them or none. Columns that are not set get their default from the database.
///
/// The rows travel as arrays, in portions of 5,000 rows or about 1 MiB: a portion is taken from the iterator while
/// the server writes the one before, so that no more than two are in memory. One flight and one transaction hold
/// them all; inside a transaction of yours, each portion is a statement of it, which fails with any of them. The iterator
/// must not wait for another statement of that transaction: none runs between two portions.
#[must_use = "nothing is written until it is executed"]
pub struct InsertMany<T, I> {
    rows: I,
    of: PhantomData<fn() -> T>,
}

/// What [`Table::insert_many`] takes: a new row, or an [`Insert`] that sets further columns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a new row of `{T}`",
    label = "not a new row",
    note = "give the struct that the derive wrote for a table `Thing`, `NewThing`, or `Thing::insert(..).set(..)`"
)]
pub trait InsertRow<T>: Send {
    #[doc(hidden)]
    fn columns(&self) -> &[&'static str];
    #[doc(hidden)]
    fn into_params(self) -> Params;
}

#[diagnostic::do_not_recommend]
impl<R: NewRow + Send> InsertRow<R::Table> for R {
    fn columns(&self) -> &[&'static str] {
        R::COLUMNS
    }

    fn into_params(self) -> Params {
        let mut params = Params::with_capacity(R::COLUMNS.len());
        self.bind(&mut params);
        params
    }
}

#[diagnostic::do_not_recommend]
impl<T: Table> InsertRow<T> for Insert<T> {
    fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    fn into_params(self) -> Params {
        self.params
    }
}

impl<T, I> InsertMany<T, I>
where
    T: Table,
    I: Iterator<Item: InsertRow<T>> + Send,
{
    pub(crate) fn new(rows: I) -> Self {
        InsertMany {
            rows,
            of: PhantomData,
        }
    }

    /// Writes the rows; returns how many were written: all of them, unless a trigger swallowed some.
    ///
    /// # Errors
    /// [`Error::RowRefused`] where a row lies outside the scope, [`Error::RowsDiffer`] where one sets other columns
    /// than the first, and see [`Error`]. After an error none is written.
    pub fn execute<'a, S: Scope>(self, scope: &'a Scoped<S>) -> Fetch<'a, u64>
    where
        T: AllowsInsert<S>,
        I: 'a,
    {
        Fetch::new(async move {
            let written = self.write(&scope.guise, false).await?;
            Ok(written.iter().map(|rows| rows.affected).sum())
        })
    }

    /// Writes the rows and returns them as the database now holds them, defaults included, in their order.
    ///
    /// PostgreSQL returns a row under the SELECT policy, so both policies are needed.
    ///
    /// # Errors
    /// As [`InsertMany::execute`]; but where a row comes back that cannot be read, all are written:
    /// [`Error::may_have_written`].
    pub fn fetch_all<'a, S: Scope>(self, scope: &'a Scoped<S>) -> Fetch<'a, Vec<T>>
    where
        T: AllowsInsert<S> + AllowsSelect<S>,
        I: 'a,
    {
        Fetch::new(async move {
            let written = self.write(&scope.guise, true).await?;
            let mut found = Vec::new();
            for rows in written {
                found.append(&mut returned(&scope.guise, &rows, T::from_row)?);
            }
            Ok(found)
        })
    }

    pub(super) async fn write(self, guise: &Guise, returning: bool) -> Result<Vec<Rows>, Error> {
        let mut portions = Portions::<T, I> {
            rows: self.rows.peekable(),
            columns: Vec::new(),
            types: Vec::new(),
            returning,
            of: PhantomData,
        };
        let Some(first) = portions.next()? else {
            return Ok(Vec::new());
        };
        if portions.rows.peek().is_none() {
            return Ok(vec![guise.run(first).await?]);
        }
        guise.run_all(first, &mut || portions.next()).await
    }
}

/// The rows as statements of the same form.
struct Portions<T, I: Iterator> {
    rows: Peekable<I>,
    /// Those that the first row sets, with their types.
    columns: Vec<&'static str>,
    types: Vec<&'static str>,
    returning: bool,
    of: PhantomData<fn() -> T>,
}

impl<T, I> Portions<T, I>
where
    T: Table,
    I: Iterator<Item: InsertRow<T>>,
{
    /// The next statement, if there is a row for it.
    fn next(&mut self) -> Result<Option<Query>, Error> {
        let Some(first) = self.rows.peek() else {
            return Ok(None);
        };
        if self.types.is_empty() {
            self.columns = first.columns().to_vec();
            self.types = self
                .columns
                .iter()
                .map(|name| sql_type::<T>(name))
                .collect();
        }
        let mut columns: Vec<Vec<Value>> = Vec::new();
        columns.resize_with(self.columns.len(), || Vec::with_capacity(64));
        let (mut count, mut bytes) = (0, 0);
        while count < ROWS && bytes < BYTES {
            let Some(row) = self.rows.next() else {
                break;
            };
            if !are_same(row.columns(), &self.columns) {
                return Err(Error::RowsDiffer {
                    table: plain(T::NAME),
                });
            }
            let params = row.into_params();
            bytes += params.size();
            for (column, value) in columns.iter_mut().zip(params.into_values()) {
                column.push(value);
            }
            count += 1;
        }
        Ok(Some(self.query(count, columns)))
    }

    fn query(&self, count: usize, columns: Vec<Vec<Value>>) -> Query {
        let mut params = Params::default();
        for (values, ty) in columns.into_iter().zip(&self.types) {
            push(&mut params, values, is_array(ty));
        }
        if self.types.is_empty() {
            params.push(i32::try_from(count).unwrap_or(i32::MAX));
        }
        let shape = Shape::InsertMany {
            columns: self.columns.clone(),
            types: self.types.clone(),
            returning: self.returning,
        };
        Query {
            key: Key::new(T::INFO, shape),
            params,
        }
    }
}

/// Whether they name the same columns. Rows come from one place of the program as a rule, where a name is one text.
fn are_same(columns: &[&'static str], others: &[&'static str]) -> bool {
    let is_same = |(one, other): (&&str, &&str)| std::ptr::eq(*one, *other) || one == other;
    columns.len() == others.len() && columns.iter().zip(others).all(is_same)
}

/// Whether a type as SQL is an array's.
pub(super) fn is_array(ty: &str) -> bool {
    ty.ends_with("[]")
}

/// The type of a column as SQL.
fn sql_type<T: Table>(column: &str) -> &'static str {
    let mut columns = T::COLUMNS.iter().zip(T::TYPES);
    let found = columns.find(|(name, _)| **name == column);
    found.map_or("pg_catalog.text", |(_, ty)| ty)
}

impl<T: Table, I> fmt::Debug for InsertMany<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertMany")
            .field("table", &T::NAME)
            .finish_non_exhaustive()
    }
}
