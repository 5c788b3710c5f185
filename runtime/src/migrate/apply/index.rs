//! An index that is built or dropped concurrently: what there is of it, and how it is brought to its end.

use std::time::{Duration, Instant};

use tabellion_sql::file::Concurrent;
use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::QualifiedName;
use tokio_postgres::Client;

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::first_value;

/// How often a statement of a killed run is looked at again.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// How often the statement is tried where a killed run's own statement gets in between.
const ATTEMPTS: usize = 3;

/// What there is of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Absent,
    /// Left by a statement that was cut short: no query uses it, every write maintains it.
    Invalid,
    Valid,
}

/// Whose statement failed.
pub(super) enum Fault {
    /// One of the engine's own.
    Ours(MigrateError),
    /// The file's.
    Theirs(tokio_postgres::Error),
}

/// Brings the index to where the statement leads, from wherever a run before this one left it.
pub(super) async fn bring(
    worker: &Client,
    sql: &str,
    statement: &Concurrent,
    begun: bool,
) -> Result<(), Fault> {
    let index = statement.index();
    for attempt in 1.. {
        if begun {
            match (statement, state(worker, index).await.map_err(Fault::Ours)?) {
                (Concurrent::Create { .. }, State::Valid)
                | (Concurrent::Drop { .. }, State::Absent) => return Ok(()),
                (Concurrent::Create { .. }, State::Invalid) => {
                    drop_index(worker, index).await.map_err(|error| {
                        let doing = "dropping an index that was half built";
                        Fault::Ours(MigrateError::server(doing, &error))
                    })?;
                }
                _ => {}
            }
        }
        let Err(error) = worker.batch_execute(sql).await else {
            return Ok(());
        };
        // 42P07, 42704: the statement of a killed run, which the server had still queued, was quicker.
        let overtaken = error
            .code()
            .is_some_and(|code| matches!(code.code(), "42P07" | "42704"));
        if !(begun && overtaken && attempt < ATTEMPTS) {
            return Err(Fault::Theirs(error));
        }
    }
    Ok(())
}

/// Removes what a failed `create` left; says whether nothing is left.
pub(super) async fn undo(worker: &Client, statement: &Concurrent) -> bool {
    let index = statement.index();
    match (statement, state(worker, index).await) {
        (Concurrent::Create { .. }, Ok(State::Absent)) => true,
        (Concurrent::Create { .. }, Ok(State::Invalid)) => drop_index(worker, index).await.is_ok(),
        // The index is as valid as before, where the statement did not come to mark it.
        (Concurrent::Drop { .. }, Ok(State::Valid)) => true,
        _ => false,
    }
}

pub(super) async fn drop_index(
    worker: &Client,
    index: &QualifiedName,
) -> Result<(), tokio_postgres::Error> {
    let drop = format!("drop index concurrently if exists {index}");
    worker.batch_execute(&drop).await
}

pub(super) async fn state(client: &Client, index: &QualifiedName) -> Result<State, MigrateError> {
    let query = format!(
        "{NO_PATH}select coalesce(i.indisvalid and i.indisready, true)
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
///
/// Where that one still waits for the table, a second build behind it would end in a deadlock: the first
/// waits, before it ends, for whoever has a snapshot, as the second has while it waits for the table.
pub(super) async fn wait_for_killed(
    worker: &Client,
    sql: &str,
    statement: &Concurrent,
    wait: Duration,
) -> Result<(), MigrateError> {
    // The server cuts what it shows of a long statement.
    let mut query = format!(
        "select a.pid from pg_catalog.pg_stat_activity a
         where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
           and a.state = 'active' and a.query <> '' and pg_catalog.starts_with({}, a.query)",
        quote_literal(sql)
    );
    let what = match statement {
        Concurrent::Create { table, .. } => {
            query.push_str(&format!(
                " union all
                 select p.pid from pg_catalog.pg_stat_progress_create_index p
                 join pg_catalog.pg_class c on c.oid = p.relid
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                 where p.datname = pg_catalog.current_database()
                   and n.nspname = {} and c.relname = {}",
                quote_literal(&table.schema),
                quote_literal(&table.name)
            ));
            format!("builds an index on `{table}`")
        }
        Concurrent::Drop { index } => format!("drops the index `{index}`"),
    };
    let start = Instant::now();
    loop {
        let messages = worker.simple_query(&format!("{NO_PATH}{query}")).await;
        let messages = messages
            .map_err(|error| MigrateError::server("looking for statements at work", &error))?;
        let Some(pid) = first_value(&messages) else {
            return Ok(());
        };
        if start.elapsed() >= wait {
            return Err(MigrateError::Held(format!(
                "process {pid} of the server still {what}, for longer than {} s; wait for it and try again, or \
                 end it with `pg_terminate_backend({pid})`",
                wait.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
