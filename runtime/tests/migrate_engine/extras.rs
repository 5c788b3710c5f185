//! What the ledger's table has besides its own: it would keep rows out, and a failure whose row was kept out says so.

use tabellion::migrate::MigrateError;

use crate::support::database;
use crate::{ALL, engine, run, tables, text};

#[tokio::test]
async fn what_could_refuse_a_row_is_told_with_its_remedy() {
    let (database, project) = (database().await, tables(1));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    for (sql, said) in [
        (
            "alter table tabellion.ledger add check (event <> 'failed') not valid",
            "the ledger has constraint `ledger_event_check`",
        ),
        (
            "alter table tabellion.ledger add constraint \"a b\" unique (id, event)",
            "the ledger has constraint `a b`",
        ),
        (
            "create unique index on tabellion.ledger (version) where event = 'applied'",
            "the ledger has index `ledger_version_idx`",
        ),
        (
            "create index \"a b\" on tabellion.ledger (version)",
            "the ledger has index `a b`",
        ),
        (
            "alter table tabellion.ledger alter note set not null",
            "the ledger's column `note` is missing or was changed",
        ),
        (
            "alter table tabellion.ledger add column more text",
            "the ledger has column `more`",
        ),
    ] {
        run(
            &database,
            "alter table tabellion.ledger disable trigger append_only;
            update tabellion.ledger set note = '';
            alter table tabellion.ledger enable always trigger append_only",
        )
        .await;
        run(&database, sql).await;
        let found = engine.verify(&set).await.unwrap();
        assert_eq!(found.problems.len(), 1, "{sql}: {found}");
        assert!(found.problems[0].contains(said), "{found}");
        let (_, remedy) = found.problems[0].split_once("; run `").unwrap();
        run(&database, remedy.trim_end_matches('`')).await;
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{sql}: {found}");
    }
}

#[tokio::test]
async fn a_failure_that_the_ledger_does_not_take_says_so() {
    for header in ["", "-- Draft.\n-- tabellion: no-transaction\n\n"] {
        let (database, project) = (database().await, tables(1));
        let mut engine = engine(database.url()).await;
        engine.apply(&project.load(), &ALL).await.unwrap();
        let up = match header {
            "" => "-- Draft.\n\nselect 1 / 0;\n".to_owned(),
            header => format!("{header}create index concurrently i on public.nowhere (id);\n"),
        };
        let down = match header {
            "" => "-- Draft.\n\nselect 1;\n".to_owned(),
            header => format!("{header}drop index concurrently public.i;\n"),
        };
        project.seal_text("fails", &up, &down);
        let set = project.load();
        let fail = async |engine: &mut tabellion::migrate::Migrator| match engine
            .apply(&set, &ALL)
            .await
            .unwrap_err()
        {
            MigrateError::Statement(failure) => failure,
            other => panic!("{other}"),
        };
        let failure = fail(&mut engine).await;
        assert!(
            failure.recorded && !failure.to_string().contains("ledger did"),
            "{failure}"
        );
        run(
            &database,
            "alter table tabellion.ledger add check (event <> 'failed') not valid",
        )
        .await;
        let failure = fail(&mut engine).await;
        let said = "; the ledger did not take its row; see what `cargo tabellion verify` says of the ledger";
        assert!(
            !failure.recorded && failure.to_string().contains(said),
            "{failure}"
        );
        let rows = "select count(*)::text from tabellion.ledger where event = 'failed'";
        assert_eq!(text(&database, rows).await.as_deref(), Some("1"));
    }
}
