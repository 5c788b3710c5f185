//! Statements that take place together or not at all.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tabellion::{Error, Isolation, Table, Transaction, TransactionOptions};

use crate::proxy;
use crate::support::*;

fn seat(shop: &str, seat: i32, guest: &str) -> NewSeat {
    NewSeat {
        shop: shop.into(),
        seat,
        guest: guest.into(),
    }
}

#[tokio::test]
async fn what_succeeds_is_committed_and_what_fails_is_not() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let amounts = acme
        .transaction(async |tx| {
            Note::insert(note("acme"))
                .set(Note::AMOUNT, 1)
                .execute(tx)
                .await?;
            Note::insert(note("acme"))
                .set(Note::AMOUNT, 2)
                .execute(tx)
                .await?;
            // It sees what it did itself; nobody else does yet.
            let notes = Note::by_shop("acme").fetch_all(tx).await?;
            assert_eq!(fixture.count("notes").await.ok(), Some(0));
            Ok::<_, Error>(notes.iter().map(|note| note.amount).collect::<Vec<_>>())
        })
        .await?;
    assert_eq!(amounts, [2, 1]);
    assert_eq!(fixture.count("notes").await?, 2);

    #[derive(Debug, PartialEq)]
    enum Own {
        Changed,
        Database,
    }
    impl From<Error> for Own {
        fn from(_: Error) -> Self {
            Own::Database
        }
    }
    let outcome = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            Err::<(), _>(Own::Changed)
        })
        .await;
    assert_eq!(outcome, Err(Own::Changed));
    let outcome = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            Note::insert(note("other")).execute(tx).await?;
            Ok::<_, Own>(())
        })
        .await;
    assert_eq!(outcome, Err(Own::Database));
    assert_eq!(fixture.count("notes").await?, 2);
    // The only connection is free again, and belongs to nobody.
    assert_eq!(Note::by_shop("other").count(&shop(&db, "other")).await?, 0);
    assert_eq!(fixture.open_transactions().await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_error_that_the_work_hides_is_told_at_the_end() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let outcome = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            let refused = Note::insert(note("other")).execute(tx).await;
            assert!(matches!(refused, Err(Error::RowRefused { .. })));
            let after = Note::by_shop("acme").count(tx).await;
            assert_eq!(after, Err(Error::TransactionAborted));
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(outcome, Err(Error::TransactionAborted));
    assert_eq!(fixture.count("notes").await?, 0);

    // What never reached the server spoils nothing.
    acme.transaction(async |tx| {
        Note::insert(note("acme")).execute(tx).await?;
        let nul = Note::insert(note("acme"))
            .set(Note::BODY, "a\0b")
            .execute(tx)
            .await;
        assert!(matches!(nul, Err(Error::Encode { .. })));
        Note::insert(note("acme")).execute(tx).await?;
        Ok::<_, Error>(())
    })
    .await?;
    assert_eq!(fixture.count("notes").await?, 2);

    // Only the commit looks at a deferred constraint.
    let twice = acme
        .transaction(async |tx| {
            Seat::insert(seat("acme", 1, "ana")).execute(tx).await?;
            Seat::insert(seat("acme", 2, "ana")).execute(tx).await?;
            Ok::<_, Error>(())
        })
        .await;
    let Err(Error::Unique {
        table,
        constraint,
        fields,
    }) = twice
    else {
        panic!("{twice:?}")
    };
    assert_eq!(fields, ["shop", "guest"]);
    assert_eq!(
        (table.as_str(), constraint.as_str()),
        ("seats", "one_seat_each")
    );
    assert_eq!(fixture.count("hall.seats").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_statement_is_a_round_trip_and_so_is_the_end() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    let work = async |tx: &Transaction<Shop>| {
        Note::insert(note("acme")).execute(tx).await?;
        tx.savepoint(async |tx| Note::insert(note("acme")).execute(tx).await)
            .await?;
        Note::by_shop("acme").count(tx).await
    };
    acme.transaction(work).await?;
    let before = flights.count();
    acme.transaction(work).await?;
    assert_eq!(flights.count() - before, 4);
    // Without a statement there is none.
    let before = flights.count();
    acme.transaction(async |_| Ok::<_, Error>(())).await?;
    assert_eq!(flights.count(), before);
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_behind() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    let mut kept = None;
    let waiting = acme.transaction(async |tx| {
        Note::insert(note("acme")).execute(tx).await?;
        kept = Some((*tx).clone());
        std::future::pending::<()>().await;
        Ok::<_, Error>(())
    });
    tokio::time::timeout(std::time::Duration::from_millis(500), waiting)
        .await
        .expect_err("it waits for ever");
    // The only connection is had again, while a handle is left.
    assert_eq!(Note::by_shop("other").count(&other).await?, 0);
    let kept = kept.expect("it got so far");
    assert_eq!(
        Note::by_shop("acme").count(&kept).await,
        Err(Error::TransactionEnded)
    );
    assert_eq!(fixture.count("notes").await?, 0);

    // The same after the end.
    let mut kept = None;
    acme.transaction(async |tx| {
        Note::insert(note("acme")).execute(tx).await?;
        kept = Some((*tx).clone());
        Ok::<_, Error>(())
    })
    .await?;
    let kept = kept.expect("it ended");
    let late = Note::insert(note("acme")).execute(&kept).await;
    assert_eq!(late, Err(Error::TransactionEnded));
    let late = kept.transaction(async |_| Ok::<_, Error>(())).await;
    assert_eq!(late, Err(Error::TransactionEnded));
    assert_eq!(fixture.count("notes").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_statement_dropped_inside_takes_the_transaction_with_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    fixture
        .admin
        .batch_execute("begin; lock table notes")
        .await?;
    let outcome = acme
        .transaction(async |tx| {
            Seat::insert(seat("acme", 1, "ana")).execute(tx).await?;
            let wait = std::time::Duration::from_millis(300);
            let blocked = tokio::time::timeout(wait, Note::insert(note("acme")).execute(tx)).await;
            assert!(blocked.is_err(), "the table is locked");
            let after = Seat::insert(seat("acme", 2, "bo")).execute(tx).await;
            assert_eq!(after, Err(Error::TransactionAborted));
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(outcome, Err(Error::TransactionAborted));
    fixture.admin.batch_execute("rollback").await?;
    assert_eq!(fixture.count("hall.seats").await?, 0);
    assert_eq!(Note::by_shop("acme").count(&acme).await?, 0);
    Ok(())
}

#[tokio::test]
async fn options_are_the_servers_and_a_lost_race_is_run_again() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(4).await?;
    let acme = shop(&db, "acme");
    let reading = TransactionOptions::new().read_only();
    let refused = acme
        .transaction_with(&reading, async |tx| {
            Note::insert(note("acme")).execute(tx).await
        })
        .await;
    let Err(Error::Server(error)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(error.code, "25006");

    // Each reads the sum and adds it as a row: in serializable transactions no two read the same.
    let runs = AtomicUsize::new(0);
    // Nobody writes before all three have read.
    let all_have_read = tokio::sync::Barrier::new(3);
    let add = async |retries: u32| {
        let is_first = AtomicBool::new(true);
        let options = TransactionOptions::new()
            .isolation(Isolation::Serializable)
            .retries(retries);
        acme.transaction_with(&options, async |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            let notes = Note::by_shop("acme").fetch_all(tx).await?;
            let sum: i32 = notes.iter().map(|note| note.amount).sum();
            if is_first.swap(false, Ordering::SeqCst) {
                all_have_read.wait().await;
            }
            Note::insert(note("acme"))
                .set(Note::AMOUNT, sum + 1)
                .execute(tx)
                .await
        })
        .await
    };
    let once = tokio::join!(add(0), add(0), add(0));
    let lost = [once.0, once.1, once.2]
        .into_iter()
        .filter(|run| run.is_err());
    assert!(lost.clone().count() >= 1, "nobody lost");
    for error in lost {
        assert!(matches!(error, Err(Error::Serialization(_))), "{error:?}");
    }
    fixture.admin.batch_execute("truncate notes").await?;
    let before = runs.load(Ordering::SeqCst);
    let all = tokio::join!(add(20), add(20), add(20));
    assert_eq!([all.0?, all.1?, all.2?], [1, 1, 1]);
    assert!(runs.load(Ordering::SeqCst) - before > 3, "nobody ran again");
    let notes = Note::by_shop("acme").fetch_all(&acme).await?;
    assert_eq!(
        notes.iter().map(|note| note.amount).collect::<Vec<_>>(),
        [4, 2, 1]
    );
    Ok(())
}

#[tokio::test]
async fn a_table_that_changes_under_a_transaction_is_prepared_anew_by_the_next_run() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let work = async |tx: &Transaction<Shop>| {
        Seat::insert(seat("acme", 1, "ana")).execute(tx).await?;
        Note::insert(note("acme")).fetch_one(tx).await
    };
    acme.transaction(work).await?;
    fixture
        .admin
        .batch_execute("delete from hall.seats")
        .await?;
    let change = "alter table notes alter column body type varchar";
    fixture.admin.batch_execute(change).await?;
    assert_eq!(refused(acme.transaction(work).await), Error::StaleStatement);
    acme.transaction(work).await?;
    fixture
        .admin
        .batch_execute("delete from hall.seats; alter table notes alter column body type text")
        .await?;
    let again = TransactionOptions::new().retries(1);
    acme.transaction_with(&again, work).await?;
    Ok(())
}

#[tokio::test]
async fn what_a_transaction_cannot_do_says_so() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    acme.transaction(async |tx| {
        let stream = Note::by_shop("acme").stream(tx).await;
        assert_eq!(stream.err(), Some(Error::StreamInTransaction));
        let options = TransactionOptions::new();
        let inside = tx
            .transaction_with(&options, async |_| Ok::<_, Error>(()))
            .await;
        assert_eq!(inside, Err(Error::Savepoints));
        Ok::<_, Error>(())
    })
    .await?;
    Ok(())
}

/// Nothing is lost by then, so it is for the transaction itself to begin anew.
#[tokio::test]
async fn a_table_that_changed_before_a_transaction_does_not_fail_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let work = async |tx: &Transaction<Shop>| {
        Note::insert(note("acme")).fetch_one(tx).await?;
        Note::by_shop("acme").count(tx).await
    };
    assert_eq!(acme.transaction(work).await?, 1);
    let change = "alter table notes alter column body type varchar";
    fixture.admin.batch_execute(change).await?;
    assert_eq!(acme.transaction(work).await?, 2);
    Ok(())
}

/// Tasks need futures that may go from thread to thread.
#[tokio::test]
async fn it_runs_in_a_task() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let task = tokio::spawn(async move {
        acme.transaction(async |tx| Note::insert(note("acme")).execute(tx).await)
            .await
    });
    assert_eq!(task.await??, 1);
    Ok(())
}
