//! A server, a database, the sealed migration, the application's login.

use tabellion::catalog::Snapshot;
use tabellion::migrate::{ApplyOptions, Event, Migrations, Migrator};
use tabellion::testing::{Server, TestDatabase};
use tabellion::{Database, Scope};

use crate::Stop;
use crate::checks::{Checks, count};
use crate::report::Report;
use crate::tables::Shop;
use crate::witness::{TARGETS, Witness};

/// The folder with the lock and the sealed files.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/db");

/// A database with the migration applied, and everybody's way into it.
pub struct Stage {
    /// The database, and the superuser's URL.
    pub database: TestDatabase,
    /// The application, connected as a login that row-level security holds.
    pub application: Database,
    /// What is sealed.
    pub(crate) migrations: Migrations,
    pub(crate) engine: Migrator,
    pub(crate) witness: Witness,
    /// The application's URL, for SQL of its own.
    pub(crate) login_url: String,
    /// The catalog before the migration.
    pub(crate) before: Snapshot,
}

/// Starts PostgreSQL, or takes the server of `DATABASE_URL`.
pub(crate) async fn server(report: &mut Report) -> Result<Server, Stop> {
    report
        .step("start PostgreSQL", async |checks: &mut Checks| {
            let server = Server::start()?;
            let version = server.version().split(' ').next().unwrap_or_default();
            let kind = match server.folder() {
                Some(_) => "throw-away, on loopback",
                None => "the server of DATABASE_URL",
            };
            checks.detail(format!("{version}, {kind}"));
            Ok(server)
        })
        .await
}

/// Creates a database, applies the sealed migration, verifies it, and connects as the application.
///
/// # Errors
/// What keeps one of the steps from being done.
pub async fn stage(report: &mut Report, server: &Server) -> Result<Stage, Stop> {
    let sealed = report
        .step("read the sealed migration", async |checks: &mut Checks| {
            let sealed = Migrations::load(ROOT)?;
            let files = 2 * sealed.iter().count();
            checks.detail(format!("{files} files and the lock agree"));
            Ok(sealed)
        })
        .await?;
    let (database, mut engine, before) = report
        .step("create a database", async |checks: &mut Checks| {
            let database = server.database().await?;
            let engine = Migrator::connect(database.url()).await?;
            let before = engine.snapshot(sealed.schema().namespaces()).await?;
            let tables = before.tables().count();
            checks.equal("tables in a new database", 0, tables);
            checks.detail(count(tables, "table"));
            Ok((database, engine, before))
        })
        .await?;
    apply(report, &mut engine, &sealed, "apply it").await?;
    report
        .step("apply it once more", async |checks: &mut Checks| {
            let done = engine.apply(&sealed, &ApplyOptions::default()).await?;
            checks.equal("migrations applied twice", 0, done.len());
            checks.detail("nothing to do");
            Ok(())
        })
        .await?;
    verify(report, &mut engine, &sealed, "verify the catalog").await?;
    let witness = Witness::connect(database.url()).await?;
    let (login_url, application) = report
        .step("connect as the application", async |checks: &mut Checks| {
            let url = database.create_login("hotdash", &[Shop::ROLE]).await?;
            let application = Database::connect(&url).await?;
            checks.detail(format!("a login, member of {}", Shop::ROLE));
            Ok((url, application))
        })
        .await?;
    Ok(Stage {
        database,
        application,
        migrations: sealed,
        engine,
        witness,
        login_url,
        before,
    })
}

/// Applies what is sealed, and compares the ledger with it.
pub(crate) async fn apply(
    report: &mut Report,
    engine: &mut Migrator,
    sealed: &Migrations,
    title: &str,
) -> Result<(), Stop> {
    report
        .step(title, async |checks: &mut Checks| {
            let done = engine.apply(sealed, &ApplyOptions::default()).await?;
            checks.equal("migrations applied", sealed.iter().count(), done.len());
            let history = engine.history().await?;
            let last = history.iter().rev().take(done.len()).rev();
            for (migration, entry) in sealed.iter().zip(last) {
                let same = entry.event == Event::Applied
                    && (&entry.version, &entry.checksum)
                        == (&migration.version, &migration.checksum);
                checks.that(
                    format_args!("the ledger's last entry on {}", migration.version),
                    "`applied`, with the sealed checksum",
                    &format!("`{}`, or another checksum", entry.event.as_str()),
                    same,
                );
            }
            let snapshot = engine.snapshot(sealed.schema().namespaces()).await?;
            checks.equal("tables", TARGETS.len(), snapshot.tables().count());
            checks.detail(format!(
                "{}, {}",
                count(done.len(), "migration"),
                count(snapshot.tables().count(), "table")
            ));
            Ok(())
        })
        .await
}

/// Compares the catalog with what is sealed.
pub(crate) async fn verify(
    report: &mut Report,
    engine: &mut Migrator,
    sealed: &Migrations,
    title: &str,
) -> Result<(), Stop> {
    report
        .step(title, async |checks: &mut Checks| {
            let found = engine.verify(sealed).await?;
            let told = found.to_string();
            checks.that(
                "the catalog",
                "what was sealed",
                told.lines().next().unwrap_or_default(),
                found.is_clean(),
            );
            checks.detail(format!("{} as sealed", count(found.compared, "object")));
            Ok(())
        })
        .await
}

/// What has to be so before any row is worth protecting.
pub(crate) async fn protection(report: &mut Report, stage: &Stage) -> Result<(), Stop> {
    report
        .step("look at the protection", async |checks: &mut Checks| {
            let witness = &stage.witness;
            for target in &TARGETS {
                let (table, name) = (target.table, target.name());
                for (what, column) in [
                    ("enabled", "relrowsecurity"),
                    ("forced", "relforcerowsecurity"),
                ] {
                    let sql = format!(
                        "select count(*) from pg_class where oid = '{table}'::regclass and {column}"
                    );
                    let found = if witness.number(&sql).await? == 1 {
                        "is"
                    } else {
                        "is not"
                    };
                    checks.equal(
                        format_args!("{name}: row-level security {what}"),
                        "is",
                        found,
                    );
                }
            }
            let login = format!("hotdash_{}", stage.database.name());
            let powers = format!(
                "select count(*) from pg_roles where rolname = '{login}' \
                 and (rolsuper or rolbypassrls or rolinherit or rolcreaterole or rolcreatedb)"
            );
            checks.equal("powers of the login", 0, witness.number(&powers).await?);
            let owned = format!(
                "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner \
                 where r.rolname in ('{login}', '{}')",
                Shop::ROLE
            );
            checks.equal(
                "tables that the login or its role owns",
                0,
                witness.number(&owned).await?,
            );
            checks.detail("enabled and forced; no way around");
            Ok(())
        })
        .await
}

/// Removes the database, and stops a throw-away server.
pub(crate) async fn close(report: &mut Report, stage: Stage, server: Server) -> Result<(), Stop> {
    report
        .step("clean up", async |checks: &mut Checks| {
            let kept = match server.folder() {
                Some(_) => "database and server are gone",
                None => "the database is gone",
            };
            let Stage {
                database,
                application,
                engine,
                witness,
                ..
            } = stage;
            application.close();
            drop((engine, witness));
            database.close().await?;
            drop(server);
            checks.detail(kept);
            Ok(())
        })
        .await
}
