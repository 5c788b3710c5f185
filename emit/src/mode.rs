//! Whether this build may touch the source tree at all.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

/// The variables that decide; a build script is run again when one of them changes.
pub(crate) const VARIABLES: [&str; 4] = ["DOCS_RS", "CARGO_HOME", "TABELLION_LOCKED", "CI"];

/// What to do with the artifacts in the source tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Neither write nor compare: the tree is not ours to judge.
    Leave,
    /// Compare, and fail if anything would change.
    Locked,
    /// Write what differs.
    Write,
}

impl Mode {
    /// The mode of a build of the package in that folder, from the environment.
    pub(crate) fn of(manifest_dir: &Path) -> Mode {
        Mode::decide(manifest_dir, |name| env::var(name).ok(), change_nothing)
    }

    fn decide(
        manifest_dir: &Path,
        variable: impl Fn(&str) -> Option<String>,
        probe: impl Fn(&Path) -> io::Result<()>,
    ) -> Mode {
        let is_packaged = manifest_dir.join("Cargo.toml.orig").exists();
        let is_dependency = variable("CARGO_HOME")
            .filter(|home| !home.is_empty())
            .is_some_and(|home| manifest_dir.starts_with(home));
        let is_read_only = || {
            let metadata = fs::metadata(manifest_dir);
            metadata.is_ok_and(|metadata| metadata.permissions().readonly())
                || probe(manifest_dir)
                    .is_err_and(|error| error.kind() == io::ErrorKind::ReadOnlyFilesystem)
        };
        if variable("DOCS_RS").is_some() || is_packaged || is_dependency || is_read_only() {
            return Mode::Leave;
        }
        let is_on = |value: String| !matches!(value.as_str(), "" | "0" | "false");
        // Said outright, it decides; unsaid, a build server must not write what nobody would commit.
        let is_locked = match variable("TABELLION_LOCKED") {
            Some(value) => is_on(value),
            None => variable("CI").is_some_and(is_on),
        };
        if is_locked { Mode::Locked } else { Mode::Write }
    }
}

/// Asks the file system for a change that changes nothing: the removal of a file that is not there. Permissions
/// do not tell of a file system that is mounted read-only; it refuses this before it looks for the file.
fn change_nothing(folder: &Path) -> io::Result<()> {
    fs::remove_file(folder.join(format!(".tabellion.{}.tmp", std::process::id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide_where(
        folder: &Path,
        variables: &[(&str, &str)],
        probe: impl Fn(&Path) -> io::Result<()>,
    ) -> Mode {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Mode::decide(folder, variable, probe)
    }

    fn decide(folder: &Path, variables: &[(&str, &str)]) -> Mode {
        decide_where(folder, variables, change_nothing)
    }

    #[test]
    fn a_file_system_that_is_mounted_read_only_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let modified = || fs::metadata(folder.path()).unwrap().modified().unwrap();
        let before = modified();
        for variables in [[("TABELLION_LOCKED", "1")], [("TABELLION_LOCKED", "0")]] {
            let decide =
                |kind: io::ErrorKind| decide_where(folder.path(), &variables, |_| Err(kind.into()));
            assert_eq!(decide(io::ErrorKind::ReadOnlyFilesystem), Mode::Leave);
            assert_ne!(decide(io::ErrorKind::NotFound), Mode::Leave);
        }
        let found = change_nothing(folder.path()).unwrap_err();
        assert_eq!(found.kind(), io::ErrorKind::NotFound);
        assert_eq!(modified(), before);
    }

    #[test]
    fn the_order_is_docs_package_home_then_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let home = path.parent().unwrap().to_str().unwrap();
        assert_eq!(decide(path, &[]), Mode::Write);
        assert_eq!(decide(path, &[("CI", "true")]), Mode::Locked);
        assert_eq!(decide(path, &[("CI", "false")]), Mode::Write);
        assert_eq!(decide(path, &[("TABELLION_LOCKED", "1")]), Mode::Locked);
        let both = [("CI", "true"), ("TABELLION_LOCKED", "0")];
        assert_eq!(decide(path, &both), Mode::Write);
        let docs = [("DOCS_RS", "1"), ("TABELLION_LOCKED", "1")];
        assert_eq!(decide(path, &docs), Mode::Leave);
        let dependency = [("CARGO_HOME", home), ("TABELLION_LOCKED", "1")];
        assert_eq!(decide(path, &dependency), Mode::Leave);
        fs::write(path.join("Cargo.toml.orig"), "").unwrap();
        assert_eq!(decide(path, &[("CI", "true")]), Mode::Leave);
    }
}
