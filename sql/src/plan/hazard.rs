//! What a step does beside what it says: locks, scans, rewrites, loses, opens, closes.

use std::fmt;

use crate::schema::QualifiedName;

/// Something about a step that a reviewer must know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Takes a lock on a table that exists already, and holds it until the file is done.
    Locks(LockMode, QualifiedName),
    /// Reads every row of the table.
    Scans(QualifiedName),
    /// Writes every row of the table anew.
    Rewrites(QualifiedName),
    /// Takes away an object that holds no data, or a rule that rows had to keep.
    Removes(Subject),
    /// Lets fewer roles, or fewer rows, through.
    NarrowsAccess(Subject),
    /// Lets more roles, or more rows, through, or may do so.
    WidensAccess(Subject),
    /// Destroys data.
    LosesData(Subject),
}

/// What a hazard is about, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The object, such as `column public.note.body`. No two objects of a schema share it.
    pub object: String,
    /// What becomes of it, such as `dropped`.
    pub fate: String,
}

impl Subject {
    /// An object and its fate.
    pub fn new(object: impl Into<String>, fate: impl Into<String>) -> Self {
        Subject {
            object: object.into(),
            fate: fate.into(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.fate)
    }
}

/// A table-level lock, weakest first
/// (<https://www.postgresql.org/docs/15/explicit-locking.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// Writes go on; another schema change waits.
    ShareUpdateExclusive,
    /// Reads go on, writes wait.
    Share,
    /// Reads go on, writes wait, and so does another of its kind.
    ShareRowExclusive,
    /// Reads and writes wait.
    AccessExclusive,
}

impl LockMode {
    /// The name, as the documentation writes it, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            LockMode::ShareUpdateExclusive => "share update exclusive",
            LockMode::Share => "share",
            LockMode::ShareRowExclusive => "share row exclusive",
            LockMode::AccessExclusive => "access exclusive",
        }
    }
}

/// As a directive of a file's header says it: the kind, a colon, the object.
impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hazard::Locks(mode, table) => write!(f, "locks: {table} ({})", mode.as_str()),
            Hazard::Scans(table) => write!(f, "scans: {table}"),
            Hazard::Rewrites(table) => write!(f, "rewrites: {table}"),
            Hazard::Removes(subject) => write!(f, "removes: {subject}"),
            Hazard::NarrowsAccess(subject) => write!(f, "narrows-access: {subject}"),
            Hazard::WidensAccess(subject) => write!(f, "widens-access: {subject}"),
            Hazard::LosesData(subject) => write!(f, "loses-data: {subject}"),
        }
    }
}
