//! A file outside a transaction: one index, built or dropped concurrently, and taken up where it stopped.
//!
//! The engine's connection holds the migration lock, in an idle transaction of READ COMMITTED, which has
//! no snapshot that CREATE INDEX CONCURRENTLY would wait for; a second connection runs the statement.
//! The ledger says `started` before it and `applied` after it. In between, killed at any point, the
//! index tells how far it came: it is absent, invalid, or done.

use std::time::{Duration, Instant};

use tabellion_sql::file::Concurrent;
use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::QualifiedName;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::engine::Migrator;
use super::error::MigrateError;
use super::hold::first_value;
use super::ledger::{self, Entry, Event};
use super::set::{Migration, Script};
use super::{connect, run};

/// For that session only, which ends with the file: whoever waits for the table's lock longest holds up
/// those behind it, and an index takes as long as it takes.
const LIMITS: &str = "set lock_timeout = '1min'; set statement_timeout = 0";
/// A pooler may give the session to someone else.
const UNLIMITED: &str = "reset lock_timeout; reset statement_timeout";

/// How often a concurrent attempt of a killed run is looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the statement is tried where a killed run's own statement gets in between.
const ATTEMPTS: usize = 3;

/// What there is of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    /// Left by a statement that was cut short: no query uses it, every write maintains it.
    Invalid,
    Valid,
}

impl Migrator {
    /// Runs the file of a migration beside the transaction that holds the lock, and ends that.
    pub(super) async fn run_alone(
        &mut self,
        migration: &Migration,
        event: Event,
    ) -> Result<Entry, MigrateError> {
        let script = match event {
            Event::RolledBack => &migration.down,
            _ => &migration.up,
        };
        let statement = script.alone()?;
        let start = Instant::now();
        self.keep().await?;
        let worker = connect::connect(&self.url).await?;
        let begun = self.ledger.is_begun(&migration.version);
        if begun {
            wait_for_builder(&worker, &statement, self.lock_wait).await?;
        }
        let state = state(&worker, statement.index()).await?;
        let fits = match statement {
            Concurrent::Create { .. } => state == State::Absent,
            Concurrent::Drop { .. } => state != State::Absent,
        };
        // What does not fit is no work of a run that was cut short, so the server refuses it by itself,
        // and nothing is entered.
        if fits && !begun {
            let entry = enter(
                &worker,
                migration,
                Event::Started,
                self.on_behalf_of.as_deref(),
                start,
            );
            let entry = entry.await?;
            self.ledger.entries.push(entry);
        }
        let limited = worker.batch_execute(LIMITS).await;
        limited.map_err(|error| MigrateError::server("setting the time limits", &error))?;
        let ran = bring(&worker, script, &statement, begun).await;
        let _ = worker.batch_execute(UNLIMITED).await;
        if let Err(mut error) = ran {
            let ours = fits || begun;
            let undone = !ours || undo(&worker, &statement).await;
            if ours && undone {
                let failed = enter(
                    &worker,
                    migration,
                    Event::Failed,
                    self.on_behalf_of.as_deref(),
                    start,
                );
                let _ = failed.await;
            }
            if let MigrateError::Statement(failure) = &mut error {
                failure.undone = undone;
            }
            return Err(error);
        }
        self.finish(migration, event, start).await
    }
}

impl Migrator {
    /// Drops what an `apply` that was cut short has built of a migration's index, beside the transaction
    /// that holds the lock, and ends that.
    pub(super) async fn abandon(&mut self, migration: &Migration) -> Result<Entry, MigrateError> {
        let statement = migration.up.builds()?;
        let start = Instant::now();
        self.keep().await?;
        let worker = connect::connect(&self.url).await?;
        wait_for_builder(&worker, &statement, self.lock_wait).await?;
        // The ledger says `started` only where there was no such index, so that a whole one is ours too.
        if state(&worker, statement.index()).await? != State::Absent {
            let dropping = "dropping an index that was half built";
            let limited = worker.batch_execute(LIMITS).await;
            limited.map_err(|error| MigrateError::server("setting the time limits", &error))?;
            let dropped = drop_index(&worker, statement.index()).await;
            let _ = worker.batch_execute(UNLIMITED).await;
            dropped.map_err(|error| MigrateError::server(dropping, &error))?;
        }
        self.finish(migration, Event::Failed, start).await
    }

    /// Lets the transaction that holds the lock be idle for as long as it takes.
    async fn keep(&mut self) -> Result<(), MigrateError> {
        let keep = "set local idle_in_transaction_session_timeout = 0";
        let kept = self.client.batch_execute(keep).await;
        kept.map_err(|error| MigrateError::server("keeping the migration lock", &error))
    }

    /// Enters the event in the transaction that holds the lock, and commits that.
    async fn finish(
        &mut self,
        migration: &Migration,
        event: Event,
        start: Instant,
    ) -> Result<Entry, MigrateError> {
        let on_behalf_of = self.on_behalf_of.as_deref();
        let entry = enter(&self.client, migration, event, on_behalf_of, start).await?;
        let committed = self.client.batch_execute("commit").await;
        committed.map_err(|error| MigrateError::server("committing the ledger's row", &error))?;
        self.ledger.entries.push(entry.clone());
        Ok(entry)
    }
}

/// Writes a row of the ledger.
async fn enter(
    client: &Client,
    migration: &Migration,
    event: Event,
    on_behalf_of: Option<&str>,
    start: Instant,
) -> Result<Entry, MigrateError> {
    let insert = ledger::insert(event, migration, on_behalf_of, Some(start.elapsed()));
    let messages = client.simple_query(&insert).await;
    let messages = messages.map_err(|error| MigrateError::server("writing the ledger", &error))?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(ledger::entry(row)),
        _ => None,
    });
    row.unwrap_or_else(|| {
        Err(MigrateError::Server(
            "the server did not confirm the ledger's row; run it again".into(),
        ))
    })
}

/// Brings the index to where the statement leads, from wherever a run before this one left it.
async fn bring(
    worker: &Client,
    script: &Script,
    statement: &Concurrent,
    begun: bool,
) -> Result<(), MigrateError> {
    let index = statement.index();
    for attempt in 1.. {
        if begun {
            match (statement, state(worker, index).await?) {
                (Concurrent::Create { .. }, State::Valid)
                | (Concurrent::Drop { .. }, State::Absent) => return Ok(()),
                (Concurrent::Create { .. }, State::Invalid) => {
                    drop_index(worker, index).await.map_err(|error| {
                        MigrateError::server("dropping an index that was half built", &error)
                    })?;
                }
                _ => {}
            }
        }
        let Err(error) = worker.batch_execute(&script.sql).await else {
            return Ok(());
        };
        // 42P07, 42704: the statement of a killed run, which the server had still queued, was quicker.
        let overtaken = error
            .code()
            .is_some_and(|code| matches!(code.code(), "42P07" | "42704"));
        if !(begun && overtaken && attempt < ATTEMPTS) {
            return Err(run::failure(script, &error, 0));
        }
    }
    Ok(())
}

/// Removes what a failed `create` left; says whether nothing is left.
async fn undo(worker: &Client, statement: &Concurrent) -> bool {
    let index = statement.index();
    match (statement, state(worker, index).await) {
        (Concurrent::Create { .. }, Ok(State::Absent)) => true,
        (Concurrent::Create { .. }, Ok(State::Invalid)) => {
            let limited = worker.batch_execute(LIMITS).await.is_ok();
            let dropped = limited && drop_index(worker, index).await.is_ok();
            let _ = worker.batch_execute(UNLIMITED).await;
            dropped
        }
        // The index is as valid as before, where the statement did not come to mark it.
        (Concurrent::Drop { .. }, Ok(State::Valid)) => true,
        _ => false,
    }
}

async fn drop_index(worker: &Client, index: &QualifiedName) -> Result<(), tokio_postgres::Error> {
    let drop = format!("drop index concurrently if exists {index}");
    worker.batch_execute(&drop).await
}

async fn state(client: &Client, index: &QualifiedName) -> Result<State, MigrateError> {
    let query = format!(
        "select coalesce(i.indisvalid and i.indisready, true)
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         left join pg_catalog.pg_index i on i.indexrelid = c.oid
         where n.nspname = {} and c.relname = {}",
        quote_literal(&index.schema),
        quote_literal(&index.name)
    );
    let messages = client.simple_query(&query).await;
    let messages =
        messages.map_err(|error| MigrateError::server("looking for the index", &error))?;
    Ok(match first_value(&messages) {
        None => State::Absent,
        Some("t") => State::Valid,
        Some(_) => State::Invalid,
    })
}

/// Waits for the statement of a killed run: its server process works on until it has something to say
/// to someone who is gone.
async fn wait_for_builder(
    worker: &Client,
    statement: &Concurrent,
    wait: Duration,
) -> Result<(), MigrateError> {
    let Concurrent::Create { table, .. } = statement else {
        return Ok(());
    };
    let query = format!(
        "select p.pid from pg_catalog.pg_stat_progress_create_index p
         join pg_catalog.pg_class c on c.oid = p.relid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where p.datname = pg_catalog.current_database()
           and n.nspname = {} and c.relname = {}",
        quote_literal(&table.schema),
        quote_literal(&table.name)
    );
    let start = Instant::now();
    loop {
        let messages = worker.simple_query(&query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("looking for index builds", &error))?;
        let Some(pid) = first_value(&messages) else {
            return Ok(());
        };
        if start.elapsed() >= wait {
            return Err(MigrateError::Held(format!(
                "process {pid} of the server still builds an index on `{table}`, for longer than {} s; wait for \
                 it and try again, or end it with `pg_terminate_backend({pid})`",
                wait.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
