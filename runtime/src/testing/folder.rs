//! Private folders: made, copied, handed over.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Error;

/// The longest path of a socket's folder. `sun_path` holds 104 bytes on macOS, and
/// `/socket/.s.PGSQL.65535.lock` must fit behind it.
const LONGEST: usize = 70;

/// A new folder that only this user can enter, gone when dropped.
///
/// Root's temporary folder may be closed to the account that the server runs as, and a long
/// `TMPDIR` to sockets: both get `/tmp`.
pub(super) fn temporary() -> Result<TempDir, Error> {
    let make = |parent: &Path| {
        tempfile::Builder::new()
            .prefix("tabellion-pg-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(Error::io(format!(
                "create a folder in `{}`",
                parent.display()
            )))
    };
    let usual = std::env::temp_dir();
    let folder = make(&usual)?;
    let short = PathBuf::from("/tmp");
    if usual == short || (own_uid(folder.path())? != 0 && usual.as_os_str().len() <= LONGEST) {
        return Ok(folder);
    }
    make(&short)
}

/// The user id that this process creates files with: the owner of a folder it has made.
pub(super) fn own_uid(made: &Path) -> Result<u32, Error> {
    fs::metadata(made)
        .map(|metadata| metadata.uid())
        .map_err(Error::io(format!("read `{}`", made.display())))
}

/// Creates a folder that only its owner can enter.
pub(super) fn create(path: &Path, owner: Option<(u32, u32)>) -> Result<(), Error> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .and_then(|()| give(path, owner))
        .map_err(Error::io(format!("create `{}`", path.display())))
}

/// Writes a new file that only its owner can read.
pub(super) fn write(path: &Path, text: &str, owner: Option<(u32, u32)>) -> Result<(), Error> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
        .and_then(|()| give(path, owner))
        .map_err(Error::io(format!("write `{}`", path.display())))
}

/// Hands a file or folder over to the server's account.
pub(super) fn give(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// Copies a folder to a path that does not exist yet, and hands the copy over.
///
/// The standard library's copy shares blocks where the file system can (APFS, Btrfs, XFS).
/// Anything but files and folders is refused: PostgreSQL makes none, so someone else has.
pub(super) fn copy(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> Result<(), Error> {
    copy_into(from, to, owner).map_err(Error::io(format!(
        "copy `{}` to `{}`",
        from.display(),
        to.display()
    )))
}

fn copy_into(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_into(&entry.path(), &target, owner)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            give(&target, owner)?;
        } else {
            return Err(io::Error::other(format!(
                "`{}` is neither a file nor a folder",
                entry.path().display()
            )));
        }
    }
    give(to, owner)
}
