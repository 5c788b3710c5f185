//! Each peer as its documentation uses it: connect, then apply what is pending.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection};
use diesel_migrations::MigrationHarness;
use sea_orm_migration::prelude::{
    DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
};
use sea_orm_migration::sea_orm::{ConnectOptions, ConnectionTrait, Database};
use sqlx::postgres::PgPoolOptions;
use tabellion::migrate::{ApplyOptions, Migrator};
use tokio_postgres::NoTls;

/// What the build script has written.
mod embedded {
    #![allow(missing_docs, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// How many migrations there are.
pub(crate) const COUNT: usize = embedded::NAMED.len();

/// The SQL of each.
pub(crate) fn files() -> impl Iterator<Item = &'static str> {
    embedded::NAMED.into_iter().map(|(_, sql)| sql)
}

/// Who applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The project's own engine; the others are measured against it.
    Tabellion,
    Diesel,
    Refinery,
    Sqlx,
    SeaOrm,
}

impl Peer {
    pub(crate) const ALL: [Peer; 5] = [
        Peer::Tabellion,
        Peer::Diesel,
        Peer::Refinery,
        Peer::Sqlx,
        Peer::SeaOrm,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Tabellion => "tabellion",
            Peer::Diesel => "diesel_migrations",
            Peer::Refinery => "refinery",
            Peer::Sqlx => "sqlx",
            Peer::SeaOrm => "sea-orm-migration",
        }
    }

    /// Whether it compares the checksums of what is applied.
    pub(crate) fn compares(self) -> bool {
        matches!(self, Peer::Tabellion | Peer::Refinery | Peer::Sqlx)
    }
}

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Until it was connected and had made its embedded files ready, their checksums included.
    pub(crate) preparing: Duration,
    /// From there until everything was applied.
    pub(crate) applying: Duration,
    /// How often the client waited for the server meanwhile.
    pub(crate) trips: usize,
}

/// A clock that is started, lapped once all is ready, and stopped.
struct Clock<'a> {
    start: Instant,
    ready: Option<(Instant, usize)>,
    trips: &'a (dyn Fn() -> usize + Sync),
}

impl<'a> Clock<'a> {
    fn start(trips: &'a (dyn Fn() -> usize + Sync)) -> Self {
        Clock {
            start: Instant::now(),
            ready: None,
            trips,
        }
    }

    fn ready(&mut self) {
        let trips = (self.trips)();
        self.ready = Some((Instant::now(), trips));
    }

    fn stop(self) -> Run {
        let end = Instant::now();
        let (ready, before) = self.ready.unwrap_or((self.start, 0));
        Run {
            preparing: ready - self.start,
            applying: end - ready,
            trips: (self.trips)() - before,
        }
    }
}

/// Connects to a database and applies what is pending there; `trips` counts round trips.
///
/// # Errors
/// Whatever the peer says.
pub(crate) async fn apply(
    peer: Peer,
    url: &str,
    trips: &(dyn Fn() -> usize + Sync),
) -> Result<Run, Box<dyn Error + Send + Sync>> {
    // Its macro has read the files while compiling.
    let folder = Path::new(concat!(env!("OUT_DIR"), "/sqlx"));
    let files = sqlx::migrate::Migrator::new(folder).await?;
    let mut clock = Clock::start(trips);
    let run = match peer {
        Peer::Tabellion => {
            let mut engine = Migrator::connect(url).await?;
            let set = embedded::tabellion();
            clock.ready();
            engine.apply(&set, &ApplyOptions::default()).await?;
            clock.stop()
        }
        Peer::Diesel => tokio::task::block_in_place(|| {
            let mut connection = PgConnection::establish(url)?;
            clock.ready();
            connection.run_pending_migrations(embedded::DIESEL)?;
            Ok::<_, Box<dyn Error + Send + Sync>>(clock.stop())
        })?,
        Peer::Refinery => {
            let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            let all = embedded::REFINERY.iter();
            let all: Result<Vec<refinery::Migration>, refinery::Error> = all
                .map(|(name, sql)| refinery::Migration::unapplied(name, sql))
                .collect();
            let runner = refinery::Runner::new(&all?);
            clock.ready();
            runner.run_async(&mut client).await?;
            clock.stop()
        }
        Peer::Sqlx => {
            let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
            clock.ready();
            files.run(&pool).await?;
            let run = clock.stop();
            pool.close().await;
            run
        }
        Peer::SeaOrm => {
            let mut options = ConnectOptions::new(url);
            options.max_connections(1);
            let pool = Database::connect(options).await?;
            clock.ready();
            Listed::up(&pool, None).await?;
            let run = clock.stop();
            pool.close().await?;
            run
        }
    };
    Ok(run)
}

/// sea-orm-migration's list.
struct Listed;

impl MigratorTrait for Listed {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let all = embedded::NAMED.iter();
        all.map(|&(name, sql)| Box::new(Raw { name, sql }) as Box<dyn MigrationTrait>)
            .collect()
    }
}

/// A migration of sea-orm-migration that runs SQL.
struct Raw {
    name: &'static str,
    sql: &'static str,
}

impl MigrationName for Raw {
    fn name(&self) -> &str {
        self.name
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Raw {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(self.sql).await.map(drop)
    }
}
