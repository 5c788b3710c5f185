//! Round trips are counted, not assumed.

use tabellion::query::Order;
use tabellion::{Column, Finder, Index, NoScope, Table};

use crate::support::*;

#[tokio::test]
async fn a_warm_connection_needs_one_round_trip() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");

    // Cold: scope, role and statement are prepared in one flight, and run in the next.
    let before = flights.count();
    Note::insert(note("acme")).execute(&acme).await?;
    assert_eq!(flights.count() - before, 2);

    // The scope is known now, a statement is not.
    let before = flights.count();
    Note::by_shop("acme").limit(5).fetch_all(&acme).await?;
    assert_eq!(flights.count() - before, 2);

    for _ in 0..10 {
        let before = flights.count();
        Note::insert(note("acme")).execute(&acme).await?;
        assert_eq!(flights.count() - before, 1);
        let rows = Note::by_shop("acme")
            .limit(5)
            .fetch_all(&shop(&db, "acme"))
            .await?;
        assert!(!rows.is_empty());
        assert_eq!(flights.count() - before, 2);
    }

    // A failure takes no more than a success.
    let before = flights.count();
    assert!(Note::insert(note("other")).execute(&acme).await.is_err());
    assert_eq!(flights.count() - before, 1);
    Ok(())
}

#[tokio::test]
async fn connecting_needs_the_login_and_one_question() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    // Startup and password.
    let _client = client(&url).await?;
    let login = flights.count();
    // Before it TLS is asked for, behind it who the login is and whether a pooler is in between.
    let _db = pool(&url, 1).await?;
    assert_eq!(flights.count() - login, 1 + login + 1);
    Ok(())
}

#[tokio::test]
async fn a_parameter_that_does_not_encode_sends_nothing() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    Note::insert(note("acme"))
        .set(Note::BODY, "x")
        .execute(&acme)
        .await?;
    Note::insert(note("other")).execute(&other).await?;
    Note::by_shop("other").fetch_all(&other).await?;

    let before = flights.count();
    let insert = Note::insert(note("acme")).set(Note::BODY, "a\0b");
    let error = refused(insert.execute(&acme).await);
    assert_eq!(
        error.to_string(),
        "column `body` of `notes`: the text holds a NUL character, which PostgreSQL cannot store; remove it"
    );
    assert_eq!(flights.count(), before);

    // The next user of the connection is in its own scope, one flight away.
    let seen = Note::by_shop("other").fetch_all(&other).await?;
    assert!(seen.len() == 1 && seen[0].shop == "other");
    assert_eq!(flights.count(), before + 1);
    assert_eq!(fixture.open_transactions().await?, 0);

    // A column of another type than the field's: refused before the statement is sent.
    fixture
        .admin
        .batch_execute("alter table notes alter amount type int8")
        .await?;
    let db = fixture.connect(1).await?;
    let insert = Note::insert(note("acme")).set(Note::AMOUNT, 5);
    let error = refused(insert.execute(&shop(&db, "acme")).await);
    assert!(
        error.to_string().contains("column `amount` of `notes`"),
        "{error}"
    );
    assert!(error.to_string().contains("`i32`") && error.to_string().contains("`int8`"));
    Ok(())
}

#[tokio::test]
async fn a_changed_table_is_prepared_anew() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme"))
        .set(Note::BODY, "kept")
        .execute(&acme)
        .await?;
    Note::by_shop("acme").fetch_all(&acme).await?;
    // Another type under the same statement: PostgreSQL refuses the prepared one.
    fixture
        .admin
        .batch_execute("alter table notes alter body type varchar(20)")
        .await?;
    let rows = Note::by_shop("acme").fetch_all(&acme).await?;
    assert_eq!(rows[0].body.as_deref(), Some("kept"));
    Ok(())
}

#[tokio::test]
async fn no_more_statements_stay_prepared_than_are_kept() -> Outcome {
    const SHOP: Column<Note, String> = Column::new("shop");
    const INDEX: Index = Index {
        name: "an_index",
        finder: "by_shop",
        columns: &[("from_sql", Order::Ascending)],
        predicate: &[],
    };
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let id = Note::insert(note("acme")).fetch_one(&acme).await?.id;
    // Every order of columns is a statement of its own: 24 * 16 of them, twice.
    for round in 0..2 {
        for order in 0..24_usize {
            for others in 0..16 {
                let mut left = vec![0, 1, 2, 3];
                let mut update = Note::update(id);
                for divisor in [6, 2, 1, 1] {
                    let column = left.remove(order / divisor % left.len());
                    update = match column {
                        0 => update.set(Note::AMOUNT, others),
                        1 if others & 1 != 0 => update.set(Note::BODY, "x"),
                        2 if others & 2 != 0 => update.set(Note::KIND, Kind::Visit),
                        3 if others & 4 != 0 => update.set(SHOP, "acme"),
                        _ => update,
                    };
                }
                let changed = if others & 8 == 0 {
                    update.execute(&acme).await?
                } else {
                    u64::from(update.fetch_optional(&acme).await?.is_some())
                };
                assert_eq!(changed, 1);
            }
        }
        let finder = || Finder::<Prepared, ()>::new(&INDEX, false);
        let prepared = finder().fetch_all(&db.scope(NoScope)).await?.len();
        // Two kinds of scope, and the question itself.
        assert!(
            (100..=259).contains(&prepared),
            "{prepared} in round {round}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_large_flight_goes_both_ways_at_once() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    fixture.admin.batch_execute("drop index notes_body").await?;
    let body = "x".repeat(8 << 20);
    for _ in 0..2 {
        let insert = Note::insert(note("acme")).set(Note::BODY, body.as_str());
        let row = insert.fetch_one(&acme).await?;
        assert_eq!(row.body.as_deref(), Some(body.as_str()));
    }
    assert_eq!(Note::by_shop("acme").fetch_all(&acme).await?.len(), 2);
    Ok(())
}
