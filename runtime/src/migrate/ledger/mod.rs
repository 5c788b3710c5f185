//! The ledger: what was done to this database, when and by whom. Rows are added, never changed.
//!
//! It lies in the database that it tells about, in schema `tabellion`. The state of a migration is the
//! last event that sets one. No value of any user's row is ever written here.

mod form;
mod glance;
mod protect;
mod read;
mod routines;
mod state;
mod supabase;
mod write;

use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::approve::is_hidden;
use super::connect::NO_PATH;
use super::error::MigrateError;

pub(super) use form::COLUMNS as FORM;
pub(super) use glance::Own;
pub(super) use protect::{PROTECTIONS, protected};
pub(super) use routines::{ROUTINES, TAKE_TURN};
pub(super) use supabase::Supabase;
pub(super) use write::{Draft, Row, Who, create, enter};

/// What happened to a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Someone answers for applying it to this target, and for rolling it back.
    Approved,
    /// Its file ran, and committed.
    Applied,
    /// Its rollback ran, and committed.
    RolledBack,
    /// A statement of a file that runs outside a transaction was reached. Where nothing follows, the file
    /// was cut short.
    Started,
    /// A file failed, or a rollback took back what a killed run left of it. Where the row has a position, the
    /// statements before it stay; else nothing of the file does.
    Failed,
    /// What it makes was there already, and it was entered without being run.
    Adopted,
    /// Someone says that it is applied, whatever the rows before say.
    RepairedApplied,
    /// Someone says that it is not applied, whatever the rows before say.
    RepairedRolledBack,
    /// Someone says that the database is not, or no longer, that of the target which guards it. Of no
    /// migration.
    Claimed,
}

impl Event {
    const ALL: [(Event, &'static str); 9] = [
        (Event::Approved, "approved"),
        (Event::Applied, "applied"),
        (Event::RolledBack, "rolled_back"),
        (Event::Started, "started"),
        (Event::Failed, "failed"),
        (Event::Adopted, "adopted"),
        (Event::RepairedApplied, "repaired_applied"),
        (Event::RepairedRolledBack, "repaired_rolled_back"),
        (Event::Claimed, "claimed"),
    ];

    /// As the ledger spells it.
    pub fn as_str(self) -> &'static str {
        let own = Event::ALL.iter().find(|(event, _)| *event == self);
        own.map_or("", |(_, name)| name)
    }

    /// Whether the migration is applied after it; `None` where it does not say.
    pub fn applies(self) -> Option<bool> {
        match self {
            Event::Applied | Event::Adopted | Event::RepairedApplied => Some(true),
            Event::RolledBack | Event::RepairedRolledBack => Some(false),
            Event::Approved | Event::Started | Event::Failed | Event::Claimed => None,
        }
    }
}

/// One row of the ledger. In its texts control characters are escaped, such as `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Grows with every row; of those that set a migration's state, in the order of commits.
    pub id: i64,
    /// What happened.
    pub event: Event,
    /// To which migration; empty for [`Event::Claimed`], as its name and checksums are.
    pub version: String,
    /// Its name.
    pub name: String,
    /// The SHA-256 of the file that applies it, normalised.
    pub checksum: String,
    /// The SHA-256 of the file that undoes it, normalised.
    pub rollback_checksum: String,
    /// The target's name, where it has one.
    pub target: Option<String>,
    /// Whether that target asked for approvals, and so guards the database from targets that do not.
    pub guarded: bool,
    /// The login that did it, as the server knows it.
    pub actor: String,
    /// Who that login says it acted for.
    pub on_behalf_of: Option<String>,
    /// Why it was approved, adopted, repaired or claimed, in that person's words; for a failure which file, line and
    /// SQLSTATE, never the server's words.
    pub note: Option<String>,
    /// The statement that was reached in a file outside a transaction, counted from 1.
    pub position: Option<usize>,
    /// When, in UTC, to the second: `2026-01-02 03:04:05`.
    pub at: String,
    /// How long the file, or the statement, ran, in milliseconds.
    pub duration_ms: i64,
    /// The tool that did it, with its version.
    pub tool: String,
}

/// The rows, oldest first, and the history of Supabase's own tool where it keeps one.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) exists: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) supabase: Option<Supabase>,
}

impl Ledger {
    /// The last row's number, which no other ledger state shares.
    pub(super) fn last_id(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.id)
    }

    /// Whether rows were added since this was read; within the transaction that holds the lock, and
    /// so for as long as it lasts. Another tool's history takes no lock of ours.
    pub(super) async fn is_current(&self, client: &Client) -> Result<bool, MigrateError> {
        if self.supabase.is_some() {
            return Ok(false);
        }
        // A row entered while a file ran has a lower number than the file's own.
        let query = format!(
            "{NO_PATH}select coalesce(max(id), 0) || ' ' || count(*) from only tabellion.ledger"
        );
        let messages = client.simple_query(&query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("reading the ledger", &error))?;
        let known = format!("{} {}", self.last_id(), self.entries.len());
        Ok(first_value(&messages) == Some(known.as_str()))
    }

    /// Takes in what this process has written.
    pub(super) fn push(&mut self, entry: &Entry) {
        if let (Some(history), Some(applies)) = (&mut self.supabase, entry.event.applies()) {
            history.keep(&entry.version, applies);
        }
        self.entries.push(entry.clone());
    }
}

/// The first column of the first row.
pub(super) fn first_value(messages: &[SimpleQueryMessage]) -> Option<&str> {
    rows(messages).next().and_then(|row| row.get(0))
}

fn rows(messages: &[SimpleQueryMessage]) -> impl Iterator<Item = &SimpleQueryRow> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

/// A text with what forges lines made visible, such as `\n`: whoever may add rows may write anything.
fn seen(text: &str) -> String {
    let one = |c: char| match is_hidden(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(one).collect()
}
