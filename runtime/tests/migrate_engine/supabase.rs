//! The history of the Supabase CLI and the ledger tell the same.

use tabellion::migrate::{Adopt, MigrateError, RollbackTarget};

use crate::support::{client, database};
use crate::{ALL, back, engine, events, run, tables, text, versions};

/// As that tool makes it.
pub(crate) const TABLE: &str = "create schema supabase_migrations;
    create table supabase_migrations.schema_migrations
      (version text not null primary key, statements text[], name text)";

const TOLD: &str =
    "select string_agg(version || ' ' || name || ' ' || array_to_string(statements, '|'), ','
    order by version) from supabase_migrations.schema_migrations";

#[tokio::test]
async fn it_is_kept_in_step() {
    let (database, project) = (database().await, tables(2));
    run(&database, TABLE).await;
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let all = versions(&set);
    engine.apply(&set, &ALL).await.unwrap();
    let row = |number: usize| {
        format!(
            "{} table_{number} create table public.t_{number} (id int)",
            all[number]
        )
    };
    assert_eq!(
        text(&database, TOLD).await,
        Some([row(0), row(1)].join(","))
    );
    let last = back(RollbackTarget::Steps(1));
    engine.rollback(&set, &last).await.unwrap();
    assert_eq!(text(&database, TOLD).await, Some(row(0)));
    assert_eq!(engine.status(&set).await.unwrap().elsewhere, []);
}

#[tokio::test]
async fn an_old_one_has_the_version_alone() {
    let (database, project) = (database().await, tables(1));
    run(
        &database,
        "create schema supabase_migrations;
         create table supabase_migrations.schema_migrations (version text primary key)",
    )
    .await;
    let set = project.load();
    engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    let told = "select version from supabase_migrations.schema_migrations";
    assert_eq!(text(&database, told).await, Some(versions(&set)[0].clone()));
}

#[tokio::test]
async fn what_that_tool_applied_is_adopted_and_not_run_again() {
    let (database, project) = (database().await, tables(3));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let all = versions(&set);
    run(
        &database,
        &format!(
            "{TABLE};
             insert into supabase_migrations.schema_migrations values
               ('20200101000000', null, 'before'), ('{}', null, 'table_0');
             create table public.t_0 (id int)",
            all[0]
        ),
    )
    .await;
    let status = engine.status(&set).await.unwrap();
    let theirs: Vec<_> = status.elsewhere.iter().map(|(v, _)| v.as_str()).collect();
    assert_eq!(theirs, ["20200101000000", &all[0]]);
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    assert!(
        error.to_string().ends_with("run `cargo tabellion adopt`"),
        "{error}"
    );
    let done = engine
        .adopt(&set, &Adopt::FromSupabase, &[], Some("before us"))
        .await
        .unwrap();
    assert_eq!(events(&done.entries), ["adopted"]);
    assert_eq!(done.entries[0].note.as_deref(), Some("before us"));
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 2);
    let count = "select count(*)::text from supabase_migrations.schema_migrations";
    assert_eq!(text(&database, count).await.as_deref(), Some("4"));
}

#[tokio::test]
async fn what_that_tool_applies_meanwhile_is_not_run() {
    let (database, project) = (database().await, tables(2));
    run(&database, TABLE).await;
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let all = versions(&set);
    let theirs = client(database.url()).await;
    // It has applied the second file, and not committed yet, when the engine reads the history.
    theirs
        .batch_execute(&format!(
            "begin; create table public.t_1 (id int);
             insert into supabase_migrations.schema_migrations values ('{}', null, 'table_1')",
            all[1]
        ))
        .await
        .unwrap();
    let (applied, ()) = tokio::join!(engine.apply(&set, &ALL), async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        theirs.batch_execute("commit").await.unwrap();
    });
    let error = applied.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("was applied by the Supabase CLI"),
        "{error}"
    );
    let history = engine.history().await.unwrap();
    assert_eq!(events(&history), ["applied"]);
}

#[tokio::test]
async fn one_of_a_stranger_is_not_touched() {
    let (database, project) = (database().await, tables(1));
    let set = project.load();
    let login = database.create_login("planter", &[]).await.unwrap();
    run(
        &database,
        &format!(
            "grant create on database \"{0}\" to \"planter_{0}\"",
            database.name()
        ),
    )
    .await;
    client(&login).await.batch_execute(TABLE).await.unwrap();
    let error = engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    let said = "table `supabase_migrations.schema_migrations` belongs to `planter_";
    assert!(error.to_string().contains(said), "{error}");
}
