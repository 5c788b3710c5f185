//! Which cargo targets of a package are scanned: its library, or its only binary, and any binary
//! asked for by name.
//!
//! Cargo hands a build script the package's name but no target's, so the manifest is read. The
//! rules are those of "Cargo Targets" and "Package Layout" in the Cargo book.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// What kind of cargo target is scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    /// The library.
    Lib,
    /// A binary, by the name cargo gives it (`CARGO_BIN_NAME`).
    Bin(String),
}

/// One cargo target: a root file and the crate that rustc makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Library or binary.
    pub(crate) kind: TargetKind,
    /// The crate's name as rustc knows it, with underscores.
    pub(crate) crate_name: String,
    /// The root source file, relative to the manifest's folder.
    pub(crate) root: PathBuf,
}

/// Why a package's targets could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetError {
    /// The manifest cannot be read, and why.
    Unreadable(String),
    /// The manifest is not TOML, and where.
    Malformed(String),
    /// Neither a library nor a binary.
    Nothing,
    /// No library and these binaries.
    Several(Vec<String>),
    /// A binary was asked for that the package does not have; these it has.
    Unknown(String, Vec<String>),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            quoted.join(", ")
        };
        match self {
            TargetError::Unreadable(why) => write!(f, "`Cargo.toml` cannot be read: {why}"),
            TargetError::Malformed(why) => write!(f, "`Cargo.toml` is not valid TOML: {why}"),
            TargetError::Nothing => write!(
                f,
                "the package has neither a library nor a binary to scan; add `src/lib.rs` or `src/main.rs`"
            ),
            TargetError::Several(names) => write!(
                f,
                "the package has no library and several binaries ({}); name the ones that hold tables with `Emitter::target`",
                list(names)
            ),
            TargetError::Unknown(name, names) if names.is_empty() => {
                write!(
                    f,
                    "no binary `{name}` in the package; remove the name, since it has none"
                )
            }
            TargetError::Unknown(name, names) => {
                write!(
                    f,
                    "no binary `{name}` in the package; name one it has: {}",
                    list(names)
                )
            }
        }
    }
}

impl std::error::Error for TargetError {}

/// The targets to scan of the package in `manifest_dir`: the library if there is one, else the
/// binaries named in `extra`, else the only binary; after a library, the binaries in `extra`.
///
/// # Errors
/// See [`TargetError`].
pub(crate) fn targets(manifest_dir: &Path, extra: &[String]) -> Result<Vec<Target>, TargetError> {
    let text = std::fs::read_to_string(manifest_dir.join("Cargo.toml"))
        .map_err(|error| TargetError::Unreadable(error.to_string()))?;
    let manifest = DeTable::parse(&text)
        .map_err(|error| TargetError::Malformed(error.message().to_owned()))?;
    let manifest = Manifest {
        dir: manifest_dir,
        root: manifest.get_ref(),
    };

    let mut found: Vec<Target> = manifest.library().into_iter().collect();
    let bins = manifest.binaries();
    let names = || bins.keys().cloned().collect::<Vec<_>>();
    for name in extra {
        let Some(root) = bins.get(name) else {
            return Err(TargetError::Unknown(name.clone(), names()));
        };
        let target = Target::new(TargetKind::Bin(name.clone()), name, root);
        if !found.contains(&target) {
            found.push(target);
        }
    }
    if found.is_empty() {
        match bins.iter().next() {
            None => return Err(TargetError::Nothing),
            Some((name, root)) if bins.len() == 1 => {
                found.push(Target::new(TargetKind::Bin(name.clone()), name, root));
            }
            Some(_) => return Err(TargetError::Several(names())),
        }
    }
    Ok(found)
}

impl Target {
    fn new(kind: TargetKind, name: &str, root: &str) -> Target {
        Target {
            kind,
            crate_name: name.replace('-', "_"),
            root: PathBuf::from(root),
        }
    }
}

/// A manifest and the folder it lies in, where cargo looks for what the manifest leaves out.
struct Manifest<'a> {
    dir: &'a Path,
    root: &'a DeTable<'a>,
}

impl Manifest<'_> {
    fn package(&self, key: &str) -> Option<&DeValue<'_>> {
        // `[project]` is the old name of `[package]`.
        let table = self
            .root
            .get("package")
            .or_else(|| self.root.get("project"))?;
        Some(table.get_ref().as_table()?.get(key)?.get_ref())
    }

    fn package_name(&self) -> &str {
        self.package("name")
            .and_then(DeValue::as_str)
            .unwrap_or_default()
    }

    /// Whether cargo looks for this kind of target by itself.
    fn discovers(&self, key: &str) -> bool {
        self.package(key).and_then(DeValue::as_bool).unwrap_or(true)
    }

    fn is_file(&self, path: &str) -> bool {
        self.dir.join(path).is_file()
    }

    fn library(&self) -> Option<Target> {
        let declared = self
            .root
            .get("lib")
            .and_then(|lib| lib.get_ref().as_table());
        let text = |key| Some(declared?.get(key)?.get_ref().as_str()?.to_owned());
        let root = match text("path") {
            Some(path) => path,
            None if self.is_file("src/lib.rs")
                && (declared.is_some() || self.discovers("autolib")) =>
            {
                "src/lib.rs".to_owned()
            }
            None => return None,
        };
        let name = text("name").unwrap_or_else(|| self.package_name().to_owned());
        Some(Target::new(TargetKind::Lib, &name, &root))
    }

    /// Every binary's name and root, those declared over those discovered.
    fn binaries(&self) -> BTreeMap<String, String> {
        let inferred = self.inferred_binaries();
        let mut bins = BTreeMap::new();
        let declared = self
            .root
            .get("bin")
            .and_then(|bin| bin.get_ref().as_array());
        for bin in declared.into_iter().flatten() {
            let Some(bin) = bin.get_ref().as_table() else {
                continue;
            };
            let text = |key| bin.get(key).and_then(|value| value.get_ref().as_str());
            let Some(name) = text("name") else { continue };
            let path = text("path")
                .map(str::to_owned)
                .or_else(|| inferred.get(name).cloned());
            if let Some(path) = path {
                bins.insert(name.to_owned(), path);
            }
        }
        if self.discovers("autobins") {
            let taken: Vec<String> = bins.values().cloned().collect();
            for (name, path) in inferred {
                // A file that was declared under another name is not a second binary.
                if !taken.contains(&path) {
                    bins.entry(name).or_insert(path);
                }
            }
        }
        bins
    }

    fn inferred_binaries(&self) -> BTreeMap<String, String> {
        let mut bins = BTreeMap::new();
        if self.is_file("src/main.rs") {
            bins.insert(self.package_name().to_owned(), "src/main.rs".to_owned());
        }
        let Ok(folder) = std::fs::read_dir(self.dir.join("src/bin")) else {
            return bins;
        };
        for entry in folder.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            if let Some(stem) = name.strip_suffix(".rs") {
                let path = format!("src/bin/{name}");
                if self.is_file(&path) {
                    bins.insert(stem.to_owned(), path);
                }
            } else {
                let path = format!("src/bin/{name}/main.rs");
                if self.is_file(&path) {
                    bins.insert(name, path);
                }
            }
        }
        bins
    }
}
