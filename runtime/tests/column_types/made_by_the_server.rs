//! Columns that no statement sets: generated ones, and the time of the last update.

use tabellion::{Decimal, Table, Timestamp, Tsvector};

use crate::fixture::{Fixture, Outcome, Shop};

const SQL: &str = "create table samples (
  id int primary key,
  price numeric(8, 2) not null,
  quantity int not null,
  body text not null,
  total numeric(12, 2) not null generated always as (price * quantity) stored,
  search tsvector not null generated always as (to_tsvector('english', body)) stored,
  searches tsvector[],
  updated_at timestamptz not null default now()
);
create function touch() returns trigger language plpgsql as
  $$ begin new.updated_at := clock_timestamp(); return new; end $$;
create trigger touch before update on samples for each row execute function touch();";

#[derive(Debug, Table)]
#[table(name = "samples", scope = Shop)]
#[no_rls(reason = "a test of types", allow(select, insert, update))]
struct Sample {
    #[column(primary_key)]
    id: i32,
    #[column(numeric(8, 2))]
    price: Decimal,
    quantity: i32,
    body: String,
    #[column(numeric(12, 2), generated = sql("price * quantity"))]
    total: Decimal,
    #[column(generated = sql("to_tsvector('english', body)"))]
    search: Tsvector,
    searches: Option<Vec<Tsvector>>,
    #[column(updated_at)]
    updated_at: Timestamp,
}

#[tokio::test]
async fn what_the_server_makes_is_read_and_never_set() -> Outcome {
    let fixture = Fixture::new(SQL).await?;
    let row = Sample::insert(NewSample {
        id: 1,
        price: "2.50".parse()?,
        quantity: 4,
        body: "The quick cats chased it's \\ cat".into(),
    })
    .fetch_one(&fixture.acme)
    .await?;
    assert_eq!(row.total, "10.00".parse::<Decimal>()?);
    assert_eq!(row.search.to_string(), fixture.shown("search").await?);
    let words: Vec<_> = row.search.lexemes().collect();
    assert_eq!(words, ["cat", "chase", "quick"]);

    // Weights and positions, as PostgreSQL writes them itself, and back again.
    let weights = "update samples set searches = array[\
                   setweight(to_tsvector('simple', 'it''s a \\ b'), 'A') || 'c:7B d:8C,9 ''e\\\\f'':1 ''g''''h''', \
                   ''::tsvector]";
    fixture.admin.batch_execute(weights).await?;
    let read = Sample::find(1).fetch_one(&fixture.acme).await?;
    let searches = read.searches.expect("it was set");
    let shown = fixture.shown("searches[1]").await?;
    let expected = "'a':3A 'b':4A 'c':11B 'd':12C,13 'e\\\\f':5 'g''h' 'it':1A 's':2A";
    assert_eq!(shown, expected);
    assert_eq!(searches[0].to_string(), shown);
    assert_eq!(searches[1].to_string(), "");
    Sample::update(1)
        .set(Sample::SEARCHES, searches.clone())
        .set(Sample::QUANTITY, 5)
        .execute(&fixture.acme)
        .await?;
    let written = Sample::find(1).fetch_one(&fixture.acme).await?;
    assert_eq!(written.searches, Some(searches));
    assert_eq!(fixture.shown("searches[1]").await?, shown);
    assert_eq!(written.total, "12.50".parse::<Decimal>()?);
    assert_eq!(
        (written.price, written.quantity),
        ("2.50".parse::<Decimal>()?, 5)
    );
    assert!(written.updated_at > read.updated_at);
    assert_eq!(written.body, row.body);
    assert_eq!(written.id, row.id);
    Ok(())
}
