//! What a run has read and left behind, so that the next one finds out cheaply that nothing differs.
//!
//! Cargo runs a build script again when the time of a file has changed, whatever it holds.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::{artifacts, mode};

/// The file in OUT_DIR: a hash, then the sources that were read, one on a line.
const FILE: &str = "tabellion.stamp";

/// What decides about a run beside the sources.
pub(crate) struct Stamp<'a> {
    pub(crate) manifest_dir: &'a Path,
    pub(crate) out_dir: &'a Path,
    /// The folder of the artifacts.
    pub(crate) root: &'a Path,
    /// The emitter's options.
    pub(crate) options: String,
}

impl Stamp<'_> {
    /// The sources of the last run, if another run would read and write the same.
    pub(crate) fn unchanged(&self) -> Option<Vec<PathBuf>> {
        let text = fs::read_to_string(self.out_dir.join(FILE)).ok()?;
        let (hash, files) = text.split_once('\n')?;
        let files: Vec<PathBuf> = files.lines().map(PathBuf::from).collect();
        (hash == self.hash(&files)?).then_some(files)
    }

    /// Remembers a run that found nothing wrong. Without the file the next one is only slower.
    pub(crate) fn leave<'a>(&self, files: impl Iterator<Item = &'a Path>) {
        let files: Vec<PathBuf> = files.map(Path::to_path_buf).collect();
        let Some(hash) = self.hash(&files) else {
            return;
        };
        let mut text = hash;
        for file in &files {
            // A name that is no text, or holds a line break, would not come back the same.
            match file.to_str() {
                Some(name) if !name.contains(['\n', '\r']) => {
                    text.push('\n');
                    text.push_str(name);
                }
                _ => return,
            }
        }
        let _ = artifacts::replace(&self.out_dir.join(FILE), &text);
    }

    /// Forgets the last run.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(self.out_dir.join(FILE));
    }

    /// Sources count by what they hold; what the build and the seal write, by length and time.
    fn hash(&self, files: &[PathBuf]) -> Option<String> {
        let mut hasher = DefaultHasher::new();
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        stat(&env::current_exe().ok()?)?.hash(&mut hasher);
        self.options.hash(&mut hasher);
        for (name, value) in environment() {
            (name, value).hash(&mut hasher);
        }
        for file in files {
            file.hash(&mut hasher);
            hasher.write(&fs::read(self.manifest_dir.join(file)).ok()?);
        }
        for folder in ["", "migrations", "rollbacks", "tests"] {
            let folder = self.root.join(folder);
            let entries = fs::read_dir(&folder).into_iter().flatten();
            let names: BTreeSet<_> = entries.map(|entry| Some(entry.ok()?.file_name())).collect();
            for name in names {
                let name = name?;
                let path = folder.join(&name);
                if path.is_file() {
                    (name, stat(&path)?).hash(&mut hasher);
                }
            }
        }
        Some(format!("{:016x}", hasher.finish()))
    }
}

/// A file's length, and the time of its last change since 1970.
fn stat(path: &Path) -> Option<(u64, u128)> {
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((metadata.len(), since.as_nanos()))
}

/// The variables that decide what is compiled, and whether to write.
fn environment() -> BTreeSet<(String, String)> {
    let decides = |name: &str| {
        name.starts_with("CARGO_CFG_")
            || name.starts_with("CARGO_FEATURE_")
            || name == "CARGO_ENCODED_RUSTFLAGS"
            || mode::VARIABLES.contains(&name)
    };
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| decides(name))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_skipped_only_while_everything_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), text).unwrap();
        };
        write("out/x", "");
        write("src/lib.rs", "a");
        write("db/schema.sql", "a");
        write("db/tests/rls_tests.sql", "a");
        let (root, out_dir) = (at("db"), at("out"));
        let stamp = |options: &str| Stamp {
            manifest_dir: folder.path(),
            out_dir: &out_dir,
            root: &root,
            options: options.to_owned(),
        };
        let source = Path::new("src/lib.rs");
        let leave = || stamp("a").leave([source].into_iter());
        let is_skipped = || stamp("a").unchanged().is_some();
        assert!(!is_skipped());
        leave();
        assert_eq!(stamp("a").unchanged(), Some(vec![source.to_path_buf()]));
        assert!(stamp("b").unchanged().is_none());
        // The time alone is no change of a source.
        write("src/lib.rs", "a");
        assert!(is_skipped());
        for (file, text) in [
            ("src/lib.rs", "b"),
            ("db/schema.sql", "by hand"),
            ("db/tests/rls_tests.sql", "by hand"),
            ("db/tabellion.lock", "new"),
            ("db/migrations/1.sql", "new"),
            ("db/migrations/1.sql", "longer"),
        ] {
            write(file, text);
            assert!(!is_skipped(), "{file}");
            leave();
            assert!(is_skipped(), "{file}");
        }
        fs::remove_file(at("db/schema.sql")).unwrap();
        assert!(!is_skipped());
        leave();
        stamp("a").remove();
        assert!(!is_skipped());
    }
}
