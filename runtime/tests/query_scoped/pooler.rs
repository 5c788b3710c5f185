//! A pooler between client and server may change the server's session under a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tabellion::query::Order;
use tabellion::{AllowsSelect, Error, Finder, Index, NoScope, Row, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::support::*;

/// The halves that are written to, in the order in which the connections came.
type Writers = Arc<Mutex<Vec<OwnedWriteHalf>>>;

/// A URL for two connections, and the switch that makes them change servers when it is 1. What is in
/// between knows nothing of prepared statements.
async fn two_sessions(url: &str) -> Result<(String, Arc<AtomicUsize>), Box<dyn std::error::Error>> {
    let port = url.parse::<tokio_postgres::Config>()?.get_ports()[0];
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let own = format!(":{}/", listener.local_addr()?.port());
    let through = url.replace(&format!(":{port}/"), &own);
    assert_ne!(through, url, "a URL of host and port");
    let crossed = Arc::new(AtomicUsize::new(0));
    let switch = crossed.clone();
    tokio::spawn(async move {
        let (to_clients, to_servers) = (Writers::default(), Writers::default());
        for n in 0..2 {
            let (from_client, to_client) = listener.accept().await?.0.into_split();
            let server = TcpStream::connect(("127.0.0.1", port)).await?;
            let (from_server, to_server) = server.into_split();
            to_clients.lock().await.push(to_client);
            to_servers.lock().await.push(to_server);
            tokio::spawn(pump(from_client, n, to_servers.clone(), switch.clone()));
            tokio::spawn(pump(from_server, n, to_clients.clone(), switch.clone()));
        }
        Ok::<_, std::io::Error>(())
    });
    Ok((through, crossed))
}

async fn pump(
    mut from: OwnedReadHalf,
    n: usize,
    to: Writers,
    crossed: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 65536];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        let other = n ^ crossed.load(Ordering::SeqCst);
        to.lock().await[other].write_all(&bytes[..count]).await?;
    }
}

#[tokio::test]
async fn another_session_never_runs_another_statement() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, crossed) = two_sessions(&fixture.url).await?;
    let (reader, writer) = (pool(&url, 1).await?, pool(&url, 1).await?);
    let (reads, writes) = (shop(&reader, "acme"), shop(&writer, "acme"));
    fixture
        .admin
        .batch_execute("insert into notes (shop, kind) values ('acme', 'call')")
        .await?;
    // Step by step the same history, and the same parameters: one reads where the other deletes.
    assert_eq!(Note::find(1).fetch_one(&reads).await?.id, 1);
    assert_eq!(Note::delete(2).execute(&writes).await?, 0);

    // From here on nothing is prepared, and each flight finds what it brings.
    crossed.store(1, Ordering::SeqCst);
    assert_eq!(Note::find(1).fetch_one(&reads).await?.id, 1);
    assert_eq!(Note::delete(2).execute(&writes).await?, 0);
    assert_eq!(Note::delete(1).execute(&writes).await?, 1);
    crossed.store(0, Ordering::SeqCst);
    assert!(Note::find(1).fetch_optional(&reads).await?.is_none());
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}

#[tokio::test]
async fn another_session_at_its_beginning_has_a_transaction_begin_anew() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, crossed) = two_sessions(&fixture.url).await?;
    let (one, _other) = (pool(&url, 1).await?, pool(&url, 1).await?);
    let acme = shop(&one, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    Note::by_shop("acme").count(&acme).await?;
    crossed.store(1, Ordering::SeqCst);
    let seen = acme
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            Note::by_shop("acme").count(tx).await
        })
        .await;
    assert_eq!(seen, Ok(2));
    assert_eq!(fixture.count("notes").await?, 2);
    Ok(())
}

/// The statements that the connection at hand has prepared.
struct Prepared(String);

impl Table for Prepared {
    type Scope = NoScope;
    const NAME: &'static str = "pg_catalog.pg_prepared_statements";
    const COLUMNS: &'static [&'static str] = &["name"];
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get(0).map(Prepared)
    }
}

impl AllowsSelect for Prepared {}

#[tokio::test]
async fn no_two_connections_share_a_name() -> Outcome {
    const INDEX: Index = Index {
        name: "an_index",
        finder: "by_shop",
        columns: &[("from_sql", Order::Ascending)],
        predicate: &[],
    };
    let fixture = Fixture::new().await?;
    let mut names = std::collections::HashSet::new();
    for _ in 0..4 {
        let db = fixture.connect(1).await?;
        Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await?;
        let prepared = Finder::<Prepared, ()>::new(&INDEX, false);
        let prepared = prepared.fetch_all(&db.scope(NoScope)).await?;
        assert_eq!(prepared.len(), 4, "two scopes and a statement in each");
        for Prepared(name) in prepared {
            assert!(names.insert(name));
        }
    }
    Ok(())
}
