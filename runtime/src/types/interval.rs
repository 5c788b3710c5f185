//! A span of time.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// An `interval` column: three counts that PostgreSQL keeps apart, since a month has no fixed number of
/// days and a day no fixed number of hours.
///
/// Equality here is that of the three counts; in PostgreSQL a month equals 30 days and a day 24 hours.
/// Source: <https://www.postgresql.org/docs/15/datatype-datetime.html#DATATYPE-INTERVAL-INPUT>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Months; a year is twelve.
    pub months: i32,
    /// Days; a week is seven.
    pub days: i32,
    /// Microseconds.
    pub microseconds: i64,
}

impl<'a> FromSql<'a> for Interval {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let raw: [u8; 16] = raw.try_into()?;
        let [microseconds, rest] = [&raw[..8], &raw[8..]];
        let (days, months) = rest.split_at(4);
        Ok(Interval {
            months: i32::from_be_bytes(months.try_into()?),
            days: i32::from_be_bytes(days.try_into()?),
            microseconds: i64::from_be_bytes(microseconds.try_into()?),
        })
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }
}

impl ToSql for Interval {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Send + Sync>> {
        out.put_i64(self.microseconds);
        out.put_i32(self.days);
        out.put_i32(self.months);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }

    to_sql_checked!();
}
