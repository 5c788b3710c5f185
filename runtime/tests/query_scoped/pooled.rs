//! Behind PgBouncer in transaction mode, which hands three sessions of the server to twenty clients.

use std::time::Duration;

use tabellion::{Database, Error, Table, Transaction};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

const CLIENTS: i32 = 20;
const OPERATIONS: u64 = 50_000;

/// A number that follows from another one (splitmix64).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One client's operations, failures and cancellations among them; how many rows it saw.
async fn client(db: Database, number: i32) -> Result<usize, Error> {
    let domain = format!("shop {number}");
    let other = format!("shop {}", (number + 1) % CLIENTS);
    let own = shop(&db, &domain);
    let mut state = number as u64;
    let mut seen = 0;
    for _ in 0..OPERATIONS / CLIENTS as u64 {
        let dice = next(&mut state);
        match dice % 16 {
            0 => {
                let refused = Note::insert(note(&other)).execute(&own).await;
                assert!(
                    matches!(refused, Err(Error::RowRefused { .. })),
                    "{refused:?}"
                );
            }
            1 => {
                let nul = Note::insert(note(&domain))
                    .set(Note::BODY, "a\0")
                    .execute(&own)
                    .await;
                assert!(matches!(nul, Err(Error::Encode { .. })), "{nul:?}");
            }
            2 => {
                // Dropped somewhere on its way.
                let wait = Duration::from_micros(next(&mut state) % 600);
                let _ = tokio::time::timeout(wait, Note::insert(note(&domain)).execute(&own)).await;
            }
            3 => {
                let wait = Duration::from_micros(next(&mut state) % 1500);
                let work = own.transaction(async |tx| {
                    Note::insert(note(&domain)).execute(tx).await?;
                    Note::by_shop(&domain).limit(1).fetch_all(tx).await
                });
                let _ = tokio::time::timeout(wait, work).await;
            }
            4 => {
                let failed = own
                    .transaction(async |tx| {
                        Note::insert(note(&domain))
                            .set(Note::AMOUNT, 5000)
                            .execute(tx)
                            .await
                    })
                    .await;
                assert!(matches!(failed, Err(Error::Check { .. })), "{failed:?}");
            }
            5 | 6 => {
                let kept = own
                    .transaction(async |tx| {
                        let note = Note::insert(note(&domain)).fetch_one(tx).await?;
                        Note::delete(note.id).execute(tx).await?;
                        Ok::<_, Error>(note)
                    })
                    .await?;
                assert_eq!(kept.shop, domain);
            }
            7 => assert_eq!(Note::by_shop(&other).count(&own).await?, 0),
            _ => {
                // The index's own column is not asked for: what comes is what the policy lets through.
                let found = Note::unindexed("whoever is let through")
                    .limit(50)
                    .fetch_all(&own)
                    .await?;
                seen += found.len();
                assert!(found.iter().all(|note| note.shop == domain), "{domain}");
            }
        }
    }
    Ok(seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_sees_another_tenants_rows() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let url = format!("{}&pooler=transaction", pooler.url);
    let db = pool(&url, CLIENTS as usize).await?;
    fixture.seed(40, CLIENTS - 1).await?;
    fixture
        .admin
        .batch_execute("update notes set shop = 'shop 0' where shop = 'acme'")
        .await?;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(client(db.clone(), number)))
        .collect();
    let mut seen = 0;
    for client in clients {
        seen += client.await??;
    }
    assert!(seen > 500_000, "{seen}");
    assert_eq!(fixture.open_transactions().await?, 0);
    // Nothing was written for anybody but whoever wrote it, and nothing that was refused.
    assert_eq!(fixture.count("notes where amount > 999").await?, 0);
    let least = "(select 1 from notes group by shop having count(*) < 40) few";
    assert_eq!(fixture.count(least).await?, 0);
    Ok(())
}

#[tokio::test]
async fn it_is_found_out_by_the_first_statement_that_is_not_there() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    // The URL says what is not so.
    let db = pool(&format!("{}&pooler=session", pooler.url), 6).await?;
    for amount in 0..3 {
        let acme = shop(&db, "acme");
        Note::insert(note("acme"))
            .set(Note::AMOUNT, amount)
            .execute(&acme)
            .await?;
    }
    // At the same time they get several sessions, of which most have not seen the statement.
    for _ in 0..20 {
        let acme = shop(&db, "acme");
        let read = || async { Note::by_shop("acme").fetch_all(&acme).await };
        let all = tokio::join!(read(), read(), read(), read(), read(), read());
        for found in [all.0?, all.1?, all.2?, all.3?, all.4?, all.5?] {
            assert_eq!(found.len(), 3);
        }
        let both = acme
            .transaction(async |tx| {
                let notes = Note::by_shop("acme").fetch_all(tx).await?;
                Ok::<_, Error>((notes.len(), Note::by_shop("acme").count(tx).await?))
            })
            .await;
        // Begun before it was known, a transaction may have to be run again.
        assert!(
            both == Ok((3, 3)) || both == Err(Error::TransactionPooler),
            "{both:?}"
        );
    }
    let mut stream = Note::by_shop("acme").stream(&shop(&db, "acme")).await?;
    let mut rows = 0;
    while stream.try_next().await?.is_some() {
        rows += 1;
    }
    assert_eq!(rows, 3);
    Ok(())
}

/// The login was answered by another process than the queries are.
#[tokio::test]
async fn it_is_found_out_as_the_first_connection_is_made() -> Outcome {
    let fixture = Fixture::new().await?;
    for mode in ["disable", "prefer"] {
        let pooler = PgBouncer::start(&fixture.url).await;
        let url = pooler.url.replace("disable", mode);
        let db = pool(&url, 4).await?;
        for _ in 0..10 {
            let acme = shop(&db, "acme");
            let run = || {
                acme.transaction(async |tx| {
                    Note::by_shop("acme").count(tx).await?;
                    tx.query_as::<(i64,)>(PREPARED, ()).fetch_one().await
                })
            };
            let all = tokio::join!(run(), run(), run(), run());
            assert_eq!(all, (Ok((0,)), Ok((0,)), Ok((0,)), Ok((0,))), "{mode}");
        }
        let acme = shop(&db, "acme");
        let rows = (0..6_000).map(|_| note("acme"));
        assert_eq!(Note::insert_many(rows).execute(&acme).await?, 6_000);
        fixture.admin.batch_execute("truncate notes").await?;
    }
    Ok(())
}

/// What is prepared under a name of ours.
const PREPARED: &str = "select count(*) from pg_prepared_statements where name like 'tabellion%'";

#[tokio::test]
async fn without_a_pooler_or_with_its_sessions_statements_are_prepared() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    for url in [
        fixture.url.clone(),
        format!("{}&pooler=session", pooler.url),
    ] {
        let acme = shop(&pool(&url, 1).await?, "acme");
        let prepared = acme.query_as::<(i64,)>(PREPARED, ()).fetch_one().await?;
        assert_eq!(prepared, (2,), "a scope and this statement");
    }
    Ok(())
}

/// PgBouncer 1.18 dies of requests to cancel that come while their clients go.
#[tokio::test]
async fn dropped_futures_leave_a_pooler_alive_that_nobody_announced() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let acme = shop(&pool(&pooler.url, 3).await?, "acme");
    let mut dropped = 0;
    for n in 0..200 {
        let wait = Duration::from_micros(300 + 37 * (n % 50));
        let sleep = acme.execute("select pg_sleep(0.003)", ());
        dropped += usize::from(tokio::time::timeout(wait, sleep).await.is_err());
        let client = crate::support::client(&pooler.url).await;
        assert!(client.is_ok(), "after {dropped} that were dropped");
    }
    assert!(dropped > 50, "{dropped}");
    assert_eq!(Note::by_shop("acme").count(&acme).await?, 0);
    Ok(())
}

/// Whatever its mode.
#[tokio::test]
async fn dropped_futures_leave_a_pooler_of_sessions_alive() -> Outcome {
    let fixture = Fixture::new().await?;
    for option in ["&pooler=session", ""] {
        let pooler = PgBouncer::start_in(&fixture.url, "session", 20).await;
        let acme = shop(&pool(&format!("{}{option}", pooler.url), 4).await?, "acme");
        let mut dropped = 0;
        for n in 0..200 {
            let sleep = async |other: u64| {
                let wait = Duration::from_micros(300 + 37 * ((n * 3 + other * 7) % 60));
                let sleep = acme.execute("select pg_sleep(0.003)", ());
                tokio::time::timeout(wait, sleep).await.is_err()
            };
            let all = tokio::join!(sleep(0), sleep(1), sleep(2));
            dropped += usize::from(all.0) + usize::from(all.1) + usize::from(all.2);
            let address = pooler.url.parse::<tokio_postgres::Config>()?.get_ports()[0];
            let alive = tokio::net::TcpStream::connect(("127.0.0.1", address)).await;
            assert!(alive.is_ok(), "after {dropped} that were dropped, {option}");
        }
        assert!(dropped > 50, "{dropped}");
        assert_eq!(Note::by_shop("acme").count(&acme).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_table_that_changes_is_noticed_though_nothing_is_prepared() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let db = pool(&format!("{}&pooler=transaction", pooler.url), 1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    assert_eq!(Note::by_shop("acme").fetch_all(&acme).await?.len(), 1);
    // Of the same size, so that its bytes would read as some number.
    let change = "alter table notes drop constraint notes_amount_check, alter column amount drop default, \
                  alter column amount type float4";
    fixture.admin.batch_execute(change).await?;
    // Read anew, with its columns as they are.
    let decoded = refused(Note::by_shop("acme").fetch_all(&acme).await);
    assert!(matches!(decoded, Error::Decode { .. }), "{decoded}");
    Ok(())
}

#[tokio::test]
async fn a_mode_that_is_none_is_an_error_of_the_url() -> Outcome {
    let fixture = Fixture::new().await?;
    let url = format!("{}?pooler=sometimes", fixture.url);
    let refused = refused(Database::connect(&url).await);
    assert_eq!(
        refused.to_string(),
        "the database URL cannot be used: `pooler` is neither `transaction` nor `session`"
    );
    Ok(())
}

/// The first statement of a transaction is the one that finds out, and the login could do without a scope.
#[tokio::test]
async fn a_transaction_that_finds_it_out_begins_anew_with_its_scope() -> Outcome {
    let fixture = Fixture::new().await?;
    let who = crate::support::client(&fixture.url).await?;
    let login: String = who
        .query_one("select session_user::text", &[])
        .await?
        .try_get(0)?;
    let sql = format!(
        "alter role {login} inherit; alter role {login} set app.current_shop = 'other';
         create table open_log (n int4); grant insert on open_log to query_shop;
         insert into notes (shop, kind, amount) values ('acme', 'call', 1), ('other', 'call', 7)"
    );
    fixture.admin.batch_execute(&sql).await?;
    for inside in [false, true] {
        let pooler = PgBouncer::start(&fixture.url).await;
        let db = pool(&format!("{}&pooler=session", pooler.url), 1).await?;
        let acme = shop(&db, "acme");
        assert_eq!(Note::by_shop("acme").count(&acme).await?, 1);
        // Another client takes the session that knows the scope's statement.
        let other = crate::support::client(&pooler.url).await?;
        other.batch_execute("begin").await?;
        let write = async |tx: &Transaction<Shop>| {
            tx.execute("insert into open_log values (1)", ()).await?;
            let notes = Note::unindexed("all that there are").fetch_all(tx).await?;
            let amounts: Vec<_> = notes.iter().map(|note| note.amount).collect();
            assert_eq!(amounts, [1]);
            Err::<(), _>(Error::NoReason)
        };
        let outcome = acme
            .transaction(async |tx| match inside {
                false => write(tx).await,
                true => {
                    let inner = tx.savepoint(write).await;
                    assert_eq!(inner, Err(Error::NoReason));
                    Ok(())
                }
            })
            .await;
        assert_eq!(outcome.is_ok(), inside, "{outcome:?}");
        assert_eq!(fixture.count("open_log").await?, 0);
        other.batch_execute("rollback").await?;
    }
    Ok(())
}
