//! Running what shares a transaction with its row of the ledger: one message from `begin` to `commit`.
//!
//! The server runs the statements of a message in order and skips the rest at the first that fails, so what
//! stands in front of a file guards it: that nobody else holds the lock, and that the ledger is as it was read.

use futures_util::TryStreamExt;
use tabellion_sql::file::statements;
use tabellion_sql::ident::quote_literal;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryStream};

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::{Failure, MigrateError, message_on_file, position};
use crate::migrate::ledger::{Draft, Entry, Event, Row, TAKE_TURN, Who};
use crate::migrate::set::{Migration, Script, first_line};

/// Goes before a file, which finds what it names as psql would; what stands before this does not.
const BEFORE: &str = "reset search_path;";

/// Ends the file whatever it ends with, and takes back what it set for the session: a role, which
/// might not write the ledger, and settings, which the next file must not inherit. Nor must it meet what the
/// file made for the session, which it would not meet on another day, and which hides a table of the same name.
const AFTER: &str = "\n;reset session authorization;reset role;reset all;\
                     close all;discard temp;discard sequences;deallocate all;\n";

/// What another client of a transaction pooler may have left in the session.
pub(super) const CLEAN: &str = "reset session authorization;reset role;reset all;";

/// What must be in the ledger for a file to run behind another: nothing but the rows of those ahead of it, the
/// last one's among them. Where that failed at its `commit`, or was not even read, no open transaction would
/// keep the next from running.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead<'a> {
    /// The row behind which they stand.
    pub(super) last_id: i64,
    /// How many they are.
    pub(super) rows: usize,
    /// The last of them.
    pub(super) migration: &'a Migration,
    pub(super) event: Event,
}

/// What is run before a file, in its message.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefix {
    sql: String,
    statements: usize,
    /// Whether the file would run under the search path of what stands before it.
    is_pathless: bool,
}

impl Prefix {
    /// Begins the transaction, takes the lock, and sees that the ledger is as it was read.
    ///
    /// The server reads a whole message before it runs any of it, so a setting of how it reads the quotes of
    /// a file would come too late in here; this fails where they are not read as the file was checked.
    pub(super) fn guarded(lock: i64, last_id: i64, shared_session: bool) -> Self {
        let (lock, last_id) = (lock.to_string(), last_id.to_string());
        Prefix::turn([&lock, &last_id, "0", "null", "null"], shared_session)
    }

    /// The same for a file that is sent behind another, maybe before that is answered.
    pub(super) fn following(lock: i64, ahead: &Ahead<'_>, shared_session: bool) -> Self {
        let Ahead {
            last_id,
            rows,
            migration,
            event,
        } = ahead;
        let (event, version) = (
            quote_literal(event.as_str()),
            quote_literal(&migration.version),
        );
        let [lock, last_id, rows] = [lock.to_string(), last_id.to_string(), rows.to_string()];
        Prefix::turn([&lock, &last_id, &rows, &event, &version], shared_session)
    }

    /// Goes on in a transaction that has begun, and in which statements of our own were run.
    pub(super) fn begun() -> Self {
        Prefix {
            is_pathless: true,
            ..Prefix::default()
        }
    }

    fn turn(arguments: [&str; 5], shared_session: bool) -> Self {
        let mut prefix = Prefix::default();
        prefix.add("begin isolation level read committed read write;");
        if shared_session {
            for statement in CLEAN.split_inclusive(';') {
                prefix.add(statement);
            }
        }
        prefix.add(&TAKE_TURN.call(&arguments));
        prefix
    }

    /// Adds a statement of our own, which ends in a semicolon.
    pub(super) fn push(&mut self, statement: &str) {
        if !self.is_pathless {
            self.add(NO_PATH);
            self.is_pathless = true;
        }
        self.add(statement);
    }

    fn add(&mut self, statement: &str) {
        self.sql.push_str(statement);
        self.statements += 1;
    }
}

/// What a message runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) script: &'a Script,
    /// The bytes of the script: all of it, or a statement of it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many statements of the script were committed before.
    pub(super) kept: usize,
}

/// How a message ended that did not fail.
pub(super) enum Ran {
    /// It committed; the ledger's row.
    Done(Box<Entry>),
    /// A statement before the file failed: nothing of the file was run.
    Refused(MigrateError),
}

/// A part of a file and its row in one transaction, to be sent.
pub(super) struct Message<'a> {
    part: Part<'a>,
    /// What stands before the file.
    prefix: Prefix,
    /// How many of its statements may refuse the file.
    guards: usize,
    text: String,
    draft: Draft,
}

impl<'a> Message<'a> {
    pub(super) fn new(mut prefix: Prefix, part: Part<'a>, row: &Row<'_>, who: Who<'_>) -> Self {
        let sql = &part.script.sql[part.start..part.end];
        let guards = prefix.statements;
        if prefix.is_pathless {
            prefix.add(BEFORE);
        }
        let text = format!("{}{sql}{AFTER}{}commit", prefix.sql, row.insert(who));
        Message {
            part,
            prefix,
            guards,
            text,
            draft: row.draft(who),
        }
    }

    /// Sends it, and does not wait for the answer.
    pub(super) async fn start(self, client: &Client) -> Sent<'a> {
        let answer = client.simple_query_raw(&self.text).await;
        Sent {
            message: self,
            answer,
        }
    }
}

/// A message on its way, or at the server.
pub(super) struct Sent<'a> {
    message: Message<'a>,
    answer: Result<SimpleQueryStream, tokio_postgres::Error>,
}

impl Sent<'_> {
    /// The bytes of the whole message.
    pub(super) fn size(&self) -> usize {
        self.message.text.len()
    }

    /// Waits for the answer. On success the transaction is committed, else rolled back, and whatever was
    /// sent behind it has been refused by then.
    pub(super) async fn end(self, client: &Client) -> Result<Ran, MigrateError> {
        let Message {
            part,
            prefix,
            guards,
            draft,
            ..
        } = self.message;
        let mut completed = 0;
        let error = match receive(self.answer, &mut completed, draft).await {
            Ok(Some(entry)) => return Ok(Ran::Done(Box::new(entry))),
            Ok(None) => {
                return Err(MigrateError::Server(format!(
                    "the server did not confirm `{}`; run `cargo tabellion status` to see whether it is \
                     applied",
                    part.script.path
                )));
            }
            Err(error) => error,
        };
        // A lost connection rolls back by itself.
        let _ = client.batch_execute("rollback").await;
        let before = error.as_db_error().is_some() && completed < guards;
        if before {
            let doing = "looking whether the file may run";
            return Ok(Ran::Refused(MigrateError::server(doing, &error)));
        }
        let place = Place {
            skipped: prefix.sql.chars().count(),
            completed: completed.saturating_sub(prefix.statements),
        };
        Err(failure(part, &error, place))
    }
}

/// Runs a part of a file and enters its row. On success the transaction is committed, else rolled back.
pub(super) async fn run(
    client: &Client,
    prefix: Prefix,
    part: Part<'_>,
    row: &Row<'_>,
    who: Who<'_>,
) -> Result<Ran, MigrateError> {
    let message = Message::new(prefix, part, row, who);
    message.start(client).await.end(client).await
}

/// Enters a row alone, behind a guard.
pub(super) async fn enter(
    client: &Client,
    prefix: &Prefix,
    row: &Row<'_>,
    who: Who<'_>,
) -> Result<Ran, MigrateError> {
    let sent = format!("{}{}commit", prefix.sql, row.insert(who));
    let mut completed = 0;
    let answer = client.simple_query_raw(&sent).await;
    match receive(answer, &mut completed, row.draft(who)).await {
        Ok(Some(entry)) => Ok(Ran::Done(Box::new(entry))),
        Ok(None) => Err(MigrateError::Server(
            "the server did not confirm the ledger's row; run it again".into(),
        )),
        Err(error) => {
            let _ = client.batch_execute("rollback").await;
            let is_refused = error.as_db_error().is_some() && completed < prefix.statements;
            let error = MigrateError::server("writing the ledger", &error);
            if is_refused {
                Ok(Ran::Refused(error))
            } else {
                Err(error)
            }
        }
    }
}

/// The answer to a message: the ledger's row; counts the statements that completed.
async fn receive(
    answer: Result<SimpleQueryStream, tokio_postgres::Error>,
    completed: &mut usize,
    draft: Draft,
) -> Result<Option<Entry>, tokio_postgres::Error> {
    let mut stream = std::pin::pin!(answer?);
    let mut last = None;
    while let Some(message) = stream.try_next().await? {
        match message {
            SimpleQueryMessage::CommandComplete(_) => *completed += 1,
            SimpleQueryMessage::Row(row) => last = Some(row),
            _ => {}
        }
    }
    // The last row of all is the ledger's: a file's own rows come before it.
    Ok(last.and_then(|row| draft.entry(&row)))
}

/// What is known of the place of an error.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// The characters of the message before the part.
    pub(super) skipped: usize,
    /// The statements of the part that completed.
    pub(super) completed: usize,
}

/// Whether the server has said goodbye, as it does when it stops or someone ends the session: no fault of the
/// statement.
fn ends_session(error: &DbError) -> bool {
    matches!(
        error.parsed_severity(),
        Some(Severity::Fatal | Severity::Panic)
    )
}

/// The error of a file, by line and statement.
pub(super) fn failure(part: Part<'_>, error: &tokio_postgres::Error, place: Place) -> MigrateError {
    let Part {
        script,
        start,
        end,
        kept,
    } = part;
    let Some(db) = error.as_db_error().filter(|db| !ends_session(db)) else {
        let then = if script.header.no_transaction {
            "it goes on where it was cut short"
        } else {
            "what is applied stays applied, and nothing is applied by half"
        };
        return MigrateError::Connection(format!(
            "the connection was lost while `{}` ran; run it again: {then}",
            script.path
        ));
    };
    // The splitter has passed this text before anything was run.
    let mut found = statements(&script.sql).unwrap_or_default();
    found.retain(|statement| statement.start >= start && statement.start < end);
    let at = position(db).and_then(|characters| {
        let character = characters.checked_sub(place.skipped + 1)?;
        let (byte, _) = script.sql[start..end].char_indices().nth(character)?;
        Some(start + byte)
    });
    let index = match at {
        Some(byte) => found.iter().rposition(|statement| statement.start <= byte),
        None => (place.completed < found.len()).then_some(place.completed),
    };
    let (line, statement) = match index.and_then(|index| found.get(index)) {
        Some(statement) => (
            at.map_or(statement.line, |byte| {
                script.sql[..byte].matches('\n').count() + 1
            }),
            first_line(statement.text),
        ),
        None => (
            script.sql[..end].lines().count().max(1),
            "commit, with the ledger's row".into(),
        ),
    };
    MigrateError::Statement(Box::new(Failure {
        file: script.path.clone(),
        line,
        statement,
        code: db.code().code().into(),
        message: message_on_file(db),
        undone: true,
        kept,
        recorded: false,
    }))
}
