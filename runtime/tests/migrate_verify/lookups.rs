//! Functions that look memberships up for policies: who can make one, and what is told of one that drifts.

use tabellion::migrate::{ApplyOptions, Migrations, Migrator};
use tabellion::testing::TestDatabase;
use tabellion_sql::schema::{Command, Expr, Lookup, Policy, QualifiedName, Rls, Schema, Type};
use tabellion_sql::verify;

use crate::looker;
use crate::migrate_support::{Project, ROLE, client, database, step};

/// The tables of the first step, those of whoever shares a shop with the caller among them.
fn shared() -> (Schema, QualifiedName) {
    let mut schema = step(1);
    let name = QualifiedName::new("public", "order");
    let lookup = Lookup {
        query:
            "select m.shop from public.\"order\" m where m.id::text = (select current_setting('app.id', true)) \
             and m.shop <> '$function$'"
                .into(),
        returns: Type::Text,
        table: name.clone(),
    };
    let function = lookup.name("public", "order", "shop");
    let mut expr = Expr::new(format!("shop = any (array({}))", lookup.query), ["shop"]);
    expr.tables.insert((&name).into());
    expr.lookups.insert(function.clone(), lookup);
    let policy = Policy {
        command: Some(Command::Delete),
        restrictive: false,
        roles: [ROLE.to_owned()].into(),
        using: Some(expr),
        check: None,
    };
    let table = schema.tables.get_mut(&name).expect("the table");
    if let Rls::Enabled(policies) = &mut table.rls {
        policies.insert("of one shop".into(), policy);
    }
    let grants = table.grants.entry(ROLE.to_owned()).or_default();
    grants.insert(Command::Delete);
    verify::settle_lookups(&mut schema);
    assert_eq!(verify::verify(&schema), []);
    assert!(schema.lookups().contains_key(&function));
    (schema, function)
}

fn sealed() -> (Migrations, QualifiedName) {
    let (schema, function) = shared();
    let project = Project::new();
    project.draw(&schema);
    project.seal("shared");
    (project.load(), function)
}

async fn applied() -> (TestDatabase, Migrations, QualifiedName) {
    let (database, (set, function)) = (database().await, sealed());
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    (database, set, function)
}

#[tokio::test]
async fn a_login_without_rights_finds_it_as_sealed() {
    let (database, set, _) = applied().await;
    let (login, _) = looker(&database).await;
    let mut engine = Migrator::connect(&login).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    // Where the table differs, the server builds it for comparison; its policies call the function that is there.
    let admin = client(database.url()).await;
    let drift = "alter table public.\"order\" alter column total drop not null";
    admin.batch_execute(drift).await.unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
}

#[tokio::test]
async fn each_drift_of_it_is_told() {
    let (database, set, function) = applied().await;
    let admin = client(database.url()).await;
    let (_, bound) = looker(&database).await;
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let body = "as $$begin return query select 'a'; end$$";
    for (drift, said) in [
        (
            format!("alter function {function}() security invoker"),
            "function `public.lookup_order_shop_",
        ),
        (
            format!("alter function {function}() reset all"),
            "function `public.lookup_order_shop_",
        ),
        (
            format!(
                "create or replace function {function}() returns setof text language plpgsql stable parallel safe \
             security definer set search_path = '' {body}"
            ),
            "function `public.lookup_order_shop_",
        ),
        (
            format!("grant execute on function {function}() to public"),
            "what `public` may do on `public.lookup_order_shop_",
        ),
        (
            format!("revoke execute on function {function}() from {ROLE}"),
            "is missing; expected `execute`",
        ),
        (format!("drop function {function}() cascade"), "is missing"),
        (
            format!(
                "grant create on schema public to {bound}; alter function {function}() owner to {bound}"
            ),
            "whom policies bind",
        ),
    ] {
        admin.batch_execute("begin").await.unwrap();
        admin.batch_execute(&drift).await.unwrap();
        admin.batch_execute("commit").await.unwrap();
        let found = engine.verify(&set).await.unwrap();
        assert!(found.to_string().contains(said), "{drift}\n{found}");
        // Made anew for the next one.
        let plan = tabellion_sql::plan::plan(set.schema(), &Schema::default());
        let remade = tabellion_sql::plan::plan(&Schema::default(), set.schema());
        let (down, up) = (plan.body(), remade.body());
        if drift.starts_with("drop") {
            admin
                .batch_execute("drop table public.\"order\"")
                .await
                .unwrap();
        } else {
            admin.batch_execute(&down).await.unwrap();
        }
        admin.batch_execute(&up).await.unwrap();
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{drift}\n{found}");
    }
}

#[tokio::test]
async fn whoever_is_bound_by_policies_cannot_make_one() {
    let (database, (set, _)) = (database().await, sealed());
    let login = database.create_login("owner", &[ROLE]).await.unwrap();
    let admin = client(database.url()).await;
    let owner = format!("owner_{}", database.name());
    let all = format!(
        "alter database \"{}\" owner to {owner}; alter schema public owner to {owner}",
        database.name()
    );
    admin.batch_execute(&all).await.unwrap();
    let mut engine = Migrator::connect(&login).await.unwrap();
    let error = engine.apply(&set, &ApplyOptions::default()).await;
    let error = error.expect_err("it is bound").to_string();
    assert!(
        error.contains("policies bind the role that applies")
            && error.contains("; apply as a superuser or as a role with BYPASSRLS"),
        "{error}"
    );
    let sql = "select count(*) from pg_class where relname = 'order'";
    let tables: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn whatever_is_missing_is_told_and_what_is_someone_elses_is_not() {
    let (database, set, function) = applied().await;
    let admin = client(database.url()).await;
    let login = database.create_login("reader", &[]).await.unwrap();
    let reader = format!("reader_{}", database.name());
    // It may make schemas, and nothing in `public`.
    let grants = format!(
        "grant usage on schema tabellion to {reader}; grant select on tabellion.ledger to {reader};
         grant create on database \"{}\" to {reader}; revoke create on schema public from public;
         create function public.lookup_mine() returns setof text language sql as 'select null::text';
         create policy theirs on public.\"order\" for select to {reader} using (shop in (select public.lookup_mine()))",
        database.name()
    );
    admin.batch_execute(&grants).await.unwrap();
    let mut engine = Migrator::connect(&login).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
    assert!(found.to_string().contains("policy `theirs`"), "{found}");
    let gone =
        format!("drop policy theirs on public.\"order\"; drop function {function}() cascade");
    admin.batch_execute(&gone).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(
        found.to_string().contains("policy `of one shop`"),
        "{found}"
    );
    // One that no policy calls any more is told: it passes policies by for whoever may call it.
    let spare = "create function public.lookup_spare_0123abcd() returns setof text language sql security definer
        as 'select shop from public.\"order\"'";
    admin.batch_execute(spare).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains("function `public.lookup_spare_0123abcd()` is not expected"),
        "{found}"
    );
}
