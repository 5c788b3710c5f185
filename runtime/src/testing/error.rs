//! What can go wrong on the way to a server or a database.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Why no server or no database could be had.
///
/// No variant holds a password, in its fields or in its text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No PostgreSQL server program was found anywhere.
    #[error("{}", not_found(.searched, .too_old))]
    NotFound {
        /// The places that were searched, in order.
        searched: Vec<String>,
        /// Servers that were found and are older than PostgreSQL 15: version and folder.
        too_old: Vec<(String, PathBuf)>,
    },
    /// `TABELLION_PG_BIN` names a folder that cannot serve.
    #[error(
        "`TABELLION_PG_BIN` is `{}`, {reason}; \
         point it at the folder that holds `initdb` and `postgres` of PostgreSQL 15 or newer, or unset it",
        .folder.display()
    )]
    NamedFolder {
        /// What the variable holds.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The server that `DATABASE_URL` names is older than PostgreSQL 15.
    #[error(
        "the server of `DATABASE_URL` is PostgreSQL {version}; use 15 or newer, or unset \
         `DATABASE_URL` to have a throw-away server started"
    )]
    ServerTooOld {
        /// The server's own `server_version`.
        version: String,
    },
    /// `DATABASE_URL` is no connection string. Its text is withheld, as it may hold a password.
    #[error(
        "`DATABASE_URL` is not a PostgreSQL connection string; \
         write `postgresql://user:password@host:5432/database`, or unset it"
    )]
    Url,
    /// The server could not be reached, or refused the login.
    #[error("cannot connect to {server}: {}; {remedy}", innermost(.source))]
    Connect {
        /// Which server: `DATABASE_URL`'s, or the throw-away one.
        server: &'static str,
        /// What to do about it.
        remedy: &'static str,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// A program of PostgreSQL could not be run.
    #[error(
        "cannot run `{}`: {source}; \
         check that {user} may read and run it and every folder above it",
        .program.display()
    )]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Who was to run it.
        user: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The process runs as root, and no other account exists that the server could run as.
    #[error(
        "PostgreSQL refuses to run as root, and neither `postgres` nor `nobody` is an account here; \
         create one with `useradd --system postgres`, or run as another user"
    )]
    NoAccount,
    /// `initdb` failed.
    #[error("`{}` failed; its output was:\n{output}", .program.display())]
    Initdb {
        /// The program.
        program: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The server stopped, or did not get ready in time.
    #[error("PostgreSQL {reason}; its log ends with:\n{log}")]
    Start {
        /// What was seen.
        reason: String,
        /// The last lines of the server's log.
        log: String,
    },
    /// A statement that creates or removes a database or a login failed.
    #[error("cannot {action}: {}", innermost(.source))]
    Sql {
        /// What was being done.
        action: String,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// The server's helper thread is gone, and with it the server.
    #[error("the test server has been shut down; keep the `Server` for as long as its databases")]
    Gone,
    /// The operating system refused something.
    #[error("cannot {action}: {source}; check the folder's permissions and the free space")]
    Io {
        /// What was being done.
        action: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// Servers are started on Unix alone.
    #[error("a throw-away server is started on Unix only; set `DATABASE_URL` to use a running one")]
    Platform,
}

impl Error {
    /// For `map_err`: names what was being done when the operating system refused.
    pub(super) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// The driver's `Display` hides the server's message in its source.
fn innermost(error: &tokio_postgres::Error) -> String {
    let mut current: &dyn std::error::Error = error;
    while let Some(next) = current.source() {
        current = next;
    }
    current.to_string()
}

fn not_found(searched: &[String], too_old: &[(String, PathBuf)]) -> String {
    let mut text = String::from("no PostgreSQL server of version 15 or newer was found");
    for (version, folder) in too_old {
        let _ = write!(
            text,
            "; PostgreSQL {version} in `{}` is too old",
            folder.display()
        );
    }
    let _ = write!(text, "; searched {}", searched.join(", "));
    text.push_str(
        "; install one (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install \
         postgresql-server`; Alpine: `apk add postgresql`; macOS: `brew install postgresql@17`), \
         name its folder in `TABELLION_PG_BIN`, or set `DATABASE_URL` to a running server",
    );
    text
}
