//! Limits on the time of statements, and what a pool says of its own.

use std::time::{Duration, Instant};

use tabellion::error::Timeout;
use tabellion::{Database, Error, Table};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

const SHORT: Duration = Duration::from_millis(80);
const SLEEP: &str = "select pg_sleep(20)";
const SETTING: &str = "select current_setting('statement_timeout')";

fn is_late<T>(result: Result<T, Error>) -> bool {
    matches!(refused(result), Error::Timeout(Timeout::Statement))
}

#[tokio::test]
async fn a_statement_ends_in_time_and_leaves_its_connection() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let (direct, flights) = crate::proxy::counting(&fixture.url).await?;
    let pooled = format!("{}&pooler=transaction", pooler.url);
    for url in [&direct, &pooled] {
        let db = pool(url, 1).await?;
        let acme = shop(&db, "acme");
        let short = acme.statement_timeout(SHORT);
        let began = Instant::now();
        assert!(is_late(short.execute(SLEEP, ()).await));
        assert!(began.elapsed() < Duration::from_secs(10));
        // Of the next statement the limit is no concern.
        let limit = async || acme.query_as::<(String,)>(SETTING, ()).fetch_one().await;
        assert_eq!(limit().await?.0, "0");
        let limit = async || short.query_as::<(String,)>(SETTING, ()).fetch_one().await;
        assert_eq!(limit().await?.0, "80ms");
        Note::insert(note("acme")).execute(&short).await?;
        if url == &direct {
            let before = flights.count();
            limit().await?;
            Note::by_shop("acme").fetch_all(&acme).await?;
            assert_eq!(flights.count() - before, 3); // one of them prepares
        }
    }
    assert_eq!(fixture.count("notes").await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_database_has_a_limit_of_its_own_that_a_scope_may_change() -> Outcome {
    let fixture = Fixture::new().await?;
    let builder = Database::builder(&fixture.url).max_connections(1);
    let db = builder.statement_timeout(SHORT).connect().await?;
    let acme = shop(&db, "acme");
    assert!(is_late(acme.execute(SLEEP, ()).await));
    let long = acme.statement_timeout(Duration::from_secs(60));
    assert_eq!(long.execute("select pg_sleep(0.2)", ()).await?, 1);
    // Zero would be none to the server.
    let none = acme.statement_timeout(Duration::ZERO);
    assert!(is_late(none.execute(SLEEP, ()).await));
    let most = acme.statement_timeout(Duration::MAX);
    assert_eq!(most.execute(SETTING, ()).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_transaction_has_the_limit_that_it_began_with() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme").statement_timeout(SHORT);
    let outcome = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            // Several statements may take longer than one.
            for _ in 0..3 {
                tx.execute("select pg_sleep(0.04)", ()).await?;
            }
            let late = tx.savepoint(async |tx| tx.execute(SLEEP, ()).await).await;
            assert!(is_late(late));
            let other = tx.statement_timeout(Duration::from_secs(60));
            let refused = refused(other.execute(SETTING, ()).await);
            assert_eq!(refused, Error::LimitInTransaction);
            tx.execute(SLEEP, ()).await
        })
        .await;
    assert!(is_late(outcome));
    assert_eq!(fixture.count("notes").await?, 0);
    let stream = acme
        .query_as::<(i32,)>("select n from generate_series(1, 3) n, pg_sleep(20)", ())
        .stream()
        .await;
    assert!(is_late(stream));
    assert_eq!(fixture.open_transactions().await?, 0);
    Ok(())
}
