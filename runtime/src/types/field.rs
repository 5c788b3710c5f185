//! What a field's type must turn out to be.
//!
//! A derive takes a field's type for something by its name alone. What it writes reaches the type
//! through one of these traits, as `<T as EnumField>::get(..)`: where rustc finds that the type is
//! something else, there is one error, at the field, for all the places that would have used it.

#[cfg(feature = "json")]
use std::fmt;

use tokio_postgres::types::{FromSql, ToSql};

use super::{Element, Param, class};
use crate::{Error, Row};

/// A value as a statement carries it.
#[derive(Debug)]
pub struct Sent {
    value: Box<dyn ToSql + Send + Sync>,
    size: usize,
}

#[diagnostic::do_not_recommend]
impl Param for Sent {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        self.value
    }

    fn size(&self) -> usize {
        self.size
    }
}

impl Sent {
    /// A value in this form.
    #[doc(hidden)]
    pub fn new(value: impl Param) -> Self {
        Sent {
            size: value.size(),
            value: value.into_sql(),
        }
    }
}

// No bound on `Self` but the trait itself: each would be an error of its own beside the trait's.
macro_rules! field_trait {
    ($(#[$meta:meta])* $name:ident $(<$class:ident>)? { $($item:tt)* }) => {
        $(#[$meta])*
        pub trait $name $(<$class>)?: Sized {
            $($item)*

            /// The type itself.
            type It;

            /// The value of a column.
            ///
            /// # Errors
            /// As [`Row::get`].
            fn get(row: &Row<'_>, index: usize) -> Result<Self, Error>;

            /// The value of a column that may be NULL.
            ///
            /// # Errors
            /// As [`Row::get`].
            fn get_optional(row: &Row<'_>, index: usize) -> Result<Option<Self>, Error>;

            /// The value for a statement.
            fn sent(self) -> Sent;

            /// The value for a statement, or NULL.
            fn sent_optional(it: Option<Self>) -> Sent;

            /// The field in a predicate, which rustc checks and nobody calls.
            fn it(&self) -> &Self::It {
                unreachable!("a predicate runs in PostgreSQL")
            }

            /// The field that may be NULL in a predicate.
            fn it_optional(_: &Option<Self>) -> &Self::It {
                unreachable!("a predicate runs in PostgreSQL")
            }
        }
    };
}

field_trait! {
    /// A type that Tabellion knows by its name, and that compares as `Class`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has the name of a column type that it is not",
        label = "no column can hold it",
        note = "give the type another name, or name the column's with `#[column(type = \"...\")]`; a type of \
                another crate needs that crate's feature of `tabellion`"
    )]
    KnownField<Class> {}
}

field_trait! {
    /// A `Json<T>` or its like.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not read from JSON and written to it",
        label = "no column can hold it",
        note = "in `Json<T>`, derive `Debug`, `serde::Serialize` and `serde::Deserialize` on `T`, which is `Send` and \
                `Sync`; a `Json` of your own needs another name, or `#[column(type = \"...\")]`"
    )]
    JsonField {}
}

field_trait! {
    /// A type of any other name: an enumeration of texts. Implemented by `#[derive(TextEnum)]`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not an enum that derives `TextEnum`",
        label = "no column can hold it",
        note = "derive `TextEnum` on an enum, use `Json<T>`, name a type with `#[column(type = \"...\")]`, or \
                write out what an alias stands for"
    )]
    EnumField {
        /// What the derive read of the enum, for the guard.
        const FINGERPRINT: u64;
    }
}

field_trait! {
    /// A type beside `type = "…"`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not read from SQL and written to it",
        label = "no column can hold it",
        note = "implement `postgres_types::FromSql` and `tabellion::types::Param` for `{Self}`, which is `Send`"
    )]
    StatedField {}
}

/// What each of these traits does, for a type that is read and written.
#[doc(hidden)]
#[macro_export]
macro_rules! field_methods {
    () => {
        type It = Self;
        fn get(
            row: &$crate::Row<'_>,
            index: ::core::primitive::usize,
        ) -> ::core::result::Result<Self, $crate::Error> {
            $crate::Row::get(row, index)
        }
        fn get_optional(
            row: &$crate::Row<'_>,
            index: ::core::primitive::usize,
        ) -> ::core::result::Result<::core::option::Option<Self>, $crate::Error> {
            $crate::Row::get(row, index)
        }
        fn sent(self) -> $crate::types::Sent {
            $crate::types::Sent::new(self)
        }
        fn sent_optional(it: ::core::option::Option<Self>) -> $crate::types::Sent {
            $crate::types::Sent::new(it)
        }
    };
}

#[diagnostic::do_not_recommend]
impl<T, Class> KnownField<class::Array<Class>> for Vec<T>
where
    T: KnownField<Class> + Element,
{
    type It = Self;

    fn get(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        row.get::<Vec<T::Read>>(index).map(elements)
    }

    fn get_optional(row: &Row<'_>, index: usize) -> Result<Option<Self>, Error> {
        let read = row.get::<Option<Vec<T::Read>>>(index)?;
        Ok(read.map(elements))
    }

    fn sent(self) -> Sent {
        Sent::new(self)
    }

    fn sent_optional(it: Option<Self>) -> Sent {
        Sent::new(it)
    }
}

fn elements<T: Element>(read: Vec<T::Read>) -> Vec<T> {
    read.into_iter().map(T::from_read).collect()
}

#[diagnostic::do_not_recommend]
impl<T: EnumField + Element + for<'a> FromSql<'a>> EnumField for Vec<T> {
    const FINGERPRINT: u64 = T::FINGERPRINT;
    field_methods!();
}

#[diagnostic::do_not_recommend]
impl<T: Param + for<'a> FromSql<'a>> StatedField for T {
    field_methods!();
}

#[cfg(feature = "json")]
#[diagnostic::do_not_recommend]
impl JsonField for serde_json::Value {
    field_methods!();
}

#[cfg(feature = "json")]
#[diagnostic::do_not_recommend]
impl<T> JsonField for crate::Json<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    field_methods!();
}

#[cfg(feature = "json")]
#[diagnostic::do_not_recommend]
impl<T: JsonField + Element + for<'a> FromSql<'a>> JsonField for Vec<T> {
    field_methods!();
}
