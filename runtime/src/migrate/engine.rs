//! The engine: status, apply, and what a rollback shares with them.

use std::fmt;
use std::time::Duration;

use tokio_postgres::Client;

use super::error::MigrateError;
use super::ledger::{Entry, Event, Ledger};
use super::set::{Migration, Migrations};
use super::{connect, hold, run};
use crate::catalog::Snapshot;

/// What the engine tells while it works.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process holds the migration lock: who.
    Waiting(&'a str),
    /// A file begins to run.
    Running(&'a Migration, Event),
    /// It has committed; its row of the ledger.
    Done(&'a Entry),
}

type Observer = Box<dyn FnMut(Progress<'_>) + Send>;

/// Applies migrations to one database, and undoes them. Nothing happens but by its methods.
pub struct Migrator {
    pub(super) client: Client,
    pub(super) ledger: Ledger,
    /// For the second connection of a file that runs outside a transaction.
    pub(super) url: String,
    pub(super) on_behalf_of: Option<String>,
    pub(super) lock_wait: Duration,
    observer: Option<Observer>,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").finish_non_exhaustive()
    }
}

/// How far to apply.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// The last version to apply; all where `None`.
    pub to: Option<String>,
}

/// The migrations of a project against the ledger of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Every sealed migration in order, with the event that applied it where it is applied.
    pub migrations: Vec<(Migration, Option<Entry>)>,
    /// The rows of what was begun outside a transaction, up or back, and has not finished: it was cut short,
    /// or another process is at it.
    pub begun: Vec<Entry>,
    /// What keeps ledger and lock from being one history; empty where all is well.
    pub problems: Vec<String>,
}

impl Status {
    /// How many migrations are not applied.
    pub fn pending(&self) -> usize {
        self.migrations
            .iter()
            .filter(|(_, entry)| entry.is_none())
            .count()
    }
}

impl Migrator {
    /// Opens a connection of its own.
    ///
    /// # Errors
    /// A URL that does not read, a server that cannot be reached, refuses the login or is older than
    /// PostgreSQL 15.
    pub async fn connect(url: &str) -> Result<Self, MigrateError> {
        Ok(Migrator {
            client: connect::connect(url).await?,
            ledger: Ledger::default(),
            url: url.to_owned(),
            on_behalf_of: None,
            lock_wait: Duration::from_secs(60),
            observer: None,
        })
    }

    /// Who the login acts for, as the ledger shall keep it beside the login.
    #[must_use]
    pub fn on_behalf_of(mut self, actor: impl Into<String>) -> Self {
        self.on_behalf_of = Some(actor.into());
        self
    }

    /// How long to wait for another process that is applying migrations; a minute unless said.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Whom to tell what happens.
    #[must_use]
    pub fn observe(mut self, observer: impl FnMut(Progress<'_>) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Compares the ledger with the sealed migrations. Writes nothing.
    ///
    /// # Errors
    /// Those of the connection and the server. A history that does not fit is told, not refused.
    pub async fn status(&mut self, set: &Migrations) -> Result<Status, MigrateError> {
        self.ledger = Ledger::read(&self.client).await?;
        let applied = self.ledger.applied();
        let entry = |migration: &Migration| {
            applied
                .get(migration.version.as_str())
                .map(|&entry| entry.clone())
        };
        Ok(Status {
            migrations: set
                .iter()
                .map(|migration| (migration.clone(), entry(migration)))
                .collect(),
            begun: self.ledger.begun().cloned().collect(),
            problems: self.ledger.problems(set),
        })
    }

    /// Every row of the ledger, oldest first.
    ///
    /// # Errors
    /// Those of the connection and the server.
    pub async fn history(&mut self) -> Result<Vec<Entry>, MigrateError> {
        self.ledger = Ledger::read(&self.client).await?;
        Ok(self.ledger.entries.clone())
    }

    /// The ledger's row for each migration that is applied, by version.
    ///
    /// # Errors
    /// Those of the connection and the server.
    pub async fn applied(&mut self) -> Result<Vec<Entry>, MigrateError> {
        self.ledger = Ledger::read(&self.client).await?;
        Ok(self.ledger.applied().into_values().cloned().collect())
    }

    /// Applies what is pending, in order, one transaction per file. Where nothing is, writes nothing.
    /// A file outside a transaction, which holds one index, is taken up where it was cut short.
    ///
    /// From any number of processes at once, each migration runs exactly once. Killed at any point,
    /// a second run completes it.
    ///
    /// # Errors
    /// A history that does not fit or a file that cannot run: before anything is run. A statement
    /// that fails: its file is rolled back, the files before it stay applied.
    pub async fn apply(
        &mut self,
        set: &Migrations,
        options: &ApplyOptions,
    ) -> Result<Vec<Entry>, MigrateError> {
        let last = match &options.to {
            Some(version) => known(set, version)?,
            None => set
                .iter()
                .next_back()
                .map_or("", |migration| &migration.version),
        };
        self.ledger = Ledger::read(&self.client).await?;
        let pending = due(&self.ledger, set, last)?;
        for migration in &pending {
            migration.up.check()?;
        }
        let mut done = Vec::new();
        if pending.is_empty() {
            return Ok(done);
        }
        loop {
            self.begin().await?;
            // The list is drawn anew: another process may have worked while this one waited.
            let next = match due(&self.ledger, set, last) {
                Ok(pending) => pending.into_iter().next(),
                Err(error) => {
                    self.end().await?;
                    return Err(error);
                }
            };
            let Some(migration) = next else {
                self.end().await?;
                return Ok(done);
            };
            if migration.up.header.no_transaction && self.ledger.is_new {
                // Its row is written by another connection, which must see the ledger.
                self.end().await?;
                self.ledger.is_new = false;
                continue;
            }
            done.push(self.run(migration, Event::Applied).await?);
            if migration.version == last {
                return Ok(done);
            }
        }
    }

    /// What the given PostgreSQL schemas hold, in a form that compares by text.
    ///
    /// # Errors
    /// Those of the connection and the server.
    pub async fn snapshot<S: AsRef<str>>(
        &self,
        schemas: impl IntoIterator<Item = S>,
    ) -> Result<Snapshot, MigrateError> {
        let snapshot = Snapshot::read(&self.client, schemas).await;
        snapshot.map_err(|error| MigrateError::server("reading the catalog", &error))
    }

    /// Begins a transaction that holds the lock, over a ledger that exists and is fully read.
    pub(super) async fn begin(&mut self) -> Result<(), MigrateError> {
        let observer = &mut self.observer;
        hold::begin(&self.client, self.lock_wait, |holder| {
            if let Some(observer) = observer {
                observer(Progress::Waiting(holder));
            }
        })
        .await?;
        let ready = async {
            if !self.ledger.exists {
                self.ledger.is_new = Ledger::create(&self.client).await?;
                self.ledger.exists = true;
            }
            if !self.ledger.is_current(&self.client).await? {
                self.ledger = Ledger::read(&self.client).await?;
            }
            Ok(())
        }
        .await;
        if ready.is_err() {
            self.ledger = Ledger::default();
            let _ = self.client.batch_execute("rollback").await;
        }
        ready
    }

    /// Ends the transaction. Commits, so that a ledger just created stays.
    pub(super) async fn end(&mut self) -> Result<(), MigrateError> {
        let ended = self.client.batch_execute("commit").await;
        ended.map_err(|error| MigrateError::server("releasing the migration lock", &error))
    }

    /// Runs one file in the transaction that [`begin`](Self::begin) began, which ends it.
    pub(super) async fn run(
        &mut self,
        migration: &Migration,
        event: Event,
    ) -> Result<Entry, MigrateError> {
        self.tell(Progress::Running(migration, event));
        let script = match event {
            Event::RolledBack => &migration.down,
            _ => &migration.up,
        };
        if script.header.no_transaction {
            return match self.run_alone(migration, event).await {
                Ok(entry) => {
                    self.tell(Progress::Done(&entry));
                    Ok(entry)
                }
                Err(error) => {
                    self.ledger = Ledger::default();
                    let _ = self.client.batch_execute("rollback").await;
                    Err(error)
                }
            };
        }
        let on_behalf_of = self.on_behalf_of.as_deref();
        match run::file(&self.client, script, event, migration, on_behalf_of).await {
            Ok(entry) => {
                self.ledger.is_new = false;
                self.ledger.entries.push(entry.clone());
                self.tell(Progress::Done(&entry));
                Ok(entry)
            }
            Err(error) => {
                // A ledger that this transaction created is gone with it.
                self.ledger = Ledger::default();
                Err(error)
            }
        }
    }

    pub(super) fn tell(&mut self, progress: Progress<'_>) {
        if let Some(observer) = &mut self.observer {
            observer(progress);
        }
    }
}

/// The pending migrations up to and with a version.
fn due<'a>(
    ledger: &Ledger,
    set: &'a Migrations,
    last: &str,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let mut pending = ledger.pending(set)?;
    pending.retain(|migration| migration.version.as_str() <= last);
    Ok(pending)
}

/// A version that the lock knows.
pub(super) fn known<'a>(set: &'a Migrations, version: &str) -> Result<&'a str, MigrateError> {
    match set.get(version) {
        Some(migration) => Ok(&migration.version),
        None => Err(MigrateError::Request(format!(
            "no migration has version `{version}`; `cargo tabellion status` lists them"
        ))),
    }
}
