//! The commands that write below the root and need no database.

use std::path::Path;

use tabellion::migrate::{MigrateError, SealOptions, SealedFiles, seal};

use crate::exit::Outcome;

/// Seals the draft.
pub(crate) fn seal_named(
    root: &Path,
    name: &str,
    options: &SealOptions,
) -> Result<Outcome, MigrateError> {
    let sealed = seal(root, name, options)?;
    told(&sealed);
    println!("commit them with the lock; `cargo tabellion apply` applies them");
    Ok(Outcome::Done)
}

fn told(sealed: &[SealedFiles]) {
    for files in sealed {
        println!("sealed {}", files.up.display());
        println!("       {}", files.down.display());
        for hazard in &files.hazards {
            println!("       {hazard}");
        }
    }
}
