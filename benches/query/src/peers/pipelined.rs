//! tokio-postgres by hand: the transaction's four messages leave together, each with a Sync of its own.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use futures_util::TryStreamExt;
use tokio::try_join;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls};

use super::bare::{COLUMNS, TYPES, order, values};
use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};
use crate::model::Order;

const SCOPE: &str =
    "select set_config('role', 'bench_shop', true), set_config('app.current_shop', $1, true)";
const LATEST: &str = "select id, shop, customer, status, quantity, cents, weight, express, note, created_at \
     from orders where shop = $1 order by created_at desc limit $2";
const ARCHIVE: &str = "select id, shop, customer, status, quantity, cents, weight, express, note, created_at \
     from archive where shop = $1 order by id";
const UNNEST: &str = "insert into arrivals \
     (shop, customer, status, quantity, cents, weight, express, note, created_at) \
     select $1, * from unnest($2::text[], $3::text[], $4::int4[], $5::int8[], $6::float8[], $7::bool[], \
     $8::text[], $9::timestamptz[])";

/// How many rows a statement inserts.
const CHUNK: usize = 5_000;

/// A pool that says of each connection whether it is closed, without asking the server.
pub(super) fn pool(place: &Place<'_>) -> Result<Pool, Fault> {
    let config = place.url.parse::<Config>()?;
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
    let size = usize::try_from(place.connections)?;
    let pool = Pool::builder(manager).max_size(size);
    Ok(pool.runtime(Runtime::Tokio1).build()?)
}

/// BEGIN, the scope, the statement and COMMIT, queued at once.
pub(crate) struct Pipelined(Pool);

impl Pipelined {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        pool(place).map(Pipelined)
    }
}

impl Peer for Pipelined {
    fn name(&self) -> &'static str {
        "tokio-postgres by hand, pipelined"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let client = self.0.get().await?;
            let begin = client.prepare_cached("begin").await?;
            let scope = client.prepare_cached(SCOPE).await?;
            let latest = client.prepare_cached(LATEST).await?;
            let commit = client.prepare_cached("commit").await?;
            let limit = PAGE as i64;
            let of_scope: [&(dyn ToSql + Sync); 1] = [&shop];
            let of_latest: [&(dyn ToSql + Sync); 2] = [&shop, &limit];
            let (_, _, rows, _) = try_join!(
                client.execute(&begin, &[]),
                client.query(&scope, &of_scope),
                client.query(&latest, &of_latest),
                client.execute(&commit, &[])
            )?;
            let orders: Vec<Order> = rows.iter().map(order).collect();
            Ok(orders.len())
        }))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            let mut client = self.0.get().await?;
            let transaction = client.transaction().await?;
            let scope = transaction.prepare_cached(SCOPE).await?;
            transaction.query(&scope, &[&BIG]).await?;
            let insert = transaction.prepare_cached(UNNEST).await?;
            let mut written = 0;
            for chunk in rows.chunks(CHUNK) {
                let customers: Vec<&str> = chunk.iter().map(|row| row.customer.as_str()).collect();
                let statuses: Vec<&str> = chunk.iter().map(|row| row.status.as_str()).collect();
                let quantities: Vec<i32> = chunk.iter().map(|row| row.quantity).collect();
                let cents: Vec<i64> = chunk.iter().map(|row| row.cents).collect();
                let weights: Vec<f64> = chunk.iter().map(|row| row.weight).collect();
                let express: Vec<bool> = chunk.iter().map(|row| row.express).collect();
                let notes: Vec<Option<&str>> =
                    chunk.iter().map(|row| row.note.as_deref()).collect();
                let created: Vec<_> = chunk.iter().map(|row| row.created_at).collect();
                written += transaction
                    .execute(
                        &insert,
                        &[
                            &BIG,
                            &customers,
                            &statuses,
                            &quantities,
                            &cents,
                            &weights,
                            &express,
                            &notes,
                            &created,
                        ],
                    )
                    .await?;
            }
            transaction.commit().await?;
            Ok(written)
        }))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(Box::pin(async move {
            let mut client = self.0.get().await?;
            let transaction = client.transaction().await?;
            let scope = transaction.prepare_cached(SCOPE).await?;
            transaction.query(&scope, &[&BIG]).await?;
            let statement = transaction.prepare_cached(ARCHIVE).await?;
            let mut sum = Sum::default();
            {
                let rows = transaction.query_raw(&statement, [BIG]).await?;
                let mut rows = std::pin::pin!(rows);
                while let Some(row) = rows.try_next().await? {
                    sum.add(order(&row).cents);
                }
            }
            transaction.commit().await?;
            Ok(sum)
        }))
    }
}

/// COPY into a temporary table, which has no row-level security, and from there under the scope.
pub(crate) struct CopyThenSelect(Pool);

impl CopyThenSelect {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        pool(place).map(CopyThenSelect)
    }
}

impl Peer for CopyThenSelect {
    fn name(&self) -> &'static str {
        "tokio-postgres by hand, COPY into a temporary table"
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            let mut client = self.0.get().await?;
            let transaction = client.transaction().await?;
            let scope = transaction.prepare_cached(SCOPE).await?;
            transaction.query(&scope, &[&BIG]).await?;
            let made = "create temporary table coming (shop text, customer text, status text, quantity int4, \
                        cents int8, weight float8, express bool, note text, created_at timestamptz) \
                        on commit drop";
            transaction.batch_execute(made).await?;
            let sql = format!("copy coming ({COLUMNS}) from stdin binary");
            let sink = transaction.copy_in(&sql).await?;
            {
                let writer = BinaryCopyInWriter::new(sink, &TYPES);
                let mut writer = std::pin::pin!(writer);
                for row in &rows {
                    writer.as_mut().write(&values(row)).await?;
                }
                writer.finish().await?;
            }
            let sql = format!("insert into arrivals ({COLUMNS}) select {COLUMNS} from coming");
            let written = transaction.execute(&sql, &[]).await?;
            transaction.commit().await?;
            Ok(written)
        }))
    }
}
