//! Sealing: the draft becomes dated migrations and their rollbacks, and the lock records them.
//!
//! The files are written first and the lock last, each at once or not at all, so the lock's rename is
//! the moment of sealing. Cut short before it, the same command run again takes up the files that it
//! finds; cut short after it, the draft that stays is refused as drawn against another lock.

mod accept;
mod behind;
mod clock;
mod hand;
#[cfg(test)]
mod killed;
mod reseal;
mod store;
mod unfinished;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tabellion_sql::file::{Document, Header, keeps_literals};
use tabellion_sql::lock::{
    DOWN, Draft, LOCK, Lock, NewPair, Orphan, SEALED, UNFINISHED, UP, draft_files, schema_checksum,
    what_stays,
};
use tabellion_sql::plan::Hazard;
use tabellion_sql::schema::Schema;

use super::error::{MigrateError, Problems};
use super::set::{files, read, read_lock};

pub(in crate::migrate) use hand::is_by_hand;

pub use accept::SealOptions;
pub use hand::{NewFiles, new_hand, seal_hand, unsealed};
pub use reseal::{Applied, Resealed, reseal};

/// The draft's lock below the root.
const DRAFT_LOCK: &str = "draft.lock";

/// One pair of files that sealing wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFiles {
    /// The migration's version: fourteen digits, the moment of sealing in UTC.
    pub version: String,
    /// The file that applies it.
    pub up: PathBuf,
    /// The file that undoes it.
    pub down: PathBuf,
    /// What applying it does beside what it says.
    pub hazards: Vec<Hazard>,
    /// Why a loss of data or a wider access is wanted, by the object that it concerns.
    pub accepted: BTreeMap<String, String>,
}

/// Seals the draft below `root` under a name of lower-case letters, digits and `_`: each of its pairs
/// under a version of its own, a second apart.
///
/// Additive change is sealed as it is. What loses data or opens access is sealed only with a reason for
/// each object, which goes into the file's header and the lock; what else is not additive, only when
/// [`SealOptions::reviewed`] says that someone has looked.
///
/// # Errors
/// No draft, or one that is not what the last build wrote; a name that is none; a hazard that was not
/// accepted; a literal that normalising would change; a lock or sealed files that are not as they should be; a folder that cannot be written.
/// Nothing is sealed then.
pub fn seal(
    root: impl AsRef<Path>,
    name: &str,
    options: &SealOptions,
) -> Result<Vec<SealedFiles>, MigrateError> {
    let root = root.as_ref();
    check_name(name)?;
    let _held = store::hold(root)?;
    let (lock, orphans) = sealed_so_far(root)?;
    let (draft, texts) = read_draft(root, &lock)?;
    let mut pairs = Vec::new();
    for ((number, _), [up, down]) in draft.pairs().zip(texts) {
        let names = draft_files(number);
        pairs.push((
            parse_new(root, &names[0], &of_checkout(&up))?,
            parse_new(root, &names[1], &of_checkout(&down))?,
            None,
        ));
    }
    if let Some((.., schema)) = pairs.last_mut() {
        *schema = Some(schema_checksum(&draft.schema));
    }
    let mut headers: Vec<&mut Header> = pairs.iter_mut().map(|(up, ..)| &mut up.header).collect();
    accept::accept(&mut headers, options)?;
    for (up, down, _) in &mut pairs {
        // The comments of the draft's header speak of the draft.
        [up.title, down.title] = titles(name, &up.body);
    }
    let count = pairs.len();
    let sealed = enter(root, lock, orphans, name, pairs, draft.schema)?;
    // The lock is written, so a draft that cannot be removed is only refused by the next seal.
    for file in (1..=count).flat_map(draft_files) {
        let _ = fs::remove_file(root.join(file));
    }
    let _ = fs::remove_file(root.join(DRAFT_LOCK));
    Ok(sealed)
}

/// The first lines of a sealed pair, given the SQL that applies it.
fn titles(name: &str, applied: &str) -> [String; 2] {
    [
        format!("{SEALED}. To change the schema, change the structs and seal anew.\n"),
        format!(
            "{SEALED}, as the way back from `{name}`.\n{}",
            what_stays(applied)
        ),
    ]
}

/// A pair to seal: the file that applies it, the one that undoes it, and, of the last one, the checksum
/// of the schema that it leads to.
type Pair = (Document, Document, Option<String>);

/// Writes the pairs as the next sealed migrations, and the lock after them.
fn enter(
    root: &Path,
    mut lock: Lock,
    orphans: Vec<Orphan>,
    name: &str,
    pairs: Vec<Pair>,
    schema: Schema,
) -> Result<Vec<SealedFiles>, MigrateError> {
    // Files that a seal which was cut short left behind have their version already.
    let last = lock.head().map(|head| head.version).unwrap_or_default();
    let taken_up = orphans
        .iter()
        .filter(|orphan| orphan.name == name && orphan.is_sealed() && orphan.version > last)
        .map(|orphan| orphan.version.clone())
        .min();
    let first = taken_up.unwrap_or_else(|| clock::later_than(&last, clock::now()));
    let pairs = (0..).zip(pairs).map(|(index, (up, down, schema))| NewPair {
        version: clock::after(&first, index),
        up,
        down,
        schema,
    });
    let pairs: Vec<NewPair> = pairs.collect();
    let sealed: Vec<SealedFiles> = pairs
        .iter()
        .map(|pair| {
            let file = format!("{}_{name}.sql", pair.version);
            SealedFiles {
                version: pair.version.clone(),
                up: root.join(UP).join(&file),
                down: root.join(DOWN).join(&file),
                hazards: pair.up.header.hazards.clone(),
                accepted: pair.up.header.accepted.clone(),
            }
        })
        .collect();
    let texts = lock
        .seal(name, pairs, schema)
        .map_err(|error| MigrateError::Request(error.to_string()))?;
    let mut wanted: BTreeMap<&Path, &String> = BTreeMap::new();
    for (files, [up, down]) in sealed.iter().zip(&texts) {
        wanted.extend([(files.up.as_path(), up), (files.down.as_path(), down)]);
    }
    let shown = root.display().to_string();
    let problems: Vec<String> = orphans
        .iter()
        .filter(|orphan| wanted.get(root.join(&orphan.path).as_path()) != Some(&&orphan.text))
        .map(|orphan| orphan.problem(&shown))
        .collect();
    if !problems.is_empty() {
        return Err(MigrateError::Files(Problems(problems)));
    }
    store::attributes(root)?;
    let (path, text) = (root.join(LOCK), lock.to_text());
    let files = sealed.iter().zip(&texts).flat_map(pair_of);
    store::write_all(files.chain([(path.as_path(), text.as_str())]))?;
    Ok(sealed)
}

/// Where the texts of a pair go.
fn pair_of<'a>(
    (files, [up, down]): (&'a SealedFiles, &'a [String; 2]),
) -> [(&'a Path, &'a str); 2] {
    [(&files.up, up), (&files.down, down)]
}

/// The lock below the root, its files as they were sealed, and the dated files beyond them.
fn sealed_so_far(root: &Path) -> Result<(Lock, Vec<Orphan>), MigrateError> {
    let lock = read_lock(root)?.unwrap_or_default();
    let found = files(root, &lock);
    if found.problems.is_empty() {
        Ok((lock, found.orphans))
    } else {
        Err(MigrateError::Files(Problems(found.problems)))
    }
}

fn parse(root: &Path, file: &str, text: &str) -> Result<Document, MigrateError> {
    Document::parse(text)
        .map_err(|error| MigrateError::files(format!("`{}` {error}", root.join(file).display())))
}

/// Reads a file that is to be sealed: one that means the same once it is normalised.
fn parse_new(root: &Path, file: &str, text: &str) -> Result<Document, MigrateError> {
    keeps_literals(text)
        .map_err(|error| MigrateError::files(format!("`{}` {error}", root.join(file).display())))?;
    parse(root, file, text)
}

/// A draft as the build wrote it, where version control has given every line the ending of Windows.
fn of_checkout(text: &str) -> Cow<'_, str> {
    let endings = text.matches("\r\n").count();
    if endings > 0 && endings == text.matches('\n').count() && endings == text.matches('\r').count()
    {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

fn check_name(name: &str) -> Result<(), MigrateError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
        return Err(MigrateError::Request(format!(
            "`{name}` is not a name for a migration; use up to 100 lower-case letters, digits and `_`"
        )));
    }
    Ok(())
}

/// The draft's lock and its files, a pair each.
fn read_draft(root: &Path, lock: &Lock) -> Result<(Draft, Vec<[String; 2]>), MigrateError> {
    let shown = root.display();
    if root.join(UNFINISHED).exists() {
        return Err(MigrateError::files(format!(
            "the last build did not finish, so that the draft in `{shown}` is not what the structs say; put right \
             what it reported, and build again"
        )));
    }
    let facts = read(&root.join(DRAFT_LOCK))?;
    let part = || {
        MigrateError::files(format!(
            "`{shown}` holds a part of a draft only; run `cargo build` to draw it again"
        ))
    };
    let Some(facts) = facts else {
        for file in draft_files(1) {
            if read(&root.join(file))?.is_some() {
                return Err(part());
            }
        }
        return Err(MigrateError::files(format!(
            "`{shown}` holds no draft: the structs and the last seal agree; change a struct and run \
             `cargo build`"
        )));
    };
    let draft = Draft::parse(&facts).map_err(|error| {
        MigrateError::files(format!(
            "`{}` cannot be used: {error}; or remove it and run `cargo build`",
            root.join(DRAFT_LOCK).display()
        ))
    })?;
    if draft.parent != lock.head().map(|head| head.checksum) {
        return Err(MigrateError::files(format!(
            "the draft in `{shown}` was drawn against another lock; run `cargo build` to draw it again, and \
             read it again"
        )));
    }
    let mut texts = Vec::new();
    for (number, pair) in draft.pairs() {
        let [up, down] = draft_files(number).map(|file| read(&root.join(file)));
        let (Some(up), Some(down)) = (up?, down?) else {
            return Err(part());
        };
        if !pair.matches(&up, &down) {
            return Err(MigrateError::files(format!(
                "the draft in `{shown}` is not what the build wrote; remove its files and run `cargo build` \
                 to draw it again"
            )));
        }
        texts.push([up, down]);
    }
    Ok((draft, texts))
}
