//! A file of several statements outside a transaction: each is entered as it is reached, none runs twice.

use std::time::Duration;

use tabellion::migrate::{Adopt, ApplyOptions, Event, MigrateError, Repair, RollbackTarget};

use crate::support::{Project, client, database};
use crate::{ALL, back, engine, events, run, text, versions};

const HEADER: &str = "-- Draft.\n-- tabellion: no-transaction\n\n";
const UP: &str = "create table public.a (id int);
insert into public.a values (1);
create index concurrently a_id on public.a (id);
insert into public.a select count(*) + 1 from public.a;
vacuum public.a;
";
const DOWN: &str = "drop index concurrently public.a_id;\ndrop table public.a;\n";

fn project(up: &str) -> Project {
    let project = Project::new();
    project.seal_text(
        "mixed",
        &format!("{HEADER}{up}"),
        &format!("{HEADER}{DOWN}"),
    );
    project
}

const ROWS: &str = "select string_agg(id::text, ' ' order by id) from public.a";

#[tokio::test]
async fn every_kind_runs_and_goes_back() {
    let (database, project) = (database().await, project(UP));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 1);
    assert_eq!(text(&database, ROWS).await.as_deref(), Some("1 2"));
    let history = engine.history().await.unwrap();
    let positions: Vec<_> = history.iter().map(|entry| entry.position).collect();
    assert_eq!(
        positions,
        [Some(1), Some(2), Some(3), Some(4), Some(5), None]
    );
    let all = back(RollbackTarget::All);
    assert_eq!(engine.rollback(&set, &all).await.unwrap().len(), 1);
    let history = engine.history().await.unwrap();
    assert_eq!(events(&history[6..]), ["started", "started", "rolled_back"]);
    assert_eq!(
        engine.snapshot(["public"]).await.unwrap().tables().count(),
        0
    );
}

#[tokio::test]
async fn it_goes_on_where_a_statement_failed() {
    let (database, project) = (
        database().await,
        project(&UP.replace("+ 1", "+ 1 / (select count(*) - 1 from public.a)")),
    );
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    let MigrateError::Statement(failure) = &error else {
        panic!("{error}");
    };
    assert_eq!((failure.kept, failure.code.as_str()), (3, "22012"));
    let text_of = project.read(&failure.file);
    let line = text_of.lines().nth(failure.line - 1).unwrap();
    assert!(line.contains("1 / (select"), "{failure}");
    let said = error.to_string();
    let version = versions(&set)[0].clone();
    for told in [
        "this statement left nothing, the 3 statements before it stay done",
        "the next run goes on with this one",
        &format!("repair {version} --rolled-back`"),
    ] {
        assert!(said.contains(told), "{said}");
    }
    assert!(!said.contains("was rolled back"), "{said}");
    let history = engine.history().await.unwrap();
    assert_eq!(
        events(&history),
        ["started", "started", "started", "failed"]
    );
    assert_eq!(history[3].position, Some(4));
    assert_eq!(engine.status(&set).await.unwrap().begun.len(), 1);
    // Nothing takes back what it did, so a rollback waits for its end.
    let error = engine
        .rollback(&set, &back(RollbackTarget::All))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nothing takes back"), "{error}");

    run(&database, "insert into public.a values (7)").await;
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 1);
    assert_eq!(text(&database, ROWS).await.as_deref(), Some("1 3 7"));
}

#[tokio::test]
async fn one_that_must_change_is_taken_back_by_hand_and_sealed_corrected() {
    let wrong = UP.replace("count(*) + 1", "count(*) + nonsense");
    let (database, project) = (database().await, project(&wrong));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let said = engine.apply(&set, &ALL).await.unwrap_err().to_string();
    let version = versions(&set)[0].clone();
    assert!(
        said.contains(&format!("repair {version} --rolled-back`")),
        "{said}"
    );
    run(&database, "drop table public.a").await;
    let corrected = self::project(UP);
    engine
        .repair(
            &set,
            &version,
            Repair::RolledBack,
            "Ana",
            "the file was wrong",
        )
        .await
        .unwrap();
    let set = corrected.load();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 1);
    assert_eq!(text(&database, ROWS).await.as_deref(), Some("1 2"));
    assert_eq!(engine.status(&set).await.unwrap().begun, []);
}

#[tokio::test]
async fn a_rollback_that_fails_on_its_way_names_its_own_way_out() {
    let (database, project) = (database().await, project(UP));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    run(
        &database,
        "create view public.holds as select id from public.a",
    )
    .await;
    let all = back(RollbackTarget::All);
    let said = engine.rollback(&set, &all).await.unwrap_err().to_string();
    let version = versions(&set)[0].clone();
    assert!(
        said.contains("the 1 statement before it stays done"),
        "{said}"
    );
    assert!(
        said.contains(&format!("repair {version} --rolled-back`")) && !said.contains("corrected"),
        "{said}"
    );
    run(&database, "drop table public.a cascade").await;
    engine
        .repair(
            &set,
            &version,
            Repair::RolledBack,
            "Ana",
            "the table is gone",
        )
        .await
        .unwrap();
    assert_eq!(engine.status(&set).await.unwrap().begun, []);
}

#[tokio::test]
async fn wherever_it_was_killed_it_is_taken_up() {
    for reached in 1..=5 {
        let (database, project) = (database().await, project(UP));
        let (set, mut engine) = (project.load(), engine(database.url()).await);
        let migration = set.iter().next().unwrap();
        // The ledger exists before the first file.
        engine.apply(&set, &ALL).await.unwrap();
        engine
            .rollback(&set, &back(RollbackTarget::All))
            .await
            .unwrap();
        for (index, statement) in UP.lines().enumerate().take(reached) {
            let row = format!(
                "insert into tabellion.ledger
                   (event, version, name, checksum, rollback_checksum, position, duration_ms, tool)
                 values ('started', '{}', 'mixed', '{}', '{}', {}, 0, 'x')",
                migration.version,
                migration.checksum,
                migration.rollback_checksum,
                index + 1
            );
            run(&database, &row).await;
            // The row of an index comes before it; that of the others with what they did.
            if index + 1 < reached || !statement.contains("concurrently") {
                run(&database, statement).await;
            }
        }
        engine.apply(&set, &ALL).await.unwrap();
        assert_eq!(
            text(&database, ROWS).await.as_deref(),
            Some("1 2"),
            "{reached}"
        );
        let valid =
            "select indisvalid::text from pg_index where indexrelid = 'public.a_id'::regclass";
        assert_eq!(
            text(&database, valid).await.as_deref(),
            Some("true"),
            "{reached}"
        );
    }
}

#[tokio::test]
async fn a_statement_that_the_server_still_runs_for_a_killed_process_is_waited_for() {
    let (database, project) = (database().await, project(UP));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    engine
        .rollback(&set, &back(RollbackTarget::All))
        .await
        .unwrap();
    let migration = set.iter().next().unwrap();
    let killed = client(database.url()).await;
    killed
        .batch_execute("begin; select pg_advisory_xact_lock(8386092229154664052); create table public.a (id int)")
        .await
        .unwrap();
    let rest = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, position, duration_ms, tool)
         values ('started', '{}', 'mixed', '{}', '{}', 1, 0, 'x'); commit",
        migration.version, migration.checksum, migration.rollback_checksum
    );
    let (applied, ()) = tokio::join!(engine.apply(&set, &ALL), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        killed.batch_execute(&rest).await.unwrap();
    });
    assert_eq!(applied.unwrap().len(), 1);
    let history = engine.history().await.unwrap();
    let firsts = history
        .iter()
        .rev()
        .take(6)
        .filter(|entry| entry.position == Some(1));
    assert_eq!(firsts.count(), 1);
    assert_eq!(history.last().unwrap().event, Event::Applied);
}

#[tokio::test]
async fn one_begun_with_other_content_is_refused() {
    let (database, project) = (database().await, project(UP));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    engine
        .rollback(&set, &back(RollbackTarget::All))
        .await
        .unwrap();
    let row = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, position, duration_ms, tool)
         values ('started', '{}', 'mixed', repeat('a', 64), repeat('a', 64), 2, 0, 'x')",
        versions(&set)[0]
    );
    run(&database, &row).await;
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(
        error.to_string().contains("was begun with other content"),
        "{error}"
    );
}

#[tokio::test]
async fn what_could_not_be_taken_up_is_refused_before_anything_runs() {
    for (statement, said) in [
        ("commit;", "controls a transaction"),
        ("set lock_timeout = 1;", "for its own transaction alone"),
        (
            "create index concurrently if not exists a_id on public.a (id);",
            "cannot be taken up",
        ),
        ("alter system set work_mem = '1MB';", "run it by hand"),
    ] {
        let (database, project) = (
            database().await,
            project(&format!("create table public.a (id int);\n{statement}\n")),
        );
        let mut engine = engine(database.url()).await;
        let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
        assert!(matches!(error, MigrateError::Files(_)), "{error}");
        let error = error.to_string();
        assert!(
            error.contains("line 5: ") && error.contains(said),
            "{error}"
        );
        assert_eq!(engine.history().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_connection_past_the_pooler_to_another_database_is_refused() {
    let (database, other, project) = (database().await, database().await, project(UP));
    let set = project.load();
    let mut engine = engine(database.url()).await.direct_url(other.url());
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(
        error.to_string().contains("leads to another database"),
        "{error}"
    );
    for database in [&database, &other] {
        let table = "select pg_catalog.to_regclass('public.a')::text";
        assert_eq!(text(database, table).await, None);
    }
    assert_eq!(events(&engine.history().await.unwrap()), [""; 0]);
    let mut engine = engine.direct_url(database.url());
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 1);
}

/// What stands on a migration that is half undone would stand on nothing.
#[tokio::test]
async fn nothing_is_applied_over_a_rollback_that_has_not_finished() {
    let (database, project) = (database().await, project(UP));
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    let hold = "create view public.holds as select id from public.a";
    run(&database, hold).await;
    let all = back(RollbackTarget::All);
    engine.rollback(&set, &all).await.unwrap_err();
    let two = ("create table public.b ();\n", "drop table public.b;\n");
    project.seal_sql("two", two.0, two.1);
    let set = project.load();
    let first = ApplyOptions {
        to: Some(versions(&set)[0].clone()),
    };
    for options in [ALL, first] {
        let refused = engine.apply(&set, &options).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("the rollback of migration `")
                && refused.to_string().contains(
                    "has not finished; unless it runs still, run `cargo tabellion rollback` to"
                ),
            "{refused}"
        );
    }
    let refused = engine
        .adopt(&set, &Adopt::All, &[], None)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("has not finished"),
        "{refused}"
    );
    let found = engine.verify(&set).await.unwrap();
    assert!(
        found
            .problems
            .iter()
            .any(|one| one.contains("has not finished")),
        "{found}"
    );
    // Both ways out lead out.
    run(&database, "create index a_id on public.a (id)").await;
    let version = &versions(&set)[0];
    engine
        .repair(&set, version, Repair::Applied, "ana", "it is all there")
        .await
        .unwrap();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 1);
    let one = back(RollbackTarget::Steps(1));
    engine.rollback(&set, &one).await.unwrap();
    engine.rollback(&set, &one).await.unwrap_err();
    run(&database, "drop view public.holds").await;
    engine.rollback(&set, &one).await.unwrap();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 2);
}

#[tokio::test]
async fn apply_waits_for_a_rollback_that_runs() {
    let (database, project) = (database().await, project(UP));
    let set = project.load();
    let mut first = engine(database.url()).await;
    first.apply(&set, &ALL).await.unwrap();
    // CREATE and DROP INDEX CONCURRENTLY wait for whoever reads.
    let reader = client(database.url()).await;
    let read = "begin; select from public.a";
    reader.batch_execute(read).await.unwrap();
    let all = back(RollbackTarget::All);
    let undone = tokio::spawn({
        let set = set.clone();
        async move { first.rollback(&set, &all).await }
    });
    let begun = "select count(*)::text from tabellion.ledger where event = 'started' and id > 6";
    while text(&database, begun).await.as_deref() != Some("1") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let hurried = engine(database.url())
        .await
        .lock_wait(Duration::from_millis(50));
    let held = { hurried }.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(held, MigrateError::Held(_)), "{held}");
    let mut second = engine(database.url()).await;
    let (applied, _) = tokio::join!(second.apply(&set, &ALL), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        reader.batch_execute("commit").await.unwrap();
    });
    assert_eq!(undone.await.unwrap().unwrap().len(), 1);
    assert_eq!(applied.unwrap().len(), 1);
}
