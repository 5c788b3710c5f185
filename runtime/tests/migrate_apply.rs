//! Applying and undoing on a real server: exactly once, in order, or not at all.

mod migrate_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate_support::{Project, client, database};
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
