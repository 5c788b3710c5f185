//! The sealed files against the lock: missing, changed, renamed, unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::{WAY_OUT, marks};
use super::{Lock, is_version};
use crate::file::{FileSeal, checksum};

/// The lock's name below the root.
pub const LOCK: &str = "tabellion.lock";
/// Where the files that apply lie below the root.
pub const UP: &str = "migrations";
/// Where the files that undo lie below the root: not beside the others, since the Supabase CLI takes
/// every dated file there for one to apply.
pub const DOWN: &str = "rollbacks";
/// How the first line of a sealed file begins.
pub const SEALED: &str = "-- Sealed by Tabellion";

/// How many changed places of a file a problem names.
const TOLD: usize = 5;

/// What lies in the two folders of sealed files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The text of each sealed file that is there, by its path below the root.
    pub texts: BTreeMap<String, String>,
    /// Dated files that the lock does not know.
    pub orphans: Vec<Orphan>,
    /// What is not as it was sealed, a sentence each; orphans aside.
    pub problems: Vec<String>,
}

/// A dated file that the lock does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its path below the root.
    pub path: String,
    /// Its first fourteen digits.
    pub version: String,
    /// The rest of its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Orphan {
    /// Whether `seal` wrote it.
    pub fn is_sealed(&self) -> bool {
        self.text.trim_start_matches('\u{feff}').starts_with(SEALED)
    }

    /// What to do about it; `shown` is the root as people know it.
    pub fn problem(&self, shown: &str) -> String {
        let path = below(shown, &self.path);
        if self.is_sealed() {
            format!(
                "`{path}` is not in the lock; where a `reseal` was cut short, run it again; where a `seal` was, \
                 remove the file, build, and run it again; where a merge lost lines of the lock, restore those from \
                 version control"
            )
        } else {
            format!(
                "`{path}` is not in the lock and would never be applied; remove it, or put what it does into \
                 the structs or into a file of `cargo tabellion new`, and seal that"
            )
        }
    }
}

impl Lock {
    /// Compares the sealed files with the lock. `read` gives the text of a file below the root, `None`
    /// where there is none, or a sentence that says why it cannot be read; `list` the names in a folder
    /// below the root. `shown` is the root as people know it, or empty.
    ///
    /// Files older than the first sealed migration are another tool's history, unless `seal` wrote them.
    pub fn files(
        &self,
        shown: &str,
        mut read: impl FnMut(&str) -> Result<Option<String>, String>,
        mut list: impl FnMut(&str) -> Result<Vec<String>, String>,
    ) -> Files {
        let mut files = Files::default();
        let mut missing = Vec::new();
        for (folder, path, seal) in self.paths() {
            match read(&path) {
                Err(problem) => files.problems.push(problem),
                Ok(None) => missing.push((folder, path, seal)),
                Ok(Some(text)) => {
                    if !seal.matches(&text) {
                        files
                            .problems
                            .push(self.changed(shown, folder, &path, &text, seal));
                    }
                    files.texts.insert(path, text);
                }
            }
        }
        let known: BTreeSet<String> = self.paths().map(|(_, path, _)| path).collect();
        let first = self.migrations.keys().next();
        for folder in [UP, DOWN] {
            let names = list(folder).unwrap_or_else(|problem| {
                files.problems.push(problem);
                Vec::new()
            });
            for file in names {
                let path = format!("{folder}/{file}");
                let dated = file
                    .strip_suffix(".sql")
                    .and_then(|stem| stem.split_once('_'))
                    .filter(|(version, _)| is_version(version));
                let Some((version, name)) = dated.filter(|_| !known.contains(&path)) else {
                    continue;
                };
                match read(&path) {
                    Err(problem) => files.problems.push(problem),
                    Ok(text) => {
                        let orphan = Orphan {
                            version: version.to_owned(),
                            name: name.to_owned(),
                            text: text.unwrap_or_default(),
                            path,
                        };
                        if orphan.is_sealed() || first.is_some_and(|first| version > first.as_str())
                        {
                            files.orphans.push(orphan);
                        }
                    }
                }
            }
        }
        for (folder, path, seal) in missing {
            let of_folder = |orphan: &Orphan| orphan.path.starts_with(folder);
            let renamed = files
                .orphans
                .iter()
                .position(|orphan| of_folder(orphan) && seal.matches(&orphan.text));
            let path = below(shown, &path);
            files.problems.push(match renamed {
                Some(index) => format!(
                    "`{path}` was renamed to `{}` after it was sealed; give it its name back",
                    below(shown, &files.orphans.remove(index).path)
                ),
                None => format!("`{path}` is sealed but missing; restore it from version control"),
            });
        }
        files
    }

    /// Folder, path below the root and seal of every sealed file, in the order in which they apply.
    fn paths(&self) -> impl Iterator<Item = (&'static str, String, &FileSeal)> {
        self.migrations.iter().flat_map(|(version, sealed)| {
            let file = sealed.file_name(version);
            let path = |folder| format!("{folder}/{file}");
            [(UP, path(UP), &sealed.up), (DOWN, path(DOWN), &sealed.down)]
        })
    }

    fn changed(
        &self,
        shown: &str,
        folder: &str,
        path: &str,
        text: &str,
        seal: &FileSeal,
    ) -> String {
        let sum = checksum(text);
        let other = self
            .paths()
            .find(|(of, _, other)| *of == folder && other.sha256 == sum);
        let path = below(shown, path);
        if let Some((_, other, _)) = other {
            return format!(
                "`{path}` holds what was sealed as `{}`; restore both from version control, since the order of \
                 migrations is sealed too",
                below(shown, &other)
            );
        }
        if let Some(line) = marks::conflict(text) {
            let [above, below] = marks::sides(text).map(|side| seal.matches(&side));
            let remedy = match (above, below) {
                (true, _) => "keep what stands above each `=======`, which is what was sealed",
                (_, true) => "keep what stands below each `=======`, which is what was sealed",
                _ => WAY_OUT,
            };
            return format!("`{path}` holds a merge conflict at line {line}; {remedy}");
        }
        let changes = seal.changes(text);
        let told: Vec<String> = changes.iter().take(TOLD).map(ToString::to_string).collect();
        let more = if changes.len() > TOLD {
            ", and more"
        } else {
            ""
        };
        format!(
            "`{path}` was changed after it was sealed: {}{more}; restore it from version control, and make \
             the change as a new migration",
            told.join(", ")
        )
    }
}

/// A path below the root, as people know it.
fn below(shown: &str, path: &str) -> String {
    if shown.is_empty() {
        path.to_owned()
    } else {
        format!("{shown}/{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{schema, seal};
    use super::*;

    type Tree = BTreeMap<String, String>;

    /// A lock of two migrations and its four files, below `db`.
    fn sealed() -> (Lock, Tree) {
        let mut lock = Lock::default();
        let mut tree = Tree::new();
        for (version, name) in [("20260101000000", "a"), ("20260102000000", "b")] {
            let texts = seal(&mut lock, version, name, schema(&["id"])).unwrap();
            let folders = [UP, DOWN].into_iter();
            tree.extend(
                folders
                    .zip(texts.concat())
                    .map(|(folder, text)| (format!("{folder}/{version}_{name}.sql"), text)),
            );
        }
        (lock, tree)
    }

    fn look(lock: &Lock, tree: &Tree) -> Vec<String> {
        let read = |path: &str| Ok(tree.get(path).cloned());
        let list = |folder: &str| {
            let names = tree
                .keys()
                .filter_map(|path| path.strip_prefix(&format!("{folder}/")));
            Ok(names.map(str::to_owned).collect())
        };
        let files = lock.files("db", read, list);
        let orphans = files.orphans.iter().map(|orphan| orphan.problem("db"));
        files.problems.iter().cloned().chain(orphans).collect()
    }

    #[test]
    fn what_is_as_it_was_sealed_is_no_problem() {
        let (lock, mut tree) = sealed();
        assert_eq!(look(&lock, &tree), [""; 0]);
        for text in tree.values_mut() {
            *text = format!("\u{feff}{}\r\n", text.replace('\n', " \r\n"));
        }
        tree.insert("migrations/20200101000000_before.sql".into(), "x".into());
        tree.insert("migrations/notes.sql".into(), "x".into());
        assert_eq!(look(&lock, &tree), [""; 0]);
    }

    #[test]
    fn each_way_to_go_wrong_is_told() {
        let (a, b) = (
            "migrations/20260101000000_a.sql",
            "migrations/20260102000000_b.sql",
        );
        let case = |change: &dyn Fn(&mut Tree), said: &[&str]| {
            let (lock, mut tree) = sealed();
            change(&mut tree);
            let problems = look(&lock, &tree);
            assert_eq!(problems.len(), said.len(), "{problems:?}");
            for (problem, said) in problems.iter().zip(said) {
                assert!(problem.starts_with(said), "{problem}");
            }
        };
        case(
            &|tree| drop(tree.remove(a)),
            &["`db/migrations/20260101000000_a.sql` is sealed but missing; restore"],
        );
        case(
            &|tree| drop(tree.insert(a.into(), "select 'x';\n".into())),
            &[
                "`db/migrations/20260101000000_a.sql` was changed after it was sealed: line 1 now reads",
            ],
        );
        case(
            &|tree| {
                let text = format!(
                    "<<<<<<< HEAD\nselect 1;\n=======\n{}>>>>>>> right\n",
                    tree[a]
                );
                drop(tree.insert(a.into(), text));
            },
            &[
                "`db/migrations/20260101000000_a.sql` holds a merge conflict at line 1; keep what stands below each \
                 `=======`, which is what was sealed",
            ],
        );
        case(
            &|tree| {
                let text = "-- x\n<<<<<<< HEAD\nselect 1;\n=======\nselect 2;\n>>>>>>> right\n";
                drop(tree.insert(a.into(), text.into()));
            },
            &[
                "`db/migrations/20260101000000_a.sql` holds a merge conflict at line 2; take one of the branches back",
            ],
        );
        case(
            &|tree| {
                let text = tree.remove(b).unwrap();
                tree.insert("migrations/20260103000000_b.sql".into(), text);
            },
            &[
                "`db/migrations/20260102000000_b.sql` was renamed to `db/migrations/20260103000000_b.sql`",
            ],
        );
        case(
            &|tree| {
                let (first, second) = (tree[a].clone(), tree[b].clone());
                tree.insert(a.into(), second);
                tree.insert(b.into(), first);
            },
            &[
                "`db/migrations/20260101000000_a.sql` holds what was sealed as",
                "`db/migrations/20260102000000_b.sql` holds what was sealed as",
            ],
        );
        case(
            &|tree| drop(tree.insert("rollbacks/20270101000000_c.sql".into(), "x".into())),
            &["`db/rollbacks/20270101000000_c.sql` is not in the lock and would never be applied"],
        );
    }
}
