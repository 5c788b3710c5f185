//! The folder that a run leaves behind: what was planned, what happened when, how it ended, what the database
//! held after it, and the SHA-256 of each of these files.
//!
//! No URL, password or row's value is written: nothing here sees one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::tell::now;

/// A line for whatever was told, with its time.
const LOG: &str = "log.txt";
/// The migrations as they stood before, and which of them were to run.
pub(crate) const PLAN: &str = "plan.json";
/// How the run ended.
pub(crate) const OUTCOME: &str = "outcome.json";
/// The comparison with the sealed schema after it.
pub(crate) const VERIFICATION: &str = "verification.json";
/// The checksums, as `sha256sum --check` reads them.
const SUMS: &str = "SHA256SUMS";

/// An open folder.
///
/// What is written goes to `DIR.unfinished` beside it, which takes the name `DIR` once it is complete: whoever
/// finds `DIR` finds all of it, and a run that was killed leaves its log under the other name.
pub(crate) struct Evidence {
    folder: PathBuf,
    unfinished: PathBuf,
    log: Mutex<Log>,
}

struct Log {
    file: File,
    /// The first thing that could not be written.
    lost: Option<String>,
    /// Whether the command was refused for it.
    is_told: bool,
}

impl Evidence {
    /// Takes a folder that is new or empty.
    ///
    /// # Errors
    /// A folder that holds something, or that cannot be made anew.
    pub(crate) fn open(folder: &Path) -> Result<Evidence, Fault> {
        let shown = folder.display();
        let refused = |what: &str| {
            Fault::Evidence(format!(
                "`{shown}` {what}; name a folder for the evidence that is new or empty"
            ))
        };
        let unusable = |error| {
            Fault::Io(format!(
                "the folder `{shown}` cannot be made for the evidence: {error}; see the permissions of what is \
                 above it, or name another"
            ))
        };
        let Some(name) = folder.file_name() else {
            return Err(refused("is no folder that can be made"));
        };
        // The folder takes its name from another one, as which it must not be there; where it cannot go, as
        // the root of a volume cannot, that shows before anything is run.
        let mut permissions = None;
        match fs::metadata(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(error)),
            Ok(there) if !there.is_dir() => return Err(refused("is no folder")),
            Ok(there) => {
                if fs::read_dir(folder).map_err(unusable)?.next().is_some() {
                    return Err(refused("holds something already"));
                }
                fs::remove_dir(folder).map_err(unusable)?;
                permissions = Some(there.permissions());
            }
        }
        let above = folder.parent().unwrap_or(Path::new(""));
        if above != Path::new("") {
            fs::create_dir_all(above).map_err(unusable)?;
        }
        let unfinished = Evidence::beside(&above.join(name)).map_err(unusable)?;
        if let Some(permissions) = permissions {
            fs::set_permissions(&unfinished, permissions).map_err(unusable)?;
        }
        let file = File::create_new(unfinished.join(LOG)).map_err(unusable)?;
        Ok(Evidence {
            folder: folder.to_owned(),
            unfinished,
            log: Mutex::new(Log {
                file,
                lost: None,
                is_told: false,
            }),
        })
    }

    /// Makes the first folder `DIR.unfinished`, `DIR.unfinished.2`, … that is not there yet.
    fn beside(folder: &Path) -> std::io::Result<PathBuf> {
        let mut number = 1_u64;
        loop {
            let mut path = folder.as_os_str().to_owned();
            path.push(".unfinished");
            if number > 1 {
                path.push(format!(".{number}"));
            }
            let path = PathBuf::from(path);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Enters lines into the log, each with the time.
    pub(crate) fn enter(&self, text: &str) {
        let at = now();
        let lines: String = text.lines().map(|line| format!("{at} {line}\n")).collect();
        let written = self.log().file.write_all(lines.as_bytes());
        if let Err(error) = written {
            self.lose(LOG, &error);
        }
    }

    /// Writes a document.
    pub(crate) fn write(&self, name: &str, value: &Value) {
        let written = fs::write(self.unfinished.join(name), format!("{value:#}\n"));
        if let Err(error) = written {
            self.lose(name, &error);
        }
    }

    /// Whether a document was written already.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.unfinished.join(name).exists()
    }

    /// Whether all could be written so far, asked before anything is run.
    ///
    /// # Errors
    /// What could not be written.
    pub(crate) fn intact(&self) -> Result<(), Fault> {
        let mut log = self.log();
        let Some(lost) = log.lost.clone() else {
            return Ok(());
        };
        log.is_told = true;
        Err(Fault::Io(format!(
            "{lost}; nothing was run, so make room for the evidence or name another folder, and run it again"
        )))
    }

    /// Writes the checksums of all that the folder holds, and gives it its name.
    ///
    /// # Errors
    /// Whatever could not be written since the folder was opened, unless the command was refused for it; what was
    /// written stays under the other name.
    pub(crate) fn close(&self) -> Result<(), Fault> {
        let (lost, is_told) = {
            let mut log = self.log();
            (log.lost.take(), log.is_told)
        };
        if is_told {
            return Ok(());
        }
        let stands = |lost: String| {
            Fault::Io(format!(
                "{lost}; what the command did stands, so look at `cargo tabellion status`"
            ))
        };
        let unwritable = |error: std::io::Error| stands(self.unwritable(SUMS, &error));
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.unfinished).map_err(unwritable)? {
            names.push(entry.map_err(unwritable)?.file_name());
        }
        names.sort();
        let mut sums = String::new();
        for name in names {
            let bytes = fs::read(self.unfinished.join(&name)).map_err(unwritable)?;
            for byte in Sha256::digest(&bytes) {
                sums.push_str(&format!("{byte:02x}"));
            }
            sums.push_str(&format!("  {}\n", name.to_string_lossy()));
        }
        fs::write(self.unfinished.join(SUMS), sums).map_err(unwritable)?;
        if let Some(lost) = lost {
            return Err(stands(lost));
        }
        fs::rename(&self.unfinished, &self.folder).map_err(|error| {
            Fault::Io(format!(
                "the evidence cannot take the name `{}`: {error}; it lies complete in `{}`, and what the command \
                 did stands",
                self.folder.display(),
                self.unfinished.display()
            ))
        })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, name: &str, error: &std::io::Error) {
        self.log()
            .lost
            .get_or_insert_with(|| self.unwritable(name, error));
    }

    fn unwritable(&self, name: &str, error: &std::io::Error) -> String {
        let path = self.unfinished.join(name);
        format!("`{}` cannot be written: {error}", path.display())
    }
}
