//! An engine that finds a ledger of its own looks at its last row first: what that row may be, and what it tells.

use tabellion::migrate::{Adopt, ApplyOptions, MigrateError, Repair, RollbackTarget};
use tabellion::testing::TestDatabase;

use crate::support::{Project, client, database};
use crate::{ALL, back, engine, events, run, tables};

/// Changes the ledger as its owner can.
async fn past_the_trigger(database: &TestDatabase, sql: &str) {
    run(
        database,
        &format!(
            "alter table tabellion.ledger disable trigger append_only; {sql};
             alter table tabellion.ledger enable always trigger append_only"
        ),
    )
    .await;
}

#[tokio::test]
async fn each_start_applies_what_is_due_whatever_the_last_row_is() {
    let (database, project) = (database().await, tables(3));
    let set = project.load();
    let url = database.url();
    let again = async || {
        let applied = engine(url).await.apply(&set, &ALL).await.unwrap();
        events(&applied).len()
    };
    assert_eq!([again().await, again().await], [3, 0]);
    let last = back(RollbackTarget::Steps(1));
    engine(url).await.rollback(&set, &last).await.unwrap();
    assert_eq!([again().await, again().await], [1, 0]);
    let version = &set.iter().next_back().unwrap().version;
    let repair = async |state| {
        let mut engine = engine(url).await;
        let repaired = engine.repair(&set, version, state, "ana", "tested").await;
        repaired.unwrap();
    };
    repair(Repair::RolledBack).await;
    repair(Repair::Applied).await;
    assert_eq!(again().await, 0);
    repair(Repair::RolledBack).await;
    let refused = engine(url).await.apply(&set, &ALL).await.unwrap_err();
    assert!(refused.to_string().contains("42P07"), "{refused}");
    engine(url)
        .await
        .adopt(&set, &Adopt::All, &[], None)
        .await
        .unwrap();
    assert_eq!(again().await, 0);
    // And of another project, and of a newer and an older state of this one.
    let other = Project::new();
    for migration in set.iter() {
        let (up, down) = ("create table public.o ();\n", "drop table public.o;\n");
        other.seal_sql(&migration.name, up, down);
    }
    let refused = engine(url).await.apply(&other.load(), &ALL).await;
    assert!(
        matches!(refused, Err(MigrateError::History(_))),
        "{refused:?}"
    );
    project.seal_sql(
        "more",
        "create table public.more ();\n",
        "drop table public.more;\n",
    );
    let more = project.load();
    let applied = engine(url).await.apply(&more, &ALL).await.unwrap();
    assert_eq!(events(&applied), ["applied"]);
    let refused = engine(url).await.apply(&set, &ALL).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("_more` is applied but not in the lock"),
        "{refused}"
    );
}

#[tokio::test]
async fn rows_changed_by_the_owner_are_told_but_where_there_is_nothing_to_do() {
    let changes = [
        (
            "update tabellion.ledger set checksum = repeat('a', 64) where id = 2",
            "with other content on 2",
        ),
        (
            "delete from tabellion.ledger where id = 2",
            "is not applied, but the later",
        ),
    ];
    for (change, said) in changes {
        let (database, project) = (database().await, tables(3));
        let set = project.load();
        let mut first = engine(database.url()).await;
        first.apply(&set, &ALL).await.unwrap();
        past_the_trigger(&database, change).await;
        // Its last row says that all is applied.
        let mut engine = engine(database.url()).await;
        assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
        let status = engine.status(&set).await.unwrap();
        assert_eq!(status.problems.len(), 1, "{:?}", status.problems);
        assert!(status.problems[0].contains(said), "{:?}", status.problems);
        assert!(!engine.verify(&set).await.unwrap().is_clean());
        let all = back(RollbackTarget::All);
        let refused = engine.rollback(&set, &all).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
        project.seal_sql(
            "more",
            "create table public.more ();\n",
            "drop table public.more;\n",
        );
        let refused = engine.apply(&project.load(), &ALL).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
    }
}

#[tokio::test]
async fn a_last_row_that_was_taken_away_or_forged_is_seen() {
    let (database, project) = (database().await, tables(2));
    let set = project.load();
    engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    past_the_trigger(&database, "delete from tabellion.ledger where id = 2").await;
    let refused = engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("42P07"), "{refused}");
    // What says that something is applied is the only row with a link, of the right length.
    for (event, link) in [("approved", 64), ("rolled_back", 64), ("applied", 63)] {
        let forged = format!(
            "insert into tabellion.ledger (event, version, name, checksum, rollback_checksum, duration_ms, tool, link)
             select '{event}', version, name, checksum, rollback_checksum, 0, 'x', repeat('a', {link})
             from tabellion.ledger where id = 1"
        );
        let client = client(database.url()).await;
        let error = client.batch_execute(&forged).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "23514");
    }
}

#[tokio::test]
async fn a_ledger_of_another_owner_is_read_whole() {
    let (database, project) = (database().await, tables(2));
    let set = project.load();
    engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    let login = database.create_login("deploy", &[]).await.unwrap();
    let grant = format!(
        "grant usage on schema tabellion to deploy_{0}; grant select, insert on tabellion.ledger to deploy_{0};
         grant usage on sequence tabellion.ledger_id_seq to deploy_{0}",
        database.name()
    );
    run(&database, &grant).await;
    past_the_trigger(&database, "delete from tabellion.ledger where id = 1").await;
    let refused = engine(&login).await.apply(&set, &ALL).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("is not applied, but the later"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_link_alone_says_nothing() {
    let (database, project) = (database().await, tables(3));
    let set = project.load();
    let last = set.iter().next_back().unwrap();
    let first = ApplyOptions {
        to: set.iter().next().map(|first| first.version.clone()),
    };
    engine(database.url())
        .await
        .apply(&set, &first)
        .await
        .unwrap();
    let forged = format!(
        "insert into tabellion.ledger (event, version, name, checksum, rollback_checksum, duration_ms, tool, link)
         select event, version, name, checksum, rollback_checksum, 0, 'x', '{}' from tabellion.ledger where id = 1",
        last.link
    );
    run(&database, &forged).await;
    let applied = engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    assert_eq!(applied.len(), 2);
    let change = "update tabellion.ledger set event = 'rolled_back' where id = 4";
    past_the_trigger(&database, change).await;
    let refused = engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("42P07"), "{refused}");
}

#[tokio::test]
async fn a_number_that_the_sequence_never_reaches_is_told() {
    let (database, project) = (database().await, tables(2));
    let set = project.load();
    let first = ApplyOptions {
        to: set.iter().next().map(|first| first.version.clone()),
    };
    engine(database.url())
        .await
        .apply(&set, &first)
        .await
        .unwrap();
    let change = "update tabellion.ledger set id = 9223372036854775807";
    past_the_trigger(&database, change).await;
    let refused = engine(database.url()).await.apply(&set, &ALL).await;
    assert!(refused.is_err(), "{refused:?}");
}
