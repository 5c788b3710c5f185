//! Verifying: whatever drifts from what was sealed is said, object by object.

mod migrate_support;

use migrate_support::{Project, ROLE, client, database, step};
use tabellion::catalog::read_schema;
use tabellion::migrate::{ApplyOptions, Migrations, Migrator};
use tabellion::testing::TestDatabase;
use tabellion_sql::schema::{Generated, QualifiedName};

async fn applied() -> (TestDatabase, Migrations, Migrator) {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    (database, set, engine)
}

#[tokio::test]
async fn a_database_as_sealed_is_clean() {
    let (database, set, mut engine) = applied().await;
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.to_string().is_empty(), "{found}");
    assert!(found.compared >= 30, "{}", found.compared);
    // Nothing of the comparison stays, rows do not matter, nor does a second look.
    client(database.url())
        .await
        .batch_execute("insert into public.order (shop, total) values ('a', 1)")
        .await
        .unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    let scratch = client(database.url())
        .await
        .query_one(
            "select count(*) from pg_namespace where nspname like 'tabellion_scratch%'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(scratch.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn every_drift_is_told() {
    let role = ROLE;
    // One change each, and what is said about it.
    let drifts = [
        (
            "drop policy \"Own rows: select\" on \"Desk\".note".to_owned(),
            "policy `Own rows: select` on `\"Desk\".note` is missing; expected `for select to".to_owned(),
        ),
        (
            "alter table public.order no force row level security".into(),
            "row-level security on `public.\"order\"` differs; expected `enabled, forced`, found `enabled, not forced`".into(),
        ),
        (
            "alter table public.order disable row level security".into(),
            "found `disabled, forced`".into(),
        ),
        (
            format!("grant truncate on public.order to {role}"),
            format!("what `{role}` may do on `public.\"order\"` differs; expected `insert, select, update`, found `insert, select, truncate, update`"),
        ),
        (
            "grant select on public.order to public".into(),
            "what `public` may do on `public.\"order\"` is not expected; found `select`".into(),
        ),
        (
            format!("grant select (shop) on public.order to {role}"),
            format!("what `{role} (shop)` may do on `public.\"order\"` is not expected; found `select`"),
        ),
        (
            format!("grant all on schema \"Desk\" to {role}"),
            format!("what `{role}` may do on schema `\"Desk\"` differs; expected `usage`, found `create, usage`"),
        ),
        (
            "alter table public.order alter state set default 'closed'".into(),
            "column `state` on `public.\"order\"` differs; expected `text not null default 'open'::text`, found `text not null default 'closed'::text`".into(),
        ),
        (
            "alter table public.order add extra int".into(),
            "column `extra` on `public.\"order\"` is not expected; found `integer`".into(),
        ),
        (
            "alter table public.order alter total type numeric(12, 2)".into(),
            "expected `numeric(10,2) not null`, found `numeric(12,2) not null`".into(),
        ),
        (
            "alter table public.order alter shop drop not null".into(),
            "column `shop` on `public.\"order\"` differs; expected `text not null`, found `text`".into(),
        ),
        (
            "alter table public.order drop constraint order_state_check".into(),
            "constraint `order_state_check` on `public.\"order\"` is missing".into(),
        ),
        (
            "drop index public.order_open".into(),
            "index `order_open` on `public.\"order\"` is missing; expected `CREATE INDEX order_open ON public.\"order\" USING btree (total) WHERE".into(),
        ),
        (
            "update pg_index set indisvalid = false where indexrelid = 'public.order_shop'::regclass".into(),
            "(invalid)`".into(),
        ),
        (
            "alter policy \"Own rows: update\" on public.order using (true)".into(),
            "using (true) with check".into(),
        ),
        (
            "create policy sly on public.order as permissive for delete using (true)".into(),
            "policy `sly` on `public.\"order\"` is not expected; found `for delete to public using (true)`".into(),
        ),
        (
            "comment on column public.order.state is 'other'".into(),
            "comment `state` on `public.\"order\"` differs; expected `Where the order stands.`, found `other`".into(),
        ),
        (
            "create function public.f() returns trigger language plpgsql as 'begin return new; end'; \
             create trigger sly before insert on public.order for each row execute function public.f()".into(),
            "trigger `sly` on `public.\"order\"` is not expected".into(),
        ),
        (
            "create rule sly as on delete to public.order do instead nothing".into(),
            "rule `sly` on `public.\"order\"` is not expected; found `CREATE RULE sly AS".into(),
        ),
        (
            "alter table \"Desk\".note disable trigger all".into(),
            "constraint `note_order_id_fkey` on `\"Desk\".note` differs; expected `FOREIGN KEY (order_id) REFERENCES public.\"order\"(id) ON DELETE CASCADE`, found `FOREIGN KEY (order_id) REFERENCES public.\"order\"(id) ON DELETE CASCADE (triggers disabled)`".into(),
        ),
        (
            "create table public.sly (id int)".into(),
            "table `public.sly` is not expected".into(),
        ),
        (
            "drop table \"Desk\".note".into(),
            "table `\"Desk\".note` is missing".into(),
        ),
        (
            "drop schema \"Desk\" cascade".into(),
            "schema `\"Desk\"` is missing".into(),
        ),
    ];
    for (sql, said) in drifts {
        let (database, set, mut engine) = applied().await;
        let client = client(database.url()).await;
        client
            .batch_execute(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let found = engine.verify(&set).await.unwrap();
        assert!(found.to_string().contains(&said), "{sql}\n{found}");
        assert!(!found.is_clean(), "{sql}");
        assert!(found.findings.len() <= 3, "{sql}\n{found}");
    }
}

#[tokio::test]
async fn a_database_behind_the_lock_is_told_so() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!((found.pending.len(), found.compared), (3, 0));
    assert!(
        found
            .to_string()
            .contains("_step_1` is not applied; run `cargo tabellion apply`"),
        "{found}"
    );
}

#[tokio::test]
async fn verifying_stands_in_nobodys_way_and_does_not_hang() {
    let (database, set, mut engine) = applied().await;
    let client = client(database.url()).await;
    let lock = |mode: &str| format!("begin; lock table public.order, \"Desk\".note in {mode} mode");
    client.batch_execute(&lock("exclusive")).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    client.batch_execute("rollback").await.unwrap();
    client
        .batch_execute(&lock("access exclusive"))
        .await
        .unwrap();
    let error = engine.verify(&set).await.unwrap_err().to_string();
    assert!(
        error.contains("; end what holds the table, then try again"),
        "{error}"
    );
    client.batch_execute("rollback").await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
}

#[tokio::test]
async fn a_login_that_may_not_build_for_comparison_is_told() {
    let (database, set, _engine) = applied().await;
    let login = database.create_login("looker", &[]).await.unwrap();
    let name = format!("looker_{}", database.name());
    client(database.url())
        .await
        .batch_execute(&format!(
            "grant usage on schema tabellion to {name}; grant select on tabellion.ledger to {name}"
        ))
        .await
        .unwrap();
    let error = Migrator::connect(&login)
        .await
        .unwrap()
        .verify(&set)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("grant it `create` on the database"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_that_is_gone_is_told() {
    let (database, project) = (database().await, Project::new());
    let role = format!("gone_{}", database.name());
    let mut schema = migrate_support::step(1);
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
async fn settings_and_schemas_of_the_database_do_not_matter() {
    let (database, set, _engine) = applied().await;
    let admin = client(database.url()).await;
    for setting in [
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
    ] {
        let sql = format!("alter database \"{}\" set {setting}", database.name());
        admin.batch_execute(&sql).await.unwrap();
    }
    admin
        .batch_execute(
            "create schema tabellion_scratch_0; create table tabellion_scratch_0.kept (id int)",
        )
        .await
        .unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared >= 30, "{found}");
    let kept = "select from tabellion_scratch_0.kept";
    admin.batch_execute(kept).await.unwrap();
}

#[tokio::test]
async fn a_role_above_the_policies_is_told() {
    let (database, project) = (database().await, Project::new());
    let (role, group) = (
        format!("above_{}", database.name()),
        format!("group_{}", database.name()),
    );
    let mut schema = migrate_support::step(1);
    schema.tables.clear();
    schema.roles = [(role.clone(), tabellion_sql::schema::Role::Created)].into();
    project.draw(&schema);
    project.seal("role");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
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
            "grant pg_read_all_data to {role}",
            "revoke pg_read_all_data from {role}",
            "member of pg_read_all_data",
        ),
        (
            "grant {group} to {role}; alter role {role} noinherit",
            "revoke {group} from {role}",
            "member of {group}",
        ),
    ] {
        let named = |sql: &str| {
            sql.replace("{role}", &format!("\"{role}\""))
                .replace("{group}", &group)
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
    let drop = format!("drop role \"{group}\"; drop role \"{role}\"");
    admin.batch_execute(&drop).await.unwrap();
}

/// Names that a literal must escape: a serial column's default holds them within one.
#[tokio::test]
async fn names_with_quotes_are_no_drift() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(1);
    let orders = schema.tables.into_values().next().expect("the orders");
    let tables = [
        ("public", "it's \\ here"),
        ("it's", "order"),
        ("it's \\ there", "order"),
        ("back\\slash", "it's"),
        ("plain", "back\\slash"),
    ];
    schema.tables = tables
        .into_iter()
        .enumerate()
        .map(|(number, (schema, table))| {
            let mut orders = orders.clone();
            let index = orders.indexes.remove("order_shop").expect("the index");
            orders.indexes.insert(format!("order_shop_{number}"), index);
            let key = orders.primary_key.as_mut().expect("the key");
            key.name = format!("order_pkey_{number}");
            (QualifiedName::new(schema, table), orders)
        })
        .collect();
    project.draw(&schema);
    project.seal("quotes");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared > 20, "{found}");
    let admin = client(database.url()).await;
    let read = read_schema(&admin, schema.namespaces()).await.unwrap();
    assert!(read.unsupported.is_empty(), "{:?}", read.unsupported);
    let serials = read.schema.tables.values().filter(|table| {
        let id = table.column("id");
        id.and_then(|id| id.generated) == Some(Generated::Serial)
    });
    assert_eq!(serials.count(), tables.len());
}

#[tokio::test]
async fn a_schema_of_someone_else_is_used_as_it_is() {
    let (database, project) = (database().await, Project::new());
    let admin = client(database.url()).await;
    admin
        .batch_execute("create schema \"Desk\"; grant all on schema \"Desk\" to public")
        .await
        .unwrap();
    let mut schema = step(2);
    schema.external_schemas.insert("Desk".into());
    project.draw(&schema);
    project.seal("desk");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared > 20, "{found}");
    admin
        .batch_execute(&project.read(format!(
            "rollbacks/{}_desk.sql",
            set.iter().next_back().unwrap().version
        )))
        .await
        .unwrap();
    let left = "select count(*) from pg_namespace where nspname = 'Desk'";
    let left = admin.query_one(left, &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1);
}
