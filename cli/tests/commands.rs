//! The commands as a person runs them: what they print, and how they end.

#[path = "../../runtime/tests/migrate_support/mod.rs"]
mod migrate_support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use migrate_support::{Project, client, database, step};

struct Run {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, url: Option<&str>, words: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"));
    command
        .arg("tabellion")
        .args(words)
        .current_dir(folder)
        .env_remove("DATABASE_URL");
    if let Some(url) = url {
        command.env("SHOP_URL", url);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let run = Run {
        code: status.code().expect("an exit code"),
        out: text(stdout),
        err: text(stderr),
    };
    let first = run.err.lines().next().unwrap_or("error: ");
    assert!(
        first.starts_with("error: ") && !first.ends_with('.'),
        "{}",
        run.err
    );
    run
}

const URL: &str = "--url-env=SHOP_URL";

#[tokio::test]
async fn a_day_with_the_commands() {
    let (database, project) = (database().await, Project::new());
    let root = project.root();
    let folder = root.parent().unwrap();
    let url = Some(database.url());
    project.draw(&step(1));
    let sealed = run(folder, None, &["seal", "first"]);
    assert_eq!(sealed.code, 0, "{}", sealed.err);
    assert!(
        sealed.out.contains("sealed db/migrations/2"),
        "{}",
        sealed.out
    );
    project.draw(&step(2));
    assert_eq!(run(folder, None, &["seal", "second"]).code, 0);

    let status = run(folder, url, &["status", URL]);
    assert_eq!(status.code, 0, "{}", status.err);
    assert!(
        status
            .out
            .ends_with("\n2 migrations: 0 applied, 2 pending\n"),
        "{}",
        status.out
    );
    assert_eq!(run(folder, url, &["status", "--check", URL]).code, 1);
    let behind = run(folder, url, &["verify", URL]);
    assert_eq!(behind.code, 1);
    assert!(
        behind.out.contains("_first` is not applied; run"),
        "{}",
        behind.out
    );

    let versions: Vec<String> = project.lock().migrations.into_keys().collect();
    let applied = run(
        folder,
        url,
        &["apply", "--to", &versions[0], "--by", "Ana", URL],
    );
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(
        applied
            .out
            .starts_with(&format!("applied {} first in ", versions[0])),
        "{}",
        applied.out
    );
    // Below the project too.
    let deeper = folder.join("src");
    std::fs::create_dir(&deeper).unwrap();
    assert_eq!(run(&deeper, url, &["apply", URL]).code, 0);
    assert_eq!(run(folder, url, &["apply", URL]).out, "nothing to apply\n");
    let status = run(folder, url, &["status", "--check", URL]);
    assert_eq!(status.code, 0);
    assert!(status.out.contains(" for Ana  "), "{}", status.out);
    let verified = run(folder, url, &["verify", URL]);
    assert_eq!(verified.code, 0, "{}", verified.out);
    assert!(
        verified
            .out
            .starts_with("the database holds what was sealed: "),
        "{}",
        verified.out
    );

    client(database.url())
        .await
        .batch_execute("drop index public.order_shop")
        .await
        .unwrap();
    let drifted = run(folder, url, &["verify", URL]);
    assert_eq!(drifted.code, 1);
    assert!(
        drifted
            .out
            .starts_with("index `order_shop` on `public.\"order\"` is missing"),
        "{}",
        drifted.out
    );

    let asked = run(folder, url, &["rollback", URL]);
    assert_eq!(asked.code, 3, "{}", asked.out);
    assert!(
        asked.err.contains("loses data") && asked.err.contains("--accept-data-loss"),
        "{}",
        asked.err
    );
    let undone = run(folder, url, &["rollback", "--accept-data-loss", URL]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert!(
        undone
            .out
            .starts_with(&format!("rolled back {} second in ", versions[1])),
        "{}",
        undone.out
    );
    assert_eq!(
        run(
            folder,
            url,
            &["rollback", "--all", "--accept-data-loss", URL]
        )
        .code,
        0
    );
    assert_eq!(
        run(folder, url, &["rollback", URL]).out,
        "nothing to roll back\n"
    );
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let (database, project) = (database().await, Project::sealed());
    let root = project.root();
    let folder = root.parent().unwrap();
    let url = Some(database.url());

    let none = run(folder, None, &["apply", URL]);
    assert_eq!(none.code, 2);
    assert!(
        none.err.contains("`SHOP_URL` holds no URL; set it to"),
        "{}",
        none.err
    );
    assert_eq!(
        run(folder, url, &["apply", "--to", "20000101000000", URL]).code,
        2
    );
    assert_eq!(run(folder, url, &["nonsense"]).code, 2);
    assert_eq!(
        run(folder, url, &["--root", "nowhere", "status", URL]).code,
        3
    );
    assert_eq!(run(folder, None, &["seal", "nothing"]).code, 3);

    project.seal_sql(
        "broken",
        "select 1;\ndrop table public.nowhere;",
        "select 1;",
    );
    let broken = run(folder, url, &["apply", URL]);
    assert_eq!(broken.code, 4);
    assert_eq!(broken.out.lines().count(), 3, "{}", broken.out);
    assert!(
        broken
            .err
            .contains("_broken.sql` failed at line 5 and was rolled back: "),
        "{}",
        broken.err
    );

    let holder = client(database.url()).await;
    holder
        .batch_execute("begin; select pg_advisory_xact_lock(8386092168890837359)")
        .await
        .unwrap();
    let held = run(folder, url, &["apply", "--lock-wait", "0", URL]);
    assert_eq!(held.code, 5, "{}", held.err);

    let path = project.path("tabellion.lock");
    let lock = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        lock.replacen("\nschema", "\n>>>>>>> other\nschema", 1),
    )
    .unwrap();
    for words in [&["status", URL][..], &["apply", URL], &["seal", "x"]] {
        let conflict = run(folder, url, words);
        assert_eq!(conflict.code, 3, "{words:?}");
        assert!(
            conflict.err.contains("holds a merge conflict"),
            "{}",
            conflict.err
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_told_without_the_password() {
    let (database, project) = (database().await, Project::sealed());
    let root = project.root();
    let folder = root.parent().unwrap();
    database.create_login("ana", &[]).await.unwrap();
    let user = format!("ana_{}", database.name());

    // Down: a port that was just given back.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let down = format!("postgres://ana:s3cret@127.0.0.1:{port}/shop");
    let told = run(folder, Some(&down), &["status", URL]);
    assert_eq!(told.code, 4);
    assert!(
        told.err.contains(&format!(
            "no connection to `127.0.0.1:{port}`: connection refused; check"
        )),
        "{}",
        told.err
    );

    let wrong = database.url_as(&user, "s3cret");
    let told = run(folder, Some(&wrong), &["apply", URL]);
    assert_eq!(told.code, 4);
    assert!(
        told.err.contains("the server refused the login"),
        "{}",
        told.err
    );

    let unreadable = run(
        folder,
        Some("postgres://ana:s3cret@/s3cret?s3cret"),
        &["status", URL],
    );
    assert_eq!(unreadable.code, 4);
    for told in [told, unreadable] {
        assert!(
            !format!("{}{}", told.out, told.err).contains("s3cret"),
            "{}",
            told.err
        );
        assert_eq!(told.err.lines().count(), 1, "{}", told.err);
    }
}

#[test]
fn a_server_older_than_15_is_refused() {
    let project = Project::sealed();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut length = [0; 4];
        socket.read_exact(&mut length).unwrap();
        let mut startup = vec![0; u32::from_be_bytes(length) as usize - 4];
        socket.read_exact(&mut startup).unwrap();
        // AuthenticationOk, ParameterStatus, ReadyForQuery, as protocol 3 spells them.
        let version = b"server_version\x0014.9\0";
        let mut answer = b"R\0\0\0\x08\0\0\0\0S".to_vec();
        answer.extend((version.len() as u32 + 4).to_be_bytes());
        answer.extend(version);
        answer.extend(b"Z\0\0\0\x05I");
        socket.write_all(&answer).unwrap();
        let _ = socket.read(&mut length);
    });
    let url = format!("postgres://ana@127.0.0.1:{port}/shop?sslmode=disable");
    let root = project.root();
    let told = run(root.parent().unwrap(), Some(&url), &["apply", URL]);
    assert_eq!(told.code, 4);
    assert!(
        told.err
            .contains("the server is PostgreSQL 14.9; tabellion needs 15 or newer"),
        "{}",
        told.err
    );
    server.join().unwrap();
}
