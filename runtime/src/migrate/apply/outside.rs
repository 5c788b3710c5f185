//! A file outside a transaction: statement by statement, each entered as it is reached, and taken up where
//! it stopped.
//!
//! The engine's connection holds the migration lock, in an idle transaction of READ COMMITTED, which has
//! no snapshot that CREATE INDEX CONCURRENTLY would wait for; a second connection runs the statements.
//! One that may run in a transaction shares it with its row `started`, so that it runs once. For the others
//! the row comes first; what of them is there tells how far they came. No row is entered over one that another
//! process has entered meanwhile, as it may where the session that holds the lock was ended.

use std::time::Instant;

use tabellion_sql::file::{Concurrent, Step};
use tokio_postgres::Client;

use super::hold;
use super::index::{self, State};
use super::message::{self, Place, Prefix, Ran};
use super::script;
use super::work::{Reached, Work};
use crate::migrate::connect;
use crate::migrate::engine::{Migrator, Progress};
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::{self, Entry, Event, Ledger, Row};
use crate::migrate::set::{Migration, Script};

/// The key of the lock that a statement holds which shares a transaction with its row: the letters
/// `tabstmnt` as a number. The server may still run it for a process that was killed, whose migration lock
/// is free.
const STATEMENT: i64 = 0x7461_6273_746d_6e74;

impl Migrator {
    /// Runs the file of a migration beside the transaction that holds the lock, and ends that.
    pub(super) async fn run_outside(
        &mut self,
        migration: &Migration,
        event: Event,
    ) -> Result<Entry, MigrateError> {
        let start = Instant::now();
        let script = script(migration, event);
        let steps = script.steps()?;
        let work = Work {
            migration,
            event,
            script,
            steps,
            worker: self.worker().await?,
            is_own: self.has_own_worker(),
        };
        let mut reached = work.reached(&self.ledger);
        while reached.done < work.steps.len() {
            let index = reached.done;
            self.tell(Progress::Statement {
                migration,
                event,
                number: index + 1,
                of: work.steps.len(),
            });
            holds(&self.client, script).await?;
            let by_half = reached.by_half;
            reached = match &work.steps[index].1 {
                Step::Inside => self.inside(&work, index).await?,
                Step::Index(statement) => self.index(&work, index, statement, by_half).await?,
                Step::Repeatable => self.repeatable(&work, index, by_half).await?,
            };
        }
        self.finish(migration, event, start).await
    }

    /// Drops what an `apply` that was cut short has built of a migration's index, beside the transaction
    /// that holds the lock, and ends that.
    pub(in crate::migrate) async fn abandon(
        &mut self,
        migration: &Migration,
    ) -> Result<Entry, MigrateError> {
        let reached = self
            .ledger
            .begun()
            .get(migration.version.as_str())
            .and_then(|e| e.position);
        let statement = migration.up.builds(reached.unwrap_or(1))?;
        let start = Instant::now();
        let work = Work {
            migration,
            event: Event::Failed,
            script: &migration.up,
            steps: migration.up.steps()?,
            worker: self.worker().await?,
            is_own: self.has_own_worker(),
        };
        let sql = work.steps[0].0.text;
        index::wait_for_killed(&work.worker, sql, &statement, self.lock_wait).await?;
        // The ledger says `started` only where there was no such index, so that a whole one is ours too, unless
        // it is another.
        let found = index::find(&work.worker, sql, &statement).await?;
        if !matches!(found, State::Absent | State::Other) {
            work.limit().await?;
            let dropped = index::drop_index(&work.worker, statement.index()).await;
            work.unlimit().await;
            let dropping = "dropping an index that was half built";
            dropped.map_err(|error| MigrateError::server(dropping, &error))?;
        }
        self.finish(migration, Event::Failed, start).await
    }

    /// Lets the transaction that holds the lock be idle for as long as it takes, and opens the second
    /// connection.
    async fn worker(&mut self) -> Result<Client, MigrateError> {
        let keep = "set local idle_in_transaction_session_timeout = 0";
        let kept = self.client.batch_execute(keep).await;
        kept.map_err(|error| MigrateError::server("keeping the migration lock", &error))?;
        let worker = connect::connect(&self.url).await?;
        if self.is_past_pooler && !hold::is_held(&worker).await? {
            return Err(MigrateError::Request(
                "the connection past the pooler leads to another database than the one through it, since the \
                 migration lock is not held there; see what both URLs name"
                    .into(),
            ));
        }
        Ok(worker)
    }

    fn has_own_worker(&self) -> bool {
        self.is_past_pooler || !self.target.pooler.shares_sessions()
    }

    /// Runs a statement together with its row.
    async fn inside(&mut self, work: &Work<'_>, index: usize) -> Result<Reached, MigrateError> {
        let row = Row {
            position: Some(index + 1),
            took: None,
            ..Row::of(Event::Started, work.migration)
        };
        let start = Instant::now();
        loop {
            let prefix = Prefix::guarded(STATEMENT, self.ledger.last_id(), !work.is_own);
            let part = work.part(index);
            let ran = message::run(&work.worker, prefix, part, &row, self.who()).await;
            match ran {
                Ok(Ran::Done(entry)) => {
                    self.ledger.push(&entry);
                    return Ok(Reached::past(index));
                }
                Ok(Ran::Refused(error)) => {
                    let reached = self.look_again(work, start, error).await?;
                    if reached != Reached::before(index) {
                        return Ok(reached);
                    }
                }
                Err(mut error) => {
                    self.fail(work, index, &mut error, true).await;
                    return Err(error);
                }
            }
        }
    }

    /// After a refusal: the server still runs a statement for a process that was killed, or did so meanwhile.
    async fn look_again(
        &mut self,
        work: &Work<'_>,
        start: Instant,
        refusal: MigrateError,
    ) -> Result<Reached, MigrateError> {
        if start.elapsed() >= self.lock_wait {
            return Err(refusal);
        }
        tokio::time::sleep(index::PAUSE).await;
        if work.is_own {
            let set = "set standard_conforming_strings = on";
            let set = work.worker.batch_execute(set).await;
            set.map_err(|error| MigrateError::server("setting how quotes are read", &error))?;
        }
        holds(&self.client, work.script).await?;
        self.ledger = Ledger::read_to_write(&work.worker).await?;
        Ok(work.reached(&self.ledger))
    }

    /// Builds or drops an index.
    async fn index(
        &mut self,
        work: &Work<'_>,
        index: usize,
        statement: &Concurrent,
        by_half: bool,
    ) -> Result<Reached, MigrateError> {
        let worker = &work.worker;
        let sql = work.steps[index].0.text;
        let state = if by_half {
            index::wait_for_killed(worker, sql, statement, self.lock_wait).await?;
            index::find(worker, sql, statement).await?
        } else {
            index::state(worker, statement.index()).await?
        };
        let fits = match statement {
            Concurrent::Create { .. } => state == State::Absent,
            Concurrent::Drop { .. } => state != State::Absent,
        };
        // What does not fit is no work of a run that was cut short, so the server refuses it by itself,
        // and the statement is not entered as reached.
        if fits
            && !by_half
            && let Some(reached) = self.reach(work, index).await?
        {
            return Ok(reached);
        }
        work.limit().await?;
        let ran = index::bring(worker, sql, statement, by_half).await;
        work.unlimit().await;
        let Err(fault) = ran else {
            return Ok(Reached::past(index));
        };
        let mut error = match fault {
            index::Fault::Ours(error) => return Err(error),
            index::Fault::Theirs(error) => {
                message::failure(work.part(index), &error, Place::default())
            }
        };
        let is_ours = fits || by_half;
        let undone = !is_ours || {
            work.limit().await?;
            let undone = index::undo(worker, sql, statement).await;
            work.unlimit().await;
            undone
        };
        if let MigrateError::Statement(failure) = &mut error {
            failure.undone = undone;
        }
        self.fail(work, index, &mut error, undone).await;
        Err(error)
    }

    /// Runs a statement that may be run twice.
    async fn repeatable(
        &mut self,
        work: &Work<'_>,
        index: usize,
        by_half: bool,
    ) -> Result<Reached, MigrateError> {
        if !by_half && let Some(reached) = self.reach(work, index).await? {
            return Ok(reached);
        }
        work.limit().await?;
        let ran = work.worker.batch_execute(work.steps[index].0.text).await;
        work.unlimit().await;
        let Err(error) = ran else {
            return Ok(Reached::past(index));
        };
        let mut error = message::failure(work.part(index), &error, Place::default());
        self.fail(work, index, &mut error, true).await;
        Err(error)
    }

    /// Enters that a statement is about to run; or gives how far another process has come meanwhile.
    async fn reach(
        &mut self,
        work: &Work<'_>,
        index: usize,
    ) -> Result<Option<Reached>, MigrateError> {
        let row = Row {
            position: Some(index + 1),
            ..Row::of(Event::Started, work.migration)
        };
        let start = Instant::now();
        loop {
            let prefix = Prefix::guarded(STATEMENT, self.ledger.last_id(), !work.is_own);
            match message::enter(&work.worker, &prefix, &row, self.who()).await? {
                Ran::Done(entry) => {
                    self.ledger.push(&entry);
                    return Ok(None);
                }
                Ran::Refused(error) => {
                    let reached = self.look_again(work, start, error).await?;
                    if reached != Reached::before(index) {
                        return Ok(Some(reached));
                    }
                }
            }
        }
    }

    /// Enters a failure. What a statement has left by half is entered as reached once more.
    async fn fail(
        &mut self,
        work: &Work<'_>,
        index: usize,
        error: &mut MigrateError,
        undone: bool,
    ) {
        let MigrateError::Statement(failure) = error else {
            return;
        };
        let note = super::note(work.event, failure);
        let stays = index > 0 || !undone;
        let failed = Row {
            note: Some(&note),
            position: stays.then_some(index + 1),
            ..Row::of(Event::Failed, work.migration)
        };
        let reached = Row {
            position: Some(index + 1),
            ..Row::of(Event::Started, work.migration)
        };
        let rows = if undone {
            &[failed][..]
        } else {
            &[failed, reached]
        };
        // Where even this is refused, the ledger says what it said: that the statement was reached.
        let entered = ledger::enter(&work.worker, rows, self.who(), "", true).await;
        failure.recorded = entered.is_ok();
    }

    /// Enters the event in the transaction that holds the lock, and commits that.
    async fn finish(
        &mut self,
        migration: &Migration,
        event: Event,
        start: Instant,
    ) -> Result<Entry, MigrateError> {
        let row = Row {
            took: Some(start.elapsed()),
            ..Row::of(event, migration)
        };
        let beside = self.in_step(migration, event).unwrap_or_default();
        let entries = ledger::enter(&self.client, &[row], self.who(), &beside, false).await?;
        let committed = self.client.batch_execute("commit").await;
        committed.map_err(|error| MigrateError::server("committing the ledger's row", &error))?;
        entries.iter().for_each(|entry| self.ledger.push(entry));
        entries.into_iter().next().ok_or_else(|| {
            MigrateError::Server("the server did not confirm the ledger's row; run it again".into())
        })
    }
}

/// Sees that the migration lock is still held: whoever ends idle sessions may have ended that one.
async fn holds(client: &Client, script: &Script) -> Result<(), MigrateError> {
    let held = client.batch_execute("select 1").await;
    held.map_err(|_| {
        MigrateError::Connection(format!(
            "the session that held the migration lock was ended while `{}` ran; run it again: it goes on \
             where it was cut short",
            script.path
        ))
    })
}
