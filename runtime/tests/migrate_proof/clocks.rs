//! Clocks that disagree: what the ledger says is decided by its order alone, and its times are the server's.

use std::fs;

use tabellion::migrate::{Event, RollbackOptions, RollbackTarget};
use tabellion::testing::TestDatabase;

use crate::support::{Project, client, database};
use crate::{ALL, HEADER, State, back, engine, rows};

fn project() -> Project {
    let project = Project::new();
    project.seal_sql(
        "one",
        "create table public.one (id int);\n",
        "drop table public.one;\n",
    );
    project.seal_text(
        "two",
        &format!(
            "{HEADER}create index concurrently one_id on public.one (id);\nanalyze public.one;\n"
        ),
        &format!("{HEADER}drop index concurrently public.one_id;\nanalyze public.one;\n"),
    );
    project.seal_sql(
        "three",
        "create table public.three (id int);\n",
        "drop table public.three;\n",
    );
    project
}

async fn run(database: &TestDatabase, sql: &str) {
    let client = client(database.url()).await;
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

fn steps(steps: usize) -> RollbackOptions {
    RollbackOptions {
        target: RollbackTarget::Steps(steps),
        ..back()
    }
}

#[tokio::test]
async fn rows_from_the_future_count_in_their_order() {
    let (database, project) = (database().await, project());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let last = &set.iter().next_back().unwrap().version;
    // Each event is entered by a server whose clock is set further back: the oldest lies in the future.
    for years in [0, 900, 600, 300, 0] {
        run(
            &database,
            &format!(
                "do $$ begin if to_regclass('tabellion.ledger') is not null then
                   create or replace function tabellion.stamp_row() returns trigger language plpgsql
                     security definer set search_path = '' as $f$ begin
                       new.id := nextval('tabellion.ledger_id_seq');
                       new.actor := session_user;
                       new.at := clock_timestamp() + interval '{years} years';
                       return new; end $f$;
                 end if; end $$"
            ),
        )
        .await;
        let (pending, state) = (
            engine.status(&set).await.unwrap().pending(),
            State::of(&mut engine).await,
        );
        if pending == 0 {
            assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
            state.stands(&mut engine, 0, "nothing is due").await;
            let undone = engine.rollback(&set, &steps(1)).await.unwrap();
            assert_eq!(undone[0].version, *last);
        } else {
            let done = engine.apply(&set, &ALL).await.unwrap();
            assert_eq!(done.len(), pending);
        }
    }
    let history = engine.history().await.unwrap();
    let at: Vec<_> = history.iter().map(|entry| entry.at.as_str()).collect();
    assert!(!at.is_sorted(), "{at:?}");
    let events: Vec<_> = rows(&history)
        .into_iter()
        .filter(|(event, ..)| event.applies().is_some())
        .map(|(event, name, _)| format!("{} {name}", event.as_str()))
        .collect();
    assert_eq!(
        events,
        [
            "applied one",
            "applied two",
            "applied three",
            "rolled_back three",
            "applied three",
            "rolled_back three",
            "applied three",
        ]
    );
    assert_eq!(engine.rollback(&set, &back()).await.unwrap().len(), 3);
    let found = engine.snapshot(["public"]).await.unwrap();
    assert_eq!(found.tables().count(), 0);
}

/// Instead of another machine's clock, the database has a function that tells another time.
#[tokio::test]
async fn a_server_ten_years_slow_enters_its_own_time() {
    let (database, project) = (database().await, project());
    run(
        &database,
        "set allow_system_table_mods = on;
         alter function pg_catalog.clock_timestamp() rename to true_clock_timestamp;
         create function pg_catalog.clock_timestamp() returns timestamptz language sql volatile
           as $$ select pg_catalog.true_clock_timestamp() - interval '10 years' $$",
    )
    .await;
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 3);
    assert_eq!(engine.rollback(&set, &steps(2)).await.unwrap().len(), 2);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 2);
    let status = engine.status(&set).await.unwrap();
    assert_eq!((status.pending(), status.problems.len()), (0, 0));
    let odd = "select count(*) from tabellion.ledger
        where at not between now() - interval '10 years 1 hour' and now() - interval '10 years' + interval '1 hour'
           or duration_ms not between 0 and 3600000";
    let row = client(database.url()).await.query_one(odd, &[]).await;
    assert_eq!(row.unwrap().get::<_, i64>(0), 0);
}

/// Sealed where the clock was ahead, or by someone whose files have come before.
#[tokio::test]
async fn versions_from_the_future_are_applied_and_followed() {
    let (database, project) = (database().await, project());
    let last = project.load().iter().next_back().unwrap().version.clone();
    for folder in ["migrations", "rollbacks"] {
        let old = project.path(&format!("{folder}/{last}_three.sql"));
        fs::rename(
            old,
            project.path(&format!("{folder}/29990101000000_three.sql")),
        )
        .unwrap();
    }
    let mut lock = project.lock();
    let sealed = lock.migrations.remove(&last).unwrap();
    lock.migrations.insert("29990101000000".into(), sealed);
    project.write("tabellion.lock", &lock.to_text());
    project.seal_sql("four", "select 1;\n", "select 1;\n");
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    assert_eq!(set.iter().next_back().unwrap().version, "29990101000001");
    let empty = State::of(&mut engine).await;
    let done = engine.apply(&set, &ALL).await.unwrap();
    assert_eq!(done.len(), 4);
    let row = "select count(*) from tabellion.ledger where at > now() + interval '1 hour'";
    let row = client(database.url()).await.query_one(row, &[]).await;
    assert_eq!(row.unwrap().get::<_, i64>(0), 0);
    let undone = engine.rollback(&set, &back()).await.unwrap();
    assert!(undone.iter().all(|entry| entry.event == Event::RolledBack));
    let found = engine.snapshot(["public"]).await.unwrap();
    assert_eq!(empty.catalog.diff(&found), []);
}
