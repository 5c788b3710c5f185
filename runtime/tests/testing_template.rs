//! The cache of templates: made once, by however many processes, and made anew when damaged.

#![cfg(unix)]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tabellion::testing::{Server, locate};

/// Set in the child process: the test it runs then is the child's part.
const CHILD: &str = "TABELLION_TEST_CHILD";

/// A process of this binary that starts one server with its own cache folder.
fn child(test: &str, cache: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .env("XDG_CACHE_HOME", cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn be_the_child() {
    let server = Server::start_from(&locate().unwrap()).unwrap();
    assert!(server.folder().unwrap().is_dir());
    println!("\nchild is done");
}

fn succeeds(command: &mut Command) {
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("is done"),
        "{output:?}"
    );
}

fn entries(cache: &Path) -> Vec<PathBuf> {
    fs::read_dir(cache.join("tabellion"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn processes_at_the_same_time_make_one_template() {
    if env::var_os(CHILD).is_some() {
        return be_the_child();
    }
    let cache = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            child("processes_at_the_same_time_make_one_template", cache.path())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let entries = entries(cache.path());
    assert_eq!(entries.len(), 1, "{entries:?}");
    let mode = fs::metadata(cache.path().join("tabellion"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_damaged_template_is_made_anew() {
    if env::var_os(CHILD).is_some() {
        return be_the_child();
    }
    let cache = tempfile::tempdir().unwrap();
    let name = "a_damaged_template_is_made_anew";
    succeeds(&mut child(name, cache.path()));
    let template = entries(cache.path()).remove(0);
    let control = template.join("data/global/pg_control");
    fs::remove_file(&control).unwrap();
    succeeds(&mut child(name, cache.path()));
    assert!(control.is_file());
    assert_eq!(entries(cache.path()), [template]);
}

/// Whoever can write to the cache could plant a server's superuser.
#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    if env::var_os(CHILD).is_some() {
        return be_the_child();
    }
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("tabellion");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    succeeds(&mut child(
        "a_cache_that_others_can_write_to_is_not_used",
        cache.path(),
    ));
    assert_eq!(entries(cache.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_cache_that_cannot_be_made_is_done_without() {
    if env::var_os(CHILD).is_some() {
        return be_the_child();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    succeeds(&mut child(
        "a_cache_that_cannot_be_made_is_done_without",
        &file,
    ));
}
