//! Verifying: whatever drifts from what was sealed is said, object by object.

mod around;
mod beginnings;
mod forms;
mod lookups;
#[path = "../migrate_support/mod.rs"]
mod migrate_support;
mod openings;
mod roles;
mod stronger;

use migrate_support::{Project, ROLE, client, database};
use tabellion::migrate::{ApplyOptions, Migrations, Migrator};
use tabellion::testing::TestDatabase;

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
            "alter table public.order alter state type text collate \"C\"".into(),
            "column `state` on `public.\"order\"` differs; expected `text not null default 'open'::text`, found `text collate \"C\" not null default 'open'::text`".into(),
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

/// A login that may read the ledger, and nothing else.
async fn looker(database: &TestDatabase) -> (String, String) {
    let login = database.create_login("looker", &[]).await.unwrap();
    let name = format!("looker_{}", database.name());
    let admin = client(database.url()).await;
    let grant = format!(
        "grant usage on schema tabellion to {name}; grant select on tabellion.ledger to {name};
         revoke create on schema public from public"
    );
    admin.batch_execute(&grant).await.unwrap();
    (login, name)
}
