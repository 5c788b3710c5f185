//! Transactions that begin anew, or are run again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tabellion::{Error, Isolation, TransactionOptions};

use crate::proxy;
use crate::support::*;

/// Behind a pooler the statement has run by the time its columns are found to be others: what it did, its locks too,
/// has to be gone before it runs again.
#[tokio::test]
async fn what_runs_again_does_not_meet_its_own_locks() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(1, 0).await?;
    let url = proxy::ending_late(&fixture.url, Duration::from_millis(500)).await?;
    let mark = if url.contains('?') { '&' } else { '?' };
    let db = pool(&format!("{url}{mark}pooler=transaction"), 2).await?;
    let acme = shop(&db, "acme");
    for (number, waits) in [false, true].into_iter().enumerate() {
        let locked = || async {
            acme.transaction(async |tx| {
                let notes = Note::by_shop("acme").for_update();
                let notes = match waits {
                    true => notes.no_wait().fetch_all(tx).await?,
                    false => notes.skip_locked().fetch_all(tx).await?,
                };
                Ok::<_, Error>(notes.len())
            })
            .await
        };
        assert_eq!(locked().await, Ok(1));
        let change = format!("alter table notes alter body type varchar({})", number + 9);
        let change = match number {
            0 => change,
            _ => "alter table notes alter body type text".to_owned(),
        };
        fixture.admin.batch_execute(&change).await?;
        assert_eq!(locked().await, Ok(1), "{waits}");
    }
    Ok(())
}

/// A statement that is not the first fails once for a table that changed, however many connections know it as it was.
#[tokio::test]
async fn a_table_that_changed_is_forgotten_by_the_whole_pool() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(4).await?, "acme");
    let sql = "select * from notes where shop = 'acme'";
    let read = || acme.execute(sql, ());
    let both = || async {
        let options = TransactionOptions::new();
        acme.transaction_with(&options, async |tx| {
            Note::by_shop("acme").count(tx).await?;
            tx.execute(sql, ()).await
        })
        .await
    };
    let warm = tokio::join!(read(), read(), read(), read());
    assert_eq!(warm, (Ok(0), Ok(0), Ok(0), Ok(0)));
    let change = "alter table notes add column further text";
    fixture.admin.batch_execute(change).await?;
    assert_eq!(both().await, Err(Error::StaleStatement));
    let all = tokio::join!(both(), both(), both(), both());
    assert_eq!(all, (Ok(0), Ok(0), Ok(0), Ok(0)));

    // Run again, it meets no other connection that knows it as it was.
    let change = "alter table notes add column last text";
    fixture.admin.batch_execute(change).await?;
    let options = TransactionOptions::new().retries(1);
    let outcome = acme
        .transaction_with(&options, async |tx| {
            Note::by_shop("acme").count(tx).await?;
            tx.execute(sql, ()).await
        })
        .await;
    assert_eq!(outcome, Ok(0));
    Ok(())
}

/// The savepoint takes back the statement, and the transaction has lost all the same.
#[tokio::test]
async fn what_lost_inside_a_savepoint_is_run_again() -> Outcome {
    let fixture = Fixture::new().await?;
    let table = "create table accounts (n int4); insert into accounts values (0);
                 grant select, update on accounts to query_shop";
    fixture.admin.batch_execute(table).await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let runs = AtomicUsize::new(0);
        let options = TransactionOptions::new().isolation(isolation).retries(2);
        let outcome = acme
            .transaction_with(&options, async |tx| {
                tx.execute("select n from accounts", ()).await?;
                if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    let other = "update accounts set n = n + 1";
                    fixture.admin.batch_execute(other).await.expect("it wins");
                }
                let write = "update accounts set n = n + 10";
                tx.savepoint(async |tx| tx.execute(write, ()).await).await
            })
            .await;
        assert_eq!((outcome, runs.into_inner()), (Ok(1), 2), "{isolation:?}");
    }

    // A table that changed is such a loss too.
    let read = "select * from notes where shop = 'acme'";
    acme.execute(read, ()).await?;
    let change = "alter table notes add column further text";
    fixture.admin.batch_execute(change).await?;
    let options = TransactionOptions::new().retries(1);
    let outcome = acme
        .transaction_with(&options, async |tx| {
            Note::by_shop("acme").count(tx).await?;
            tx.savepoint(async |tx| tx.execute(read, ()).await).await
        })
        .await;
    assert_eq!(outcome, Ok(0));
    Ok(())
}
