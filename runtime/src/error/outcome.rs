//! What became of a write that ended in an error.

use std::fmt;

use super::Error;

impl Error {
    /// Whether a write may stand although it ended in this error: its answer was lost, or it was committed and the rows
    /// that it returned cannot be read. Whoever would run it again looks first. After every other error nothing was
    /// written, but for [`Error::NotFound`] of raw SQL that writes and returns no row.
    ///
    /// Of a statement inside a transaction the transaction decides: this is false until its COMMIT was sent.
    pub fn may_have_written(&self) -> bool {
        match self {
            Error::Disconnected { unknown_outcome } => *unknown_outcome,
            Error::Decode { written, .. } | Error::TableChanged { written, .. } => {
                *written != Written::No
            }
            // A row of a write that does not parse is one.
            Error::Protocol(_) => true,
            _ => false,
        }
    }

    /// The same behind a write.
    pub(crate) fn behind_write(self, written: Written) -> Self {
        match self {
            Error::Decode {
                table,
                column,
                reason,
                ..
            } => Error::Decode {
                table,
                column,
                reason,
                written,
            },
            error => error,
        }
    }
}

/// Whether a write stands whose rows cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Written {
    /// It was a read, or is part of a transaction, which decides.
    No,
    /// It was committed.
    Yes,
    /// Its end was not waited for, or it called functions, of which nobody knows what they do.
    Unknown,
}

/// As the end of a message.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Written::No => "",
            Written::Yes => "; what was written is committed",
            Written::Unknown => "; whether it wrote something is not known",
        })
    }
}
