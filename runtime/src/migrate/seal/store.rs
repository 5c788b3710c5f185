//! Writing below the root: one process at a time, each file at once or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::error::MigrateError;

/// Holds the root for this process until dropped, and waits for another that holds it; `None` where there
/// is no such folder, and so nothing to seal.
///
/// The lock is on the folder itself, so that it leaves nothing behind.
pub(super) fn hold(root: &Path) -> Result<Option<fs::File>, MigrateError> {
    if !root.is_dir() {
        return Ok(None);
    }
    let failed = |error: std::io::Error| {
        MigrateError::Io(format!(
            "`{}` cannot be held against another `seal`: {error}; see its permissions",
            root.display()
        ))
    };
    #[cfg(unix)]
    let file = fs::File::open(root);
    // Elsewhere a folder cannot be opened as a file.
    #[cfg(not(unix))]
    let file = fs::File::create(root.join(".tabellion.seal"));
    let file = file.map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(Some(file))
}

/// What git must know to merge a lock, and to leave line endings alone.
const ATTRIBUTES: &str = "tabellion.lock merge=union\n*.sql text eol=lf\n";

/// Writes `.gitattributes` where there is none.
pub(super) fn attributes(root: &Path) -> Result<(), MigrateError> {
    let path = root.join(".gitattributes");
    if path.exists() {
        Ok(())
    } else {
        write(&path, ATTRIBUTES)
    }
}

/// Writes files one after the other; where one cannot be written, those before it that are new are removed.
///
/// # Errors
/// Those of [`write`].
pub(super) fn write_all<'a>(
    files: impl IntoIterator<Item = (&'a Path, &'a str)>,
) -> Result<(), MigrateError> {
    let mut new = Vec::new();
    for (path, text) in files {
        let is_new = !path.exists();
        if let Err(error) = write(path, text) {
            for path in new {
                // What cannot be removed is told by the next build, with what to do.
                let _ = fs::remove_file(path);
            }
            return Err(error);
        }
        if is_new {
            new.push(path);
        }
    }
    Ok(())
}

/// Writes beside the file and renames over it: a reader sees the old text or the new one, and so
/// does whoever comes after a crash.
pub(super) fn write(path: &Path, text: &str) -> Result<(), MigrateError> {
    let failed = |error: std::io::Error| {
        MigrateError::Io(format!(
            "`{}` cannot be written: {error}; nothing is sealed, so make the folder writable and run it again",
            path.display()
        ))
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let beside = beside(path);
    step();
    let written = fs::File::create(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| {
            step();
            fs::rename(&beside, path)
        });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)?;
    // The rename itself must survive a crash before the next file's does.
    #[cfg(unix)]
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Where a file's new text stands before it has its name.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

/// Removes a file, where there is one.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    step();
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Stands before each change of a file, so that a test can end it all there.
#[cfg(not(test))]
fn step() {}
#[cfg(test)]
use super::killed::step;
