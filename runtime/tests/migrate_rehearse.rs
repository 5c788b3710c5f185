//! Rehearsing: every migration up, down and up again in a scratch database, and nothing of it left.

mod migrate_support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use migrate_support::{Project, ROLE, client, database, step};
use tabellion::migrate::{
    ApplyOptions, MigrateError, Migrations, Migrator, Pooler, Rehearsal, RehearseOptions,
    Rehearsed, rehearse,
};
use tabellion::testing::TestDatabase;
use tabellion_sql::schema::{
    Column, External, ForeignKey, Platform, Policy, QualifiedName, Rls, Role, Schema, Table, Type,
};

fn on(database: &TestDatabase) -> RehearseOptions {
    RehearseOptions {
        url: Some(database.url().to_owned()),
        ..RehearseOptions::default()
    }
}

async fn rehearsed(set: &Migrations, options: &RehearseOptions) -> Rehearsal {
    rehearse(set, options, &mut |_| {}).await.unwrap()
}

/// The scratch databases of this server.
async fn scratches(database: &TestDatabase) -> Vec<String> {
    let query = "select datname from pg_database where datname like 'tabellion_rehearsal%'";
    let rows = client(database.url())
        .await
        .query(query, &[])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Only the rehearsal under test can have made these.
async fn left_by<F: Future<Output = T>, T>(database: &TestDatabase, run: F) -> (T, Vec<String>) {
    let before: BTreeSet<String> = scratches(database).await.into_iter().collect();
    let result = run.await;
    let mut new = scratches(database).await;
    new.retain(|name| !before.contains(name));
    (result, new)
}

/// One at a time: what a rehearsal leaves is told by its name, and the tests share a server.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn generated_pairs_are_exact_and_nothing_stays() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let options = on(&database);
    let (found, left) = left_by(&database, rehearsed(&set, &options)).await;
    assert!(found.is_clean(), "{found}");
    assert!(
        left.is_empty() && found.leftovers.is_empty(),
        "{left:?} {found}"
    );
    assert_eq!(found.migrations.len(), 3);
    assert!(
        found.place.contains("on the target's server"),
        "{}",
        found.place
    );
    assert!(found.verification.as_ref().unwrap().compared >= 30);
    // Another step on a table that was there: it is the one thing that somebody could be in the way of.
    let third = &found.migrations[2];
    let locks: Vec<String> = third.up_locks.iter().map(ToString::to_string).collect();
    assert_eq!(locks, ["public.\"order\" (access exclusive)"]);
    assert!(found.migrations[0].up_locks.is_empty(), "{found}");
    assert_eq!(
        found.migrations[1].up_locks[0].mode, "share row exclusive",
        "{found}"
    );
    // The target itself was not touched.
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    assert_eq!(engine.status(&set).await.unwrap().pending(), 3);
    assert!(engine.history().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_rollback_leaves_is_told() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let pairs = [
        (
            "view",
            "create view public.seen as select 1 as one;",
            "select 1;",
        ),
        (
            "function",
            "create function public.half(int) returns int language sql as 'select $1 / 2';",
            "select 1;",
        ),
        (
            "kind",
            "create type public.kind as enum ('a');",
            "select 1;",
        ),
        (
            "check",
            "alter table public.order add constraint positive check (total > 0);",
            "alter table public.order drop constraint positive; alter table public.order alter shop drop not null;",
        ),
    ];
    for (name, up, down) in pairs {
        project.seal_sql(name, up, down);
    }
    let set = project.load();
    let found = rehearsed(&set, &on(&database)).await;
    assert!(!found.is_clean());
    let said: BTreeMap<&str, String> = found
        .migrations
        .iter()
        .map(|one| (one.name.as_str(), one.differences.join("\n")))
        .collect();
    assert_eq!(
        said["check"],
        "after the rollback, column `shop` on `public.\"order\"` differs: it was `text not null` and is `text`"
    );
    // Once, of the file that did it, and not of those before it.
    assert_eq!(
        said["kind"],
        "after the rollback, type public.kind was not there before"
    );
    let failures: Vec<_> = found
        .migrations
        .iter()
        .filter_map(|one| one.failure.as_deref())
        .collect();
    assert_eq!(failures.len(), 3, "{found}");
    assert!(
        failures[2].contains("applying again: `migrations/"),
        "{found}"
    );
    assert!(
        failures[2].contains("_kind.sql` failed at line 4"),
        "{found}"
    );
    assert!(
        found.migrations[..3].iter().all(Rehearsed::is_exact),
        "{found}"
    );
    let said = found.verification.as_ref().unwrap().to_string();
    assert!(
        said.starts_with("constraint `positive` on `public.\"order\"` is not expected"),
        "{found}"
    );
    assert!(scratches(&database).await.is_empty());
}

/// Privileges count as what they allow, however they came about; an owner counts; so does what is rare.
#[tokio::test]
async fn rollbacks_by_hand_are_held_to_the_same() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let role = format!("owner_{}", database.name());
    let pairs = [
        (
            "half",
            "create function public.half(int) returns int language sql as 'select $1 / 2'; \
             create view public.seen as select 1 as one;",
            "drop function public.half(int); drop view public.seen;",
        ),
        (
            "closed",
            "revoke execute on function public.half(int) from public; revoke all on public.seen from current_user;",
            "grant execute on function public.half(int) to public; grant all on public.seen to current_user;",
        ),
        (
            "open",
            "grant select on public.seen to public;",
            "revoke select on public.seen from current_user;",
        ),
        (
            "statistics",
            "create statistics public.both on shop, total from public.order;",
            "select 1;",
        ),
        (
            "owner",
            "alter table public.order owner to migrate_test_shop;",
            "select 1;",
        ),
    ];
    let _ = client(database.url())
        .await
        .batch_execute(&format!("create role {ROLE}"))
        .await;
    for (name, up, down) in pairs {
        project.seal_sql(name, up, down);
    }
    project.seal_sql("role", &format!("create role {role};"), "select 1;");
    let found = rehearsed(&project.load(), &on(&database)).await;
    client(database.url())
        .await
        .batch_execute(&format!("drop role {role}"))
        .await
        .unwrap();
    let one = |name: &str| {
        found
            .migrations
            .iter()
            .find(|one| one.name == name)
            .unwrap()
    };
    assert!(
        one("half").is_exact() && one("closed").is_exact(),
        "{found}"
    );
    assert!(!one("open").is_exact(), "{found}");
    assert!(
        one("open").differences[0].contains("view public.seen differs"),
        "{found}"
    );
    assert_eq!(
        one("statistics").differences,
        ["after the rollback, statistics object public.\"both\" was not there before"]
    );
    assert!(
        one("owner").differences[0]
            .starts_with("after the rollback, owner on `public.\"order\"` differs"),
        "{found}"
    );
    assert_eq!(
        found.leftovers,
        [format!(
            "role `{role}` has come, maybe by a migration; `drop role {role}` removes it"
        )]
    );
}

#[tokio::test]
async fn a_file_that_fails_is_a_finding() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    project.seal_sql(
        "broken",
        "alter table public.nowhere add x int;",
        "select 1;",
    );
    let set = project.load();
    let found = rehearsed(&set, &on(&database)).await;
    let failure = found.migrations[3].failure.as_deref().unwrap();
    assert!(
        failure.contains("_broken.sql` failed at line 4"),
        "{failure}"
    );
    assert!(found.verification.is_none());
    // Those before it were rehearsed nevertheless.
    assert!(
        found.migrations[..3].iter().all(Rehearsed::is_exact),
        "{found}"
    );
    assert!(scratches(&database).await.is_empty());
}

#[tokio::test]
async fn files_outside_a_transaction_are_rehearsed_too() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
    project.seal_text(
        "total",
        &format!("{header}create index concurrently order_total on public.\"order\" (total);\n"),
        &format!("{header}drop index concurrently public.order_total;\n"),
    );
    let set = project.load();
    let found = rehearsed(&set, &on(&database)).await;
    let last = &found.migrations[3];
    assert!(last.is_exact() && last.sampled, "{found}");
    let all = found.verification.as_ref().unwrap();
    assert_eq!(
        all.findings.len(),
        1,
        "the index is none of the sealed schema's: {found}"
    );
}

#[tokio::test]
async fn a_login_that_may_not_make_a_database_gets_a_throw_away_server() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let login = database.create_login("plain", &[]).await.unwrap();
    let options = RehearseOptions {
        url: Some(login),
        ..RehearseOptions::default()
    };
    let found = rehearsed(&set, &options).await;
    assert!(found.is_clean(), "{found}");
    assert!(found.place.contains("throw-away server"), "{}", found.place);
    assert!(
        found.place.contains("has no CREATEDB there"),
        "{}",
        found.place
    );
    // With that right and no other it gets one, as long as no role is missing.
    let name = format!("plain_{}", database.name());
    let admin = client(database.url()).await;
    let role = format!("create role {ROLE}");
    let _ = admin.batch_execute(&role).await;
    admin
        .batch_execute(&format!("alter role {name} createdb inherit"))
        .await
        .unwrap();
    let (found, left) = left_by(&database, rehearsed(&set, &options)).await;
    assert!(found.is_clean() && left.is_empty(), "{found}");
    assert!(
        found.place.contains("on the target's server"),
        "{}",
        found.place
    );
    let pooled = RehearseOptions {
        pooler: Pooler::Transaction,
        ..on(&database)
    };
    let found = rehearsed(&set, &pooled).await;
    assert!(found.place.contains("through a pooler"), "{}", found.place);
}

/// Tables of someone else, a role that nobody made, Supabase's functions.
fn referring(role: &str) -> Schema {
    let user = QualifiedName::new("auth", "users");
    let mine = "owner = (select auth.uid()) and (select auth.jwt()) ->> 'aal' = 'aal2'";
    let policy = Policy {
        command: None,
        roles: BTreeSet::from([role.to_owned()]),
        using: Some(tabellion_sql::schema::Expr::new(mine, ["owner"])),
        check: Some(tabellion_sql::schema::Expr::new(mine, ["owner"])),
    };
    let table = Table {
        columns: vec![
            Column::new("id", Type::Int8),
            Column::new("owner", Type::Uuid),
        ],
        foreign_keys: BTreeMap::from([(
            "note_owner_fkey".into(),
            ForeignKey::new(["owner"], user.clone(), ["id"]),
        )]),
        rls: Rls::Enabled(BTreeMap::from([("own".into(), policy)])),
        ..Table::new("shop::Note")
    };
    let users = External {
        source: "shop::User".into(),
        columns: vec![Column::new("id", Type::Uuid)],
        keys: vec![vec!["id".into()]],
    };
    Schema {
        platform: Platform::Supabase,
        roles: [role, "anon", "authenticated"]
            .map(|name| (name.to_owned(), Role::External))
            .into(),
        externals: BTreeMap::from([(user, users)]),
        tables: BTreeMap::from([(QualifiedName::new("public", "note"), table)]),
        ..Schema::default()
    }
}

#[tokio::test]
async fn what_is_someone_elses_is_stubbed_and_roles_that_were_missing_go_again() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::new());
    let role = format!("guest_{}", database.name());
    project.draw(&referring(&role));
    project.seal("notes");
    let set = project.load();
    let admin = client(database.url()).await;
    let there = "select string_agg(rolname, ' ' order by rolname) from pg_roles";
    let before: String = admin.query_one(there, &[]).await.unwrap().get(0);
    let found = rehearsed(&set, &on(&database)).await;
    assert!(found.is_clean(), "{found}");
    let said = found.prepared.join("\n");
    assert!(said.contains("a stub of table `auth.users`"), "{said}");
    assert!(
        said.contains(&format!(
            "role `{role}` did not exist: made for the rehearsal"
        )),
        "{said}"
    );
    let after: String = admin.query_one(there, &[]).await.unwrap().get(0);
    assert_eq!(before, after, "{found}");
    // One that exists is neither made nor dropped.
    admin
        .batch_execute(&format!("create role \"{role}\""))
        .await
        .unwrap();
    let found = rehearsed(&set, &on(&database)).await;
    assert!(
        found.is_clean() && !found.prepared.join("\n").contains(&role),
        "{found}"
    );
    admin
        .batch_execute(&format!("drop role \"{role}\""))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_copy_shows_what_happens_to_rows() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::new());
    project.draw(&step(1));
    project.seal("step_1");
    let first = project.load();
    {
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        engine
            .apply(&first, &ApplyOptions::default())
            .await
            .unwrap();
        let admin = client(database.url()).await;
        let rows = "insert into public.order (shop, total) select 'secret', n from generate_series(1, 7) n";
        admin.batch_execute(rows).await.unwrap();
        project.seal_sql(
            "fewer",
            "delete from public.order where total > 4;",
            "insert into public.order (shop, total) values ('back', 5);",
        );
    }
    let set = project.load();
    let options = RehearseOptions {
        on_copy_of: Some(database.name().to_owned()),
        ..on(&database)
    };
    // The connections of before may take a moment to end.
    let mut found = Err(MigrateError::Held(String::new()));
    for _ in 0..50 {
        found = rehearse(&set, &options, &mut |_| {}).await;
        if !matches!(found, Err(MigrateError::Held(_))) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let found = found.unwrap();
    assert!(found.is_clean() && found.migrations.len() == 1, "{found}");
    let order = found
        .rows
        .iter()
        .find(|count| count.table == "public.\"order\"")
        .unwrap();
    assert_eq!((order.before, order.applied), (Some(7), Some(4)));
    // Down, up and down again: the row that the rollback adds is deleted between.
    assert_eq!(order.rolled_back, Some(5));
    assert!(!found.to_string().contains("secret"), "{found}");
    assert!(scratches(&database).await.is_empty());
    let nowhere = RehearseOptions {
        on_copy_of: Some("nowhere".into()),
        ..on(&database)
    };
    let error = rehearse(&set, &nowhere, &mut |_| {}).await.unwrap_err();
    assert!(
        error.to_string().contains("no database `nowhere`"),
        "{error}"
    );
    // Somebody is in it: it cannot be copied.
    let _held = client(database.url()).await;
    let error = rehearse(&set, &options, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, MigrateError::Held(_)), "{error}");
    assert!(error.to_string().contains("is in use"), "{error}");
    assert!(scratches(&database).await.is_empty());
}

#[tokio::test]
async fn a_rehearsal_that_is_cut_short_drops_its_database() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    project.seal_sql("slow", "select pg_sleep(30);", "select 1;");
    let set = project.load();
    let options = on(&database);
    let mut quiet = |_: tabellion::migrate::Rehearsing<'_>| {};
    let running = rehearse(&set, &options, &mut quiet);
    let cut = tokio::time::timeout(Duration::from_secs(4), running).await;
    assert!(cut.is_err());
    assert!(scratches(&database).await.is_empty());
}

#[tokio::test]
async fn what_a_killed_run_left_is_named() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::new());
    project.draw(&step(1));
    project.seal("step_1");
    let admin = client(database.url()).await;
    admin
        .batch_execute("create database tabellion_rehearsal_left")
        .await
        .unwrap();
    let role = format!("left_{}", database.name());
    let make =
        format!("create role {role}; comment on role {role} is 'made by a rehearsal of Tabellion'");
    admin.batch_execute(&make).await.unwrap();
    let found = rehearsed(&project.load(), &on(&database)).await;
    admin
        .batch_execute("drop database tabellion_rehearsal_left")
        .await
        .unwrap();
    let drop = format!("drop role {role}");
    admin.batch_execute(&drop).await.unwrap();
    assert_eq!(
        found.leftovers[1],
        format!("role `{role}` was left by a rehearsal that was killed; `{drop}`")
    );
    assert_eq!(
        found.leftovers[..1],
        [
            "database `tabellion_rehearsal_left` was left by a rehearsal that was killed; `drop database \
          tabellion_rehearsal_left`"
        ]
    );
}
