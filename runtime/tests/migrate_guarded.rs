//! What a server, a database's settings or a file must not bring about: a leak, a half, a hang.

mod migrate_support;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use migrate_support::{Project, client, database};
use tabellion::migrate::{ApplyOptions, MigrateError, Migrator};

const ALL: ApplyOptions = ApplyOptions { to: None };
const SECRET: &str = "mail@example.org";

/// What any library logs at INFO or above while this program runs.
struct Logged(Mutex<Vec<String>>);

static LOGGED: Logged = Logged(Mutex::new(Vec::new()));

impl log::Log for Logged {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// Runs a file over a table with one row, which holds the secret; gives what the engine says.
async fn over_a_row(sql: &str) -> Result<(), MigrateError> {
    let (database, project) = (database().await, Project::new());
    client(database.url())
        .await
        .batch_execute(&format!(
            "create table public.p (mail text); insert into public.p values ('{SECRET}')"
        ))
        .await
        .unwrap();
    project.seal_sql("over", sql, "select 1;");
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&project.load(), &ALL).await.map(drop)
}

#[tokio::test]
async fn an_error_that_a_row_caused_does_not_quote_it() {
    for (sql, code, shown) in [
        (
            "do $$ declare m text; begin
               select mail into m from public.p; raise exception 'bad row %', m; end $$;",
            "P0001",
            "do '…'",
        ),
        (
            "do $$ declare m text; begin
               select mail into m from public.p;
               raise exception 'bad row %', m using errcode = 'unique_violation'; end $$;",
            "23505",
            "do '…'",
        ),
        (
            "alter table public.p alter mail type regclass using ('\"' || mail || '\"')::regclass;",
            "42P01",
            "alter table public.p alter mail type regclass using ('…' || mail || '…')::regclass",
        ),
        (
            "select ('\"' || mail || '\"')::regrole from public.p;",
            "42704",
            "select ('…' || mail || '…')::regrole from public.p",
        ),
        (
            "do $$ declare m text; begin
               select mail into m from public.p; execute 'drop table ' || quote_ident(m); end $$;",
            "42P01",
            "do '…'",
        ),
    ] {
        let error = over_a_row(&format!("select 1;\n{sql}")).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
        let MigrateError::Statement(failure) = &error else {
            panic!("{error}");
        };
        assert_eq!(failure.code, code, "{error}");
        assert!(failure.line > 1, "{error}");
        assert_eq!(failure.statement, shown);
        assert!(
            error.to_string().contains("read them in its log"),
            "{error}"
        );
    }
    // What was found by reading the file, or is made of names alone, is said.
    for (sql, said) in [
        (
            "select nothing from public.p;",
            "column \"nothing\" does not exist",
        ),
        ("create table public.p ();", "relation \"p\" already exists"),
        (
            "alter table public.p add unique (mail), add check (mail = '');",
            "violated by some row",
        ),
    ] {
        let error = over_a_row(sql).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn no_notice_is_logged() {
    log::set_logger(&LOGGED).expect("no other logger");
    log::set_max_level(log::LevelFilter::Info);
    log::info!("the logger works");
    over_a_row(
        "do $$ declare m text; begin
           select mail into m from public.p; raise warning 'row %', m; raise info 'row %', m; end $$;",
    )
    .await
    .unwrap();
    let logged = LOGGED.0.lock().unwrap().join("\n");
    assert!(logged.contains("the logger works"), "{logged}");
    assert!(!logged.contains(SECRET), "{logged}");
}

#[tokio::test]
async fn a_server_that_accepts_and_stays_silent_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    let url = format!("postgres://u:hidden@127.0.0.1:{port}/d?connect_timeout=1&sslmode=disable");
    let start = Instant::now();
    let connecting = Migrator::connect(&url);
    let error = tokio::time::timeout(Duration::from_secs(20), connecting)
        .await
        .expect("connecting ends")
        .unwrap_err()
        .to_string();
    assert!(start.elapsed() >= Duration::from_secs(1), "{error}");
    assert!(
        error.contains(&format!("no connection to `127.0.0.1:{port}`: "))
            && error.contains("within 1 s; "),
        "{error}"
    );
    assert!(!error.contains("hidden"), "{error}");
    silent.abort();
}

#[tokio::test]
async fn how_the_database_reads_backslashes_does_not_split_a_file() {
    let (database, project) = (database().await, Project::new());
    client(database.url())
        .await
        .batch_execute(&format!(
            "alter database \"{}\" set standard_conforming_strings = off",
            database.name()
        ))
        .await
        .unwrap();
    // With backslash escapes, the first text goes on to the second's begin, and its content runs.
    project.seal_sql(
        "split",
        "create table public.half (id int);\nselect 'a\\', '; commit; --';\nselect 1/0;",
        "select 1;",
    );
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    assert!(error.to_string().contains("in `select 1/0`"), "{error}");
    let found = engine.snapshot(["public"]).await.unwrap();
    assert_eq!(found.tables().count(), 0, "{found}");
}
