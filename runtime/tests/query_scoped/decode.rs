//! What the database holds and the struct does not expect is an error that names table and column.

use tabellion::query::Order;
use tabellion::{AllowsSelect, Error, Finder, Index, Row, Table};

use crate::support::*;

#[tokio::test]
async fn a_text_without_a_variant() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let sql = "insert into notes (shop, kind) values ('acme', 'smoke s3cret')";
    fixture.admin.batch_execute(sql).await?;
    let error = refused(Note::by_shop("acme").fetch_all(&acme).await);
    assert_eq!(
        error.to_string(),
        "column `kind` of `notes` holds a text that `Kind` has no variant for; \
         add the variant or correct the row"
    );
    assert!(!format!("{error:?}").contains("s3cret"));
    // The connection stays usable.
    fixture
        .admin
        .batch_execute("update notes set kind = 'visit'")
        .await?;
    let rows = Note::by_shop("acme").fetch_all(&acme).await?;
    assert_eq!(rows[0].kind, Kind::Visit);
    Ok(())
}

/// Rows of a stream are read one by one: those before it come, and nothing comes behind it.
#[tokio::test]
async fn a_row_of_a_stream_that_does_not_read_is_its_end() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    fixture.seed(900, 0).await?;
    // In the first portion, in a later one with more behind it, and last of all.
    for at in [10, 500, 899] {
        let sql = format!("update notes set kind = 'smoke' where amount = {at}");
        fixture.admin.batch_execute(&sql).await?;
        let mut stream = Note::by_shop("acme").reverse().stream(&acme).await?;
        for amount in 0..at {
            let note = stream.try_next().await?;
            assert_eq!(note.map(|note| note.amount), Some(amount));
        }
        let error = refused(stream.try_next().await);
        assert!(matches!(error, Error::Decode { .. }), "{error}");
        let error = refused(stream.try_next().await);
        assert!(matches!(error, Error::Protocol(_)), "{error}");
        drop(stream);
        let mended = "update notes set kind = 'call' where kind = 'smoke'";
        fixture.admin.batch_execute(mended).await?;
        assert_eq!(Note::by_shop("acme").count(&acme).await?, 900);
    }
    Ok(())
}

#[tokio::test]
async fn null_where_there_is_no_option() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let sql = "alter table notes alter amount drop not null; \
               insert into notes (shop, kind, amount) values ('acme', 'call', null)";
    fixture.admin.batch_execute(sql).await?;
    let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await);
    assert_eq!(
        error.to_string(),
        "column `amount` of `notes` is NULL; make the field an `Option<i32>`"
    );
    Ok(())
}

/// A struct that has not followed its table.
#[derive(Debug)]
struct Skewed;

impl Table for Skewed {
    type Scope = Shop;
    const NAME: &'static str = "public.notes";
    const COLUMNS: &'static [&'static str] = &["amount"];
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get::<Option<String>>(0).map(|_| Skewed)
    }
}

impl AllowsSelect for Skewed {}

#[tokio::test]
async fn another_type_than_the_field_has() -> Outcome {
    const INDEX: Index = Index {
        name: "an_index",
        finder: "by_shop",
        columns: &[("shop", Order::Ascending)],
        predicate: &[],
    };
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    let finder = Finder::<Skewed, ()>::new(&INDEX, "acme".to_owned());
    let error = refused(finder.fetch_all(&acme).await);
    assert!(
        error.to_string().starts_with(
            "column `amount` of `notes` is `int4`, which a `Option<String>` cannot hold; "
        ),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn types_that_are_not_built_in() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture
        .admin
        .batch_execute(
            "create domain short as text check (length(value) < 10); \
             create domain shorter as short; \
             alter table notes alter body type shorter",
        )
        .await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let insert = || Note::insert(note("acme")).set(Note::BODY, "brief");
    for _ in 0..2 {
        let row = insert().set(Note::BODY, None).fetch_one(&acme).await?;
        assert_eq!(row.body, None);
    }
    assert_eq!(
        insert().fetch_one(&acme).await?.body.as_deref(),
        Some("brief")
    );
    let long = insert()
        .set(Note::BODY, "much too long")
        .execute(&acme)
        .await;
    assert!(matches!(refused(long), Error::Check { .. }));
    Ok(())
}

/// A struct whose elements have no room for NULL.
#[derive(Debug)]
struct Listed;

impl Table for Listed {
    type Scope = Shop;
    const NAME: &'static str = "public.notes";
    const COLUMNS: &'static [&'static str] = &["array[body, shop]"];
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get::<Option<Vec<String>>>(0).map(|_| Listed)
    }
}

impl AllowsSelect for Listed {}

#[tokio::test]
async fn null_in_an_array() -> Outcome {
    const INDEX: Index = Index {
        name: "an_index",
        finder: "by_shop",
        columns: &[("shop", Order::Ascending)],
        predicate: &[],
    };
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    let finder = Finder::<Listed, ()>::new(&INDEX, "acme".to_owned());
    let error = refused(finder.fetch_all(&acme).await).to_string();
    let expected = "has an element that is NULL, which a `Option<Vec<String>>` cannot hold";
    assert!(error.ends_with(expected), "{error}");
    Ok(())
}
