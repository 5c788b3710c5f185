//! A value that its column cannot hold is an error that names table and column, however it is written, and shows
//! nothing of the value.

use tabellion::{Decimal, Error, Json, Table, Timestamp};

use crate::support::*;

#[allow(dead_code, reason = "nobody reads the rows")]
#[derive(Debug, Table)]
#[table(name = "parcels", scope = Shop)]
#[index(
    name = "parcels_label",
    columns(shop, label, weight),
    finder = "labelled"
)]
#[primary_key(columns(shop, code))]
#[tenant(shop = scope.domain)]
pub(crate) struct Parcel {
    pub(crate) shop: String,
    #[column(varchar(9))]
    pub(crate) code: String,
    #[column(name = "Post Code", varchar(5))]
    pub(crate) post: Option<String>,
    #[column(char(3))]
    pub(crate) unit: Option<String>,
    #[column(varchar(5))]
    pub(crate) marks: Option<Vec<String>>,
    #[column(numeric(8, 2))]
    pub(crate) price: Option<Decimal>,
    #[column(numeric(6, 3))]
    pub(crate) weight: Option<Decimal>,
    pub(crate) label: Option<String>,
    pub(crate) words: Option<Vec<String>>,
    pub(crate) sent: Option<Timestamp>,
    pub(crate) seen: Option<Vec<Timestamp>>,
    pub(crate) facts: Option<Json>,
    pub(crate) notes: Option<Vec<Json>>,
}

const PARCELS: &str = "
create table parcels (
  shop text not null, code varchar(9) not null, \"Post Code\" varchar(5), unit char(3), marks varchar(5)[],
  price numeric(8, 2), weight numeric(6, 3), label text, words text[], sent timestamptz, seen timestamptz[],
  facts jsonb, notes jsonb[],
  primary key (shop, code)
);
create index parcels_label on parcels (shop, label, weight);
grant select, insert, update on parcels to query_shop;
";

fn parcel() -> NewParcel {
    NewParcel {
        shop: "acme".into(),
        code: "s3cret".into(),
    }
}

/// What each way of writing a value says. The row of [`parcel`] is there.
macro_rules! each_way {
    ($scope:expr, $column:expr, $value:expr) => {{
        let (scope, column) = ($scope, $column);
        let other = || NewParcel {
            code: "s3cret 2".into(),
            ..parcel()
        };
        let insert = || Parcel::insert(other()).set(column, $value);
        let upsert = Parcel::insert(parcel()).set(column, $value);
        let upsert = upsert.on_conflict(Parcel::SHOP_CODE_KEY);
        let key = || ("acme".to_owned(), "s3cret".to_owned());
        let found = Parcel::labelled("acme").update().set(column, $value);
        [
            refused(insert().execute(scope).await),
            refused(Parcel::insert_many([insert()]).execute(scope).await),
            refused(upsert.do_update(column).execute(scope).await),
            refused(
                Parcel::update(key())
                    .set(column, $value)
                    .execute(scope)
                    .await,
            ),
            refused(found.execute(scope).await),
        ]
    }};
}

fn all_say(errors: &[Error], message: &str) {
    for error in errors {
        assert_eq!(error.to_string(), message);
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_value_too_large_names_its_column() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(PARCELS).await?;
    let db = fixture.connect(1).await?;
    let acme = &shop(&db, "acme");
    Parcel::insert(parcel()).execute(acme).await?;
    let one = |column: &str, ty: &str| {
        format!(
            "a value does not fit column `{column}` of `parcels`, a `{ty}`; give a smaller one, or widen the column"
        )
    };
    all_say(
        &each_way!(acme, Parcel::UNIT, "s3cret".to_owned()),
        &one("unit", "char(3)"),
    );
    let cents: Decimal = "1234567.89".parse()?;
    all_say(
        &each_way!(acme, Parcel::PRICE, cents),
        &one("price", "numeric(8, 2)"),
    );
    all_say(
        &each_way!(acme, Parcel::WEIGHT, cents),
        &one("weight", "numeric(6, 3)"),
    );
    // Two columns are of this type, and the server names none.
    let several = "a value does not fit its column of `parcels`, one of `Post Code`, `marks`; give a smaller one, or \
                   widen the column";
    all_say(&each_way!(acme, Parcel::POST, "s3cret".to_owned()), several);
    all_say(
        &each_way!(acme, Parcel::MARKS, vec!["s3cret".to_owned()]),
        several,
    );
    let long = NewParcel {
        code: "s3cret s3cret".into(),
        ..parcel()
    };
    all_say(
        &[refused(Parcel::insert(long).execute(acme).await)],
        &one("code", "varchar(9)"),
    );
    // The connection is as it was.
    let row = Parcel::find(("acme".to_owned(), "s3cret".to_owned()))
        .fetch_one(acme)
        .await?;
    assert_eq!((row.post, row.price), (None, None));
    Ok(())
}

/// A function's own limits are not those of the statement's table.
#[tokio::test]
async fn a_value_too_large_inside_a_function_names_no_column() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(PARCELS).await?;
    let trigger = "create function shorten() returns trigger language plpgsql as \
                   'declare it char(3); begin it := new.label; return new; end'; \
                   create trigger shorten before insert on parcels for each row execute function shorten()";
    fixture.admin.batch_execute(trigger).await?;
    let db = fixture.connect(1).await?;
    let insert = Parcel::insert(parcel()).set(Parcel::LABEL, "s3cret".to_owned());
    let error = refused(insert.execute(&shop(&db, "acme")).await);
    assert_eq!(
        error.to_string(),
        "a text is longer than its column allows (SQLSTATE 22001)"
    );
    Ok(())
}

#[tokio::test]
async fn a_value_too_large_for_an_index_names_its_columns() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(PARCELS).await?;
    let db = fixture.connect(1).await?;
    let acme = &shop(&db, "acme");
    Parcel::insert(parcel()).execute(acme).await?;
    let message = "a value is too large for an index of `parcels`, in one of its columns `shop`, `label`, `weight`; \
                   give a smaller one";
    // Without repetition, so that it cannot be compressed: more than a page takes, and more than any index does.
    for length in [3_000, 20_000] {
        let mut state = 1_u32;
        let text: String = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'!' + (state >> 25) as u8 % 90)
            })
            .collect();
        all_say(&each_way!(acme, Parcel::LABEL, text.clone()), message);
    }
    Ok(())
}

#[tokio::test]
async fn what_no_column_of_the_type_holds_is_not_sent() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(PARCELS).await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = &shop(&db, "acme");
    Parcel::insert(parcel()).execute(acme).await?;
    let words = vec!["plain".to_owned(), "s3cret\0".to_owned()];
    all_say(
        &each_way!(acme, Parcel::WORDS, words.clone()),
        "column `words` of `parcels`: the text holds a NUL character, which PostgreSQL cannot store; remove it",
    );
    let early = "the point in time lies outside of what PostgreSQL stores, which begins with 4713 BC; give another";
    all_say(
        &each_way!(acme, Parcel::SENT, Timestamp::MIN),
        &format!("column `sent` of `parcels`: {early}"),
    );
    all_say(
        &each_way!(acme, Parcel::SEEN, vec![Timestamp::MIN]),
        &format!("column `seen` of `parcels`: {early}"),
    );
    let nul = "the JSON holds a NUL character, which PostgreSQL cannot store; remove it";
    let facts = || Json(serde_json::json!({ "s3cret": ["\\", "\\u0000", "a\0"] }));
    all_say(
        &each_way!(acme, Parcel::FACTS, facts()),
        &format!("column `facts` of `parcels`: {nul}"),
    );
    let key = || Json(serde_json::json!({ "s3cret\0": 1 }));
    all_say(
        &each_way!(acme, Parcel::NOTES, vec![Json(serde_json::json!(1)), key()]),
        &format!("column `notes` of `parcels`: {nul}"),
    );
    // Now every statement is prepared.
    let before = flights.count();
    each_way!(acme, Parcel::SENT, Timestamp::MIN);
    assert_eq!(flights.count(), before);
    // What only looks like it.
    let text = Json(serde_json::json!({ "\\u0000": "\\\\u0000 u0000 \u{1}" }));
    let update = Parcel::update(("acme".to_owned(), "s3cret".to_owned()))
        .set(Parcel::FACTS, text.clone())
        .set(Parcel::NOTES, vec![text.clone()]);
    let row = update.fetch_optional(acme).await?.ok_or("the row")?;
    assert_eq!(
        (row.facts, row.notes),
        (Some(text.clone()), Some(vec![text]))
    );
    // What is just inside.
    for sent in ["9999-12-30T22:00:00.999999Z", "-004713-12-01T00:00:00Z"] {
        let sent: Timestamp = sent.parse()?;
        let update =
            Parcel::update(("acme".to_owned(), "s3cret".to_owned())).set(Parcel::SENT, sent);
        assert_eq!(
            update.fetch_optional(acme).await?.and_then(|row| row.sent),
            Some(sent)
        );
    }
    Ok(())
}
