//! A database with one table in it, and a login that may use it.

use tabellion::testing::{Server, TestDatabase};
use tabellion::{Database, Scope, Scoped};
use tokio_postgres::{Client, NoTls};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Scope)]
#[scope(role = "types_shop")]
pub(crate) struct Shop {
    #[setting("app.current_shop")]
    pub(crate) domain: String,
}

pub(crate) struct Fixture {
    /// The superuser.
    pub(crate) admin: Client,
    pub(crate) acme: Scoped<Shop>,
    _database: TestDatabase,
}

impl Fixture {
    /// `sql` creates the table `samples`, whose rows are everybody's.
    pub(crate) async fn new(sql: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let database = Server::shared()?.database().await?;
        let (admin, connection) = tokio_postgres::connect(database.url(), NoTls).await?;
        tokio::spawn(connection);
        // Roles belong to the whole server: another test may have created it.
        admin
            .batch_execute(
                "do $$ begin create role types_shop nologin; \
                 exception when duplicate_object or unique_violation then null; end $$",
            )
            .await?;
        admin.batch_execute(sql).await?;
        admin
            .batch_execute("grant select, insert, update on samples to types_shop")
            .await?;
        let url = database.create_login("app", &["types_shop"]).await?;
        let acme = Database::connect(&url).await?.scope(Shop {
            domain: "acme".into(),
        });
        Ok(Fixture {
            admin,
            acme,
            _database: database,
        })
    }

    /// What the server itself shows of the only row.
    pub(crate) async fn shown(&self, column: &str) -> Result<String, tokio_postgres::Error> {
        let sql = format!("select ({column})::text from samples");
        self.admin.query_one(&sql, &[]).await?.try_get(0)
    }
}
