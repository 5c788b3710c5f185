//! What `status` tells of a run that was cut short, and whom it tells.

#[path = "../../runtime/tests/migrate_support/mod.rs"]
mod migrate_support;

use std::process::{Command, Output, Stdio};

use migrate_support::{Project, client, database};

/// The command on a project's database, not started yet.
fn command(project: &Project, url: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"));
    command
        .arg("tabellion")
        .args(words)
        .arg("--root")
        .arg(project.root())
        .env("DATABASE_URL", url);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// A table, and an index on it that is built concurrently.
fn indexed() -> Project {
    let project = Project::new();
    project.seal_sql(
        "rows",
        "create table public.much (id int);",
        "drop table public.much;",
    );
    let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
    project.seal_text(
        "one",
        &format!("{header}create unique index concurrently much_one on public.much (id);\n"),
        &format!("{header}drop index concurrently public.much_one;\n"),
    );
    project
}

#[tokio::test]
async fn what_was_begun_and_not_finished_is_told() {
    let (database, project) = (database().await, indexed());
    let run = |words: &[&str]| -> Output {
        command(&project, database.url(), words)
            .output()
            .expect("the command runs")
    };
    let set = project.load();
    let (first, second) = (
        set.iter().next().unwrap(),
        set.iter().last().unwrap().clone(),
    );
    let begun = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, position, duration_ms, tool)
         values ('started', '{}', 'one', '{}', '{}', 1, 0, 'test')",
        second.version, second.checksum, second.rollback_checksum
    );
    assert!(run(&["apply", "--to", &first.version]).status.success());
    let client = client(database.url()).await;
    client.batch_execute(&begun).await.unwrap();
    client
        .batch_execute("create unique index much_one on public.much (id)")
        .await
        .unwrap();
    let status = run(&["status"]);
    let out = text(&status.stdout);
    assert!(
        out.contains(&format!("{}  one   begun\n", second.version))
            && out.contains(&format!(
                "\nmigration `{}_one` was begun at ",
                second.version
            ))
            && out.ends_with("run `cargo tabellion apply` to finish it\n"),
        "{out}"
    );
    let undone = run(&["rollback", "--all"]);
    let out = text(&undone.stdout);
    assert!(undone.status.success(), "{}", text(&undone.stderr));
    assert!(
        out.starts_with(&format!(
            "dropped the half-built index of {} one in ",
            second.version
        )),
        "{out}"
    );
    assert_eq!(out.lines().count(), 2, "{out}");

    assert!(run(&["apply"]).status.success());
    client.batch_execute(&begun).await.unwrap();
    let status = run(&["status", "--check"]);
    assert_eq!(status.status.code(), Some(1));
    let out = text(&status.stdout);
    let told = format!(
        "\nthe rollback of migration `{}_one` was begun at ",
        second.version
    );
    assert_eq!(out.matches(&told).count(), 1, "{out}");
    assert!(
        out.contains(" run `cargo tabellion rollback` to finish it, or put back by hand "),
        "{out}"
    );
    // Nothing is applied over it, so it is a problem wherever problems are told.
    for (words, code) in [(["status", "--json"], 0), (["plan", "--json"], 1)] {
        let run = run(&words);
        let document: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let problems = document["problems"].as_array().expect("a list");
        assert_eq!(problems.len(), 1, "{document}");
        assert_eq!(run.status.code(), Some(code), "{document}");
    }
}

#[tokio::test]
async fn a_reader_that_has_enough_is_no_failure() {
    let (database, project) = (database().await, indexed());
    for words in [["status"], ["apply"], ["status"]] {
        // The reader is gone before the first word.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let run = command(&project, database.url(), &words)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("the command runs");
        assert_eq!(text(&run.stderr), "", "{words:?}");
        assert_eq!(run.status.code(), Some(0), "{words:?}");
    }
    let status = command(&project, database.url(), &["status", "--check"]).output();
    assert_eq!(status.unwrap().status.code(), Some(0));
    // An error is told by its exit code where nobody reads standard error either.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let run = command(&project, database.url(), &["apply", "--to", "1"])
        .stderr(writer)
        .status();
    assert_eq!(run.unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_output_that_cannot_be_written_is_a_failure() {
    let (database, project) = (database().await, indexed());
    let full = std::fs::File::options().write(true).open("/dev/full");
    let run = command(&project, database.url(), &["status"])
        .stdout(full.expect("/dev/full"))
        .stderr(Stdio::piped())
        .output()
        .expect("the command runs");
    assert_eq!(run.status.code(), Some(4));
    let said = text(&run.stderr);
    assert!(
        said.starts_with("error: standard output cannot be written: "),
        "{said}"
    );
}
