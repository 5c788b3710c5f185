//! Which Rust types columns have, and which of them compare.
//!
//! A derive reads a type's name; these traits are what the name must turn out to denote.

mod column;
mod field;
mod inet;
mod interval;
mod mac_addr;
mod param;
mod predicate;
mod range;
mod tsvector;

use crate::TextEnum;

pub use column::FromColumn;
pub use field::{EnumField, JsonField, KnownField, Sent, StatedField};
pub use interval::Interval;
pub use mac_addr::{MacAddr, NotMacAddr};
pub use param::{Element, Param};
pub use predicate::{
    ComparesWith, ComparesWithNow, Condition, FLOAT, INT, NOW, Operand, Ordered, RANDOM_UUID,
    UNCHECKED, compare, ordered, present, truth, with_now,
};
pub use range::{Range, RangeElement};
pub use tsvector::Tsvector;

/// A Rust type that a column can have.
#[diagnostic::on_unimplemented(
    message = "no Postgres type for `{Self}`",
    label = "no column can have this type",
    note = "use `Json<T>`, derive `TextEnum` on an enum, or name a type with `#[column(type = \"...\")]`"
)]
pub trait ColumnType {
    /// PostgreSQL's internal name of the type, as `pg_type.typname` has it.
    const NAME: &'static str;
    /// PostgreSQL's internal name of the array of it.
    const ARRAY: &'static str;
    /// What it compares with.
    type Class;
}

/// The classes of types that compare with each other.
pub mod class {
    macro_rules! classes {
        ($($name:ident)*) => {$(
            #[doc = concat!("Compares as `", stringify!($name), "`.")]
            #[derive(Debug)]
            pub struct $name;
        )*};
    }

    classes!(
        Bool Number Text Uuid Jsonb Bytea Date Time Timestamp Timestamptz
        Interval Inet MacAddr Tsvector Vector
        Int4Range Int8Range NumRange DateRange TsRange TstzRange
        IntLiteral FloatLiteral Now Unchecked
    );

    /// An array of what compares as `T`.
    #[derive(Debug)]
    pub struct Array<T>(std::marker::PhantomData<T>);
}

macro_rules! column_types {
    ($($(#[$meta:meta])* $ty:ty: $name:literal, $class:ident;)*) => {$(
        $(#[$meta])*
        impl ColumnType for $ty {
            const NAME: &'static str = $name;
            const ARRAY: &'static str = concat!("_", $name);
            type Class = class::$class;
        }
        $(#[$meta])*
        #[diagnostic::do_not_recommend]
        impl KnownField<class::$class> for $ty {
            crate::field_methods!();
        }
    )*};
}

column_types! {
    bool: "bool", Bool;
    i16: "int2", Number;
    i32: "int4", Number;
    i64: "int8", Number;
    f32: "float4", Number;
    f64: "float8", Number;
    String: "text", Text;
    Vec<u8>: "bytea", Bytea;
    Interval: "interval", Interval;
    MacAddr: "macaddr", MacAddr;
    Tsvector: "tsvector", Tsvector;
    #[cfg(feature = "cidr")]
    cidr::IpInet: "inet", Inet;
    // PostgreSQL compares a `cidr` as the `inet` that it is.
    #[cfg(feature = "cidr")]
    cidr::IpCidr: "cidr", Inet;
    #[cfg(feature = "pgvector")]
    pgvector::Vector: "vector", Vector;
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal: "numeric", Number;
    #[cfg(feature = "uuid")]
    uuid::Uuid: "uuid", Uuid;
    #[cfg(feature = "json")]
    serde_json::Value: "jsonb", Jsonb;
    #[cfg(feature = "jiff")]
    jiff::Timestamp: "timestamptz", Timestamptz;
    #[cfg(feature = "jiff")]
    jiff::civil::DateTime: "timestamp", Timestamp;
    #[cfg(feature = "jiff")]
    jiff::civil::Date: "date", Date;
    #[cfg(feature = "jiff")]
    jiff::civil::Time: "time", Time;
    #[cfg(feature = "time")]
    time::OffsetDateTime: "timestamptz", Timestamptz;
    #[cfg(feature = "time")]
    time::PrimitiveDateTime: "timestamp", Timestamp;
    #[cfg(feature = "time")]
    time::Date: "date", Date;
    #[cfg(feature = "time")]
    time::Time: "time", Time;
    #[cfg(feature = "chrono")]
    chrono::NaiveDateTime: "timestamp", Timestamp;
    #[cfg(feature = "chrono")]
    chrono::NaiveDate: "date", Date;
    #[cfg(feature = "chrono")]
    chrono::NaiveTime: "time", Time;
}

#[cfg(feature = "json")]
impl<T> ColumnType for crate::Json<T> {
    const NAME: &'static str = "jsonb";
    const ARRAY: &'static str = "_jsonb";
    type Class = class::Jsonb;
}

#[cfg(feature = "chrono")]
impl<Tz: chrono::TimeZone> ColumnType for chrono::DateTime<Tz> {
    const NAME: &'static str = "timestamptz";
    const ARRAY: &'static str = "_timestamptz";
    type Class = class::Timestamptz;
}

#[cfg(feature = "chrono")]
#[diagnostic::do_not_recommend]
impl<Tz: chrono::TimeZone> KnownField<class::Timestamptz> for chrono::DateTime<Tz>
where
    Self: Param + for<'a> tokio_postgres::types::FromSql<'a>,
{
    crate::field_methods!();
}

impl<T: Element> ColumnType for Vec<T> {
    const NAME: &'static str = T::ARRAY;
    // PostgreSQL's arrays of any number of dimensions have one type.
    const ARRAY: &'static str = T::ARRAY;
    type Class = class::Array<T::Class>;
}

/// An enumeration is text, but compares only with itself.
impl<E: TextEnum> ColumnType for E {
    const NAME: &'static str = "text";
    const ARRAY: &'static str = "_text";
    type Class = E;
}
