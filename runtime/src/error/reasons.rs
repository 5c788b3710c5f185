//! What some errors have as their reason: why a role is not bound, which limit was reached.

/// What lets a role pass by row-level security.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bypass {
    /// It is a superuser.
    Superuser,
    /// It has BYPASSRLS.
    BypassRls,
    /// It owns, itself or by membership, this table, whose row-level security is not forced.
    Owner(String),
}

impl std::fmt::Display for Bypass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bypass::Superuser => f.write_str("is a superuser"),
            Bypass::BypassRls => f.write_str("has BYPASSRLS"),
            Bypass::Owner(table) => {
                write!(f, "owns {table}, whose row-level security is not forced")
            }
        }
    }
}

/// Which limit on time was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Timeout {
    /// No connection of the pool became free.
    #[error(
        "no connection of the pool became free in time; raise `max_connections` or `pool_timeout`"
    )]
    Pool,
    /// The server did not complete the connection.
    #[error(
        "the server did not complete a connection in time; check host and port, or raise `connect_timeout`"
    )]
    Connect,
    /// The server cancelled the statement: `statement_timeout` or a cancel request.
    #[error(
        "the server cancelled the statement: `statement_timeout` was reached, or somebody asked for it; raise the \
         limit, or look for what it waited for"
    )]
    Statement,
    /// The server ended a session that waited inside a transaction, or whose transaction took, too long:
    /// `idle_in_transaction_session_timeout`, `transaction_timeout`. Nothing of the transaction was written.
    #[error(
        "the server ended the session, which waited for the next statement or whose transaction took too long; do \
         what takes time before the transaction, or raise `idle_in_transaction_session_timeout`"
    )]
    Transaction,
    /// Another transaction holds a row or a table: `no_wait`, or `lock_timeout` was reached.
    #[error(
        "another transaction holds what the statement has to lock, and it was not to wait, or no longer than \
         `lock_timeout`; run it again later"
    )]
    Lock,
}
