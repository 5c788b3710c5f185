//! A future may be dropped at any await. Whoever uses the connection next must not notice.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tabellion::Table;

use crate::proxy::{self, Pace};
use crate::support::*;

/// Polls a future that many times and drops it; its output, if it was done by then.
pub(crate) async fn abandon<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The last poll is not waited for.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops a write of one tenant after one poll, after two, and so on until it is done, and lets
/// another tenant use the only connection each time.
pub(crate) async fn abandoned_at_every_await(pace: Pace, warm: bool) -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, _) = proxy::start(&fixture.url, pace).await?;
    let db = pool(&url, 1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    Note::insert(note("other")).execute(&other).await?;
    let mut done = 0;
    let mut polls = 0;
    while done < 3 {
        polls += 1;
        assert!(polls < 400, "it is never done");
        if warm {
            Note::insert(note("acme")).execute(&acme).await?;
        }
        let before = fixture.count("notes where shop = 'acme'").await?;
        let write = Note::insert(note("acme")).execute(&acme);
        let finished = match abandon(write, polls).await {
            Some(result) => {
                assert_eq!(result?, 1);
                done += 1;
                true
            }
            None => false,
        };

        let seen = Note::by_shop("other").fetch_all(&other).await?;
        assert!(
            seen.len() == 1 && seen[0].shop == "other",
            "after {polls} polls"
        );
        let theirs = Note::by_shop("acme").fetch_all(&other).await?;
        assert!(theirs.is_empty(), "after {polls} polls");
        assert_eq!(
            fixture.lasting_transactions().await?,
            0,
            "after {polls} polls"
        );
        if finished {
            assert_eq!(
                fixture.count("notes where shop = 'acme'").await?,
                before + 1
            );
        }
    }
    assert!(
        polls > 4,
        "the pace leaves room to drop the future, and it was done after {polls}"
    );
    Ok(())
}

#[tokio::test]
async fn dropped_at_every_await_of_a_warm_connection() -> Outcome {
    let pace = Pace {
        piece: 7,
        pause: Duration::from_micros(300),
    };
    abandoned_at_every_await(pace, true).await
}

#[tokio::test]
async fn dropped_at_every_await_of_a_connection_that_is_opened_for_it() -> Outcome {
    // The connection before was dropped too, so each attempt connects, asks and prepares.
    let pace = Pace {
        piece: 60,
        pause: Duration::from_micros(300),
    };
    abandoned_at_every_await(pace, false).await
}

#[tokio::test]
async fn dropped_while_it_holds_a_lock() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    let id = Note::insert(note("acme")).fetch_one(&acme).await?.id;
    Note::insert(note("other")).execute(&other).await?;

    fixture
        .admin
        .batch_execute("begin; select * from notes for update")
        .await?;
    let blocked = Note::update(id).set(Note::BODY, "late").execute(&acme);
    let waited = tokio::time::timeout(Duration::from_millis(50), blocked).await;
    assert!(waited.is_err(), "the row is locked");
    // The server was asked to stop, and waits for the lock no longer.
    let waiting = "pg_stat_activity where usename like 'app%' and wait_event_type = 'Lock' \
                   and datname = current_database()";
    let stopped = async {
        while fixture.count(waiting).await? > 0 {}
        Ok::<_, tokio_postgres::Error>(())
    };
    tokio::time::timeout(Duration::from_secs(5), stopped).await??;
    // The only connection was given up; a new one serves the next user.
    let seen = Note::by_shop("other").fetch_all(&other).await?;
    assert!(seen.len() == 1 && seen[0].shop == "other");
    fixture.admin.batch_execute("commit").await?;
    Ok(())
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    for _ in 0..3 {
        let ended = fixture
            .count(
                "(select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                 where usename like 'app%' and datname = current_database()) as ended",
            )
            .await?;
        assert_eq!(ended, 1);
        assert_eq!(Note::by_shop("acme").fetch_all(&acme).await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_a_write_says_so() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let id = Note::insert(note("acme")).fetch_one(&acme).await?.id;
    Note::update(id)
        .set(Note::BODY, "warm")
        .execute(&acme)
        .await?;
    fixture
        .admin
        .batch_execute("begin; select * from notes for update")
        .await?;
    let blocked = tokio::spawn(async move {
        Note::update(id)
            .set(Note::BODY, "late")
            .execute(&acme)
            .await
    });
    let killed = async {
        loop {
            let killed = fixture
                .count(
                    "(select pg_terminate_backend(pid) from pg_stat_activity \
                     where usename like 'app%' and datname = current_database() \
                     and wait_event_type = 'Lock') as ended",
                )
                .await?;
            if killed > 0 {
                return Ok::<_, tokio_postgres::Error>(());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), killed).await??;
    let error = refused(blocked.await?);
    // The server said why it hung up, and not what became of the transaction.
    let unknown = tabellion::Error::Disconnected {
        unknown_outcome: true,
    };
    assert_eq!(error, unknown);
    fixture.admin.batch_execute("commit").await?;
    assert_eq!(fixture.count("notes where body = 'late'").await?, 0);
    // The pool is whole again.
    let seen = Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await?;
    assert_eq!(seen.len(), 1);
    Ok(())
}

/// A session that waits for a standby has committed, and reports its end as an error all the same.
#[tokio::test]
async fn a_connection_ended_after_the_commit_says_that_nobody_knows() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, ends) = proxy::ending_after_the_commit(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    Note::by_shop("acme").fetch_all(&acme).await?;

    ends.store(true, Ordering::SeqCst);
    let error = refused(Note::insert(note("acme")).execute(&acme).await);
    let unknown = tabellion::Error::Disconnected {
        unknown_outcome: true,
    };
    assert_eq!(error, unknown);
    assert_eq!(fixture.count("notes").await?, 2, "it was committed");
    // Of a read there is nothing to doubt.
    ends.store(false, Ordering::SeqCst);
    Note::by_shop("acme").fetch_all(&acme).await?;
    ends.store(true, Ordering::SeqCst);
    let error = refused(Note::by_shop("acme").fetch_all(&acme).await);
    let known = tabellion::Error::Disconnected {
        unknown_outcome: false,
    };
    assert_eq!(error, known);
    Ok(())
}

#[tokio::test]
async fn waiting_for_a_connection_ends() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = tabellion::Database::builder(&fixture.url)
        .max_connections(1)
        .pool_timeout(Duration::from_millis(50))
        .connect()
        .await?;
    let acme = shop(&db, "acme");
    let id = Note::insert(note("acme")).fetch_one(&acme).await?.id;
    fixture
        .admin
        .batch_execute("begin; select * from notes for update")
        .await?;
    let blocked = {
        let acme = acme.clone();
        tokio::spawn(async move { Note::update(id).set(Note::AMOUNT, 1).execute(&acme).await })
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = refused(Note::by_shop("acme").fetch_all(&acme).await);
    let pool = tabellion::error::Timeout::Pool;
    assert_eq!(error, tabellion::Error::Timeout(pool));
    fixture.admin.batch_execute("commit").await?;
    assert_eq!(blocked.await??, 1);

    db.close();
    let closed = refused(Note::by_shop("acme").fetch_all(&acme).await);
    assert_eq!(closed, tabellion::Error::Closed);
    Ok(())
}
