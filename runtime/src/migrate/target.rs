//! The database that the engine works on: its name, and what is asked there.

/// A database that migrations are applied to.
///
/// The default is one without a name, reached directly, that asks for no approval.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Its name, as the ledger keeps it.
    pub name: Option<String>,
    /// Whether every migration needs an approval before it is applied or rolled back.
    pub approval: bool,
    /// What stands between the engine and the server.
    pub pooler: Pooler,
}

/// What stands between the engine and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pooler {
    /// Nothing.
    #[default]
    Direct,
    /// A pooler that gives a client one session until it leaves.
    Session,
    /// A pooler that gives a client a session for a transaction. It needs two sessions at once for a file
    /// outside a transaction: one holds the migration lock, one runs the statements.
    Transaction,
}

impl Pooler {
    /// Whether a setting of the session may reach another client.
    pub(super) fn shares_sessions(self) -> bool {
        self == Pooler::Transaction
    }
}
