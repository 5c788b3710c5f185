//! What a row is read as: the whole table, or some of its columns.

use super::TableInfo;
use crate::{Error, Row, Table};

/// Some columns of a table as a struct: what [`Finder::select`](crate::Finder::select) reads.
///
/// Implemented by `#[derive(Projection)]`, which has rustc compare each field with the table's, and
/// by every table for itself.
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

/// The column of a field, among the table's.
///
/// # Panics
/// In rustc, where the table has no such field; rustc says so of the field itself too.
#[doc(hidden)]
pub const fn column(fields: &[&str], columns: &[&'static str], field: &str) -> &'static str {
    let mut i = 0;
    while i < fields.len() {
        if crate::guard::equal(fields[i], field) {
            return columns[i];
        }
        i += 1;
    }
    panic!("the table has no such field");
}
