//! Obtains PostgreSQL where none is installed: a package of the distribution, else a portable
//! build; and PgBouncer, which some tests start. Everything that is run is printed before it runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tabellion::testing::{self, Installation, OLDEST};

use crate::packages::{MANAGERS, Manager, PGBOUNCER, candidate_major};
use crate::run::{capture, run, say};

/// A way to obtain it; an error is why this way did not lead there.
type Way = fn() -> Result<Installation, String>;

/// Obtains PostgreSQL, or says in one text what was tried and what to install by hand.
///
/// `missing` is the error of the search that found nothing.
pub(crate) fn obtain(missing: &testing::Error) -> Result<Installation, String> {
    say("no PostgreSQL 15 or newer is installed here; obtaining one");
    let mut tried = Vec::new();
    let ways: [(&str, Way); 2] = [("a package", package), ("the portable build", portable)];
    for (name, way) in ways {
        match way() {
            Ok(installation) => return Ok(installation),
            Err(reason) => {
                say(format_args!("{name}: {reason}"));
                tried.push(format!("{name}: {reason}"));
            }
        }
    }
    Err(format!(
        "{missing}; tried to obtain one ({})",
        tried.join("; ")
    ))
}

/// Sees to it that PgBouncer is here.
pub(crate) fn ensure_pgbouncer() -> Result<(), String> {
    let is_here = || {
        let usual = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
        let mut usual = usual.iter().map(|folder| Path::new(folder).join(PGBOUNCER));
        usual.any(|program| program.is_file()) || is_on_path(PGBOUNCER)
    };
    if is_here() {
        return Ok(());
    }
    say("no PgBouncer is installed here; obtaining one");
    let manager = manager()?;
    refresh(manager)?;
    install(manager, PGBOUNCER)?;
    match is_here() {
        true => Ok(()),
        false => Err(format!(
            "`{}` ended well, and yet `pgbouncer` is not in the usual folders",
            manager.program
        )),
    }
}

/// Installs the distribution's package.
fn package() -> Result<Installation, String> {
    let manager = manager()?;
    refresh(manager)?;
    refuse_old_candidate(manager)?;
    install(manager, manager.server)?;
    testing::locate().map_err(|_| {
        format!(
            "`{}` ended well, and yet PostgreSQL {OLDEST} or newer is not in the usual folders",
            manager.program
        )
    })
}

/// The first manager that is here.
fn manager() -> Result<&'static Manager, String> {
    let manager = MANAGERS
        .iter()
        .find(|manager| is_on_path(manager.program))
        .ok_or("no package manager that is known (apt-get, dnf, apk, brew) is on `PATH`")?;
    if manager.as_root != is_root() {
        return Err(if manager.as_root {
            format!("`{}` needs root, which this user is not", manager.program)
        } else {
            format!("`{}` refuses to run as root", manager.program)
        });
    }
    Ok(manager)
}

fn refresh(manager: &Manager) -> Result<(), String> {
    match manager.refresh {
        [] => Ok(()),
        arguments => run(command(manager).args(arguments)).map_err(|failed| failed.to_string()),
    }
}

fn install(manager: &Manager, package: &str) -> Result<(), String> {
    say(format_args!(
        "`{}` installs `{package}` for the whole machine; a server that it may start is not used",
        manager.program
    ));
    run(command(manager).args(manager.install).arg(package)).map_err(|failed| failed.to_string())
}

/// Does not install a server that is too old to be used.
fn refuse_old_candidate(manager: &Manager) -> Result<(), String> {
    let Some([program, arguments @ ..]) = manager.candidate else {
        return Ok(());
    };
    let output = capture(Command::new(program).args(arguments)).map_err(|e| e.to_string())?;
    match candidate_major(&output) {
        Some(major) if major >= OLDEST => Ok(()),
        Some(major) => Err(format!(
            "`{}` offers PostgreSQL {major}, and {OLDEST} is the oldest that serves",
            manager.program
        )),
        None => Err(format!(
            "`{}` offers no package `postgresql`",
            manager.program
        )),
    }
}

fn command(manager: &Manager) -> Command {
    let mut command = Command::new(manager.program);
    // Nobody is asked, and nobody is there to answer.
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    command
}

/// Builds and runs the crate that downloads, or takes what it downloaded before.
fn portable() -> Result<Installation, String> {
    let folder = portable_folder().ok_or("neither `XDG_CACHE_HOME` nor `HOME` is set")?;
    if let Some(installation) = downloaded(&folder) {
        return Ok(installation);
    }
    say(format_args!(
        "downloading a portable build of PostgreSQL into `{}`",
        folder.display()
    ));
    let root = crate::steps::workspace();
    let printed = capture(
        Command::new(crate::steps::cargo())
            .args(["run", "--quiet", "--locked", "--manifest-path"])
            .arg(root.join("xtask/portable/Cargo.toml"))
            .arg("--target-dir")
            .arg(root.join("target/portable"))
            .arg("--")
            .arg(&folder),
    )
    .map_err(|failed| failed.to_string())?;
    let bin = printed.lines().last().unwrap_or_default().trim();
    Installation::in_folder(Path::new(bin))
        .ok_or_else(|| format!("the programs in `{bin}` do not run on this machine"))
}

/// The newest of the portable builds that were downloaded before.
fn downloaded(folder: &Path) -> Option<Installation> {
    std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Installation::in_folder(&entry.ok()?.path().join("bin")))
        .max_by_key(Installation::major)
}

/// Root's goes where the account that runs the server can reach it.
fn portable_folder() -> Option<PathBuf> {
    let cache = if is_root() {
        PathBuf::from("/var/cache")
    } else {
        let set = |name| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
        };
        set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?
    };
    Some(cache.join("tabellion-postgresql"))
}

fn is_on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
