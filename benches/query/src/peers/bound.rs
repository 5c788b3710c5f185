//! What the server alone takes, which no client can beat: no way to do it, only a bound.

use tokio_postgres::{Client, NoTls, Statement};

use super::bare::{COLUMNS, order};
use super::{BIG, Fault, New, PAGE, Peer, Place, Work};
use crate::model::Order;

/// A session that has taken on its scope for good, so that the policy is all that is left of it; and an insert of
/// rows that the server has already.
pub(crate) struct Bound {
    client: Client,
    latest: Statement,
    insert: Statement,
}

impl Bound {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        let (client, connection) = tokio_postgres::connect(place.url, NoTls).await?;
        tokio::spawn(connection);
        let scope = format!(
            "set role bench_shop; set app.current_shop = '{BIG}'; set plan_cache_mode = force_generic_plan"
        );
        client.batch_execute(&scope).await?;
        let latest = client
            .prepare(
                "select id, shop, customer, status, quantity, cents, weight, express, note, created_at \
                 from orders where shop = $1 order by created_at desc limit $2",
            )
            .await?;
        let insert =
            format!("insert into arrivals ({COLUMNS}) select {COLUMNS} from there_already");
        let insert = client.prepare(&insert).await?;
        Ok(Bound {
            client,
            latest,
            insert,
        })
    }
}

impl Peer for Bound {
    fn name(&self) -> &'static str {
        "bound: the server alone"
    }

    fn latest<'a>(&'a self, _: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let limit = PAGE as i64;
            let rows = self.client.query(&self.latest, &[&BIG, &limit]).await?;
            let orders: Vec<Order> = rows.iter().map(order).collect();
            Ok(orders.len())
        }))
    }

    fn insert(&self, _: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            Ok(self.client.execute(&self.insert, &[]).await?)
        }))
    }
}
