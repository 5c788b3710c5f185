//! The chain: every sealed migration names the checksum of the one before it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::came::Came;
use super::{Lock, LockError, facts_of, schema_checksum};
use crate::file::{Document, FileSeal, checksum};
use crate::plan::Hazard;
use crate::schema::Schema;

/// One sealed migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The checksum of the schema that it leads to; `None` where nothing needs it: on the way, within
    /// one seal, and where it was chained anew between others, which nobody has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What applying it does beside what it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hazards: Vec<Hazard>,
    /// Why a loss of data or a wider access is wanted, by the object that it concerns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accepted: BTreeMap<String, String>,
    /// The facts of the schema that it took away or changed, so that a merge of two branches does not
    /// bring them back. Of a seal that wrote several, the last has those of all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone: BTreeSet<String>,
    /// The facts that a migration before it took away, and it brought back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub back: BTreeSet<String>,
    /// The facts that it added or changed, each as a short checksum, so that after a merge the schema that
    /// each branch had is known. That it is the right one, the checksum of that schema says.
    #[serde(default, skip_serializing_if = "Came::is_empty")]
    pub came: Came,
}

impl Sealed {
    /// The checksum of this link: over its version, its name, both files, the schema it leads to,
    /// what it does to data and access, and its parent's checksum, and so over all that came before.
    pub fn checksum(&self, version: &str) -> String {
        let Sealed {
            name,
            parent,
            up,
            down,
            schema,
            hazards,
            accepted,
            gone,
            back,
            came: _,
        } = self;
        let accepted: Vec<(&String, &String)> = accepted.iter().collect();
        let facts = serde_json::json!([
            plain(version),
            name,
            parent,
            up.sha256,
            down.sha256,
            schema,
            hazards,
            accepted,
            gone,
            back
        ]);
        checksum(&facts.to_string())
    }

    /// The file name of both its files.
    pub fn file_name(&self, version: &str) -> String {
        format!("{}_{}.sql", plain(version), self.name)
    }

    /// What applying it destroys, as `object: fate`.
    pub fn losses(&self) -> impl Iterator<Item = String> {
        self.hazards.iter().filter_map(|hazard| match hazard {
            Hazard::LosesData(subject) => Some(subject.to_string()),
            _ => None,
        })
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

/// A pair of files to seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPair {
    /// Fourteen digits.
    pub version: String,
    /// The file that applies it.
    pub up: Document,
    /// The file that undoes it.
    pub down: Document,
    /// The [checksum](super::schema_checksum) of the schema that it leads to, where it is known.
    pub schema: Option<String>,
}

/// The version itself, of one that a merge has told apart from another branch's of the same second.
pub(super) fn plain(version: &str) -> &str {
    version.split('~').next().unwrap_or(version)
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

    /// Adds migrations that lead one after the other from the head to `schema`, which becomes the
    /// sealed one. Each file's header is made to name its parent; gives the texts to write, a pair for
    /// each.
    ///
    /// # Errors
    /// A version that is none or not later than the one before. The lock is then as it was.
    pub fn seal(
        &mut self,
        name: &str,
        pairs: Vec<NewPair>,
        schema: Schema,
    ) -> Result<Vec<[String; 2]>, LockError> {
        let mut links = BTreeMap::new();
        let mut texts = Vec::new();
        let mut head = self.head();
        let last = pairs.len().saturating_sub(1);
        for (index, mut pair) in pairs.into_iter().enumerate() {
            let version = pair.version;
            if !is_version(&version) || head.as_ref().is_some_and(|head| version <= head.version) {
                return Err(LockError::whole(format!(
                    "`{version}` cannot be the next version; it must be 14 digits and later than the last"
                )));
            }
            let parent = head.map(|head| head.checksum);
            pair.up.header.parent.clone_from(&parent);
            pair.down.header.parent.clone_from(&parent);
            let (up, down) = (pair.up.to_string(), pair.down.to_string());
            let mut sealed = Sealed {
                name: name.to_owned(),
                parent,
                up: FileSeal::of(&up),
                down: FileSeal::of(&down),
                schema: pair.schema,
                hazards: pair.up.header.hazards,
                accepted: pair.up.header.accepted,
                gone: BTreeSet::new(),
                back: BTreeSet::new(),
                came: Came::default(),
            };
            if index == last {
                let (before, after) = (facts_of(&self.schema), facts_of(&schema));
                let links = self.migrations.values();
                let taken: BTreeSet<&String> = links.flat_map(|link| &link.gone).collect();
                sealed.gone = before.difference(&after).cloned().collect();
                let added: Vec<&String> = after.difference(&before).collect();
                sealed.came = Came::of(added.iter().copied());
                let again = added.into_iter().filter(|fact| taken.contains(fact));
                sealed.back = again.cloned().collect();
            }
            head = Some(Head {
                checksum: sealed.checksum(&version),
                version: version.clone(),
            });
            links.insert(version, sealed);
            texts.push([up, down]);
        }
        self.migrations.extend(links);
        self.schema = schema;
        Ok(texts)
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
            if let Some(twin) = self
                .migrations
                .get(plain(version))
                .filter(|_| plain(version) != version)
            {
                return Err(LockError::whole(format!(
                    "`{}` and `{}` were sealed in one second, as two branches do; run `cargo tabellion reseal`, which \
                     chains one behind the other",
                    twin.file_name(version),
                    sealed.file_name(version)
                )));
            }
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
            None => Some(schema_checksum(&Schema::default())),
        };
        if Some(schema_checksum(&self.schema)) == expected {
            Ok(())
        } else {
            Err(LockError::whole(
                "the sealed schema is not the one that the last migration led to; after a merge run \
                 `cargo tabellion reseal`, else restore the lock from version control",
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
                 branches do; run `cargo tabellion reseal`, which chains one behind the other"
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
