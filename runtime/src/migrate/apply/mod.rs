//! Applying: what is due, one file after another, each exactly once.
//!
//! The usual way sends the files one behind the other and waits for no round trip between them. Where someone
//! else is at work, or was, the engine waits for the lock, reads the ledger anew under it and decides again.

mod flight;
mod hold;
mod index;
mod message;
mod outside;
mod work;

use std::collections::VecDeque;

use self::message::{Message, Part, Prefix, Ran, Sent};
use super::engine::{Migrator, Progress};
use super::error::{Failure, MigrateError, Problems};
use super::ledger::{self, Entry, Event, Ledger, Row, Supabase, Who};
use super::set::{Migration, Migrations, Script};

/// How far to apply.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// The last version to apply; all where `None`.
    pub to: Option<String>,
}

impl Migrator {
    /// Applies what is pending, in order, one transaction per file. Where nothing is, writes nothing.
    /// A file outside a transaction is taken up where it was cut short.
    ///
    /// From any number of processes at once, each migration runs exactly once. Killed at any point,
    /// a second run completes it. What was sent by then the server may still run: the file at work and, over a
    /// direct connection, up to 31 behind it.
    ///
    /// Where the ledger's last row says that the last migration was applied, as it stands here, nothing else is
    /// read. That a row before it was taken away since or tells of another file, which only the ledger's owner can
    /// bring about, is told by [`status`](Self::status) and [`verify`](Self::verify), and by an `apply` that has
    /// something to do.
    ///
    /// # Errors
    /// A history that does not fit, a file that cannot run, an approval that the target asks for and that is
    /// missing: before anything is run. A statement that fails: its file is rolled back, the files before it
    /// stay applied, and the ledger says so.
    pub async fn apply(
        &mut self,
        set: &Migrations,
        options: &ApplyOptions,
    ) -> Result<Vec<Entry>, MigrateError> {
        let mut queue = VecDeque::from(self.due(set, options).await?);
        let mut done = Vec::new();
        let Some(last) = queue.back().map(|migration| &migration.version) else {
            return Ok(done);
        };
        if self.prepare().await? {
            queue = self.still_due(set, last)?.into();
        }
        loop {
            self.fly(&mut queue, Event::Applied, &mut done).await?;
            if queue.is_empty() {
                return Ok(done);
            }
            // The list is drawn anew: another process may have worked while this one waited.
            self.begin().await?;
            queue = match self.still_due(set, last) {
                Ok(due) => due.into(),
                Err(error) => {
                    self.end().await?;
                    return Err(error);
                }
            };
            if let Some(undone) = queue.iter().find(|one| ran(&done, one)) {
                let problem = format!(
                    "migration `{}_{}` has run and the ledger does not hold it as applied: another process has \
                     rolled it back meanwhile, or the ledger's rows are out of order; look at `cargo tabellion \
                     status` and `cargo tabellion verify`",
                    undone.version, undone.name
                );
                self.end().await?;
                return Err(MigrateError::history(problem));
            }
            match queue.pop_front() {
                Some(next) => done.push(self.run(next, Event::Applied).await?),
                None => self.end().await?,
            }
        }
    }

    /// What [`apply`](Self::apply) would run, after every check that it makes, the lock's included. Writes
    /// nothing.
    ///
    /// # Errors
    /// Those of `apply` that come before anything is run.
    pub async fn dry_run(
        &mut self,
        set: &Migrations,
        options: &ApplyOptions,
    ) -> Result<Vec<Migration>, MigrateError> {
        let pending = self.due(set, options).await?;
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        self.hold().await?;
        self.end().await?;
        Ok(pending.into_iter().cloned().collect())
    }

    /// Reads the ledger and gives what is to be applied, all of it fit to run.
    async fn due<'a>(
        &mut self,
        set: &'a Migrations,
        options: &ApplyOptions,
    ) -> Result<Vec<&'a Migration>, MigrateError> {
        self.plain()?;
        if let (None, Some(own)) = (&options.to, self.own_ledger)
            && Ledger::has_all(&self.client, own, set).await
        {
            return Ok(Vec::new());
        }
        let last = match &options.to {
            Some(version) => &set.known(version)?.version,
            None => set
                .iter()
                .next_back()
                .map_or("", |migration| &migration.version),
        };
        self.ledger = Ledger::read_to_write(&self.client).await?;
        if self.ledger.whole().is_err() {
            // A rollback that runs still is waited for.
            self.begin().await?;
            self.end().await?;
            self.ledger.whole()?;
        }
        let pending = due(&self.ledger, set, last)?;
        for migration in &pending {
            migration.up.check()?;
        }
        self.approved(set, &pending)?;
        Ok(pending)
    }

    /// What is still to be applied, from the ledger as it is under the lock.
    fn still_due<'a>(
        &self,
        set: &'a Migrations,
        last: &str,
    ) -> Result<Vec<&'a Migration>, MigrateError> {
        self.ledger.whole()?;
        let pending = due(&self.ledger, set, last)?;
        self.approved(set, &pending)?;
        Ok(pending)
    }
}

impl Migrator {
    /// Takes the lock, in a transaction.
    async fn hold(&mut self) -> Result<(), MigrateError> {
        let observer = &mut self.observer;
        let shared = self.target.pooler.shares_sessions();
        hold::begin(&self.client, self.lock_wait, shared, |holder| {
            if let Some(observer) = observer {
                observer(Progress::Waiting(holder));
            }
        })
        .await
    }

    /// Creates the ledger where it is missing. Says whether it was: what was decided before may be overtaken.
    pub(super) async fn prepare(&mut self) -> Result<bool, MigrateError> {
        let is_missing = !self.ledger.exists;
        if is_missing {
            self.begin().await?;
            self.end().await?;
        }
        Ok(is_missing)
    }

    /// Begins a transaction that holds the lock, over a ledger that exists and is fully read.
    pub(super) async fn begin(&mut self) -> Result<(), MigrateError> {
        self.hold().await?;
        let ready = async {
            if !self.ledger.exists {
                ledger::create(&self.client).await?;
                self.ledger = Ledger::read_to_write(&self.client).await?;
            } else if !self.ledger.is_current(&self.client).await? {
                self.ledger = Ledger::read_to_write(&self.client).await?;
            }
            Ok(())
        }
        .await;
        if ready.is_err() {
            self.abort().await;
        }
        ready
    }

    /// Ends the transaction. Commits, so that a ledger just created stays.
    pub(super) async fn end(&mut self) -> Result<(), MigrateError> {
        let ended = self.client.batch_execute("commit").await;
        ended.map_err(|error| MigrateError::server("releasing the migration lock", &error))
    }

    /// Ends the transaction in which one row was entered that runs no file, and takes the row in.
    pub(super) async fn entered(
        &mut self,
        written: Result<Vec<Entry>, MigrateError>,
    ) -> Result<Entry, MigrateError> {
        match written {
            Ok(entries) => {
                self.end().await?;
                entries.iter().for_each(|entry| self.ledger.push(entry));
                entries.into_iter().next().ok_or_else(|| {
                    MigrateError::Server(
                        "the server did not confirm the ledger's row; run it again".into(),
                    )
                })
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    /// Ends the transaction after an error; nothing that was read in it counts.
    pub(super) async fn abort(&mut self) {
        self.ledger = Ledger::default();
        let _ = self.client.batch_execute("rollback").await;
    }

    /// Runs one file in the transaction that [`begin`](Self::begin) began, which ends it.
    pub(super) async fn run(
        &mut self,
        migration: &Migration,
        event: Event,
    ) -> Result<Entry, MigrateError> {
        if script(migration, event).header.no_transaction {
            self.tell(Progress::Running(migration, event));
            return match self.run_outside(migration, event).await {
                Ok(entry) => {
                    self.tell(Progress::Done(&entry));
                    Ok(entry)
                }
                Err(error) => {
                    self.abort().await;
                    Err(error)
                }
            };
        }
        self.tell(Progress::Running(migration, event));
        let message = self.message(Prefix::begun(), migration, event);
        let sent = message.start(&self.client).await;
        match self.landed(migration, event, sent).await? {
            Ran::Done(entry) => Ok(*entry),
            Ran::Refused(error) => Err(error),
        }
    }

    /// A file and its row, after what stands before it.
    fn message<'a>(
        &self,
        mut prefix: Prefix,
        migration: &'a Migration,
        event: Event,
    ) -> Message<'a> {
        let script = script(migration, event);
        if let Some(statement) = self.in_step(migration, event) {
            prefix.push(&statement);
        }
        let row = Row {
            took: None,
            ..Row::of(event, migration)
        };
        let part = Part {
            script,
            start: 0,
            end: script.sql.len(),
            kept: 0,
        };
        Message::new(prefix, part, &row, self.who())
    }

    /// Waits for a file that was sent, and takes in what came of it.
    async fn landed(
        &mut self,
        migration: &Migration,
        event: Event,
        sent: Sent<'_>,
    ) -> Result<Ran, MigrateError> {
        let mut ran = sent.end(&self.client).await;
        match &mut ran {
            Ok(Ran::Done(entry)) => {
                self.ledger.push(entry);
                self.tell(Progress::Done(entry));
            }
            Ok(Ran::Refused(_)) => {}
            Err(error) => self.record(migration, event, error, None).await,
        }
        ran
    }

    /// What keeps the history of Supabase's tool in step, where there is one. It stands before the file, so
    /// that a migration which that tool has applied meanwhile is not run.
    fn in_step(&self, migration: &Migration, event: Event) -> Option<String> {
        let history = self.ledger.supabase.as_ref()?;
        match event.applies()? {
            true => Some(history.insert(migration, false)),
            false => Some(Supabase::delete(&migration.version)),
        }
    }

    /// Enters a failure in a transaction of its own, where the server still answers; the error says whether it was.
    async fn record(
        &mut self,
        migration: &Migration,
        event: Event,
        error: &mut MigrateError,
        position: Option<usize>,
    ) {
        let MigrateError::Statement(failure) = error else {
            self.ledger = Ledger::default();
            return;
        };
        let note = note(event, failure);
        let row = Row {
            note: Some(&note),
            position,
            ..Row::of(Event::Failed, migration)
        };
        let entered = ledger::enter(&self.client, &[row], self.who(), "", true).await;
        failure.recorded = entered.is_ok();
        match entered {
            Ok(entries) => entries.iter().for_each(|entry| self.ledger.push(entry)),
            Err(_) => self.ledger = Ledger::default(),
        }
    }

    pub(super) fn who(&self) -> Who<'_> {
        Who {
            target: self.target.name.as_deref(),
            guarded: self.target.approval,
            on_behalf_of: self.on_behalf_of.as_deref(),
        }
    }
}

/// Whether a migration has been applied by this call, which applies none twice.
fn ran(done: &[Entry], migration: &Migration) -> bool {
    let own = |entry: &&Entry| entry.version == migration.version;
    done.iter()
        .filter(own)
        .any(|entry| entry.event == Event::Applied)
}

/// What the ledger keeps of a failure: where, and which.
fn note(event: Event, failure: &Failure) -> String {
    let doing = match event.applies() {
        Some(false) => "rollback",
        _ => "apply",
    };
    format!("{doing}, line {}, SQLSTATE {}", failure.line, failure.code)
}

/// The file that an event runs.
fn script(migration: &Migration, event: Event) -> &Script {
    match event {
        Event::RolledBack => &migration.down,
        _ => &migration.up,
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
    let Some(history) = &ledger.supabase else {
        return Ok(pending);
    };
    let theirs = pending
        .iter()
        .filter(|migration| history.holds(&migration.version));
    let problems: Vec<String> = theirs
        .map(|migration| {
            format!(
                "migration `{}_{}` was applied by the Supabase CLI, as `supabase_migrations.schema_migrations` \
                 says, and is not in the ledger; run `cargo tabellion adopt`",
                migration.version, migration.name
            )
        })
        .collect();
    if problems.is_empty() {
        Ok(pending)
    } else {
        Err(MigrateError::History(Problems(problems)))
    }
}
