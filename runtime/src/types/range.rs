//! Ranges of numbers, dates and timestamps.

use std::error::Error as StdError;
use std::fmt;
use std::ops::{Bound, RangeBounds};

use bytes::BytesMut;
use postgres_protocol::types::{self as protocol, RangeBound};
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, WasNull, to_sql_checked};

use super::param::element_read;
use super::{ColumnType, Element, KnownField, Param, class};

/// A range column: `int4range`, `int8range`, `numrange`, `daterange`, `tsrange` or `tstzrange`, by the
/// type of its bounds.
///
/// PostgreSQL stores ranges of integers and of dates with the lower bound included and the upper one
/// excluded: what was written as `1..=4` is read as `1..5`. It refuses a lower bound above the upper one.
/// Source: <https://www.postgresql.org/docs/15/rangetypes.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range<T> {
    /// No value is in it.
    Empty,
    /// The values between two bounds.
    Between(Bound<T>, Bound<T>),
}

impl<T: Clone> Range<T> {
    /// The range of that form of Rust's: `Range::new(1..5)`, `Range::new(..=limit)`, `Range::new(..)`.
    pub fn new(bounds: impl RangeBounds<T>) -> Self {
        Range::Between(bounds.start_bound().cloned(), bounds.end_bound().cloned())
    }
}

/// What ranges are made of.
#[diagnostic::on_unimplemented(
    message = "PostgreSQL has no range of `{Self}`",
    label = "not the bound of a range",
    note = "use `i32`, `i64`, `Decimal`, a date or a timestamp"
)]
pub trait RangeElement: Param + fmt::Debug + ToSql + Sync {
    /// PostgreSQL's internal name of the range.
    const RANGE: &'static str;
    /// PostgreSQL's internal name of the array of it.
    const RANGE_ARRAY: &'static str;
    /// What the range compares with.
    type RangeClass;
}

macro_rules! range_elements {
    ($($(#[$meta:meta])* $ty:ty: $name:literal, $class:ident;)*) => {$(
        $(#[$meta])*
        impl RangeElement for $ty {
            const RANGE: &'static str = $name;
            const RANGE_ARRAY: &'static str = concat!("_", $name);
            type RangeClass = class::$class;
        }
    )*};
}

range_elements! {
    i32: "int4range", Int4Range;
    i64: "int8range", Int8Range;
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal: "numrange", NumRange;
    #[cfg(feature = "jiff")]
    jiff::Timestamp: "tstzrange", TstzRange;
    #[cfg(feature = "jiff")]
    jiff::civil::DateTime: "tsrange", TsRange;
    #[cfg(feature = "jiff")]
    jiff::civil::Date: "daterange", DateRange;
    #[cfg(feature = "time")]
    time::OffsetDateTime: "tstzrange", TstzRange;
    #[cfg(feature = "time")]
    time::PrimitiveDateTime: "tsrange", TsRange;
    #[cfg(feature = "time")]
    time::Date: "daterange", DateRange;
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Utc>: "tstzrange", TstzRange;
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Local>: "tstzrange", TstzRange;
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::FixedOffset>: "tstzrange", TstzRange;
    #[cfg(feature = "chrono")]
    chrono::NaiveDateTime: "tsrange", TsRange;
    #[cfg(feature = "chrono")]
    chrono::NaiveDate: "daterange", DateRange;
}

impl<T: RangeElement> ColumnType for Range<T> {
    const NAME: &'static str = T::RANGE;
    const ARRAY: &'static str = T::RANGE_ARRAY;
    type Class = T::RangeClass;
}

#[diagnostic::do_not_recommend]
impl<T: RangeElement> Param for Range<T> {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: RangeElement + for<'a> FromSql<'a>> Element for Range<T> {
    element_read!();
    fn array(values: Vec<Self>) -> Box<dyn ToSql + Send + Sync> {
        Box::new(values)
    }
}

#[diagnostic::do_not_recommend]
impl<T: RangeElement + for<'a> FromSql<'a>> KnownField<T::RangeClass> for Range<T> {
    crate::field_methods!();
}

/// The type of a range's bounds.
fn element(ty: &Type) -> Option<&Type> {
    match ty.kind() {
        Kind::Range(element) => Some(element),
        _ => None,
    }
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Range<T> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let element = element(ty).ok_or("not a range")?;
        let bound = |bound: RangeBound<Option<&'a [u8]>>| {
            let value = |raw: Option<&'a [u8]>| match raw {
                Some(raw) => T::from_sql(element, raw),
                None => Err(WasNull.into()),
            };
            Ok::<_, Box<dyn StdError + Send + Sync>>(match bound {
                RangeBound::Inclusive(raw) => Bound::Included(value(raw)?),
                RangeBound::Exclusive(raw) => Bound::Excluded(value(raw)?),
                RangeBound::Unbounded => Bound::Unbounded,
            })
        };
        Ok(match protocol::range_from_sql(raw)? {
            protocol::Range::Empty => Range::Empty,
            protocol::Range::Nonempty(lower, upper) => Range::Between(bound(lower)?, bound(upper)?),
        })
    }

    fn accepts(ty: &Type) -> bool {
        element(ty).is_some_and(T::accepts)
    }
}

impl<T: ToSql> ToSql for Range<T> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Send + Sync>> {
        let element = element(ty).ok_or("not a range")?;
        let write = |bound: &Bound<T>, out: &mut BytesMut| {
            let mut value = |value: &T| match value.to_sql(element, out)? {
                IsNull::No => Ok(postgres_protocol::IsNull::No),
                IsNull::Yes => Err::<_, Box<dyn StdError + Send + Sync>>(WasNull.into()),
            };
            Ok(match bound {
                Bound::Included(bound) => RangeBound::Inclusive(value(bound)?),
                Bound::Excluded(bound) => RangeBound::Exclusive(value(bound)?),
                Bound::Unbounded => RangeBound::Unbounded,
            })
        };
        match self {
            Range::Empty => protocol::empty_range_to_sql(out),
            Range::Between(lower, upper) => {
                protocol::range_to_sql(|out| write(lower, out), |out| write(upper, out), out)?;
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        element(ty).is_some_and(T::accepts)
    }

    to_sql_checked!();
}
