//! SeaORM: entities.

use futures_util::TryStreamExt;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection,
    DatabaseTransaction, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement, TransactionTrait,
};

use super::sqlx::chrono;
use super::{BIG, Fault, New, PAGE, Peer, Place, Sum, Work};

mod orders {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) shop: String,
        pub(crate) customer: String,
        pub(crate) status: String,
        pub(crate) quantity: i32,
        pub(crate) cents: i64,
        pub(crate) weight: f64,
        pub(crate) express: bool,
        pub(crate) note: Option<String>,
        pub(crate) created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod archive {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "archive")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) shop: String,
        pub(crate) customer: String,
        pub(crate) status: String,
        pub(crate) quantity: i32,
        pub(crate) cents: i64,
        pub(crate) weight: f64,
        pub(crate) express: bool,
        pub(crate) note: Option<String>,
        pub(crate) created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod arrivals {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "arrivals")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) shop: String,
        pub(crate) customer: String,
        pub(crate) status: String,
        pub(crate) quantity: i32,
        pub(crate) cents: i64,
        pub(crate) weight: f64,
        pub(crate) express: bool,
        pub(crate) note: Option<String>,
        pub(crate) created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A statement takes 65,535 parameters at most, nine for each row.
const CHUNK: usize = 65_535 / 9;

const SCOPE: &str =
    "select set_config('role', 'bench_shop', true), set_config('app.current_shop', $1, true)";

pub(crate) struct SeaOrm(DatabaseConnection);

impl SeaOrm {
    pub(super) async fn connect(place: &Place<'_>) -> Result<Self, Fault> {
        let mut options = ConnectOptions::new(place.url);
        options
            .max_connections(place.connections)
            .test_before_acquire(place.checks)
            .sqlx_logging(false);
        Ok(SeaOrm(Database::connect(options).await?))
    }

    async fn begin(&self, shop: &str) -> Result<DatabaseTransaction, DbErr> {
        let transaction = self.0.begin().await?;
        let scope = Statement::from_sql_and_values(DbBackend::Postgres, SCOPE, [shop.into()]);
        transaction.execute_raw(scope).await?;
        Ok(transaction)
    }
}

impl Peer for SeaOrm {
    fn name(&self) -> &'static str {
        "SeaORM"
    }

    fn latest<'a>(&'a self, shop: &'a str) -> Option<Work<'a, usize>> {
        Some(Box::pin(async move {
            let transaction = self.begin(shop).await?;
            let orders = orders::Entity::find()
                .filter(orders::Column::Shop.eq(shop))
                .order_by_desc(orders::Column::CreatedAt)
                .limit(PAGE as u64)
                .all(&transaction)
                .await?;
            transaction.commit().await?;
            Ok(orders.len())
        }))
    }

    fn insert(&self, rows: Vec<New>) -> Option<Work<'_, u64>> {
        Some(Box::pin(async move {
            let transaction = self.begin(BIG).await?;
            let mut written = 0;
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                let models = rows.by_ref().take(CHUNK).map(|row| arrivals::ActiveModel {
                    id: NotSet,
                    shop: Set(BIG.to_owned()),
                    customer: Set(row.customer),
                    status: Set(row.status),
                    quantity: Set(row.quantity),
                    cents: Set(row.cents),
                    weight: Set(row.weight),
                    express: Set(row.express),
                    note: Set(row.note),
                    created_at: Set(chrono(row.created_at)),
                });
                let insert = arrivals::Entity::insert_many(models);
                written += insert.exec_without_returning(&transaction).await?;
            }
            transaction.commit().await?;
            Ok(written)
        }))
    }

    fn stream(&self) -> Option<Work<'_, Sum>> {
        Some(Box::pin(async move {
            let transaction = self.begin(BIG).await?;
            let mut sum = Sum::default();
            {
                let archive = archive::Entity::find()
                    .filter(archive::Column::Shop.eq(BIG))
                    .order_by_asc(archive::Column::Id);
                let mut rows = archive.stream(&transaction).await?;
                while let Some(row) = rows.try_next().await? {
                    sum.add(row.cents);
                }
            }
            transaction.commit().await?;
            Ok(sum)
        }))
    }
}
