//! Roles of scopes, and the logins that become them: whom policies do not bind is told.

use tabellion::migrate::{ApplyOptions, Migrations, Migrator};
use tabellion::testing::TestDatabase;
use tabellion_sql::schema::Role;

use crate::applied;
use crate::migrate_support::{Project, ROLE, client, database, step};

/// A database to which a migration has brought roles of scopes and nothing else.
async fn with_roles(database: &TestDatabase, roles: [&String; 2]) -> (Migrations, Migrator) {
    let (project, mut schema) = (Project::new(), step(1));
    schema.tables.clear();
    schema.roles = roles.map(|name| (name.clone(), Role::Created)).into();
    project.draw(&schema);
    project.seal("role");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    (set, engine)
}

#[tokio::test]
async fn a_role_that_is_gone_is_told() {
    let (database, project) = (database().await, Project::new());
    let role = format!("gone_{}", database.name());
    let mut schema = step(1);
    schema.tables.clear();
    schema.roles = [(role.clone(), tabellion_sql::schema::Role::Created)].into();
    project.draw(&schema);
    project.seal("role");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    let drop = format!("drop role \"{role}\"");
    client(database.url())
        .await
        .batch_execute(&drop)
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(
        found.to_string(),
        format!("role `{role}` does not exist on this server; create it\n")
    );
}

#[tokio::test]
async fn a_role_above_the_policies_is_told() {
    let database = database().await;
    let (role, group) = (
        format!("above_{}", database.name()),
        format!("group_{}", database.name()),
    );
    let other = format!("other_{}", database.name());
    let (set, mut engine) = with_roles(&database, [&role, &other]).await;
    let admin = client(database.url()).await;
    let create = format!("create role \"{group}\" bypassrls");
    admin.batch_execute(&create).await.unwrap();
    for (change, undo, said) in [
        (
            "alter role {role} bypassrls",
            "alter role {role} nobypassrls",
            "bypassrls",
        ),
        (
            "alter role {role} superuser",
            "alter role {role} nosuperuser",
            "superuser",
        ),
        (
            "alter role {role} login",
            "alter role {role} nologin",
            "login",
        ),
        (
            "grant pg_read_all_data to {role}",
            "revoke pg_read_all_data from {role}",
            "member of pg_read_all_data",
        ),
        (
            "alter role {role} createrole replication",
            "alter role {role} nocreaterole noreplication",
            "createrole, replication",
        ),
        (
            "grant pg_read_server_files, pg_execute_server_program to {role}",
            "revoke pg_read_server_files, pg_execute_server_program from {role}",
            "member of pg_execute_server_program, member of pg_read_server_files",
        ),
        (
            "alter role {group} nobypassrls createrole; grant {group} to {role}",
            "revoke {group} from {role}; alter role {group} bypassrls nocreaterole",
            "member of {group}",
        ),
        (
            "alter role {group} nobypassrls; grant {group} to {role}; alter database {database} owner to {group}",
            "alter database {database} owner to current_user; revoke {group} from {role}; alter role {group} bypassrls",
            "member of {group}",
        ),
        (
            "alter database {database} owner to {role}",
            "alter database {database} owner to current_user",
            "owner of the database",
        ),
        (
            "grant {group} to {role}; alter role {role} noinherit",
            "revoke {group} from {role}",
            "member of {group}",
        ),
        (
            "grant {other} to {role}",
            "revoke {other} from {role}",
            "member of {other}",
        ),
    ] {
        let named = |sql: &str| {
            sql.replace("{role}", &format!("\"{role}\""))
                .replace("{group}", &group)
                .replace("{other}", &other)
                .replace("{database}", &format!("\"{}\"", database.name()))
        };
        assert!(engine.verify(&set).await.unwrap().is_clean());
        admin.batch_execute(&named(change)).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let expected = format!(
            "what role `{role}` may do beyond grants and policies is not expected; found `{}`\n",
            named(said)
        );
        assert_eq!(found, expected);
        admin.batch_execute(&named(undo)).await.unwrap();
    }
    let drop = format!("drop role \"{group}\"; drop role \"{other}\"; drop role \"{role}\"");
    admin.batch_execute(&drop).await.unwrap();
}

/// Nobody runs the drawn tests on a database in use, so that `verify` asks of logins what they ask.
#[tokio::test]
async fn a_login_above_the_policies_is_told() {
    let database = database().await;
    let [role, other, login, group] =
        ["role", "other", "login", "group"].map(|it| format!("{it}_{}", database.name()));
    let (set, mut engine) = with_roles(&database, [&role, &other]).await;
    let admin = client(database.url()).await;
    // Who asks, and who acts for two scopes, is nobody to speak of.
    let create = format!(
        "create role {group}; create role {login} login in role {role}, {other}, {group};
         do $$ begin execute format('grant {role} to %I', current_user); end $$"
    );
    admin.batch_execute(&create).await.unwrap();
    for (change, undo, said) in [
        (
            "alter role {login} bypassrls",
            "alter role {login} nobypassrls",
            "bypassrls",
        ),
        (
            "alter role {login} superuser",
            "alter role {login} nosuperuser",
            "superuser",
        ),
        (
            "alter role {login} createrole replication",
            "alter role {login} nocreaterole noreplication",
            "createrole, replication",
        ),
        (
            "grant pg_write_server_files to {group}",
            "revoke pg_write_server_files from {group}",
            "member of pg_write_server_files",
        ),
        (
            "alter role {group} bypassrls",
            "alter role {group} nobypassrls",
            "member of {group}",
        ),
        (
            "alter database {database} owner to {login}",
            "alter database {database} owner to current_user",
            "owner of the database",
        ),
    ] {
        let named = |sql: &str| {
            sql.replace("{login}", &login)
                .replace("{group}", &group)
                .replace("{database}", &format!("\"{}\"", database.name()))
        };
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "before {change}: {found}");
        admin.batch_execute(&named(change)).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let expected = format!(
            "what role `{login}` may do beyond grants and policies is not expected; found `{}`\n",
            named(said)
        );
        assert_eq!(found, expected, "{change}");
        admin.batch_execute(&named(undo)).await.unwrap();
    }
    // Wherever its sessions are.
    let off = format!("alter role {login} set row_security = off");
    admin.batch_execute(&off).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    let expected =
        format!("setting `row_security` of role `{login}` is not expected; found `off`\n");
    assert_eq!(found, expected);
    let drop = format!("drop role {login}; drop role {group}; drop role {other}; drop role {role}");
    admin.batch_execute(&drop).await.unwrap();
}

/// A login of a scope that owns a part of what there is, is told; one that owns all may act for tenants too.
#[tokio::test]
async fn a_login_of_a_scope_that_owns_something_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let login = format!("owner_{}", database.name());
    let sql = format!(
        "create role {login} login in role {ROLE}; alter table public.order owner to {login}"
    );
    admin.batch_execute(&sql).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    let owner = format!("owner of `public.\"order\"` is not expected; found `{login}`\n");
    assert_eq!(found, owner);
    let sql = format!("alter schema \"Desk\" owner to {login}");
    admin.batch_execute(&sql).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    let schema = format!(
        "what role `{login}` may do beyond grants and policies is not expected; found `owner of schema \"Desk\"`\n"
    );
    assert_eq!(found, format!("{owner}{schema}"));
    let sql = format!(
        "do $$ declare each regclass; begin
           for each in select oid::regclass from pg_class where relkind in ('r', 'p')
             and relnamespace in ('public'::regnamespace, '\"Desk\"'::regnamespace)
           loop execute format('alter table %s owner to {login}', each); end loop;
         end $$"
    );
    admin.batch_execute(&sql).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let drop = format!("reassign owned by {login} to current_user; drop role {login}");
    admin.batch_execute(&drop).await.unwrap();
}

/// An owner without login, which the logins that migrate become, acts for tenants as one with login does.
#[tokio::test]
async fn who_becomes_the_owner_of_everything_is_passed_over() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let url = database.create_login("deploy", &[]).await.unwrap();
    let [owner, deploy] = ["owner", "deploy"].map(|it| format!("{it}_{}", database.name()));
    let sql = format!(
        "create role {owner} in role {ROLE}; grant {owner} to {deploy};
         grant usage on schema tabellion to {owner}; grant select on tabellion.ledger to {owner};
         alter schema \"Desk\" owner to {owner};
         do $$ declare each regclass; begin
           for each in select oid::regclass from pg_class where relkind in ('r', 'p')
             and relnamespace in ('public'::regnamespace, '\"Desk\"'::regnamespace)
           loop execute format('alter table %s owner to {owner}', each); end loop;
         end $$"
    );
    admin.batch_execute(&sql).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.findings.is_empty(), "{found}");
    // Who acts for a scope by itself is an application's login that may become the owner, unless it asks.
    let sql = format!(
        "grant {ROLE} to {deploy}; alter role {deploy} in database \"{}\" set role = '{owner}'",
        database.name()
    );
    admin.batch_execute(&sql).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    let power = format!(
        "what role `{deploy}` may do beyond grants and policies is not expected; found `member of {owner}`\n"
    );
    assert!(found.contains(&power), "{found}");
    let mut asking = Migrator::connect(&url).await.unwrap();
    let found = asking.verify(&set).await.unwrap();
    assert!(found.findings.is_empty(), "{found}");
    drop(asking);
    let drop = format!(
        "reassign owned by {owner} to current_user; drop owned by {owner}; drop role {owner}"
    );
    admin.batch_execute(&drop).await.unwrap();
}
