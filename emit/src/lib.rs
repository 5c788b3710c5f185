//! The build-script half of Tabellion: reads the crate's annotated structs and writes their SQL.
//!
//! `build.rs` is one call:
//!
//! ```no_run
//! tabellion_build::emit();
//! ```
//!
//! It writes `schema.sql`, `tests/rls_tests.sql` and, where the structs differ from the last sealed migration, `draft.sql`,
//! `draft.rollback.sql` and `draft.lock` into the folder `db` of the package (see [`Emitter::root`]).
//! It writes only what differs, each file at once or not at all, and nothing at all on docs.rs, in a
//! packaged crate, under `$CARGO_HOME` or on a read-only tree. In locked mode, which
//! `TABELLION_LOCKED=1` or a set `CI` turns on, it writes nothing and fails if anything would change.
//!
//! Where the structs cannot be drawn, as while one is broken, the draft stays as it was, and
//! `draft.unfinished` beside it keeps it from being sealed until a build can.
//!
//! A mistake in a struct is not reported here but by its derive, with its place in the source.

mod artifacts;
mod error;
mod leftovers;
mod mode;
mod options;
mod out;
mod sealed;
mod stamp;
mod walk;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::mem::{self, ManuallyDrop};
use std::path::{Path, PathBuf};
use std::thread;

use tabellion_sql::lock::Lock;
use tabellion_sql::plan;
use tabellion_sql::schema::{Extension, Platform, Schema};

use artifacts::{Artifacts, Declared, Pairs};
pub use error::Error;
use mode::Mode;
use stamp::Stamp;
use whole::Whole;

/// Reads the package's structs and writes their SQL to the folder `db`, for plain PostgreSQL.
///
/// The same as `Emitter::new().run()`.
pub fn emit() {
    Emitter::new().run();
}

/// The options of [`emit`].
#[derive(Debug, Clone)]
#[must_use = "nothing is emitted before `run` is called"]
pub struct Emitter {
    root: PathBuf,
    platform: Platform,
    targets: Vec<String>,
    extensions: BTreeMap<String, Extension>,
    external_schemas: BTreeSet<String>,
    settings: plan::Settings,
}

impl Default for Emitter {
    fn default() -> Self {
        Emitter {
            root: PathBuf::from("db"),
            platform: Platform::Postgres,
            targets: Vec::new(),
            extensions: BTreeMap::new(),
            external_schemas: BTreeSet::new(),
            settings: plan::Settings::default(),
        }
    }
}

impl Emitter {
    /// The defaults: the folder `db`, plain PostgreSQL, the library or the only binary.
    pub fn new() -> Self {
        Emitter::default()
    }

    /// The folder of the artifacts, relative to the package's own.
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.root = folder.into();
        self
    }

    /// For Supabase: the folder is `supabase`, the scopes' roles exist already, and `anon` and
    /// `authenticated` lose what they are granted by default.
    pub fn supabase(mut self) -> Self {
        self.root = PathBuf::from("supabase");
        self.platform = Platform::Supabase;
        self
    }

    /// Reads the tables of this binary too, beside those of the library.
    pub fn target(mut self, binary: impl Into<String>) -> Self {
        self.targets.push(binary.into());
        self
    }

    /// Reads, and writes what differs. On a mistake that no struct owns it prints an error in
    /// cargo's form and ends the build script with code 1.
    pub fn run(self) {
        if let Err(error) = self.try_run() {
            // Cargo takes each line for itself.
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            std::process::exit(1);
        }
    }

    /// [`Emitter::run`] that leaves the error to the caller.
    ///
    /// # Errors
    /// An option that PostgreSQL would refuse, a manifest without targets to scan, a lock that cannot be used, a file that cannot be
    /// written, or, in locked mode, artifacts that are out of date.
    pub fn try_run(self) -> Result<(), Error> {
        let manifest_dir = directory("CARGO_MANIFEST_DIR")?;
        let out_dir = directory("OUT_DIR")?;
        for variable in mode::VARIABLES {
            println!("cargo::rerun-if-env-changed={variable}");
        }
        self.check()?;
        let root = manifest_dir.join(&self.root);
        let stamp = Stamp {
            manifest_dir: &manifest_dir,
            out_dir: &out_dir,
            root: &root,
            options: format!("{self:?}"),
        };
        if let Some(files) = stamp.unchanged() {
            read(files.iter().map(PathBuf::as_path));
            watch(&root, &self.shown());
            return Ok(());
        }
        stamp.remove();
        let kept = self.read_and_keep(&manifest_dir, &out_dir);
        match &kept {
            Ok(Some(whole)) => stamp.leave(whole.files()),
            Ok(None) | Err(_) if Mode::of(&manifest_dir) == Mode::Write => {
                artifacts::mark_unfinished(&root);
            }
            Ok(None) | Err(_) => {}
        }
        // The script ends here: the system takes its memory back at once.
        kept.map(mem::forget)
    }

    /// Reads the structs and brings the artifacts to what they say; `None` where they do not say it yet, or
    /// the tree is not ours.
    fn read_and_keep(&self, manifest_dir: &Path, out_dir: &Path) -> Result<Option<Whole>, Error> {
        let root = manifest_dir.join(&self.root);
        let declared = Schema {
            platform: self.platform,
            extensions: self.extensions.clone(),
            external_schemas: self.external_schemas.clone(),
            ..Schema::default()
        };
        let cfg = walk::Cfg::from_env();
        let (lock, whole) = both(
            || self.sealed(manifest_dir),
            || Whole::read(manifest_dir, &self.targets, &cfg, declared),
        );
        let mut whole = whole?;
        read(whole.files());
        let drawn = lock.map(|lock| lock.and_then(|lock| self.draw(&root, lock, &mut whole)));
        // Both are many bytes, or many files.
        let (told, kept) = both(
            || out::write(out_dir, &whole),
            || match drawn? {
                Some(drawn) => self.keep(manifest_dir, drawn.artifacts(&root)).map(Some),
                None => Ok(None),
            },
        );
        told?;
        Ok(kept?.map(|()| whole))
    }

    /// The folder of the artifacts, as messages show it.
    fn shown(&self) -> String {
        self.root.display().to_string().replace('\\', "/")
    }

    /// What is sealed; `None` where the source tree is not ours to judge.
    fn sealed(&self, manifest_dir: &Path) -> Result<Option<Lock>, Error> {
        if Mode::of(manifest_dir) == Mode::Leave {
            return Ok(None);
        }
        let root = manifest_dir.join(&self.root);
        let lock = artifacts::lock(&root, &self.shown())?;
        sealed::check(&root, &self.shown(), &lock)?;
        Ok(Some(lock))
    }

    /// What decides what the artifacts hold; `None` where it is not yet known. What only a person can
    /// tell is added to the mistakes of its struct.
    fn draw(&self, root: &Path, lock: Lock, whole: &mut Whole) -> Option<Drawn> {
        // What is missing from an incomplete reading would read as a drop.
        let schema = whole.schema()?;
        let settings = plan::Settings {
            homes: lock.homes(),
            ..self.settings.clone()
        };
        let (declared, pairs) = both(
            || Declared::of(schema, whole.scopes(), &lock.schema),
            || {
                plan::migrations(&lock.schema, schema, whole.renames(), &settings)
                    .map(|migrations| Pairs::of(&ManuallyDrop::new(migrations)))
            },
        );
        match pairs {
            Ok(pairs) => Some(Drawn {
                lock,
                declared,
                pairs,
            }),
            Err(questions) => {
                whole.ask(questions);
                // The answer is a struct's, but the question depends on what is sealed.
                watch(root, &self.shown());
                None
            }
        }
    }

    /// Brings the artifacts to what they must hold, or, in locked mode, says which do not.
    fn keep(&self, manifest_dir: &Path, artifacts: Artifacts) -> Result<(), Error> {
        let (root, shown) = (manifest_dir.join(&self.root), self.shown());
        let mode = Mode::of(manifest_dir);
        if mode == Mode::Write {
            artifacts::write(&root, &shown, &artifacts)?;
        }
        let stale = artifacts::stale(&root, &artifacts);
        watch(&root, &shown);
        if mode == Mode::Write || stale.is_empty() {
            return Ok(());
        }
        let stale: Vec<String> = stale
            .iter()
            .map(|name| format!("`{shown}/{name}`"))
            .collect();
        Err(Error::new(format!(
            "{} would change, and this build is locked; build without `TABELLION_LOCKED` and `CI`, \
             then commit the result",
            stale.join(", ")
        )))
    }
}

/// All that the artifacts are made of.
struct Drawn {
    lock: Lock,
    declared: Declared,
    pairs: Pairs,
}

impl Drawn {
    /// What the artifacts must hold.
    fn artifacts(self, root: &Path) -> Artifacts {
        let mut artifacts = artifacts::artifacts(&self.lock, self.declared, self.pairs);
        artifacts::outdate(root, &mut artifacts);
        artifacts
    }
}

/// Does two things at once, which depend on nothing of each other.
fn both<A: Send, B>(beside: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let beside = scope.spawn(beside);
        let here = here();
        let beside = beside.join();
        let beside = beside.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (beside, here)
    })
}

/// Has cargo run the script again when a source changes.
fn read<'a>(files: impl Iterator<Item = &'a Path>) {
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
}

/// Has cargo run the script again when a file that it wrote, or the lock, is changed or removed.
///
/// Only what is there is named: cargo runs a script again whenever a named path is missing.
fn watch(root: &Path, shown: &str) {
    for name in artifacts::written(root) {
        println!("cargo::rerun-if-changed={shown}/{name}");
    }
    if root.join("tabellion.lock").exists() {
        println!("cargo::rerun-if-changed={shown}/tabellion.lock");
    }
    for folder in sealed::folders(root) {
        println!("cargo::rerun-if-changed={shown}/{folder}");
    }
}

fn directory(variable: &str) -> Result<PathBuf, Error> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| {
        Error::new(format!(
            "`{variable}` is not set; call `tabellion_build::emit()` from `build.rs`"
        ))
    })
}
