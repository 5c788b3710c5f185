//! Where a rehearsal takes place, what is made for it, and that nothing of it stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tabellion::migrate::{
    ApplyOptions, Approve, MigrateError, Migrator, Pooler, RehearseOptions, Target, rehearse,
};
use tabellion_sql::schema::{
    Column, External, ForeignKey, Platform, Policy, QualifiedName, Rls, Role, Schema, Table, Type,
};

use crate::migrate_support::{Project, ROLE, client, database, step};
use crate::{ALONE, left_by, on, rehearsed, scratches};

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
        restrictive: false,
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
async fn nothing_is_rehearsed_on_the_server_of_a_guarded_database() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::new());
    project.seal_sql("one", "select 1;\n", "select 1;\n");
    let set = project.load();
    let strict = Target {
        name: Some("production".into()),
        approval: true,
        ..Target::default()
    };
    let mut engine = Migrator::connect(database.url())
        .await
        .unwrap()
        .target(strict);
    engine
        .approve(&set, &Approve::AllPending, "Ana", None)
        .await
        .unwrap();
    let error = rehearse(&set, &on(&database), &mut |_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, MigrateError::Unapproved(_)), "{error}");
    let said = error.to_string();
    assert!(
        said.starts_with(
            "target `production`, which asks for approvals, guards the named database, and"
        ) && said.contains("`--throw-away`"),
        "{said}"
    );
    assert!(scratches(&database).await.is_empty());
    // A login that cannot read who guards it gets a server of its own.
    let login = database.create_login("maker", &[]).await.unwrap();
    let admin = client(database.url()).await;
    let alter = format!("alter role \"maker_{}\" createdb", database.name());
    admin.batch_execute(&alter).await.unwrap();
    let options = RehearseOptions {
        url: Some(login),
        ..RehearseOptions::default()
    };
    let found = rehearse(&set, &options, &mut |_| {}).await.unwrap();
    assert!(
        found.place.contains("throw-away")
            && found.place.contains("cannot read whether a target guards"),
        "{}",
        found.place
    );
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

#[tokio::test]
async fn a_type_of_someone_else_is_on_a_copy_only() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let mut schema = step(3);
    schema.external_schemas.insert("app".into());
    let name = QualifiedName::new("public", "order");
    let table = schema.tables.get_mut(&name).unwrap();
    table.columns.push(Column {
        nullable: true,
        ..Column::new("mail", Type::Named("app.email".into()))
    });
    project.draw(&schema);
    project.seal("mail");
    let options = on(&database);
    let error = rehearse(&project.load(), &options, &mut |_| {})
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("column `mail` of `public.\"order\"` has type `app.email`")
            && said.ends_with("with `--on-copy-of TARGET`"),
        "{said}"
    );
}
