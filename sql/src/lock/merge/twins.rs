//! Migrations that two branches sealed in the same second: one version, two names.
//!
//! In a merged lock the facts of both stand under one version. Of two that differ, the first is the one
//! side's and the second the other's, since every merge puts one side before the other; what both say
//! is there once, and so is what only one of them says. The second side gets a key of its own, the
//! version and a suffix.

use std::collections::{BTreeMap, BTreeSet};

use super::super::chain::plain;
use super::super::facts::{fact, segment};
use super::super::{Lock, Sealed, is_version};
use crate::file::Header;

/// The facts of one version: each path below it, with the lines that say it.
type Facts<'a> = BTreeMap<Vec<String>, Vec<(usize, &'a str)>>;

/// Takes the second side's facts out of the lines, and gives them anew, each below its own key.
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
        let names = facts.get(&["name".to_owned()][..]);
        // Of one name they have one file, and which of the two it is nobody can tell.
        if names.is_none_or(|names| names.len() != 2) {
            continue;
        }
        let (old, new) = (
            format!("migrations.{}.", segment(&version)),
            format!("migrations.{}.", segment(&format!("{version}~2"))),
        );
        for said in facts.values().filter(|said| said.len() <= 2) {
            let (index, line) = said[said.len() - 1];
            split.push(line.replacen(&old, &new, 1));
            if said.len() == 2 {
                lines[index] = "";
            }
        }
    }
    split
}

/// The keys of migrations that share their version.
fn pairs(lock: &Lock) -> Vec<[String; 2]> {
    let seconds = lock.migrations.keys().filter(|key| plain(key) != *key);
    seconds
        .map(|second| [plain(second).to_owned(), second.clone()])
        .collect()
}

/// See [`Lock::settle_twins`].
pub(super) fn settle(lock: &mut Lock, header: impl Fn(&str) -> Option<Header>) {
    for pair in pairs(lock) {
        for key in &pair {
            if let (Some(header), Some(sealed)) = (header(key), lock.migrations.get_mut(key)) {
                sealed.hazards = header.hazards;
                sealed.accepted = header.accepted;
            }
        }
        let [Some(first), Some(second)] = pair.clone().map(|key| lock.migrations.remove(&key))
        else {
            continue;
        };
        let parents = lock.migrations.values();
        let parents: BTreeSet<&String> = parents.filter_map(|it| it.parent.as_ref()).collect();
        let followed = |[a, b]: &[Sealed; 2]| {
            let sums = [a.checksum(&pair[0]), b.checksum(&pair[1])];
            sums.iter().filter(|sum| parents.contains(sum)).count()
        };
        // The first of the best: where nothing follows, nothing depends on it.
        let best = readings([first, second])
            .into_iter()
            .rev()
            .max_by_key(followed);
        let best = best.into_iter().flatten().collect::<Vec<_>>();
        lock.migrations.extend(pair.into_iter().zip(best));
    }
}

/// The ways in which the facts that no file tells may belong to the one and the other.
fn readings(pair: [Sealed; 2]) -> Vec<[Sealed; 2]> {
    let mut readings = vec![pair];
    let mut vary = |change: &dyn Fn(&mut [Sealed; 2])| {
        let mut varied = readings.clone();
        varied.iter_mut().for_each(change);
        readings.extend(varied);
    };
    vary(&|[a, b]| std::mem::swap(&mut a.schema, &mut b.schema));
    vary(&|[a, b]| std::mem::swap(&mut a.gone, &mut b.gone));
    vary(&|[a, b]| std::mem::swap(&mut a.back, &mut b.back));
    // Said once, it is both sides' or one's alone.
    let mut alone = |is_said_once: &dyn Fn(&[Sealed; 2]) -> bool, clear: &dyn Fn(&mut Sealed)| {
        for pair in readings.clone() {
            if is_said_once(&pair) {
                for side in 0..2 {
                    let mut varied = pair.clone();
                    clear(&mut varied[side]);
                    readings.push(varied);
                }
            }
        }
    };
    alone(&|[a, b]| a.schema == b.schema, &|one| one.schema = None);
    alone(&|[a, b]| a.gone == b.gone, &|one| one.gone.clear());
    alone(&|[a, b]| a.back == b.back, &|one| one.back.clear());
    readings
}

/// Gives back its version to a migration whose twin has left.
pub(super) fn join(lock: &mut Lock) {
    for [first, second] in pairs(lock) {
        if !lock.migrations.contains_key(&first)
            && let Some(sealed) = lock.migrations.remove(&second)
        {
            lock.migrations.insert(first, sealed);
        }
    }
}
