//! sqlx: `query_as` with FromRow, statements cached as it does by itself.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgPool, PgPoolOptions, PgTransaction};

use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};

pub(crate) struct Sqlx(PgPool);

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
        let options = PgPoolOptions::new()
            .max_connections(place.connections)
            .test_before_acquire(place.checks);
        Ok(Sqlx(options.connect(place.url).await?))
    }

    async fn begin(&self, shop: &str) -> Result<PgTransaction<'static>, sqlx::Error> {
        let mut transaction = self.0.begin().await?;
        let scope = sqlx::query(SCOPE).bind(shop);
        scope.execute(&mut *transaction).await?;
        Ok(transaction)
    }
}

pub(super) fn chrono(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.as_microsecond()).unwrap_or_default()
}

impl Peer for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let mut transaction = self.begin(shop).await?;
            let latest = sqlx::query_as::<_, Order>(LATEST).bind(shop);
            let latest = latest.bind(PAGE as i64);
            let orders = latest.fetch_all(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(orders.len())
        }))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            let mut transaction = self.begin(BIG).await?;
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
        }))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(Box::pin(async move {
            let mut transaction = self.begin(BIG).await?;
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
        }))
    }
}
