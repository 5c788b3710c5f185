//! The ledger against the lock: what does not fit is refused, and said.

mod migrate_support;

use migrate_support::{Project, client, database, step};
use tabellion::migrate::{
    ApplyOptions, MigrateError, Migrations, Migrator, RollbackOptions, RollbackTarget,
};

const ALL: ApplyOptions = ApplyOptions { to: None };

/// Applies the sealed project, changes the ledger behind its back, and gives what `apply` then says.
async fn after(sql: &str) -> String {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ALL).await.unwrap();
    let sql = format!(
        "begin; alter table tabellion.ledger disable trigger append_only; {sql};
         alter table tabellion.ledger enable always trigger append_only; commit"
    );
    client(database.url())
        .await
        .batch_execute(&sql)
        .await
        .unwrap();
    let before = engine.history().await.unwrap();
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    let status = engine.status(&set).await.unwrap();
    assert_eq!(status.problems.join("\n"), error.to_string());
    let all = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: false,
    };
    assert_eq!(
        engine.rollback(&set, &all).await.unwrap_err().to_string(),
        error.to_string()
    );
    assert!(!engine.verify(&set).await.unwrap().is_clean());
    assert_eq!(engine.history().await.unwrap(), before);
    error.to_string()
}

#[tokio::test]
async fn an_unknown_version_is_refused() {
    let said = after(
        "insert into tabellion.ledger (event, version, name, checksum, rollback_checksum, duration_ms, tool)
         values ('applied', '29990101000000', 'later', repeat('a', 64), repeat('a', 64), 0, 'x')",
    )
    .await;
    assert!(
        said.contains("`29990101000000_later` is applied but not in the lock"),
        "{said}"
    );
}

#[tokio::test]
async fn other_content_is_refused() {
    let said = after("update tabellion.ledger set checksum = repeat('a', 64) where id = 2").await;
    assert!(
        said.contains("_step_2` was applied with other content on 2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_gap_is_refused() {
    let said = after("delete from tabellion.ledger where id = 2").await;
    assert!(
        said.contains("_step_2` is not applied, but the later"),
        "{said}"
    );
}

#[tokio::test]
async fn an_unknown_event_is_refused() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ALL).await.unwrap();
    client(database.url())
        .await
        .batch_execute(
            // As a later version does, which knows more of them.
            "do $$ begin execute replace(
               pg_get_functiondef('tabellion.stamp_row'::regproc), '''approved''', '''approved'', ''blessed'''); end $$;
             insert into tabellion.ledger (event, version, name, checksum, rollback_checksum, duration_ms, tool)
             values ('blessed', '29990101000000', 'later', repeat('a', 64), repeat('a', 64), 0, 'x')",
        )
        .await
        .unwrap();
    let error = engine.status(&set).await.unwrap_err().to_string();
    assert!(
        error.contains("`blessed`") && error.contains("update tabellion"),
        "{error}"
    );
}

#[tokio::test]
async fn the_ledger_is_append_only_and_private() {
    let (database, project) = (database().await, Project::sealed());
    let client = client(database.url()).await;
    // What anyone was granted by default, the ledger takes back.
    client
        .batch_execute(
            "do $$ begin create role migrate_test_reader nologin; \
             exception when duplicate_object or unique_violation then null; end $$; \
             alter default privileges grant all on tables to migrate_test_reader; \
             alter default privileges grant all on sequences to migrate_test_reader",
        )
        .await
        .unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&project.load(), &ALL).await.unwrap();
    for sql in [
        "update tabellion.ledger set name = 'x'",
        "delete from tabellion.ledger",
        "truncate tabellion.ledger",
        "set session_replication_role = replica; delete from tabellion.ledger",
    ] {
        let error = client.batch_execute(sql).await.unwrap_err();
        assert!(
            error.code().is_some_and(|code| code.code() == "42501"),
            "{sql}: {error:?}"
        );
        client
            .batch_execute("reset session_replication_role")
            .await
            .unwrap();
    }
    let open = client
        .query_one(
            "select count(*) from pg_class c, aclexplode(c.relacl) x
             where c.relnamespace = 'tabellion'::regnamespace and x.grantee <> c.relowner",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(open.get::<_, i64>(0), 0);
    assert_eq!(engine.history().await.unwrap().len(), 3);
    client
        .batch_execute(
            "alter default privileges revoke all on tables from migrate_test_reader; \
             alter default privileges revoke all on sequences from migrate_test_reader",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_rollback_that_loses_data_asks() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ALL).await.unwrap();
    let mut options = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: false,
        accept_wider_access: false,
    };
    let error = engine.rollback(&set, &options).await.unwrap_err();
    let MigrateError::DataLoss { losses, .. } = &error else {
        panic!("{error}");
    };
    assert!(losses.len() >= 3, "{error}");
    assert!(
        error
            .to_string()
            .ends_with("back the data up and say `--accept-data-loss`"),
        "{error}"
    );
    assert_eq!(engine.history().await.unwrap().len(), 3);
    options.accept_data_loss = true;
    assert_eq!(engine.rollback(&set, &options).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_rollback_that_opens_access_asks() {
    let (database, project) = (database().await, Project::new());
    project.draw(&step(1));
    project.seal("first");
    let header =
        "-- Draft.\n-- tabellion: widens-access: table public.order: row-level security off\n";
    let down = "alter table public.\"order\" disable row level security;\n";
    project.seal_text("second", "select 1;\n", &format!("{header}\n{down}"));
    let lost = "-- tabellion: loses-data: column public.order.a: dropped\n";
    project.seal_text(
        "third",
        "select 1;\n",
        &format!("{header}{lost}\nselect 1;\n"),
    );
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ALL).await.unwrap();

    let mut options = RollbackOptions {
        target: RollbackTarget::Steps(2),
        accept_data_loss: false,
        accept_wider_access: false,
    };
    let error = engine.rollback(&set, &options).await.unwrap_err();
    assert!(matches!(error, MigrateError::Unaccepted(_)), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("--accept-data-loss`\n") && said.ends_with("--accept-wider-access`"),
        "{said}"
    );
    options.accept_data_loss = true;
    let error = engine.rollback(&set, &options).await.unwrap_err();
    let MigrateError::WiderAccess { openings, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(openings[0], "table public.order: row-level security off");
    assert_eq!(engine.history().await.unwrap().len(), 3);
    options.accept_wider_access = true;
    assert_eq!(engine.rollback(&set, &options).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_login_without_rights_is_told_which() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let login = database.create_login("app", &[]).await.unwrap();
    let mut weak = Migrator::connect(&login).await.unwrap();
    let error = weak.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::Server(_)), "{error}");
    assert!(
        error.to_string().contains("permission denied for database"),
        "{error}"
    );

    Migrator::connect(database.url())
        .await
        .unwrap()
        .apply(&set, &ALL)
        .await
        .unwrap();
    let error = weak.status(&set).await.unwrap_err().to_string();
    assert!(
        error.starts_with("reading the ledger failed: permission denied"),
        "{error}"
    );
    assert!(
        error.contains("; connect as the role that applies migrations"),
        "{error}"
    );
}

#[tokio::test]
async fn migrations_carried_in_a_program_are_the_same() {
    let project = Project::sealed();
    let set = project.load();
    let lock = project.read("tabellion.lock");
    let texts: Vec<(String, String)> = set
        .iter()
        .flat_map(|migration| [&migration.up.path, &migration.down.path])
        .map(|path| (path.clone(), project.read(path)))
        .collect();
    let files: Vec<(&str, &str)> = texts
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(Migrations::from_texts(&lock, &files).unwrap(), set);
    assert_eq!(set.schema(), &step(3));
    let error = Migrations::from_texts(&lock, &files[1..])
        .unwrap_err()
        .to_string();
    assert!(error.contains("is sealed but missing"), "{error}");
}
