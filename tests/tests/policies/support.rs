//! Structs that are both a schema and what queries it.

use tabellion::Database;
use tabellion::migrate::{Mutant, RehearseOptions, RlsTests, test_rls};
use tabellion::testing::{Server, TestDatabase};
use tabellion_sql::lock::Draft;
use tabellion_sql::proof::{ProofScope, rls_tests};
use tabellion_sql::schema::Platform;
use tokio_postgres::{Client, NoTls};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Items, and the constant `SOURCE` with their text.
macro_rules! declared {
    ($($source:tt)*) => {
        $($source)*
        const SOURCE: &str = stringify!($($source)*);
    };
}
pub(crate) use declared;

/// A database with the tables of a source text, and a login that may take on their roles.
pub(crate) struct World {
    database: TestDatabase,
    login: String,
    /// The superuser.
    pub(crate) admin: Client,
    /// What the application has.
    pub(crate) app: Database,
    /// The application's login without the library.
    pub(crate) raw: Client,
}

impl World {
    pub(crate) async fn of(
        source: &str,
        roles: &[&str],
    ) -> Result<World, Box<dyn std::error::Error>> {
        World::with(&crate::common::sql(source, Platform::Postgres)?, roles).await
    }

    /// The same of SQL.
    pub(crate) async fn with(
        sql: &str,
        roles: &[&str],
    ) -> Result<World, Box<dyn std::error::Error>> {
        let database = Server::shared()?.database().await?;
        let admin = connect(database.url()).await?;
        admin.batch_execute(sql).await?;
        let login = database.create_login("app", roles).await?;
        Ok(World {
            admin,
            app: Database::connect(&login).await?,
            raw: connect(&login).await?,
            login,
            database,
        })
    }

    /// The superuser's URL.
    pub(crate) fn owner(&self) -> &str {
        self.database.url()
    }

    /// The URL of the application's login.
    pub(crate) fn app_url(&self) -> &str {
        &self.login
    }

    pub(crate) async fn close(self) -> Outcome {
        self.app.close();
        drop((self.admin, self.raw));
        Ok(self.database.close().await?)
    }

    /// What the role counts with these settings, or the message of the error.
    pub(crate) async fn counts(
        &self,
        role: &str,
        settings: &[(&str, &str)],
        table: &str,
    ) -> Result<i64, String> {
        let mut sql = format!("begin; set local role {role};");
        for (name, value) in settings {
            let value = value.replace('\'', "''");
            sql += &format!("select set_config('{name}', '{value}', true);");
        }
        let outcome = async {
            self.raw.batch_execute(&sql).await?;
            let sql = format!("select count(*) from {table}");
            Ok(self.raw.query_one(&sql, &[]).await?.get(0))
        };
        let outcome = outcome.await.map_err(|error: tokio_postgres::Error| {
            let message = error.as_db_error().map(|error| error.message().to_owned());
            message.unwrap_or_else(|| error.to_string())
        });
        self.raw
            .batch_execute("rollback")
            .await
            .map_err(|error| error.to_string())?;
        outcome
    }
}

/// The guards of policies on SELECT that `test --mutate` takes away of what a source text gives, each by its table.
/// The drawn tests notice every one.
pub(crate) async fn guards(
    source: &str,
    platform: Platform,
    scope: ProofScope,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mutants = mutants(source, platform, &[scope]).await?;
    let guards = mutants.iter().filter(|it| it.kind == "guard");
    let guards = guards.filter_map(|it| {
        let (table, rest) = it.what.strip_prefix("public.")?.split_once(": ")?;
        let (_, guard) = rest.split_once(", using, ")?;
        let of_others = ["delete", "update", "insert"];
        let is_other = of_others.iter().any(|command| rest.contains(command));
        (!is_other).then(|| format!("{table}: {guard}"))
    });
    Ok(guards.collect())
}

/// What the drawn tests of a source notice, each taken away by itself: everything.
pub(crate) async fn mutants(
    source: &str,
    platform: Platform,
    scopes: &[ProofScope],
) -> Result<Vec<Mutant>, Box<dyn std::error::Error>> {
    let schema = crate::common::schema(source, platform)?;
    let folder = tempfile::tempdir()?;
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text);
    std::fs::create_dir(folder.path().join("tests"))?;
    write("tests/rls_tests.sql", &rls_tests(&schema, scopes))?;
    write("schema.sql", &crate::common::sql(source, platform)?)?;
    let draft = Draft::new(None, schema, [["", ""]]);
    write("draft.lock", &draft.to_text())?;
    let tests = RlsTests::load(folder.path())?;
    // On a server of its own: what it makes of the platform's roles is dropped while other tests run.
    let tested = test_rls(&tests, &RehearseOptions::default(), true, &mut |_| {}).await?;
    assert_eq!(tested.failure, None);
    let survivors: Vec<_> = tested.survivors().collect();
    assert!(survivors.is_empty(), "{survivors:#?}");
    Ok(tested.mutants)
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
