//! How many rows at once travel: their round trips, within a transaction, behind a pooler, and when their future is
//! dropped on the way.

use std::time::Duration;

use tabellion::query::Insert;
use tabellion::{Error, Table};

use crate::cancel::abandon;
use crate::pgbouncer::PgBouncer;
use crate::proxy::{self, Pace};
use crate::support::*;

/// Rows of several portions.
const COUNT: i32 = 12_345;

fn rows(shop: &str, count: i32) -> impl Iterator<Item = Insert<Note>> + '_ {
    (0..count).map(move |n| Note::insert(note(shop)).set(Note::AMOUNT, n % 1000))
}

#[tokio::test]
async fn all_portions_leave_in_one_round_trip() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    let mut before = flights.count();
    // Cold: scope and statement are prepared first.
    for expected in [2, 1, 1] {
        let written = Note::insert_many(rows("acme", COUNT))
            .execute(&acme)
            .await?;
        assert_eq!(written, 12_345);
        assert_eq!(flights.count() - before, expected);
        before = flights.count();
    }
    // What the server refuses takes no more, wherever it stands.
    for at in [0, 7_000, 12_344] {
        let refused_row = rows("acme", COUNT).enumerate().map(|(n, row)| match n {
            n if n == at => row.set(Note::AMOUNT, 1000),
            _ => row,
        });
        let error = refused(Note::insert_many(refused_row).execute(&acme).await);
        assert!(matches!(error, Error::Check { .. }), "{error}");
        assert!(
            flights.count() - before <= 2,
            "{}",
            flights.count() - before
        );
        before = flights.count();
    }
    assert_eq!(fixture.count("notes").await?, 3 * i64::from(COUNT));
    Ok(())
}

#[tokio::test]
async fn within_a_transaction_they_are_statements_of_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    Note::insert_many(rows("acme", COUNT))
        .execute(&acme)
        .await?;
    let before = flights.count();
    let seen = acme
        .transaction(async |tx| {
            let written = Note::insert_many(rows("acme", COUNT)).execute(tx).await?;
            assert_eq!(written, 12_345);
            Note::by_shop("acme").count(tx).await
        })
        .await?;
    assert_eq!(seen, 2 * 12_345);
    // Three portions, the count (prepared first), and COMMIT.
    assert_eq!(flights.count() - before, 6);

    // An error of the caller's takes them back.
    let undone = acme
        .transaction(async |tx| {
            Note::insert_many(rows("acme", COUNT)).execute(tx).await?;
            Err::<(), _>(Error::Closed)
        })
        .await;
    assert_eq!(undone, Err(Error::Closed));
    // A row that is refused leaves nothing of its savepoint, and the transaction goes on.
    let kept = acme
        .transaction(async |tx| {
            let nested = tx
                .savepoint(async |tx| {
                    let rows = rows("acme", COUNT)
                        .chain([Note::insert(note("other")).set(Note::AMOUNT, 1)]);
                    Note::insert_many(rows).execute(tx).await
                })
                .await;
            assert!(
                matches!(nested, Err(Error::RowRefused { .. })),
                "{nested:?}"
            );
            Note::insert(note("acme")).execute(tx).await
        })
        .await?;
    assert_eq!(kept, 1);
    assert_eq!(fixture.count("notes").await?, 2 * i64::from(COUNT) + 1);
    assert_eq!(fixture.open_transactions().await?, 0);
    Ok(())
}

#[tokio::test]
async fn behind_a_pooler_each_tenants_portions_stay_together() -> Outcome {
    const TENANTS: i32 = 6;
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let url = format!("{}&pooler=transaction", pooler.url);
    let db = pool(&url, TENANTS as usize).await?;
    let tasks = (0..TENANTS).map(|number| {
        let db = db.clone();
        tokio::spawn(async move {
            let domain = format!("shop {number}");
            let own = shop(&db, &domain);
            for round in 0..4 {
                if round == number % 4 {
                    // Another tenant's, in the last portion.
                    let forged = rows(&domain, COUNT)
                        .chain([Note::insert(note("shop x")).set(Note::AMOUNT, 1)]);
                    let error = refused(Note::insert_many(forged).execute(&own).await);
                    assert!(matches!(error, Error::RowRefused { .. }), "{error}");
                } else {
                    let all = rows(&domain, COUNT);
                    assert_eq!(Note::insert_many(all).execute(&own).await?, 12_345);
                }
            }
            let back = Note::insert_many(rows(&domain, 6_000))
                .fetch_all(&own)
                .await?;
            assert!(back.len() == 6_000 && back.iter().all(|note| note.shop == domain));
            Ok::<_, Error>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    let wrong = "(select from notes group by shop having count(*) <> 3 * 12345 + 6000) wrong";
    assert_eq!(fixture.count(wrong).await?, 0);
    assert_eq!(
        fixture
            .count("(select distinct shop from notes) shops")
            .await?,
        6
    );
    assert_eq!(fixture.open_transactions().await?, 0);
    Ok(())
}

/// A portion of these is some rows of a hundred kilobytes, more than a socket takes at once.
fn large(shop: &str) -> impl Iterator<Item = Insert<Note>> + '_ {
    let body = "x".repeat(1 << 17);
    (0..40).map(move |n| Note::insert(note(shop)).set(Note::BODY, format!("{n}{body}")))
}

#[tokio::test]
async fn dropped_on_the_way_all_or_none_are_written() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute("drop index notes_body").await?;
    // Answers come slowly, so that there is room to drop the future before, while and after they do.
    let pace = Pace {
        piece: 7,
        pause: Duration::from_micros(300),
    };
    let (url, _) = proxy::start(&fixture.url, pace).await?;
    let db = pool(&url, 1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    Note::insert(note("other")).execute(&other).await?;
    let mut polls = 0;
    loop {
        polls += 1;
        assert!(polls < 400, "it is never done");
        // The connection before was dropped too; the statement is prepared first.
        let warm = large("acme").take(1);
        Note::insert_many(warm).execute(&acme).await?;
        let before = fixture.count("notes where shop = 'acme'").await?;
        let write = Note::insert_many(large("acme")).execute(&acme);
        let done = abandon(write, polls).await;
        let seen = Note::by_shop("other").fetch_all(&other).await?;
        assert!(
            seen.len() == 1 && seen[0].shop == "other",
            "after {polls} polls"
        );
        assert_eq!(
            fixture.lasting_transactions().await?,
            0,
            "after {polls} polls"
        );
        // Whoever drops it once the Sync is on its way does not learn what became of it, nor when.
        let written = fixture.count("notes where shop = 'acme'").await? - before;
        assert_eq!(written % 40, 0, "{written} after {polls} polls");
        if let Some(done) = done {
            assert!(done? == 40 && written >= 40);
            break;
        }
    }
    assert!(polls > 5, "it was done after {polls} polls");
    Ok(())
}
