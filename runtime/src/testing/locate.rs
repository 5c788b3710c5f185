//! Finds the programs of an installed PostgreSQL.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;

/// The oldest major version that Tabellion works with.
pub const OLDEST: u32 = 15;

/// Where distributions and installers put the programs. A `*` stands for any text within one
/// name; where it matches several folders, the highest version comes first.
const USUAL: &[&str] = &[
    "/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                   // the PostgreSQL project's RPMs
    "/usr/lib/postgresql*/bin",           // openSUSE, Gentoo
    "/usr/libexec/postgresql*",           // Alpine
    "/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin", // EDB's installer
    "/usr/local/pgsql/bin",      // built from source
];

/// The server programs of one PostgreSQL: what [`locate`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    bin: PathBuf,
    major: u32,
    version: String,
}

impl Installation {
    /// The installation in one folder, if both programs are there and of version 15 or newer.
    pub fn in_folder(bin: &Path) -> Option<Self> {
        probe(bin, first_line).filter(|found| found.major >= OLDEST)
    }

    /// The folder that holds `initdb` and `postgres`.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The major version, such as 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The version as the server itself writes it, such as `15.14`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Finds a local PostgreSQL of version 15 or newer.
///
/// Searched in this order: the folder named by `TABELLION_PG_BIN` (then nothing else is), `PATH`,
/// the answer of `pg_config --bindir`, and the usual folders of distributions and installers, the
/// highest version first. `DATABASE_URL` plays no part here.
///
/// # Errors
///
/// [`Error::NotFound`] with every place that was searched and every server that is too old;
/// [`Error::NamedFolder`] where `TABELLION_PG_BIN` is set and cannot serve.
pub fn locate() -> Result<Installation, Error> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    Search {
        named: set("TABELLION_PG_BIN").map(PathBuf::from),
        path: set("PATH"),
        root: PathBuf::from("/"),
        ask: first_line,
    }
    .run()
}

/// The inputs of a search, apart from the file system below `root`.
struct Search {
    named: Option<PathBuf>,
    path: Option<OsString>,
    root: PathBuf,
    /// Runs a program with one argument and gives its first line. Tests read a file instead.
    ask: Ask,
}

type Ask = fn(&Path, &str) -> Option<String>;

impl Search {
    fn run(self) -> Result<Installation, Error> {
        if let Some(folder) = self.named {
            return probe_named(folder, self.ask);
        }
        let mut searched = vec![
            "`TABELLION_PG_BIN` (not set)".to_owned(),
            "`PATH`".to_owned(),
        ];
        let mut candidates: Vec<PathBuf> = match &self.path {
            Some(path) => env::split_paths(path)
                .filter(|folder| folder.is_absolute())
                .collect(),
            None => Vec::new(),
        };
        if let Some(folder) = pg_config(&candidates, self.ask) {
            searched.push("`pg_config --bindir`".to_owned());
            candidates.push(folder);
        }
        for pattern in USUAL {
            searched.push(format!("`{pattern}`"));
            candidates.extend(expand(&self.root, pattern));
        }

        let mut too_old = Vec::new();
        for bin in candidates {
            match probe(&bin, self.ask) {
                Some(found) if found.major >= OLDEST => return Ok(found),
                Some(found) => {
                    let entry = (found.version, found.bin);
                    if !too_old.contains(&entry) {
                        too_old.push(entry);
                    }
                }
                None => {}
            }
        }
        Err(Error::NotFound { searched, too_old })
    }
}

fn probe_named(folder: PathBuf, ask: Ask) -> Result<Installation, Error> {
    let reason = match probe(&folder, ask) {
        Some(found) if found.major >= OLDEST => return Ok(found),
        Some(found) => format!("which holds PostgreSQL {}", found.version),
        None => match ["initdb", "postgres"]
            .into_iter()
            .find(|program| !folder.join(program).is_file())
        {
            Some(program) => format!("where there is no `{program}`"),
            None => "whose `postgres --version` does not name a version".to_owned(),
        },
    };
    Err(Error::NamedFolder { folder, reason })
}

/// The installation in `bin`, if both programs are there and the server tells its version.
fn probe(bin: &Path, ask: Ask) -> Option<Installation> {
    let server = bin.join("postgres");
    if !server.is_file() || !bin.join("initdb").is_file() {
        return None;
    }
    let (major, version) = parse_version(&ask(&server, "--version")?)?;
    Some(Installation {
        bin: bin.to_owned(),
        major,
        version,
    })
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0)` or `postgres (PostgreSQL) 18beta1`.
fn parse_version(line: &str) -> Option<(u32, String)> {
    let version = line
        .split_once("(PostgreSQL)")?
        .1
        .split_whitespace()
        .next()?;
    let digits = version.find(|c: char| !c.is_ascii_digit());
    let major = version[..digits.unwrap_or(version.len())].parse().ok()?;
    Some((major, version.to_owned()))
}

/// Asks the first `pg_config` among the folders where the programs are.
fn pg_config(folders: &[PathBuf], ask: Ask) -> Option<PathBuf> {
    let program = folders
        .iter()
        .map(|folder| folder.join("pg_config"))
        .find(|program| program.is_file())?;
    ask(&program, "--bindir").map(PathBuf::from)
}

fn first_line(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// The folders below `root` that match an absolute pattern, the highest version first.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = match part.split_once('*') {
            None => found.into_iter().map(|folder| folder.join(part)).collect(),
            Some((before, after)) => found
                .iter()
                .flat_map(|folder| matching(folder, before, after))
                .collect(),
        };
    }
    found.retain(|folder| folder.is_dir());
    found
}

fn matching(folder: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let mut found: Vec<(Vec<u32>, String)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| {
            let middle = name.strip_prefix(before)?.strip_suffix(after)?;
            let numbers = middle.split('.').map(|n| n.parse().unwrap_or(0)).collect();
            Some((numbers, name))
        })
        .collect();
    found.sort();
    found.reverse();
    found
        .into_iter()
        .map(|(_, name)| folder.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with both programs; each holds what it would print.
    fn install(root: &Path, bin: &str, version: &str) -> PathBuf {
        let bin = root.join(bin.trim_start_matches('/'));
        fs::create_dir_all(&bin).unwrap();
        for program in ["postgres", "initdb"] {
            fs::write(
                bin.join(program),
                format!("postgres (PostgreSQL) {version}"),
            )
            .unwrap();
        }
        bin
    }

    fn read(path: &Path, _: &str) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    fn search(root: &Path, path: Option<&Path>) -> Result<Installation, Error> {
        Search {
            named: None,
            path: path.map(OsString::from),
            root: root.to_owned(),
            ask: read,
        }
        .run()
    }

    #[test]
    fn versions_are_read() {
        let read = |line| parse_version(line).map(|(major, text)| format!("{major} {text}"));
        assert_eq!(
            read("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)").as_deref(),
            Some("15 15.14")
        );
        assert_eq!(
            read("postgres (PostgreSQL) 18beta1").as_deref(),
            Some("18 18beta1")
        );
        assert_eq!(
            read("postgres (PostgreSQL) 9.6.24").as_deref(),
            Some("9 9.6.24")
        );
        assert_eq!(read("mysqld 8.0"), None);
        assert_eq!(read("postgres (PostgreSQL) devel"), None);
    }

    #[test]
    fn an_empty_machine_names_every_place_and_the_remedy() {
        let root = tempfile::tempdir().unwrap();
        let message = search(root.path(), None).unwrap_err().to_string();
        for part in USUAL.iter().chain(&[
            "`TABELLION_PG_BIN`",
            "`PATH`",
            "apt-get install postgresql",
            "`DATABASE_URL`",
        ]) {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }

    #[test]
    fn the_highest_version_of_a_usual_folder_wins() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "/usr/lib/postgresql/9.6/bin", "9.6.24");
        install(root.path(), "/usr/lib/postgresql/15/bin", "15.14");
        let bin = install(root.path(), "/usr/lib/postgresql/16/bin", "16.2");
        let found = search(root.path(), None).unwrap();
        assert_eq!(
            (found.bin(), found.major(), found.version()),
            (&*bin, 16, "16.2")
        );
    }

    #[test]
    fn an_old_server_on_the_path_does_not_hide_a_newer_one() {
        let root = tempfile::tempdir().unwrap();
        let old = install(root.path(), "/opt/old", "13.4");
        let bin = install(root.path(), "/usr/pgsql-17/bin", "17.1");
        assert_eq!(search(root.path(), Some(&old)).unwrap().bin(), bin);
    }

    #[test]
    fn a_server_that_is_too_old_is_named() {
        let root = tempfile::tempdir().unwrap();
        let old = install(root.path(), "/opt/old", "14.9");
        let message = search(root.path(), Some(&old)).unwrap_err().to_string();
        assert!(
            message.contains(&format!(
                "PostgreSQL 14.9 in `{}` is too old",
                old.display()
            )),
            "{message}"
        );
    }

    #[test]
    fn pg_config_leads_to_a_folder_that_nothing_else_knows() {
        let root = tempfile::tempdir().unwrap();
        let bin = install(root.path(), "/opt/somewhere/bin", "15.3");
        let tools = root.path().join("tools");
        fs::create_dir(&tools).unwrap();
        fs::write(tools.join("pg_config"), bin.to_str().unwrap()).unwrap();
        assert_eq!(search(root.path(), Some(&tools)).unwrap().bin(), bin);
    }

    #[test]
    fn the_named_folder_is_obeyed_or_refused() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "/usr/lib/postgresql/16/bin", "16.2");
        let named = |folder: &Path| {
            Search {
                named: Some(folder.to_owned()),
                path: None,
                root: root.path().to_owned(),
                ask: read,
            }
            .run()
        };
        let good = install(root.path(), "/opt/good", "15.1");
        assert_eq!(named(&good).unwrap().bin(), good);

        let old = install(root.path(), "/opt/old", "12.1");
        let message = named(&old).unwrap_err().to_string();
        assert!(
            message.contains("which holds PostgreSQL 12.1; "),
            "{message}"
        );

        let message = named(&root.path().join("absent")).unwrap_err().to_string();
        assert!(
            message.contains("where there is no `initdb`; "),
            "{message}"
        );
    }
}
