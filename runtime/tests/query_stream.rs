//! A million rows pass through little memory. Alone in its process, whose memory it looks at.

use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt, pin_mut};
use tabellion::testing::{Server, TestDatabase};
use tabellion::{Database, Error, Scope, Scoped, Table};
use tokio_postgres::{Client, NoTls};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Scope)]
#[scope(role = "stream_shop")]
struct Shop {
    #[setting("app.current_shop")]
    domain: String,
}

#[derive(Debug, Table)]
#[table(name = "ticks", scope = Shop)]
#[index(name = "ticks_by_shop", columns(shop, id), unique, finder = "by_shop")]
#[tenant(shop = scope.domain)]
struct Tick {
    id: i64,
    shop: String,
    body: String,
}

const ROWS: i64 = 1_000_000;

type Stage = (TestDatabase, Client, Database, Scoped<Shop>);

async fn stage() -> Result<Stage, Box<dyn std::error::Error>> {
    let database = Server::shared()?.database().await?;
    let (admin, connection) = tokio_postgres::connect(database.url(), NoTls).await?;
    tokio::spawn(connection);
    let sql = format!(
        "do $$ begin create role stream_shop nologin; exception when duplicate_object then null; end $$;
         create table ticks (id int8 not null, shop text not null, body text not null);
         insert into ticks select n, 'acme', 'a text of some length' from generate_series(1, {ROWS}) n;
         insert into ticks select n, 'other ' || n, repeat('x', 100000) from generate_series(1, 500) n;
         create unique index ticks_by_shop on ticks (shop, id);
         alter table ticks enable row level security;
         create policy own on ticks to stream_shop
           using (shop = (select current_setting('app.current_shop', true)) and shop > '');
         grant select on ticks to stream_shop;
         analyze ticks"
    );
    admin.batch_execute(&sql).await?;
    let url = database.create_login("app", &["stream_shop"]).await?;
    let db = Database::builder(&url).max_connections(1).connect().await?;
    let shop = db.scope(Shop {
        domain: "acme".into(),
    });
    Ok((database, admin, db, shop))
}

/// Resident memory, in bytes.
fn memory() -> Result<usize, Box<dyn std::error::Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("statm has a second number")?;
    Ok(pages.parse::<usize>()? * 4096)
}

/// The process of the application's only session, once one that was closed in the middle of a row has ended too.
async fn session(admin: &Client) -> Result<i32, Box<dyn std::error::Error>> {
    let sql = "select pid from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    for _ in 0..2_000 {
        if let [only] = admin.query(sql, &[]).await?.as_slice() {
            return Ok(only.try_get(0)?);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err("there are other sessions, or none".into())
}

#[tokio::test]
async fn a_million_rows_pass_through_little_memory() -> Outcome {
    let (_database, admin, db, acme) = stage().await?;
    let mut stream = Tick::by_shop("acme").stream(&acme).await?;
    let (mut next, mut start, mut most) = (0, 0, 0);
    while let Some(tick) = stream.try_next().await? {
        next += 1;
        assert_eq!(tick.id, next);
        assert_eq!((tick.shop.as_str(), tick.body.len()), ("acme", 21));
        if next == 20_000 {
            start = memory()?;
        }
        if next % 20_000 == 0 {
            most = most.max(memory()?);
        }
    }
    assert_eq!(next, ROWS);
    assert!(most < start + (4 << 20), "{start} grew to {most}");
    assert!(stream.try_next().await?.is_none());

    // The connection is the pool's again, and clean.
    assert_eq!(
        Tick::by_shop("acme").limit(3).fetch_all(&acme).await?.len(),
        3
    );
    session(&admin).await?;

    // Let go of in the middle, it is closed, and the next statement has another.
    let before = session(&admin).await?;
    let mut stream = Tick::by_shop("acme").stream(&acme).await?;
    for _ in 0..1000 {
        assert!(stream.try_next().await?.is_some());
    }
    drop(stream);
    assert_eq!(
        Tick::by_shop("acme").limit(3).fetch_all(&acme).await?.len(),
        3
    );
    let other = db.scope(Shop {
        domain: "other 7".into(),
    });
    assert!(Tick::by_shop("acme").fetch_all(&other).await?.is_empty());
    let after = session(&admin).await?;
    assert_ne!(before, after);

    // A future that is dropped while it waits loses no row.
    let mut stream = Tick::by_shop("acme").stream(&acme).await?;
    let (mut seen, mut dropped) = (0, 0);
    loop {
        // The runtime makes a task wait that does nothing but read, so that some are dropped however fast the server is.
        match stream.try_next().now_or_never() {
            Some(row) => match row? {
                Some(tick) => {
                    seen += 1;
                    assert_eq!(tick.id, seen);
                }
                None => break,
            },
            None => {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(seen, ROWS);
    assert!(dropped > 0);

    // The server waits for a slow reader, who gets the rows of one snapshot all the same.
    let mut stream = Tick::by_shop("acme").stream(&acme).await?;
    assert!(stream.try_next().await?.is_some());
    let waits = "select count(*) from pg_stat_activity where usename like 'app%' \
                 and datname = current_database() and wait_event = 'ClientWrite'";
    while admin.query_one(waits, &[]).await?.try_get::<_, i64>(0)? == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = memory()?;
    admin
        .batch_execute("insert into ticks values (0, 'acme', 'late')")
        .await?;
    let mut count = 1;
    while let Some(tick) = stream.try_next().await? {
        count += 1;
        assert_eq!(tick.id, count);
    }
    assert_eq!(count, ROWS);
    assert!(memory()? < before + (4 << 20));
    admin
        .batch_execute("delete from ticks where id = 0")
        .await?;

    // Few rows, no rows, a limit; and the combinators of futures.
    let mut none = Tick::by_shop("none").stream(&acme).await?;
    assert!(none.try_next().await?.is_none());
    let rows = Tick::by_shop("acme")
        .limit(100)
        .stream(&acme)
        .await?
        .into_stream();
    pin_mut!(rows);
    let mut count = 0;
    while rows.try_next().await?.is_some() {
        count += 1;
    }
    assert_eq!(count, 100);
    session(&admin).await?;

    // The server's error comes in the place of a row, and the connection stays.
    let ended = "select pg_terminate_backend(pid) from pg_stat_activity \
                 where usename like 'app%' and datname = current_database()";
    let mut stream = Tick::by_shop("acme").stream(&acme).await?;
    admin.batch_execute(ended).await?;
    let error = loop {
        match stream.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was ended"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, Error::Server(_) | Error::Disconnected { .. }),
        "{error}"
    );
    assert_eq!(
        Tick::by_shop("acme").limit(3).fetch_all(&acme).await?.len(),
        3
    );
    Ok(())
}
