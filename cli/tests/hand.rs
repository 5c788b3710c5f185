//! A migration written by hand: begun, linted, sealed, applied; and the flags of a seal.

#[path = "../../runtime/tests/migrate_support/mod.rs"]
mod migrate_support;

use std::fs;
use std::path::Path;
use std::process::Command;

use migrate_support::{Project, database, step};

/// Exit code, standard output and standard error.
fn run(folder: &Path, url: &str, words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"))
        .arg("tabellion")
        .args(words)
        .current_dir(folder)
        .env("DATABASE_URL", url)
        .output()
        .expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    (code, text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn begun_written_sealed_applied_and_undone() {
    let (database, project) = (database().await, Project::sealed());
    let root = project.root();
    let folder = root.parent().unwrap();
    let url = database.url();
    let (code, out, err) = run(folder, url, &["new", "greeting"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("wrote db/hand/greeting.sql"), "{out}");
    assert_eq!(run(folder, url, &["new", "greeting"]).0, 2);

    // As it is written, it says nothing.
    let (code, _, err) = run(folder, url, &["seal", "greeting"]);
    assert_eq!(code, 3);
    assert!(
        err.contains("`db/hand/greeting.sql` line 1: the migration is empty")
            && err.contains("`db/hand/greeting.rollback.sql` line 1: the rollback is empty"),
        "{err}"
    );
    let (up, down) = ("hand/greeting.sql", "hand/greeting.rollback.sql");
    let template = project.read(up);
    project.write(
        up,
        &format!("{template}begin;\nalter table public.\"order\" add column x int;\nselekt;\n"),
    );
    let (code, _, err) = run(folder, url, &["seal", "greeting"]);
    assert_eq!(code, 3);
    for rule in [
        "[transaction-control]",
        "[owned-object]",
        "[not-parsed]",
        "[empty-rollback]",
    ] {
        assert_eq!(err.matches(rule).count(), 1, "{err}");
    }
    assert_eq!(project.load().iter().count(), 3);

    let function = "create function public.greeting() returns text language sql\n  \
                    set search_path = '' as $$ select 'hello' $$;\n";
    project.write(up, &format!("{template}{function}"));
    project.write(
        down,
        &format!("{}drop function public.greeting();\n", project.read(down)),
    );
    let schema = project.lock().schema;
    project.draw(&step(1));
    let (code, out, err) = run(folder, url, &["seal", "greeting"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("the draft was drawn before this; run `cargo build`"),
        "{out}"
    );
    assert!(!project.path("hand").exists());
    assert_eq!(project.lock().schema, schema);
    let set = project.load();
    let sealed = set.iter().last().unwrap();
    assert_eq!(sealed.name, "greeting");
    assert!(
        sealed
            .up
            .sql
            .starts_with("-- Sealed by Tabellion, as written by hand.\n")
    );
    assert!(sealed.up.header.parent.is_some());
    assert_eq!(run(folder, url, &["apply"]).0, 0);
    let client = migrate_support::client(url).await;
    let row = client
        .query_one("select public.greeting()", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "hello");
    assert_eq!(run(folder, url, &["rollback"]).0, 0);
    assert!(
        client
            .query_one("select public.greeting()", &[])
            .await
            .is_err()
    );
    // The draft is of before: refused until it is drawn anew.
    let (code, _, err) = run(folder, url, &["seal", "later"]);
    assert_eq!(code, 3);
    assert!(err.contains("was drawn against another lock"), "{err}");
}

#[tokio::test]
async fn a_seal_by_hand_that_was_cut_short_is_not_sealed_twice() {
    let (database, project) = (database().await, Project::sealed());
    let root = project.root();
    let folder = root.parent().unwrap();
    run(folder, database.url(), &["new", "once"]);
    let texts: Vec<(String, String)> = ["hand/once.sql", "hand/once.rollback.sql"]
        .into_iter()
        .map(|file| {
            (
                file.to_owned(),
                format!("{}select 1;\n", project.read(file)),
            )
        })
        .collect();
    for left in 0..=2 {
        fs::create_dir_all(project.path("hand")).unwrap();
        let written = if left == 0 { 0..2 } else { 2 - left..2 };
        for (file, text) in &texts[written] {
            project.write(file, text);
        }
        let (code, out, err) = run(folder, database.url(), &["seal", "once"]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("_once.sql"), "{out}");
        assert_eq!(project.load().iter().count(), 4);
        assert!(!project.path("hand").exists());
    }
}

#[tokio::test]
async fn what_a_hand_destroys_is_named_and_accepted() {
    let (database, project) = (database().await, Project::sealed());
    let root = project.root();
    let folder = root.parent().unwrap();
    let url = database.url();
    run(folder, url, &["new", "clean"]);
    let template = project.read("hand/clean.sql");
    let delete = "delete from public.\"order\" where total is null;\n";
    project.write("hand/clean.sql", &format!("{template}{delete}"));
    project.write(
        "hand/clean.rollback.sql",
        "-- Rows do not come back.\n\nselect 1;\n",
    );
    let (_, _, err) = run(folder, url, &["seal", "clean"]);
    assert!(err.contains("[unnamed-loss]"), "{err}");
    let named = "-- tabellion: loses-data: rows of public.\"order\": those without a total\n";
    project.write("hand/clean.sql", &format!("{named}{template}{delete}"));
    let (code, _, err) = run(folder, url, &["seal", "clean"]);
    assert_eq!(code, 3);
    assert!(
        err.contains("add `--accept 'rows of public.\"order\": REASON'`"),
        "{err}"
    );
    let accept = "rows of public.\"order\": agreed with support";
    let (code, out, err) = run(folder, url, &["seal", "clean", "--accept", accept]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("loses-data: rows of public.\"order\""),
        "{out}"
    );
    let lock = project.lock();
    let sealed = lock.migrations.values().next_back().unwrap();
    assert_eq!(
        sealed.accepted["rows of public.\"order\""],
        "agreed with support"
    );
}

#[tokio::test]
async fn a_reseal_asks_which_databases_to_spare() {
    let (database, project) = (database().await, Project::sealed());
    let root = project.root();
    let folder = root.parent().unwrap();
    let url = database.url();
    let (code, out, err) = run(folder, url, &["reseal"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("are one chain; none was sealed anew"), "{out}");
    assert_eq!(run(folder, url, &["reseal", "--applied-nowhere"]).0, 0);
    assert_eq!(
        run(folder, url, &["reseal", "--target", "a=DATABASE_URL"]).0,
        0
    );
    assert_eq!(run(folder, url, &["reseal", "--target", "a"]).0, 2);
    let (code, _, err) = run(folder, url, &["reseal", "--target", "a=NO_SUCH_URL"]);
    assert_eq!(code, 2);
    assert!(err.contains("`NO_SUCH_URL` holds no URL"), "{err}");
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"))
        .args(["tabellion", "reseal"])
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("or say `--applied-nowhere`"), "{said}");
}
