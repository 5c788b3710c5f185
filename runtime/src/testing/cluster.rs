//! One server process, its folder, and the supervisor that ends both.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::locate::Installation;
use super::template::Template;
use super::{Error, folder, settings};

/// The script that holds the pipe. See its own comments.
const SUPERVISOR: &str = include_str!("supervisor.sh");

/// How long a server may take to get ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many free ports are tried: another process may take one before the server binds it.
const PORTS: u32 = 8;

/// A running server. Dropping it stops the server at once and removes its folder.
pub(super) struct Cluster {
    folder: PathBuf,
    port: u16,
    password: String,
    supervisor: Child,
    /// The supervisor reads this pipe; closing it, by drop or by this process's death, ends all.
    lifeline: Option<ChildStdin>,
}

impl Cluster {
    /// Copies the template and starts a server on it.
    pub(super) fn start(installation: &Installation) -> Result<Self, Error> {
        let account = Account::choose(folder::own_uid())?;
        let template = Template::obtain(installation, &account)?;
        match Self::on_free_port(installation, &account, &template) {
            // A cleaner of old files may have thinned out the cache: once more from the beginning.
            Err(_) if template.is_cached() => {
                template.discard()?;
                let template = Template::obtain(installation, &account)?;
                Self::on_free_port(installation, &account, &template)
            }
            result => result,
        }
    }

    fn on_free_port(
        installation: &Installation,
        account: &Account,
        template: &Template,
    ) -> Result<Self, Error> {
        let mut tries = 1;
        loop {
            match Self::launch(installation, account, template, free_port()?) {
                Err(Error::Start { log, .. }) if lost_the_port(&log) && tries < PORTS => tries += 1,
                result => return result,
            }
        }
    }

    fn launch(
        installation: &Installation,
        account: &Account,
        template: &Template,
        port: u16,
    ) -> Result<Self, Error> {
        let temporary = folder::temporary()?;
        let here = temporary.path();
        let data = here.join("data");
        let owner = account.owner();
        let major = installation.major();

        folder::create(&here.join("socket"), owner)?;
        folder::copy(&template.data(), &data, owner)?;
        for (name, text) in [
            (
                "postgresql.conf",
                settings::postgresql_conf(major, port, &here.join("socket")),
            ),
            ("pg_hba.conf", settings::pg_hba_conf(major)),
        ] {
            fs::write(data.join(name), text)
                .map_err(Error::io(format!("write `{}`", data.join(name).display())))?;
        }
        folder::write(&here.join("server.log"), "", owner)?;
        // Last, so that until now nobody else could change what was being written.
        folder::give(here, owner).map_err(Error::io(format!("change `{}`", here.display())))?;

        let mut supervisor = account
            .command(Path::new("/bin/sh"))
            .args(["-c", SUPERVISOR, "tabellion-postgres"])
            .arg(installation.bin().join("postgres"))
            .arg(here)
            .stdin(Stdio::piped())
            // Ctrl-C in a terminal reaches a whole process group; the supervisor must outlive it.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: PathBuf::from("/bin/sh"),
                user: account.describe(),
                source,
            })?;
        let lifeline = supervisor.stdin.take();
        let cluster = Self {
            folder: temporary.keep(),
            port,
            password: template.password().to_owned(),
            supervisor,
            lifeline,
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The folder that holds data, sockets and log, and is gone when the server is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's first password, which is the template's.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            if is_ready(&self.folder) {
                return Ok(());
            }
            let reason = if let Ok(status) = fs::read_to_string(self.folder.join("exited")) {
                format!("stopped while starting (exit status {})", status.trim())
            } else if begun.elapsed() > PATIENCE {
                format!("was not ready after {} s", PATIENCE.as_secs())
            } else {
                thread::sleep(Duration::from_millis(2));
                continue;
            };
            return Err(Error::Start {
                reason,
                log: log_tail(&self.folder),
            });
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // An error means that the supervisor is gone already; there is nothing left to wait for.
        let _ = self.supervisor.wait();
        // Normally gone by now. A temporary folder closed to the server's account is left to us.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The postmaster writes its state into the eighth line of its lock file
/// (`src/include/utils/pidfile.h`).
fn is_ready(folder: &Path) -> bool {
    fs::read_to_string(folder.join("data/postmaster.pid")).is_ok_and(|text| {
        text.lines()
            .nth(7)
            .is_some_and(|state| state.trim() == "ready")
    })
}

fn log_tail(folder: &Path) -> String {
    let text = fs::read(folder.join("server.log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn lost_the_port(log: &str) -> bool {
    log.contains("could not create any TCP/IP sockets")
}

/// Asks the kernel for a free port on loopback.
fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("find a free port on 127.0.0.1"))
}
