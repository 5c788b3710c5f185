//! Ranges of everything that has one.

use std::ops::Bound;

use tabellion::{Date, DateTime, Decimal, Range, Table, Timestamp};

use crate::fixture::{Fixture, Outcome, Shop};

const SQL: &str = "create table samples (
  id int primary key,
  seats int4range not null,
  numbers int8range not null,
  prices numrange not null,
  days daterange not null,
  local tsrange not null,
  during tstzrange,
  parts int4range[] not null
)";

#[derive(Debug, Table)]
#[table(name = "samples", scope = Shop)]
#[no_rls(reason = "a test of types", allow(select, insert, update))]
struct Sample {
    #[column(primary_key)]
    id: i32,
    seats: Range<i32>,
    numbers: Range<i64>,
    prices: Range<Decimal>,
    days: Range<Date>,
    local: Range<DateTime>,
    during: Option<Range<Timestamp>>,
    parts: Vec<Range<i32>>,
}

#[tokio::test]
async fn ranges_survive() -> Outcome {
    let fixture = Fixture::new(SQL).await?;
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let noon: DateTime = "2026-01-01T12:00:00".parse()?;
    let day: Date = "2026-02-28".parse()?;
    let prices = Range::Between(
        Bound::Excluded("0.50".parse::<Decimal>()?),
        Bound::Included("9.99".parse()?),
    );
    Sample::insert(NewSample {
        id: 1,
        seats: Range::new(1..=4),
        numbers: Range::new(..10_000_000_000),
        prices,
        days: Range::new(day..=day),
        local: Range::new(noon..),
        parts: vec![Range::Empty, Range::new(..), Range::new(7..8)],
    })
    .set(Sample::DURING, Range::new(start..))
    .execute(&fixture.acme)
    .await?;

    for (column, text) in [
        ("seats", "[1,5)"),
        ("numbers", "(,10000000000)"),
        ("prices", "(0.50,9.99]"),
        ("days", "[2026-02-28,2026-03-01)"),
        ("local", "[\"2026-01-01 12:00:00\",)"),
        ("lower(during) at time zone 'utc'", "2026-01-01 00:00:00"),
        ("parts", "{empty,\"(,)\",\"[7,8)\"}"),
    ] {
        assert_eq!(fixture.shown(column).await?, text, "{column}");
    }

    let row = Sample::find(1).fetch_one(&fixture.acme).await?;
    assert_eq!(row.id, 1);
    assert_eq!(row.seats, Range::new(1..5));
    assert_eq!(row.numbers, Range::new(..10_000_000_000));
    assert_eq!(row.prices, prices);
    assert_eq!(row.days, Range::new(day..day.tomorrow()?));
    assert_eq!(row.local, Range::new(noon..));
    assert_eq!(row.during, Some(Range::new(start..)));
    assert_eq!(row.parts, [Range::Empty, Range::new(..), Range::new(7..8)]);

    // What PostgreSQL refuses is its error, and the connection goes on.
    let upside_down = Range::Between(Bound::Included(5), Bound::Excluded(1));
    let refused = Sample::update(1)
        .set(Sample::SEATS, upside_down)
        .execute(&fixture.acme)
        .await;
    assert!(refused.is_err());
    Sample::update(1)
        .set(Sample::DURING, None)
        .execute(&fixture.acme)
        .await?;
    let row = Sample::find(1).fetch_one(&fixture.acme).await?;
    assert_eq!(row.during, None);
    Ok(())
}

/// The other crates' dates and timestamps have the same ranges.
mod others {
    use super::*;

    const SQL: &str = "create table samples (
      id int primary key,
      a tstzrange not null, b tsrange not null, c daterange not null,
      d tstzrange not null, e tsrange not null, f daterange not null
    )";

    #[derive(Debug, Table)]
    #[table(name = "samples", scope = Shop)]
    #[no_rls(reason = "a test of types", allow(select, insert))]
    struct Sample {
        #[column(primary_key)]
        id: i32,
        a: Range<chrono::DateTime<chrono::Utc>>,
        b: Range<chrono::NaiveDateTime>,
        c: Range<chrono::NaiveDate>,
        d: Range<time::OffsetDateTime>,
        e: Range<time::PrimitiveDateTime>,
        f: Range<time::Date>,
    }

    #[tokio::test]
    async fn ranges_of_other_crates_survive() -> Outcome {
        let fixture = Fixture::new(SQL).await?;
        let b: chrono::NaiveDateTime = "2026-01-01T12:00:00".parse()?;
        let d = time::OffsetDateTime::from_unix_timestamp(1_767_225_600)?;
        let e = time::PrimitiveDateTime::new(d.date(), d.time());
        let new = NewSample {
            id: 1,
            a: Range::new(b.and_utc()..),
            b: Range::new(b..),
            c: Range::new(..b.date()),
            d: Range::new(d..),
            e: Range::new(e..),
            f: Range::new(..d.date()),
        };
        Sample::insert(new).execute(&fixture.acme).await?;
        for (column, text) in [
            ("lower(a) at time zone 'utc'", "2026-01-01 12:00:00"),
            ("b", "[\"2026-01-01 12:00:00\",)"),
            ("c", "(,2026-01-01)"),
            ("lower(d) at time zone 'utc'", "2026-01-01 00:00:00"),
            ("e", "[\"2026-01-01 00:00:00\",)"),
            ("f", "(,2026-01-01)"),
        ] {
            assert_eq!(fixture.shown(column).await?, text, "{column}");
        }
        let row = Sample::find(1).fetch_one(&fixture.acme).await?;
        assert_eq!(row.id, 1);
        assert_eq!(row.a, Range::new(b.and_utc()..));
        assert_eq!(row.b, Range::new(b..));
        assert_eq!(row.c, Range::new(..b.date()));
        assert_eq!(row.d, Range::new(d..));
        assert_eq!(row.e, Range::new(e..));
        assert_eq!(row.f, Range::new(..d.date()));
        Ok(())
    }
}
