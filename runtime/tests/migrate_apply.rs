//! Applying and undoing on a real server: exactly once, in order, or not at all.

mod migrate_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate_support::{Project, client, database, step};
use tabellion::catalog::Kind;
use tabellion::migrate::{
    ApplyOptions, Entry, Event, MigrateError, Migrations, Migrator, Progress, RollbackOptions,
    RollbackTarget,
};

const ALL: ApplyOptions = ApplyOptions { to: None };
const SCHEMAS: [&str; 2] = ["public", "Desk"];

fn back(target: RollbackTarget) -> RollbackOptions {
    RollbackOptions {
        target,
        accept_data_loss: true,
        accept_wider_access: false,
    }
}

async fn engine(url: &str) -> Migrator {
    Migrator::connect(url).await.expect("the engine connects")
}

fn versions(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.version.as_str()).collect()
}

fn all_versions(set: &Migrations) -> Vec<&str> {
    set.iter()
        .map(|migration| migration.version.as_str())
        .collect()
}

#[tokio::test]
async fn up_down_up_ends_where_it_was() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = engine(database.url())
        .await
        .on_behalf_of("Ana from release");

    let before = engine.status(&set).await.unwrap();
    assert_eq!((before.pending(), before.problems.len()), (3, 0));
    let empty = engine.snapshot(SCHEMAS).await.unwrap();
    assert_eq!(empty.tables().count(), 0);

    // Each step, down and up again, gives the same catalog.
    let mut snapshots = vec![empty];
    for version in all_versions(&set) {
        let to = ApplyOptions {
            to: Some(version.to_owned()),
        };
        let done = engine.apply(&set, &to).await.unwrap();
        assert_eq!(versions(&done), [version]);
        snapshots.push(engine.snapshot(SCHEMAS).await.unwrap());
    }
    assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
    let last = snapshots.last().unwrap();
    assert_eq!(last.tables().count(), 2);
    for kind in [
        Kind::Policy,
        Kind::Grant,
        Kind::Sequence,
        Kind::Comment,
        Kind::Constraint,
    ] {
        assert!(
            last.objects.keys().any(|object| object.kind == kind),
            "{kind:?}\n{last}"
        );
    }
    for expected in snapshots.iter().rev().skip(1) {
        let done = engine
            .rollback(&set, &back(RollbackTarget::Steps(1)))
            .await
            .unwrap();
        assert_eq!(done.len(), 1);
        let found = engine.snapshot(SCHEMAS).await.unwrap();
        assert_eq!(expected.diff(&found), []);
    }
    assert_eq!(
        engine
            .rollback(&set, &back(RollbackTarget::All))
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        versions(&engine.apply(&set, &ALL).await.unwrap()),
        all_versions(&set)
    );
    assert_eq!(last.diff(&engine.snapshot(SCHEMAS).await.unwrap()), []);

    let history = engine.history().await.unwrap();
    let events: Vec<Event> = history.iter().map(|entry| entry.event).collect();
    assert_eq!(
        events,
        [
            [Event::Applied; 3],
            [Event::RolledBack; 3],
            [Event::Applied; 3]
        ]
        .concat()
    );
    for entry in &history {
        assert_eq!(entry.on_behalf_of.as_deref(), Some("Ana from release"));
        assert_eq!(entry.checksum, set.get(&entry.version).unwrap().checksum);
        assert!(entry.tool.starts_with("tabellion ") && entry.duration_ms >= 0);
    }
    let status = engine.status(&set).await.unwrap();
    assert_eq!(status.pending(), 0);
}

#[tokio::test]
async fn rollback_to_a_version_keeps_it() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = engine(database.url()).await;
    engine.apply(&set, &ALL).await.unwrap();
    let first = all_versions(&set)[0].to_owned();
    let to = back(RollbackTarget::To(first.clone()));
    assert_eq!(engine.rollback(&set, &to).await.unwrap().len(), 2);
    assert_eq!(engine.rollback(&set, &to).await.unwrap(), []);
    assert_eq!(engine.status(&set).await.unwrap().pending(), 2);
    let unknown = back(RollbackTarget::To("20000101000000".into()));
    let error = engine.rollback(&set, &unknown).await.unwrap_err();
    assert!(matches!(error, MigrateError::Request(_)), "{error}");
}

#[tokio::test]
async fn eight_appliers_at_once_run_each_migration_once() {
    let (database, project) = (database().await, Project::sealed());
    for number in 0..9 {
        project.seal_sql(
            &format!("more_{number}"),
            &format!("create table public.more_{number} (id int);"),
            &format!("drop table public.more_{number};"),
        );
    }
    let set = Arc::new(project.load());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (set, url) = (Arc::clone(&set), database.url().to_owned());
        tasks.spawn(async move { engine(&url).await.apply(&set, &ALL).await });
    }
    let mut done = Vec::new();
    while let Some(result) = tasks.join_next().await {
        done.extend(result.unwrap().expect("every applier succeeds"));
    }
    done.sort_by_key(|entry| entry.id);
    assert_eq!(versions(&done), all_versions(&set));
    let history = engine(database.url()).await.history().await.unwrap();
    assert_eq!(versions(&history), all_versions(&set));
}

#[tokio::test]
async fn eight_rollbacks_at_once_undo_each_migration_once() {
    let (database, project) = (database().await, Project::sealed());
    let set = Arc::new(project.load());
    engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (set, url) = (Arc::clone(&set), database.url().to_owned());
        tasks.spawn(async move {
            engine(&url)
                .await
                .rollback(&set, &back(RollbackTarget::All))
                .await
        });
    }
    let mut undone = 0;
    while let Some(result) = tasks.join_next().await {
        undone += result.unwrap().expect("every one succeeds").len();
    }
    assert_eq!(undone, 3);
    assert_eq!(
        engine(database.url()).await.history().await.unwrap().len(),
        6
    );
}

#[tokio::test]
async fn a_failing_statement_is_named_and_leaves_nothing() {
    let (database, project) = (database().await, Project::sealed());
    project.seal_sql(
        "broken",
        "create table public.half (id int);\n\ninsert into public.half values (1);\n\
         drop table\n  public.nowhere;\nselect 1;",
        "drop table public.half;",
    );
    let set = project.load();
    let mut engine = engine(database.url()).await;
    let MigrateError::Statement(failure) = engine.apply(&set, &ALL).await.unwrap_err() else {
        panic!("the statement fails");
    };
    assert!(failure.file.starts_with("migrations/") && failure.file.ends_with("_broken.sql"));
    let text = project.read(&failure.file);
    assert_eq!(
        text.lines().nth(failure.line - 1),
        Some("drop table"),
        "{failure}"
    );
    assert_eq!(
        (failure.statement.as_str(), failure.code.as_str()),
        ("drop table", "42P01")
    );
    assert!(failure.message.contains("nowhere"), "{failure}");
    // What came before it stays, and it left nothing.
    assert_eq!(engine.status(&set).await.unwrap().pending(), 1);
    assert_eq!(engine.history().await.unwrap().len(), 3);
    let found = engine.snapshot(["public"]).await.unwrap();
    assert!(
        found.tables().all(|table| table.relation != "half"),
        "{found}"
    );
}

#[tokio::test]
async fn a_syntax_error_is_named_by_its_own_line() {
    let (database, project) = (database().await, Project::new());
    project.seal_sql(
        "odd",
        "select 'ü';\ncreate table public.a (\n  id int,\n  nonsense\n);",
        "select 1;",
    );
    let MigrateError::Statement(failure) = engine(database.url())
        .await
        .apply(&project.load(), &ALL)
        .await
        .unwrap_err()
    else {
        panic!("the statement fails");
    };
    let text = project.read(&failure.file);
    assert_eq!(text.lines().nth(failure.line - 1), Some(");"), "{failure}");
    assert_eq!(failure.statement, "create table public.a (");
}

#[tokio::test]
async fn no_error_quotes_a_row() {
    let (database, project) = (database().await, Project::new());
    let secret = "mail@example.org";
    project.seal_sql(
        "one",
        "create table public.p (mail text);",
        "drop table public.p;",
    );
    let set = project.load();
    let mut engine = engine(database.url()).await;
    engine.apply(&set, &ALL).await.unwrap();
    let client = client(database.url()).await;
    let rows = format!("insert into public.p values ('{secret}'), ('{secret}')");
    client.batch_execute(&rows).await.unwrap();
    for (index, sql) in [
        "alter table public.p alter mail type int using mail::int;",
        "alter table public.p add constraint u unique (mail);",
        "alter table public.p add constraint c check (mail = '');",
    ]
    .into_iter()
    .enumerate()
    {
        let project = Project::new();
        project.seal_sql(
            "one",
            "create table public.p (mail text);",
            "drop table public.p;",
        );
        project.seal_sql(&format!("bad_{index}"), sql, "select 1;");
        // The first migration is the same file under another date.
        let database = migrate_support::database().await;
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let set = project.load();
        let first = ApplyOptions {
            to: Some(all_versions(&set)[0].to_owned()),
        };
        engine.apply(&set, &first).await.unwrap();
        migrate_support::client(database.url())
            .await
            .batch_execute(&rows)
            .await
            .unwrap();
        let error = engine.apply(&set, &ALL).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        assert!(matches!(error, MigrateError::Statement(_)), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_controls_its_transaction_is_refused_before_anything_runs() {
    for sql in [
        "create table public.a (id int);\ncommit;",
        "BEGIN;\nselect 1;",
        "/* x */ start transaction;",
        "end",
        "rollback;",
        "prepare transaction 'x';",
        "copy public.a from stdin;",
        "\\i other.sql",
        "select 'open",
    ] {
        let (database, project) = (database().await, Project::sealed());
        project.seal_sql("bad", sql, "select 1;");
        let mut engine = engine(database.url()).await;
        let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
        assert!(matches!(error, MigrateError::Files(_)), "{sql}: {error}");
        assert!(error.to_string().contains("line "), "{sql}: {error}");
        assert_eq!(engine.history().await.unwrap(), [], "{sql}");
    }
}

#[tokio::test]
async fn a_no_transaction_file_is_refused_before_anything_runs() {
    let (database, project) = (database().await, Project::sealed());
    let up = "-- Draft.\n-- tabellion: no-transaction\n\nselect 1;\n";
    project.draw_text(&step(3), up, "select 1;\n");
    project.seal("alone");
    let mut engine = engine(database.url()).await;
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    assert!(
        error.to_string().contains("outside a transaction"),
        "{error}"
    );
    assert_eq!(engine.history().await.unwrap(), []);
}

#[tokio::test]
async fn what_a_file_sets_does_not_outlive_it() {
    let (database, project) = (database().await, Project::new());
    project.seal_sql(
        "sets",
        "create role migrate_test_weak nologin;\nset search_path = nowhere;\n\
         select set_config('lock_timeout', '1ms', false);\nset role migrate_test_weak; -- end",
        "drop role migrate_test_weak;",
    );
    project.seal_sql(
        "sees",
        "do $$ begin\n\
         assert current_setting('search_path') <> 'nowhere' and current_user = session_user;\n\
         assert current_setting('lock_timeout') = '0';\nend $$",
        "select 1;",
    );
    let set = project.load();
    let mut engine = engine(database.url()).await;
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 2);
    engine
        .rollback(&set, &back(RollbackTarget::All))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_held_lock_is_waited_for_and_its_holder_named() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let holder = client(database.url()).await;
    holder
        .batch_execute(
            "set application_name = 'the other'; begin; \
             select pg_advisory_xact_lock(8386092168890837359)",
        )
        .await
        .unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let mut engine = engine(database.url())
        .await
        .lock_wait(Duration::from_millis(200))
        .observe(move |progress| {
            if let Progress::Waiting(holder) = progress {
                listener.lock().unwrap().push(holder.to_owned());
            }
        });
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::Held(_)), "{error}");
    assert!(error.to_string().contains("(the other)"), "{error}");
    assert_eq!(told.lock().unwrap().len(), 1);
    assert_eq!(engine.history().await.unwrap(), []);

    let mut engine = engine.lock_wait(Duration::from_secs(20));
    let (done, ()) = tokio::join!(engine.apply(&set, &ALL), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        holder.batch_execute("rollback").await.unwrap();
    });
    assert_eq!(done.unwrap().len(), 3);
}

#[tokio::test]
async fn defaults_of_the_login_do_not_matter() {
    let (database, project) = (database().await, Project::sealed());
    let name = database.name();
    client(database.url())
        .await
        .batch_execute(&format!(
            "alter database {name} set default_transaction_isolation = 'serializable';
             alter database {name} set default_transaction_read_only = on;
             alter database {name} set search_path = ''"
        ))
        .await
        .unwrap();
    let mut engine = engine(database.url()).await;
    assert_eq!(engine.apply(&project.load(), &ALL).await.unwrap().len(), 3);
    let found = engine.verify(&project.load()).await.unwrap();
    assert!(found.is_clean(), "{found}");
}

#[tokio::test]
async fn a_constraint_that_fails_at_commit_leaves_nothing() {
    let (database, project) = (database().await, Project::new());
    project.seal_sql(
        "late",
        "create table public.late (id int primary key, up int references public.late \
         deferrable initially deferred);\ninsert into public.late values (1, 2);",
        "drop table public.late;",
    );
    let mut engine = engine(database.url()).await;
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    let MigrateError::Statement(failure) = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (failure.code.as_str(), &failure.statement[..6]),
        ("23503", "commit")
    );
    assert_eq!(
        engine.snapshot(["public"]).await.unwrap().tables().count(),
        0
    );
    assert_eq!(engine.history().await.unwrap(), []);
    // The connection still works, and the engine on it.
    assert_eq!(engine.status(&project.load()).await.unwrap().pending(), 1);
}
