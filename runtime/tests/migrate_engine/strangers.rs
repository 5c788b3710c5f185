//! What a stranger lays beside the ledger, or makes of it: nothing of it runs as whoever applies.

use tabellion::migrate::{ApplyOptions, Approve, MigrateError, RollbackTarget};

use crate::support::{Project, client, database};
use crate::{ALL, back, engine, run, tables, text};

/// Whoever may create in the schema makes functions of the same names, which take literals without a type better.
#[tokio::test]
async fn a_strangers_function_of_the_same_name_is_never_called() {
    let (database, project) = (database().await, Project::new());
    let login = database.create_login("eve", &[]).await.unwrap();
    let eve = format!("eve_{}", database.name());
    run(
        &database,
        &format!("alter default privileges grant create, usage on schemas to {eve}"),
    )
    .await;
    project.seal_sql(
        "one",
        "create table public.one ();\n",
        "drop table public.one;\n",
    );
    let mut engine = engine(database.url()).await;
    let all = ApplyOptions::default();
    engine.apply(&project.load(), &all).await.unwrap();
    let refused = client(&login)
        .await
        .batch_execute("create table tabellion.mine ()")
        .await;
    assert!(refused.is_err());
    // Someone grants it by hand. The functions are committed once the ledger was looked at, while a file runs.
    run(
        &database,
        &format!("grant create, usage on schema tabellion to {eve}"),
    )
    .await;
    for name in ["two", "three", "four"] {
        project.seal_sql(
            name,
            &format!("create table public.{name} ();\nselect pg_sleep(0.3);\n"),
            &format!("drop table public.{name};\n"),
        );
    }
    let set = project.load();
    let plant = async {
        let eve = client(&login).await;
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        eve.batch_execute(
            "create function tabellion.enter(event text, version text, name text, checksum text, rollback_checksum text,
               target text, guarded boolean, on_behalf_of text, note text, reached text, took text, tool text, link text)
               returns text language sql as $$ select '99 1 2026-01-01 00:00:00 eve' $$;
             create function tabellion.take_turn(key bigint, last_id int, ahead int, event text, version text)
               returns void language plpgsql as $$ begin raise exception 'called'; end $$",
        )
        .await
    };
    let (applied, planted) = tokio::join!(engine.apply(&set, &all), plant);
    planted.unwrap();
    assert_eq!(applied.unwrap().len(), 3);
    // Past the engine, which reads no ledger beside which a stranger's functions lie.
    let ids = "select string_agg(id::text, ' ' order by id) from tabellion.ledger";
    assert_eq!(text(&database, ids).await.as_deref(), Some("1 2 3 4"));
}

#[tokio::test]
async fn what_whoever_enters_a_row_makes_is_not_what_its_trigger_finds() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let login = database.create_login("sly", &[]).await.unwrap();
    let name = format!("sly_{}", database.name());
    let grant = format!(
        "grant usage on schema tabellion to {name}; grant select, insert on tabellion.ledger to {name};
         grant usage on sequence tabellion.ledger_id_seq to {name};
         create table public.taken (by name); grant select, insert on public.taken to {name}"
    );
    run(&database, &grant).await;
    let sly = client(&login).await;
    // Every type that the trigger's values have, with a check that whoever casts to it runs, and its table.
    let types = [
        "bigint",
        "boolean",
        "int8",
        "bool",
        "name",
        "regclass",
        "text",
        "timestamptz",
    ];
    let mut planted = String::from("create temp table ledger (id pg_catalog.int8);");
    for ty in types {
        let of = ty.replace("bigint", "int8").replace("boolean", "bool");
        planted += &format!(
            "create or replace function pg_temp.take(pg_catalog.{of}) returns pg_catalog.bool language plpgsql as $$
               begin insert into public.taken select current_user; return true; end $$;
             create domain pg_temp.\"{ty}\" as pg_catalog.{of} check (pg_temp.take(value));"
        );
    }
    sly.batch_execute(&planted).await.unwrap();
    let taken = "select count(*) from public.taken";
    // The trap is set: a cast by a name alone falls into it.
    sly.batch_execute("select 1::int8::text").await.unwrap();
    let before: i64 = sly.query_one(taken, &[]).await.unwrap().get(0);
    let migration = set.iter().next().unwrap();
    let entered = format!(
        "insert into tabellion.ledger
           (id, event, version, name, checksum, rollback_checksum, actor, at, duration_ms, tool)
         overriding system value
         values (0, 'approved', '{}', 'x', '{}', '{}', 'ana', '1999-01-01', 0, 'x')",
        migration.version, migration.checksum, migration.rollback_checksum
    );
    sly.batch_execute(&entered).await.unwrap();
    let after: i64 = sly.query_one(taken, &[]).await.unwrap().get(0);
    assert!(before > 0);
    assert_eq!(after, before);
}

/// A domain's check runs as whoever assigns to it.
#[tokio::test]
async fn a_table_that_borrows_the_ledgers_trigger_wins_no_rights() {
    let (database, project) = (database().await, tables(1));
    let login = database.create_login("sly", &[]).await.unwrap();
    let name = format!("sly_{}", database.name());
    run(
        &database,
        &format!("alter default privileges grant execute on functions to {name}"),
    )
    .await;
    let set = project.load();
    engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    run(
        &database,
        &format!(
            "grant usage on schema tabellion to {name};
             create table public.taken (by name); grant insert on public.taken to public"
        ),
    )
    .await;
    let planted = "create function pg_temp.take(int8) returns bool language plpgsql as $$
           begin insert into public.taken select current_user; return true; end $$;
         create domain pg_temp.trap as int8 check (pg_temp.take(value));
         create temp table t (id pg_temp.trap, event text, version text, name text, checksum text,
           rollback_checksum text, link text, position int, duration_ms int8, actor text, at timestamptz);
         create trigger x before insert on t for each row execute function tabellion.stamp_row();
         insert into t (event, duration_ms) values ('claimed', 0)";
    let ran = client(&login).await.batch_execute(planted).await;
    assert!(
        ran.is_err(),
        "the ledger's rows are not the stranger's to read"
    );
    let taken = format!("select count(*)::text from public.taken where by <> '{name}'");
    assert_eq!(text(&database, &taken).await.as_deref(), Some("0"));
}

/// The database's owner is trusted by those who may do no more than that.
#[tokio::test]
async fn whoever_may_do_more_runs_nothing_of_the_databases_owner_and_reads_its_ledger() {
    let (database, project) = (database().await, tables(2));
    let set = project.load();
    let login = database.create_login("own", &[]).await.unwrap();
    let name = format!("own_{}", database.name());
    let strong = database.create_login("strong", &[]).await.unwrap();
    let strong_name = format!("strong_{}", database.name());
    let owned = format!(
        "alter database \"{}\" owner to {name}; grant create on schema public to {name};
         alter role {strong_name} bypassrls",
        database.name()
    );
    run(&database, &owned).await;
    let first = ApplyOptions {
        to: set.iter().next().map(|first| first.version.clone()),
    };
    engine(&login).await.apply(&set, &first).await.unwrap();
    let granted = format!(
        "do $$ begin execute replace(pg_get_functiondef('tabellion.take_turn'::regproc), 'begin',
           'begin alter role {name} superuser;'); end $$;
         grant usage on schema tabellion to {strong_name}; grant select, insert on tabellion.ledger to {strong_name};
         grant usage on sequence tabellion.ledger_id_seq to {strong_name}"
    );
    client(&login).await.batch_execute(&granted).await.unwrap();
    for url in [database.url(), &strong] {
        let mut engine = engine(url).await;
        let all = Approve::AllPending;
        for refused in [
            engine.apply(&set, &ALL).await.unwrap_err(),
            engine.approve(&set, &all, "ana", None).await.unwrap_err(),
        ] {
            let said = format!("belongs to `{name}`, who may do less than this login");
            assert!(refused.to_string().contains(&said), "{refused}");
        }
        assert_eq!(engine.status(&set).await.unwrap().pending(), 1);
    }
    let is_super = format!("select rolsuper::text from pg_roles where rolname = '{name}'");
    let none = Some("false".to_owned());
    assert_eq!(text(&database, &is_super).await, none);
    // What is no table is not read either.
    let view = format!(
        "alter table tabellion.ledger rename to kept;
         create function tabellion.f() returns text language plpgsql as $$
           begin alter role {name} superuser; return 'applied'; end $$;
         create view tabellion.ledger as select * from tabellion.kept where tabellion.f() = 'applied'"
    );
    client(&login).await.batch_execute(&view).await.unwrap();
    engine(database.url()).await.status(&set).await.unwrap_err();
    assert_eq!(text(&database, &is_super).await, none);
}

#[tokio::test]
async fn an_engine_that_lives_long_reads_no_strangers_ledger() {
    let (database, project) = (database().await, tables(2));
    let set = project.load();
    let login = database.create_login("eve", &[]).await.unwrap();
    let name = format!("eve_{}", database.name());
    run(
        &database,
        &format!("grant create on database \"{}\" to {name}", database.name()),
    )
    .await;
    engine(database.url())
        .await
        .apply(&set, &ALL)
        .await
        .unwrap();
    let mut service = engine(database.url()).await;
    assert_eq!(service.apply(&set, &ALL).await.unwrap(), []);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(service.apply(&set, &ALL).await.unwrap(), []);
    // A rolled-back migration whose row is hidden.
    let last = back(RollbackTarget::Steps(1));
    engine(database.url())
        .await
        .rollback(&set, &last)
        .await
        .unwrap();
    run(
        &database,
        "alter table tabellion.ledger enable row level security, force row level security;
         create policy p on tabellion.ledger using (id <= 2)",
    )
    .await;
    let refused = service.apply(&set, &ALL).await;
    assert!(
        matches!(refused, Err(MigrateError::History(_))),
        "{refused:?}"
    );
    // The ledger goes, and a stranger is there first.
    run(&database, "drop schema tabellion cascade").await;
    let last = set.iter().next_back().unwrap();
    let view = format!(
        "create schema tabellion; grant usage on schema tabellion to public;
         create function tabellion.f() returns text language plpgsql as $$
           begin alter role \"{name}\" superuser; return 'applied'; end $$;
         create view tabellion.ledger as select 1 as id, tabellion.f() as event, '{}' as version,
           '{}' as checksum, '{}' as link;
         grant select on tabellion.ledger to public",
        last.version, last.checksum, last.link
    );
    client(&login).await.batch_execute(&view).await.unwrap();
    let refused = service.apply(&set, &ALL).await;
    assert!(
        matches!(refused, Err(MigrateError::History(_))),
        "{refused:?}"
    );
    let is_super = format!("select rolsuper::text from pg_roles where rolname = '{name}'");
    assert_eq!(text(&database, &is_super).await.as_deref(), Some("false"));
}
