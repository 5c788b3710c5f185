//! What a field of a row of raw SQL may be.

use tokio_postgres::types::{FromSql, Type};

use crate::{Error, Row};

/// A value that a column of raw SQL is read as: everything that [`FromSql`] reads without borrowing.
#[diagnostic::on_unimplemented(
    message = "no column can be read as a `{Self}`",
    label = "not a column type",
    note = "use one of the types that columns have, an enum that derives `TextEnum`, `Json<T>`, an `Option` of these, \
            or implement `postgres_types::FromSql` for `{Self}`"
)]
pub trait FromColumn: Sized {
    /// Whether it is read from columns of a type.
    #[doc(hidden)]
    fn accepts_type(ty: &Type) -> bool;

    /// The value of the column at `index`.
    ///
    /// # Errors
    /// As [`Row::get`].
    #[doc(hidden)]
    fn get_column(row: &Row<'_>, index: usize) -> Result<Self, Error>;
}

#[diagnostic::do_not_recommend]
impl<T: for<'a> FromSql<'a>> FromColumn for T {
    fn accepts_type(ty: &Type) -> bool {
        T::accepts(ty)
    }

    fn get_column(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        row.get(index)
    }
}
