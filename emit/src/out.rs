//! What the derives of this build compare with, in OUT_DIR.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use tabellion_syntax::seen::{self, Scanned};

use crate::error::Error;
use crate::whole::Whole;

/// Writes what there is to say of each struct name, and removes what an earlier build said.
pub(crate) fn write(out_dir: &Path, whole: &Whole) -> Result<(), Error> {
    let folder = out_dir.join(seen::FOLDER);
    try_write(&folder, whole).map_err(|error| Error::io("write", seen::FOLDER, &error))
}

fn try_write(folder: &Path, whole: &Whole) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let scanned = Scanned {
        targets: whole.targets().to_vec(),
        is_partial: whole.is_partial(),
    };
    let scanned = serde_json::to_string(&scanned)?;
    let mut files = BTreeMap::from([(seen::SCANNED.to_owned(), scanned)]);
    for (ident, entries) in whole.entries() {
        let file = files.entry(seen::file_name(ident)).or_default();
        file.push_str(&seen::line(ident, &serde_json::to_string(entries)?));
    }
    for (name, text) in &files {
        let path = folder.join(name);
        // Most of them are as they were. Nobody reads one before the build script has ended.
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(path, text)?;
        }
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| files.contains_key(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
