//! Savepoints: what they take back, and what not.

use std::time::Duration;

use tabellion::{Error, Table, Transaction, TransactionOptions};

use crate::support::*;

#[tokio::test]
async fn a_savepoint_takes_back_what_is_inside_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    acme.transaction(async |tx| {
        Note::insert(note("acme"))
            .set(Note::AMOUNT, 1)
            .execute(tx)
            .await?;
        let refused = tx
            .savepoint(async |tx| {
                Note::insert(note("acme"))
                    .set(Note::AMOUNT, 2)
                    .execute(tx)
                    .await?;
                Note::insert(note("other")).execute(tx).await
            })
            .await;
        assert!(matches!(refused, Err(Error::RowRefused { .. })));
        // The scope is still the transaction's: a rollback to a savepoint takes settings back too.
        assert_eq!(Note::by_shop("acme").count(tx).await?, 1);
        // A transaction inside is a savepoint, and one inside that as well.
        tx.transaction(async |tx| {
            Note::insert(note("acme"))
                .set(Note::AMOUNT, 3)
                .execute(tx)
                .await?;
            let inner = tx
                .savepoint(async |tx| {
                    Note::insert(note("acme"))
                        .set(Note::AMOUNT, 4)
                        .execute(tx)
                        .await?;
                    Err::<(), _>(Error::NoReason)
                })
                .await;
            assert_eq!(inner, Err(Error::NoReason));
            Ok::<_, Error>(())
        })
        .await?;
        // One without a statement is nothing to the server.
        tx.savepoint(async |_| Err::<(), _>(Error::NoReason))
            .await
            .unwrap_err();
        tx.savepoint(async |_| Ok::<_, Error>(())).await?;
        // An error that the savepoint's work hides is the savepoint's error.
        let hidden = tx
            .savepoint(async |tx| {
                let _ = Note::insert(note("other")).execute(tx).await;
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(hidden, Err(Error::TransactionAborted));
        Note::insert(note("acme"))
            .set(Note::AMOUNT, 5)
            .execute(tx)
            .await?;
        Ok::<_, Error>(())
    })
    .await?;
    let notes = Note::by_shop("acme").fetch_all(&acme).await?;
    assert_eq!(
        notes.iter().map(|note| note.amount).collect::<Vec<_>>(),
        [5, 3, 1]
    );
    Ok(())
}

#[tokio::test]
async fn savepoints_at_the_same_time_end_the_transaction_even_where_the_work_hides_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for hides in [false, true] {
        let crossed = acme
            .transaction(async |tx| {
                let pause = std::time::Duration::from_millis(50);
                let work = async |tx: &Transaction<Shop>, pause| {
                    Note::insert(note("acme")).execute(tx).await?;
                    tokio::time::sleep(pause).await;
                    Ok::<_, Error>(())
                };
                // The first ends while the other, which it would take back, is under way.
                let (one, other) = tokio::join!(
                    tx.savepoint(async |tx| work(tx, pause).await),
                    tx.savepoint(async |tx| work(tx, pause * 2).await),
                );
                assert_eq!(one, Err(Error::Savepoints));
                assert_eq!(other, Err(Error::TransactionAborted));
                if hides { Ok(()) } else { one }
            })
            .await;
        let told = if hides {
            Error::TransactionAborted
        } else {
            Error::Savepoints
        };
        assert_eq!(crossed, Err(told));
        assert_eq!(fixture.count("notes").await?, 0);
        assert_eq!(fixture.open_transactions().await?, 0);
    }
    Ok(())
}

/// A new note of that amount.
pub(crate) async fn add(tx: &Transaction<Shop>, amount: i32) -> Result<u64, Error> {
    let new = Note::insert(note("acme")).set(Note::AMOUNT, amount);
    new.execute(tx).await
}

/// What the server refuses as it is prepared.
pub(crate) async fn unprepared(tx: &Transaction<Shop>) -> Result<u64, Error> {
    tx.execute("select nowhere()", ()).await
}

/// The amounts of all notes, whoever owns them.
async fn amounts(fixture: &Fixture) -> Result<Vec<i32>, Box<dyn std::error::Error>> {
    let sql = "select coalesce(array_agg(amount order by amount), '{}') from (select amount from notes limit 9) few";
    Ok(fixture.admin.query_one(sql, &[]).await?.try_get(0)?)
}

/// A login that inherits its roles' privileges, and whose sessions begin as another tenant.
#[tokio::test]
async fn the_scope_outlives_a_savepoint_that_comes_first() -> Outcome {
    let fixture = Fixture::new().await?;
    let who = client(&fixture.url).await?;
    let login: String = who
        .query_one("select session_user::text", &[])
        .await?
        .try_get(0)?;
    let sql = format!(
        "alter role {login} inherit; alter role {login} set app.current_shop = 'other';
         insert into notes (shop, kind, amount) values ('acme', 'call', 1), ('other', 'call', 7)"
    );
    fixture.admin.batch_execute(&sql).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme").statement_timeout(Duration::from_millis(300));
    // Once to have all prepared, after which a transaction begins with what is known.
    for _ in 0..2 {
        let outcome = acme
            .transaction(async |tx| {
                let inner = tx
                    .savepoint(async |tx| {
                        Note::by_shop("acme").count(tx).await?;
                        Err::<(), _>(Error::NoReason)
                    })
                    .await;
                assert_eq!(inner, Err(Error::NoReason));
                let notes = Note::unindexed("all that there are").fetch_all(tx).await?;
                let seen: Vec<_> = notes.iter().map(|note| note.amount).collect();
                assert_eq!(seen, [1]);
                tx.execute("select pg_sleep(1)", ()).await
            })
            .await;
        assert!(matches!(outcome, Err(Error::Timeout(_))), "{outcome:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_prepared_takes_back_its_own_savepoint_alone() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for _ in 0..2 {
        acme.transaction(async |tx| {
            add(tx, 1).await?;
            tx.savepoint(async |tx| add(tx, 2).await).await?;
            tx.savepoint(unprepared).await.unwrap_err();
            add(tx, 3).await?;
            tx.savepoint(unprepared).await.unwrap_err();
            tx.savepoint(async |tx| {
                add(tx, 4).await?;
                tx.savepoint(async |tx| {
                    tx.savepoint(unprepared).await.unwrap_err();
                    unprepared(tx).await
                })
                .await
                .unwrap_err();
                add(tx, 5).await
            })
            .await?;
            tx.savepoint(async |tx| {
                add(tx, 6).await?;
                unprepared(tx).await
            })
            .await
            .unwrap_err();
            Ok::<_, Error>(())
        })
        .await?;
        assert_eq!(amounts(&fixture).await?, [1, 2, 3, 4, 5]);
        fixture.admin.batch_execute("delete from notes").await?;
    }
    // The first thing of all, of a transaction and of its connection.
    let fresh = fixture.connect(1).await?;
    for acme in [&acme, &shop(&fresh, "acme")] {
        acme.transaction(async |tx| {
            tx.savepoint(unprepared).await.unwrap_err();
            tx.savepoint(unprepared).await.unwrap_err();
            add(tx, 1).await
        })
        .await?;
        assert_eq!(amounts(&fixture).await?, [1]);
        fixture.admin.batch_execute("delete from notes").await?;
    }
    Ok(())
}

/// A future of a savepoint that is dropped between two statements.
#[tokio::test]
async fn a_savepoint_that_is_dropped_is_taken_back() -> Outcome {
    async fn given_up(tx: &Transaction<Shop>, work: impl AsyncFnOnce(&Transaction<Shop>)) {
        let stuck = tx.savepoint(async |tx| {
            work(tx).await;
            std::future::pending::<Result<(), Error>>().await
        });
        let soon = Duration::from_millis(60);
        assert!(tokio::time::timeout(soon, stuck).await.is_err());
    }
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let add = async |tx: &Transaction<Shop>, amount| add(tx, amount).await.map(drop);
    acme.transaction(async |tx| {
        // Before the first statement, and with one.
        given_up(tx, async |_| {}).await;
        given_up(tx, async |tx| add(tx, 10).await.expect("it is added")).await;
        add(tx, 1).await?;
        given_up(tx, async |_| {}).await;
        given_up(tx, async |tx| add(tx, 11).await.expect("it is added")).await;
        add(tx, 2).await?;
        // After a statement that failed, and inside of one that goes on.
        given_up(tx, async |tx| drop(unprepared(tx).await)).await;
        tx.savepoint(async |tx| {
            add(tx, 3).await?;
            given_up(tx, async |tx| {
                add(tx, 12).await.expect("it is added");
                given_up(tx, async |tx| add(tx, 13).await.expect("it is added")).await;
            })
            .await;
            add(tx, 4).await
        })
        .await?;
        // With one inside, and with nothing after it.
        let inner = async |tx: &Transaction<Shop>| {
            add(tx, 14).await.expect("it is added");
            given_up(tx, async |tx| add(tx, 15).await.expect("it is added")).await;
        };
        given_up(tx, inner).await;
        given_up(tx, async |tx| add(tx, 16).await.expect("it is added")).await;
        Ok::<_, Error>(())
    })
    .await?;
    assert_eq!(amounts(&fixture).await?, [1, 2, 3, 4]);
    // One after whose end nothing comes, and that has failed.
    acme.transaction(async |tx| {
        add(tx, 5).await?;
        given_up(tx, async |tx| drop(unprepared(tx).await)).await;
        Ok::<_, Error>(())
    })
    .await?;
    assert_eq!(amounts(&fixture).await?, [1, 2, 3, 4, 5]);
    Ok(())
}

#[tokio::test]
async fn many_rows_inside_a_transaction_are_all_or_none() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for (last, is_refused) in [("other", true), ("ac\0me", false)] {
        let shop_of = |n| if n == 6_999 { last } else { "acme" };
        let many = async |tx: &Transaction<Shop>| {
            let rows = (0..7_000).map(|n| note(shop_of(n)));
            let outcome = Note::insert_many(rows).execute(tx).await;
            match &outcome {
                Err(Error::RowRefused { .. }) => assert!(is_refused),
                Err(Error::Encode { .. }) => assert!(!is_refused),
                other => panic!("{other:?}"),
            }
            outcome
        };
        let hidden = acme
            .transaction(async |tx| {
                add(tx, 1).await?;
                drop(many(tx).await);
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(hidden, Err(Error::TransactionAborted));
        acme.transaction(async |tx| {
            add(tx, 2).await?;
            tx.savepoint(many).await.unwrap_err();
            add(tx, 3).await
        })
        .await?;
    }
    assert_eq!(amounts(&fixture).await?, [2, 2, 3, 3]);
    Ok(())
}

/// What the work hid has nothing to do with how it ended.
#[tokio::test]
async fn an_error_of_its_own_is_not_run_again() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let function = "create function lose() returns void language plpgsql as $$
        begin raise exception 'lost' using errcode = '40001'; end $$";
    fixture.admin.batch_execute(function).await?;
    let runs = std::cell::Cell::new(0);
    let outcome = acme
        .transaction_with(&TransactionOptions::new().retries(3), async |tx| {
            runs.set(runs.get() + 1);
            let lost = tx
                .savepoint(async |tx| tx.execute("select lose()", ()).await)
                .await;
            assert!(matches!(lost, Err(Error::Serialization(_))), "{lost:?}");
            add(tx, 1).await?;
            Err::<(), _>(Error::NoReason)
        })
        .await;
    assert_eq!(outcome, Err(Error::NoReason));
    assert_eq!(runs.get(), 1);
    Ok(())
}

/// A task goes on with a savepoint while the transaction's own work is over.
#[tokio::test]
async fn a_savepoint_that_is_still_open_is_not_committed() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let (open, is_open) = tokio::sync::oneshot::channel::<()>();
    let outcome = acme
        .transaction(async |tx| {
            add(tx, 1).await?;
            let handle = (**tx).clone();
            let task = tokio::spawn(async move {
                let inside = handle.transaction(async |tx| {
                    add(tx, 99).await?;
                    drop(open);
                    std::future::pending::<Result<(), Error>>().await
                });
                inside.await
            });
            drop(is_open.await);
            Ok::<_, Error>(task)
        })
        .await;
    assert!(matches!(outcome, Err(Error::Savepoints)), "{outcome:?}");
    assert!(amounts(&fixture).await?.is_empty());
    Ok(())
}
