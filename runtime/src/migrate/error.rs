//! What can go wrong with migrations, each as a fact and its remedy.

use std::fmt;

use tabellion_sql::lock::DOWN;
use tabellion_sql::plan::BOUND;
use tokio_postgres::error::{DbError, ErrorPosition};

/// An error of the migration engine. None of them holds a row's value or a part of the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The lock, or a file, is missing or not as it was sealed. Nothing was run.
    #[error("{0}")]
    Files(Problems),
    /// The ledger and the lock tell different histories, or the ledger is not to be trusted. Nothing
    /// was run.
    #[error("{0}")]
    History(Problems),
    /// Something would lose data and has not been accepted. Nothing was run or written.
    #[error("{what} loses data: {}; {remedy}", losses.join(", "))]
    DataLoss {
        /// The migration or draft, in words.
        what: String,
        /// What it destroys.
        losses: Vec<String>,
        /// How to accept it.
        remedy: String,
    },
    /// A rollback would open something to more, and this has not been accepted. Nothing was run.
    #[error("{what} opens access: {}; {remedy}", openings.join(", "))]
    WiderAccess {
        /// The rollback, in words.
        what: String,
        /// What it opens.
        openings: Vec<String>,
        /// How to accept it.
        remedy: String,
    },
    /// A draft is not additive, a rollback both loses data and opens access, or nothing proves what is to be
    /// adopted, and it was not accepted. Nothing was run or written.
    #[error("{0}")]
    Unaccepted(Problems),
    /// The target asks for approvals that are missing, or asks for none where another that does guards the
    /// database. Nothing was run.
    #[error("{0}")]
    Unapproved(Problems),
    /// What was asked for does not make sense here, such as a version that does not exist.
    #[error("{0}")]
    Request(String),
    /// Another process is applying migrations, and did not finish in time.
    #[error("{0}")]
    Held(String),
    /// No connection could be opened, or it was lost.
    #[error("{0}")]
    Connection(String),
    /// The server refused a statement of the engine's own.
    #[error("{0}")]
    Server(String),
    /// A statement of a migration file failed. The file's transaction was rolled back; outside one, the
    /// statements before it stay.
    #[error("{0}")]
    Statement(Box<Failure>),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(String),
}

/// One problem or several, a sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// Which statement of which file failed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file, below the root.
    pub file: String,
    /// The line of the failing word where the server names it, else of the statement; from 1.
    pub line: usize,
    /// The first line of the statement.
    pub statement: String,
    /// The five characters of PostgreSQL's error code.
    pub code: String,
    /// What the server said, without what could quote a row.
    pub message: String,
    /// Whether nothing of the file stayed. A file outside a transaction may leave half an index, which
    /// the next run removes.
    pub undone: bool,
    /// How many statements before it stay. Only a file outside a transaction keeps any; the next run goes on
    /// behind them.
    pub kept: usize,
    /// Whether the ledger holds a row of it.
    pub recorded: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            file,
            line,
            statement,
            code,
            message,
            undone,
            kept,
            recorded,
        } = self;
        let left = match (*undone, *kept) {
            (true, 0) => " and was rolled back",
            _ => "",
        };
        write!(
            f,
            "`{file}` failed at line {line}{left}: {message} (SQLSTATE {code}) in `{statement}`"
        )?;
        let remedy = match code.as_str() {
            "25001" => Some("a statement that cannot share a transaction needs a file of its own"),
            BOUND => Some("apply as a superuser or as a role with BYPASSRLS"),
            "42501" => Some("apply as a role with the right to do it, or grant it"),
            "53100" => Some("make room on the server's disk, then run it again"),
            "55P03" | "57014" => Some("end what holds the table, then apply again"),
            // What was withheld says where to read it.
            _ if message.contains(WITHHELD) => None,
            _ if *undone && *kept == 0 => Some(
                "change what it met in the database; where the migration is applied nowhere, its file can be \
                 corrected: restore the lock from before it was sealed, remove both its files \
                 and those sealed after it, and seal again",
            ),
            _ => Some("change what it met in the database"),
        };
        if !*undone || *kept > 0 {
            self.stays(f)?;
        }
        if let Some(remedy) = remedy {
            write!(f, "; {remedy}")?;
        }
        if *kept > 0 {
            write!(f, "; {}", self.way_out())?;
        }
        if !*recorded {
            f.write_str(
                "; the ledger did not take its row; see what `cargo tabellion verify` says of the ledger",
            )?;
        }
        Ok(())
    }
}

impl Failure {
    /// What a file outside a transaction has left, and where the next run goes on.
    fn stays(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("; the file runs outside a transaction: ")?;
        f.write_str(match self.undone {
            true => "this statement left nothing",
            false => "this statement left something by half, which the next run removes",
        })?;
        match self.kept {
            0 => f.write_str(", and the next run begins with it again"),
            1 => f.write_str(
                ", the 1 statement before it stays done, and the next run goes on with this one",
            ),
            kept => write!(
                f,
                ", the {kept} statements before it stay done, and the next run goes on with this one"
            ),
        }
    }

    /// What to do where the file is wrong: it is sealed, and begun.
    fn way_out(&self) -> String {
        let version = version_of(&self.file);
        if self.file.starts_with(DOWN) {
            return format!(
                "where the file itself is wrong, undo by hand what it leaves, and enter that with `cargo tabellion \
                 repair {version} --rolled-back`"
            );
        }
        format!(
            "where the file itself is wrong, take back by hand what stays, enter that with `cargo tabellion \
             repair {version} --rolled-back`, bring the file and the lock back to before its seal, and seal it \
             corrected"
        )
    }
}

/// The version in a sealed file's path.
pub(super) fn version_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('_').next().unwrap_or(name)
}

impl MigrateError {
    pub(super) fn files(problem: impl Into<String>) -> Self {
        MigrateError::Files(Problems(vec![problem.into()]))
    }

    pub(super) fn history(problem: impl Into<String>) -> Self {
        MigrateError::History(Problems(vec![problem.into()]))
    }

    /// An error of a statement that the engine sent on its own account.
    pub(super) fn server(doing: &str, error: &tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return MigrateError::Connection(format!(
                "the connection was lost while {doing}; see that the server runs, then try again"
            ));
        };
        let remedy = match db.code().code() {
            "42501" => "connect as the role that applies migrations, or grant it the privilege",
            "55P03" => "end what holds the table, then try again",
            "57014" => "raise the role's `statement_timeout`",
            "25006" => "connect to the primary server",
            "23502" | "23505" | "23514" => "see what `cargo tabellion verify` says of the ledger",
            "42703" if doing.contains("ledger") => {
                "the ledger was written by another version of tabellion; use that one"
            }
            _ => "see the server's log",
        };
        MigrateError::Server(format!(
            "{doing} failed: {} (SQLSTATE {}); {remedy}",
            message(db),
            db.code().code()
        ))
    }
}

/// The server's message, where it cannot quote a row.
///
/// DETAIL and CONTEXT quote rows and are never shown, but for the names of dependent objects. The
/// messages of class 22 (data exception) quote the value that does not fit; of them, the two that
/// never do are shown. Source: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
pub(super) fn message(error: &DbError) -> String {
    let code = error.code().code();
    if code.starts_with("22") && !matches!(code, "22001" | "22012") {
        return format!("a value does not fit; {WITHHELD}");
    }
    let mut message = error.message().to_owned();
    if let ("2BP01", Some(dependents)) = (code, error.detail()) {
        message.push_str(": ");
        message.push_str(&dependents.replace('\n', "; "));
    }
    message
}

/// The server's message on a statement of a file, where it cannot quote a row.
///
/// An error with a place in the file was found by reading the file, before any row. Without one, it
/// may come from a row (`using name::regclass` says 42P01 with the row's text) or from a function,
/// which says what it likes and is told by its context. So only messages that PostgreSQL itself makes
/// of names are shown.
pub(super) fn message_on_file(error: &DbError) -> String {
    let of_names = match error.code().code() {
        // Constraints, whose DETAIL alone quotes; what is there already; privileges; a full disk;
        // locks; time.
        "23502" | "23503" | "23505" | "23514" | "23P01" | "42P06" | "42P07" | "42701" | "25001"
        | "2BP01" | "42501" | "53100" | "55P03" | "57014" => true,
        // `drop` of what is not there: a statement that looks at no row.
        _ => error.routine() == Some("DropErrorMsgNonExistent"),
    };
    if error.code().code() == BOUND {
        // Whoever says so, these words are ours.
        return "policies bind the role that applies, and would bind the functions that look memberships up for them"
            .into();
    }
    let read = position(error).is_some() && error.code().code() != "P0001";
    if read || (of_names && error.where_().is_none()) {
        return message(error);
    }
    WITHHELD.into()
}

const WITHHELD: &str =
    "the server's words are withheld, since they may hold a row's values; read them in its log";

/// Where in the message that was sent the server saw the error, in characters from 1.
pub(super) fn position(error: &DbError) -> Option<usize> {
    match error.position()? {
        ErrorPosition::Original(at) => Some(*at as usize),
        ErrorPosition::Internal { .. } => None,
    }
}
