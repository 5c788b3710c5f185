//! What a step does beside what it says: locks, scans, rewrites, loses, opens, closes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::schema::QualifiedName;

/// Something about a step that a reviewer must know. A lock keeps it as the text of its directive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Hazard {
    /// Takes a lock on a table that exists already, and holds it until the file is done.
    Locks(LockMode, QualifiedName),
    /// Reads every row of the table.
    Scans(QualifiedName),
    /// Writes every row of the table anew.
    Rewrites(QualifiedName),
    /// Takes away an object that holds no data, or a rule that rows had to keep.
    Removes(Subject),
    /// Makes a rule for rows that exist, and for programs that know nothing of it.
    Restricts(Subject),
    /// Lets fewer roles, or fewer rows, through.
    NarrowsAccess(Subject),
    /// Lets more roles, or more rows, through, or may do so.
    WidensAccess(Subject),
    /// Destroys data.
    LosesData(Subject),
}

impl Hazard {
    /// The object that a reason must name before this may be sealed: what loses data, or is opened to
    /// more.
    pub fn to_accept(&self) -> Option<&str> {
        match self {
            Hazard::LosesData(subject) | Hazard::WidensAccess(subject) => Some(&subject.object),
            _ => None,
        }
    }

    /// Whether it is neither additive nor named one by one: someone must say to have looked at it.
    pub fn to_review(&self) -> bool {
        matches!(
            self,
            Hazard::Rewrites(_)
                | Hazard::Removes(_)
                | Hazard::Restricts(_)
                | Hazard::NarrowsAccess(_)
        )
    }

    /// Whether running the step destroys data.
    pub fn loses_data(&self) -> bool {
        matches!(self, Hazard::LosesData(_))
    }
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

impl FromStr for Subject {
    type Err = String;

    /// The object ends at the first colon and blank that no quoted name holds.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut quoted = false;
        let colon = text.char_indices().find(|&(at, c)| {
            quoted ^= c == '"';
            !quoted && text[at..].starts_with(": ")
        });
        let parts = colon.map(|(at, _)| (text[..at].trim(), text[at + 2..].trim()));
        match parts {
            Some((object, fate)) if !object.is_empty() && !fate.is_empty() => {
                Ok(Subject::new(object, fate))
            }
            _ => Err(format!(
                "`{text}` is no object with what becomes of it; write `column public.note.body: dropped`"
            )),
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
    /// Every mode, weakest first.
    const ALL: [LockMode; 4] = [
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::AccessExclusive,
    ];

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
            Hazard::Restricts(subject) => write!(f, "restricts: {subject}"),
            Hazard::NarrowsAccess(subject) => write!(f, "narrows-access: {subject}"),
            Hazard::WidensAccess(subject) => write!(f, "widens-access: {subject}"),
            Hazard::LosesData(subject) => write!(f, "loses-data: {subject}"),
        }
    }
}

impl FromStr for Hazard {
    type Err = String;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "`{text}` is not a directive; use `locks: TABLE (MODE)`, `scans: TABLE`, `rewrites: TABLE`, or \
                 `removes`, `restricts`, `narrows-access`, `widens-access`, `loses-data` with `: OBJECT: FATE`"
            )
        };
        let (kind, what) = text.split_once(':').ok_or_else(unknown)?;
        let what = what.trim();
        Ok(match kind {
            "locks" => {
                let lock = what
                    .strip_suffix(')')
                    .and_then(|what| what.rsplit_once(" ("));
                let (table, mode) = lock.ok_or_else(|| {
                    format!("`{what}` names no lock; write `public.note (access exclusive)`")
                })?;
                let known = LockMode::ALL.into_iter().find(|one| one.as_str() == mode);
                let mode = known.ok_or_else(|| {
                    let all: Vec<_> = LockMode::ALL
                        .map(|one| format!("`{}`", one.as_str()))
                        .into();
                    format!("`{mode}` is not a lock on a table; use {}", all.join(", "))
                })?;
                Hazard::Locks(mode, table.parse()?)
            }
            "scans" => Hazard::Scans(what.parse()?),
            "rewrites" => Hazard::Rewrites(what.parse()?),
            "removes" => Hazard::Removes(what.parse()?),
            "restricts" => Hazard::Restricts(what.parse()?),
            "narrows-access" => Hazard::NarrowsAccess(what.parse()?),
            "widens-access" => Hazard::WidensAccess(what.parse()?),
            "loses-data" => Hazard::LosesData(what.parse()?),
            _ => return Err(unknown()),
        })
    }
}

impl From<Hazard> for String {
    fn from(hazard: Hazard) -> Self {
        hazard.to_string()
    }
}

impl TryFrom<String> for Hazard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hazard_survives_its_text() {
        let table = || QualifiedName::new("public", "Odd: name");
        let subject = || Subject::new("policy \"see: it\" on public.note", "changed: a, b");
        for hazard in [
            Hazard::Locks(LockMode::ShareRowExclusive, table()),
            Hazard::Scans(table()),
            Hazard::Rewrites(table()),
            Hazard::Removes(subject()),
            Hazard::Restricts(subject()),
            Hazard::NarrowsAccess(subject()),
            Hazard::WidensAccess(subject()),
            Hazard::LosesData(subject()),
        ] {
            assert_eq!(hazard.to_string().parse(), Ok(hazard));
        }
    }

    #[test]
    fn a_wrong_hazard_says_what_is_right() {
        for (text, said) in [
            ("looses-data: column a.b.c: dropped", "is not a directive"),
            ("loses-data: column a.b.c", "is no object with what becomes"),
            ("loses-data: : dropped", "is no object with what becomes"),
            ("scans: note", "write `schema.name`"),
            ("locks: public.note", "names no lock"),
            ("locks: public.note (exclusive)", "`share`, "),
        ] {
            let error = text.parse::<Hazard>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
