//! How a value of a column's type travels to the server.

#[cfg(feature = "json")]
use std::fmt;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::ColumnType;
use crate::TextEnum;

/// A value that a statement can carry.
///
/// A trait of our own beside [`ToSql`], since an enumeration need not implement `Debug` to be sent.
/// A type of yours that has a column through `type = "…"` implements it in one line:
/// `fn into_sql(self) -> Box<dyn ToSql + Send + Sync> { Box::new(self) }`.
#[diagnostic::on_unimplemented(
    message = "no statement can carry a `{Self}`",
    label = "not a column type",
    note = "use one of the types that columns have, or implement `tabellion::types::Param` and \
            `postgres_types::FromSql` for `{Self}`"
)]
pub trait Param: Send + 'static {
    /// The value in a form that PostgreSQL's protocol knows.
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync>;

    /// About how many bytes it takes in a message: what cuts many rows into portions.
    fn size(&self) -> usize
    where
        Self: Sized,
    {
        size_of::<Self>()
    }
}

/// What an array can hold. A vector of bytes is `bytea`, not an array, and so a `u8` is no element.
pub trait Element: ColumnType + Param {
    /// What an element is read as: the type itself, or one that stands for it where the conversion
    /// is not ours to write.
    type Read: for<'a> FromSql<'a>;

    /// The element that was read.
    fn from_read(read: Self::Read) -> Self;

    /// The array in a form that PostgreSQL's protocol knows.
    fn array(values: Vec<Self>) -> Box<dyn ToSql + Send + Sync>
    where
        Self: Sized;
}

/// For a type that is read as itself.
macro_rules! element_read {
    () => {
        type Read = Self;
        fn from_read(read: Self) -> Self {
            read
        }
    };
}
pub(super) use element_read;

macro_rules! params {
    ($($(#[$meta:meta])* $ty:ty $(, $size:expr)?;)*) => {$(
        $(#[$meta])*
        #[diagnostic::do_not_recommend]
        impl Param for $ty {
            fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
                Box::new(self)
            }
            $(fn size(&self) -> usize {
                let size: fn(&Self) -> usize = $size;
                size(self)
            })?
        }
        $(#[$meta])*
        #[diagnostic::do_not_recommend]
        impl Element for $ty {
            element_read!();
            fn array(values: Vec<Self>) -> Box<dyn ToSql + Send + Sync> {
                Box::new(values)
            }
        }
    )*};
}

params! {
    bool; i16; i32; i64; f32; f64;
    String, |text| text.len();
    Vec<u8>, |bytes| bytes.len();
    super::Interval; super::MacAddr;
    super::Tsvector, |words| words.size();
    #[cfg(feature = "cidr")] cidr::IpInet;
    #[cfg(feature = "cidr")] cidr::IpCidr;
    #[cfg(feature = "pgvector")] pgvector::Vector;
    #[cfg(feature = "decimal")] rust_decimal::Decimal;
    #[cfg(feature = "uuid")] uuid::Uuid;
    #[cfg(feature = "json")] serde_json::Value, json_size;
    #[cfg(feature = "jiff")] jiff::Timestamp;
    #[cfg(feature = "jiff")] jiff::civil::DateTime;
    #[cfg(feature = "jiff")] jiff::civil::Date;
    #[cfg(feature = "jiff")] jiff::civil::Time;
    #[cfg(feature = "time")] time::OffsetDateTime;
    #[cfg(feature = "time")] time::PrimitiveDateTime;
    #[cfg(feature = "time")] time::Date;
    #[cfg(feature = "time")] time::Time;
    #[cfg(feature = "chrono")] chrono::NaiveDateTime;
    #[cfg(feature = "chrono")] chrono::NaiveDate;
    #[cfg(feature = "chrono")] chrono::NaiveTime;
    #[cfg(feature = "chrono")] chrono::DateTime<chrono::Utc>;
    #[cfg(feature = "chrono")] chrono::DateTime<chrono::Local>;
    #[cfg(feature = "chrono")] chrono::DateTime<chrono::FixedOffset>;
}

#[cfg(feature = "json")]
impl<T> Param for crate::Json<T>
where
    T: serde::Serialize + fmt::Debug + Send + Sync + 'static,
{
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self)
    }

    fn size(&self) -> usize {
        json_size(&self.0)
    }
}

/// How long its text is. A value that does not serialize fails where it is sent.
#[cfg(feature = "json")]
fn json_size<T: serde::Serialize>(value: &T) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

#[cfg(feature = "json")]
impl<T> Element for crate::Json<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    element_read!();
    fn array(values: Vec<Self>) -> Box<dyn ToSql + Send + Sync> {
        Box::new(values)
    }
}

#[diagnostic::do_not_recommend]
impl<E: TextEnum + Send> Param for E {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self.as_str())
    }

    fn size(&self) -> usize {
        self.as_str().len()
    }
}

#[diagnostic::do_not_recommend]
impl<E: TextEnum + Send + for<'a> FromSql<'a>> Element for E {
    element_read!();
    fn array(values: Vec<Self>) -> Box<dyn ToSql + Send + Sync> {
        let texts: Vec<&'static str> = values.iter().map(TextEnum::as_str).collect();
        Box::new(texts)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Element> Param for Vec<T> {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        T::array(self)
    }

    fn size(&self) -> usize {
        self.iter().map(|element| 4 + element.size()).sum()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Param> Param for Option<T> {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        match self {
            Some(value) => value.into_sql(),
            None => Box::new(Null),
        }
    }

    fn size(&self) -> usize {
        self.as_ref().map_or(0, T::size)
    }
}

/// NULL of whatever type the column has.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Send + Sync>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
