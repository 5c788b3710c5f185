//! Through PgBouncer, which gives a client a session for a transaction and takes it back.

use tabellion::migrate::{Migrator, Pooler, RollbackTarget, Target};

use crate::pgbouncer::PgBouncer;
use crate::support::{Project, database};
use crate::{ALL, back, events, text};

async fn engine(pooler: &PgBouncer) -> Migrator {
    let engine = Migrator::connect(&pooler.url)
        .await
        .expect("through the pooler");
    engine.target(Target {
        pooler: Pooler::Transaction,
        ..Target::default()
    })
}

const HEADER: &str = "-- Draft.\n-- tabellion: no-transaction\n\n";

fn project() -> Project {
    let project = Project::sealed();
    project.seal_text(
        "total",
        &format!("{HEADER}create index concurrently order_total on public.\"order\" (total);\n"),
        &format!("{HEADER}drop index concurrently public.order_total;\n"),
    );
    project
}

#[tokio::test]
async fn status_apply_verify_and_rollback_work() {
    let (database, project) = (database().await, project());
    let pooler = PgBouncer::start(database.url()).await;
    let (set, mut engine) = (project.load(), engine(&pooler).await);
    assert_eq!(engine.status(&set).await.unwrap().pending(), 4);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 4);
    let valid =
        "select indisvalid::text from pg_index where indexrelid = 'public.order_total'::regclass";
    assert_eq!(text(&database, valid).await.as_deref(), Some("true"));
    assert_eq!(engine.status(&set).await.unwrap().pending(), 0);
    // The index is none that the sealed schema has.
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
    let all = back(RollbackTarget::All);
    assert_eq!(engine.rollback(&set, &all).await.unwrap().len(), 4);
    let history = engine.history().await.unwrap();
    let expected = [
        "applied", "applied", "applied", "started", "applied", "started",
    ];
    assert_eq!(events(&history)[..6], expected);
    assert_eq!(
        engine.snapshot(["public"]).await.unwrap().tables().count(),
        0
    );
}

#[tokio::test]
async fn what_another_client_left_in_a_session_does_not_matter() {
    let (database, project) = (database().await, Project::sealed());
    let pooler = PgBouncer::start(database.url()).await;
    let set = project.load();
    leave(&pooler, "pg_read_all_data").await;
    let mut engine = engine(&pooler).await;
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 3);
    let owner = "select relowner::regrole::text from pg_class where oid = 'public.order'::regclass";
    assert_eq!(text(&database, owner).await.as_deref(), Some("postgres"));
    leave(&pooler, "pg_monitor").await;
    assert_eq!(engine.status(&set).await.unwrap().pending(), 0);
    leave(&pooler, "pg_monitor").await;
    assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
    leave(&pooler, "pg_monitor").await;
    let all = back(RollbackTarget::All);
    assert_eq!(engine.rollback(&set, &all).await.unwrap().len(), 3);
}

/// Each client holds a session of the pooler while it leaves a role and settings there.
async fn leave(pooler: &PgBouncer, role: &str) {
    let mut others = Vec::new();
    for _ in 0..3 {
        let client = crate::support::client(&pooler.url).await;
        let left = format!(
            "begin; set role {role}; set search_path = nowhere; set statement_timeout = '20s'"
        );
        client.batch_execute(&left).await.unwrap();
        others.push(client);
    }
    for client in &others {
        client.batch_execute("commit").await.unwrap();
    }
}

#[tokio::test]
async fn several_at_once_run_each_migration_once() {
    let (database, project) = (database().await, project());
    let pooler = PgBouncer::start(database.url()).await;
    let set = std::sync::Arc::new(project.load());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (set, mut engine) = (std::sync::Arc::clone(&set), engine(&pooler).await);
        tasks.spawn(async move { engine.apply(&set, &ALL).await });
    }
    let mut done = 0;
    while let Some(result) = tasks.join_next().await {
        done += result.unwrap().expect("both succeed").len();
    }
    assert_eq!(done, 4);
}
