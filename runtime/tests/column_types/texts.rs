//! Texts of a limited length, and times of limited digits.

use tabellion::{Error, Table, Time, Timestamp};

use crate::fixture::{Fixture, Outcome, Shop};

const SQL: &str = "create table samples (
  id int primary key,
  code varchar(5) not null,
  codes varchar(5)[] not null,
  country char(2) not null,
  padded char(4) not null,
  at timestamptz(0) not null,
  clock time(3) not null
)";

#[derive(Debug, Table)]
#[table(name = "samples", scope = Shop)]
#[index(columns(country), finder = "of_country")]
#[no_rls(reason = "a test of types", allow(select, insert))]
struct Sample {
    #[column(primary_key)]
    id: i32,
    #[column(varchar(5))]
    code: String,
    #[column(varchar(5))]
    codes: Vec<String>,
    #[column(char(2))]
    country: String,
    #[column(char(4))]
    padded: String,
    #[column(precision(0))]
    at: Timestamp,
    #[column(precision(3))]
    clock: Time,
}

fn sample(id: i32, code: &str) -> Result<NewSample, Box<dyn std::error::Error>> {
    Ok(NewSample {
        id,
        code: code.into(),
        codes: vec!["äöü".into(), code.into()],
        country: "CH".into(),
        padded: "ab".into(),
        at: "2026-01-01T00:00:00.4Z".parse()?,
        clock: "12:00:00.0005".parse()?,
    })
}

#[tokio::test]
async fn limited_texts_and_times_survive() -> Outcome {
    let fixture = Fixture::new(SQL).await?;
    Sample::insert(sample(1, "abcde")?)
        .execute(&fixture.acme)
        .await?;
    let rows = Sample::of_country("CH").fetch_all(&fixture.acme).await?;
    let [row] = rows.as_slice() else {
        panic!("one row");
    };
    assert_eq!(row.id, 1);
    assert_eq!(row.code, "abcde");
    assert_eq!(row.codes, ["äöü", "abcde"]);
    assert_eq!(row.country, "CH");
    // PostgreSQL fills a `char` with blanks, and takes them for nothing.
    assert_eq!(row.padded, "ab  ");
    assert_eq!(row.at, "2026-01-01T00:00:00Z".parse::<Timestamp>()?);
    assert_eq!(row.clock, "12:00:00.001".parse::<Time>()?);

    let long = Sample::insert(sample(2, "abcdef")?).execute(&fixture.acme);
    let Err(error) = long.await else {
        panic!("too long a text was cut");
    };
    assert!(!matches!(error, Error::Decode { .. }));
    assert!(!format!("{error:?} {error}").contains("abcdef"));
    Ok(())
}
