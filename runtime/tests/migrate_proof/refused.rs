//! What fails or is refused leaves catalog and ledger as they were, but for the one row that says so.

use std::fs;

use tabellion::migrate::{MigrateError, Migrations, Migrator};
use tabellion::testing::TestDatabase;

use crate::support::{Project, client, database};
use crate::{ALL, HEADER, State, back, engine};

/// The first is applied; whatever comes then is what a test is about.
const FIRST: &str = "create table public.kept (id int);\ninsert into public.kept values (1);\n";

async fn begun() -> (TestDatabase, Project, Migrator) {
    let (database, project) = (database().await, Project::new());
    project.seal_sql("first", FIRST, "drop table public.kept;\n");
    let mut engine = engine(database.url()).await;
    engine.apply(&project.load(), &ALL).await.unwrap();
    (database, project, engine)
}

async fn run(database: &TestDatabase, sql: &str) {
    let client = client(database.url()).await;
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The code of the statement that failed.
fn code(error: &MigrateError) -> &str {
    match error {
        MigrateError::Statement(failure) => &failure.code,
        other => panic!("no statement failed: {other}"),
    }
}

/// The line that an error names, and what the ledger keeps of it.
fn third(project: &Project, error: &MigrateError) -> (String, String) {
    let MigrateError::Statement(failure) = error else {
        panic!("no statement failed: {error}");
    };
    let text = project.read(&failure.file);
    let line = text.lines().nth(failure.line - 1).expect("the line");
    let note = format!("line {}, SQLSTATE {}", failure.line, failure.code);
    (line.to_owned(), note)
}

#[tokio::test]
async fn a_third_statement_that_fails() {
    let (_database, project, mut engine) = begun().await;
    let failing = "create table public.half (id int);\nalter table public.kept add more int;\n\
        insert into public.kept select 1 / (id - 1) from public.kept;\n\
        create table public.never (id int);\n";
    project.seal_sql("up", failing, "select 1;\n");
    let state = State::of(&mut engine).await;
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    assert_eq!(code(&error), "22012");
    let failed = state.stands(&mut engine, 1, "forth").await;
    let (line, note) = third(&project, &error);
    assert!(line.starts_with("insert into"), "{error}");
    assert_eq!(failed[0].note, Some(format!("apply, {note}")));

    let (_database, project, mut engine) = begun().await;
    project.seal_sql("down", "select 1;\n", failing);
    engine.apply(&project.load(), &ALL).await.unwrap();
    let state = State::of(&mut engine).await;
    let error = engine.rollback(&project.load(), &back()).await.unwrap_err();
    assert_eq!(code(&error), "22012");
    let failed = state.stands(&mut engine, 1, "back").await;
    let (line, note) = third(&project, &error);
    assert!(line.starts_with("insert into"), "{error}");
    assert_eq!(failed[0].note, Some(format!("rollback, {note}")));
}

#[tokio::test]
async fn a_role_without_rights() {
    // On the tables: the file is undone, and the role may say so.
    let (database, project, mut engine) = begun().await;
    project.seal_sql(
        "second",
        "create table public.half (id int);\nalter table public.kept add more int;\n",
        "drop table public.half;\n",
    );
    let set = project.load();
    let login = database.create_login("applier", &[]).await.unwrap();
    let name = format!("\"applier_{}\"", database.name());
    run(
        &database,
        &format!(
            "grant create on schema public to {name}; grant usage on schema tabellion to {name};
             grant select, insert on tabellion.ledger to {name};
             grant usage on sequence tabellion.ledger_id_seq to {name}"
        ),
    )
    .await;
    let state = State::of(&mut engine).await;
    let mut weak = crate::engine(&login).await;
    let error = weak.apply(&set, &ALL).await.unwrap_err();
    assert_eq!(code(&error), "42501");
    let failed = state.stands(&mut engine, 1, "on the table").await;
    assert_eq!(format!("\"{}\"", failed[0].actor), name);

    // On the ledger's rows: nothing is entered, so nothing is done.
    run(
        &database,
        &format!(
            "revoke insert on tabellion.ledger from {name}; alter table public.kept owner to {name}"
        ),
    )
    .await;
    let state = State::of(&mut engine).await;
    let error = weak.apply(&set, &ALL).await.unwrap_err();
    assert_eq!(code(&error), "42501", "{error}");
    state.stands(&mut engine, 0, "on the ledger").await;

    // To read it, and to make one.
    run(
        &database,
        &format!("revoke select on tabellion.ledger from {name}"),
    )
    .await;
    let error = weak.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::Server(_)), "{error}");
    state.stands(&mut engine, 0, "to read").await;
    let other = crate::support::database().await;
    let login = other.create_login("applier", &[]).await.unwrap();
    let mut weak = crate::engine(&login).await;
    let error = weak.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::Server(_)), "{error}");
    let mut engine = crate::engine(other.url()).await;
    assert_eq!(engine.history().await.unwrap(), []);
    let made = "select count(*) from pg_namespace where nspname = 'tabellion'";
    let row = client(other.url()).await.query_one(made, &[]).await;
    assert_eq!(row.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_lock_timeout() {
    for (header, limit, blocked) in [
        (
            "-- Draft.\n\n",
            "set local lock_timeout = '30ms';\n",
            "alter table public.kept add more int;\n",
        ),
        // Outside a transaction, the database says how long to wait, but for an index.
        (HEADER, "", "alter table public.kept add more int;\n"),
    ] {
        let (database, project, mut engine) = begun().await;
        let up = format!("{header}{limit}{blocked}create table public.half (id int);\n");
        let down = format!("{header}drop table public.half;\nalter table public.kept drop more;\n");
        project.seal_text("second", &up, &down);
        let set = project.load();
        run(
            &database,
            &format!(
                "alter database \"{}\" set lock_timeout = '30ms'",
                database.name()
            ),
        )
        .await;
        let state = State::of(&mut engine).await;
        let holder = client(database.url()).await;
        let hold = "begin; lock table public.kept in access share mode";
        holder.batch_execute(hold).await.unwrap();
        let mut hasty = crate::engine(database.url()).await;
        let error = hasty.apply(&set, &ALL).await.unwrap_err();
        assert_eq!(code(&error), "55P03", "{error}");
        let said = error.to_string();
        assert!(said.contains("; end what holds the table"), "{said}");
        state.stands(&mut engine, 1, header).await;
        // A person runs it again.
        holder.batch_execute("rollback").await.unwrap();
        assert_eq!(hasty.apply(&set, &ALL).await.unwrap().len(), 1);
    }
}

/// The file changed under the lock: before it is applied and after.
#[tokio::test]
async fn a_tampered_file() {
    let (_database, project, mut engine) = begun().await;
    let second = project.seal_sql(
        "second",
        "create table public.half (id int);\n",
        "drop table public.half;\n",
    );
    let set = project.load();
    for is_applied in [false, true] {
        for file in [&second.up, &second.down] {
            let text = fs::read_to_string(file).unwrap();
            let state = State::of(&mut engine).await;
            fs::write(file, text.replace("half", "other")).unwrap();
            let error = Migrations::load(project.root()).unwrap_err();
            assert!(matches!(error, MigrateError::Files(_)), "{error}");
            state.stands(&mut engine, 0, "tampered").await;
            fs::write(file, text).unwrap();
        }
        if !is_applied {
            engine.apply(&set, &ALL).await.unwrap();
        }
    }
}

/// Refused alike by everything that would run something.
#[tokio::test]
async fn a_ledger_that_does_not_fit() {
    let row = |version: &str, checksum: &str| {
        format!(
            "insert into tabellion.ledger
               (event, version, name, checksum, rollback_checksum, duration_ms, tool)
             values ('applied', '{version}', 'x', repeat('{checksum}', 64), repeat('a', 64), 0, 'x')"
        )
    };
    for (what, sql, said) in [
        (
            "an unknown version, later",
            row("29990101000000", "a"),
            "is applied but not in the lock",
        ),
        (
            "an unknown version, earlier",
            row("20000101000000", "a"),
            "is applied but not in the lock",
        ),
        (
            "other content, lock and file changed together",
            row("KNOWN", "b"),
            "was applied with other content",
        ),
    ] {
        let (database, project, mut engine) = begun().await;
        let version = engine.history().await.unwrap()[0].version.clone();
        project.seal_sql("second", "select 1;\n", "select 1;\n");
        let set = project.load();
        run(&database, &sql.replace("KNOWN", &version)).await;
        let state = State::of(&mut engine).await;
        let refusals = [
            engine.apply(&set, &ALL).await.unwrap_err(),
            engine.dry_run(&set, &ALL).await.unwrap_err(),
            engine.rollback(&set, &back()).await.unwrap_err(),
        ];
        for error in refusals {
            assert!(matches!(error, MigrateError::History(_)), "{what}: {error}");
            assert!(error.to_string().contains(said), "{what}: {error}");
        }
        state.stands(&mut engine, 0, what).await;
        assert!(!engine.verify(&set).await.unwrap().is_clean(), "{what}");
    }
}
