//! Transactions of which a statement was dropped, or the connection lost.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use tabellion::error::Timeout;
use tabellion::{Error, Table, Transaction, TransactionOptions};

use crate::pgbouncer::PgBouncer;
use crate::proxy;
use crate::support::*;

/// The first statement brings BEGIN and the scope along: what becomes of it becomes of the transaction.
#[tokio::test]
async fn a_first_statement_that_is_dropped_takes_the_transaction_with_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for amount in [1, 2] {
        let row = Note::insert(note("acme")).set(Note::AMOUNT, amount);
        row.execute(&acme).await?;
    }
    let lock = "begin; select from notes where amount = 1 for update";
    fixture.admin.batch_execute(lock).await?;
    for (inside, known) in [(false, false), (false, true), (true, false), (true, true)] {
        let db = fixture.connect(1).await?;
        let acme = shop(&db, "acme");
        let change = |amount: i32| {
            let row = Note::by_shop("acme").eq(amount);
            row.update().set(Note::BODY, "changed")
        };
        if known {
            assert_eq!(change(99).execute(&acme).await?, 0);
        }
        let outcome = acme
            .transaction(async |tx| {
                let patience = std::time::Duration::from_millis(100);
                let first = async |tx: &Transaction<Shop>| {
                    let late = tokio::time::timeout(patience, change(1).execute(tx)).await;
                    assert!(late.is_err(), "{late:?}");
                    Ok::<_, Error>(())
                };
                let done = match inside {
                    true => tx.savepoint(first).await,
                    false => first(tx).await,
                };
                // Whether the savepoint notices is its own affair; what follows must.
                drop(done);
                let second = change(2).execute(tx).await;
                assert_eq!(second, Err(Error::TransactionAborted), "{inside} {known}");
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(outcome, Err(Error::TransactionAborted), "{inside} {known}");
    }
    fixture.admin.batch_execute("commit").await?;
    assert_eq!(fixture.count("notes where body = 'changed'").await?, 0);
    Ok(())
}

/// While it waits for others no part of many rows is left behind.
#[tokio::test]
async fn many_rows_that_are_dropped_half_way_are_not_committed() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let mut kept = [0, 0];
    for patience in [1, 3, 5, 10, 20, 50, 100, 5_000] {
        fixture.admin.batch_execute("truncate notes").await?;
        let outcome = acme
            .transaction(async |tx| {
                let rows = (0..20_000).map(|_| note("acme"));
                let many = Note::insert_many(rows).execute(tx);
                let patience = std::time::Duration::from_millis(patience);
                let other = tx.execute("select pg_sleep(0.2)", ());
                let (many, _) = tokio::join!(tokio::time::timeout(patience, many), other);
                drop(many);
                Ok::<_, Error>(())
            })
            .await;
        let count = fixture.count("notes").await?;
        match outcome {
            Ok(()) => assert!(count == 0 || count == 20_000, "{count}"),
            Err(error) => assert_eq!((error, count), (Error::TransactionAborted, 0)),
        }
        kept[usize::from(count > 0)] += 1;
    }
    assert!(kept[0] > 0 && kept[1] > 0, "{kept:?}");
    Ok(())
}

#[tokio::test]
async fn before_the_commit_was_sent_nothing_may_have_been_written() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let outcome = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            let ended = "(select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                         where usename like 'app%' and datname = current_database()) as ended";
            assert_eq!(fixture.count(ended).await.ok(), Some(1));
            Note::insert(note("acme")).execute(tx).await
        })
        .await;
    let error = refused(outcome);
    assert!(!error.may_have_written(), "{error}");
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_session_that_the_server_ended_for_waiting_is_a_timeout() -> Outcome {
    let fixture = Fixture::new().await?;
    let sql = format!(
        "alter role \"app_{}\" set idle_in_transaction_session_timeout = 50",
        fixture.database.name()
    );
    fixture.admin.batch_execute(&sql).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for ends in [false, true] {
        let outcome = acme
            .transaction(async |tx| {
                Note::insert(note("acme")).execute(tx).await?;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                match ends {
                    true => Ok(1),
                    false => Note::insert(note("acme")).execute(tx).await,
                }
            })
            .await;
        // A COMMIT that came too late was never read.
        assert_eq!(outcome, Err(Error::Timeout(Timeout::Transaction)), "{ends}");
        assert_eq!(fixture.count("notes").await?, 0);
    }
    Ok(())
}

/// Whatever had failed before it, in a savepoint.
#[tokio::test]
async fn a_commit_of_which_nobody_knows_is_not_run_again() -> Outcome {
    let fixture = Fixture::new().await?;
    let clash = "create function clash() returns void language plpgsql as $$ begin
                   raise exception using errcode = '40001';
                 end $$";
    fixture.admin.batch_execute(clash).await?;
    let (url, ends) = proxy::ending_after_the_commit(&fixture.url).await?;
    let acme = shop(&pool(&url, 1).await?, "acme");
    let runs = AtomicUsize::new(0);
    let options = TransactionOptions::new().retries(2);
    let outcome = acme
        .transaction_with(&options, async |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            Note::insert(note("acme")).execute(tx).await?;
            let clashed = tx
                .savepoint(async |tx| tx.execute("select clash()", ()).await)
                .await;
            assert!(
                matches!(clashed, Err(Error::Serialization(_))),
                "{clashed:?}"
            );
            ends.store(true, Ordering::SeqCst);
            Ok::<_, Error>(())
        })
        .await;
    assert!(refused(outcome).may_have_written());
    assert_eq!(runs.into_inner(), 1);
    assert_eq!(fixture.count("notes").await?, 1);
    Ok(())
}

#[tokio::test]
async fn many_rows_around_which_a_savepoint_is_given_up_are_not_kept_in_part() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    for savepoint_first in [true, false] {
        let gone = tokio::sync::Notify::new();
        let outcome = acme
            .transaction(async |tx| {
                let rows = (0..15_000).map(|n| {
                    if n == 6_000 {
                        gone.notify_one();
                    }
                    note("acme")
                });
                let many = Note::insert_many(rows).execute(tx);
                let inside = async {
                    let waiting = tx.savepoint(async |tx| {
                        Note::insert(note("acme")).execute(tx).await?;
                        std::future::pending::<Result<(), Error>>().await
                    });
                    tokio::select! {
                        _ = waiting => {}
                        () = gone.notified() => {}
                    }
                };
                match savepoint_first {
                    true => tokio::join!(inside, many).1,
                    false => tokio::join!(many, inside).0,
                }
            })
            .await;
        let count = fixture.count("notes").await?;
        match outcome {
            Ok(written) => assert_eq!((written, count), (15_000, 15_000)),
            Err(error) => assert_eq!((error, count), (Error::Savepoints, 0)),
        }
        fixture.admin.batch_execute("truncate notes").await?;
    }
    Ok(())
}

#[tokio::test]
async fn many_rows_whose_iterator_panics_are_not_kept_in_part() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    let outcome = acme
        .transaction(async |tx| {
            let rows = (0..15_000).map(|n| match n {
                12_000 => panic!("no more"),
                _ => note("acme"),
            });
            let mut many = Box::pin(Note::insert_many(rows).execute(tx));
            let outcome = poll_fn(|context| {
                let mut poll = || many.as_mut().poll(context);
                match catch_unwind(AssertUnwindSafe(&mut poll)) {
                    Ok(polled) => polled.map(Some),
                    Err(_) => Poll::Ready(None),
                }
            });
            assert_eq!(outcome.await, None);
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(outcome, Err(Error::TransactionAborted));
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}

/// Each connection of the pool knows the statement as it was.
#[tokio::test]
async fn a_table_that_changed_fails_no_transaction_of_a_warm_pool() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(4).await?, "acme");
    let sql = "select * from notes where shop = 'acme'";
    let read = || acme.execute(sql, ());
    let warm = tokio::join!(read(), read(), read(), read());
    assert_eq!(warm, (Ok(0), Ok(0), Ok(0), Ok(0)));
    let change = "alter table notes add column further text";
    fixture.admin.batch_execute(change).await?;
    for number in 0..4 {
        let outcome = acme.transaction(async |tx| tx.execute(sql, ()).await);
        assert_eq!(outcome.await, Ok(0), "{number}");
    }
    Ok(())
}

#[tokio::test]
async fn many_rows_find_out_that_a_pooler_is_in_between() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let url = format!("{}&pooler=session", pooler.url);
    let acme = shop(&pool(&url, 1).await?, "acme");
    Note::find(1).fetch_optional(&acme).await?;
    // Another client takes the session that knows the scope's statement.
    let other = client(&pooler.url).await?;
    other.batch_execute("begin").await?;
    let rows = (0..6_000).map(|_| note("acme"));
    assert_eq!(Note::insert_many(rows).execute(&acme).await?, 6_000);
    other.batch_execute("rollback").await?;
    Ok(())
}

/// A statement that is kept and no longer polled keeps neither the rollback nor the connection.
#[tokio::test]
async fn a_rollback_does_not_wait_for_a_statement_that_is_kept() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    let mut kept = None;
    let work = acme.transaction(async |tx| {
        Note::insert(note("acme")).execute(tx).await?;
        let own = (*tx).clone();
        let mut late = Box::pin(async move { own.execute("select pg_sleep(1)", ()).await });
        let waited = tokio::time::timeout(std::time::Duration::from_millis(50), &mut late);
        assert!(waited.await.is_err());
        kept = Some(late);
        Err::<(), _>(Error::NoReason)
    });
    let limit = std::time::Duration::from_secs(10);
    let outcome = tokio::time::timeout(limit, work).await?;
    assert_eq!(outcome, Err(Error::NoReason));
    drop(kept);
    Note::insert(note("acme")).execute(&acme).await?;
    assert_eq!(fixture.count("notes").await?, 1);
    Ok(())
}
