//! A pair written by hand: its templates, and its seal.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tabellion_sql::file::body;
use tabellion_sql::lock::{Lock, SEALED, schema_checksum};

use super::super::error::{MigrateError, Problems};
use super::super::set::{list, read};
use super::{SealOptions, SealedFiles, accept, check_name, enter, parse_new, sealed_so_far, store};

/// Where pairs written by hand lie below the root until they are sealed.
const HAND: &str = "hand";

/// What stands behind [`SEALED`] in a file that was written by hand.
const BY_HAND: &str = ", as written by hand.\n";

/// What a template's SQL begins with: the limits of a generated file.
const LIMITS: &str = "select pg_catalog.set_config('lock_timeout', '5s', true), \
                      pg_catalog.set_config('statement_timeout', '5min', true);\n";

const UP: &str = "\
-- Written by hand; `cargo tabellion seal NAME` makes it a migration. Sealing drops these lines.
-- Write the SQL below the blank line, for what no struct says: a backfill, a function, a view.
-- It runs in one transaction, so leave BEGIN and COMMIT out, and set no setting but for the transaction.
-- If it destroys data or opens access, add a line like the next one without its backquotes, and give the
-- reason to `seal` with `--accept`:
-- `-- tabellion: loses-data: column public.note.body: cleared`

";

const DOWN: &str = "\
-- The way back from NAME; sealed together with it. Sealing drops these lines.
-- Write the SQL that undoes it below the blank line; where there is nothing to undo, `select 1;` says so.

";

/// The two files of a new pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFiles {
    /// The file that will apply it.
    pub up: PathBuf,
    /// The file that will undo it.
    pub down: PathBuf,
}

fn paths(root: &Path, name: &str) -> NewFiles {
    let folder = root.join(HAND);
    NewFiles {
        up: folder.join(format!("{name}.sql")),
        down: folder.join(format!("{name}.rollback.sql")),
    }
}

/// Writes the templates of a pair below `root`, to be filled in by hand.
///
/// # Errors
/// A name that is none, a pair of that name that is there already, a folder that cannot be written.
pub fn new_hand(root: impl AsRef<Path>, name: &str) -> Result<NewFiles, MigrateError> {
    let root = root.as_ref();
    check_name(name)?;
    let _held = store::hold(root)?;
    let files = paths(root, name);
    for path in [&files.up, &files.down] {
        if path.exists() {
            return Err(MigrateError::Request(format!(
                "`{}` is there already; take another name, or seal it",
                path.display()
            )));
        }
    }
    let text = |template: &str| format!("{}{LIMITS}\n", template.replace("NAME", name));
    let (up, down) = (text(UP), text(DOWN));
    store::write_all([(&*files.down, &*down), (&*files.up, &*up)])?;
    Ok(files)
}

/// Whether a sealed text was written by hand.
pub(in crate::migrate) fn is_by_hand(sql: &str) -> bool {
    let rest = sql.strip_prefix(SEALED);
    rest.is_some_and(|rest| rest.starts_with(BY_HAND))
}

/// The names of the pairs below `root` that were begun by hand and are not sealed, in order.
///
/// # Errors
/// A folder that cannot be read.
pub fn unsealed(root: impl AsRef<Path>) -> Result<Vec<String>, MigrateError> {
    let files = list(&root.as_ref().join(HAND))?;
    let name = |file: &String| {
        let name = file.strip_suffix(".sql")?;
        Some(name.strip_suffix(".rollback").unwrap_or(name).to_owned())
    };
    let names: BTreeSet<String> = files.iter().filter_map(name).collect();
    Ok(names.into_iter().collect())
}

/// Seals the pair of that name below `root`, written by hand; `None` where there is none.
///
/// `lint` sees the lock and both files, and says what is wrong with them, a sentence each. The schema in
/// the lock stays what it is; a draft that lies there was drawn against the lock before, and must be
/// drawn again.
///
/// # Errors
/// Those of [`seal`](super::seal()), and what the lint says. Nothing is sealed then.
pub fn seal_hand(
    root: impl AsRef<Path>,
    name: &str,
    options: &SealOptions,
    lint: impl FnOnce(&Lock, [(&str, &str); 2]) -> Vec<String>,
) -> Result<Option<Vec<SealedFiles>>, MigrateError> {
    let root = root.as_ref();
    check_name(name)?;
    let files = paths(root, name);
    if !files.up.exists() && !files.down.exists() {
        return Ok(None);
    }
    let _held = store::hold(root)?;
    let [up, down] = [&files.up, &files.down].map(|path| {
        read(path)?.ok_or_else(|| {
            MigrateError::files(format!(
                "`{}` is missing beside its other half; write it, and seal again",
                path.display()
            ))
        })
    });
    let (lock, orphans) = sealed_so_far(root)?;
    if let Some(done) = sealed_before(root, name, &lock, &files)? {
        return Ok(Some(done));
    }
    let (up, down) = (up?, down?);
    let below = |path: &Path| path.display().to_string();
    let shown = [below(&files.up), below(&files.down)];
    let problems = lint(&lock, [(&shown[0], &up), (&shown[1], &down)]);
    if !problems.is_empty() {
        return Err(MigrateError::Files(Problems(problems)));
    }
    let name_of = |file: &str| format!("{HAND}/{file}");
    let mut up = parse_new(root, &name_of(&format!("{name}.sql")), &up)?;
    let mut down = parse_new(root, &name_of(&format!("{name}.rollback.sql")), &down)?;
    accept::accept(&mut [&mut up.header], options)?;
    up.title = format!("{SEALED}{BY_HAND}");
    down.title = format!("{SEALED}, as the way back from `{name}`, written by hand.\n");
    let schema = lock.schema.clone();
    let pair = (up, down, Some(schema_checksum(&schema)));
    let sealed = enter(root, lock, orphans, name, vec![pair], schema)?;
    remove(&files);
    Ok(Some(sealed))
}

/// A seal that was cut short after its lock was written left the pair behind: it is sealed already.
fn sealed_before(
    root: &Path,
    name: &str,
    lock: &Lock,
    files: &NewFiles,
) -> Result<Option<Vec<SealedFiles>>, MigrateError> {
    let Some((version, head)) = lock
        .migrations
        .last_key_value()
        .filter(|(_, head)| head.name == name)
    else {
        return Ok(None);
    };
    let file = head.file_name(version);
    let sealed = SealedFiles {
        version: version.clone(),
        up: root.join(tabellion_sql::lock::UP).join(&file),
        down: root.join(tabellion_sql::lock::DOWN).join(&file),
        hazards: head.hazards.clone(),
        accepted: head.accepted.clone(),
    };
    for (hand, sealed) in [(&files.up, &sealed.up), (&files.down, &sealed.down)] {
        let hand = read(hand)?.map(|text| body(&text));
        let sealed = read(sealed)?.map(|text| body(&text));
        if hand.is_some() && hand != sealed {
            return Ok(None);
        }
    }
    remove(files);
    Ok(Some(vec![sealed]))
}

/// They are sealed, so that what cannot be removed is found out and removed by the next seal.
fn remove(files: &NewFiles) {
    let _ = fs::remove_file(&files.up);
    let _ = fs::remove_file(&files.down);
    if let Some(folder) = files.up.parent() {
        // Where it is empty.
        let _ = fs::remove_dir(folder);
    }
}
