//! Migration files run by others: by `psql`, and as the Supabase CLI sends them, which splits a file and
//! sends its statements as one flight with a single Sync.

mod migrate_support;

use std::path::PathBuf;
use std::process::Command;

use bytes::BytesMut;
use migrate_support::{client, database, step};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use tabellion::catalog::Snapshot;
use tabellion_sql::file::{Header, statements};
use tabellion_sql::plan::{Migration, Script, Settings, migrations};
use tabellion_sql::schema::{Renames, Schema};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The pairs that lead from nothing to the first step, and from there to the third: transactions, and
/// an index that is built outside of one.
fn pairs() -> Vec<Migration> {
    let none = Schema::default();
    [(none, step(1)), (step(1), step(3))]
        .iter()
        .flat_map(|(from, to)| {
            migrations(from, to, &Renames::default(), &Settings::default()).expect("no question")
        })
        .collect()
}

/// A script as it stands in its file.
fn text(script: &Script) -> String {
    let header = Header {
        no_transaction: script.no_transaction,
        hazards: script.hazards(),
        ..Header::default()
    };
    format!("-- A migration.\n{header}\n{}", script.body())
}

/// The server's own `psql`, or, where its folder has none, the one on `PATH`.
fn psql() -> PathBuf {
    let installation = tabellion::testing::locate().expect("an installation");
    let own = installation.bin().join("psql");
    if own.exists() { own } else { "psql".into() }
}

async fn snapshot(url: &str) -> Snapshot {
    let client = client(url).await;
    Snapshot::read(&client, ["public", "Desk"])
        .await
        .expect("a snapshot")
}

/// The scripts in order, up, down and up again.
fn forth_back_forth(pairs: &[Migration]) -> Vec<&Script> {
    let forth = || pairs.iter().map(|pair| &pair.up);
    let back = pairs.iter().rev().map(|pair| &pair.down);
    forth().chain(back).chain(forth()).collect()
}

#[tokio::test]
async fn psql_runs_every_file() {
    let pairs = pairs();
    assert!(
        pairs.iter().any(|pair| pair.up.no_transaction),
        "a file outside a transaction is among them"
    );
    let database = database().await;
    let empty = snapshot(database.url()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Vec::new();
    for (number, script) in forth_back_forth(&pairs).into_iter().enumerate() {
        let file = folder.path().join("file.sql");
        std::fs::write(&file, text(script)).expect("the file is written");
        let mut command = Command::new(psql());
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        if !script.no_transaction {
            command.arg("-1");
        }
        let output = command
            .arg("-f")
            .arg(&file)
            .arg(database.url())
            .output()
            .expect("psql starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{}", text(script));
        if number + 1 == pairs.len() || number + 1 == 2 * pairs.len() {
            seen.push(snapshot(database.url()).await);
        }
    }
    let again = snapshot(database.url()).await;
    assert_eq!(seen[0].diff(&again), []);
    assert_eq!(empty.diff(&seen[1]), []);
    assert!(!empty.diff(&again).is_empty());
}

#[tokio::test]
async fn one_flight_with_one_sync_runs_every_file_and_leaves_no_setting_behind() {
    let pairs = pairs();
    let other = database().await;
    let database = database().await;
    for pair in &pairs {
        let client = client(other.url()).await;
        let body = pair.up.body();
        let body = match pair.up.no_transaction {
            true => body,
            false => format!("begin;\n{body}\ncommit;"),
        };
        client.batch_execute(&body).await.expect("the file runs");
    }
    // One connection for all files, as `supabase db push` has.
    let mut wire = Wire::connect(database.url()).await;
    for script in forth_back_forth(&pairs) {
        let text = text(script);
        let split = statements(&text).expect("statements");
        let list: Vec<&str> = split.iter().map(|statement| statement.text).collect();
        if script.no_transaction {
            assert_eq!(list.len(), 1, "{text}");
        }
        if let Err(error) = wire.flight(&list).await {
            panic!("{error}\n{text}");
        }
        assert_eq!(wire.flight(&["select 1/(1 - count(*)) from pg_catalog.pg_settings \
            where name in ('lock_timeout', 'statement_timeout') and setting <> '0' having count(*) > 0"]).await, Ok(()));
    }
    let found = snapshot(database.url()).await;
    assert_eq!(snapshot(other.url()).await.diff(&found), []);
}

/// A connection that speaks the extended protocol by hand.
struct Wire {
    stream: TcpStream,
    read: BytesMut,
    // It authenticated the connection, and would close it.
    _client: tokio_postgres::Client,
}

impl Wire {
    /// Lets `tokio-postgres` log in through a proxy, and takes the server's end over from it.
    async fn connect(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().expect("a URL");
        let port = config.get_ports()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let local = listener.local_addr().expect("its address");
        let proxied = url.replace(&format!(":{port}/"), &format!(":{}/", local.port()));
        assert_ne!(proxied, url);
        let login = tokio::spawn(async move {
            let (client, connection) = tokio_postgres::connect(&proxied, tokio_postgres::NoTls)
                .await
                .expect("a login");
            tokio::spawn(connection);
            client
        });
        let (mut near, _) = listener.accept().await.expect("the client");
        let mut far = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("the server");
        let mut seen = Vec::new();
        loop {
            let (mut a, mut b) = ([0; 4096], [0; 4096]);
            tokio::select! {
                read = near.read(&mut a) => {
                    let read = read.expect("the client speaks");
                    far.write_all(&a[..read]).await.expect("the server listens");
                }
                read = far.read(&mut b) => {
                    let read = read.expect("the server speaks");
                    seen.extend_from_slice(&b[..read]);
                    near.write_all(&b[..read]).await.expect("the client listens");
                }
            }
            // ReadyForQuery, idle.
            if seen.ends_with(b"Z\x00\x00\x00\x05I") {
                break;
            }
        }
        // The client must not end the session when it goes, so it stays, without a word.
        Wire {
            stream: far,
            read: BytesMut::new(),
            _client: login.await.expect("the client"),
        }
    }

    /// Sends the statements with one Sync, and gives back the first error.
    async fn flight(&mut self, statements: &[&str]) -> Result<(), String> {
        let mut out = BytesMut::new();
        for statement in statements {
            frontend::parse("", statement, [], &mut out).expect("a statement");
            let none: [&str; 0] = [];
            let bound = frontend::bind("", "", [], none, |_, _| Ok(IsNull::Yes), [], &mut out);
            assert!(bound.is_ok(), "no parameters");
            frontend::execute("", 0, &mut out).expect("an execution");
        }
        frontend::sync(&mut out);
        self.stream
            .write_all(&out)
            .await
            .expect("the server listens");
        let mut result = Ok(());
        loop {
            while self.read.len() >= 5 {
                let length =
                    u32::from_be_bytes([self.read[1], self.read[2], self.read[3], self.read[4]]);
                let whole = length as usize + 1;
                if self.read.len() < whole {
                    break;
                }
                let message = self.read.split_to(whole);
                match message[0] {
                    b'Z' => return result,
                    b'E' if result.is_ok() => {
                        result = Err(String::from_utf8_lossy(&message[5..]).replace('\0', " "));
                    }
                    // A notice, or a warning such as SET LOCAL outside a transaction gives.
                    b'N' => {
                        let said = String::from_utf8_lossy(&message[5..]).replace('\0', " ");
                        assert!(!said.contains("WARNING"), "{said}");
                    }
                    _ => {}
                }
            }
            let read = self
                .stream
                .read_buf(&mut self.read)
                .await
                .expect("the server speaks");
            assert!(read > 0, "the server hung up");
        }
    }
}
