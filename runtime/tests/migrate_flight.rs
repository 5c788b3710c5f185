//! Many files on their way at once: each waits for those ahead of it to have committed, whatever becomes of
//! them, and none runs behind one that did not.

mod migrate_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate_support::{Project, client, database};
use tabellion::migrate::{
    ApplyOptions, Approve, Event, MigrateError, Migrator, Progress, RollbackOptions, RollbackTarget,
};
use tabellion::testing::TestDatabase;

/// More than are on their way at once.
const FILES: usize = 40;
const ALL: ApplyOptions = ApplyOptions { to: None };
const LOCK: i64 = 0x7461_6265_6c6c_696f;

fn back() -> RollbackOptions {
    RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: true,
    }
}

/// A table each; some files otherwise.
fn project(others: &[(usize, &str, &str)]) -> Project {
    let project = Project::new();
    for number in 1..=FILES {
        let other = others.iter().find(|(other, ..)| *other == number);
        match other {
            Some((_, up, down)) if up.contains("no-transaction") => {
                project.seal_text(&format!("file_{number}"), up, down);
            }
            Some((_, up, down)) => {
                project.seal_sql(&format!("file_{number}"), up, down);
            }
            None => {
                project.seal_sql(
                    &format!("file_{number}"),
                    &format!("create table public.made_{number} (id int);\n"),
                    &format!("drop table public.made_{number};\n"),
                );
            }
        }
    }
    project
}

async fn made(database: &TestDatabase) -> i64 {
    let query = "select count(*) from pg_class where relname like 'made\\_%' and relkind = 'r'";
    let row = client(database.url()).await.query_one(query, &[]).await;
    row.unwrap().get(0)
}

async fn run(database: &TestDatabase, sql: &str) {
    let ran = client(database.url()).await.batch_execute(sql).await;
    ran.unwrap();
}

async fn engine(database: &TestDatabase) -> Migrator {
    Migrator::connect(database.url()).await.unwrap()
}

/// Event and name of every row.
async fn rows(engine: &mut Migrator) -> Vec<(Event, String)> {
    let history = engine.history().await.unwrap();
    let rows = history.into_iter().map(|entry| (entry.event, entry.name));
    rows.collect()
}

/// What each of those files is, applied one after the other.
fn applied(numbers: impl IntoIterator<Item = usize>) -> Vec<(Event, String)> {
    let row = |number| (Event::Applied, format!("file_{number}"));
    numbers.into_iter().map(row).collect()
}

/// Waits until a query says so.
async fn until(database: &TestDatabase, query: &str) {
    let watch = client(database.url()).await;
    for _ in 0..3000 {
        let row = watch.query_one(query, &[]).await.unwrap();
        if row.get(0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come to `{query}`");
}

const HELD_UP: &str = "select count(*) > 0 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'relation'";

#[tokio::test]
async fn each_runs_once_and_is_told_in_its_turn() {
    let (database, project) = (database().await, project(&[]));
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let mut engine = engine(&database).await.observe(move |progress| {
        let word = match progress {
            Progress::Running(migration, _) => format!("running {}", migration.name),
            Progress::Done(entry) => format!("done {}", entry.name),
            _ => "other".to_owned(),
        };
        ear.lock().unwrap().push(word);
    });
    let set = project.load();
    let done = engine.apply(&set, &ALL).await.unwrap();
    assert_eq!(done.len(), FILES);
    let words = (1..=FILES).flat_map(|n| [format!("running file_{n}"), format!("done file_{n}")]);
    let words: Vec<_> = words.collect();
    assert_eq!(*told.lock().unwrap(), words);
    assert_eq!(rows(&mut engine).await, applied(1..=FILES));
    assert_eq!(made(&database).await, i64::try_from(FILES).unwrap());

    let done = engine.rollback(&set, &back()).await.unwrap();
    let backwards: Vec<_> = set.iter().rev().map(|m| m.version.clone()).collect();
    let undone: Vec<_> = done.into_iter().map(|entry| entry.version).collect();
    assert_eq!(undone, backwards);
    assert_eq!(made(&database).await, 0);
}

/// A statement that fails; one that the server cannot read, so that not even `begin` is run; a constraint that
/// fails the commit, after which no transaction is open.
const FAILURES: [(&str, &str, &str); 3] = [
    (
        "create table public.third (id int);\nselect 1 / 0;\n",
        "22012",
        "line 5",
    ),
    ("create tabel public.third (id int);\n", "42601", "line"),
    (
        "create table public.third (id int unique deferrable initially deferred);\n\
         insert into public.third values (1), (1);\n",
        "23505",
        "line",
    ),
];

#[tokio::test]
async fn behind_one_that_fails_none_runs() {
    for (up, code, line) in FAILURES {
        let (database, project) = (database().await, project(&[(3, up, "select 1;\n")]));
        let mut engine = engine(&database).await;
        let set = project.load();
        for failed in 1..3 {
            let error = engine.apply(&set, &ALL).await.unwrap_err();
            let MigrateError::Statement(failure) = &error else {
                panic!("{error}");
            };
            assert!(failure.file.ends_with("_file_3.sql"), "{error}");
            assert_eq!(failure.code, code, "{error}");
            assert!(error.to_string().contains(line), "{error}");
            let mut expected = applied([1, 2]);
            expected.extend((0..failed).map(|_| (Event::Failed, "file_3".to_owned())));
            assert_eq!(rows(&mut engine).await, expected);
            assert_eq!(made(&database).await, 2);
            until(&database, "select to_regclass('public.third') is null").await;
        }
    }
}

#[tokio::test]
async fn behind_a_rollback_that_fails_none_runs() {
    let (database, project) = (
        database().await,
        project(&[(38, "select 1;\n", "select 1 / 0;\n")]),
    );
    let mut engine = engine(&database).await;
    let set = project.load();
    engine.apply(&set, &ALL).await.unwrap();
    let error = engine.rollback(&set, &back()).await.unwrap_err();
    assert!(error.to_string().contains("22012"), "{error}");
    let rows = rows(&mut engine).await;
    let names = |event| {
        rows.iter()
            .filter(move |row| row.0 == event)
            .map(|row| row.1.as_str())
    };
    let undone: Vec<_> = names(Event::RolledBack).collect();
    assert_eq!(undone, ["file_40", "file_39"]);
    assert_eq!(names(Event::Failed).collect::<Vec<_>>(), ["file_38"]);
    assert_eq!(made(&database).await, 37);
}

#[tokio::test]
async fn one_outside_a_transaction_takes_its_place_among_them() {
    let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
    let (database, project) = (
        database().await,
        project(&[(
            7,
            &format!("{header}create index concurrently seventh on public.made_6 (id);\n"),
            &format!("{header}drop index concurrently public.seventh;\n"),
        )]),
    );
    let mut engine = engine(&database).await;
    let set = project.load();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), FILES);
    let mut expected = applied(1..=FILES);
    expected.insert(6, (Event::Started, "file_7".to_owned()));
    assert_eq!(rows(&mut engine).await, expected);
    assert_eq!(engine.rollback(&set, &back()).await.unwrap().len(), FILES);
    assert_eq!(made(&database).await, 0);
}

/// A file that waits for a table while others are on their way behind it; what somebody does meanwhile is
/// entered once the file has committed, or before.
async fn held_up_at_the_third(database: &TestDatabase) -> (Project, tokio_postgres::Client) {
    let project = project(&[(
        3,
        "alter table public.gate add column passed int;\n",
        "alter table public.gate drop column passed;\n",
    )]);
    run(database, "create table public.gate (id int)").await;
    let gate = client(database.url()).await;
    let close = "begin; lock table public.gate in access exclusive mode";
    gate.batch_execute(close).await.unwrap();
    (project, gate)
}

#[tokio::test]
async fn a_row_that_comes_between_stops_those_on_their_way_until_it_is_read() {
    let database = database().await;
    let (project, gate) = held_up_at_the_third(&database).await;
    let set = project.load();
    let mut applier = engine(&database).await;
    let own = set.clone();
    let work = tokio::spawn(async move { applier.apply(&own, &ALL).await });
    until(&database, HELD_UP).await;
    let fifth = set.iter().nth(4).unwrap().version.clone();
    let mut other = engine(&database).await;
    let approve = Approve::Versions(vec![fifth]);
    other.approve(&set, &approve, "Ada", None).await.unwrap();
    gate.batch_execute("commit").await.unwrap();
    assert_eq!(work.await.unwrap().unwrap().len(), FILES);
    let rows = rows(&mut other).await;
    let runs: Vec<_> = rows
        .into_iter()
        .filter(|(event, _)| *event != Event::Approved)
        .collect();
    assert_eq!(runs, applied(1..=FILES));
}

#[tokio::test]
async fn what_is_rolled_back_between_ends_the_run() {
    let database = database().await;
    let (project, gate) = held_up_at_the_third(&database).await;
    let set = project.load();
    let mut applier = engine(&database).await;
    let own = set.clone();
    let work = tokio::spawn(async move { applier.apply(&own, &ALL).await });
    until(&database, HELD_UP).await;
    let first = set.iter().next().unwrap();
    let insert = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, duration_ms, tool)
         values ('rolled_back', '{}', '{}', '{}', '{}', 0, 'test')",
        first.version, first.name, first.checksum, first.rollback_checksum
    );
    run(&database, &insert).await;
    gate.batch_execute("commit").await.unwrap();
    let error = work.await.unwrap().unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    let mut expected = applied([1, 2]);
    expected.push((Event::RolledBack, "file_1".to_owned()));
    expected.extend(applied([3]));
    assert_eq!(rows(&mut engine(&database).await).await, expected);
}

#[tokio::test]
async fn whoever_takes_the_lock_between_stops_those_on_their_way() {
    let database = database().await;
    let (project, gate) = held_up_at_the_third(&database).await;
    let set = project.load();
    let told = Arc::new(Mutex::new(0));
    let ear = Arc::clone(&told);
    let mut applier = engine(&database).await.observe(move |progress| {
        if let Progress::Waiting(_) = progress {
            *ear.lock().unwrap() += 1;
        }
    });
    let own = set.clone();
    let work = tokio::spawn(async move { applier.apply(&own, &ALL).await });
    until(&database, HELD_UP).await;
    // It queues, and has the lock as soon as the third has committed.
    let holder = client(database.url()).await;
    let take = format!("begin; select pg_advisory_xact_lock({LOCK})");
    let (taken, opened) = tokio::join!(holder.batch_execute(&take), async {
        let queued =
            "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted";
        until(&database, queued).await;
        gate.batch_execute("commit").await
    });
    taken.unwrap();
    opened.unwrap();
    let mut other = engine(&database).await;
    while *told.lock().unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rows(&mut other).await, applied([1, 2, 3]));
    holder.batch_execute("commit").await.unwrap();
    assert_eq!(work.await.unwrap().unwrap().len(), FILES);
    assert_eq!(rows(&mut other).await, applied(1..=FILES));
}

#[tokio::test]
async fn the_session_ended_with_many_on_their_way() {
    let database = database().await;
    let (project, gate) = held_up_at_the_third(&database).await;
    let set = project.load();
    let mut applier = engine(&database).await;
    let own = set.clone();
    let work = tokio::spawn(async move { applier.apply(&own, &ALL).await });
    until(&database, HELD_UP).await;
    run(
        &database,
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'relation'",
    )
    .await;
    gate.batch_execute("commit").await.unwrap();
    let error = work.await.unwrap().unwrap_err();
    assert!(matches!(error, MigrateError::Connection(_)), "{error}");
    let mut next = engine(&database).await;
    assert_eq!(rows(&mut next).await, applied([1, 2]));
    assert_eq!(next.apply(&set, &ALL).await.unwrap().len(), FILES - 2);
    assert_eq!(rows(&mut next).await, applied(1..=FILES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_at_once() {
    let (database, project) = (database().await, project(&[]));
    let set = project.load();
    for _ in 0..2 {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (url, set) = (database.url().to_owned(), set.clone());
                tokio::spawn(async move {
                    let mut engine = Migrator::connect(&url).await.unwrap();
                    engine.apply(&set, &ALL).await.unwrap().len()
                })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += task.await.unwrap();
        }
        assert_eq!(done, FILES);
        let mut engine = engine(&database).await;
        let all = rows(&mut engine).await;
        assert_eq!(all[all.len() - FILES..], applied(1..=FILES));
        engine.rollback(&set, &back()).await.unwrap();
    }
}

#[tokio::test]
async fn given_up_with_many_on_their_way() {
    let database = database().await;
    let (project, gate) = held_up_at_the_third(&database).await;
    let set = project.load();
    let mut applier = engine(&database).await;
    let own = set.clone();
    let work = tokio::spawn(async move { applier.apply(&own, &ALL).await });
    until(&database, HELD_UP).await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    gate.batch_execute("commit").await.unwrap();
    // The server goes on with what it was sent, while the next one applies too.
    let mut next = engine(&database).await;
    next.apply(&set, &ALL).await.unwrap();
    assert_eq!(rows(&mut next).await, applied(1..=FILES));
    assert_eq!(made(&database).await, i64::try_from(FILES - 1).unwrap());
}
