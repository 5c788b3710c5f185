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

/// How much memory must be free for servers to live in it.
const ROOMY: u64 = 2 << 30;

/// A new folder that only this user can enter, gone when dropped.
///
/// It lies where `TMPDIR` says; else in memory (`/dev/shm`) where 2 GiB are free, because a
/// database is three hundred small files, which a disk's file system takes twice as long to make
/// and far longer where many were removed before; else in `/tmp`. Root's `TMPDIR` may be closed
/// to the account that the server runs as, and a long one to sockets: both are passed over.
pub(super) fn temporary() -> Result<TempDir, Error> {
    let chosen = std::env::var_os("TMPDIR")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && path.as_os_str().len() <= LONGEST && own_uid() != 0);
    let parent = match chosen {
        Some(path) => path,
        None if is_roomy(Path::new("/dev/shm")) => PathBuf::from("/dev/shm"),
        None => PathBuf::from("/tmp"),
    };
    tempfile::Builder::new()
        .prefix("tabellion-pg-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&parent)
        .map_err(Error::io(format!(
            "create a folder in `{}`",
            parent.display()
        )))
}

/// Whether any user may put files there, safe from the others', and much of them.
fn is_roomy(folder: &Path) -> bool {
    let open = fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o1777 == 0o1777);
    open && rustix::fs::statvfs(folder)
        .is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) >= ROOMY)
}

/// The user id that this process acts and creates files with.
pub(super) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
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
