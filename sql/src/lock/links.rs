//! The links of the chain, as a lock writes them: below each migration's version stands the beginning of its
//! checksum, so that a merge never mixes what two branches sealed in one second.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

use super::chain::{Sealed, plain};

/// Hexadecimal digits of a checksum: enough that no two migrations of one second have the same.
const DIGITS: usize = 12;

type Links<T> = BTreeMap<String, BTreeMap<String, T>>;

/// The beginning of a migration's checksum.
fn link(version: &str, sealed: &Sealed) -> String {
    let mut link = sealed.checksum(version);
    link.truncate(DIGITS);
    link
}

pub(super) fn serialize<S: Serializer>(
    migrations: &BTreeMap<String, Sealed>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut links: Links<&Sealed> = BTreeMap::new();
    for (version, sealed) in migrations {
        let of_version = links.entry(plain(version).to_owned()).or_default();
        of_version.insert(link(version, sealed), sealed);
    }
    links.serialize(serializer)
}

/// Of several links of one version the first has the version as its key, and each other one a suffix too.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Sealed>, D::Error> {
    let links: Links<Sealed> = Links::deserialize(deserializer)?;
    let mut migrations = BTreeMap::new();
    for (version, links) in links {
        for (number, (link, sealed)) in (1..).zip(links) {
            fits(&version, &link, &sealed).map_err(D::Error::custom)?;
            let key = match number {
                1 => version.clone(),
                more => format!("{version}~{more}"),
            };
            migrations.insert(key, sealed);
        }
    }
    Ok(migrations)
}

/// Whether a migration is what was sealed.
fn fits(version: &str, written: &str, sealed: &Sealed) -> Result<(), String> {
    if link(version, sealed) == written {
        Ok(())
    } else {
        Err(format!("migration `{version}` is not what was sealed"))
    }
}

/// The first link that cannot be read: its path, and the error.
pub(super) fn culprit(lock: &Value) -> Option<(Vec<&str>, serde_json::Error)> {
    let versions = lock.get("migrations")?.as_object()?;
    versions.iter().find_map(|(version, links)| {
        links.as_object()?.iter().find_map(|(link, entry)| {
            let error = match Sealed::deserialize(entry) {
                Ok(sealed) => serde_json::Error::custom(fits(version, link, &sealed).err()?),
                Err(error) => error,
            };
            Some((vec!["migrations", version, link], error))
        })
    })
}
