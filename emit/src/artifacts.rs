//! The artifacts in the source tree: what they must hold, and bringing them to that.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tabellion_sql::file::Header;
use tabellion_sql::lock::{Draft, Lock};
use tabellion_sql::plan::{Plan, plan};
use tabellion_sql::schema::Schema;

use crate::error::Error;

/// Files by name below the root; `None` is a file that must not be there.
pub(crate) type Artifacts = BTreeMap<&'static str, Option<String>>;

/// The names of the artifacts.
pub(crate) const NAMES: [&str; 4] = [
    "schema.sql",
    "draft.sql",
    "draft.rollback.sql",
    "draft.lock",
];

const SCHEMA: &str = "-- The whole schema that the annotated structs declare.\n\
                      -- Written by the build; to change it, change the structs.\n";
const DRAFT: &str = "-- Draft by Tabellion: from the last sealed schema to the structs.\n\
                     -- Written by the build; `cargo tabellion seal NAME` makes it a migration.\n";
const ROLLBACK: &str = "-- Draft by Tabellion: the way back from the draft.\n\
                        -- Written by the build; sealed together with it.\n";

/// The artifacts for a schema, given the lock.
pub(crate) fn artifacts(lock: &Lock, schema: &Schema) -> Artifacts {
    let whole = plan(&Schema::default(), schema);
    let up = plan(&lock.schema, schema);
    let down = plan(schema, &lock.schema);
    let parent = lock.head().map(|head| head.checksum);
    // A struct that moved to another module, or fields in another order, need no migration.
    let differs = !(up.is_empty() && down.is_empty());
    let draft = |title: &str, plan: &Plan| {
        differs.then(|| {
            let header = Header {
                loses_data: plan.losses.clone(),
                ..Header::default()
            };
            file(&format!("{title}{header}"), plan)
        })
    };
    let (draft_up, draft_down) = (draft(DRAFT, &up), draft(ROLLBACK, &down));
    let lock_text = draft_up
        .as_ref()
        .zip(draft_down.as_ref())
        .map(|(up, down)| Draft::new(parent, schema.clone(), up, down).to_text());
    BTreeMap::from([
        ("schema.sql", Some(file(SCHEMA, &whole))),
        ("draft.sql", draft_up),
        ("draft.rollback.sql", draft_down),
        ("draft.lock", lock_text),
    ])
}

fn file(header: &str, plan: &Plan) -> String {
    let body = plan.body();
    if body.is_empty() {
        header.to_owned()
    } else {
        format!("{header}\n{body}")
    }
}

/// The sealed state; a folder without a lock has sealed nothing.
pub(crate) fn lock(root: &Path, shown: &str) -> Result<Lock, Error> {
    let path = root.join("tabellion.lock");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match sealed_without_lock(root) {
                Some(file) => Err(Error::new(format!(
                    "`{shown}/migrations/{file}` is sealed but `{shown}/tabellion.lock` is missing; \
                     restore the lock from version control"
                ))),
                None => Ok(Lock::default()),
            };
        }
        Err(error) => {
            return Err(Error::io(
                "read",
                &format!("{shown}/tabellion.lock"),
                &error,
            ));
        }
    };
    Lock::parse(&text)
        .map_err(|error| Error::new(format!("`{shown}/tabellion.lock` cannot be used: {error}")))
}

/// A migration that stands there though no lock knows it.
fn sealed_without_lock(root: &Path) -> Option<String> {
    let entries = fs::read_dir(root.join("migrations")).ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".sql"))
        .collect();
    names.sort();
    names.into_iter().next()
}

/// The files that do not hold what they must.
pub(crate) fn stale<'a>(root: &Path, artifacts: &'a Artifacts) -> Vec<&'a str> {
    artifacts
        .iter()
        .filter(|(name, wanted)| {
            let found = fs::read(root.join(name)).ok();
            found.as_deref() != wanted.as_ref().map(|text| text.as_bytes())
        })
        .map(|(name, _)| *name)
        .collect()
}

/// Writes what differs, each file at once or not at all.
///
/// On a tree that turns out to be read-only nothing is written, and nothing is wrong.
pub(crate) fn write(root: &Path, shown: &str, artifacts: &Artifacts) -> Result<(), Error> {
    for name in stale(root, artifacts) {
        let path = root.join(name);
        let result = match artifacts.get(name).and_then(Option::as_ref) {
            Some(text) => fs::create_dir_all(root)
                .and_then(|()| replace(&path, text))
                .and_then(|()| look_older(&path)),
            None => fs::remove_file(&path),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => return Ok(()),
            Err(error) => return Err(Error::io("write", &format!("{shown}/{name}"), &error)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Cargo takes whatever is newer than the start of the build script for a change since, and would
/// build the crate once more. What the script itself has written is none.
fn look_older(path: &Path) -> io::Result<()> {
    let before = SystemTime::now().checked_sub(Duration::from_secs(3600));
    match before {
        Some(before) => fs::File::options()
            .append(true)
            .open(path)?
            .set_modified(before),
        None => Ok(()),
    }
}

/// Writes beside the file, then renames over it: a reader sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside: PathBuf = path.with_file_name(name);
    let written = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrupt_lock_says_its_remedy_once() {
        let root = tempfile::tempdir().expect("a folder");
        for text in ["", "nonsense\n", "tabellion-lock 1\nnonsense\n"] {
            fs::write(root.path().join("tabellion.lock"), text).expect("the lock is written");
            let said = lock(root.path(), "db").unwrap_err().to_string();
            assert!(
                said.contains("`db/tabellion.lock` cannot be used: "),
                "{said}"
            );
            assert_eq!(said.matches("version control").count(), 1, "{said}");
        }
    }
}
