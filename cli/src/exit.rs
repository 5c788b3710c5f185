//! What each exit code means.

use std::process::ExitCode;

use serde::Serialize;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// All done, nothing to say.
    Done = 0,
    /// A finding that was asked for.
    Finding = 1,
    /// The command line cannot be followed.
    Usage = 2,
    /// Refused before anything was changed.
    Refused = 3,
    /// Something failed.
    Failed = 4,
    /// Another process holds the migration lock, or the database to copy.
    Held = 5,
}

impl Outcome {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(outcome.code())
    }
}
