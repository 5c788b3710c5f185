//! What `#[derive(Table)]` says of a struct, and what a table can therefore do.
//!
//! For a struct `Action` with a finder `by_shop`, an optional column `notes` and policies for SELECT
//! and INSERT the derive writes this and nothing more; everything else is generic code of this crate:
//!
//! ```
//! use tabellion::query::{Finder, Order, Total};
//! use tabellion::scope::Setting;
//! use tabellion::*;
//! # pub struct Shop { domain: String }
//! # impl Scope for Shop {
//! #     const ROLE: &'static str = "authenticated";
//! #     const SETTINGS: &'static [&'static str] = &["app.current_shop"];
//! #     fn values(&self) -> Vec<Option<String>> { vec![Setting::text(&self.domain)] }
//! # }
//! # pub struct Action { pub id: i32, pub shop_domain: String, pub notes: Option<String> }
//! impl Table for Action {
//!     type Scope = Shop;
//!     const NAME: &'static str = "public.actions";
//!     const COLUMNS: &'static [&'static str] = &["id", "shop_domain", "notes"];
//!     const TYPES: &'static [&'static str] = &["pg_catalog.int4", "pg_catalog.text", "pg_catalog.text"];
//!     const FINDERS: &'static [Index] = &[Index {
//!         name: "actions_shop_domain_id_idx",
//!         finder: "by_shop",
//!         columns: &[("shop_domain", Order::Ascending), ("id", Order::Descending)],
//!         predicate: &[],
//!     }];
//!     fn from_row(row: &Row<'_>) -> Result<Self, Error> {
//!         Ok(Self { id: row.get(0)?, shop_domain: row.get(1)?, notes: row.get(2)? })
//!     }
//! }
//! impl HasPrimaryKey for Action {
//!     type Key = i32;
//!     const KEY: &'static [&'static str] = &["id"];
//!     fn bind(key: i32, params: &mut Params) {
//!         params.push(key);
//!     }
//! }
//! impl AllowsSelect for Action {}
//! impl AllowsInsert for Action {}
//! impl Action {
//!     pub const NOTES: Column<Action, Option<String>> = Column::new("notes");
//!
//!     pub fn by_shop(shop_domain: impl IntoValue<String>) -> Finder<Action, (i32,), Total> {
//!         Finder::new(&Action::FINDERS[0], shop_domain.into_value())
//!     }
//! }
//! /// The columns without which a row cannot be inserted.
//! pub struct NewAction {
//!     pub shop_domain: String,
//! }
//! impl NewRow for NewAction {
//!     type Table = Action;
//!     const COLUMNS: &'static [&'static str] = &["shop_domain"];
//!     fn bind(self, params: &mut Params) {
//!         params.push(self.shop_domain);
//!     }
//! }
//! ```

use std::fmt;
use std::marker::PhantomData;

use crate::query::{
    Changeable, Delete, Find, Index, Insert, InsertMany, InsertRow, TableInfo, Unindexed, Update,
};
use crate::types::Param;
use crate::{Error, IntoValue, Params, Row, Scope};

pub use crate::text_enum::TextEnum;

/// A table that a struct declares.
///
/// Implemented by `#[derive(Table)]`. Its functions are how rows are found by key and written. What they
/// make runs in a scope to which a policy allows the command, and otherwise fails to compile with the
/// policy to add.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "add `#[derive(tabellion::Table)]` to `{Self}`"
)]
pub trait Table: Sized + 'static {
    /// Who may ask for its rows, where a policy does not say otherwise. What each scope may do is said by
    /// [`AllowsSelect`] and its like.
    type Scope: Scope;
    /// The table's name as SQL: schema-qualified, quoted where needed.
    const NAME: &'static str;
    /// The columns as SQL, in the order of the struct's fields.
    const COLUMNS: &'static [&'static str];

    /// The columns' types as SQL, in the same order, without what a type leaves open; of an array with `[]`.
    #[doc(hidden)]
    const TYPES: &'static [&'static str] = &[];

    /// The fields' names, in their order: the columns', where no name differs.
    #[doc(hidden)]
    const FIELDS: &'static [&'static str] = Self::COLUMNS;

    /// The column that counts the updates of its row, as SQL.
    #[doc(hidden)]
    const VERSION_COLUMN: Option<&'static str> = None;

    /// The indexes that have a finder, in the order of the attributes.
    #[doc(hidden)]
    const FINDERS: &'static [Index] = &[];

    /// The constraints and unique indexes by their plain names, with the fields that each is about.
    #[doc(hidden)]
    const CONSTRAINTS: &'static [crate::query::Constraint] = &[];

    /// The columns whose values have a limit, by their plain names, each with its type as SQL.
    #[doc(hidden)]
    const LIMITS: &'static [crate::query::SizeLimit] = &[];

    /// Reads a row whose columns are [`Table::COLUMNS`].
    ///
    /// # Errors
    /// [`Error::Decode`] if a value does not fit its field.
    fn from_row(row: &Row<'_>) -> Result<Self, Error>;

    #[doc(hidden)]
    const INFO: &'static TableInfo = &TableInfo {
        name: Self::NAME,
        columns: Self::COLUMNS,
        constraints: Self::CONSTRAINTS,
        limits: Self::LIMITS,
        finders: Self::FINDERS,
    };

    /// The row with that primary key: `Invoice::find(7).fetch_optional(&shop)`.
    ///
    /// A composite key is a tuple in the key's own order.
    fn find(key: impl IntoValue<<Self as HasPrimaryKey>::Key>) -> Find<Self>
    where
        Self: HasPrimaryKey,
    {
        Find::new(key)
    }

    /// All rows that a scope sees, along no index: `Invoice::unindexed("the yearly export")`.
    ///
    /// The reason stands in the source for whoever reviews it, and in a `tracing` event; an empty one is
    /// [`Error::UnindexedWithoutReason`].
    fn unindexed(reason: &'static str) -> Unindexed<Self> {
        Unindexed::new(reason)
    }

    /// A new row, of the required columns; optional ones follow by [`Insert::set`]. What is not set
    /// is left to the column's default.
    fn insert<R>(row: R) -> Insert<Self>
    where
        R: NewRow<Table = Self>,
    {
        Insert::new(row)
    }

    /// Many new rows, all of them or none: `Invoice::insert_many(rows).execute(&shop)`. Each is a `NewInvoice`, or
    /// an `Invoice::insert(..)` with further columns, the same ones for every row.
    fn insert_many<I>(rows: I) -> InsertMany<Self, I::IntoIter>
    where
        I: IntoIterator<Item: InsertRow<Self>, IntoIter: Send>,
    {
        InsertMany::new(rows.into_iter())
    }

    /// Changes the row with that primary key: `Invoice::update(7).set(Invoice::PAID, true)`.
    ///
    /// PostgreSQL looks the row up under the SELECT policy, so both policies are needed.
    fn update(key: impl IntoValue<<Self as HasPrimaryKey>::Key>) -> Update<Self>
    where
        Self: HasPrimaryKey,
    {
        Update::new(key)
    }

    /// Deletes the row with that primary key.
    ///
    /// PostgreSQL looks the row up under the SELECT policy, so both policies are needed.
    fn delete(key: impl IntoValue<<Self as HasPrimaryKey>::Key>) -> Delete<Self>
    where
        Self: HasPrimaryKey,
    {
        Delete::new(key)
    }
}

/// A table with a primary key.
#[diagnostic::on_unimplemented(
    message = "table `{Self}` has no primary key",
    label = "no column of `{Self}` is its primary key",
    note = "mark the key's columns with `#[column(primary_key)]`"
)]
pub trait HasPrimaryKey: Table {
    /// The key: the column's type, or a tuple of them in the key's order.
    type Key: Send;
    /// The key's columns as SQL.
    const KEY: &'static [&'static str];

    /// Adds the key's values in the order of [`HasPrimaryKey::KEY`].
    fn bind(key: Self::Key, params: &mut Params);
}

/// A table with a column that counts the updates of its row.
#[diagnostic::on_unimplemented(
    message = "table `{Self}` has no version column",
    label = "no column of `{Self}` counts its updates",
    note = "add a field such as `#[column(version)] pub version: i32` to `{Self}`"
)]
pub trait HasVersion: Table {
    /// The column's type.
    type Version: Param;
}

/// The columns that an insert must have: those that are NOT NULL and have no default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a new row",
    label = "not a new row",
    note = "`#[derive(tabellion::Table)]` on a struct `Thing` writes its `NewThing`"
)]
pub trait NewRow {
    /// The table that the row belongs in.
    type Table: Table;
    /// The columns as SQL.
    const COLUMNS: &'static [&'static str];

    /// Adds the values in the order of [`NewRow::COLUMNS`].
    fn bind(self, params: &mut Params);
}

/// A policy of the table allows SELECT to the scope `S`.
#[diagnostic::on_unimplemented(
    message = "table `{Self}` has no SELECT policy for scope `{S}`",
    label = "no policy allows SELECT on `{Self}` to `{S}`",
    note = "add `#[policy(\"...\", select, using = ...)]` to `{Self}`, or `#[tenant(...)]` for all four commands; \
            where `{S}` is not the table's own scope, with `scope = {S}` in it"
)]
pub trait AllowsSelect<S = <Self as Table>::Scope>: Table {}

/// The scope reads whole rows of the table `T`. No scope implements it: it is asked of one whose SELECT policy has
/// `columns(...)`, so that the error says so. The lifetime keeps rustc from looking before somebody asks.
#[diagnostic::on_unimplemented(
    message = "scope `{Self}` may read some columns of table `{T}`, and no whole rows",
    label = "this takes whole rows of `{T}`, of which a policy names some columns for `{Self}`",
    note = "read the columns with SQL of your own, by `query_as` and `#[derive(FromRow)]`, or leave `columns(...)` out of \
            the `select` policy"
)]
pub trait ReadsWholeRows<'a, T>: unimplemented::Unimplemented {}

mod unimplemented {
    /// What no scope is, since nobody can name it.
    pub trait Unimplemented {}
}

/// A policy of the table allows INSERT to the scope `S`.
#[diagnostic::on_unimplemented(
    message = "table `{Self}` has no INSERT policy for scope `{S}`",
    label = "no policy allows INSERT on `{Self}` to `{S}`",
    note = "add `#[policy(\"...\", insert, check = ...)]` to `{Self}`, or `#[tenant(...)]` for all four commands; \
            where `{S}` is not the table's own scope, with `scope = {S}` in it"
)]
pub trait AllowsInsert<S = <Self as Table>::Scope>: Table {}

/// A policy of the table allows UPDATE to the scope `S`.
#[diagnostic::on_unimplemented(
    message = "table `{Self}` has no UPDATE policy for scope `{S}`",
    label = "no policy allows UPDATE on `{Self}` to `{S}`",
    note = "add `#[policy(\"...\", update, using = ..., check = ...)]` to `{Self}`, or `#[tenant(...)]` for all four commands; \
            where `{S}` is not the table's own scope, with `scope = {S}` in it"
)]
pub trait AllowsUpdate<S = <Self as Table>::Scope>: Table {}

/// A policy of the table allows DELETE to the scope `S`.
#[diagnostic::on_unimplemented(
    message = "table `{Self}` has no DELETE policy for scope `{S}`",
    label = "no policy allows DELETE on `{Self}` to `{S}`",
    note = "add `#[policy(\"...\", delete, using = ...)]` to `{Self}`, or `#[tenant(...)]` for all four commands; \
            where `{S}` is not the table's own scope, with `scope = {S}` in it"
)]
pub trait AllowsDelete<S = <Self as Table>::Scope>: Table {}

/// Two scopes that nobody can be.
///
/// Every table allows them everything. Without them a table that allows a command to one scope, or to
/// none, would have rustc take the only candidate for the one that is asked for, and say that types differ
/// instead of which policy is missing.
#[doc(hidden)]
#[derive(Debug)]
pub enum Nobody<const FIRST: bool> {}

macro_rules! nobody {
    ($($allows:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: Table> $allows<Nobody<true>> for T {}
        #[diagnostic::do_not_recommend]
        impl<T: Table> $allows<Nobody<false>> for T {}
    )*};
}

nobody!(AllowsSelect AllowsInsert AllowsUpdate AllowsDelete);

/// A column of the table `T` that holds a `V`: what `.set(...)` takes. `C` is whether an update may change it,
/// [`Changeable`] or [`Fixed`](crate::query::Fixed).
pub struct Column<T, V, C = Changeable> {
    pub(crate) name: &'static str,
    of: PhantomData<fn() -> (T, V)>,
    change: PhantomData<fn() -> C>,
}

impl<T, V, C> Column<T, V, C> {
    /// A column by its name as SQL.
    pub const fn new(name: &'static str) -> Self {
        Column {
            name,
            of: PhantomData,
            change: PhantomData,
        }
    }
}

impl<T, V, C> Clone for Column<T, V, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V, C> Copy for Column<T, V, C> {}

impl<T, V, C> fmt::Debug for Column<T, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Column").field(&self.name).finish()
    }
}
