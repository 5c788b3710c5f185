//! A lock that version control has merged: two branches that both sealed, in one file.
//!
//! However it was merged, cleanly, by union or with conflict markers in it, the file holds every fact
//! that either side added. It may hold too what one side took away and the other kept, and for that
//! each migration says which facts it took away. What is left to contradict itself is for a person.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::plain;
use super::facts::fact;
use super::{FORMAT, Lock, LockError, read};
use crate::schema::Schema;
use torn::Branch;

/// What to do where the branches cannot be put together.
pub(super) const WAY_OUT: &str =
    "take one of the branches back to before its seal, merge, build, and seal it again";

/// In which order the migrations of a merged lock stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// The versions that stay as they are, in order.
    pub kept: Vec<String>,
    /// The versions that must be sealed anew behind them, in order.
    pub moved: Vec<String>,
}

impl Lock {
    /// Reads a lock that may have been merged. Its chain may fork, see [`order`](Self::order). Of migrations
    /// that several branches sealed in the same second, the key of each but the first has a suffix, which its
    /// files and its checksum leave out, until all but one of them are [taken out](Self::part) and sealed under
    /// another version.
    ///
    /// # Errors
    /// A text that is no lock, and two sides that say different things of one object, with both lines.
    pub fn merged(text: &str) -> Result<Self, LockError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = without_marks(text);
        let mut seen = BTreeSet::new();
        for line in &mut lines {
            // What both sides say is said once.
            if !line.is_empty() && !seen.insert(*line) {
                *line = "";
            }
        }
        let of = |lines: &[&str], keep: &dyn Fn(&str) -> bool| -> String {
            let kept = lines.iter().map(|line| if keep(line) { line } else { "" });
            std::iter::once(FORMAT)
                .chain(kept)
                .collect::<Vec<_>>()
                .join("\n")
        };
        contradictions(&mut lines, "migrations", |_| None)?;
        let lock: Lock = read(&of(&lines, &|line| line.starts_with("migrations.")), FORMAT)
            .map_err(LockError::one_up)?;
        lock.refuse_namesakes()?;
        let branches = lock.branches();
        let gone: BTreeSet<&str> = branches.iter().flat_map(|it| &it.gone).copied().collect();
        let added = |line: &str| {
            let fact = line.strip_prefix("schema.")?;
            let branch = branches.iter().find(|branch| branch.has(fact))?;
            branch.added(fact)
        };
        for line in &mut lines {
            let fact = line.strip_prefix("schema.");
            if fact.is_some_and(|fact| gone.contains(fact)) {
                *line = "";
            }
        }
        displaced(&mut lines);
        maps::clear(&mut lines);
        let left = |lines: &[&'_ str]| -> Vec<String> {
            let left = lines.iter().filter_map(|line| line.strip_prefix("schema."));
            left.map(str::to_owned).collect()
        };
        torn::refuse_taken(&branches, &left(&lines))?;
        torn::refuse_renamed(&branches)?;
        contradictions(&mut lines, "schema", added)?;
        torn::refuse_added(&branches, &left(&lines))?;
        let empty = maps::emptied(&lines, "schema.", gone.iter().copied());
        lines.extend(empty.iter().map(String::as_str));
        let lock: Lock = read(&of(&lines, &|_| true), FORMAT).map_err(LockError::one_up)?;
        Ok(lock)
    }

    /// What each branch did since they parted: what happened before is in all.
    fn branches(&self) -> Vec<Branch<'_>> {
        let children = self.children();
        let (_, tips) = self.parting(&children);
        let links = |tip| {
            let below = self.below(tip, &children).into_iter();
            below.filter_map(|version| {
                let (version, sealed) = self.migrations.get_key_value(version)?;
                Some((version.as_str(), sealed))
            })
        };
        tips.into_iter()
            .map(|tip| Branch::of(links(tip).collect()))
            .collect()
    }

    /// Where the branches part: the checksum of the last migration that all have, and the first of each
    /// branch; none where there is one branch only.
    fn parting<'a>(
        &self,
        children: &BTreeMap<Option<String>, Vec<&'a str>>,
    ) -> (Option<String>, Vec<&'a str>) {
        let mut at: Option<String> = None;
        loop {
            match children.get(&at).map(Vec::as_slice) {
                Some([only]) => at = self.sum(only),
                Some(several) => return (at, several.to_vec()),
                None => return (at, Vec::new()),
            }
        }
    }

    /// The versions that follow each checksum, in order.
    fn children(&self) -> BTreeMap<Option<String>, Vec<&str>> {
        let mut children: BTreeMap<Option<String>, Vec<&str>> = BTreeMap::new();
        for (version, sealed) in &self.migrations {
            let of_parent = children.entry(sealed.parent.clone()).or_default();
            of_parent.push(version);
        }
        children
    }

    /// Refuses migrations that were sealed in the same second under the same name: they have one file, and which
    /// of them it is nobody can tell.
    fn refuse_namesakes(&self) -> Result<(), LockError> {
        let mut files = BTreeSet::new();
        let mut all = self
            .migrations
            .iter()
            .map(|(version, sealed)| sealed.file_name(version));
        match all.find(|file| !files.insert(file.clone())) {
            None => Ok(()),
            Some(file) => Err(LockError::whole(format!(
                "`{file}` was sealed by both branches, in the same second under the same name; {WAY_OUT}"
            ))),
        }
    }

    fn sum(&self, version: &str) -> Option<String> {
        Some(self.migrations.get(version)?.checksum(version))
    }

    /// A version and everything that follows it, each after its parent.
    fn below<'a>(
        &self,
        version: &'a str,
        children: &BTreeMap<Option<String>, Vec<&'a str>>,
    ) -> Vec<&'a str> {
        let mut found = vec![version];
        let mut index = 0;
        while let Some(version) = found.get(index) {
            if let Some(sum) = self.sum(version) {
                let next = children.get(&Some(sum)).into_iter().flatten().copied();
                let next: Vec<&str> = next.collect();
                found.extend(next);
            }
            index += 1;
        }
        found
    }

    /// Puts the branches of a merged lock into one order: where they part, the one with applied
    /// migrations first, else the one that was sealed first.
    ///
    /// `applied` gives the targets that each applied version is applied on.
    ///
    /// # Errors
    /// Two branches that are both applied somewhere, and a migration whose parent is not there.
    pub fn order(&self, applied: &BTreeMap<String, BTreeSet<String>>) -> Result<Order, LockError> {
        let children = self.children();
        let mut order = Order::default();
        let mut at: Option<String> = None;
        while let Some(next) = children.get(&at) {
            let mut chosen: Option<(&str, Vec<&str>)> = None;
            for &version in next {
                let branch = self.below(version, &children);
                let on: Vec<&str> = branch
                    .into_iter()
                    .filter(|version| applied.contains_key(*version))
                    .collect();
                match &chosen {
                    Some((_, before)) if !before.is_empty() && !on.is_empty() => {
                        let place = |versions: &[&str]| {
                            let version = versions.last().copied().unwrap_or_default();
                            let targets = applied.get(version).into_iter().flatten();
                            let targets: Vec<_> = targets.map(|name| format!("`{name}`")).collect();
                            format!("`{}` on {}", plain(version), targets.join(", "))
                        };
                        return Err(LockError::whole(format!(
                            "two branches are both applied: {}, and {}; roll one of them back there, and run \
                             `cargo tabellion reseal` again",
                            place(before),
                            place(&on)
                        )));
                    }
                    Some((_, before)) if !before.is_empty() || on.is_empty() => {}
                    _ => chosen = Some((version, on)),
                }
            }
            let Some((first, _)) = chosen else { break };
            order.kept.push(first.to_owned());
            // What parts later stands before what parted earlier, which follows no more than this.
            let others = next.iter().filter(|&&version| version != first);
            let moved: Vec<String> = others
                .flat_map(|version| self.below(version, &children))
                .map(str::to_owned)
                .collect();
            order.moved.extend(moved);
            at = self.sum(first);
        }
        let known: BTreeSet<&String> = order.kept.iter().chain(&order.moved).collect();
        match self
            .migrations
            .keys()
            .find(|version| !known.contains(version))
        {
            None => Ok(order),
            Some(version) => Err(LockError::whole(format!(
                "migration `{version}` names one before it that is missing or was changed; restore the lock \
                 from version control, and merge again"
            ))),
        }
    }

    /// Takes migrations out, to be sealed anew behind those that stay: the lock is then as it was when the
    /// last of these was sealed, with that schema.
    ///
    /// # Errors
    /// A chain that is broken in another way.
    pub fn part(&mut self, moved: &[String], schema: Schema) -> Result<(), LockError> {
        self.migrations
            .retain(|version, _| !moved.contains(version));
        let twins: Vec<String> = self
            .migrations
            .keys()
            .filter(|key| plain(key) != *key)
            .cloned()
            .collect();
        for key in twins {
            // Its twins have left.
            if let Some(sealed) = self.migrations.remove(&key) {
                self.migrations.insert(plain(&key).to_owned(), sealed);
            }
        }
        self.schema = schema;
        self.verify_chain()
    }
}

/// The lines without those that only a merge tool reads: marks, the common ancestor's side, and the
/// line that names the format.
fn without_marks(text: &str) -> Vec<&str> {
    let (mut inside, mut ancestor) = (false, false);
    let lines = text.lines().map(|line| line.trim_end());
    lines
        .map(|line| {
            let mark = |mark: &str| line.starts_with(mark);
            if mark("<<<<<<<") {
                inside = true;
            } else if inside && mark("|||||||") {
                ancestor = true;
            } else if inside && mark("=======") {
                ancestor = false;
            } else if inside && mark(">>>>>>>") {
                inside = false;
            } else if !ancestor && line != FORMAT {
                return line;
            }
            ""
        })
        .collect()
}

/// The column whose position a fact says.
fn placed(path: &[String]) -> Option<&[String]> {
    let (last, column) = path.split_last()?;
    let is_column = |kind: &String, columns: &String| {
        ["tables", "externals"].contains(&kind.as_str()) && columns == "columns"
    };
    match column {
        [.., kind, _, columns, _] if last == "position" && is_column(kind, columns) => Some(column),
        _ => None,
    }
}

/// Takes out the positions of columns that are no more: one branch took such a column away, and the other
/// counted anew because of a column before it.
fn displaced(lines: &mut [&str]) {
    let paths: Vec<Vec<String>> = lines
        .iter()
        .map(|line| fact(line).map(|(path, _)| path).unwrap_or_default())
        .collect();
    let typed: BTreeSet<&[String]> = paths
        .iter()
        .filter_map(|path| path.split_last())
        .filter(|(last, _)| *last == "type")
        .map(|(_, column)| column)
        .collect();
    for (line, path) in lines.iter_mut().zip(&paths) {
        if placed(path).is_some_and(|column| !typed.contains(column)) {
            *line = "";
        }
    }
}

/// Of a path within what is one thing or another, such as row-level security that is enabled or disabled,
/// how many segments lead to it.
fn either(path: &[String]) -> Option<usize> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["schema", "extensions", _, ..] => Some(3),
        ["schema", "tables", _, "rls", ..] => Some(4),
        ["schema", "tables", _, "partitions", _, ..] => Some(5),
        _ => None,
    }
}

/// Refuses lines below a path that say different things of one object, with the files that added them, where
/// these are known. Of two positions of a column the greater is kept: each side counted without the other's
/// columns.
fn contradictions(
    lines: &mut [&str],
    below: &str,
    added: impl Fn(&str) -> Option<String>,
) -> Result<(), LockError> {
    let mut first: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut ways: BTreeMap<Vec<String>, (Option<String>, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    for index in 0..lines.len() {
        let line = lines[index];
        if !line.starts_with(below) {
            continue;
        }
        let Some((path, value)) = fact(line) else {
            continue; // reading says so, with its line
        };
        if let Some(length) = either(&path) {
            let way = path.get(length).cloned();
            let (before, at) = ways
                .entry(path[..length].to_vec())
                .or_insert_with(|| (way.clone(), index));
            if *before != way {
                found.push((*at, index));
                continue;
            }
        }
        let is_position = placed(&path).is_some();
        let Some(&before) = first.get(&path) else {
            first.insert(path, index);
            continue;
        };
        if !is_position {
            found.push((before, index));
            continue;
        }
        let other = fact(lines[before]).map(|(_, value)| value);
        let is_greater = value.as_u64() > other.and_then(|value| value.as_u64());
        lines[if is_greater { before } else { index }] = "";
        if is_greater {
            first.insert(path, index);
        }
    }
    let Some(&(before, index)) = found.first() else {
        return Ok(());
    };
    let more = match found.len() {
        1 => String::new(),
        more => format!(" (and {} more such lines)", more - 1),
    };
    let why = match below {
        "migrations" => "one of the branches has changed what is sealed",
        _ => "both branches changed the same thing",
    };
    let files = match (added(lines[before]), added(lines[index])) {
        (Some(one), Some(other)) => format!(", in `{one}` and in `{other}`"),
        _ => String::new(),
    };
    Err(LockError::at(
        index + 1,
        format!(
            "says `{}` and line {} says `{}`{more}: {why}{files}; {WAY_OUT}",
            lines[index],
            before + 1,
            lines[before]
        ),
    ))
}

mod branches;
mod maps;
pub(in crate::lock) mod marks;
mod reads;
mod torn;

pub use branches::carried;

#[cfg(test)]
mod pairs;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twins;
