//! Handles of a transaction that are left when it ends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tabellion::{Error, Table};

use crate::support::*;

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// A statement that waits for its turn, was given it and is not polled again.
#[tokio::test]
async fn a_statement_whose_turn_has_come_keeps_no_ended_transaction_open() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    for is_dropped in [false, true] {
        let mut handle = None;
        let mut kept = None;
        let work = acme.transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            let own = (*tx).clone();
            handle = Some(own.clone());
            let mut first = Box::pin(tx.execute("select pg_sleep(0.05)", ()));
            let mut second = Box::pin(async move { own.execute("select 1", ()).await });
            assert!(poll_once(first.as_mut()).await.is_none());
            assert!(poll_once(second.as_mut()).await.is_none());
            first.await?;
            kept = Some(second);
            match is_dropped {
                true => std::future::pending().await,
                false => Err::<(), _>(Error::NoReason),
            }
        });
        let limit = Duration::from_millis(500);
        let outcome = tokio::time::timeout(limit, work).await;
        assert_eq!(outcome.is_err(), is_dropped);
        // Its handle and the statement are left, and the pool's only connection is free.
        let next = Note::by_shop("acme").count(&acme);
        assert_eq!(tokio::time::timeout(limit, next).await?, Ok(0));
        assert_eq!(fixture.lasting_transactions().await?, 0);
        let late = kept.ok_or("the statement")?.await;
        assert_eq!(late, Err(Error::TransactionEnded));
    }
    Ok(())
}

#[tokio::test]
async fn a_savepoint_that_ends_after_its_transaction_says_so() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (end, may_end) = tokio::sync::oneshot::channel::<()>();
    let mut task = None;
    let outcome = acme
        .transaction(async |tx| {
            let own = (*tx).clone();
            task = Some(tokio::spawn(async move {
                let savepoint = own.transaction(async move |tx| {
                    let count = Note::insert(note("acme")).execute(tx).await?;
                    begun.send(()).ok();
                    may_end.await.ok();
                    Ok::<_, Error>(count)
                });
                savepoint.await
            }));
            has_begun.await.ok();
            Err::<(), _>(Error::NoReason)
        })
        .await;
    assert_eq!(outcome, Err(Error::NoReason));
    end.send(()).ok();
    let late = task.ok_or("the savepoint")?.await?;
    assert_eq!(late, Err(Error::TransactionEnded));
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}

#[tokio::test]
async fn many_rows_that_outlast_their_transaction_say_so() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    let mut kept = None;
    let outcome = acme
        .transaction(async |tx| {
            let own = (*tx).clone();
            let (begun, has_begun) = tokio::sync::oneshot::channel();
            let mut begun = Some(begun);
            let rows = (0..15_000).map(move |n| {
                if n == 6_000 {
                    begun.take().map(|begun| begun.send(()));
                }
                note("acme")
            });
            let mut many = Box::pin(async move { Note::insert_many(rows).execute(&own).await });
            tokio::select! {
                _ = &mut many => panic!("not yet"),
                _ = has_begun => {}
            }
            kept = Some(many);
            Err::<(), _>(Error::NoReason)
        })
        .await;
    assert_eq!(outcome, Err(Error::NoReason));
    let late = kept.ok_or("the rows")?.await;
    assert_eq!(late, Err(Error::TransactionEnded));
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}

/// The statement has the transaction's turn for good.
#[tokio::test]
async fn a_handle_says_that_its_transaction_has_ended_though_a_statement_is_kept() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    let (mut handle, mut kept) = (None, None);
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (end, may_end) = tokio::sync::oneshot::channel::<()>();
    let (mut savepoint, mut waiting) = (None, None);
    let outcome = acme
        .transaction(async |tx| {
            Note::by_shop("acme").count(tx).await?;
            let own = (*tx).clone();
            savepoint = Some(tokio::spawn(async move {
                let savepoint = own.transaction(async move |_| {
                    begun.send(()).ok();
                    may_end.await.ok();
                    Ok::<_, Error>(())
                });
                savepoint.await
            }));
            has_begun.await.ok();
            let own = (*tx).clone();
            handle = Some(own.clone());
            let mut late = Box::pin(async move { own.execute("select pg_sleep(0.1)", ()).await });
            assert!(poll_once(late.as_mut()).await.is_none());
            kept = Some(late);
            let own = (*tx).clone();
            waiting = Some(tokio::spawn(
                async move { own.execute("select 1", ()).await },
            ));
            tokio::task::yield_now().await;
            Err::<(), _>(Error::NoReason)
        })
        .await;
    assert_eq!(outcome, Err(Error::NoReason));
    let handle = handle.ok_or("the handle")?;
    let limit = Duration::from_secs(2);
    let ended = Err(Error::TransactionEnded);
    let count = Note::by_shop("acme").count(&handle);
    let count = tokio::time::timeout(limit, count).await?;
    assert_eq!(count.map(drop), ended);
    let rows = (0..6_000).map(|_| note("acme"));
    let many = Note::insert_many(rows).execute(&handle);
    let many = tokio::time::timeout(limit, many).await?;
    assert_eq!(many.map(drop), ended);
    let inside = handle.transaction(async |_| Ok::<_, Error>(()));
    assert_eq!(tokio::time::timeout(limit, inside).await?, ended);
    let waiting = waiting.ok_or("the statement behind it")?;
    let waiting = tokio::time::timeout(limit, waiting).await??;
    assert_eq!(waiting.map(drop), ended);
    end.send(()).ok();
    let left = savepoint.ok_or("the savepoint")?;
    assert_eq!(tokio::time::timeout(limit, left).await??, ended);
    assert_eq!(kept.ok_or("the statement")?.await.map(drop), ended);
    Ok(())
}

#[tokio::test]
async fn a_statement_that_waited_for_a_connection_until_the_end_is_not_sent() -> Outcome {
    let fixture = Fixture::new().await?;
    let sequence = "create sequence calls; grant usage on calls to query_shop";
    fixture.admin.batch_execute(sequence).await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    let mut task = None;
    let other = async {
        let sleep = acme.execute("select pg_sleep(0.3)", ());
        sleep.await
    };
    let work = acme.transaction(async |tx| {
        let own = (*tx).clone();
        task = Some(tokio::spawn(async move {
            own.execute("select nextval('calls')", ()).await
        }));
        tokio::time::sleep(Duration::from_millis(100)).await;
        Err::<(), _>(Error::NoReason)
    });
    let (other, outcome) = tokio::join!(other, work);
    assert_eq!((other, outcome), (Ok(1), Err(Error::NoReason)));
    let late = task.ok_or("the statement")?.await?;
    assert_eq!(late, Err(Error::TransactionEnded));
    assert_eq!(fixture.count("calls where is_called").await?, 0);
    Ok(())
}
