//! toasty. It inserts many rows one statement's worth at a time without a way to say where to cut them, and has no
//! stream of rows, so it takes part in what reads a page.

use std::time::Duration;

use super::{Fault, PAGE, Peer, Place, Work};

#[derive(Debug, toasty::Model)]
#[table = "orders"]
#[allow(dead_code)]
struct Order {
    #[key]
    id: i64,
    #[index]
    shop: String,
    customer: String,
    status: String,
    quantity: i32,
    cents: i64,
    weight: f64,
    express: bool,
    note: Option<String>,
    created_at: jiff::Timestamp,
}

const SCOPE: &str =
    "select set_config('role', 'bench_shop', true), set_config('app.current_shop', $1, true)";

pub(crate) struct Toasty(toasty::Db);

impl Toasty {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        let mut builder = toasty::Db::builder();
        builder
            .models(toasty::models!(Order))
            .max_pool_size(usize::try_from(place.connections)?);
        if !place.checks {
            builder.pool_health_check_interval(None::<Duration>);
        }
        Ok(Toasty(builder.connect(place.url).await?))
    }
}

impl Peer for Toasty {
    fn name(&self) -> &'static str {
        "toasty"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let mut db = self.0.clone();
            let mut transaction = db.transaction().await?;
            let scope = toasty::sql::query(SCOPE).bind(shop);
            scope.exec(&mut transaction).await?;
            let orders = Order::filter(Order::fields().shop().eq(shop))
                .order_by(Order::fields().created_at().desc())
                .limit(PAGE)
                .exec(&mut transaction)
                .await?;
            transaction.commit().await?;
            Ok(orders.len())
        }))
    }
}
