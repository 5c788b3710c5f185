//! The chain: every sealed migration names the checksum of the one before it.

use serde::{Deserialize, Serialize};

use super::{Lock, LockError, schema_checksum};
use crate::file::{FileSeal, checksum};
use crate::schema::Schema;

/// One sealed migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The name given when it was sealed.
    pub name: String,
    /// The checksum of the migration before it; `None` for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The file in `migrations/`.
    pub up: FileSeal,
    /// The file in `rollbacks/`.
    pub down: FileSeal,
    /// The checksum of the schema that it leads to.
    pub schema: String,
    /// What applying it destroys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses_data: Vec<String>,
    /// Why that loss is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

impl Sealed {
    /// The checksum of this link: over its version, its name, both files, the schema it leads to,
    /// what it destroys, and its parent's checksum, and so over all that came before.
    pub fn checksum(&self, version: &str) -> String {
        let Sealed {
            name,
            parent,
            up,
            down,
            schema,
            loses_data,
            accepted,
        } = self;
        let facts = serde_json::json!([
            version,
            name,
            parent,
            up.sha256,
            down.sha256,
            schema,
            loses_data,
            accepted
        ]);
        checksum(&facts.to_string())
    }

    /// The file name of both its files.
    pub fn file_name(&self, version: &str) -> String {
        format!("{version}_{}.sql", self.name)
    }
}

/// The last link of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its version.
    pub version: String,
    /// Its checksum, which the next link and a draft name as their parent.
    pub checksum: String,
}

/// Whether a text is a version: fourteen digits.
pub fn is_version(text: &str) -> bool {
    text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Lock {
    /// The last sealed migration; `None` where nothing is sealed.
    pub fn head(&self) -> Option<Head> {
        let (version, sealed) = self.migrations.last_key_value()?;
        Some(Head {
            version: version.clone(),
            checksum: sealed.checksum(version),
        })
    }

    /// Adds a migration that leads from the head to `schema`, which becomes the sealed one.
    ///
    /// # Errors
    /// A version that is none or not later than the head's.
    pub fn seal(
        &mut self,
        version: &str,
        name: &str,
        files: (&str, &str),
        loss: (Vec<String>, Option<String>),
        schema: Schema,
    ) -> Result<(), LockError> {
        let head = self.head();
        if !is_version(version) || head.as_ref().is_some_and(|head| version <= &*head.version) {
            return Err(LockError::whole(format!(
                "`{version}` cannot be the next version; it must be 14 digits and later than the last"
            )));
        }
        let (up, down) = files;
        let sealed = Sealed {
            name: name.to_owned(),
            parent: head.map(|head| head.checksum),
            up: FileSeal::of(up),
            down: FileSeal::of(down),
            schema: schema_checksum(&schema),
            loses_data: loss.0,
            accepted: loss.1,
        };
        self.migrations.insert(version.to_owned(), sealed);
        self.schema = schema;
        Ok(())
    }

    /// Verifies that every migration names the one before it, and that the sealed schema is the one
    /// that the last migration led to.
    ///
    /// # Errors
    /// A version that is no version, a broken chain, two migrations sealed on top of one, a schema
    /// that was changed by other means than sealing.
    pub fn verify_chain(&self) -> Result<(), LockError> {
        let mut before: Option<(&str, String)> = None;
        for (version, sealed) in &self.migrations {
            if !is_version(version) {
                return Err(LockError::whole(format!(
                    "`{version}` is no version, which has 14 digits; restore the lock from version control"
                )));
            }
            let parent = before.as_ref().map(|(_, checksum)| checksum);
            if sealed.parent.as_ref() != parent {
                return Err(self.broken(version, sealed, before.as_ref().map(|(v, _)| *v)));
            }
            before = Some((version, sealed.checksum(version)));
        }
        let expected = match self.migrations.values().next_back() {
            Some(head) => head.schema.clone(),
            None => schema_checksum(&Schema::default()),
        };
        if schema_checksum(&self.schema) == expected {
            Ok(())
        } else {
            Err(LockError::whole(
                "the sealed schema is not the one that the last migration led to; restore the lock \
                 from version control",
            ))
        }
    }

    fn broken(&self, version: &str, sealed: &Sealed, before: Option<&str>) -> LockError {
        let twin = self
            .migrations
            .iter()
            .find(|(other, entry)| other.as_str() < version && entry.parent == sealed.parent);
        LockError::whole(match (twin, before) {
            (Some((other, _)), _) => format!(
                "migrations `{other}` and `{version}` were both sealed on top of the same one, as two \
                 branches do; keep one branch's lock, remove the other's sealed files, build, and seal again"
            ),
            (None, Some(before)) => format!(
                "migration `{version}` does not follow `{before}`: one between them is missing or was \
                 changed; restore the lock from version control"
            ),
            (None, None) => format!(
                "migration `{version}` is the first, and yet names one before it; restore the lock from \
                 version control"
            ),
        })
    }
}
