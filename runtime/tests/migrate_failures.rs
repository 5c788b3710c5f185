//! Files that fail or must not run: named by file, line and statement, without a row's values, and without
//! a trace in the catalog.

mod migrate_support;

use migrate_support::{Project, client, database, step};
use tabellion::migrate::{ApplyOptions, Event, MigrateError, Migrations, Migrator};

const ALL: ApplyOptions = ApplyOptions { to: None };

async fn engine(url: &str) -> Migrator {
    Migrator::connect(url).await.expect("the engine connects")
}

fn all_versions(set: &Migrations) -> Vec<&str> {
    set.iter()
        .map(|migration| migration.version.as_str())
        .collect()
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
    let way_out =
        "applied nowhere, its file can be corrected: restore the lock from before it was sealed";
    assert!(failure.to_string().contains(way_out), "{failure}");
    assert!(failure.message.contains("nowhere"), "{failure}");
    // What came before it stays, and it left nothing.
    assert_eq!(engine.status(&set).await.unwrap().pending(), 1);
    let history = engine.history().await.unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(history[3].event, Event::Failed);
    let note = format!("apply, line {}, SQLSTATE 42P01", failure.line);
    assert_eq!(history[3].note, Some(note));
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
    let up = "-- Draft.\n-- tabellion: no-transaction\n\nselect 1;\ncommit;\n";
    project.draw_text(&step(3), up, "select 1;\n");
    project.seal("alone");
    let mut engine = engine(database.url()).await;
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 6: `commit` controls a transaction"),
        "{error}"
    );
    assert_eq!(engine.history().await.unwrap(), []);
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
    let history = engine.history().await.unwrap();
    let told: Vec<_> = history.iter().map(|entry| entry.event).collect();
    assert_eq!(told, [Event::Failed]);
    // The connection still works, and the engine on it.
    assert_eq!(engine.status(&project.load()).await.unwrap().pending(), 1);
}
