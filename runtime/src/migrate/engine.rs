//! The engine: how it is set up, and what it reads.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio_postgres::Client;

use super::connect;
use super::error::MigrateError;
use super::ledger::{Entry, Event, Ledger, Own};
use super::set::{Migration, Migrations};
use super::target::Target;
use crate::catalog::Snapshot;

/// What the engine tells while it works.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process holds the migration lock: who.
    Waiting(&'a str),
    /// A file begins to run.
    Running(&'a Migration, Event),
    /// A statement of a file outside a transaction begins to run.
    Statement {
        /// The file's migration.
        migration: &'a Migration,
        /// What the file is run for.
        event: Event,
        /// Which statement, from 1.
        number: usize,
        /// How many the file holds.
        of: usize,
    },
    /// It has committed; its row of the ledger.
    Done(&'a Entry),
}

pub(super) type Observer = Box<dyn FnMut(Progress<'_>) + Send>;

/// Applies migrations to one database, and undoes them. Nothing happens but by its methods.
pub struct Migrator {
    pub(super) client: Client,
    /// Whether a ledger of this login's own was found while connecting.
    pub(super) own_ledger: Option<Own>,
    pub(super) ledger: Ledger,
    /// For the second connection of a file that runs outside a transaction.
    pub(super) url: String,
    /// Whether that connection leads past the pooler.
    pub(super) is_past_pooler: bool,
    pub(super) target: Target,
    pub(super) on_behalf_of: Option<String>,
    pub(super) lock_wait: Duration,
    pub(super) observer: Option<Observer>,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").finish_non_exhaustive()
    }
}

/// The migrations of a project against the ledger of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Every sealed migration in order, with the event that applied it where it is applied.
    pub migrations: Vec<(Migration, Option<Entry>)>,
    /// The approvals that count on this target, by version.
    pub approvals: BTreeMap<String, Entry>,
    /// Versions that the Supabase CLI has applied and the ledger does not know as applied, with their names.
    pub elsewhere: Vec<(String, String)>,
    /// The rows of what was begun outside a transaction, up or back, and has not finished: it was cut short,
    /// or another process is at it.
    pub begun: Vec<Entry>,
    /// The last row of the target that guards the database, which takes nothing from a target that asks for no
    /// approvals; see [`Migrator::claim`].
    pub guard: Option<Entry>,
    /// What keeps ledger and lock from being one history, and each rollback outside a transaction that was begun and
    /// has not finished, over which nothing is applied; empty where all is well.
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
    /// Opens a connection of its own, and looks whose ledger is there.
    ///
    /// # Errors
    /// A URL that does not read, a server that cannot be reached, refuses the login or is older than
    /// PostgreSQL 15.
    pub async fn connect(url: &str) -> Result<Self, MigrateError> {
        let client = connect::connect(url).await?;
        Ok(Migrator {
            own_ledger: Ledger::own(&client).await,
            client,
            ledger: Ledger::default(),
            url: url.to_owned(),
            is_past_pooler: false,
            target: Target::default(),
            on_behalf_of: None,
            lock_wait: Duration::from_secs(60),
            observer: None,
        })
    }

    /// Which target the database is; [`Target::default`] unless said.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// The URL of a connection past the pooler, for files that run outside a transaction: their statements
    /// then wait for a table's lock for a minute at most and have no time limit, which no pooler can promise.
    #[must_use]
    pub fn direct_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self.is_past_pooler = true;
        self
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
        let mut problems = self.ledger.problems(set);
        problems.extend(self.ledger.half_undone());
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
            approvals: self
                .ledger
                .approvals(set, self.target.name.as_deref())
                .into_iter()
                .map(|(version, entry)| (version.to_owned(), entry.clone()))
                .collect(),
            elsewhere: self.ledger.elsewhere(),
            begun: self.ledger.begun().into_values().cloned().collect(),
            guard: self.ledger.guard().cloned(),
            problems,
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

    pub(super) fn tell(&mut self, progress: Progress<'_>) {
        if let Some(observer) = &mut self.observer {
            observer(progress);
        }
    }
}
