//! Through PgBouncer, which gives a client a session for a transaction and takes it back.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tabellion::migrate::{Migrator, Pooler, RollbackTarget, Target};
use tabellion::testing::TestDatabase;
use tokio_postgres::config::{Config, Host};

use crate::support::{Project, database};
use crate::{ALL, back, events, text};

/// A pooler of its own, ended with the test.
struct PgBouncer {
    child: Child,
    url: String,
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
    async fn start(database: &TestDatabase) -> Self {
        let config: Config = database.url().parse().expect("a URL");
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
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n",
            name = database.name(),
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
        let url = format!(
            "postgres://{user}@127.0.0.1:{port}/{}?sslmode=disable",
            database.name()
        );
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

    async fn engine(&self) -> Migrator {
        let engine = Migrator::connect(&self.url)
            .await
            .expect("through the pooler");
        engine.target(Target {
            pooler: Pooler::Transaction,
            ..Target::default()
        })
    }
}

const HEADER: &str = "-- Draft.\n-- tabellion: no-transaction\n\n";

fn project() -> Project {
    let project = Project::sealed();
    project.seal_text(
        "total",
        &format!("{HEADER}create index concurrently order_total on public.\"order\" (total);\n"),
        &format!("{HEADER}drop index concurrently public.order_total;\n"),
    );
    project
}

#[tokio::test]
async fn status_apply_verify_and_rollback_work() {
    let (database, project) = (database().await, project());
    let pooler = PgBouncer::start(&database).await;
    let (set, mut engine) = (project.load(), pooler.engine().await);
    assert_eq!(engine.status(&set).await.unwrap().pending(), 4);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 4);
    let valid =
        "select indisvalid::text from pg_index where indexrelid = 'public.order_total'::regclass";
    assert_eq!(text(&database, valid).await.as_deref(), Some("true"));
    assert_eq!(engine.status(&set).await.unwrap().pending(), 0);
    // The index is none that the sealed schema has.
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
    let all = back(RollbackTarget::All);
    assert_eq!(engine.rollback(&set, &all).await.unwrap().len(), 4);
    let history = engine.history().await.unwrap();
    let expected = [
        "applied", "applied", "applied", "started", "applied", "started",
    ];
    assert_eq!(events(&history)[..6], expected);
    assert_eq!(
        engine.snapshot(["public"]).await.unwrap().tables().count(),
        0
    );
}

#[tokio::test]
async fn what_another_client_left_in_a_session_does_not_matter() {
    let (database, project) = (database().await, Project::sealed());
    let pooler = PgBouncer::start(&database).await;
    let set = project.load();
    // Each holds a session of the pooler while it leaves a role and a setting there.
    let mut others = Vec::new();
    for _ in 0..3 {
        let client = crate::support::client(&pooler.url).await;
        let left = "begin; set role pg_read_all_data; set search_path = nowhere; set statement_timeout = '20s'";
        client.batch_execute(left).await.unwrap();
        others.push(client);
    }
    for client in &others {
        client.batch_execute("commit").await.unwrap();
    }
    let mut engine = pooler.engine().await;
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 3);
    let owner = "select relowner::regrole::text from pg_class where oid = 'public.order'::regclass";
    assert_eq!(text(&database, owner).await.as_deref(), Some("postgres"));
}

#[tokio::test]
async fn several_at_once_run_each_migration_once() {
    let (database, project) = (database().await, project());
    let pooler = PgBouncer::start(&database).await;
    let set = std::sync::Arc::new(project.load());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (set, mut engine) = (std::sync::Arc::clone(&set), pooler.engine().await);
        tasks.spawn(async move { engine.apply(&set, &ALL).await });
    }
    let mut done = 0;
    while let Some(result) = tasks.join_next().await {
        done += result.unwrap().expect("both succeed").len();
    }
    assert_eq!(done, 4);
}
