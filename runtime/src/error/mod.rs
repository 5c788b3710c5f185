//! What can go wrong, without a word of what was in the rows.
//!
//! No variant holds a row value, a parameter, a scope's value or a password, and none keeps the
//! driver's error as its source: PostgreSQL's DETAIL and many of its messages quote values.

mod connect;
mod excess;
mod outcome;
mod raw;
mod reasons;
mod server;
mod violation;

pub use connect::{ConnectFailure, ConnectFault};
pub use outcome::Written;
pub use raw::RawSql;
pub use reasons::{Bypass, Timeout};
pub use server::ServerError;

/// Any failure of a scoped query or of the connection under it.
///
/// Every message is a fact and, where there is one, the remedy. `Display` and `Debug` are safe to log,
/// and say the same, so that a `main` that returns this error ends with a sentence.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection string cannot be used. Holds why, in fixed words.
    #[error("the database URL cannot be used: {0}")]
    Url(&'static str),

    /// No connection could be opened.
    #[error(transparent)]
    Connect(Box<ConnectFailure>),

    /// The server is older than PostgreSQL 15. Holds `server_version_num`.
    #[error(
        "the server runs PostgreSQL {}.{}; tabellion needs PostgreSQL 15 or newer", .0 / 10_000, .0 % 10_000
    )]
    ServerTooOld(u32),

    /// The database is not as sealed.
    #[error("{0}")]
    Schema(Box<crate::migrate::Unfit>),

    /// Whether the database is as sealed could not be told. Holds why, with the remedy.
    #[error("{0}")]
    Verify(String),

    /// The login could bypass row-level security, so nothing scoped runs as it.
    #[error(
        "login {login} {why}, so row-level security would not hold it; connect with a login of its own: \
         `create role app_login login noinherit nosuperuser nobypassrls password '...'; grant {role} to app_login;`"
    )]
    LoginBypasses {
        /// The login, quoted as SQL.
        login: String,
        /// What lets it pass.
        why: Bypass,
        /// The scope's role, quoted as SQL.
        role: String,
    },

    /// Row-level security was to be bypassed without saying why.
    #[error(
        "the reason to bypass row-level security is empty; say why, for those who read the log"
    )]
    NoReason,

    /// The login cannot bypass row-level security.
    #[error(
        "login {login} cannot bypass row-level security; connect with one that can: \
         `create role app_ops login noinherit bypassrls password '...'`, and grant it what it needs"
    )]
    LoginCannotBypass {
        /// The login, quoted as SQL.
        login: String,
    },

    /// The scope's own role could bypass row-level security.
    #[error(
        "role {role} {why}, so row-level security would not hold it; name another role in `#[scope(role = \"...\")]`"
    )]
    RoleBypasses {
        /// The scope's role, quoted as SQL.
        role: String,
        /// What lets it pass.
        why: Bypass,
    },

    /// The scope's role does not exist on the server.
    #[error("role {role} does not exist; apply the migrations, or `create role {role} nologin`")]
    RoleMissing {
        /// The scope's role, quoted as SQL.
        role: String,
    },

    /// The login may not take on the scope's role.
    #[error("login {login} is not a member of {role}; `grant {role} to {login}`")]
    RoleNotGranted {
        /// The login, quoted as SQL.
        login: String,
        /// The scope's role, quoted as SQL.
        role: String,
    },

    /// A field of the scope is empty, so nothing was sent.
    #[error("the scope's `{setting}` is empty; give it the value that the policies compare with")]
    EmptyScope {
        /// The setting that the field fills.
        setting: &'static str,
    },

    /// A field of the scope holds a character that no setting can, so nothing was sent.
    #[error("the scope's `{setting}` holds a NUL character; remove it")]
    InvalidScope {
        /// The setting that the field fills; `role` or `settings` where the name of one holds it.
        setting: &'static str,
    },

    /// The server refused to set the scope, so nothing was read.
    #[error("the scope could not be set: {0}")]
    Scope(Box<ServerError>),

    /// No row where one was asked for: there is none, or none that the scope may see.
    #[error("no such row in `{table}` within this scope")]
    NotFound {
        /// The table.
        table: String,
    },

    /// The limit of a finder is negative or too large, so nothing was sent.
    #[error(
        "the limit of a finder of `{table}` is no number of rows; give one from 0 to 4294967295"
    )]
    Limit {
        /// The table.
        table: String,
    },

    /// A table was to be read without an index, and nobody said why, so nothing was sent.
    #[error(
        "`{table}` is to be read without an index, and the reason is empty; say why, or add an index"
    )]
    UnindexedWithoutReason {
        /// The table.
        table: String,
    },

    /// Of many finders for one statement some differ in more than their values, so nothing was sent.
    #[error(
        "the finders of `{table}` differ in more than their values; give each the same index, ranges, direction \
         and limit"
    )]
    FindersDiffer {
        /// The table.
        table: String,
    },

    /// A row has another version than the one that was expected, or is gone, so nothing was written.
    #[error("the row of `{table}` has changed since it was read, or is gone; read it again")]
    RowChanged {
        /// The table.
        table: String,
    },

    /// What a finder finds up to a limit or behind a cursor was to be changed or deleted, so nothing was sent.
    #[error(
        "an update or a deletion of `{table}` through a finder takes all rows that it finds; remove `limit` and \
         `after`, and narrow by `eq` or `range`"
    )]
    LimitedWrite {
        /// The table.
        table: String,
    },

    /// Of many new rows one sets other columns than the first, so none was written.
    #[error(
        "the new rows of `{table}` set different columns; call `.set(...)` for the same columns in each"
    )]
    RowsDiffer {
        /// The table.
        table: String,
    },

    /// A cursor does not fit the finder, or its text is not what was once given out.
    #[error(
        "the cursor does not fit {} of `{table}`: {reason}; begin without one",
        column.as_ref().map_or_else(|| "this finder".to_owned(), |column| format!("column `{column}`"))
    )]
    Cursor {
        /// The table.
        table: String,
        /// The column that one of its values does not fit, where that is known.
        column: Option<String>,
        /// What does not fit, in words that hold no value.
        reason: &'static str,
    },

    /// A value from the database does not fit its field.
    #[error("column `{column}` of `{table}` {reason}{written}")]
    Decode {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What does not fit, in words that hold no value.
        reason: String,
        /// Whether the row came back from a write that stands.
        written: Written,
    },

    /// A value cannot be written to its column, so nothing was sent.
    #[error("column `{column}` of `{table}`: {reason}")]
    Encode {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What does not fit, in words that hold no value.
        reason: String,
    },

    /// A value is too large for its column, so nothing was written.
    #[error(
        "a value does not fit {}; give a smaller one, or widen the column",
        excess::column(columns, table)
    )]
    TooLarge {
        /// The table.
        table: String,
        /// The columns of the struct that have the limit which the server names, each with its type as SQL: one, or
        /// several of which it is one; none where the struct does not say.
        columns: Vec<(&'static str, &'static str)>,
    },

    /// A value is too large for an index, so nothing was written.
    #[error(
        "a value is too large for an index of `{table}`{}; give a smaller one",
        excess::one_of(", in one of its columns", columns)
    )]
    TooLargeForIndex {
        /// The table.
        table: String,
        /// The columns that it may be, those of indexes that have a finder; none where the struct does not say.
        columns: Vec<String>,
    },

    /// Raw SQL that does not run inside a scope, or whose rows do not fit their struct. Nothing took place.
    #[error(transparent)]
    RawSql(Box<RawSql>),

    /// An update without a single column to change.
    #[error("the update of `{table}` changes nothing; call `.set(...)` at least once")]
    NothingToUpdate {
        /// The table.
        table: String,
    },

    /// A unique constraint or a unique index is violated.
    #[error(
        "`{table}` already has such a row: {} is violated{}",
        violation::named("a", "unique constraint", constraint, ""),
        violation::of(constraint, fields)
    )]
    Unique {
        /// The table.
        table: String,
        /// The constraint or index; empty where a function or trigger raised the error and names none.
        constraint: String,
        /// The fields of the table's struct that it is about; none where the struct does not say.
        fields: &'static [&'static str],
    },

    /// A foreign key is violated, from either side.
    #[error(
        "{} is violated{}",
        violation::named("a", "foreign key", constraint, table),
        violation::of(constraint, fields)
    )]
    ForeignKey {
        /// The table that has the foreign key.
        table: String,
        /// The constraint; empty where a function or trigger raised the error and names none.
        constraint: String,
        /// The fields of the table's struct that it is about; none where the struct does not say.
        fields: &'static [&'static str],
    },

    /// A CHECK constraint is violated.
    #[error(
        "{} is violated{}",
        violation::named("a", "check constraint", constraint, table),
        violation::of(constraint, fields)
    )]
    Check {
        /// The table.
        table: String,
        /// The constraint; empty where a function or trigger raised the error and names none.
        constraint: String,
        /// The fields of the table's struct that it is about; none where the struct does not say.
        fields: &'static [&'static str],
    },

    /// An exclusion constraint is violated.
    #[error(
        "`{table}` has a conflicting row: {} is violated{}",
        violation::named("an", "exclusion constraint", constraint, ""),
        violation::of(constraint, fields)
    )]
    Exclusion {
        /// The table.
        table: String,
        /// The constraint; empty where a function or trigger raised the error and names none.
        constraint: String,
        /// The fields of the table's struct that it is about; none where the struct does not say.
        fields: &'static [&'static str],
    },

    /// A column that must have a value got NULL.
    #[error(
        "{} must have a value{}",
        violation::named("a", "column", column, table), violation::of(column, &[])
    )]
    NotNull {
        /// The table.
        table: String,
        /// The column; empty where a function or trigger raised the error and names none.
        column: String,
    },

    /// A policy refused the new row: it lies outside the scope.
    #[error(
        "a row-level security policy of `{table}` refuses the row; write only rows of the scope's own tenant"
    )]
    RowRefused {
        /// The table.
        table: String,
    },

    /// The scope's role lacks a privilege on the table, or on a column that the policies do not name.
    #[error(
        "role {role} may not {operation} on `{table}`, or not these columns; apply the migrations, which grant what the \
         policies use, and write the columns that those name"
    )]
    Privilege {
        /// The table.
        table: String,
        /// The scope's role, quoted as SQL.
        role: String,
        /// `select`, `insert`, `update` or `delete`.
        operation: &'static str,
    },

    /// The transaction lost against another one; running it again may succeed. Holds the SQLSTATE.
    #[error("the transaction lost against a concurrent one (SQLSTATE {0}); run it again")]
    Serialization(String),

    /// Nothing runs in this transaction any more, and none of it took place.
    #[error(
        "the transaction was rolled back, since a statement in it failed or was dropped before its answer came; \
         return that statement's error, or run in a savepoint what may fail"
    )]
    TransactionAborted,

    /// A handle of a transaction was used after its end.
    #[error("the transaction has ended; use its handle inside the work alone")]
    TransactionEnded,

    /// Savepoints ended in another order than they began, or a savepoint was to have options of its own.
    #[error(
        "savepoints of one transaction are not nested; end each before the one around it, and give options to the \
         transaction alone"
    )]
    Savepoints,

    /// A stream was asked of a transaction, whose other statements would have to wait for its end.
    #[error("a transaction has no streams; fetch the rows at once, or stream outside of it")]
    StreamInTransaction,

    /// Inside a transaction a statement was to have another limit on its time.
    #[error(
        "a transaction keeps the limit on time that it began with; call `statement_timeout` on the scope that begins it"
    )]
    LimitInTransaction,

    /// A table has changed since a statement was prepared: one of a transaction, or of many new rows. Nothing took
    /// place; the next run prepares it anew.
    #[error(
        "a table has changed since the statement was prepared; run it again, with its whole transaction"
    )]
    StaleStatement,

    /// Behind a transaction pooler: a table has changed since the columns of a statement were learnt, so that the rows
    /// which it returned cannot be read. A finder that is no stream is run again by itself.
    #[error(
        "`{table}` has changed since the columns of its rows were learnt, so that they cannot be read; the next run \
         learns them anew{written}"
    )]
    TableChanged {
        /// The table.
        table: String,
        /// Whether the rows came back from a write that stands.
        written: Written,
    },

    /// A statement fits into no message of the protocol, so nothing was sent.
    #[error(
        "the statement fits into no message: it is too large, or a name in it holds a NUL character; send less at a \
         time, or remove that"
    )]
    Unsendable,

    /// A limit on time was reached.
    #[error("{0}")]
    Timeout(Timeout),

    /// The database was closed by [`Database::close`](crate::Database::close).
    #[error("the database was closed; connect again")]
    Closed,

    /// The connection broke.
    #[error(
        "the connection to the server was lost{}",
        if *.unknown_outcome { "; whether the write took place is not known" } else { "" }
    )]
    Disconnected {
        /// The statement was a write and had been sent, and the server did not say what became of
        /// it, so that it may or may not have taken place. True too where the server reported an error
        /// and hung up: it may do so after the commit.
        unknown_outcome: bool,
    },

    /// The server's session has changed between two statements, as behind a pooler that gives each
    /// transaction another server connection. Nothing was written. The pool prepares nothing from then on.
    #[error(
        "the server's session does not know this connection's prepared statements: a transaction pooler is in \
         between; add `pooler=transaction` to the URL, and run it again"
    )]
    TransactionPooler,

    /// The server answered what the protocol does not allow here. The connection was closed.
    #[error("the server broke the protocol: {0}")]
    Protocol(&'static str),

    /// Any other error of the server.
    #[error(transparent)]
    Server(Box<ServerError>),
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<Timeout> for Error {
    fn from(timeout: Timeout) -> Self {
        Error::Timeout(timeout)
    }
}

impl From<RawSql> for Error {
    fn from(fault: RawSql) -> Self {
        Error::RawSql(Box::new(fault))
    }
}

impl From<ConnectFailure> for Error {
    fn from(failure: ConnectFailure) -> Self {
        Error::Connect(Box::new(failure))
    }
}
