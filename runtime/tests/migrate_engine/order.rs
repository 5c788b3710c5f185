//! The order of the ledger's rows, which says what is applied, whatever the sequence of their numbers says.

use tabellion::migrate::{
    Adopt, ApplyOptions, Approve, MigrateError, Migrator, Repair, RollbackOptions, RollbackTarget,
    Target,
};
use tabellion::testing::TestDatabase;
use tokio_postgres::error::SqlState;

use crate::support::{Project, client, database};
use crate::{engine, events, run, text, versions};

const ALL: ApplyOptions = ApplyOptions { to: None };

/// Three migrations that leave traces of every run, applied and undone.
async fn there_and_back() -> (TestDatabase, Project, Migrator) {
    let (database, project) = (database().await, Project::new());
    run(
        &database,
        "create table public.runs (id bigserial, name text)",
    )
    .await;
    for name in ["one", "two", "three"] {
        project.seal_sql(
            name,
            &format!("insert into public.runs (name) values ('{name}');\n"),
            "select 1;\n",
        );
    }
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    let all = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: true,
    };
    engine.rollback(&set, &all).await.unwrap();
    run(&database, "truncate public.runs").await;
    (database, project, engine)
}

const RUNS: &str = "select string_agg(name, ' ' order by id) from public.runs";

#[tokio::test]
async fn a_sequence_that_was_set_back_makes_no_second_run() {
    let (database, project, mut engine) = there_and_back().await;
    run(&database, "select setval('tabellion.ledger_id_seq', 3)").await;
    let set = project.load();
    let done = engine.apply(&set, &ALL).await.unwrap();
    assert_eq!(events(&done), ["applied"; 3]);
    assert_eq!(
        text(&database, RUNS).await.as_deref(),
        Some("one two three")
    );
    let ids: Vec<i64> = done.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [7, 8, 9]);
    assert!(engine.verify(&set).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn rows_out_of_order_run_nothing_twice() {
    let (database, project, mut engine) = there_and_back().await;
    // Numbered below every other.
    run(
        &database,
        "create or replace function tabellion.stamp_row() returns trigger language plpgsql
         security definer set search_path = '' as $$ begin
           new.id := -pg_catalog.nextval('tabellion.ledger_id_seq');
           new.actor := session_user; new.at := now(); return new; end $$",
    )
    .await;
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("_one` has run and the ledger does not hold it as applied"),
        "{error}"
    );
    assert_eq!(text(&database, RUNS).await.as_deref(), Some("one"));
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_not_entered() {
    let (database, _project, mut engine) = there_and_back().await;
    let login = database.create_login("deploy", &[]).await.unwrap();
    run(
        &database,
        &format!(
            "grant usage on schema tabellion to deploy_{0}; grant select, insert on tabellion.ledger to deploy_{0};
             grant usage on sequence tabellion.ledger_id_seq to deploy_{0}",
            database.name()
        ),
    )
    .await;
    let before = engine.history().await.unwrap();
    let entered = client(&login)
        .await
        .batch_execute(
            "insert into tabellion.ledger
               (event, version, name, checksum, rollback_checksum, duration_ms, tool)
             select 'zzz', version, name, checksum, rollback_checksum, 0, 'x' from tabellion.ledger where id = 1",
        )
        .await;
    let code = entered.unwrap_err().code().cloned();
    assert_eq!(code, Some(SqlState::CHECK_VIOLATION));
    assert_eq!(engine.history().await.unwrap(), before);
}

#[tokio::test]
async fn what_is_said_forges_no_line() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let first = &versions(&set)[0];
    let all = Approve::AllPending;
    for forged in [
        "Ana\n20260101000000 forged",
        "Ana\u{1b}[2K",
        "Ana\u{202e}naB",
        "a\u{2028}b",
        "a\rb",
    ] {
        let mut plain = engine(database.url()).await;
        let mut behalf = engine(database.url()).await.on_behalf_of(forged);
        let mut named = engine(database.url()).await.target(Target {
            name: Some(forged.into()),
            ..Target::default()
        });
        for error in [
            plain.approve(&set, &all, forged, None).await.err(),
            plain.approve(&set, &all, "Ana", Some(forged)).await.err(),
            plain
                .repair(&set, first, Repair::Applied, "Ana", forged)
                .await
                .err(),
            plain.claim(forged, "why").await.err(),
            plain
                .adopt(&set, &Adopt::All, &[], Some(forged))
                .await
                .err(),
            behalf.apply(&set, &ALL).await.err(),
            named.apply(&set, &ALL).await.err(),
        ] {
            let error = error.expect("it is refused");
            assert!(
                matches!(&error, MigrateError::Request(text) if text.contains("control character")),
                "{forged:?}: {error}"
            );
        }
        assert_eq!(plain.history().await.unwrap(), []);
    }
    // What somebody has entered past the engine is shown for what it is.
    let mut engine = engine(database.url()).await;
    engine
        .approve(&set, &all, "Zoë O'Hara-李", Some("read it\n"))
        .await
        .unwrap();
    let approved = engine.history().await.unwrap();
    assert_eq!(
        (
            approved[0].on_behalf_of.as_deref(),
            approved[0].note.as_deref()
        ),
        (Some("Zoë O'Hara-李"), Some("read it"))
    );
    run(
        &database,
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, on_behalf_of, duration_ms, tool)
         select 'approved', version, name, checksum, rollback_checksum, e'Eve\\nforged \\u202e', 0, 'x'
         from tabellion.ledger where id = 1",
    )
    .await;
    let history = engine.history().await.unwrap();
    let shown = history.last().unwrap().on_behalf_of.as_deref();
    assert_eq!(shown, Some("Eve\\nforged \\u{202e}"));
}
