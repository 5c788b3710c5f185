//! The folder that holds the lock.

use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Where projects keep it, unless they say otherwise.
const USUAL: [&str; 2] = ["db", "supabase"];
/// The files that tell it, below the root.
const SIGNS: [&str; 3] = ["tabellion.lock", "draft.lock", "hand"];

/// The root found in the working folder or the nearest one above it.
///
/// # Errors
/// Two roots in one folder. Where none is found, the usual one is taken, and whoever reads it says
/// what is missing.
pub(crate) fn find() -> Result<PathBuf, Fault> {
    let here = std::env::current_dir().unwrap_or_default();
    let mut shown = PathBuf::new();
    for folder in here.ancestors() {
        let found: Vec<&str> = USUAL
            .into_iter()
            .filter(|usual| is_root(&folder.join(usual)))
            .collect();
        match found.as_slice() {
            [] => shown.push(".."),
            [one] => return Ok(shown.join(one)),
            _ => {
                return Err(Fault::Usage(format!(
                    "both `{}` and `{}` hold a lock; name one with `--root`",
                    shown.join(USUAL[0]).display(),
                    shown.join(USUAL[1]).display()
                )));
            }
        }
    }
    Ok(PathBuf::from(USUAL[0]))
}

fn is_root(folder: &Path) -> bool {
    SIGNS.iter().any(|sign| folder.join(sign).exists())
}
