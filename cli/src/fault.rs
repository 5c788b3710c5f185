//! What ends a command early, and the exit code and the word that stand for it.

use std::borrow::Cow;
use std::fmt;

use tabellion::migrate::MigrateError;

use crate::exit::Outcome;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The engine says so.
    Engine(MigrateError),
    /// The command line, or `tabellion.toml`, cannot be followed.
    Usage(String),
    /// The folder for the evidence is in use.
    Evidence(String),
    /// A file or folder of the command's own could not be read or written.
    Io(String),
    /// A person, or the system, ended it; what that leaves.
    Interrupted(Cow<'static, str>),
}

impl From<MigrateError> for Fault {
    fn from(error: MigrateError) -> Self {
        Fault::Engine(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Engine(error) => error.fmt(f),
            Fault::Interrupted(text) => f.write_str(text),
            Fault::Usage(text) | Fault::Evidence(text) | Fault::Io(text) => f.write_str(text),
        }
    }
}

impl Fault {
    /// Its word in JSON, and its exit code.
    pub(crate) fn kind(&self) -> (&'static str, Outcome) {
        match self {
            Fault::Usage(_) => ("usage", Outcome::Usage),
            Fault::Evidence(_) => ("evidence", Outcome::Refused),
            Fault::Io(_) => ("io", Outcome::Failed),
            Fault::Interrupted(_) => ("interrupted", Outcome::Failed),
            Fault::Engine(error) => match error {
                MigrateError::Request(_) => ("usage", Outcome::Usage),
                MigrateError::Files(_) => ("files", Outcome::Refused),
                MigrateError::History(_) => ("history", Outcome::Refused),
                MigrateError::DataLoss { .. } => ("data-loss", Outcome::Refused),
                MigrateError::WiderAccess { .. } => ("wider-access", Outcome::Refused),
                MigrateError::Unaccepted(_) => ("unaccepted", Outcome::Refused),
                MigrateError::Unapproved(_) => ("unapproved", Outcome::Refused),
                MigrateError::Held(_) => ("held", Outcome::Held),
                MigrateError::Connection(_) => ("connection", Outcome::Failed),
                MigrateError::Statement(_) => ("statement", Outcome::Failed),
                MigrateError::Io(_) => ("io", Outcome::Failed),
                _ => ("server", Outcome::Failed),
            },
        }
    }
}
