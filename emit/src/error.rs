//! What no struct owns: the only mistakes that the build script itself fails for.

use std::fmt;
use std::io;

/// A mistake, as one sentence with its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    message: String,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Error {
            message: message.into(),
        }
    }

    /// A file that could not be read or written.
    pub(crate) fn io(verb: &str, file: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::PermissionDenied => "give the build write access to its folder",
            io::ErrorKind::StorageFull => "free some space",
            _ => "check the folder",
        };
        Error::new(format!("cannot {verb} `{file}`: {error}; {remedy}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
