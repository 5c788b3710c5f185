//! The folder that a run leaves behind: what was planned, what happened when, how it ended, what the database
//! held after it, and the SHA-256 of each of these files.
//!
//! No URL, password or row's value is written: nothing here sees one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
pub(crate) struct Evidence {
    folder: PathBuf,
    log: Mutex<Log>,
}

struct Log {
    file: File,
    /// The first thing that could not be written.
    lost: Option<Fault>,
}

impl Evidence {
    /// Takes a folder that is new or empty.
    ///
    /// # Errors
    /// A folder that holds something, or that cannot be made or read.
    pub(crate) fn open(folder: &Path) -> Result<Evidence, Fault> {
        let shown = folder.display();
        if folder.exists() && !folder.is_dir() {
            return Err(Fault::Evidence(format!(
                "`{shown}` is no folder; name one for the evidence that is new or empty"
            )));
        }
        let unusable = |error| {
            Fault::Io(format!(
                "the folder `{shown}` cannot be used for the evidence: {error}; see its permissions"
            ))
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        if fs::read_dir(folder).map_err(unusable)?.next().is_some() {
            return Err(Fault::Evidence(format!(
                "the folder `{shown}` holds something already; name one for the evidence that is new or empty"
            )));
        }
        let file = File::create_new(folder.join(LOG)).map_err(unusable)?;
        Ok(Evidence {
            folder: folder.to_owned(),
            log: Mutex::new(Log { file, lost: None }),
        })
    }

    /// Enters lines into the log, each with the time.
    pub(crate) fn log(&self, text: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now();
        let lines: String = text.lines().map(|line| format!("{at} {line}\n")).collect();
        if let Err(error) = log.file.write_all(lines.as_bytes()) {
            let lost = self.unwritable(LOG, &error);
            log.lost.get_or_insert(lost);
        }
    }

    /// Writes a document.
    pub(crate) fn write(&self, name: &str, value: &Value) {
        if let Err(error) = fs::write(self.folder.join(name), format!("{value:#}\n")) {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let lost = self.unwritable(name, &error);
            log.lost.get_or_insert(lost);
        }
    }

    /// Whether a document was written already.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// Writes the checksums of all that the folder holds.
    ///
    /// # Errors
    /// Whatever could not be written since the folder was opened.
    pub(crate) fn close(&self) -> Result<(), Fault> {
        let unwritable = |error: std::io::Error| self.unwritable(SUMS, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unwritable)? {
            names.push(entry.map_err(unwritable)?.file_name());
        }
        names.sort();
        let mut sums = String::new();
        for name in names {
            let bytes = fs::read(self.folder.join(&name)).map_err(unwritable)?;
            for byte in Sha256::digest(&bytes) {
                sums.push_str(&format!("{byte:02x}"));
            }
            sums.push_str(&format!("  {}\n", name.to_string_lossy()));
        }
        fs::write(self.folder.join(SUMS), sums).map_err(unwritable)?;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.lost.take().map_or(Ok(()), Err)
    }

    fn unwritable(&self, name: &str, error: &std::io::Error) -> Fault {
        Fault::Io(format!(
            "`{}` cannot be written: {error}; what the command did stands, so look at `cargo tabellion status`",
            self.folder.join(name).display()
        ))
    }
}
