//! An index that is built or dropped concurrently: what there is of it, and how it is brought to its end.

use std::time::{Duration, Instant};

use tabellion_sql::file::{Concurrent, built_on};
use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::QualifiedName;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

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
    /// What goes by its name is not what the statement builds, and so nobody's half-done work.
    Other,
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
            match (
                statement,
                find(worker, sql, statement).await.map_err(Fault::Ours)?,
            ) {
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
pub(super) async fn undo(worker: &Client, sql: &str, statement: &Concurrent) -> bool {
    let index = statement.index();
    match (statement, find(worker, sql, statement).await) {
        (Concurrent::Create { .. }, Ok(State::Absent | State::Other)) => true,
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

/// What there is of the index that a statement builds or drops, where a run may have begun to.
pub(super) async fn find(
    client: &Client,
    sql: &str,
    statement: &Concurrent,
) -> Result<State, MigrateError> {
    match (state(client, statement.index()).await?, statement) {
        (State::Valid | State::Invalid, Concurrent::Create { index, table })
            if !is_built_by(client, sql, index, table).await? =>
        {
            Ok(State::Other)
        }
        (found, _) => Ok(found),
    }
}

/// What there is by the name of an index.
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

/// Whether the index of that name is on that table, and defined as the statement says: as the server prints
/// what the statement builds on a table of the same columns, which is gone with the transaction.
async fn is_built_by(
    client: &Client,
    sql: &str,
    index: &QualifiedName,
    table: &QualifiedName,
) -> Result<bool, MigrateError> {
    let doing = "comparing the index that is there with the statement";
    // Of the same name, since the statement may qualify its columns.
    let copy = QualifiedName::new("pg_temp", &table.name);
    let Some(build) = built_on(sql, &copy) else {
        return Ok(false);
    };
    let begin = "begin isolation level read committed read write; set local lock_timeout = '1min'";
    let begun = client.batch_execute(begin).await;
    begun.map_err(|error| MigrateError::server(doing, &error))?;
    let printed = async {
        // The file's own words, and read as it is when it is run: before the path is ours.
        let copied = format!("create table {copy} (like {table})");
        client.batch_execute(&copied).await?;
        client.batch_execute(&build).await?;
        client.simple_query(&definitions(index, table)).await
    }
    .await;
    let ended = client.batch_execute("rollback").await;
    ended.map_err(|error| MigrateError::server(doing, &error))?;
    match printed {
        Ok(messages) => Ok(first_value(&messages) == Some("t")),
        // What the statement cannot build, it has not built.
        Err(error) if error.code().is_some_and(is_of_statement) => Ok(false),
        Err(error) => Err(MigrateError::server(doing, &error)),
    }
}

/// Whether an error is a statement's own: class 42, but for a privilege that is missing.
fn is_of_statement(code: &SqlState) -> bool {
    code.code().starts_with("42") && *code != SqlState::INSUFFICIENT_PRIVILEGE
}

/// Asks whether the index and that of its name on the table's copy are on the right tables, and the same.
fn definitions(index: &QualifiedName, table: &QualifiedName) -> String {
    format!(
        "{NO_PATH}select (select i.indrelid = t.oid and i.indisunique = j.indisunique
           and pg_catalog.substring(pg_catalog.pg_get_indexdef(i.indexrelid), ' USING .*')
             = pg_catalog.substring(pg_catalog.pg_get_indexdef(j.indexrelid), ' USING .*')
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_index i on i.indexrelid = c.oid
         cross join pg_catalog.pg_class t
         join pg_catalog.pg_namespace m on m.oid = t.relnamespace
         cross join pg_catalog.pg_class d
         join pg_catalog.pg_index j on j.indexrelid = d.oid
         where n.nspname = {0} and c.relname = {1} and m.nspname = {0} and t.relname = {2}
           and d.relname = {1} and d.relnamespace = pg_catalog.pg_my_temp_schema())",
        quote_literal(&index.schema),
        quote_literal(&index.name),
        quote_literal(&table.name)
    )
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
