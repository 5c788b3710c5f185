//! Tabellion's apply beside diesel_migrations, refinery, sqlx and sea-orm-migration: the same 1,000 small
//! migrations, a transaction each, on the same throw-away server, in turns.
//!
//! The server is that of the tests: its data lie in memory where there is room (`/dev/shm`), nothing is
//! synchronised to a disk, autovacuum is off; so what is compared is what tools and server do, and no disk. What
//! is left is the server's own work on its catalogs, which every tool pays: the same files sent without any
//! tool are timed beside them, and no tool can be faster than that.
//!
//! `cargo run --release`; `ROUNDS=9` counts more rounds. It ends with 1 where a bar does not hold.

mod peers;
mod proxy;
mod report;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tabellion::testing::{Server, TestDatabase};
use tokio_postgres::{Client, Config, NoTls};

use self::peers::{COUNT, Peer};
use self::proxy::Proxy;
use self::report::Figures;

type Fault = Box<dyn Error + Send + Sync>;

/// What the proxy adds to a round trip.
const AWAY: Duration = Duration::from_millis(1);

/// How often each peer is asked, in a round, to apply nothing.
const TURNS: usize = 5;

/// What every peer must have made; a count for each kind.
const MADE: &str = "
select
  (select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    and relname like 'note%' and relrowsecurity)::int8,
  (select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'i'
    and relname like 'note%by\\_shop')::int8,
  (select count(*) from pg_policy)::int8";

#[tokio::main]
async fn main() -> Result<ExitCode, Fault> {
    let rounds = env::var("ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(5);
    let server = Server::shared()?;
    let port = server.admin_url().parse::<Config>()?.get_ports()[0];
    let proxy = Proxy::start(port)?;
    let added = set_apart(server, &proxy, port).await?;

    let mut figures = Figures::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        figures.bare(bare(server).await?);
        let mut applied = Vec::new();
        for peer in turn(round) {
            let database = server.database().await?;
            let near = peers::apply(peer, database.url(), &|| 0).await?;
            check(&database, peer).await?;
            applied.push((peer, database));

            let database = server.database().await?;
            let url = through(&proxy, port, database.url());
            let far = peers::apply(peer, &url, &|| proxy.trips()).await?;
            check(&database, peer).await?;
            database.close().await?;
            figures.applied(peer, near, far);
        }
        settle(&applied).await?;
        for turn in 0..TURNS {
            applied.rotate_left(turn.min(1));
            for (peer, database) in &applied {
                let near = peers::apply(*peer, database.url(), &|| 0).await?;
                let url = through(&proxy, port, database.url());
                let far = peers::apply(*peer, &url, &|| proxy.trips()).await?;
                figures.nothing(*peer, near, far);
            }
        }
        for (_, database) in applied {
            database.close().await?;
        }
    }
    println!(
        "{COUNT} migrations of five statements, {rounds} rounds; PostgreSQL {}; {}",
        server.version(),
        env!("VERSIONS")
    );
    println!(
        "the proxy adds {:.2} ms to a round trip",
        added.as_secs_f64() * 1000.0
    );
    let all_hold = figures.print();
    Ok(ExitCode::from(u8::from(!all_hold)))
}

/// The peers in the order of a round: each begins in turn.
fn turn(round: usize) -> impl Iterator<Item = Peer> {
    let all = Peer::ALL;
    (0..all.len()).map(move |index| all[(round + index) % all.len()])
}

/// The URL of a database by way of the proxy.
fn through(proxy: &Proxy, server: u16, url: &str) -> String {
    url.replacen(&format!(":{server}/"), &format!(":{}/", proxy.port()), 1)
}

async fn connect(url: &str) -> Result<Client, Fault> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Sets the proxy's delay so that it adds what it should: a sleep ends late, and threads take their time.
/// Gives what it adds in the end.
async fn set_apart(server: &Server, proxy: &Proxy, port: u16) -> Result<Duration, Fault> {
    let near = connect(server.admin_url()).await?;
    let far = connect(&through(proxy, port, server.admin_url())).await?;
    let mut delay = AWAY / 2;
    let mut added = Duration::ZERO;
    for _ in 0..4 {
        proxy.delay(delay);
        added = ping(&far).await?.saturating_sub(ping(&near).await?);
        let late = added.saturating_sub(AWAY) / 2;
        if late.is_zero() {
            break;
        }
        delay = delay.saturating_sub(late);
    }
    Ok(added)
}

/// The median time of a statement that does nothing.
async fn ping(client: &Client) -> Result<Duration, Fault> {
    let mut times = Vec::new();
    for _ in 0..201 {
        let start = Instant::now();
        client.batch_execute("select 1").await?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// What the files take by themselves, a message and so a transaction each.
async fn bare(server: &Server) -> Result<Duration, Fault> {
    let database = server.database().await?;
    let client = connect(database.url()).await?;
    let start = Instant::now();
    for sql in peers::files() {
        client.batch_execute(sql).await?;
    }
    let took = start.elapsed();
    database.close().await?;
    Ok(took)
}

/// That a peer has made all of it.
async fn check(database: &TestDatabase, peer: Peer) -> Result<(), Fault> {
    let client = connect(database.url()).await?;
    let row = client.query_one(MADE, &[]).await?;
    let made: [i64; 3] = [row.get(0), row.get(1), row.get(2)];
    let count = i64::try_from(COUNT)?;
    if made == [count, count, 2 * count] {
        Ok(())
    } else {
        Err(format!("{} made {made:?} tables, indexes and policies", peer.name()).into())
    }
}

/// What the server does by itself, where nobody has turned it off, before a database is used again.
async fn settle(applied: &[(Peer, TestDatabase)]) -> Result<(), Fault> {
    for (_, database) in applied {
        let client = connect(database.url()).await?;
        client.batch_execute("vacuum analyze").await?;
    }
    Ok(())
}
