//! Cut short at any instant, forth and back: the next run ends where a whole one does.

use std::time::Duration;

use tabellion::migrate::{Migrations, RollbackTarget};
use tabellion::testing::TestDatabase;

use crate::support::database;
use crate::{ALL, back, engine, run, tables, text};

const HEADER: &str = "-- Draft.\n-- tabellion: no-transaction\n\n";

/// Begins an `apply` or a `rollback` of everything, and leaves it after so long; the server goes on with
/// what it was sent.
async fn cut(database: &TestDatabase, set: &Migrations, forth: bool, after: Duration) {
    let (url, set) = (database.url().to_owned(), set.clone());
    let work = tokio::spawn(async move {
        let mut engine = engine(&url).await;
        if forth {
            engine.apply(&set, &ALL).await
        } else {
            engine.rollback(&set, &back(RollbackTarget::All)).await
        }
    });
    tokio::time::sleep(after).await;
    work.abort();
    if let Ok(ended) = work.await {
        ended.expect("it ends well, or is cut short");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_any_instant() {
    let (database, project) = (database().await, tables(5));
    // Slow enough to be hit, each statement with a trace that a second run of it would leave.
    project.seal_text(
        "mixed",
        &format!(
            "{HEADER}create table public.a (id int);\n\
             insert into public.a select count(*) from public.a, pg_sleep(0.01);\n\
             create index concurrently a_id on public.a (id);\n\
             insert into public.a select count(*) from public.a, pg_sleep(0.01);\n\
             vacuum public.a;\n"
        ),
        &format!(
            "{HEADER}insert into public.back values (1);\n\
             drop index concurrently public.a_id;\n\
             drop table public.a;\n"
        ),
    );
    project.seal_sql(
        "last",
        "create table public.last ();\n",
        "drop table public.last;\n",
    );
    run(&database, "create table public.back (id int)").await;
    let set = project.load();
    let mut engine = engine(database.url()).await;
    for round in 0..6_u64 {
        for step in 0..6 {
            cut(
                &database,
                &set,
                true,
                Duration::from_millis(5 + 17 * step + 3 * round),
            )
            .await;
        }
        engine.apply(&set, &ALL).await.unwrap();
        let rows = "select string_agg(id::text, ' ' order by id) from public.a";
        assert_eq!(
            text(&database, rows).await.as_deref(),
            Some("0 1"),
            "round {round}"
        );
        let valid =
            "select indisvalid::text from pg_index where indexrelid = 'public.a_id'::regclass";
        assert_eq!(
            text(&database, valid).await.as_deref(),
            Some("true"),
            "round {round}"
        );
        let status = engine.status(&set).await.unwrap();
        assert_eq!(
            (status.pending(), status.begun.len(), status.problems.len()),
            (0, 0, 0)
        );
        let found = engine.snapshot(["public"]).await.unwrap();
        assert_eq!(found.tables().count(), 8);

        for step in 0..6 {
            cut(
                &database,
                &set,
                false,
                Duration::from_millis(5 + 17 * step + 3 * round),
            )
            .await;
        }
        engine
            .rollback(&set, &back(RollbackTarget::All))
            .await
            .unwrap();
        let backs = "select count(*)::text from public.back";
        let expected = (round + 1).to_string();
        assert_eq!(
            text(&database, backs).await,
            Some(expected),
            "round {round}"
        );
        let found = engine.snapshot(["public"]).await.unwrap();
        assert_eq!(found.tables().count(), 1);
    }
    // What sets a state alternates, for each migration.
    let history = engine.history().await.unwrap();
    for migration in set.iter() {
        let own = history
            .iter()
            .filter(|entry| entry.version == migration.version);
        let states: Vec<_> = own.filter_map(|entry| entry.event.applies()).collect();
        assert_eq!(states, [true, false].repeat(6), "{}", migration.name);
    }
}
