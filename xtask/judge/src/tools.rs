//! Where the judges are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The three of them.
pub(crate) struct Tools {
    pub(crate) squawk: PathBuf,
    pub(crate) pgrls: PathBuf,
    /// Splinter's lints in one statement, with the setting that comes before it.
    pub(crate) splinter: String,
    splinter_path: PathBuf,
}

impl Tools {
    /// What the environment names, else what is on `PATH`; or a line for each that is missing.
    pub(crate) fn find() -> Result<Self, Vec<String>> {
        let mut missing = Vec::new();
        let mut program = |variable: &str, name: &str, package: &str| {
            found(variable, name).unwrap_or_else(|why| {
                missing.push(format!(
                    "{why}; install the Python package `{package}` (`pip install {package}`), or name the program in \
                     `{variable}`"
                ));
                PathBuf::new()
            })
        };
        let squawk = program("SQUAWK", "squawk", "squawk-cli");
        let pgrls = program("PGRLS", "pgrls", "pgrls");
        let splinter_path = env::var_os("SPLINTER_SQL").map(PathBuf::from);
        let splinter = match &splinter_path {
            None => Err("`SPLINTER_SQL` is not set".to_owned()),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| format!("`SPLINTER_SQL`, `{}`: {error}", path.display())),
        };
        let splinter = splinter.unwrap_or_else(|why| {
            missing.push(format!(
                "{why}; take `splinter.sql` from Supabase's repository `splinter` and name the file in `SPLINTER_SQL`"
            ));
            String::new()
        });
        if !missing.is_empty() {
            return Err(missing);
        }
        Ok(Tools {
            squawk,
            pgrls,
            splinter,
            splinter_path: splinter_path.unwrap_or_default(),
        })
    }

    /// A line for each.
    pub(crate) fn versions(&self) -> Result<[String; 3], String> {
        let lines = self.splinter.lines().count();
        Ok([
            version(&self.squawk)?,
            version(&self.pgrls)?,
            format!(
                "splinter, {lines} lines of `{}`",
                self.splinter_path.display()
            ),
        ])
    }
}

fn found(variable: &str, name: &str) -> Result<PathBuf, String> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        let is_there = path.is_file();
        let missing = || format!("`{variable}` names `{}`, which is no file", path.display());
        return is_there.then(|| path.clone()).ok_or_else(missing);
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("`{name}` is not on `PATH`"))
}

fn version(program: &Path) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("`{}`: {error}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
