//! The database, its rows, and the way to it.

use std::time::{Duration, Instant};

use tabellion::testing::{Server, TestDatabase};
use tokio_postgres::{Client, Config, NoTls};

use crate::peers::{BIG, Fault, New};
use crate::proxy::Proxy;

/// How many shops there are beside the big one.
pub(crate) const SHOPS: u32 = 1_000;

/// What the proxy adds to a round trip.
const AWAY: Duration = Duration::from_millis(1);

/// What the build script drew up of `model.rs`.
const SCHEMA: &str = include_str!("../db/schema.sql");

/// The rows, and the same tables without row-level security. The big shop has orders too, for the bound.
const ROWS: &str = "
create table bare_orders (like orders including all);
create table bare_archive (like archive including all);
create table bare_arrivals (like arrivals including all);

insert into bare_orders (shop, customer, status, quantity, cents, weight, express, note, created_at)
select case when n <= 1000 then 'big.example' else 'shop' || n % {shops} || '.example' end,
  'customer ' || n % 5000, (array['open', 'paid', 'shipped', 'returned'])[n % 4 + 1], n % 9 + 1, n % 20000,
  n % 700 / 10.0, n % 7 = 0, case when n % 3 = 0 then 'leave it at the door, order ' || n end,
  timestamptz '2026-01-01' + n * interval '3 seconds'
from generate_series(1, {orders}) n;
insert into orders overriding system value select * from bare_orders;

insert into bare_archive (shop, customer, status, quantity, cents, weight, express, note, created_at)
select 'big.example', customer, status, quantity, cents, weight, express, note, created_at
from bare_orders limit {archive};
insert into archive overriding system value select * from bare_archive;

create table there_already as
select shop, customer, status, quantity, cents, weight, express, note, created_at
from bare_archive limit {arrivals};

grant select on there_already to bench_shop;
grant select on bare_orders, bare_archive to public;
grant insert on bare_arrivals to public;
";

/// How much of everything there is.
pub(crate) struct Size {
    pub(crate) orders: u64,
    pub(crate) archive: u64,
    pub(crate) arrivals: u64,
}

/// The database, with the application's login.
pub(crate) struct Stage {
    pub(crate) size: Size,
    pub(crate) url: String,
    pub(crate) admin: Client,
    proxy: Proxy,
    port: u16,
    _database: TestDatabase,
}

impl Stage {
    pub(crate) async fn set(size: Size) -> Result<Self, Fault> {
        let server = Server::shared()?;
        let port = server.admin_url().parse::<Config>()?.get_ports()[0];
        let database = server.database().await?;
        let admin = connect(database.url()).await?;
        admin.batch_execute(SCHEMA).await?;
        let rows = ROWS
            .replace("{shops}", &SHOPS.to_string())
            .replace("{orders}", &size.orders.to_string())
            .replace("{archive}", &size.archive.to_string())
            .replace("{arrivals}", &size.arrivals.to_string());
        admin.batch_execute(&rows).await?;
        admin.batch_execute("vacuum analyze").await?;
        let url = database.create_login("app", &["bench_shop"]).await?;
        Ok(Stage {
            size,
            url,
            admin,
            proxy: Proxy::start(port)?,
            port,
            _database: database,
        })
    }

    /// The URL by way of the proxy.
    pub(crate) fn away(&self) -> String {
        through(&self.proxy, self.port, &self.url)
    }

    /// How many round trips the proxy has seen.
    pub(crate) fn trips(&self) -> usize {
        self.proxy.trips()
    }

    /// Sets the proxy's delay so that it adds what it should: a sleep ends late, and threads take their time.
    /// Gives what it adds in the end.
    pub(crate) async fn move_away(&self) -> Result<Duration, Fault> {
        let near = connect(&self.url).await?;
        let far = connect(&self.away()).await?;
        let mut delay = AWAY / 2;
        let mut added = Duration::ZERO;
        for _ in 0..4 {
            self.proxy.delay(delay);
            added = ping(&far).await?.saturating_sub(ping(&near).await?);
            let late = added.saturating_sub(AWAY) / 2;
            if late.is_zero() {
                break;
            }
            delay = delay.saturating_sub(late);
        }
        Ok(added)
    }

    /// Room for the next insert.
    pub(crate) async fn clear(&self) -> Result<(), Fault> {
        let sql = "truncate arrivals, bare_arrivals; checkpoint";
        Ok(self.admin.batch_execute(sql).await?)
    }

    /// Rows to insert.
    pub(crate) async fn coming(&self) -> Result<Vec<New>, Fault> {
        let sql = "select customer, status, quantity, cents, weight, express, note, created_at from there_already";
        let rows = self.admin.query(sql, &[]).await?;
        let new = rows.iter().map(|row| New {
            customer: row.get(0),
            status: row.get(1),
            quantity: row.get(2),
            cents: row.get(3),
            weight: row.get(4),
            express: row.get(5),
            note: row.get(6),
            created_at: row.get(7),
        });
        Ok(new.collect())
    }

    /// Whether an insert left what it should.
    pub(crate) async fn check_arrivals(&self) -> Result<(), Fault> {
        let sql = "select count(*), coalesce(sum(cents), 0)::int8 from \
                   (select shop, cents from arrivals union all select shop, cents from bare_arrivals) a \
                   where shop = $1";
        let made = self.admin.query_one(sql, &[&BIG]).await?;
        let there = "select count(*), sum(cents)::int8 from there_already";
        let wanted = self.admin.query_one(there, &[]).await?;
        let read = |row: &tokio_postgres::Row| (row.get::<_, i64>(0), row.get::<_, i64>(1));
        if read(&made) == read(&wanted) {
            Ok(())
        } else {
            Err("an insert left other rows".into())
        }
    }
}

async fn connect(url: &str) -> Result<Client, Fault> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A URL by way of the proxy.
fn through(proxy: &Proxy, server: u16, url: &str) -> String {
    url.replacen(&format!(":{server}/"), &format!(":{}/", proxy.port()), 1)
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
