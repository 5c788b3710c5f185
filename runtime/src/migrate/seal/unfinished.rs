//! What a `reseal` is about to write and to remove: its first write and its last removal, so that of one that
//! was cut short the next knows which files are nobody's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tabellion_sql::file::checksum;
use tabellion_sql::lock::{DOWN, UP};

use super::super::error::MigrateError;
use super::super::set::read;
use super::store;

/// The file below the root.
const FILE: &str = "reseal.unfinished";

/// How the lines begin that say between which two texts of the lock the files are nobody's.
const LOCK: &str = "lock ";

/// The file's path.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(FILE)
}

/// Writes down the paths below the root of all that is written and removed, while the lock becomes another.
pub(super) fn begin(
    root: &Path,
    [was, now]: [&str; 2],
    paths: &BTreeSet<String>,
) -> Result<(), MigrateError> {
    let mut text = format!("{LOCK}{}\n{LOCK}{}\n", checksum(was), checksum(now));
    for path in paths {
        text.push_str(path);
        text.push('\n');
    }
    store::write(&path(root), &text)
}

/// The paths that one which was cut short has written down; none where the lock is another by now.
pub(super) fn left(root: &Path, lock: &str) -> Result<BTreeSet<String>, MigrateError> {
    let text = read(&path(root))?.unwrap_or_default();
    let ours = format!("{LOCK}{}", checksum(lock));
    if !text.lines().any(|line| line == ours) {
        return Ok(BTreeSet::new());
    }
    // Whatever the file says, nothing is removed but from the two folders.
    let ours = |line: &&str| {
        let file = [UP, DOWN]
            .iter()
            .find_map(|folder| line.strip_prefix(folder)?.strip_prefix('/'));
        file.is_some_and(|file| {
            !file.contains(['/', '\\']) && (file.ends_with(".sql") || file.ends_with(".sql.tmp"))
        })
    };
    Ok(text.lines().filter(ours).map(str::to_owned).collect())
}
