//! Diesel with its pool r2d2. It blocks: from asynchronous code each operation goes to a thread of its own, but
//! where one connection is measured alone.

use chrono::{DateTime, Utc};
use diesel::dsl::insert_into;
use diesel::pg::{PgConnection, PgRowByRowLoadingMode};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_query;
use diesel::sql_types::Text;

use super::sqlx::chrono;
use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};

diesel::table! {
    orders (id) {
        id -> Int8,
        shop -> Text,
        customer -> Text,
        status -> Text,
        quantity -> Int4,
        cents -> Int8,
        weight -> Float8,
        express -> Bool,
        note -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    archive (id) {
        id -> Int8,
        shop -> Text,
        customer -> Text,
        status -> Text,
        quantity -> Int4,
        cents -> Int8,
        weight -> Float8,
        express -> Bool,
        note -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    arrivals (id) {
        id -> Int8,
        shop -> Text,
        customer -> Text,
        status -> Text,
        quantity -> Int4,
        cents -> Int8,
        weight -> Float8,
        express -> Bool,
        note -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

#[derive(Queryable)]
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

#[derive(Insertable)]
#[diesel(table_name = arrivals)]
struct NewArrival {
    shop: &'static str,
    customer: String,
    status: String,
    quantity: i32,
    cents: i64,
    weight: f64,
    express: bool,
    note: Option<String>,
    created_at: DateTime<Utc>,
}

/// A statement takes 65,535 parameters at most, nine for each row.
const CHUNK: usize = 65_535 / 9;

const SCOPE: &str =
    "select set_config('role', 'bench_shop', true), set_config('app.current_shop', $1, true)";

pub(crate) struct Diesel {
    pool: Pool<ConnectionManager<PgConnection>>,
    alone: bool,
}

impl Diesel {
    pub(super) fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        let pool = Pool::builder()
            .max_size(place.connections)
            .test_on_check_out(place.checks)
            .build(ConnectionManager::new(place.url))?;
        let alone = place.connections == 1;
        Ok(Diesel { pool, alone })
    }

    /// Runs the work in a transaction that has taken on the scope.
    fn scoped<T: Send + 'static>(
        &self,
        shop: &str,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T> + Send + 'static,
    ) -> Work<'_, T> {
        let (pool, shop) = (self.pool.clone(), shop.to_owned());
        let run = move || -> Result<T, Fault> {
            let mut connection = pool.get()?;
            let done = connection.transaction(|connection| {
                sql_query(SCOPE).bind::<Text, _>(shop).execute(connection)?;
                work(connection)
            });
            Ok(done?)
        };
        Box::pin(async move {
            if self.alone {
                run()
            } else {
                tokio::task::spawn_blocking(run).await?
            }
        })
    }
}

impl Peer for Diesel {
    fn name(&self) -> &'static str {
        "Diesel"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        let domain = shop.to_owned();
        Some(self.scoped(shop, move |connection| {
            let latest = orders::table
                .filter(orders::shop.eq(domain))
                .order(orders::created_at.desc())
                .limit(PAGE as i64);
            latest.load::<Order>(connection).map(|orders| orders.len())
        }))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(self.scoped(BIG, move |connection| {
            let new = rows.into_iter().map(|row| NewArrival {
                shop: BIG,
                customer: row.customer,
                status: row.status,
                quantity: row.quantity,
                cents: row.cents,
                weight: row.weight,
                express: row.express,
                note: row.note,
                created_at: chrono(row.created_at),
            });
            let new: Vec<NewArrival> = new.collect();
            let mut written = 0;
            for chunk in new.chunks(CHUNK) {
                written += insert_into(arrivals::table)
                    .values(chunk)
                    .execute(connection)? as u64;
            }
            Ok(written)
        }))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(self.scoped(BIG, |connection| {
            let archive = archive::table
                .filter(archive::shop.eq(BIG))
                .order(archive::id);
            let mut sum = Sum::default();
            for row in archive.load_iter::<Order, PgRowByRowLoadingMode>(connection)? {
                sum.add(row?.cents);
            }
            Ok(sum)
        }))
    }
}
