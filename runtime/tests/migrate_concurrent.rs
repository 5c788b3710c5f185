//! A file outside a transaction: built once, taken up where it stopped, undone, told when it fails.

mod migrate_support;

use migrate_support::{Project, client, database, step};
use tabellion::migrate::{
    ApplyOptions, Event, MigrateError, Migration, Migrator, RollbackOptions, RollbackTarget,
};
use tabellion::testing::TestDatabase;

const HEADER: &str = "-- Draft.\n-- tabellion: no-transaction\n\n";

/// The first step, and an index that is built concurrently.
fn project(kind: &str) -> Project {
    let project = Project::new();
    project.draw(&step(1));
    project.seal("first");
    project.seal_text(
        "total",
        &format!("{HEADER}create {kind} concurrently order_total on public.\"order\" (total);\n"),
        &format!("{HEADER}drop index concurrently public.order_total;\n"),
    );
    project
}

async fn apply(
    engine: &mut Migrator,
    project: &Project,
    to: Option<&str>,
) -> Result<usize, MigrateError> {
    let options = ApplyOptions {
        to: to.map(str::to_owned),
    };
    let done = engine.apply(&project.load(), &options).await?;
    Ok(done.len())
}

async fn events(engine: &mut Migrator) -> Vec<&'static str> {
    let history = engine.history().await.unwrap();
    history.iter().map(|entry| entry.event.as_str()).collect()
}

/// Whether the index is there, and whole.
async fn index(database: &TestDatabase) -> Option<bool> {
    let query = "select indisvalid and indisready from pg_index
        where indexrelid = to_regclass('public.order_total')";
    let row = client(database.url()).await.query_opt(query, &[]).await;
    row.unwrap().map(|row| row.get(0))
}

async fn run(database: &TestDatabase, sql: &str) {
    client(database.url())
        .await
        .batch_execute(sql)
        .await
        .unwrap();
}

/// The second migration's version.
fn second(project: &Project) -> String {
    project.load().iter().last().unwrap().version.clone()
}

fn first(project: &Project) -> String {
    project.load().iter().next().unwrap().version.clone()
}

#[tokio::test]
async fn built_and_dropped_exactly_once() {
    let (database, project) = (database().await, project("index"));
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 2);
    assert_eq!(index(&database).await, Some(true));
    assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 0);
    let options = RollbackOptions {
        target: RollbackTarget::Steps(1),
        accept_data_loss: false,
        accept_wider_access: false,
    };
    let done = engine.rollback(&project.load(), &options).await.unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(index(&database).await, None);
    assert_eq!(
        events(&mut engine).await,
        ["applied", "started", "applied", "started", "rolled_back"]
    );
    assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 1);
    assert_eq!(engine.status(&project.load()).await.unwrap().pending(), 0);
}

#[tokio::test]
async fn the_first_migration_of_all_may_be_one() {
    let (database, project) = (database().await, Project::new());
    run(&database, "create table public.old (id int)").await;
    project.seal_text(
        "only",
        &format!("{HEADER}create index concurrently order_total on public.old (id);\n"),
        &format!("{HEADER}drop index concurrently public.order_total;\n"),
    );
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 1);
    assert_eq!(index(&database).await, Some(true));
}

#[tokio::test]
async fn whatever_a_killed_run_left_is_taken_up() {
    for left in ["absent", "invalid", "valid"] {
        let (database, project) = (database().await, project("index"));
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let to = first(&project);
        apply(&mut engine, &project, Some(&to)).await.unwrap();
        let set = project.load();
        let migration = set.iter().last().unwrap();
        begin(&database, migration).await;
        if left != "absent" {
            run(
                &database,
                "create index order_total on public.\"order\" (total)",
            )
            .await;
        }
        if left == "invalid" {
            run(
                &database,
                "update pg_index set indisvalid = false
                 where indexrelid = 'public.order_total'::regclass",
            )
            .await;
        }
        assert_eq!(
            apply(&mut engine, &project, None).await.unwrap(),
            1,
            "{left}"
        );
        assert_eq!(index(&database).await, Some(true), "{left}");
        assert_eq!(
            events(&mut engine).await,
            ["applied", "started", "applied"],
            "{left}"
        );
    }
}

/// Enters what a run enters before it builds or drops an index.
async fn begin(database: &TestDatabase, migration: &Migration) {
    let insert = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, position, duration_ms, tool)
         values ('started', '{}', 'total', '{}', '{}', 1, 0, 'test')",
        migration.version, migration.checksum, migration.rollback_checksum
    );
    run(database, &insert).await;
}

#[tokio::test]
async fn a_rollback_first_drops_what_a_killed_run_built_by_half() {
    for (left, target) in [
        ("absent", RollbackTarget::All),
        ("invalid", RollbackTarget::Steps(1)),
        ("valid", RollbackTarget::All),
    ] {
        let (database, project) = (database().await, project("unique index"));
        project.seal_text("last", "select 1;\n", "select 1;\n");
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let set = project.load();
        let versions: Vec<_> = set.iter().map(|m| m.version.clone()).collect();
        apply(&mut engine, &project, Some(&versions[0]))
            .await
            .unwrap();
        begin(&database, set.get(&versions[1]).unwrap()).await;
        if left != "absent" {
            run(
                &database,
                "create unique index order_total on public.\"order\" (total)",
            )
            .await;
        }
        if left == "invalid" {
            run(
                &database,
                "update pg_index set indisvalid = false
                 where indexrelid = 'public.order_total'::regclass",
            )
            .await;
        }
        let status = engine.status(&set).await.unwrap();
        assert_eq!(status.begun.len(), 1);
        assert_eq!(status.begun[0].version, versions[1]);

        let options = |target, accept_data_loss| RollbackOptions {
            target,
            accept_data_loss,
            accept_wider_access: false,
        };
        // What is refused, or undoes nothing, leaves the index to the next run.
        let all = options(RollbackTarget::All, false);
        let refused = engine.rollback(&set, &all).await.unwrap_err();
        assert!(
            matches!(refused, MigrateError::DataLoss { .. }),
            "{refused}"
        );
        let none = options(RollbackTarget::Steps(0), false);
        assert_eq!(engine.rollback(&set, &none).await.unwrap(), []);
        assert_eq!(events(&mut engine).await, ["applied", "started"]);

        let done = engine.rollback(&set, &options(target, true)).await.unwrap();
        let done: Vec<_> = done.iter().map(|entry| entry.event).collect();
        assert_eq!(done, [Event::Failed, Event::RolledBack], "{left}");
        assert_eq!(index(&database).await, None, "{left}");
        assert_eq!(engine.status(&set).await.unwrap().begun, []);
        assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 3);
        assert_eq!(index(&database).await, Some(true), "{left}");
    }
}

#[tokio::test]
async fn a_rollback_with_nothing_applied_drops_half_an_index() {
    let (database, project) = (database().await, Project::new());
    run(&database, "create table public.old (id int)").await;
    project.seal_text(
        "only",
        &format!("{HEADER}create index concurrently order_total on public.old (id);\n"),
        &format!("{HEADER}drop index concurrently public.order_total;\n"),
    );
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    apply(&mut engine, &project, None).await.unwrap();
    let options = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: false,
        accept_wider_access: false,
    };
    let set = project.load();
    engine.rollback(&set, &options).await.unwrap();
    begin(&database, set.iter().next().unwrap()).await;
    run(&database, "create index order_total on public.old (id)").await;
    let done = engine.rollback(&set, &options).await.unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].event, Event::Failed);
    assert_eq!(index(&database).await, None);
    assert_eq!(engine.rollback(&set, &options).await.unwrap(), []);
}

#[tokio::test]
async fn an_index_half_dropped_is_for_apply_to_finish() {
    let (database, project) = (database().await, project("index"));
    project.seal_text(
        "without",
        &format!("{HEADER}drop index concurrently public.order_total;\n"),
        &format!("{HEADER}create index concurrently order_total on public.\"order\" (total);\n"),
    );
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let set = project.load();
    let versions: Vec<_> = set.iter().map(|m| m.version.clone()).collect();
    apply(&mut engine, &project, Some(&versions[1]))
        .await
        .unwrap();
    begin(&database, set.get(&versions[2]).unwrap()).await;
    let options = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: true,
    };
    let error = engine.rollback(&set, &options).await.unwrap_err();
    assert!(
        error.to_string().contains(
            "run `cargo tabellion apply` first, then roll back; or take that back by hand"
        ),
        "{error}"
    );
    assert_eq!(index(&database).await, Some(true));
    assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 1);
    assert_eq!(engine.rollback(&set, &options).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_index_of_someone_else_is_never_taken_for_ours() {
    let (database, project) = (database().await, project("index"));
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let to = first(&project);
    apply(&mut engine, &project, Some(&to)).await.unwrap();
    run(
        &database,
        "create index order_total on public.\"order\" (shop)",
    )
    .await;
    for failed in 1..3 {
        let error = apply(&mut engine, &project, None).await.unwrap_err();
        assert!(error.to_string().contains("42P07"), "{error}");
        let expected = [&["applied"][..], &["failed"].repeat(failed)].concat();
        assert_eq!(events(&mut engine).await, expected);
        assert_eq!(engine.status(&project.load()).await.unwrap().begun, []);
        assert_eq!(index(&database).await, Some(true));
    }
}

#[tokio::test]
async fn after_a_killed_run_too_another_index_of_that_name_is_not_ours() {
    for other in [
        "create index order_total on public.\"order\" (shop)",
        "create unique index order_total on public.\"order\" (total)",
        "create index order_total on public.\"order\" (total desc)",
        "create index order_total on public.\"order\" (total) where total > 0",
        "create table public.beside (total numeric(10, 2)); create index order_total on public.beside (total)",
        "create view public.order_total as select 1 as one",
    ] {
        let (database, project) = (database().await, project("index"));
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let to = first(&project);
        apply(&mut engine, &project, Some(&to)).await.unwrap();
        let set = project.load();
        let migration = set.get(&second(&project)).unwrap();
        let there = "select to_regclass('public.order_total')::oid::text";
        let oid = async || {
            let row = client(database.url()).await.query_one(there, &[]).await;
            row.unwrap().get::<_, Option<String>>(0)
        };
        begin(&database, migration).await;
        run(&database, other).await;
        let before = oid().await;
        for is_valid in [true, false] {
            let mark = format!(
                "update pg_index set indisvalid = {is_valid}
                 where indexrelid = 'public.order_total'::regclass"
            );
            run(&database, &mark).await;
            begin(&database, migration).await;
            let error = apply(&mut engine, &project, None).await.unwrap_err();
            assert!(error.to_string().contains("42P07"), "{other}: {error}");
            assert!(
                error.to_string().contains("already exists"),
                "{other}: {error}"
            );
            assert_eq!(engine.status(&set).await.unwrap().begun, []);
            begin(&database, migration).await;
            let back = RollbackOptions {
                target: RollbackTarget::To(to.clone()),
                accept_data_loss: false,
                accept_wider_access: false,
            };
            engine.rollback(&set, &back).await.unwrap();
            assert_eq!(engine.status(&set).await.unwrap().begun, []);
            assert_eq!(oid().await, before, "{other}");
        }
    }
}

#[tokio::test]
async fn the_index_that_a_killed_run_built_is_known_whatever_its_definition() {
    for rest in [
        "on public.\"order\" using btree (lower(shop) collate \"C\" text_pattern_ops desc nulls last, total) \
         include (id) with (fillfactor = 70) where shop <> '' and \"order\".total > 0",
        "on public.\"order\" using gin (to_tsvector('simple', shop))",
        "on public.\"order\" using brin (created_at)",
        "on public . \"order\"(shop, total)",
    ] {
        let (database, project) = (database().await, Project::new());
        project.draw(&step(1));
        project.seal("first");
        project.seal_text(
            "total",
            &format!("{HEADER}create index concurrently order_total {rest};\n"),
            &format!("{HEADER}drop index concurrently public.order_total;\n"),
        );
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let to = first(&project);
        apply(&mut engine, &project, Some(&to)).await.unwrap();
        begin(&database, project.load().get(&second(&project)).unwrap()).await;
        run(&database, &format!("create index order_total {rest}")).await;
        assert_eq!(
            apply(&mut engine, &project, None).await.unwrap(),
            1,
            "{rest}"
        );
        assert_eq!(events(&mut engine).await, ["applied", "started", "applied"]);
    }
}

#[tokio::test]
async fn a_failure_leaves_no_half_index_and_its_row() {
    let (database, project) = (database().await, project("unique index"));
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let to = first(&project);
    apply(&mut engine, &project, Some(&to)).await.unwrap();
    run(
        &database,
        "insert into public.\"order\" (shop, total) values ('a', 1), ('b', 1)",
    )
    .await;
    let error = apply(&mut engine, &project, None).await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("_total.sql` failed at line 5 and was rolled back"),
        "{said}"
    );
    assert!(
        said.contains("23505") && !said.contains("(total)=(1"),
        "{said}"
    );
    assert_eq!(index(&database).await, None);
    assert_eq!(events(&mut engine).await, ["applied", "started", "failed"]);
    run(&database, "delete from public.\"order\" where shop = 'b'").await;
    assert_eq!(apply(&mut engine, &project, None).await.unwrap(), 1);
    assert_eq!(index(&database).await, Some(true));
}

#[tokio::test]
async fn from_several_processes_it_is_built_once() {
    let (database, project) = (database().await, project("index"));
    let set = project.load();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (url, set) = (database.url().to_owned(), set.clone());
            tokio::spawn(async move {
                let mut engine = Migrator::connect(&url).await.unwrap();
                engine.apply(&set, &ApplyOptions::default()).await
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap().unwrap().len();
    }
    assert_eq!(done, 2);
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    assert_eq!(events(&mut engine).await, ["applied", "started", "applied"]);
    let history = engine.history().await.unwrap();
    assert_eq!(history[2].event, Event::Applied);
    assert_eq!(history[2].version, second(&project));
}
