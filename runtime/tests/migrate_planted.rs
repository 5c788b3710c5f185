//! What a role with few rights lays in the way of whoever applies: a ledger, what hangs on one, operators.

mod migrate_support;

use migrate_support::{Project, client, database};
use tabellion::migrate::{ApplyOptions, MigrateError, Migrator, RollbackOptions, RollbackTarget};

const ALL: ApplyOptions = ApplyOptions { to: None };

/// What `apply`, `status` and `rollback` by a superuser say of a ledger that someone else prepared.
async fn planted(planter: &str, sql: &str) -> String {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let name = format!("{planter}_{}", database.name());
    let login = database.create_login(planter, &[]).await.unwrap();
    let admin = client(database.url()).await;
    admin
        .batch_execute(&format!(
            "grant create on database \"{}\" to \"{name}\"",
            database.name()
        ))
        .await
        .unwrap();
    let prepared = sql.replace("{name}", &name);
    client(&login)
        .await
        .batch_execute(&prepared)
        .await
        .unwrap_or_else(|error| panic!("{prepared}: {error:?}"));
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    // Where there is a ledger to read, nothing of it runs.
    match engine.status(&set).await {
        Ok(status) => assert_eq!(status.pending(), 3),
        Err(again) => assert_eq!(again.to_string(), error.to_string()),
    }
    let query = format!("select rolsuper from pg_catalog.pg_roles where rolname = '{name}'");
    let row = admin.query_one(&query, &[]).await.unwrap();
    assert!(!row.get::<_, bool>(0), "the planter's statement ran");
    error.to_string().replace(&name, planter)
}

#[tokio::test]
async fn a_planted_ledger_is_not_touched() {
    let evil = "create schema tabellion;
         create function tabellion.refuse_change() returns trigger language plpgsql as
           $$ begin alter role \"{name}\" superuser; return new; end $$;
         create function tabellion.now() returns timestamptz language plpgsql as
           $$ begin alter role \"{name}\" superuser; return now(); end $$;";
    let table = "create table tabellion.ledger (id bigint generated always as identity primary key,
           event text, version text, name text, checksum text, actor text default session_user,
           on_behalf_of text, at timestamptz default now(), duration_ms bigint, tool text);";
    let trigger = "create trigger append_only before insert on tabellion.ledger
           for each row execute function tabellion.refuse_change();";
    let said = planted("mallory", &format!("{evil}{table}{trigger}")).await;
    for what in [
        "schema `tabellion`",
        "table `tabellion.ledger`",
        "the function of trigger `append_only` on `tabellion.ledger`",
    ] {
        let owned = format!("{what} belongs to `mallory`, who is neither this login");
        assert!(said.contains(&owned), "{said}");
    }
    // A view runs its functions as whoever reads it.
    let view = "create view tabellion.ledger as select 1::bigint as id, 'applied' as event,
           '20260101000000' as version, 'n' as name, 'c' as checksum, 'a' as actor,
           'o' as on_behalf_of, tabellion.now() as at, 0 as duration_ms, 't' as tool;";
    let said = planted("mallory", &format!("{evil}{view}")).await;
    assert!(said.contains("is not an ordinary table"), "{said}");
    // Whoever owns the schema could put another table in the ledger's place.
    let said = planted("mallory", "create schema tabellion").await;
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn what_hangs_on_the_ledger_and_is_unknown_is_refused() {
    for (sql, said) in [
        (
            "create function public.f() returns trigger language plpgsql as 'begin return new; end';
             create trigger sly before insert on tabellion.ledger
               for each row execute function public.f()",
            "`tabellion.ledger` has trigger `sly`, which tabellion did not make",
        ),
        (
            "create rule sly as on insert to tabellion.ledger do also select 1",
            "has rule `sly`",
        ),
        (
            "alter table tabellion.ledger alter on_behalf_of set default now()::text",
            "has a default of column `on_behalf_of`",
        ),
        (
            "alter table tabellion.ledger enable row level security",
            "has row-level security",
        ),
    ] {
        let (database, project) = (database().await, Project::sealed());
        let set = project.load();
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let first = ApplyOptions {
            to: set.iter().next().map(|first| first.version.clone()),
        };
        engine.apply(&set, &first).await.unwrap();
        client(database.url())
            .await
            .batch_execute(sql)
            .await
            .unwrap();
        let error = engine.apply(&set, &ALL).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn operators_on_the_search_path_are_not_found() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let name = format!("mallory_{}", database.name());
    let login = database.create_login("mallory", &[]).await.unwrap();
    let admin = client(database.url()).await;
    let grant = format!(
        "grant create on database \"{}\" to \"{name}\"",
        database.name()
    );
    admin.batch_execute(&grant).await.unwrap();
    let row = admin.query_one("select current_user::text", &[]).await;
    let applier: String = row.unwrap().get(0);
    // The schema of one's own name comes first on the usual search path.
    let mut lay = format!(
        "create schema \"{applier}\"; grant usage on schema \"{applier}\" to public;
         set search_path = \"{applier}\";"
    );
    for (number, (operator, left, right, gives)) in [
        ("<>", "oid", "int", "bool"),
        ("=", "oid", "int", "bool"),
        ("||", "text", "name", "text"),
        ("||", "text", "int", "text"),
        ("||", "text", "oid", "text"),
    ]
    .into_iter()
    .enumerate()
    {
        lay.push_str(&format!(
            "create function f{number}({left}, {right}) returns {gives} language plpgsql as $$
               begin execute 'alter role \"{name}\" superuser'; return null; end $$;
             create operator {operator} (leftarg = {left}, rightarg = {right}, function = f{number});"
        ));
    }
    client(&login).await.batch_execute(&lay).await.unwrap();
    let harmless = async |what: &str| {
        let query = format!("select rolsuper from pg_catalog.pg_roles where rolname = '{name}'");
        let row = admin.query_one(&query, &[]).await.unwrap();
        assert!(!row.get::<_, bool>(0), "{what}");
    };

    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ALL).await.unwrap();
    harmless("apply").await;
    engine.status(&set).await.unwrap();
    harmless("status").await;
    engine.verify(&set).await.unwrap();
    harmless("verify").await;
    let all = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: false,
    };
    engine.rollback(&set, &all).await.unwrap();
    harmless("rollback").await;

    let holder = client(database.url()).await;
    let hold = "begin; select pg_advisory_xact_lock(8386092168890837359)";
    holder.batch_execute(hold).await.unwrap();
    let mut engine = engine.lock_wait(std::time::Duration::ZERO);
    let held = engine.apply(&set, &ALL).await.unwrap_err();
    assert!(matches!(held, MigrateError::Held(_)), "{held}");
    harmless("the wait for the lock").await;
}
