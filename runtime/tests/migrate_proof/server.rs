//! A server of its own, which can be killed and started again on the same data.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tabellion::testing::{Server, TestDatabase, locate};

use crate::support::client;

/// How long a server may take to start or to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Killed with the test.
pub(crate) struct Own {
    /// The server as it was started again.
    again: Option<Child>,
    data: PathBuf,
    pub(crate) server: Server,
}

impl Own {
    /// A server that a commit waits for, as one does that is not for tests.
    pub(crate) async fn start() -> Self {
        let server = Server::start_from(&locate().expect("PostgreSQL")).expect("a server");
        let data = server.folder().expect("its folder").join("data");
        let mut settings = fs::File::options()
            .append(true)
            .open(data.join("postgresql.conf"))
            .expect("its settings");
        writeln!(settings, "synchronous_commit = on").expect("its settings");
        let admin = client(server.admin_url()).await;
        let reload = "select pg_reload_conf()";
        admin.execute(reload, &[]).await.expect("a superuser may");
        Own {
            again: None,
            data,
            server,
        }
    }

    pub(crate) async fn database(&self) -> TestDatabase {
        self.server.database().await.expect("a fresh database")
    }

    /// Ends the server with a signal, at once.
    pub(crate) fn kill(&mut self, signal: &str) {
        let lock = fs::read_to_string(self.data.join("postmaster.pid")).expect("it runs");
        let pid = lock.lines().next().expect("its number").to_owned();
        assert!(send(signal, &pid), "no server {pid}");
        if let Some(mut child) = self.again.take() {
            child.wait().expect("it ends");
        }
        let start = Instant::now();
        while send("-0", &pid) {
            assert!(start.elapsed() < PATIENCE, "server {pid} goes on");
            sleep(PAUSE);
        }
    }

    /// Starts it again, where no file may grow beyond so many blocks of 512 bytes.
    pub(crate) fn restart(&mut self, blocks: Option<u32>) {
        let start = Instant::now();
        loop {
            let mut child = self.launch(blocks);
            loop {
                if is_ready(&self.data, child.id()) {
                    self.again = Some(child);
                    return;
                }
                // What the killed one has left may have to end before.
                if child.try_wait().expect("its state").is_some() {
                    break;
                }
                assert!(start.elapsed() < PATIENCE, "the server does not start");
                sleep(PAUSE);
            }
            assert!(start.elapsed() < PATIENCE, "the server does not start");
            sleep(PAUSE);
        }
    }

    fn launch(&self, blocks: Option<u32>) -> Child {
        let installation = locate().expect("PostgreSQL");
        let limit = blocks.map_or_else(String::new, |blocks| format!("ulimit -S -f {blocks}; "));
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("{limit}exec \"$0\" -D \"$1\""))
            .arg(installation.bin().join("postgres"))
            .arg(&self.data)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let owner = fs::metadata(&self.data).expect("its folder");
        if owner.uid() != fs::metadata("/proc/self").map_or(owner.uid(), |own| own.uid()) {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.spawn().expect("the server")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(mut child) = self.again.take() {
            send("-QUIT", &child.id().to_string());
            let _ = child.wait();
        }
    }
}

fn send(signal: &str, pid: &str) -> bool {
    let sent = Command::new("kill")
        .args([signal, pid])
        .stderr(Stdio::null())
        .status();
    sent.expect("kill").success()
}

/// The lock file has the server's number in its first line, and its state in the eighth.
fn is_ready(data: &Path, pid: u32) -> bool {
    let lock = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = lock.lines();
    lines.next() == Some(pid.to_string().as_str())
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}
