//! The lock: the sealed schema, and the chain of sealed migrations, as text.
//!
//! ```text
//! tabellion-lock 1
//! migrations.20260102030405.9f86d081884c.name = "first"
//! …
//! schema.tables."public.invoice".columns.id.type = "bigint"
//! ```
//!
//! The first line names the format; every other line is one fact, and the lines are sorted, so that
//! equal content is equal bytes and a version control system merges what does not contradict. Below a
//! migration's version stands the beginning of its checksum, since two branches may seal in one second.

mod came;
mod chain;
mod draft;
mod facts;
mod files;
mod links;
mod merge;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::file::checksum;
use crate::schema::Schema;

pub use came::Came;
pub use chain::{Head, NewPair, Sealed, is_version};
pub use draft::{Draft, DraftPair, SchemaFacts, UNFINISHED, draft_files, what_stays};
use facts::Facts;
pub use files::{DOWN, Files, LOCK, Orphan, SEALED, UP};
pub use merge::{Order, carried};

/// The first line of a lock.
const FORMAT: &str = "tabellion-lock 1";

/// The schema as it was sealed last, and how it came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The schema that the sealed migrations lead to.
    #[serde(default)]
    pub schema: Schema,
    /// The sealed migrations by version: fourteen digits, the moment of sealing in UTC. After a merge, several
    /// may have one version; the key of each but the first has a suffix then. See [`merged`](Self::merged).
    #[serde(default, with = "links")]
    pub migrations: BTreeMap<String, Sealed>,
}

impl Lock {
    /// Reads a lock and verifies its chain.
    ///
    /// # Errors
    /// A text that is no lock, holds a merge conflict, contradicts itself, or whose chain is broken.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let lock: Lock = read(text, FORMAT)?;
        lock.verify_chain()?;
        Ok(lock)
    }

    /// The PostgreSQL schemas in which extensions lay that have been moved since, or are no longer declared: no
    /// migration drops them.
    pub fn homes(&self) -> BTreeSet<String> {
        let gone = self.migrations.values().flat_map(|sealed| &sealed.gone);
        let home = |fact: &String| {
            let (path, home) = fact.split_once(" = ")?;
            let is_home = path.starts_with("extensions.") && path.ends_with(".schema");
            is_home.then(|| serde_json::from_str(home).ok())?
        };
        gone.filter_map(home).collect()
    }

    /// The lock as text: the same bytes for the same content.
    pub fn to_text(&self) -> String {
        write(FORMAT, self)
    }
}

/// The checksum of a schema, as its facts read in a lock. It stays the same across versions of
/// Tabellion as long as a field that is added to the schema is left out where it has its default.
pub fn schema_checksum(schema: &Schema) -> String {
    checksum(&schema_text(schema))
}

/// The facts of a schema as text, without the prefix `schema.`.
fn schema_text(schema: &Schema) -> String {
    write("schema", schema)
}

/// The facts of a schema, as a lock writes them, without the prefix `schema.`.
pub(crate) fn facts_of(schema: &Schema) -> BTreeSet<String> {
    let text = schema_text(schema);
    text.lines().skip(1).map(str::to_owned).collect()
}

fn write(format: &str, value: &impl Serialize) -> String {
    // Every key of a schema is a string, so this cannot fail; an empty text would be refused.
    write::facts(format!("{format}\n"), "", value).unwrap_or_default()
}

fn read<T: DeserializeOwned>(text: &str, format: &str) -> Result<T, LockError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let facts = Facts::parse(text)?;
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first != format {
        let kind = format.trim_end_matches(|c: char| c.is_ascii_digit());
        return Err(LockError::at(
            1,
            match first.strip_prefix(kind) {
                Some(number) => {
                    format!(
                        "names format {number}, which this version of tabellion does not know; update tabellion"
                    )
                }
                None => format!("is not `{format}`; restore the file from version control"),
            },
        ));
    }
    let value = facts.unflatten();
    T::deserialize(&value).map_err(|error| {
        // serde does not say where; the table or migration that fails on its own is the place.
        let (path, error) = culprit::<crate::schema::Table>(&value, &["schema", "tables"])
            .or_else(|| links::culprit(&value))
            .unwrap_or((Vec::new(), error));
        let said = error.to_string();
        // `unknown field `x`, expected …`
        let unknown = ["unknown field `", "unknown variant `"];
        let unknown = unknown.iter().find_map(|what| said.strip_prefix(what));
        let name = unknown.and_then(|rest| rest.split('`').next());
        let named = name.and_then(|name| Some((facts.line_of(&path, name)?, name)));
        match named {
            Some((line, name)) => LockError::at(
                line,
                format!(
                    "says `{name}`, which this version of tabellion does not know; update tabellion, or restore \
                     the file from version control"
                ),
            ),
            None => LockError::at(
                facts.line(&path).unwrap_or(1),
                format!(
                    "begins facts that do not fit together: {error}; restore the file from version control"
                ),
            ),
        }
    })
}

/// The first entry of a map that does not deserialize on its own: its path, and the error.
fn culprit<'a, T: DeserializeOwned>(
    value: &'a Value,
    path: &[&'a str],
) -> Option<(Vec<&'a str>, serde_json::Error)> {
    let map = path.iter().try_fold(value, |value, key| value.get(key))?;
    map.as_object()?.iter().find_map(|(key, entry)| {
        let error = T::deserialize(entry).err()?;
        Some((path.iter().copied().chain([key.as_str()]).collect(), error))
    })
}

/// A lock, or a draft's lock, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockError {
    line: Option<usize>,
    message: String,
}

impl LockError {
    fn at(line: usize, message: impl Into<String>) -> Self {
        LockError {
            line: Some(line),
            message: message.into(),
        }
    }

    fn whole(message: impl Into<String>) -> Self {
        LockError {
            line: None,
            message: message.into(),
        }
    }

    /// The error of a text that has one line more at its top than the file.
    fn one_up(self) -> Self {
        LockError {
            line: self.line.map(|line| line.saturating_sub(1).max(1)),
            ..self
        }
    }

    /// The line, counted from 1, where one line is to blame.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for LockError {}

#[cfg(test)]
mod tests;
