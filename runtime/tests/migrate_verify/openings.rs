//! What opens a table without touching it: views, rules, functions, and what was planted on the path.

use tabellion::migrate::{ApplyOptions, Migrator};
use tabellion_sql::schema::{Expr, Rls, Type};

use crate::applied;
use crate::migrate_support::{Project, ROLE, client, database, step};

#[tokio::test]
async fn a_view_that_reads_past_policies_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let row = admin
        .query_one("select quote_ident(current_user)", &[])
        .await;
    let me: String = row.unwrap().get(0);
    let plain = format!("plain_{}", database.name());
    let member = format!("member_{}", database.name());
    let setup = format!(
        "create role {plain} nologin; grant usage, create on schema public to {plain};
         grant select on public.order to {plain}; grant {plain} to current_user; create schema api;
         grant usage on schema api to {ROLE}; create table api.kept (id int); create role {member} in role {ROLE}; grant create on schema api to {ROLE}"
    );
    admin.batch_execute(&setup).await.unwrap();
    // The grant on the table is one that was not sealed; it is taken back at the end.
    let grant = format!("what `{plain}` may do on");
    let steps: &[(&str, &[&str])] = &[
        (
            "create view public.v as select count(*) from public.order",
            &[],
        ),
        ("grant select on public.v to {role}", &["public.v"]),
        ("alter view public.v set (security_invoker = on)", &[]),
        (
            "alter view public.v set (security_invoker = off)",
            &["public.v"],
        ),
        (
            "revoke select on public.v from {role}; grant select on public.v to public",
            &["public.v"],
        ),
        (
            "revoke select on public.v from public; grant select (count) on public.v to {role}",
            &["public.v"],
        ),
        ("alter view public.v owner to {plain}", &[]),
        ("alter role {plain} bypassrls", &["public.v"]),
        ("alter role {plain} nobypassrls", &[]),
        ("drop view public.v", &[]),
        // What it reads by another view counts.
        (
            "create view public.v as select id from public.order;
             create view api.over as select id from public.v; grant select on api.over to {role}",
            &["api.over"],
        ),
        // As whom it reads the second one does not matter, where that is definer's.
        (
            "alter view api.over owner to {plain}; grant select on public.v to {plain}; grant usage on schema api to {plain}",
            &["api.over", "public.v"],
        ),
        ("alter view public.v set (security_invoker = on)", &[]),
        (
            "alter view api.over owner to current_user",
            &["api.over"],
        ),
        // Whoever uses it needs what it reads.
        (
            "alter view api.over set (security_invoker = on); alter view public.v set (security_invoker = off);
             revoke select on public.v from {plain}",
            &[],
        ),
        // Whoever has it: what the schema does not know may be what its roles become.
        ("grant select (id) on public.v to {plain}", &["public.v"]),
        ("drop view api.over; drop view public.v", &[]),
        (
            "create materialized view api.sums as select sum(total) from public.order; grant select on api.sums to {role}",
            &["api.sums"],
        ),
        ("drop materialized view api.sums", &[]),
        (
            "create view api.open as select id from api.kept; grant select on api.open to {role}",
            &[],
        ),
        // A view of a role of the schema is that scope's alone.
        (
            "create view api.own as select id from public.order; alter view api.own owner to {role};
             grant select on api.own to {member}",
            &[],
        ),
        ("grant insert on api.own to {plain}", &["api.own"]),
    ];
    for (sql, openings) in steps {
        let sql = sql
            .replace("{role}", ROLE)
            .replace("{plain}", &plain)
            .replace("{member}", &member);
        admin
            .batch_execute(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let found = engine.verify(&set).await.unwrap();
        let told: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
        let told: Vec<String> = told
            .into_iter()
            .filter(|line| !line.contains(&grant))
            .collect();
        let reader = if sql.contains("} bypassrls") || sql.ends_with(" bypassrls") {
            &plain
        } else if *openings == ["api.own"] {
            ROLE
        } else {
            &me
        };
        let line = |view: &&str| {
            format!(
                "view `{view}` is not expected; found `opens public.\"order\", read as {reader}`"
            )
        };
        let expected: Vec<String> = openings.iter().map(line).collect();
        assert_eq!(told, expected, "{sql}");
    }
    let gone =
        format!("drop view api.own; drop owned by {plain}; drop role {plain}; drop role {member}");
    admin.batch_execute(&gone).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
}

/// What a rule does, its relation's owner does, whatever the options of a view say.
#[tokio::test]
async fn a_rule_that_leads_past_policies_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let me = admin
        .query_one("select quote_ident(current_user)", &[])
        .await;
    let me: String = me.unwrap().get(0);
    let plain = format!("plain_{}", database.name());
    let setup = format!(
        "create role {plain}; create schema api; grant usage on schema api, public to {plain};
         create table api.far (x int); create table api.log (x int);
         create view api.hv with (security_invoker = true) as select 1 as x"
    );
    admin.batch_execute(&setup).await.unwrap();
    for (sql, rules) in [
        (
            "create rule r as on insert to api.hv do instead select * from public.order",
            &[][..],
        ),
        ("grant select, update on api.hv to {role}", &[]),
        ("grant insert on api.hv to {role}", &["hv"]),
        // Policies bind whoever owns it.
        ("alter view api.hv owner to {plain}", &[]),
        ("alter view api.hv owner to {me}; revoke insert on api.hv from {role}", &[]),
        ("grant insert (x) on api.hv to public", &["hv"]),
        // What whoever uses the view reads is read as they.
        (
            "drop view api.hv; create view api.hv with (security_invoker = true) as select id from public.order;
             create rule r as on delete to api.hv do instead insert into api.log values (old.id);
             grant select, delete on api.hv to {role}",
            &[],
        ),
        (
            "drop view api.hv; create rule r as on update to api.far do also delete from public.order",
            &[],
        ),
        ("grant update on api.far to {role}", &["far"]),
        ("revoke update on api.far from {role}", &[]),
        // By another rule of the same relation, and by one of another.
        (
            "create rule s as on insert to api.log do also update api.log set x = 1;
             create rule r as on update to api.log do also update api.far set x = 2; grant insert on api.log to {role}",
            &["log"],
        ),
    ] {
        let sql = sql
            .replace("{role}", ROLE)
            .replace("{plain}", &plain)
            .replace("{me}", &me);
        admin
            .batch_execute(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let found = engine.verify(&set).await.unwrap().to_string();
        let line = |relation: &&str| {
            let rule = if *relation == "log" { "s" } else { "r" };
            format!(
                "rule `{rule}` on `api.{relation}` is not expected; found `opens public.\"order\", run as {me}`\n"
            )
        };
        let expected: String = rules.iter().map(line).collect();
        assert_eq!(found, expected, "{sql}");
    }
    let gone = format!("drop schema api cascade; drop owned by {plain}; drop role {plain}");
    admin.batch_execute(&gone).await.unwrap();
}

/// It holds what its owner saw at the time, so that it does not matter for whom both act.
#[tokio::test]
async fn a_materialized_view_in_the_hands_of_a_scope_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let [member, plain, free, reader] =
        ["member", "plain", "free", "reader"].map(|it| format!("{it}_{}", database.name()));
    let me = admin
        .query_one("select quote_ident(current_user)", &[])
        .await;
    let me: String = me.unwrap().get(0);
    let setup = format!(
        "create role {member} login in role {ROLE}; create role {plain}; create role {free} bypassrls;
         create role {reader} login noinherit; create schema api; create materialized view api.held as select id from public.order"
    );
    admin.batch_execute(&setup).await.unwrap();
    let opens = |view: &str, reader: &str| {
        format!(
            "view `api.{view}` is not expected; found `opens public.\"order\", read as {reader}`\n"
        )
    };
    for (sql, told) in [
        (
            "grant select on api.held to {free}; grant {free} to {reader}; grant select on api.held to {reader}",
            String::new(),
        ),
        // It may no longer become one whom no policy binds.
        ("revoke {free} from {reader}", opens("held", &me)),
        ("revoke select on api.held from {reader}", String::new()),
        (
            "grant select on api.held to {role}; alter materialized view api.held owner to {member}",
            opens("held", &member),
        ),
        (
            "revoke select on api.held from {role}",
            opens("held", &member),
        ),
        (
            "alter materialized view api.held owner to {role}",
            opens("held", ROLE),
        ),
        // A view hands on what that one holds.
        (
            "alter materialized view api.held owner to {plain};
             create view api.over as select id from api.held; alter view api.over owner to {plain}",
            String::new(),
        ),
        ("grant select on api.over to {role}", opens("over", &plain)),
        (
            "drop view api.over; alter materialized view api.held owner to {me}",
            String::new(),
        ),
    ] {
        let sql = sql
            .replace("{role}", ROLE)
            .replace("{member}", &member)
            .replace("{plain}", &plain)
            .replace("{free}", &free)
            .replace("{reader}", &reader)
            .replace("{me}", &me);
        admin.batch_execute(&sql).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        assert_eq!(found, told, "{sql}");
    }
    let gone = format!("drop schema api cascade; drop role {member}, {plain}, {free}, {reader}");
    admin.batch_execute(&gone).await.unwrap();
}

/// A function that is leakproof sees rows before policies do, and may tell of them. PostgreSQL's own and an extension's
/// are taken to be what they say.
#[tokio::test]
async fn a_leakproof_function_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let told = "function `public.leak()` differs; expected `not leakproof`, found `public.leak(text) leakproof`\n";
    for (sql, told) in [
        (
            "create function public.leak(text) returns bool immutable language plpgsql as
               'begin raise notice ''%'', $1; return true; end'",
            "",
        ),
        ("alter function public.leak(text) leakproof", told),
        (
            "revoke execute on function public.leak(text) from public",
            "",
        ),
        (
            "grant execute on function public.leak(text) to {role}",
            told,
        ),
        ("alter function public.leak(text) not leakproof", ""),
        (
            "alter function public.leak(text) leakproof; create extension citext;
             alter extension citext add function public.leak(text)",
            "",
        ),
    ] {
        admin
            .batch_execute(&sql.replace("{role}", ROLE))
            .await
            .unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        assert_eq!(found, told, "{sql}");
    }
}

/// Databases that come from before PostgreSQL 15 let everybody create objects in `public`.
#[tokio::test]
async fn a_role_that_may_create_what_others_call_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    for (schema, role, told) in [
        ("public", ROLE, "is not expected; found `create`"),
        ("public", "public", "is not expected; found `create`"),
        (
            "\"Desk\"",
            ROLE,
            "differs; expected `usage`, found `create, usage`",
        ),
        ("\"Desk\"", "public", "is not expected; found `create`"),
    ] {
        let grant = format!("grant create on schema {schema} to {role}");
        admin.batch_execute(&grant).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let wanted = format!("what `{role}` may do on schema `{schema}` {told}\n");
        assert_eq!(found, wanted, "{grant}");
        let revoke = format!("revoke create on schema {schema} from {role}");
        admin.batch_execute(&revoke).await.unwrap();
    }
    let login = format!("login_{}", database.name());
    let create = format!("create role {login} login in role {ROLE}");
    admin.batch_execute(&create).await.unwrap();
    let here = format!("database \"{}\"", database.name());
    for (on, role, place) in [
        ("schema public", login.as_str(), "schema `public`"),
        (here.as_str(), &login, "the database"),
        // Its logins have it from there.
        ("schema public", ROLE, "schema `public`"),
        (here.as_str(), ROLE, "the database"),
        (here.as_str(), "public", "the database"),
    ] {
        let grant = format!("grant create on {on} to {role}");
        admin.batch_execute(&grant).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let wanted = format!("what `{role}` may do on {place} is not expected; found `create`\n");
        assert_eq!(found, wanted, "{grant}");
        let revoke = format!("revoke create on {on} from {role}");
        admin.batch_execute(&revoke).await.unwrap();
    }
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let drop = format!("drop role {login}");
    admin.batch_execute(&drop).await.unwrap();
}

/// A policy keeps the operator that its text found when it was created, and a schema on the path may hold one that fits
/// better than PostgreSQL's own.
#[tokio::test]
async fn an_operator_that_a_policy_found_elsewhere_is_told() {
    let database = database().await;
    let admin = client(database.url()).await;
    let plant = format!(
        "create schema own; create extension citext schema public;
         create function own.same(varchar, text) returns bool immutable language sql as 'select true';
         create operator own.= (leftarg = varchar, rightarg = text, function = own.same);
         alter database \"{}\" set search_path = own, public",
        database.name()
    );
    admin.batch_execute(&plant).await.unwrap();
    let setting = "(select current_setting('app.shop', true))";
    for (using, is_told) in [
        (format!("shop = {setting}"), true),
        (format!("shop operator(pg_catalog.=) {setting}"), false),
        // What was sealed says so itself.
        (format!("shop operator(own.=) {setting}"), false),
        (format!("shop::citext = {setting}::citext"), false),
    ] {
        let mut schema = step(1);
        let orders = schema.tables.values_mut().next().expect("the orders");
        let shop = orders.columns.iter_mut().find(|it| it.name == "shop");
        shop.expect("a column").ty = Type::Varchar(None);
        let Rls::Enabled(policies) = &mut orders.rls else {
            panic!("row-level security is on");
        };
        for expr in policies
            .values_mut()
            .flat_map(|it| [&mut it.using, &mut it.check])
        {
            *expr = expr.as_ref().map(|_| Expr::new(&using, ["shop"]));
        }
        let project = Project::new();
        project.draw(&schema);
        project.seal("first");
        let set = project.load();
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        engine.apply(&set, &ApplyOptions::default()).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let line = |command: &str| {
            format!(
                "policy `Own rows: {command}` on `public.\"order\"` differs; expected `operators of PostgreSQL and \
                 extensions, any other named with its schema`, found `operator own.=(character varying,text)`\n"
            )
        };
        let wanted = ["insert", "select", "update"].map(line).concat();
        assert_eq!(found, if is_told { &wanted } else { "" }, "{using}");
        let gone = "drop table public.order; drop schema tabellion cascade";
        admin.batch_execute(gone).await.unwrap();
    }
}
