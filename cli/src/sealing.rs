//! The commands that write below the root.

use std::path::Path;

use tabellion::migrate::{
    Applied, MigrateError, SealOptions, SealedFiles, new_hand, reseal, seal, seal_hand,
};
use tabellion_sql::lint;

use crate::exit::Outcome;
use crate::say::say;

/// Seals the pair written by hand of that name, or else the draft.
pub(crate) fn seal_named(
    root: &Path,
    name: &str,
    options: &SealOptions,
) -> Result<Outcome, MigrateError> {
    let by_hand = seal_hand(root, name, options, |lock, [up, down]| {
        let findings = lint::pair(up, down, &lock.schema);
        findings.iter().map(ToString::to_string).collect()
    })?;
    let sealed = match &by_hand {
        Some(sealed) => sealed,
        None => &seal(root, name, options)?,
    };
    for files in sealed {
        told(files);
    }
    if by_hand.is_some() && root.join("draft.lock").exists() {
        say!(
            "the draft was drawn before this; run `cargo build` to draw it again before you seal it"
        );
    }
    say!("commit them with the lock; `cargo tabellion apply` applies them");
    Ok(Outcome::Done)
}

/// Writes the templates of a pair to be written by hand.
pub(crate) fn begin(root: &Path, name: &str) -> Result<Outcome, MigrateError> {
    let files = new_hand(root, name)?;
    say!("wrote {}", files.up.display());
    say!("      {}", files.down.display());
    say!("write the SQL and its way back, then run `cargo tabellion seal {name}`");
    Ok(Outcome::Done)
}

/// Chains the branches of a merged lock.
pub(crate) fn reseal_merged(root: &Path, applied: &[Applied]) -> Result<Outcome, MigrateError> {
    let resealed = reseal(root, applied)?;
    for one in &resealed {
        say!("was    {}", one.from);
        told(&one.files);
    }
    if resealed.is_empty() {
        say!("the sealed migrations are one chain; none was sealed anew");
    } else {
        say!("run `cargo build`, and commit the lock with the files that were added and removed");
    }
    Ok(Outcome::Done)
}

fn told(files: &SealedFiles) {
    say!("sealed {}", files.up.display());
    say!("       {}", files.down.display());
    for hazard in &files.hazards {
        say!("       {hazard}");
    }
}
