//! Rows that are locked where they are read.

use std::collections::BTreeSet;

use tabellion::error::Timeout;
use tabellion::testing::locked_finder_plans;
use tabellion::{Error, Isolation, Scoped, Table, Transaction, TransactionOptions};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

/// Whether a row that another transaction holds can be locked so, without waiting.
async fn can_share(held: &Scoped<Shop>, id: i32) -> Result<[bool; 4], Error> {
    let mut can = [false; 4];
    for (n, can) in can.iter_mut().enumerate() {
        let outcome = held
            .transaction(async |tx| {
                let note = Note::find(id);
                let note = match n {
                    0 => note.for_update(),
                    1 => note.for_no_key_update(),
                    2 => note.for_share(),
                    _ => note.for_key_share(),
                };
                note.no_wait().fetch_one(tx).await
            })
            .await;
        *can = match outcome {
            Ok(_) => true,
            Err(Error::Timeout(Timeout::Lock)) => false,
            Err(other) => return Err(other),
        };
    }
    Ok(can)
}

async fn ids(tx: &Transaction<Shop>) -> Result<Vec<i32>, Error> {
    let open = Note::calls_of("acme").for_update().skip_locked();
    let notes = open.fetch_all(tx).await?;
    Ok(notes.into_iter().map(|note| note.id).collect())
}

#[tokio::test]
async fn each_strength_keeps_out_what_postgresql_says() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(3, 1).await?;
    let db = fixture.connect(4).await?;
    let acme = shop(&db, "acme");
    let first = Note::calls_of("acme").fetch_one(&acme).await?.id;
    // Source: <https://www.postgresql.org/docs/15/explicit-locking.html>, table 13.3.
    for (strength, shared) in [
        [false, false, false, false],
        [false, false, false, true],
        [false, false, true, true],
        [false, true, true, true],
    ]
    .into_iter()
    .enumerate()
    {
        acme.transaction(async |tx| {
            let open = Note::calls_of("acme").limit(1);
            let locked = match strength {
                0 => open.for_update(),
                1 => open.for_no_key_update(),
                2 => open.for_share(),
                _ => open.for_key_share(),
            };
            assert_eq!(locked.fetch_one(tx).await?.id, first);
            assert_eq!(can_share(&acme, first).await?, shared, "{strength}");
            Ok::<_, Error>(())
        })
        .await?;
        // The end of the transaction lets go of it.
        assert_eq!(can_share(&acme, first).await?, [true; 4], "{strength}");
    }
    Ok(())
}

#[tokio::test]
async fn what_others_hold_is_waited_for_passed_over_or_an_error() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(3, 1).await?;
    let db = fixture.connect(4).await?;
    let acme = shop(&db, "acme");
    let all = acme.transaction(ids).await?;
    assert_eq!(all.len(), 3);
    acme.transaction(async |tx| {
        let oldest = Note::calls_of("acme")
            .for_update()
            .fetch_optional(tx)
            .await?;
        assert_eq!(oldest.map(|note| note.id), Some(all[0]));
        assert_eq!(acme.transaction(ids).await?, all[1..]);
        let waiting = acme.statement_timeout(std::time::Duration::from_millis(50));
        let waited =
            waiting.transaction(async |tx| Note::calls_of("acme").for_update().fetch_all(tx).await);
        assert!(matches!(
            waited.await,
            Err(Error::Timeout(Timeout::Statement))
        ));
        // Whoever only reads sees all of them.
        assert_eq!(Note::calls_of("acme").count(&acme).await?, 3);
        // An error in a savepoint leaves the transaction as it was.
        let held = acme.transaction(async |other| {
            let held = other
                .savepoint(async |inner| {
                    let all = Note::calls_of("acme").for_update().no_wait();
                    all.fetch_all(inner).await
                })
                .await;
            assert!(matches!(held, Err(Error::Timeout(Timeout::Lock))));
            ids(other).await
        });
        assert_eq!(held.await?, all[1..]);
        Ok::<_, Error>(())
    })
    .await?;
    assert_eq!(fixture.open_transactions().await?, 0);
    Ok(())
}

#[tokio::test]
async fn no_scope_locks_what_it_may_not_change() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(2, 1).await?;
    // Of its own notes a shop may change those alone whose amount is above 0.
    let narrower =
        "create policy changes on notes as restrictive for update to query_shop using (amount > 0)";
    fixture.admin.batch_execute(narrower).await?;
    let db = fixture.connect(4).await?;
    let acme = shop(&db, "acme");
    let other = shop(&db, "shop 1");
    let notes = Note::calls_of("acme").fetch_all(&acme).await?;
    other
        .transaction(async |tx| {
            let strange = Note::calls_of("acme").for_update().fetch_all(tx).await?;
            assert_eq!(strange.len(), 0);
            for note in &notes {
                let found = Note::find(note.id).for_share().fetch_optional(tx).await?;
                assert!(found.is_none());
            }
            acme.transaction(async |tx| {
                let locked = Note::calls_of("acme")
                    .for_update()
                    .no_wait()
                    .fetch_all(tx)
                    .await?;
                assert_eq!(locked.iter().map(|it| it.amount).collect::<Vec<_>>(), [1]);
                let closed = notes.iter().find(|note| note.amount == 0);
                let closed = closed.map(|note| note.id).unwrap_or_default();
                let found = Note::find(closed).for_update().fetch_one(tx).await;
                assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
                Ok::<_, Error>(())
            })
            .await
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_only_reads_locks_nothing() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(2, 0).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let refused = acme
        .transaction_with(&TransactionOptions::new().read_only(), async |tx| {
            Note::calls_of("acme").for_update().fetch_all(tx).await
        })
        .await;
    let text = refused.expect_err("nothing may be locked").to_string();
    assert_eq!(
        text,
        "the transaction, or the server, is read-only (SQLSTATE 25006)"
    );
    assert_eq!(acme.transaction(ids).await?.len(), 2);
    Ok(())
}

/// What a transaction has seen and another one changed since it can no longer lock.
#[tokio::test]
async fn a_repeatable_read_that_lost_is_a_serialization_failure() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(1, 0).await?;
    let db = fixture.connect(2).await?;
    let acme = shop(&db, "acme");
    let options = TransactionOptions::new().isolation(Isolation::RepeatableRead);
    let lost = acme
        .transaction_with(&options, async |tx| {
            let seen = Note::calls_of("acme").fetch_one(tx).await?;
            let change = Note::update(seen.id).set(Note::AMOUNT, 9);
            assert_eq!(change.execute(&acme).await?, 1);
            Note::find(seen.id).for_update().fetch_one(tx).await
        })
        .await;
    assert!(matches!(lost, Err(Error::Serialization(_))), "{lost:?}");
    Ok(())
}

/// Workers that each take the oldest open note until there is none.
async fn drained(acme: &Scoped<Shop>) -> Result<Vec<i32>, Error> {
    let mut done = Vec::new();
    loop {
        let taken = acme
            .transaction(async |tx| {
                let oldest = Note::calls_of("acme").for_update().skip_locked();
                let Some(note) = oldest.fetch_optional(tx).await? else {
                    return Ok::<_, Error>(None);
                };
                let change = Note::update(note.id).set(Note::KIND, Kind::Visit);
                assert_eq!(change.execute(tx).await?, 1);
                Ok(Some(note.id))
            })
            .await?;
        match taken {
            Some(id) => done.push(id),
            None => return Ok(done),
        }
    }
}

#[tokio::test]
async fn workers_share_a_queue_behind_a_pooler_too() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    for url in [
        fixture.url.clone(),
        format!("{}&pooler=transaction", pooler.url),
    ] {
        fixture.admin.batch_execute("truncate notes").await?;
        fixture.seed(200, 2).await?;
        let db = pool(&url, 8).await?;
        let workers = (0..8).map(|_| {
            let acme = shop(&db, "acme");
            tokio::spawn(async move { drained(&acme).await })
        });
        let (mut count, mut taken) = (0, BTreeSet::new());
        for worker in workers.collect::<Vec<_>>() {
            let done = worker.await??;
            count += done.len();
            taken.extend(done);
        }
        assert_eq!((count, taken.len()), (200, 200));
        assert_eq!(fixture.count("notes where kind = 'call'").await?, 400);
        db.close();
    }
    Ok(())
}

#[tokio::test]
async fn every_form_that_locks_reads_along_its_index() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(100, 300).await?;
    let said = "create index notes_said on notes (shop, body desc nulls last); analyze";
    fixture.admin.batch_execute(said).await?;
    let acme = Shop {
        domain: "acme".into(),
    };
    let plans = locked_finder_plans::<Note, Shop>(&fixture.url, &acme).await?;
    assert!(plans.len() > 20, "{}", plans.len());
    for plan in &plans {
        assert!(plan.sql.ends_with(" for update"), "{plan}");
        let locks = plan.lines.iter().any(|line| line.contains("LockRows"));
        assert!(locks && plan.fault().is_none(), "{plan}");
    }
    Ok(())
}
