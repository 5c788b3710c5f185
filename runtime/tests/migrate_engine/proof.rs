//! Whether the ledger is one whose rows nobody can change: `verify` says what makes it otherwise.

use tabellion::migrate::ApplyOptions;

use crate::support::{Project, database};
use crate::{engine, run};

#[tokio::test]
async fn what_lets_rows_be_changed_is_told_with_its_remedy() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    for (sql, said) in [
        (
            "alter table tabellion.ledger disable trigger append_only",
            "is missing or was changed",
        ),
        (
            "alter table tabellion.ledger enable trigger append_only",
            "is missing or was changed",
        ),
        (
            "drop trigger append_only on tabellion.ledger",
            "is missing or was changed",
        ),
        (
            "create or replace function tabellion.refuse_change() returns trigger language plpgsql
             set search_path = '' as $$ begin return null; end $$",
            "function `tabellion.refuse_change` was changed",
        ),
        (
            "grant update on tabellion.ledger to public",
            "role `public` may UPDATE on table",
        ),
        (
            "grant insert on tabellion.ledger to public",
            "role `public` may INSERT on table",
        ),
        (
            "grant truncate on tabellion.ledger to current_user",
            "may TRUNCATE on table",
        ),
        (
            "grant update (note) on tabellion.ledger to pg_monitor",
            "role `pg_monitor` may UPDATE (note) on",
        ),
        (
            "grant create on schema tabellion to pg_monitor",
            "may CREATE on schema tabellion",
        ),
    ] {
        run(&database, sql).await;
        let found = engine.verify(&set).await.unwrap();
        assert_eq!(found.problems.len(), 1, "{sql}: {found}");
        assert!(found.problems[0].contains(said), "{found}");
        assert!(found.compared > 0 && found.findings.is_empty(), "{found}");
        // Its remedy is one.
        let (_, remedy) = found.problems[0].split_once("; run `").unwrap();
        run(&database, remedy.trim_end_matches('`')).await;
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{sql}: {found}");
    }
    // Whoever applies without owning it reads and adds.
    run(
        &database,
        "grant select, insert on tabellion.ledger to pg_monitor",
    )
    .await;
    assert!(engine.verify(&set).await.unwrap().is_clean());
}
