//! Running one file: its text and its ledger row as one message, in the transaction that holds the lock.

use futures_util::TryStreamExt;
use tabellion_sql::file::statements;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::error::{Failure, MigrateError, message_on_file, position};
use super::ledger::{self, Entry, Event};
use super::set::{Migration, Script, first_line};

/// Ends the file whatever it ends with, and takes back what it set for the session: a role, which
/// might not write the ledger, and settings, which the next file must not inherit.
const AFTER: &str = "\n;reset session authorization;reset role;reset all;\n";

/// Runs a file and enters the event. On success the transaction is committed, on failure rolled back.
pub(super) async fn file(
    client: &Client,
    script: &Script,
    event: Event,
    migration: &Migration,
    on_behalf_of: Option<&str>,
) -> Result<Entry, MigrateError> {
    // The file comes first, so that positions in the message are positions in the file.
    let sent = format!(
        "{}{AFTER}{};commit",
        script.sql,
        ledger::insert(event, migration, on_behalf_of, None)
    );
    let mut completed = 0;
    match send(client, &sent, &mut completed).await {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err(MigrateError::Server(format!(
            "the server did not confirm `{}`; run `cargo tabellion status` to see whether it is applied",
            script.path
        ))),
        Err(error) => {
            let failed = failure(script, &error, completed);
            // A lost connection rolls back by itself.
            let _ = client.batch_execute("rollback").await;
            Err(failed)
        }
    }
}

/// Sends the message; gives the ledger's row, and counts the statements that completed.
async fn send(
    client: &Client,
    sent: &str,
    completed: &mut usize,
) -> Result<Option<Entry>, tokio_postgres::Error> {
    let stream = client.simple_query_raw(sent).await?;
    let mut stream = std::pin::pin!(stream);
    let mut last = None;
    while let Some(message) = stream.try_next().await? {
        match message {
            SimpleQueryMessage::CommandComplete(_) => *completed += 1,
            SimpleQueryMessage::Row(row) => last = Some(row),
            _ => {}
        }
    }
    // The last row of all is the ledger's: a file's own rows come before it.
    Ok(last.and_then(|row| ledger::entry(&row).ok()))
}

pub(super) fn failure(
    script: &Script,
    error: &tokio_postgres::Error,
    completed: usize,
) -> MigrateError {
    let Some(db) = error.as_db_error() else {
        return MigrateError::Connection(format!(
            "the connection was lost while `{}` ran; run it again: what is applied stays applied, and \
             nothing is applied by half",
            script.path
        ));
    };
    // The splitter has passed this text before anything was run.
    let found = statements(&script.sql).unwrap_or_default();
    let at = position(db).and_then(|characters| {
        let (byte, _) = script
            .sql
            .char_indices()
            .nth(characters.saturating_sub(1))?;
        Some(byte)
    });
    let index = match at {
        Some(byte) => found.iter().rposition(|statement| statement.start <= byte),
        None => (completed < found.len()).then_some(completed),
    };
    let Some(statement) = index.and_then(|index| found.get(index)) else {
        return MigrateError::Statement(Box::new(Failure {
            file: script.path.clone(),
            line: script.sql.lines().count().max(1),
            statement: "commit, with the ledger's row".into(),
            code: db.code().code().into(),
            message: message_on_file(db),
            undone: true,
        }));
    };
    let line = at.map_or(statement.line, |byte| {
        script.sql[..byte].matches('\n').count() + 1
    });
    MigrateError::Statement(Box::new(Failure {
        file: script.path.clone(),
        line,
        statement: first_line(statement.text),
        code: db.code().code().into(),
        message: message_on_file(db),
        undone: true,
    }))
}
