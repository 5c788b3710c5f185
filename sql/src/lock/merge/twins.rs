//! Migrations that several branches sealed in the same second: one version, as many names.
//!
//! In a merged lock the facts of all stand under one version. Of those that differ, the first is the one
//! side's, the second the other's and so on, since every merge puts one side before the other; what all say
//! is there once, and so is what only one of them says. Every side but the first gets a key of its own, the
//! version and a suffix.

use std::collections::{BTreeMap, BTreeSet};

use super::super::chain::plain;
use super::super::facts::{fact, segment};
use super::super::{Came, Lock, Sealed, is_version};
use crate::file::Header;

/// The facts of one version: each path below it, with the lines that say it.
type Facts<'a> = BTreeMap<Vec<String>, Vec<(usize, &'a str)>>;

/// Takes the facts of every side but the first out of the lines, and gives them anew, each below its own key.
pub(super) fn split(lines: &mut [&str]) -> Vec<String> {
    let mut versions: BTreeMap<String, Facts<'_>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        if !line.starts_with("migrations.") {
            continue;
        }
        let Some((path, _)) = fact(line) else {
            continue; // reading says so, with its line
        };
        if let [_, version, below @ ..] = path.as_slice()
            && is_version(version)
        {
            let facts = versions.entry(version.clone()).or_default();
            let said = facts.entry(below.to_vec()).or_default();
            said.push((index, line));
        }
    }
    let mut split = Vec::new();
    for (version, facts) in versions {
        // Of one name they have one file, and which of them it is nobody can tell.
        let sides = facts.get(&["name".to_owned()][..]).map_or(0, Vec::len);
        let old = format!("migrations.{}.", segment(&version));
        for side in 2..=sides {
            let new = format!("migrations.{}.", segment(&format!("{version}~{side}")));
            for said in facts.values().filter(|said| said.len() <= sides) {
                // Where fewer differ than there are sides, some say the same, or nothing.
                let (_, line) = said[side.min(said.len()) - 1];
                split.push(line.replacen(&old, &new, 1));
            }
        }
        for said in facts.values().filter(|said| said.len() <= sides) {
            for (index, _) in &said[1..] {
                lines[*index] = "";
            }
        }
    }
    split
}

/// The keys of migrations that share their version, the plain one first.
fn groups(lock: &Lock) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for key in lock.migrations.keys().filter(|key| plain(key) != *key) {
        let group = groups.entry(plain(key));
        group
            .or_insert_with(|| vec![plain(key).to_owned()])
            .push(key.clone());
    }
    groups.into_values().collect()
}

/// See [`Lock::settle_twins`].
pub(super) fn settle(lock: &mut Lock, header: impl Fn(&str) -> Option<Header>) {
    for keys in groups(lock) {
        for key in &keys {
            if let (Some(header), Some(sealed)) = (header(key), lock.migrations.get_mut(key)) {
                sealed.hazards = header.hazards;
                sealed.accepted = header.accepted;
            }
        }
        if !keys.iter().all(|key| lock.migrations.contains_key(key)) {
            continue;
        }
        let sides: Vec<Sealed> = keys
            .iter()
            .filter_map(|key| lock.migrations.remove(key))
            .collect();
        let parents = lock.migrations.values();
        let parents: BTreeSet<&String> = parents.filter_map(|it| it.parent.as_ref()).collect();
        let settled = told_apart(&keys, sides, &parents);
        lock.migrations.extend(keys.into_iter().zip(settled));
    }
}

/// Gives each side, of the facts that no file tells, those by which what follows it fits. A side that nothing
/// follows gets what is left: nothing depends on it.
fn told_apart(keys: &[String], sides: Vec<Sealed>, parents: &BTreeSet<&String>) -> Vec<Sealed> {
    let said = Said::of(&sides);
    let followed: Vec<Option<Sealed>> = keys
        .iter()
        .zip(&sides)
        .map(|(key, side)| {
            let mut readings = said.readings(side).into_iter();
            readings.find(|reading| parents.contains(&reading.checksum(key)))
        })
        .collect();
    let settled: Vec<&Sealed> = followed.iter().flatten().collect();
    let left = |taken: &dyn Fn(&Sealed) -> bool| settled.iter().any(|one| taken(one));
    let mut rest = said.clone();
    rest.schemas
        .retain(|schema| !left(&|one| one.schema == *schema));
    rest.gone.retain(|gone| !left(&|one| one.gone == *gone));
    rest.back.retain(|back| !left(&|one| one.back == *back));
    rest.came.retain(|came| !left(&|one| one.came == *came));
    let mut settled = Vec::new();
    for (side, followed) in sides.into_iter().zip(followed) {
        settled.push(followed.unwrap_or_else(|| rest.give(side)));
    }
    settled
}

/// What the sides say between them.
#[derive(Clone)]
struct Said {
    schemas: Vec<Option<String>>,
    gone: Vec<BTreeSet<String>>,
    back: Vec<BTreeSet<String>>,
    came: Vec<Came>,
}

impl Said {
    fn of(sides: &[Sealed]) -> Said {
        fn each<T: PartialEq + Clone>(sides: &[Sealed], of: impl Fn(&Sealed) -> &T) -> Vec<T> {
            let mut all: Vec<T> = Vec::new();
            for side in sides {
                if !all.contains(of(side)) {
                    all.push(of(side).clone());
                }
            }
            all
        }
        Said {
            schemas: each(sides, |side| &side.schema),
            gone: each(sides, |side| &side.gone),
            back: each(sides, |side| &side.back),
            came: each(sides, |side| &side.came),
        }
    }

    /// What a side may be: as it is read first, else with what another says, or with nothing.
    fn readings(&self, side: &Sealed) -> Vec<Sealed> {
        let mut readings = vec![side.clone()];
        let schemas = self.schemas.iter().cloned().chain([None]);
        for schema in schemas {
            for gone in self.gone.iter().chain([&BTreeSet::new()]) {
                for back in self.back.iter().chain([&BTreeSet::new()]) {
                    readings.push(Sealed {
                        schema: schema.clone(),
                        gone: gone.clone(),
                        back: back.clone(),
                        ..side.clone()
                    });
                }
            }
        }
        readings
    }

    /// Gives a side what is left, where it holds what is another's.
    fn give(&mut self, mut side: Sealed) -> Sealed {
        fn one<T: PartialEq>(own: &mut T, left: &mut Vec<T>) {
            match left.iter().position(|one| one == own) {
                Some(at) => drop(left.remove(at)),
                None if !left.is_empty() => *own = left.remove(0),
                None => {}
            }
        }
        one(&mut side.schema, &mut self.schemas);
        one(&mut side.gone, &mut self.gone);
        one(&mut side.back, &mut self.back);
        one(&mut side.came, &mut self.came);
        side
    }
}

/// Gives back its version to a migration whose twins have left.
pub(super) fn join(lock: &mut Lock) {
    for keys in groups(lock) {
        let mut stay: Vec<&String> = keys
            .iter()
            .filter(|key| lock.migrations.contains_key(*key))
            .collect();
        if let (Some(key), true) = (stay.pop(), stay.is_empty())
            && let Some(sealed) = lock.migrations.remove(key)
        {
            lock.migrations.insert(keys[0].clone(), sealed);
        }
    }
}
