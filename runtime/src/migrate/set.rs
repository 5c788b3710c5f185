//! The sealed migrations, as the lock and the files give them.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::OnceLock;

use tabellion_sql::file::{Concurrent, Header, Statement, Step, masked, normalize, statements};
use tabellion_sql::lock::{DOWN, Files, LOCK, Lock, UP};
use tabellion_sql::schema::Schema;

use super::error::{MigrateError, Problems, version_of};
use super::seal::is_by_hand;

/// One sealed migration: both its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Fourteen digits; the order of migrations.
    pub version: String,
    /// The name given when it was sealed.
    pub name: String,
    /// The checksum of the file that applies it, as the ledger keeps it.
    pub checksum: String,
    /// The checksum of the file that undoes it.
    pub rollback_checksum: String,
    /// The checksum of its link in the lock's chain: over both files and all migrations before it.
    pub link: String,
    /// The file that applies it.
    pub up: Script,
    /// The file that undoes it.
    pub down: Script,
}

impl Migration {
    /// Whether it was written by hand, so that no comparison with the structs tells whether its work is there.
    pub fn is_by_hand(&self) -> bool {
        is_by_hand(&self.up.sql)
    }
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its path below the root.
    pub path: String,
    /// Its text, line endings and trailing blanks normalised, so that the same bytes run everywhere.
    pub sql: String,
    /// What its header says.
    pub header: Header,
}

impl Script {
    /// Refuses what would break the transaction that the engine puts around the file.
    pub(super) fn check(&self) -> Result<(), MigrateError> {
        let path = &self.path;
        if self.header.no_transaction {
            return self.steps().map(drop);
        }
        let found = statements(&self.sql)
            .map_err(|error| MigrateError::files(format!("`{path}` {error}")))?;
        for statement in &found {
            let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
            let fault = match words.as_slice() {
                ["rollback", "to", ..] | ["rollback", "work" | "transaction", "to", ..] => continue,
                [
                    "begin" | "start" | "commit" | "end" | "rollback" | "abort",
                    ..,
                ]
                | ["prepare", "transaction", ..] => {
                    "controls the transaction; a migration runs in one of its own, so remove it"
                }
                ["copy", ..] if is_copy_by_client(statement.text) => {
                    "copies from or to the client; write the rows as `insert`"
                }
                _ => continue,
            };
            let first = first_line(statement.text);
            return Err(MigrateError::files(format!(
                "`{path}` line {}: `{first}` {fault}",
                statement.line
            )));
        }
        Ok(())
    }
}

impl Script {
    /// The statements of a file that runs outside a transaction, each with how it runs.
    ///
    /// # Errors
    /// A file that holds none, or one that could not be taken up where it stopped.
    pub(super) fn steps(&self) -> Result<Vec<(Statement<'_>, Step)>, MigrateError> {
        let path = &self.path;
        let found = statements(&self.sql)
            .map_err(|error| MigrateError::files(format!("`{path}` {error}")))?;
        if found.is_empty() {
            return Err(MigrateError::files(format!(
                "`{path}` holds no statement; write one, or take `no-transaction` out of its header"
            )));
        }
        let mut steps = Vec::new();
        for statement in found {
            let step = Step::read(statement.text).map_err(|fault| {
                MigrateError::files(format!(
                    "`{path}` line {}: `{}` {fault}",
                    statement.line,
                    first_line(statement.text)
                ))
            })?;
            steps.push((statement, step));
        }
        Ok(steps)
    }

    /// The index that a file builds which was begun outside a transaction and came no further than that.
    pub(super) fn builds(&self, reached: usize) -> Result<Concurrent, MigrateError> {
        let mut steps = self.steps()?;
        match steps.swap_remove(0) {
            (_, Step::Index(build @ Concurrent::Create { .. })) if reached <= 1 => Ok(build),
            _ => Err(MigrateError::history(format!(
                "`{}` was begun and has not finished, and nothing takes back what it did; run `cargo tabellion \
                 apply` first, then roll back; or take that back by hand, and enter it with `cargo tabellion \
                 repair {} --rolled-back`",
                self.path,
                version_of(&self.path)
            ))),
        }
    }
}

fn is_copy_by_client(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| matches!(word, "stdin" | "stdout"))
}

/// The first line of a statement, without what its literals hold, cut to a readable length.
pub(super) fn first_line(statement: &str) -> String {
    let masked = masked(statement);
    let line = masked.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(100) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Every sealed migration, in order, each verified against the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    /// In the order in which they apply.
    pub(super) list: Vec<Migration>,
    goal: Goal,
}

/// The schema that the migrations lead to. An embedded one is read once somebody asks: of all there is to do
/// before nothing is applied, it would take the longest.
#[derive(Debug, Clone)]
struct Goal {
    lock: &'static str,
    schema: OnceLock<Schema>,
}

impl Goal {
    fn get(&self) -> &Schema {
        self.schema.get_or_init(|| match Lock::parse(self.lock) {
            Ok(lock) => lock.schema,
            Err(error) => unusable(&error),
        })
    }
}

impl PartialEq for Goal {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Goal {}

impl Migrations {
    /// Reads the lock and both folders below a root.
    ///
    /// # Errors
    /// All problems at once: a lock that is missing, does not read or whose chain is broken; a sealed
    /// file that is missing or was changed, with what changed; a file that the lock does not know.
    pub fn load(root: impl AsRef<Path>) -> Result<Self, MigrateError> {
        let root = root.as_ref();
        let lock = read_lock(root)?.ok_or_else(|| {
            MigrateError::files(format!(
                "`{}` does not exist; restore it from version control, name the right folder with `--root`, \
                 or seal a first migration with `cargo tabellion seal NAME`",
                root.join(LOCK).display()
            ))
        })?;
        Self::build(&lock, files(root, &lock), &root.display().to_string())
    }

    /// The migrations from texts that a program carries: the lock, and the files by their path below
    /// the root (`migrations/…`, `rollbacks/…`).
    ///
    /// # Errors
    /// Those of [`load`](Self::load); a file that the lock does not know is left out.
    pub fn from_texts(lock: &str, files: &[(&str, &str)]) -> Result<Self, MigrateError> {
        let lock = Lock::parse(lock)
            .map_err(|error| MigrateError::files(format!("the lock cannot be used: {error}")))?;
        let files: BTreeMap<&str, &str> = files.iter().copied().collect();
        let read = |path: &str| Ok(files.get(path).map(|&text| text.to_owned()));
        let found = lock.files("", read, |_| Ok(Vec::new()));
        Self::build(&lock, found, "")
    }

    /// The migrations, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Migration> {
        self.list.iter()
    }

    /// The migration of that version.
    pub fn get(&self, version: &str) -> Option<&Migration> {
        let found = self
            .list
            .binary_search_by(|migration| migration.version.as_str().cmp(version));
        self.list.get(found.ok()?)
    }

    /// The migration of a version that must be there.
    pub(super) fn known(&self, version: &str) -> Result<&Migration, MigrateError> {
        self.get(version).ok_or_else(|| {
            MigrateError::Request(format!(
                "no migration has version `{version}`; `cargo tabellion status` lists them"
            ))
        })
    }

    /// The schema that the migrations lead to.
    pub fn schema(&self) -> &Schema {
        self.goal.get()
    }

    fn build(lock: &Lock, found: Files, shown: &str) -> Result<Self, MigrateError> {
        let Files {
            mut texts,
            orphans,
            mut problems,
        } = found;
        problems.extend(orphans.iter().map(|orphan| orphan.problem(shown)));
        let mut list = Vec::new();
        for (version, sealed) in &lock.migrations {
            let file = sealed.file_name(version);
            let mut script = |folder: &str| {
                let path = format!("{folder}/{file}");
                let text = texts.remove(&path)?;
                match Header::parse(&text) {
                    Ok(header) => Some(Script {
                        sql: normalize(&text),
                        path,
                        header,
                    }),
                    Err(error) => {
                        problems.push(format!("`{path}` {error}"));
                        None
                    }
                }
            };
            if let (Some(up), Some(down)) = (script(UP), script(DOWN)) {
                list.push(Migration {
                    version: version.clone(),
                    name: sealed.name.clone(),
                    checksum: sealed.up.sha256.clone(),
                    rollback_checksum: sealed.down.sha256.clone(),
                    link: sealed.checksum(version),
                    up,
                    down,
                });
            }
        }
        if problems.is_empty() {
            Ok(Migrations {
                list,
                goal: Goal {
                    lock: "",
                    schema: OnceLock::from(lock.schema.clone()),
                },
            })
        } else {
            Err(MigrateError::Files(Problems(problems)))
        }
    }
}

/// A pair of files that `migrations!()` has held against the lock while compiling.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    pub version: &'static str,
    pub name: &'static str,
    /// The checksum of its link in the lock's chain.
    pub link: &'static str,
    /// Of the file that applies it: its path below the root, its checksum and its text.
    pub up: [&'static str; 3],
    /// The same of its rollback.
    pub down: [&'static str; 3],
}

/// What `migrations!()` expands to: the lock, and the files that it names. Their checksums are not made
/// again: nothing changes them between the compiler and here.
///
/// # Panics
/// Where the texts are not what the macro has checked while compiling, which takes another version of
/// Tabellion in the macro than here; where the lock's is not, at the first call of
/// [`Migrations::schema`].
#[doc(hidden)]
pub fn embedded(lock: &'static str, pairs: &[Embedded]) -> Migrations {
    let script = |[path, _, text]: [&str; 3]| Script {
        path: path.to_owned(),
        sql: normalize(text),
        header: Header::parse(text).unwrap_or_else(|error| unusable(&error)),
    };
    let list = pairs.iter().map(|pair| Migration {
        version: pair.version.to_owned(),
        name: pair.name.to_owned(),
        checksum: pair.up[1].to_owned(),
        rollback_checksum: pair.down[1].to_owned(),
        link: pair.link.to_owned(),
        up: script(pair.up),
        down: script(pair.down),
    });
    Migrations {
        list: list.collect(),
        goal: Goal {
            lock,
            schema: OnceLock::new(),
        },
    }
}

fn unusable(error: &dyn std::fmt::Display) -> ! {
    panic!("the embedded migrations cannot be used: {error}")
}

/// The sealed files below a root, against their lock.
pub(super) fn files(root: &Path, lock: &Lock) -> Files {
    let said = |error: MigrateError| error.to_string();
    lock.files(
        &root.display().to_string(),
        |path| read(&root.join(path)).map_err(said),
        |folder| list(&root.join(folder)).map_err(said),
    )
}

/// The lock below a root; `None` where there is none and nothing was sealed.
pub(super) fn read_lock(root: &Path) -> Result<Option<Lock>, MigrateError> {
    let path = root.join(LOCK);
    let Some(text) = read(&path)? else {
        return Ok(None);
    };
    Lock::parse(&text).map(Some).map_err(|error| {
        MigrateError::files(format!("`{}` cannot be used: {error}", path.display()))
    })
}

/// The text of a file; `None` where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, MigrateError> {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| {
            MigrateError::files(format!(
                "`{}` is not UTF-8; restore it from version control",
                path.display()
            ))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MigrateError::Io(format!(
            "`{}` cannot be read: {error}; see its permissions",
            path.display()
        ))),
    }
}

/// The names in a folder, in order; none where there is no such folder.
pub(super) fn list(folder: &Path) -> Result<Vec<String>, MigrateError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => {
            return Err(MigrateError::Io(format!(
                "`{}` cannot be read: {error}; see its permissions",
                folder.display()
            )));
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}
