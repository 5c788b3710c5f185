//! An object that one branch took away as a whole, and of which the other changed a part: what is left of it
//! is neither the one's nor the other's.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::fact;
use super::super::{LockError, Sealed};
use super::WAY_OUT;

/// What a branch did since the branches parted.
pub(super) struct Branch<'a> {
    /// Its migrations, each after its parent.
    pub(super) links: Vec<(&'a str, &'a Sealed)>,
    /// The facts that it took away and did not bring back.
    pub(super) gone: BTreeSet<&'a str>,
}

impl<'a> Branch<'a> {
    pub(super) fn of(links: Vec<(&'a str, &'a Sealed)>) -> Self {
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for (_, sealed) in &links {
            for fact in &sealed.back {
                gone.remove(fact.as_str());
            }
            gone.extend(sealed.gone.iter().map(String::as_str));
        }
        Branch { links, gone }
    }

    /// The file of the migration that added a fact.
    fn added(&self, fact: &str) -> Option<String> {
        self.file(|sealed| sealed.came.holds(fact))
    }

    /// The file of the first migration of that kind.
    fn file(&self, is: impl Fn(&Sealed) -> bool) -> Option<String> {
        let mut links = self.links.iter();
        let (version, sealed) = links.find(|(_, sealed)| is(sealed))?;
        Some(sealed.file_name(version))
    }

    /// What became of an object that it took away, and in which file.
    fn fate(&self, object: &Object, facts: &BTreeSet<&str>) -> (String, String) {
        let hazards = self.links.iter().flat_map(|(version, sealed)| {
            let file = sealed.file_name(version);
            sealed
                .hazards
                .iter()
                .map(move |hazard| (hazard.to_string(), file.clone()))
        });
        let renamed = hazards.into_iter().find_map(|(hazard, file)| {
            let (_, fate) = hazard.split_once(&format!(" {}: ", object.subject))?;
            Some((fate.strip_prefix("renamed to ")?.to_owned(), file))
        });
        match renamed {
            Some((name, file)) => (format!("was renamed to `{name}`"), file),
            None => {
                let file = self.file(|sealed| sealed.gone.iter().any(|it| facts.contains(&**it)));
                ("was dropped".to_owned(), file.unwrap_or_default())
            }
        }
    }
}

/// An object of a schema.
struct Object {
    /// As people read it.
    shown: String,
    /// As a hazard names it, of those that can be renamed.
    subject: String,
}

impl Object {
    /// The object whose facts lie below a path.
    fn at(path: &[String]) -> Option<Object> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (shown, subject) = match path[..] {
            ["tables", table] => (format!("table `{table}`"), format!("table {table}")),
            ["tables", table, "columns", column] => {
                let column = format!("{table}.{}", crate::ident::quote(column));
                (format!("column `{column}`"), format!("column {column}"))
            }
            ["tables", table, "rls", "enabled", policy] => (
                format!("policy `{policy}` of table `{table}`"),
                String::new(),
            ),
            ["tables", table, kind, name] => {
                let kind = match kind {
                    "uniques" => "unique constraint",
                    "foreign_keys" => "foreign key",
                    "checks" => "check",
                    "exclusions" => "exclusion constraint",
                    "indexes" => "index",
                    "partitions" => "partition",
                    _ => return None,
                };
                (format!("{kind} `{name}` of table `{table}`"), String::new())
            }
            ["externals", table] => (format!("external table `{table}`"), String::new()),
            ["extensions", name] => (format!("extension `{name}`"), String::new()),
            _ => return None,
        };
        Some(Object { shown, subject })
    }
}

/// The paths below which a fact lies, the shortest first.
fn above(line: &str) -> Vec<Vec<String>> {
    let path = fact(line).map(|(path, _)| path).unwrap_or_default();
    (1..path.len())
        .map(|length| path[..length].to_vec())
        .collect()
}

/// Refuses facts, those that are left of a schema, that one branch added to an object that another took away.
pub(super) fn refuse(branches: &[Branch<'_>], left: &[&str]) -> Result<(), LockError> {
    let mut below: BTreeMap<Vec<String>, BTreeSet<&str>> = BTreeMap::new();
    for line in left {
        for path in above(line) {
            below.entry(path).or_default().insert(line);
        }
    }
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
            let of_others = |fact: &&str| others().find_map(|other| other.added(fact));
            let files: Option<Vec<String>> = left
                .iter()
                .map(|fact| of_others(fact).filter(|_| branch.added(fact).is_none()))
                .collect();
            if let Some([changed, ..]) = files.as_deref() {
                let (fate, file) = branch.fate(&object, &facts);
                return Err(LockError::whole(format!(
                    "{} {fate} by `{file}`, and changed by `{changed}` of the other branch; {WAY_OUT}",
                    object.shown
                )));
            }
        }
    }
    Ok(())
}
