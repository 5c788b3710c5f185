//! Tabellion, through what every user has: the derives' finders and writes.

use tabellion::{Database, Scoped, Table};

use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};
use crate::model::{Archived, Arrival, NewArrival, Order, Shop};

pub(crate) struct Tabellion(Database);

impl Tabellion {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        // Its pool looks at each connection, always.
        let connections = usize::try_from(place.connections)?;
        let builder = Database::builder(place.url).max_connections(connections);
        Ok(Tabellion(builder.connect().await?))
    }

    fn shop(&self, domain: &str) -> Scoped<Shop> {
        let domain = domain.to_owned();
        self.0.scope(Shop { domain })
    }
}

impl Peer for Tabellion {
    fn name(&self) -> &'static str {
        "Tabellion"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let scope = self.shop(shop);
            let orders = Order::by_shop(shop).limit(PAGE).fetch_all(&scope).await?;
            Ok(orders.len())
        }))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            let scope = self.shop(BIG);
            let arrivals = rows.into_iter().map(|row| {
                let new = NewArrival {
                    shop: BIG.to_owned(),
                    customer: row.customer,
                    status: row.status,
                    quantity: row.quantity,
                    cents: row.cents,
                    weight: row.weight,
                    express: row.express,
                    created_at: row.created_at,
                };
                Arrival::insert(new).set(Arrival::NOTE, row.note)
            });
            Ok(Arrival::insert_many(arrivals).execute(&scope).await?)
        }))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(Box::pin(async move {
            let scope = self.shop(BIG);
            let mut rows = Archived::by_shop(BIG).stream(&scope).await?;
            let mut sum = Sum::default();
            while let Some(row) = rows.try_next().await? {
                sum.add(row.cents);
            }
            Ok(sum)
        }))
    }
}
