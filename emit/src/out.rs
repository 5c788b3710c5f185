//! What the derives of this build compare with, in OUT_DIR.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use tabellion_syntax::seen::{self, Scanned};

use crate::error::Error;
use crate::whole::Whole;

/// Writes one file for each struct name, and removes those of structs that are gone.
pub(crate) fn write(out_dir: &Path, whole: &Whole) -> Result<(), Error> {
    let folder = out_dir.join(seen::FOLDER);
    try_write(&folder, whole).map_err(|error| Error::io("write", seen::FOLDER, &error))
}

fn try_write(folder: &Path, whole: &Whole) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut wanted = BTreeSet::from([seen::SCANNED.to_owned()]);
    for (ident, entries) in whole.entries() {
        let name = seen::file_name(ident);
        write_json(&folder.join(&name), entries)?;
        wanted.insert(name);
    }
    let scanned = Scanned {
        targets: whole.targets().to_vec(),
        is_partial: whole.is_partial(),
    };
    write_json(&folder.join(seen::SCANNED), &scanned)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_wanted = entry
            .file_name()
            .to_str()
            .is_some_and(|name| wanted.contains(name));
        if !is_wanted {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    // Most of them are as they were.
    match fs::read(path) {
        Ok(found) if found == text.as_bytes() => Ok(()),
        // Nobody reads it before the build script has ended.
        _ => fs::write(path, &text),
    }
}
