//! An object that one branch took away as a whole, and of which the other changed a part, or that both added,
//! each in another way: what is left of it is neither the one's nor the other's.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use super::super::came::digits;
use super::super::facts::fact;
use super::super::{LockError, Sealed};
use super::{WAY_OUT, placed};
use names::Named;
pub(super) use names::renamed;

/// What a branch did since the branches parted.
pub(super) struct Branch<'a> {
    /// Its migrations, each after its parent.
    pub(super) links: Vec<(&'a str, &'a Sealed)>,
    /// The facts of before that it took away and did not bring back.
    pub(super) gone: BTreeSet<&'a str>,
    /// The digits of the facts that it added and did not take away again.
    added: BTreeSet<String>,
}

impl<'a> Branch<'a> {
    pub(super) fn of(links: Vec<(&'a str, &'a Sealed)>) -> Self {
        let mut branch = Branch {
            links,
            gone: BTreeSet::new(),
            added: BTreeSet::new(),
        };
        let mut before: BTreeSet<&str> = BTreeSet::new();
        for (_, sealed) in &branch.links {
            for fact in &sealed.back {
                branch.gone.remove(fact.as_str());
            }
            for fact in &sealed.gone {
                // What it had added itself was not there when the branches parted.
                let is_own = branch.added.remove(&digits(fact));
                if !is_own || before.contains(fact.as_str()) {
                    before.insert(fact);
                    branch.gone.insert(fact);
                }
            }
            branch.added.extend(sealed.came.digits().map(str::to_owned));
        }
        branch
    }

    /// Whether it added a fact, and has it still.
    pub(super) fn has(&self, fact: &str) -> bool {
        self.added.contains(&digits(fact))
    }

    /// The file of the migration that added a fact.
    pub(super) fn added(&self, fact: &str) -> Option<String> {
        self.file(|sealed| sealed.came.holds(fact))
    }

    /// The file of the first migration of that kind.
    fn file(&self, is: impl Fn(&Sealed) -> bool) -> Option<String> {
        let mut links = self.links.iter();
        let (version, sealed) = links.find(|(_, sealed)| is(sealed))?;
        Some(sealed.file_name(version))
    }
}

/// An object of a schema, as people read it.
struct Object(String);

impl Object {
    /// The object that a path leads to, or what is said of one.
    fn at(path: &[String]) -> Option<Object> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let shown = match path[..] {
            ["tables", table] => format!("table `{table}`"),
            ["tables", table, "columns", column] => {
                format!("column `{table}.{}`", crate::ident::quote(column))
            }
            ["roles", role] => format!("role `{role}`"),
            ["extensions", name] => format!("extension `{name}`"),
            ["external_schemas"] => "the list of external schemas".to_owned(),
            ["externals", table] => format!("external table `{table}`"),
            ["externals", table, "columns", column] => {
                format!("column `{column}` of external table `{table}`")
            }
            ["tables", table, ref part @ ..] => format!("{} of table `{table}`", part_of(part)?),
            _ => return None,
        };
        Some(Object(shown))
    }
}

/// A part of a table, or what is said of one; none of what only holds such.
fn part_of(path: &[&str]) -> Option<String> {
    let kind = |kind: &str| {
        Some(match kind {
            "columns" => "column",
            "uniques" => "unique constraint",
            "foreign_keys" => "foreign key",
            "checks" => "check",
            "exclusions" => "exclusion constraint",
            "indexes" => "index",
            "partitions" => "partition",
            _ => return None,
        })
    };
    Some(match path {
        ["comment"] => "the comment".to_owned(),
        ["primary_key"] => "the primary key".to_owned(),
        ["partition_by"] => "the partition key".to_owned(),
        ["rls", "enabled", policy] => format!("policy `{policy}`"),
        ["rls", "enabled", policy, what] => format!("`{what}` of policy `{policy}`"),
        ["grants", role] => format!("the grant to role `{role}`"),
        ["column_grants", role, command] => {
            format!("the grant to role `{role}` to {command} some columns")
        }
        ["columns", _, "position"] | ["indexes", _, "with"] => return None,
        ["indexes", index, "with", what] => format!("`{what}` of index `{index}`"),
        [of, name] => format!("{} `{name}`", kind(of)?),
        [of, name, what] => format!("`{what}` of {} `{name}`", kind(of)?),
        _ => return None,
    })
}

/// The paths below which a fact lies, the shortest first, and its own.
fn above(line: &str) -> Vec<Vec<String>> {
    let path = fact(line).map(|(path, _)| path).unwrap_or_default();
    (1..=path.len())
        .map(|length| path[..length].to_vec())
        .collect()
}

/// Facts by the paths below which they lie.
fn by_path<'a>(
    left: impl IntoIterator<Item = &'a str>,
) -> BTreeMap<Vec<String>, BTreeSet<&'a str>> {
    let mut below: BTreeMap<Vec<String>, BTreeSet<&str>> = BTreeMap::new();
    for line in left {
        for path in above(line) {
            below.entry(path).or_default().insert(line);
        }
    }
    below
}

/// Refuses facts, those that are left of a schema, that one branch added to an object that another took away.
pub(super) fn refuse_taken(branches: &[Branch<'_>], left: &[String]) -> Result<(), LockError> {
    let below = by_path(left.iter().map(String::as_str));
    for branch in branches {
        let mut taken: BTreeMap<Vec<String>, BTreeSet<&str>> = BTreeMap::new();
        for line in &branch.gone {
            for path in above(line) {
                taken.entry(path).or_default().insert(line);
            }
        }
        for (path, facts) in taken {
            let (Some(object), Some(left)) = (Object::at(&path), below.get(&path)) else {
                continue;
            };
            // What nobody added since is of before, and so the branch has it still.
            let others = || {
                branches
                    .iter()
                    .filter(|other| !std::ptr::eq(*other, branch))
            };
            let of_others = |fact: &&str| others().find(|other| other.has(fact))?.added(fact);
            let files: Option<Vec<String>> = left
                .iter()
                .map(|fact| of_others(fact).filter(|_| !branch.has(fact)))
                .collect();
            if let Some([changed, ..]) = files.as_deref() {
                let (fate, file) = branch.fate(&path, &facts);
                return Err(LockError::whole(format!(
                    "{} {fate} by `{file}`, and changed by `{changed}` of the other branch; {WAY_OUT}",
                    object.0
                )));
            }
        }
    }
    Ok(())
}

/// Refuses an object that one branch renamed, and another dropped, changed or gave another name: the one or the other
/// would be lost, since of what both took away nothing is left.
pub(super) fn refuse_renamed(branches: &[Branch<'_>]) -> Result<(), LockError> {
    let taken: Vec<BTreeMap<Vec<String>, BTreeSet<&str>>> = branches
        .iter()
        .map(|branch| {
            let counts = |line: &&&str| fact(line).is_none_or(|(path, _)| placed(&path).is_none());
            let gone = branch.gone.iter().filter(counts);
            by_path(gone.copied())
        })
        .collect();
    for (branch, gone) in branches.iter().zip(&taken) {
        for (path, facts) in gone {
            let (Some(object), Some(named)) = (Object::at(path), Named::at(path)) else {
                continue;
            };
            let Some((name, file)) = branch.renamed(&named) else {
                continue;
            };
            for (other, theirs) in branches.iter().zip(&taken) {
                let Some(lost) = theirs.get(path).filter(|_| !std::ptr::eq(other, branch)) else {
                    continue;
                };
                let now = other.renamed(&named);
                if now.as_ref().is_some_and(|(now, _)| *now == name) {
                    continue;
                }
                let (fate, by) = other.fate(path, lost);
                let fate = if facts.is_subset(lost) {
                    &*fate
                } else {
                    "was changed"
                };
                return Err(LockError::whole(format!(
                    "{} was renamed to `{name}` by `{file}`, and {fate} by `{by}` of the other branch; {WAY_OUT}",
                    object.0
                )));
            }
        }
    }
    Ok(())
}

/// Refuses an object that was not there before, and that several branches added, each in another way: what one
/// leaves out, as it is usual, the other's fact would stand for.
pub(super) fn refuse_added(branches: &[Branch<'_>], left: &[String]) -> Result<(), LockError> {
    let was: BTreeSet<Vec<String>> = branches
        .iter()
        .flat_map(|branch| &branch.gone)
        .flat_map(|fact| above(fact))
        .collect();
    for (path, facts) in &by_path(left.iter().map(String::as_str)) {
        // Of a new table each part is looked at by itself.
        let is_table = matches!(path.as_slice(), [kind, _] if kind == "tables");
        let Some(object) = Object::at(path).filter(|_| !is_table) else {
            continue;
        };
        let counts = |line: &&&str| fact(line).is_none_or(|(path, _)| placed(&path).is_none());
        let facts: Vec<&str> = facts.iter().filter(counts).copied().collect();
        let adds = |branch: &&Branch<'_>| facts.iter().any(|fact| branch.has(fact));
        let adding: Vec<&Branch<'_>> = branches.iter().filter(adds).collect();
        let [one, other, ..] = adding[..] else {
            continue;
        };
        let is_new = facts
            .iter()
            .all(|fact| adding.iter().any(|branch| branch.has(fact)));
        let differs = |fact: &&str| adding.iter().any(|branch| !branch.has(fact));
        if was.contains(path) || !is_new || !facts.iter().any(differs) {
            continue;
        }
        let file = |branch: &Branch<'_>| facts.iter().find_map(|fact| branch.added(fact));
        return Err(LockError::whole(format!(
            "{} was added by `{}`, and in another way by `{}` of the other branch; {WAY_OUT}",
            object.0,
            file(one).unwrap_or_default(),
            file(other).unwrap_or_default()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
