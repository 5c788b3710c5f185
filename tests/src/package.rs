//! A package of a user's, outside the workspace, that depends on Tabellion by path.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A package in a folder of its own. It goes with the value.
#[derive(Debug)]
pub struct Package {
    folder: TempDir,
}

/// What a run of cargo ended with.
#[derive(Debug)]
pub struct Built {
    /// Whether it succeeded.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Built {
    /// The run, which must have succeeded.
    ///
    /// # Panics
    /// With what cargo said, if it failed.
    pub fn ok(self) -> Self {
        assert!(
            self.success,
            "cargo failed:\n{}\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// What cargo said, which must be a failure with this text in it.
    ///
    /// # Panics
    /// With what cargo said, if it succeeded or said something else.
    pub fn fails_with(self, text: &str) -> Self {
        assert!(!self.success, "cargo succeeded:\n{}", self.stderr);
        let flat = flat(&self.stderr);
        assert!(
            flat.contains(&text.replace(char::is_whitespace, "")),
            "not said: {text}\n{}",
            self.stderr
        );
        self
    }
}

/// Without the line breaks and margins that rustc puts into long messages.
fn flat(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '|')
        .collect()
}

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

impl Package {
    /// A package named `shop` with the manifest and the build script that the README shows.
    pub fn new() -> Self {
        let package = Package::bare();
        package.manifest("");
        package.write("build.rs", "fn main() { tabellion_build::emit(); }\n");
        package
    }

    /// An empty folder, with the workspace's lock, so that the same versions are used and nothing is fetched.
    ///
    /// # Panics
    /// If the system's folder for temporary files cannot be written.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the package");
        let package = Package { folder };
        let lock =
            fs::read_to_string(workspace().join("Cargo.lock")).expect("the workspace is locked");
        package.write("Cargo.lock", &lock);
        package
    }

    /// Writes `Cargo.toml`, with more of it after the dependencies. The library is `shop`.
    ///
    /// Cargo tells packages in one target folder apart by name, not by place, so each gets its own.
    pub fn manifest(&self, rest: &str) {
        let root = workspace().display();
        let folder = self
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let unique = folder.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        self.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"shop-{unique}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                 [lib]\nname = \"shop\"\n\n\
                 [workspace]\n\n\
                 [dependencies]\ntabellion = {{ path = '{root}/runtime' }}\n\n\
                 [build-dependencies]\ntabellion-build = {{ path = '{root}/emit' }}\n{rest}"
            ),
        );
    }

    /// Writes a file, and the folders that lead to it.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("its folder is made");
        fs::write(path, text).expect("the file is written");
    }

    /// The text of a file; `None` if there is none.
    pub fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.path().join(file)).ok()
    }

    /// The package's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where all packages are built, so that the dependencies are built once.
    pub fn target(&self) -> PathBuf {
        match option_env!("CARGO_TARGET_TMPDIR") {
            Some(folder) => PathBuf::from(folder),
            None => target_folder().join("outside"),
        }
    }

    /// Runs cargo in the package, in the given environment beside a clean one.
    ///
    /// # Panics
    /// If cargo cannot be started.
    pub fn cargo(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Built {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(arguments)
            .arg("--offline")
            .current_dir(self.path())
            .env("CARGO_TARGET_DIR", self.target())
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("CI")
            .env_remove("TABELLION_LOCKED")
            .env_remove("DOCS_RS")
            .env_remove("RUSTFLAGS")
            .envs(environment.iter().copied());
        // What cargo tells this test about itself is not true of the package.
        for (name, _) in std::env::vars() {
            let is_ours = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST");
            if is_ours {
                command.env_remove(name);
            }
        }
        let output = command.output().expect("cargo starts");
        Built {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// `cargo check`.
    pub fn check(&self) -> Built {
        self.cargo(&["check"], &[])
    }
}

impl Default for Package {
    fn default() -> Self {
        Package::new()
    }
}

/// The folder that this very test was built in.
fn target_folder() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let target = exe.ancestors().nth(3).unwrap_or(&exe);
    target.to_path_buf()
}
