//! A data folder that `initdb` made once, to be copied for every server.

use std::env;
use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::account::Account;
use super::locate::Installation;
use super::{Error, folder, secret, settings};

/// Raised whenever a template is made differently, so that an older one is not taken for it.
const FORMAT: u32 = 1;

/// The superuser of every throw-away server.
pub(super) const SUPERUSER: &str = "postgres";

/// A finished data folder and its superuser's password, both readable by this user alone.
pub(super) struct Template {
    folder: PathBuf,
    password: String,
    /// Holds the folder where there is no cache to keep it in.
    temporary: Option<TempDir>,
}

impl Template {
    /// The cached template of this installation, made first where it is missing.
    ///
    /// Without a usable cache folder it is made for this one server, which costs about a second.
    pub(super) fn obtain(installation: &Installation, account: &Account) -> Result<Self, Error> {
        let cached = cache_folder().map(|cache| cache.join(key(installation)));
        if let Some(template) = cached.as_deref().and_then(Self::read) {
            return Ok(template);
        }
        let made = Self::make(installation, account)?;
        let published = cached.and_then(|entry| {
            made.publish(&entry).ok()?;
            Self::read(&entry)
        });
        Ok(published.unwrap_or(made))
    }

    /// The folder to copy.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The superuser's password in every fresh copy.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Whether the template came from the cache, where it may have been damaged since.
    pub(super) fn is_cached(&self) -> bool {
        self.temporary.is_none()
    }

    /// Takes the template out of the cache, in one step for everyone else.
    pub(super) fn discard(self) -> Result<(), Error> {
        let parent = self.folder.parent().unwrap_or(Path::new("/"));
        let action = format!("remove `{}`", self.folder.display());
        tempfile::Builder::new()
            .prefix(".old-")
            .tempdir_in(parent)
            .and_then(|trash| fs::rename(&self.folder, trash.path()))
            .map_err(Error::io(action))
    }

    /// A template that was published at `entry`. The rename made it whole or absent.
    fn read(entry: &Path) -> Option<Self> {
        Some(Self {
            password: fs::read_to_string(entry.join("password")).ok()?,
            folder: entry.to_owned(),
            temporary: None,
        })
    }

    fn make(installation: &Installation, account: &Account) -> Result<Self, Error> {
        let temporary = folder::temporary()?;
        let owner = account.owner();
        let here = temporary.path();
        let password = secret::random()?;
        folder::write(&here.join("password"), &password, owner)?;
        let hand =
            |to| folder::give(here, to).map_err(Error::io(format!("change `{}`", here.display())));
        hand(owner)?;
        initdb(installation, account, here)?;
        // Taken back before this process reads it, so that no one else changes it meanwhile.
        hand(owner.map(|_| (0, 0)))?;
        Ok(Self {
            folder: here.to_owned(),
            password,
            temporary: Some(temporary),
        })
    }

    /// Copies the template beside `entry`, then renames it. Whoever comes second keeps the first.
    fn publish(&self, entry: &Path) -> Result<(), Error> {
        let parent = entry.parent().unwrap_or(Path::new("/"));
        let staging = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(parent)
            .map_err(Error::io(format!(
                "create a folder in `{}`",
                parent.display()
            )))?;
        let whole = staging.path().join("template");
        folder::create(&whole, None)?;
        folder::copy(&self.data(), &whole.join("data"), None)?;
        folder::write(&whole.join("password"), &self.password, None)?;
        match fs::rename(&whole, entry) {
            Err(_) if entry.is_dir() => Ok(()),
            result => result.map_err(Error::io(format!("create `{}`", entry.display()))),
        }
    }
}

fn initdb(installation: &Installation, account: &Account, here: &Path) -> Result<(), Error> {
    let program = installation.bin().join("initdb");
    let mut command = account.command(&program);
    command
        .arg("--pgdata")
        .arg(here.join("data"))
        .arg("--pwfile")
        .arg(here.join("password"))
        .args([
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ])
        .args(["--auth", settings::password_method(installation.major())])
        .args(["--no-sync", "--no-instructions"]);
    if installation.major() >= 16 {
        command.args(["-c", "scram_iterations=1"]);
    }
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(|source| Error::Spawn {
            program: program.clone(),
            user: account.describe(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Initdb {
        program,
        output: text.trim_end().to_owned(),
    })
}

/// This user's folder of templates, if it can be had and no other user can write to it.
fn cache_folder() -> Option<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = set("XDG_CACHE_HOME").or_else(|| {
        let home = set("HOME")?;
        Some(if cfg!(target_os = "macos") {
            home.join("Library/Caches")
        } else {
            home.join(".cache")
        })
    })?;
    let folder = base.join("tabellion");
    fs::create_dir_all(&base).ok()?;
    // An error here may mean that it exists; what counts is what is there now.
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    let metadata = fs::symlink_metadata(&folder).ok()?;
    let private =
        metadata.is_dir() && metadata.uid() == folder::own_uid() && metadata.mode() & 0o022 == 0;
    private.then_some(folder)
}

/// One name for each version, build and place of the programs.
fn key(installation: &Installation) -> String {
    let mut hasher = DefaultHasher::new();
    fs::canonicalize(installation.bin())
        .unwrap_or_else(|_| installation.bin().to_owned())
        .hash(&mut hasher);
    format!(
        "template-{FORMAT}-{}-{}-{:016x}",
        installation.version(),
        env::consts::ARCH,
        hasher.finish()
    )
}
