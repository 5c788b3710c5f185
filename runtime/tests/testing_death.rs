//! A server must not survive its parent, however the parent dies.

#![cfg(unix)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tabellion::testing::{Server, locate};

/// Set in the child process: the test it runs then is the child's part.
const CHILD: &str = "TABELLION_TEST_CHILD";

/// Starts this test binary again with one test, and reads the folder that it prints.
fn child(test: &str) -> (Child, PathBuf) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let folder = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(PathBuf::from(line.split_once("folder=")?.1)))
        .expect("the child prints its server's folder");
    (child, folder)
}

/// The child's part: starts a server, says where, and waits for its end.
fn be_the_child() -> ! {
    // A thread that ends must not take the server along.
    let server = thread::spawn(|| Server::start_from(&locate().unwrap()).unwrap())
        .join()
        .unwrap();
    println!("\nfolder={}", server.folder().unwrap().display());
    // Ends by itself if the test that started it does.
    let _ = std::io::stdin().lines().count();
    std::process::exit(3)
}

fn postmaster(folder: &Path) -> String {
    let lock = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    lock.lines().next().unwrap().to_owned()
}

fn signal(name: &str, pid: &str) -> bool {
    Command::new("kill")
        .args([name, pid])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn alive(pid: &str) -> bool {
    // A process that nobody has waited for yet is dead all the same.
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output();
    match state {
        Ok(output) => {
            let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            !state.is_empty() && !state.starts_with('Z')
        }
        Err(_) => signal("-0", pid),
    }
}

fn assert_gone(folder: &Path, pid: &str) {
    let begun = Instant::now();
    while folder.exists() || alive(pid) {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "after {:?}: folder {}, postmaster {}",
            begun.elapsed(),
            if folder.exists() { "there" } else { "gone" },
            if alive(pid) { "alive" } else { "gone" },
        );
        thread::sleep(Duration::from_millis(5));
    }
    println!("gone after {:?}", begun.elapsed());
}

#[test]
fn a_killed_parent_takes_the_server_along() {
    if env::var_os(CHILD).is_some() {
        be_the_child();
    }
    let (mut child, folder) = child("a_killed_parent_takes_the_server_along");
    let pid = postmaster(&folder);
    assert!(alive(&pid));
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    assert_gone(&folder, &pid);
}

#[test]
fn a_parent_that_exits_without_cleaning_up_takes_the_server_along() {
    if env::var_os(CHILD).is_some() {
        be_the_child();
    }
    let (mut child, folder) =
        child("a_parent_that_exits_without_cleaning_up_takes_the_server_along");
    let pid = postmaster(&folder);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_gone(&folder, &pid);
}

#[test]
fn a_server_that_dies_by_itself_is_cleared_away() {
    let server = Server::start_from(&locate().unwrap()).unwrap();
    let folder = server.folder().unwrap().to_owned();
    let pid = postmaster(&folder);
    assert!(signal("-KILL", &pid));
    drop(server);
    assert_gone(&folder, &pid);
}
