//! PgBouncer, which gives a client a session for a transaction and takes it back.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio_postgres::config::{Config, Host};

/// A pooler of its own, ended with the test.
pub(crate) struct PgBouncer {
    child: Child,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The numbers of the account that servers run as, where this program runs as root, which PgBouncer refuses.
fn account() -> Option<(u32, u32)> {
    let owner = fs::metadata("/proc/self").expect("/proc").uid();
    if owner != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = accounts.lines().find(|line| line.starts_with("postgres:"));
    let fields: Vec<&str> = line.expect("an account `postgres`").split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

impl PgBouncer {
    /// In front of the database of a URL, as whose login every client comes in.
    pub(crate) async fn start(url: &str) -> Self {
        PgBouncer::start_in(url, "transaction", 3).await
    }

    /// The same in that mode, with so many sessions of the server.
    pub(crate) async fn start_in(url: &str, mode: &str, sessions: u32) -> Self {
        let config: Config = url.parse().expect("a URL");
        let name = config.get_dbname().expect("a database");
        let Host::Tcp(host) = &config.get_hosts()[0] else {
            panic!("the tests connect over TCP");
        };
        let password = config
            .get_password()
            .map(|p| String::from_utf8_lossy(p).into_owned());
        let password = password.map_or_else(String::new, |p| format!(" password='{p}'"));
        let user = config.get_user().expect("a user");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its number").port();
        drop(free);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{name} = host={host} port={server} dbname={name} user={user}{password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {mode}\ndefault_pool_size = {sessions}\n\
             max_client_conn = 1000\n",
            server = config.get_ports()[0],
        );
        fs::write(&file, text).expect("the settings");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("the folder's permissions");
        let at = [
            "/usr/sbin/pgbouncer",
            "/usr/local/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
        ];
        let program = at.into_iter().find(|path| Path::new(path).exists());
        let mut command = Command::new(program.unwrap_or("pgbouncer"));
        command
            .arg("-q")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        if let Some((user, group)) = account() {
            command.uid(user).gid(group);
        }
        let child = command
            .spawn()
            .expect("PgBouncer; install it to run the tests");
        let url = format!("postgres://{user}@127.0.0.1:{port}/{name}?sslmode=disable");
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        PgBouncer {
            child,
            url,
            _folder: folder,
        }
    }
}
