//! The lock that keeps two appliers apart: an advisory lock of a transaction, polled.
//!
//! A transaction's lock dies with it, so a transaction pooler cannot strand it and a killed process
//! cannot keep it. Polling leaves no transaction waiting, which would block CREATE INDEX CONCURRENTLY.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::message::CLEAN;
use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::first_value;

/// The key within the database; the letters `tabellio` as a number.
pub(super) const KEY: i64 = 0x7461_6265_6c6c_696f;

/// The first wait between two attempts; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(250);

/// Begins a transaction that holds the lock, or waits for it at most so long.
///
/// `waiting` is told once who holds the lock. In a session that a pooler shares, what another client left
/// there is taken back first.
pub(super) async fn begin(
    client: &Client,
    wait: Duration,
    shared_session: bool,
    mut waiting: impl FnMut(&str),
) -> Result<(), MigrateError> {
    let doing = "taking the migration lock";
    // The server reads a whole message before it runs any of it, so how it reads the quotes of a file,
    // which must be as the file was checked, is set before the file is sent.
    let clean = if shared_session { CLEAN } else { "" };
    let attempt = format!(
        "begin isolation level read committed read write; {clean} {NO_PATH} set local standard_conforming_strings = on; \
         select pg_catalog.pg_try_advisory_xact_lock({KEY})"
    );
    let start = Instant::now();
    let mut pause = FIRST;
    let mut told = false;
    loop {
        let messages = match client.simple_query(&attempt).await {
            Ok(messages) => messages,
            Err(error) => {
                let _ = client.batch_execute("rollback").await;
                return Err(MigrateError::server(doing, &error));
            }
        };
        if first_value(&messages) == Some("t") {
            return Ok(());
        }
        let released = client.batch_execute("rollback").await;
        released.map_err(|error| MigrateError::server(doing, &error))?;
        let waited = start.elapsed();
        if !told || waited >= wait {
            let holder = holder(client).await;
            if waited >= wait {
                return Err(MigrateError::Held(format!(
                    "another process has been applying migrations for longer than {} s: {holder}; wait for it \
                     and try again, or end it",
                    wait.as_secs()
                )));
            }
            told = true;
            waiting(&holder);
        }
        tokio::time::sleep(pause.min(wait.saturating_sub(waited))).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Whether someone holds the lock of the database that a session is in.
pub(super) async fn is_held(client: &Client) -> Result<bool, MigrateError> {
    let query = format!("{NO_PATH}select exists (select {})", granted());
    let messages = client.simple_query(&query).await;
    let messages =
        messages.map_err(|error| MigrateError::server("looking for the migration lock", &error))?;
    Ok(first_value(&messages) == Some("t"))
}

/// The lock, as `pg_locks` shows it once it is taken.
fn granted() -> String {
    let (high, low) = (KEY >> 32, KEY & 0xffff_ffff);
    format!(
        "from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
         where l.locktype = 'advisory' and l.granted and l.objsubid = 1
           and l.classid = {high} and l.objid = {low}
           and l.database = (
             select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())"
    )
}

/// Who holds the lock, in words.
async fn holder(client: &Client) -> String {
    let query = format!(
        "{NO_PATH}select 'process ' || a.pid || ' of `' || coalesce(a.usename, '?') || '`'
           || coalesce(' (' || nullif(a.application_name, '') || ')', '')
           || coalesce(' from ' || pg_catalog.host(a.client_addr), '')
           || coalesce(', since ' || pg_catalog.to_char(
                a.xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), '')
         {}",
        granted()
    );
    let messages = client.simple_query(&query).await.unwrap_or_default();
    first_value(&messages).map_or_else(|| "one that ended meanwhile".into(), str::to_owned)
}
