//! What a row is read as: the whole table, or some of its columns.

use super::TableInfo;
use crate::{Error, Row, Table};

/// Some columns of a table as a struct: what [`Finder::select`](crate::Finder::select) reads.
///
/// Implemented by `#[derive(Projection)]`, which has rustc compare each field with the table's, and
/// by every table for itself.
///
/// ```
/// # use tabellion::*;
/// # #[derive(Scope)]
/// # #[scope(role = "shop_app")]
/// # pub struct Shop {
/// #     #[setting("app.current_shop")]
/// #     pub domain: String,
/// # }
/// # #[derive(Table)]
/// # #[table(scope = Shop)]
/// # #[index(columns(shop, id desc), finder = "by_shop")]
/// # #[tenant(shop = scope.domain)]
/// # pub struct Task {
/// #     #[column(primary_key, identity)]
/// #     pub id: i64,
/// #     pub shop: String,
/// #     pub title: String,
/// # }
/// #[derive(Projection)]
/// #[projection(of = Task)]
/// pub struct Title {
///     pub id: i64,
///     pub title: String,
/// }
///
/// # async fn read(acme: &Scoped<Shop>) -> Result<(), Error> {
/// let titles: Vec<Title> = Task::by_shop("acme").select().limit(20).fetch_all(acme).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no projection of a table",
    label = "not a projection",
    note = "add `#[derive(tabellion::Projection)]` and `#[projection(of = ...)]` to `{Self}`"
)]
pub trait Projection: Sized + 'static {
    /// The table that the columns belong to.
    type Table: Table;
    /// The columns as SQL, in the order of the struct's fields.
    const COLUMNS: &'static [&'static str];

    /// Reads a row whose columns are [`Projection::COLUMNS`].
    ///
    /// # Errors
    /// [`Error::Decode`] if a value does not fit its field.
    fn from_row(row: &Row<'_>) -> Result<Self, Error>;

    #[doc(hidden)]
    const INFO: &'static TableInfo = &TableInfo {
        name: <Self::Table as Table>::NAME,
        columns: Self::COLUMNS,
        constraints: <Self::Table as Table>::CONSTRAINTS,
        limits: <Self::Table as Table>::LIMITS,
        finders: <Self::Table as Table>::FINDERS,
    };
}

#[diagnostic::do_not_recommend]
impl<T: Table> Projection for T {
    type Table = T;
    const COLUMNS: &'static [&'static str] = <T as Table>::COLUMNS;

    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        <T as Table>::from_row(row)
    }

    const INFO: &'static TableInfo = <T as Table>::INFO;
}

/// The column of a table's field, as SQL. Empty for a field that the table does not have, which rustc reports
/// at the field.
#[doc(hidden)]
pub const fn column<T: Table>(field: &str) -> &'static str {
    let mut i = 0;
    while i < T::FIELDS.len() {
        if crate::guard::equal(T::FIELDS[i], field) {
            return <T as Table>::COLUMNS[i];
        }
        i += 1;
    }
    ""
}
