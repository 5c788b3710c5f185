//! Raw SQL inside a scope: the text is a constant of the program, every value a parameter.

use std::fmt;
use std::sync::Arc;

use super::from_row::RowInfo;
use super::written;
use super::{ByAddress, Fetch, FromRow, Key, Query, RowStream, Shape, TableInfo, not_found};
use crate::database::{Guise, Incoming};
use crate::error::Written;
use crate::types::Param;
use crate::{Error, Params, Row, Scope, Scoped};

/// A statement as it was written, and what its rows are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Raw {
    pub(crate) sql: ByAddress<str>,
    /// None where nobody reads its rows.
    pub(crate) row: Option<ByAddress<RowInfo>>,
}

/// What stands for the table where a statement names no struct.
static STATEMENT: TableInfo = TableInfo::of_rows("\"raw SQL\"", &[]);

/// Raw SQL, and the scope that it runs in.
#[must_use = "nothing is sent until it is fetched"]
pub struct QueryAs<'a, R> {
    guise: &'a Arc<Guise>,
    query: Query,
    table: &'static TableInfo,
    decode: fn(&Row<'_>) -> Result<R, Error>,
}

impl<S: Scope> Scoped<S> {
    /// Raw SQL, each row read as an `R`: for what no finder says, such as a join or a sum.
    ///
    /// It runs like every statement: as the scope's role, in one round trip, under the policies, inside a
    /// transaction where this is one. The text is `&'static str`, so that no value can be written into it; the values
    /// are a tuple, `("acme", 3)`, bound as `$1`, `$2` and so on. How columns are matched with fields is said at
    /// [`FromRow`].
    ///
    /// Which policy allows it is not compared at compile time: the server refuses what was not granted.
    /// [`Error::RawSql`] refuses, before anything is sent, what is no `select`, `with`, `values`,
    /// `table`, `insert`, `update`, `delete` or `merge`, and what would leave the scope: `set_config`, writing
    /// `pg_settings`, `select … into`, functions that run a text as SQL, locks of the session, a backslash in plain
    /// quotes. No list of functions can be complete: what one of an extension or of your own does, or a trigger, is
    /// yours to judge, and one that calls `set_config` on the scope's setting changes the tenant.
    /// The statement is planned once for all values; where the best plan depends on them, write two statements.
    ///
    /// ```
    /// # use tabellion::*;
    /// # #[derive(Scope)]
    /// # #[scope(role = "shop_app")]
    /// # pub struct Shop {
    /// #     #[setting("app.current_shop")]
    /// #     pub domain: String,
    /// # }
    /// # async fn read(acme: &Scoped<Shop>) -> Result<(), Error> {
    /// let (open,) = acme
    ///     .query_as::<(i64,)>("select count(*) from tasks where not done and priority >= $1", (2_i16,))
    ///     .fetch_one()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn query_as<R: FromRow>(&self, sql: &'static str, values: impl Values) -> QueryAs<'_, R> {
        let row = Some(ByAddress(R::ROW));
        QueryAs {
            guise: &self.guise,
            query: query(&R::ROW.table, sql, row, values),
            table: &R::ROW.table,
            decode: R::from_row,
        }
    }

    /// Raw SQL whose rows nobody reads; returns how many were written, or read where it reads.
    ///
    /// As [`Scoped::query_as`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute(&self, sql: &'static str, values: impl Values) -> Fetch<'_, u64> {
        let query = query(&STATEMENT, sql, None, values);
        Fetch::new(async move { Ok(self.guise.run(query).await?.affected) })
    }
}

fn query(
    table: &'static TableInfo,
    sql: &'static str,
    row: Option<ByAddress<RowInfo>>,
    values: impl Values,
) -> Query {
    let mut params = Params::default();
    values.bind(&mut params);
    let sql = ByAddress(sql);
    Query {
        key: Key::new(table, Shape::Raw(Raw { sql, row })),
        params,
    }
}

// Where `R` is no row, the call that made this has said so.
impl<'a, R> QueryAs<'a, R> {
    /// All rows, at once in memory.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch_all(self) -> Fetch<'a, Vec<R>>
    where
        R: 'a,
    {
        Fetch::new(async move { self.rows().await })
    }

    /// The first row, if there is one. The others are sent all the same: write `limit 1`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch_optional(self) -> Fetch<'a, Option<R>>
    where
        R: 'a,
    {
        Fetch::new(async move { Ok(self.rows().await?.into_iter().next()) })
    }

    /// The first row.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none, even if it wrote something, and see [`Error`].
    pub fn fetch_one(self) -> Fetch<'a, R>
    where
        R: 'a,
    {
        Fetch::new(async move {
            let table = self.table;
            let found = self.rows().await?.into_iter().next();
            found.ok_or_else(|| not_found(table))
        })
    }

    /// The rows as they come, of which only some are in memory.
    ///
    /// What it writes may stand though the stream is dropped or ends in an error: the server commits once it has sent
    /// the last row, whoever reads it.
    ///
    /// # Errors
    /// [`Error::StreamInTransaction`], and see [`Error`].
    pub fn stream(self) -> Fetch<'a, RowStream<R>>
    where
        R: FromRow,
    {
        let guise = self.guise.clone();
        let writes = self.query.key.written() != Written::No;
        Fetch::new(async move {
            let (incoming, rows) = Incoming::open(guise, self.query).await?;
            Ok(RowStream::new(incoming, rows, writes))
        })
    }

    async fn rows(self) -> Result<Vec<R>, Error> {
        let written = self.query.key.written();
        let rows = self.guise.run(self.query).await?;
        written::read(self.guise, &rows, self.decode, written)
    }
}

/// Shows the text, and how many values there are.
impl<R> fmt::Debug for QueryAs<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryAs")
            .field("sql", &self.query.key.sql())
            .field("values", &self.query.params)
            .finish_non_exhaustive()
    }
}

/// The values of raw SQL: a tuple of up to 16, `()` where there are none.
#[diagnostic::on_unimplemented(
    message = "the values of a statement are a tuple, not a `{Self}`",
    label = "not a tuple of values",
    note = "write `(value,)` for a single one and `()` for none"
)]
pub trait Values {
    /// Adds them in order.
    #[doc(hidden)]
    fn bind(self, params: &mut Params);
}

/// A value of raw SQL: what columns can have, or a borrowed text.
#[diagnostic::on_unimplemented(
    message = "no statement can carry a `{Self}`",
    label = "not a column type",
    note = "use one of the types that columns have, `&str`, or implement `tabellion::types::Param` for `{Self}`"
)]
pub trait Value {
    /// Adds it.
    #[doc(hidden)]
    fn add(self, params: &mut Params);
}

#[diagnostic::do_not_recommend]
impl<T: Param> Value for T {
    fn add(self, params: &mut Params) {
        params.push(self);
    }
}

#[diagnostic::do_not_recommend]
impl Value for &str {
    fn add(self, params: &mut Params) {
        params.push(self.to_owned());
    }
}

#[diagnostic::do_not_recommend]
impl Value for Option<&str> {
    fn add(self, params: &mut Params) {
        params.push(self.map(str::to_owned));
    }
}

#[diagnostic::do_not_recommend]
impl Value for &String {
    fn add(self, params: &mut Params) {
        params.push(self.clone());
    }
}

impl Values for () {
    fn bind(self, _: &mut Params) {}
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Value, $($rest: Value),*> Values for ($first, $($rest,)*) {
            fn bind(self, params: &mut Params) {
                #[allow(non_snake_case)]
                let ($first, $($rest,)*) = self;
                $first.add(params);
                $($rest.add(params);)*
            }
        }
        tuples!($($rest)*);
    };
    () => {};
}

tuples!(A B C D E F G H I J K L M N O P);
