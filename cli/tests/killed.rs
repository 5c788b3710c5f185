//! Killed at any point and run again, by one process or several: the same catalog and ledger.

#[path = "../../runtime/tests/migrate_support/mod.rs"]
mod migrate_support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use migrate_support::{Project, database};
use tabellion::catalog::Snapshot;
use tabellion::migrate::{Event, Migrations, Migrator};

/// The three sealed steps and so many more, each of several statements.
fn project(more: usize) -> Project {
    let project = Project::sealed();
    for number in 0..more {
        project.seal_sql(
            &format!("more_{number}"),
            &format!(
                "create table public.more_{number} (id int primary key);\n\
                 select pg_catalog.pg_sleep(0.003);\n\
                 insert into public.more_{number} values ({number});\n\
                 alter table public.more_{number} enable row level security;"
            ),
            &format!("select pg_catalog.pg_sleep(0.003);\ndrop table public.more_{number};"),
        );
    }
    project
}

fn start(project: &Project, url: &str, words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"))
        .arg("tabellion")
        .args(words)
        .arg("--root")
        .arg(project.root())
        .env("DATABASE_URL", url)
        .stdout(Stdio::null())
        .spawn()
        .expect("the command starts")
}

fn finish(project: &Project, url: &str, words: &[&str]) {
    let status = start(project, url, words).wait().expect("the command ends");
    assert!(status.success(), "{words:?}: {status}");
}

/// The ledger must be a walk: each event follows from the state that the ones before it left.
fn check_walk(engine_history: &[tabellion::migrate::Entry], set: &Migrations) -> usize {
    let order: Vec<&str> = set
        .iter()
        .map(|migration| migration.version.as_str())
        .collect();
    let mut applied = 0;
    for entry in engine_history {
        match entry.event {
            Event::Applied => {
                assert_eq!(
                    entry.version, order[applied],
                    "applied twice or out of order"
                );
                applied += 1;
            }
            Event::Started | Event::Failed => {}
            _ => {
                applied -= 1;
                assert_eq!(
                    entry.version, order[applied],
                    "undone twice or out of order"
                );
            }
        }
    }
    applied
}

async fn catalog(engine: &Migrator) -> Snapshot {
    engine.snapshot(["public", "Desk"]).await.unwrap()
}

#[tokio::test]
async fn killed_at_any_instant_and_run_again() {
    let (database, other, project) = (database().await, database().await, project(12));
    let set = project.load();
    finish(&project, other.url(), &["apply"]);
    let mut reference = Migrator::connect(other.url()).await.unwrap();
    let up = catalog(&reference).await;
    let begun = Instant::now();
    finish(
        &project,
        other.url(),
        &["rollback", "--all", "--accept-data-loss"],
    );
    let whole = begun.elapsed();
    let down = catalog(&reference).await;
    assert_eq!(
        reference.history().await.unwrap().len(),
        2 * set.iter().count()
    );

    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let mut partial = 0;
    for round in 0..24u32 {
        let words: &[&str] = match round % 2 {
            0 => &["apply"],
            _ => &["rollback", "--all", "--accept-data-loss"],
        };
        // The kills sweep over the time that a whole run takes.
        for share in 0..2 {
            let mut child = start(&project, database.url(), words);
            tokio::time::sleep(whole * (round % 12 * 2 + share) / 24).await;
            child.kill().expect("SIGKILL");
            child.wait().unwrap();
            let applied = check_walk(&engine.history().await.unwrap(), &set);
            partial += usize::from(0 < applied && applied < set.iter().count());
        }
        finish(&project, database.url(), words);
        let history = engine.history().await.unwrap();
        let applied = check_walk(&history, &set);
        let (expected, catalog) = (
            if round % 2 == 0 { &up } else { &down },
            catalog(&engine).await,
        );
        assert_eq!(
            applied,
            if round % 2 == 0 {
                set.iter().count()
            } else {
                0
            }
        );
        assert_eq!(expected.diff(&catalog), [], "round {round}");
    }
    assert!(
        partial > 5,
        "only {partial} kills hit between two migrations; the test proves too little"
    );
}

#[tokio::test]
async fn eight_processes_at_once() {
    let (database, project) = (database().await, project(10));
    let set = project.load();
    let mut children: Vec<Child> = (0..8)
        .map(|_| start(&project, database.url(), &["apply"]))
        .collect();
    // Some of them die on the way.
    tokio::time::sleep(Duration::from_millis(60)).await;
    for child in &mut children[..3] {
        let _ = child.kill();
    }
    for (index, mut child) in children.into_iter().enumerate() {
        let status = child.wait().unwrap();
        assert!(index < 3 || status.success(), "{status}");
    }
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let history = engine.history().await.unwrap();
    assert_eq!(history.len(), set.iter().count());
    assert_eq!(check_walk(&history, &set), set.iter().count());
    assert!(
        engine
            .verify(&set)
            .await
            .unwrap()
            .findings
            .iter()
            .all(|finding| {
                // The tables beyond the structs are this test's own.
                finding.object.relation.starts_with("more_")
            })
    );
}

/// A table with rows, and three indexes on it that are built concurrently.
fn indexed() -> Project {
    let project = Project::new();
    project.seal_sql(
        "rows",
        "create table public.much (id int primary key, a int not null, b text not null);\n\
         insert into public.much select n, n % 97, n::text from pg_catalog.generate_series(1, 60000) n;",
        "drop table public.much;",
    );
    for (name, columns) in [("one", "a"), ("two", "b, a"), ("three", "b")] {
        let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
        project.seal_text(
            name,
            &format!("{header}create index concurrently much_{name} on public.much ({columns});\n"),
            &format!("{header}drop index concurrently public.much_{name};\n"),
        );
    }
    project
}

#[tokio::test]
async fn killed_while_an_index_is_built_or_dropped() {
    let (database, project) = (database().await, indexed());
    let set = project.load();
    let all = set.iter().count();
    let first = set.iter().next().unwrap().version.clone();
    let back = ["rollback", "--to", &first, "--accept-data-loss"];
    finish(&project, database.url(), &["apply"]);
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let up = catalog(&engine).await;
    let begun = Instant::now();
    finish(&project, database.url(), &back);
    let whole = begun.elapsed().max(Duration::from_millis(120));
    let down = catalog(&engine).await;
    let mut begun_and_cut = 0;
    for round in 0..16u32 {
        let words: &[&str] = if round % 2 == 0 { &["apply"] } else { &back };
        for share in 0..3 {
            let mut child = start(&project, database.url(), words);
            tokio::time::sleep(whole * (round % 8 * 3 + share) / 24).await;
            child.kill().expect("SIGKILL");
            child.wait().unwrap();
            let history = engine.history().await.unwrap();
            check_walk(&history, &set);
            let last = history.last().map(|entry| entry.event);
            begun_and_cut += usize::from(last == Some(Event::Started));
        }
        finish(&project, database.url(), words);
        let applied = check_walk(&engine.history().await.unwrap(), &set);
        let (expected, count) = if round % 2 == 0 {
            (&up, all)
        } else {
            (&down, 1)
        };
        assert_eq!(applied, count, "round {round}");
        assert_eq!(expected.diff(&catalog(&engine).await), [], "round {round}");
        let client = migrate_support::client(database.url()).await;
        let invalid = "select count(*) from pg_index where not (indisvalid and indisready)";
        let invalid: i64 = client.query_one(invalid, &[]).await.unwrap().get(0);
        assert_eq!(invalid, 0, "round {round}");
    }
    assert!(
        begun_and_cut > 2,
        "only {begun_and_cut} kills hit a statement that had begun; the test proves too little"
    );
}
