//! sqlx: `query_as` with FromRow, statements cached as it does by itself.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::Connection;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions, PgTransaction};
use tokio::sync::Mutex;

use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};

/// One connection is held, since a pool looks at each that comes back, whether it tests them before or not.
pub(crate) enum Sqlx {
    One(Box<Mutex<PgConnection>>),
    Pool(PgPool),
}

#[derive(sqlx::FromRow)]
#[allow(dead_code)]
struct Order {
    id: i64,
    shop: String,
    customer: String,
    status: String,
    quantity: i32,
    cents: i64,
    weight: f64,
    express: bool,
    note: Option<String>,
    created_at: DateTime<Utc>,
}

const SCOPE: &str =
    "select set_config('role', 'bench_shop', true), set_config('app.current_shop', $1, true)";
const LATEST: &str = "select id, shop, customer, status, quantity, cents, weight, express, note, created_at \
     from orders where shop = $1 order by created_at desc limit $2";
const ARCHIVE: &str = "select id, shop, customer, status, quantity, cents, weight, express, note, created_at \
     from archive where shop = $1 order by id";
/// As its documentation advises for many rows.
const UNNEST: &str = "insert into arrivals \
     (shop, customer, status, quantity, cents, weight, express, note, created_at) \
     select $1, * from unnest($2::text[], $3::text[], $4::int4[], $5::int8[], $6::float8[], $7::bool[], \
     $8::text[], $9::timestamptz[])";

impl Sqlx {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        if place.connections == 1 {
            let connection = PgConnection::connect(place.url).await?;
            return Ok(Sqlx::One(Box::new(Mutex::new(connection))));
        }
        let options = PgPoolOptions::new()
            .max_connections(place.connections)
            .test_before_acquire(place.checks);
        Ok(Sqlx::Pool(options.connect(place.url).await?))
    }

    /// Does the work on a connection.
    async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Fault> {
        Ok(match self {
            Sqlx::One(connection) => work(&mut *connection.lock().await).await?,
            Sqlx::Pool(pool) => work(&mut *pool.acquire().await?).await?,
        })
    }
}

/// A transaction that has taken on the scope.
async fn begin<'c>(
    connection: &'c mut PgConnection,
    shop: &str,
) -> Result<PgTransaction<'c>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let scope = sqlx::query(SCOPE).bind(shop);
    scope.execute(&mut *transaction).await?;
    Ok(transaction)
}

pub(super) fn chrono(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.as_microsecond()).unwrap_or_default()
}

async fn latest(connection: &mut PgConnection, shop: &str) -> Result<usize, sqlx::Error> {
    let mut transaction = begin(connection, shop).await?;
    let latest = sqlx::query_as::<_, Order>(LATEST).bind(shop);
    let latest = latest.bind(PAGE as i64);
    let orders = latest.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(orders.len())
}

async fn insert(connection: &mut PgConnection, rows: Vec<New>) -> Result<u64, sqlx::Error> {
    let mut transaction = begin(connection, BIG).await?;
    let (mut customers, mut statuses, mut quantities) = (vec![], vec![], vec![]);
    let (mut cents, mut weights, mut express) = (vec![], vec![], vec![]);
    let (mut notes, mut created) = (vec![], vec![]);
    for row in rows {
        customers.push(row.customer);
        statuses.push(row.status);
        quantities.push(row.quantity);
        cents.push(row.cents);
        weights.push(row.weight);
        express.push(row.express);
        notes.push(row.note);
        created.push(chrono(row.created_at));
    }
    let insert = sqlx::query(UNNEST)
        .bind(BIG)
        .bind(customers)
        .bind(statuses)
        .bind(quantities)
        .bind(cents)
        .bind(weights)
        .bind(express)
        .bind(notes)
        .bind(created);
    let written = insert.execute(&mut *transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(written)
}

async fn stream(connection: &mut PgConnection) -> Result<Sum, sqlx::Error> {
    let mut transaction = begin(connection, BIG).await?;
    let mut sum = Sum::default();
    {
        let archive = sqlx::query_as::<_, Order>(ARCHIVE).bind(BIG);
        let mut rows = archive.fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            sum.add(row.cents);
        }
    }
    transaction.commit().await?;
    Ok(sum)
}

impl Peer for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(
            self.with(async |connection| latest(connection, shop).await),
        ))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(
            self.with(async |connection| insert(connection, rows).await),
        ))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(Box::pin(self.with(stream)))
    }
}
