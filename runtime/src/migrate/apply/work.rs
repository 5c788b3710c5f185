//! A file outside a transaction while it is at work: its statements, and how far it came.

use tabellion_sql::file::{Statement, Step};
use tokio_postgres::Client;

use super::message::Part;
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::{Event, Ledger};
use crate::migrate::set::{Migration, Script};

/// For that session only, which ends with the file: whoever waits for the table's lock longest holds up
/// those behind it, and an index takes as long as it takes.
const LIMITS: &str = "set lock_timeout = '1min'; set statement_timeout = 0";
/// A pooler may give the session to someone else.
const UNLIMITED: &str = "reset lock_timeout; reset statement_timeout";

/// A file at work.
pub(super) struct Work<'a> {
    pub(super) migration: &'a Migration,
    pub(super) event: Event,
    pub(super) script: &'a Script,
    pub(super) steps: Vec<(Statement<'a>, Step)>,
    pub(super) worker: Client,
    /// Whether the worker's session is nobody else's, so that settings may be made in it.
    pub(super) is_own: bool,
}

/// How far a file came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// The statements that are done.
    pub(super) done: usize,
    /// Whether the next one may be done by half.
    pub(super) by_half: bool,
}

impl Reached {
    /// Behind a statement.
    pub(super) fn past(index: usize) -> Self {
        Reached {
            done: index + 1,
            by_half: false,
        }
    }

    /// In front of one, of which nothing was done.
    pub(super) fn before(index: usize) -> Self {
        Reached {
            done: index,
            by_half: false,
        }
    }
}

impl Work<'_> {
    pub(super) fn reached(&self, ledger: &Ledger) -> Reached {
        let begun = ledger.begun();
        let Some(entry) = begun.get(self.migration.version.as_str()) else {
            return Reached::before(0);
        };
        let position = entry.position.unwrap_or(1).max(1);
        let shares = self
            .steps
            .get(position - 1)
            .is_none_or(|(_, step)| *step == Step::Inside);
        match entry.event {
            Event::Started if shares => Reached::past(position - 1),
            event => Reached {
                done: position - 1,
                by_half: event == Event::Started,
            },
        }
    }

    pub(super) fn part(&self, index: usize) -> Part<'_> {
        let statement = &self.steps[index].0;
        Part {
            script: self.script,
            start: statement.start,
            end: statement.start + statement.text.len(),
            kept: index,
        }
    }

    pub(super) async fn limit(&self) -> Result<(), MigrateError> {
        if !self.is_own {
            return Ok(());
        }
        let limited = self.worker.batch_execute(LIMITS).await;
        limited.map_err(|error| MigrateError::server("setting the time limits", &error))
    }

    pub(super) async fn unlimit(&self) {
        if self.is_own {
            let _ = self.worker.batch_execute(UNLIMITED).await;
        }
    }
}
