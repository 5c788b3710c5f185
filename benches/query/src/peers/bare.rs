//! tokio-postgres without row-level security: the limit, which no scoped statement can beat.

use deadpool_postgres::Pool;
use futures_util::TryStreamExt;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Row, types::ToSql};

use super::pipelined::pool;
use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};
use crate::model::Order;

pub(super) const LATEST: &str = "select id, shop, customer, status, quantity, cents, weight, express, note, \
     created_at from bare_orders where shop = $1 order by created_at desc limit $2";
const ARCHIVE: &str = "select id, shop, customer, status, quantity, cents, weight, express, note, created_at \
     from bare_archive where shop = $1 order by id";

/// Prepared statements, no scope.
pub(crate) struct Bare(Pool);

impl Bare {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        pool(place).map(Bare)
    }
}

pub(super) fn order(row: &Row) -> Order {
    Order {
        id: row.get(0),
        shop: row.get(1),
        customer: row.get(2),
        status: row.get(3),
        quantity: row.get(4),
        cents: row.get(5),
        weight: row.get(6),
        express: row.get(7),
        note: row.get(8),
        created_at: row.get(9),
    }
}

/// The types of what a row is inserted with.
pub(super) const TYPES: [Type; 9] = [
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT4,
    Type::INT8,
    Type::FLOAT8,
    Type::BOOL,
    Type::TEXT,
    Type::TIMESTAMPTZ,
];

/// A row's values, the shop first.
pub(super) fn values(row: &New) -> [&(dyn ToSql + Sync); 9] {
    [
        &BIG,
        &row.customer,
        &row.status,
        &row.quantity,
        &row.cents,
        &row.weight,
        &row.express,
        &row.note,
        &row.created_at,
    ]
}

/// The columns that a row is inserted with.
pub(super) const COLUMNS: &str =
    "shop, customer, status, quantity, cents, weight, express, note, created_at";

impl Peer for Bare {
    fn name(&self) -> &'static str {
        "without row-level security, tokio-postgres"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let client = self.0.get().await?;
            let statement = client.prepare_cached(LATEST).await?;
            let rows = client.query(&statement, &[&shop, &(PAGE as i64)]).await?;
            let orders: Vec<Order> = rows.iter().map(order).collect();
            Ok(orders.len())
        }))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            let client = self.0.get().await?;
            let sql = format!("copy bare_arrivals ({COLUMNS}) from stdin binary");
            let sink = client.copy_in(&sql).await?;
            let writer = BinaryCopyInWriter::new(sink, &TYPES);
            let mut writer = std::pin::pin!(writer);
            for row in &rows {
                writer.as_mut().write(&values(row)).await?;
            }
            Ok(writer.finish().await?)
        }))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(Box::pin(async move {
            let client = self.0.get().await?;
            let statement = client.prepare_cached(ARCHIVE).await?;
            let rows = client.query_raw(&statement, [BIG]).await?;
            let mut rows = std::pin::pin!(rows);
            let mut sum = Sum::default();
            while let Some(row) = rows.try_next().await? {
                sum.add(order(&row).cents);
            }
            Ok(sum)
        }))
    }
}
