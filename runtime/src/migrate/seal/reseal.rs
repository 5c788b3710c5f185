//! After a merge of two branches that both sealed: one chain again.
//!
//! First is written which files will come and go, then the new files, the lock after them, and the old
//! files are removed last. Cut short before the lock, the same command run again starts over; cut short after
//! it, it only clears up: a file that was to come or go and is not in the lock was left behind, and so was one
//! that holds what a sealed one of its name holds.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::{Path, PathBuf};

use tabellion_sql::file::{FileSeal, body};
use tabellion_sql::lock::{DOWN, LOCK, Lock, Order, Orphan, UP};

use super::super::error::{MigrateError, Problems};
use super::super::ledger::Entry;
use super::super::set::{files, read};
use super::behind::{Link, behind, is_in_place_of, plain};
use super::{SealedFiles, clock, is_by_hand, pair_of, parse, store, unfinished};

/// What is applied on one database, so that it is not sealed anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The database, as people call it.
    pub target: String,
    /// The last row of its ledger for each migration that is applied there.
    pub entries: Vec<Entry>,
}

/// A migration that was sealed anew, or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// The version that it had.
    pub from: String,
    /// Whether its files were drawn anew, since behind the other branch the old ones would not run, or not
    /// lead to what both sealed.
    pub drawn_anew: bool,
    /// Whether it is none any more, since the other branch says all of it already.
    pub left_out: bool,
    /// The reasons that were accepted for what the other branch does already, by the object that each concerns:
    /// they stand in no file any more. Of several that were sealed together the first has those of all.
    pub said_already: BTreeMap<String, String>,
    /// Its files as they are now. Of what is left out as they were, with the reasons that were accepted for it:
    /// they are removed.
    pub files: SealedFiles,
}

/// Puts two branches that both sealed into one chain, once version control has merged them: whatever is
/// applied on one of the given databases keeps its files and comes first, and the other branch gets new
/// versions behind it. A pair of files that the build drew is drawn anew where behind the other branch it
/// must say something else, and left out where there it would say nothing, or where the other branch holds it
/// sealed anew already. Where nothing was merged, nothing changes but what a reseal that was cut short left
/// behind.
///
/// # Errors
/// A lock whose two sides contradict each other, with both lines; a schema of both that is none, or a pair
/// that would have to be drawn anew and cannot; two branches that are both applied; a
/// database that holds what the lock does not; files that are not as they were sealed; a folder that
/// cannot be written. Nothing is changed then, but for the last.
pub fn reseal(root: impl AsRef<Path>, applied: &[Applied]) -> Result<Vec<Resealed>, MigrateError> {
    let root = root.as_ref();
    let _held = store::hold(root)?;
    let path = root.join(LOCK);
    let unusable = |error: &dyn std::fmt::Display| {
        MigrateError::files(format!("`{}` cannot be used: {error}", path.display()))
    };
    let Some(text) = read(&path)? else {
        return Err(unusable(&"it does not exist, so nothing was sealed"));
    };
    let mut lock = Lock::merged(&text).map_err(|error| unusable(&error))?;
    let mut found = files(root, &lock);
    let mut on = applied_on(&lock, applied)?;
    let superseded = superseded(&lock, &found.texts);
    if !superseded.is_empty() && !superseded.keys().any(|version| on.contains_key(version)) {
        // The branch that has their files comes first, and the files of the others nobody needs.
        for anew in superseded.values() {
            on.entry(anew.clone()).or_default();
        }
        let mut rest = lock.clone();
        rest.migrations
            .retain(|version, _| !superseded.contains_key(version));
        found = files(root, &rest);
    }
    let order = lock.order(&on).map_err(|error| unusable(&error))?;
    if !found.problems.is_empty() {
        return Err(MigrateError::Files(Problems(found.problems)));
    }
    let mut gone = Vec::new();
    let mut resealed = Vec::new();
    if order.moved.is_empty() {
        lock.verify_chain().map_err(|error| unusable(&error))?;
    } else {
        let repeated = repeated(&lock, &order, &found.texts);
        let mut moved = Vec::new();
        for version in &order.moved {
            let Some(sealed) = lock.migrations.get(version).cloned() else {
                continue;
            };
            let file = sealed.file_name(version);
            let document = |folder: &str| {
                let path = format!("{folder}/{file}");
                let text = found.texts.get(&path).map_or("", String::as_str);
                parse(root, &path, text)
            };
            let superseded = superseded.contains_key(version) || repeated.contains(version);
            let (up, down) = (document(UP)?, document(DOWN)?);
            gone.extend([UP, DOWN].map(|folder| root.join(folder).join(&file)));
            moved.push(Link {
                version: version.clone(),
                sealed,
                up,
                down,
                superseded,
            });
        }
        let schemas = lock.schemas(&text).map_err(|error| unusable(&error))?;
        let latest = lock.migrations.keys().next_back();
        let first = clock::later_than(latest.map_or("", |it| plain(it)), clock::now());
        resealed = behind(root, &mut lock, &order, moved, &schemas, &first)?;
    }
    let sealed: BTreeSet<String> = found.texts.keys().cloned().collect();
    // What one that was cut short has written already is a copy of what this one writes.
    let mut texts = found.texts;
    for (one, written) in &resealed {
        let paths = [UP, DOWN].into_iter().zip([&one.files.up, &one.files.down]);
        for ((folder, path), text) in paths.zip(written.iter().flatten()) {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            texts.insert(format!("{folder}/{file}"), text.clone());
        }
    }
    let named = unfinished::left(root, &text)?;
    let (left, unknown): (Vec<Orphan>, Vec<Orphan>) = found
        .orphans
        .into_iter()
        .partition(|orphan| named.contains(&orphan.path) || is_left_behind(orphan, &texts));
    if !unknown.is_empty() {
        let shown = root.display().to_string();
        let problems = unknown.iter().map(|orphan| orphan.problem(&shown));
        return Err(MigrateError::Files(Problems(problems.collect())));
    }
    gone.extend(left.iter().map(|orphan| root.join(&orphan.path)));
    // A text that has not got its name yet is no dated file.
    let nobodys = named.iter().filter(|path| !sealed.contains(*path));
    gone.extend(nobodys.flat_map(|path| {
        let path = root.join(path);
        [store::beside(&path), path]
    }));
    let now = lock.to_text();
    let of_lock = (now != text).then_some((path.as_path(), now.as_str()));
    let pairs = resealed.iter();
    let pairs = pairs.filter_map(|(one, texts)| Some((&one.files, texts.as_ref()?)));
    let new: BTreeSet<&Path> = pairs
        .clone()
        .flat_map(|(files, _)| [files.up.as_path(), files.down.as_path()])
        .collect();
    if of_lock.is_some() {
        let paths = gone.iter().map(PathBuf::as_path).chain(new.iter().copied());
        let below = |path: &Path| Some(path.strip_prefix(root).ok()?.to_str()?.replace('\\', "/"));
        unfinished::begin(root, [&text, &now], &paths.filter_map(below).collect())?;
    }
    store::write_all(pairs.flat_map(pair_of).chain(of_lock))?;
    gone.retain(|path| !new.contains(path.as_path()));
    gone.push(unfinished::path(root));
    for path in gone {
        store::remove(&path).map_err(|error| {
            MigrateError::Io(format!(
                "`{}` cannot be removed: {error}; the lock is in order, so remove it by hand, or run \
                 `cargo tabellion reseal` again",
                path.display()
            ))
        })?;
    }
    Ok(resealed.into_iter().map(|(one, _)| one).collect())
}

/// The targets that each version is applied on.
fn applied_on(
    lock: &Lock,
    applied: &[Applied],
) -> Result<BTreeMap<String, BTreeSet<String>>, MigrateError> {
    let mut on: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut problems = Vec::new();
    for Applied { target, entries } in applied {
        for entry in entries {
            // Of two that were sealed in the same second, the keys begin alike.
            let mut sealed = lock.migrations.iter().filter(|(key, sealed)| {
                key.starts_with(&entry.version) && sealed.up.sha256 == entry.checksum
            });
            if let Some((key, _)) = sealed.next() {
                let targets = on.entry(key.clone()).or_default();
                targets.insert(target.clone());
            } else {
                problems.push(format!(
                    "migration `{}_{}` is applied on `{target}`, and the lock does not hold it as it was \
                     applied; merge the branch that holds it too",
                    entry.version, entry.name
                ));
            }
        }
    }
    if problems.is_empty() {
        Ok(on)
    } else {
        Err(MigrateError::History(Problems(problems)))
    }
}

/// Migrations without files that are in the lock a second time, sealed anew by an earlier `reseal` in one of
/// the branches, each with that version.
fn superseded(lock: &Lock, texts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let path = |folder: &str, version: &str| {
        let sealed = lock.migrations.get(version)?;
        Some(format!("{folder}/{}", sealed.file_name(version)))
    };
    let text = |folder, version: &str| texts.get(&path(folder, version)?);
    let mut superseded = BTreeMap::new();
    for (version, sealed) in &lock.migrations {
        if [UP, DOWN]
            .iter()
            .any(|folder| text(folder, version).is_some())
        {
            continue;
        }
        let anew = lock.migrations.iter().find(|(other, of)| {
            let (Some(up), Some(down)) = (text(UP, other), text(DOWN, other)) else {
                return false;
            };
            let is_copy = |seal: &FileSeal, text: &str| {
                let mut changes = seal.changes(text).into_iter();
                changes.all(|hunk| {
                    let mut now = hunk.now.iter();
                    hunk.removed <= now.len() && now.all(|line| line.starts_with(PARENT))
                })
            };
            of.name == sealed.name
                && (is_in_place_of(up, version)
                    || is_copy(&sealed.up, up) && is_copy(&sealed.down, down))
        });
        if let Some((anew, _)) = anew {
            superseded.insert(version.clone(), anew.clone());
        }
    }
    superseded
}

/// Migrations written by hand that are to move behind another branch which holds them too, as where both
/// sealed them anew behind a third: there they would run a second time. A branch that holds one more often than
/// the other keeps what it holds beyond that.
fn repeated(lock: &Lock, order: &Order, texts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let by_hand = |version: &String| -> Option<(&str, [String; 2])> {
        let sealed = lock.migrations.get(version)?;
        let file = sealed.file_name(version);
        let text = |folder| texts.get(&format!("{folder}/{file}"));
        let (up, down) = (text(UP)?, text(DOWN)?);
        is_by_hand(up).then(|| (sealed.name.as_str(), [body(up), body(down)]))
    };
    let sum = |version: &String| Some(lock.migrations.get(version)?.checksum(version));
    let versions: BTreeMap<String, &String> = lock
        .migrations
        .keys()
        .filter_map(|version| Some((sum(version)?, version)))
        .collect();
    let before = |version: &String| -> Option<&String> {
        let parent = lock.migrations.get(version)?.parent.as_ref()?;
        versions.get(parent).copied()
    };
    let mut repeated = BTreeSet::new();
    for (index, version) in order.moved.iter().enumerate() {
        let Some(it) = by_hand(version) else { continue };
        let says_it = |other: &&String| by_hand(other).is_some_and(|other| other == it);
        let own: BTreeSet<&String> = iter::successors(before(version), |it| before(it)).collect();
        let moved = order.moved[..index].iter();
        let held = moved.clone().filter(|it| own.contains(it)).filter(says_it);
        let other = order.kept.iter().chain(moved);
        let other = other.filter(|it| !own.contains(it) && !repeated.contains(*it));
        if other.filter(says_it).count() > held.count() {
            repeated.insert(version.clone());
        }
    }
    repeated
}

/// How the line of a header begins that names the migration before.
const PARENT: &str = "-- tabellion: parent ";

/// Whether a file is a copy, under another version, of a sealed one, or was drawn anew as one.
fn is_left_behind(orphan: &Orphan, texts: &BTreeMap<String, String>) -> bool {
    let folder = orphan.path.split('/').next().unwrap_or_default();
    let mut named = texts.iter().filter(|(path, _)| {
        let file = path.strip_prefix(folder).and_then(|rest| rest.get(16..));
        file.and_then(|file| file.strip_suffix(".sql")) == Some(&orphan.name)
    });
    orphan.is_sealed()
        && named.any(|(_, text)| {
            body(text) == body(&orphan.text) || is_in_place_of(text, &orphan.version)
        })
}
