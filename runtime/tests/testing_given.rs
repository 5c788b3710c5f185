//! `DATABASE_URL`: the server it names is used, and left as it was.

#![cfg(unix)]

use std::env;
use std::process::{Command, Output};

use tabellion::testing::{Server, locate};
use tokio_postgres::NoTls;

/// Set in the child process: the test it runs then is the child's part.
const CHILD: &str = "TABELLION_TEST_CHILD";

/// Runs one test of this binary again, as a process with its own environment.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What is in the server beyond the template databases and the built-in roles.
async fn inventory(url: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .query(
            "select datname::text from pg_database where not datistemplate \
             union all select rolname::text from pg_roles where rolname !~ '^pg_' order by 1",
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[test]
fn databases_of_a_given_server_are_removed() {
    if env::var_os(CHILD).is_some() {
        return runtime().block_on(async {
            let server = Server::start().unwrap();
            assert_eq!(server.folder(), None);
            let database = server.database().await.unwrap();
            assert!(database.name().starts_with("tabellion_test_"));
            let url = database.create_login("app", &[]).await.unwrap();
            let names = inventory(&url).await;
            assert!(names.iter().any(|name| name == database.name()));
            let other = server.database().await.unwrap();
            other.close().await.unwrap();
            // `database` is dropped with a connection open.
            println!("\nchild is done");
        });
    }
    let server = Server::start_from(&locate().unwrap()).unwrap();
    let url = server.admin_url();
    let inventory = || {
        runtime().block_on(async {
            let held = server.database().await.unwrap(); // the one made ahead is in it either way
            let mut names = inventory(url).await;
            names.retain(|name| !name.starts_with("test_"));
            drop(held);
            names
        })
    };
    let before = inventory();
    let output = child(
        "databases_of_a_given_server_are_removed",
        &[("DATABASE_URL", url)],
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("child is done"),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(inventory(), before);
}

/// The child prints the error of `Server::start`.
fn failure(test: &str, variables: &[(&str, &str)]) -> String {
    let output = child(test, variables);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, message) = printed
        .split_once("error: ")
        .expect("the child prints an error");
    message.lines().next().unwrap_or_default().to_owned()
}

fn print_the_error() {
    println!("\nerror: {}", Server::start().unwrap_err());
}

#[test]
fn a_wrong_database_url_is_one_clear_sentence() {
    if env::var_os(CHILD).is_some() {
        return print_the_error();
    }
    let of = |url| {
        failure(
            "a_wrong_database_url_is_one_clear_sentence",
            &[("DATABASE_URL", url)],
        )
    };
    assert_eq!(
        of("postgresql://me:hunter2@host:port/x"),
        "`DATABASE_URL` is not a PostgreSQL connection string; write \
         `postgresql://user:password@host:5432/database`, or unset it"
    );
    // Port 1 is reserved and nothing listens there.
    let down = of("postgresql://me:hunter2@127.0.0.1:1/x");
    assert!(
        down.starts_with("cannot connect to the server of `DATABASE_URL`: ")
            && down.ends_with(
                "; start it, correct `DATABASE_URL`, or unset it to have a throw-away server \
                 started"
            ),
        "{down}"
    );
    assert!(!down.contains("hunter2"));
}

#[test]
fn wrong_credentials_are_one_clear_sentence() {
    if env::var_os(CHILD).is_some() {
        return print_the_error();
    }
    let server = Server::start_from(&locate().unwrap()).unwrap();
    let (before, after) = server.admin_url().split_once('@').unwrap();
    let user = before.rsplit_once(':').unwrap().0;
    let url = format!("{user}:hunter2@{after}");
    let message = failure(
        "wrong_credentials_are_one_clear_sentence",
        &[("DATABASE_URL", &url)],
    );
    assert!(
        message.contains("password authentication failed for user \"postgres\"; "),
        "{message}"
    );
    assert!(!message.contains("hunter2"));
}

#[test]
fn a_missing_server_names_what_was_searched() {
    if env::var_os(CHILD).is_some() {
        return print_the_error();
    }
    let message = failure(
        "a_missing_server_names_what_was_searched",
        &[("DATABASE_URL", ""), ("TABELLION_PG_BIN", "/nonexistent")],
    );
    assert_eq!(
        message,
        "`TABELLION_PG_BIN` is `/nonexistent`, where there is no `initdb`; point it at the folder \
         that holds `initdb` and `postgres` of PostgreSQL 15 or newer, or unset it"
    );
}
