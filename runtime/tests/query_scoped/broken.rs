//! Transactions of which a statement was dropped, or the connection lost.

use tabellion::error::Timeout;
use tabellion::{Error, Table, Transaction};

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
    let outcome = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            Note::insert(note("acme")).execute(tx).await
        })
        .await;
    assert_eq!(outcome, Err(Error::Timeout(Timeout::Transaction)));
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}
