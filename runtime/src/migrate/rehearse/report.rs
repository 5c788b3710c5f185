//! What came of a rehearsal, and how it reads.

use std::fmt;
use std::time::Duration;

use super::{RowCount, TakenLock};
use crate::migrate::verify::Verification;

/// What came of a rehearsal.
#[derive(Debug, Clone, Default)]
pub struct Rehearsal {
    /// Where it took place, and why there.
    pub place: String,
    /// What was made that no migration makes: stubs, and roles that were missing.
    pub prepared: Vec<String>,
    /// The migrations in order. Where one fails, those after it are not there.
    pub migrations: Vec<Rehearsed>,
    /// The comparison with the sealed schema, after every file up; `None` where one failed.
    pub verification: Option<Verification>,
    /// How many rows each table of the copy held; empty unless one was asked for.
    pub rows: Vec<RowCount>,
    /// What was left: databases of killed rehearsals, roles that could not be dropped; each with the
    /// command that removes it.
    pub leftovers: Vec<String>,
}

impl Rehearsal {
    /// Whether every file ran, every way back led exactly back, and the end is as sealed.
    pub fn is_clean(&self) -> bool {
        let verified = self.verification.as_ref();
        self.migrations.iter().all(Rehearsed::is_exact)
            && verified.is_some_and(Verification::is_clean)
    }
}

/// One migration, rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// How long the file took that applies it.
    pub up: Option<Duration>,
    /// How long the file took that undoes it.
    pub down: Option<Duration>,
    /// How long it took to apply it again.
    pub again: Option<Duration>,
    /// The strongest lock that applying it took on each relation that was there before.
    pub up_locks: Vec<TakenLock>,
    /// The same of undoing it.
    pub down_locks: Vec<TakenLock>,
    /// Whether the locks were looked at from another connection from time to time, as for files outside a
    /// transaction; some may then be missing.
    pub sampled: bool,
    /// What the way back leaves otherwise than it was, and what coming again does.
    pub differences: Vec<String>,
    /// What is otherwise and does not count: the order of columns.
    pub notes: Vec<String>,
    /// Why one of its files did not run.
    pub failure: Option<String>,
}

impl Rehearsed {
    /// Whether it ran up, down and up again, and left no difference.
    pub fn is_exact(&self) -> bool {
        self.failure.is_none() && self.differences.is_empty() && self.again.is_some()
    }
}

/// A line for each migration and each finding.
impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.place)?;
        for line in &self.prepared {
            writeln!(f, "{line}")?;
        }
        for migration in &self.migrations {
            write!(f, "{migration}")?;
        }
        if let Some(verification) = &self.verification {
            write!(f, "{verification}")?;
        }
        for count in &self.rows {
            writeln!(f, "{count}")?;
        }
        for line in &self.leftovers {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = |time: &Option<Duration>| match time {
            Some(time) => format!("{} ms", time.as_millis()),
            None => "did not run".to_owned(),
        };
        let state = if self.is_exact() {
            "exact"
        } else {
            "not exact"
        };
        writeln!(
            f,
            "{}_{}: up {}, down {}, up again {}: {state}",
            self.version,
            self.name,
            took(&self.up),
            took(&self.down),
            took(&self.again)
        )?;
        for (way, locks) in [("up", &self.up_locks), ("down", &self.down_locks)] {
            for lock in locks {
                writeln!(f, "  {way} locks {lock}")?;
            }
        }
        if self.sampled {
            writeln!(
                f,
                "  locks outside a transaction were looked at from time to time; some may be missing"
            )?;
        }
        let lines = self
            .failure
            .iter()
            .chain(&self.differences)
            .chain(&self.notes);
        for line in lines {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
