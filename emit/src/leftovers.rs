//! What a build that was killed while it wrote has left beside the artifacts.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::Duration;

use crate::artifacts::{PROOF, is_artifact};

/// A build writes one artifact in far less: who began one earlier does not finish it any more.
const DEAD: Duration = Duration::from_secs(60);

/// The name under which a process writes a file before it takes the file's place.
pub(crate) fn beside(file: &OsStr, process: u32) -> std::ffi::OsString {
    let mut name = file.to_owned();
    name.push(format!(".{process}.tmp"));
    name
}

/// Removes what builds have begun to write and nobody will finish. What cannot be removed stays: it is in
/// nobody's way.
pub(crate) fn clear(root: &Path) {
    let proof = Path::new(PROOF);
    let of_proof = |name: &str| Some(OsStr::new(name)) == proof.file_name();
    clear_folder(root, is_artifact);
    if let Some(folder) = proof.parent() {
        clear_folder(&root.join(folder), of_proof);
    }
}

fn clear_folder(folder: &Path, is_artifact: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let artifact = name.to_str().and_then(artifact_of);
        if artifact.is_some_and(&is_artifact) && is_dead(&entry) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The artifact that a file with the name of one half written was to become.
fn artifact_of(name: &str) -> Option<&str> {
    let (artifact, process) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(artifact)
}

/// Whether nobody has written the file for long. A clock that was set back leaves it for later.
fn is_dead(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age > DEAD)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_dead_build_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("tests")).unwrap();
        let old = SystemTime::now() - 2 * DEAD;
        let write = |name: &str, modified: SystemTime| {
            let file = fs::File::create(root.join(name)).unwrap();
            file.set_modified(modified).unwrap();
        };
        let dead = [
            "draft.2.sql.11396.tmp",
            "draft.rollback.sql.7.tmp",
            "draft.lock.7.tmp",
            "draft.unfinished.7.tmp",
            "schema.sql.7.tmp",
            "tests/rls_tests.sql.7.tmp",
        ];
        let kept = [
            "draft.2.sql",
            "draft.sql.bak.7.tmp",
            "draft.sql.seven.tmp",
            "draft.sql..tmp",
            "draft.sql.tmp",
            "notes.sql.7.tmp",
            "tests/own.sql.7.tmp",
            "tests/draft.sql.7.tmp",
        ];
        for name in dead.iter().chain(&kept) {
            write(name, old);
        }
        // Another build is writing it.
        write("draft.sql.8.tmp", SystemTime::now());
        clear(root);
        let mut left = BTreeSet::new();
        for (folder, prefix) in [(root.to_owned(), ""), (root.join("tests"), "tests/")] {
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                left.insert(format!("{prefix}{name}"));
            }
        }
        let wanted = kept.iter().chain(&["draft.sql.8.tmp", "tests"]);
        assert_eq!(left, wanted.map(|&name| name.to_owned()).collect());
    }
}
