//! A server that does not start says why.

#![cfg(unix)]

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use tabellion::testing::{Server, locate};

/// Set in the child process: the test it runs then is the child's part.
const CHILD: &str = "TABELLION_TEST_CHILD";

/// Alone in its file: a program just written cannot be run while another thread forks.
#[test]
fn the_log_is_in_the_error() {
    if env::var_os(CHILD).is_some() {
        let error = Server::start_from(&locate().unwrap()).unwrap_err();
        return println!("\nerror: {error}\nend");
    }
    // The real `initdb` finds its own server behind the link; only starting one fails.
    let real = locate().unwrap();
    let bin = tempfile::tempdir().unwrap();
    symlink(real.bin().join("initdb"), bin.path().join("initdb")).unwrap();
    let server = bin.path().join("postgres");
    let script = format!(
        "#!/bin/sh\n\
         [ \"$1\" = -D ] || exec '{}' \"$@\"\n\
         echo 'FATAL:  no more of this'\n\
         exit 4\n",
        real.bin().join("postgres").display()
    );
    fs::write(&server, script).unwrap();
    for path in [bin.path(), &server] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    let output = Command::new(env::current_exe().unwrap())
        .args(["the_log_is_in_the_error", "--exact", "--nocapture"])
        .env(CHILD, "1")
        .env("TABELLION_PG_BIN", bin.path())
        // A file: nothing is left in anyone's cache.
        .env("XDG_CACHE_HOME", &server)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.contains(
            "error: PostgreSQL stopped while starting (exit status 4); its log ends with:\n\
             FATAL:  no more of this\n\
             end"
        ),
        "{output:?}"
    );
}
