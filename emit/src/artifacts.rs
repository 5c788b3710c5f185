//! The artifacts in the source tree: what they must hold, and bringing them to that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tabellion_sql::file::{Header, checksum};
use tabellion_sql::lock::{
    Draft, DraftPair, Lock, SchemaFacts, UNFINISHED, draft_files, what_stays,
};
use tabellion_sql::plan::{Migration, Script, plan};
use tabellion_sql::proof::{ProofScope, rls_tests};
use tabellion_sql::schema::Schema;

use crate::both;
use crate::error::Error;
use crate::leftovers;

/// Files by name below the root; `None` is a file that must not be there.
pub(crate) type Artifacts = BTreeMap<String, Option<String>>;

const SCHEMA: &str = "-- The whole schema that the annotated structs declare.\n\
                      -- Written by the build; to change it, change the structs.\n";

const MARK: &str = "The last build could not draw the structs: what it reported comes first.\n\
                    The build that can takes this file away.\n";

/// Where `supabase test db` looks, and as good a place as any elsewhere.
pub(crate) const PROOF: &str = "tests/rls_tests.sql";

/// What the artifacts say of the schema alone, whatever is sealed.
pub(crate) struct Declared {
    /// What `schema.sql` says below its header; `None` where the draft says it, being the first.
    whole: Option<String>,
    /// The text of the proof of row-level security; `None` where there is no table.
    proof: Option<String>,
    /// What the draft's lock says; `None` where there is no draft.
    facts: Option<SchemaFacts>,
}

impl Declared {
    pub(crate) fn of(schema: &Schema, scopes: &[ProofScope], sealed: &Schema) -> Declared {
        let is_first = *sealed == Schema::default();
        let (proof, facts) = both(
            || (!schema.tables.is_empty()).then(|| rls_tests(schema, scopes)),
            || (is_first || sealed != schema).then(|| SchemaFacts::of(schema)),
        );
        Declared {
            whole: (!is_first).then(|| plan(&Schema::default(), schema).body()),
            proof,
            facts,
        }
    }
}

/// The migrations from what is sealed to the structs, as files.
pub(crate) struct Pairs {
    pairs: Vec<(Drawn, Drawn)>,
    /// What they do on the way up, one after the other.
    whole: String,
}

/// A file of a draft.
struct Drawn {
    text: String,
    checksum: String,
}

impl Pairs {
    pub(crate) fn of(migrations: &[Migration]) -> Pairs {
        let mut whole = String::new();
        let mut pairs = Vec::new();
        for (number, migration) in (1..).zip(migrations) {
            let place = if migrations.len() == 1 {
                String::new()
            } else {
                format!(" ({number} of {})", migrations.len())
            };
            let body = migration.up.plan.body();
            let up = || {
                let title = format!(
                    "-- Draft by Tabellion{place}: from the last sealed schema to the structs.\n\
                     -- Written by the build; `cargo tabellion seal NAME` makes it a migration.\n"
                );
                Drawn::of(&title, &migration.up, &body)
            };
            let down = || {
                let title = format!(
                    "-- Draft by Tabellion{place}: the way back from the draft.\n\
                     -- Written by the build; sealed together with it.\n{}",
                    what_stays(&body)
                );
                Drawn::of(&title, &migration.down, &migration.down.plan.body())
            };
            // Without optimisation their checksums take longer than their texts.
            pairs.push(both(down, up));
            whole.push_str(&body);
        }
        let pairs = pairs.into_iter().map(|(down, up)| (up, down)).collect();
        Pairs { pairs, whole }
    }
}

impl Drawn {
    fn of(title: &str, script: &Script, body: &str) -> Drawn {
        let header = Header {
            no_transaction: script.no_transaction,
            hazards: script.hazards(),
            ..Header::default()
        };
        let header = format!("{title}{header}");
        let text = file(&header, &[&script.opening(), body]);
        let checksum = checksum(&text);
        Drawn { text, checksum }
    }
}

/// The artifacts for a schema, and the migrations that lead to it from the sealed one.
pub(crate) fn artifacts(lock: &Lock, declared: Declared, drawn: Pairs) -> Artifacts {
    // From nothing to the schema there is one way.
    let whole = declared.whole.unwrap_or(drawn.whole);
    let mut files = Artifacts::from([
        ("schema.sql".to_owned(), Some(file(SCHEMA, &[&whole]))),
        (PROOF.to_owned(), declared.proof),
    ]);
    if let Some(facts) = declared.facts.filter(|_| !drawn.pairs.is_empty()) {
        let parent = lock.head().map(|head| head.checksum);
        let pairs = drawn.pairs.iter().map(|(up, down)| DraftPair {
            up: up.checksum.clone(),
            down: down.checksum.clone(),
        });
        let lock = Draft::text_of(parent, &facts, pairs);
        files.insert("draft.lock".to_owned(), Some(lock));
    }
    for (number, (up, down)) in (1..).zip(drawn.pairs) {
        let [up_name, down_name] = draft_files(number);
        files.insert(up_name, Some(up.text));
        files.insert(down_name, Some(down.text));
    }
    files
}

fn file(header: &str, body: &[&str]) -> String {
    let mut text = header.to_owned();
    if body.iter().any(|part| !part.is_empty()) {
        text.push('\n');
    }
    text.extend(body.iter().copied());
    text
}

/// Adds, as files that must not be there, the drafts that an earlier build has written.
pub(crate) fn outdate(root: &Path, artifacts: &mut Artifacts) {
    for name in written(root) {
        artifacts.entry(name).or_insert(None);
    }
}

/// The names of the artifacts that are there.
pub(crate) fn written(root: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(root).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_artifact(name))
        .chain(root.join(PROOF).exists().then(|| PROOF.to_owned()))
        .collect()
}

/// Whether a file of that name, in the folder of the artifacts, is one.
pub(crate) fn is_artifact(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("draft") else {
        return name == "schema.sql";
    };
    if name == UNFINISHED {
        return true;
    }
    let number = rest
        .strip_suffix(".rollback.sql")
        .or_else(|| rest.strip_suffix(".sql"));
    number.is_some_and(|number| {
        let digits = number.strip_prefix('.');
        number.is_empty() || digits.is_some_and(|d| d.parse::<usize>().is_ok())
    }) || rest == ".lock"
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
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Writes what differs, each file at once or not at all.
///
/// On a tree that turns out to be read-only nothing is written, and nothing is wrong.
pub(crate) fn write(root: &Path, shown: &str, artifacts: &Artifacts) -> Result<(), Error> {
    leftovers::clear(root);
    for name in stale(root, artifacts) {
        let path = root.join(name);
        let result = match artifacts.get(name).and_then(Option::as_ref) {
            Some(text) => fs::create_dir_all(path.parent().unwrap_or(root))
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

/// Leaves beside the artifacts that this build could not draw them, so that nobody seals an earlier draft for
/// what the structs say. The next build that can takes it away.
pub(crate) fn mark_unfinished(root: &Path) {
    let path = root.join(UNFINISHED);
    if !root.is_dir() || path.exists() {
        return;
    }
    // A tree that cannot be written takes no draft either.
    let _ = replace(&path, MARK).and_then(|()| look_older(&path));
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
    let name = path.file_name().unwrap_or_default();
    let beside = path.with_file_name(leftovers::beside(name, std::process::id()));
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
