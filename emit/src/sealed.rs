//! Whether the sealed files are as they were sealed: a draft drawn over others would mislead.

use std::fs;
use std::io;
use std::path::Path;

use tabellion_sql::lock::{DOWN, Lock, UP};

use crate::error::Error;

/// The folders of sealed files that are there, for cargo to watch.
pub(crate) fn folders(root: &Path) -> impl Iterator<Item = &'static str> {
    let folders = [UP, DOWN].into_iter();
    let root = root.to_owned();
    folders.filter(move |folder| root.join(folder).is_dir())
}

/// Compares every sealed file with the lock.
///
/// # Errors
/// All that is wrong, a line each: missing, changed, renamed, in another's place, unknown.
pub(crate) fn check(root: &Path, shown: &str, lock: &Lock) -> Result<(), Error> {
    let read = |path: &str| match fs::read(root.join(path)) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| format!("`{shown}/{path}` is not UTF-8; restore it from version control")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &format!("{shown}/{path}"), &error).to_string()),
    };
    let list = |folder: &str| match fs::read_dir(root.join(folder)) {
        Ok(entries) => {
            let mut names: Vec<String> = entries
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .collect();
            names.sort();
            Ok(names)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", &format!("{shown}/{folder}"), &error).to_string()),
    };
    let found = lock.files(shown, read, list);
    let orphans = found.orphans.iter().map(|orphan| orphan.problem(shown));
    let problems: Vec<String> = found.problems.iter().cloned().chain(orphans).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::new(problems.join("\n")))
    }
}
