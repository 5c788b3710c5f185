//! What the drawn tests of row-level security must notice of a database that somebody has opened by hand.
#![allow(dead_code)] // Nobody reads the rows.

use tabellion::{Date, Scope, Table};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Expr, Platform, QualifiedName, Rls, Type};

use crate::support::{Outcome, World, declared};

mod opened;

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "suite_shop")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Clone, Scope)]
    #[scope(role = "suite_staff")]
    struct Staff {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "notes", scope = Shop)]
    #[index(columns(shop))]
    #[tenant(shop = scope.domain)]
    struct Note {
        #[column(primary_key)]
        id: i64,
        shop: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "events", scope = Staff)]
    #[tenant(shop = scope.domain)]
    #[index(columns(shop))]
    #[primary_key(columns(id, day))]
    #[partition_by(range(day))]
    #[partition(name = "events_2026", from("2026-01-01"), to("2027-01-01"))]
    struct Event {
        id: i64,
        day: Date,
        shop: String,
    }
}

/// Tables whose rows are hard to make.
mod narrow {
    use tabellion::Table;

    use super::Shop;
    use crate::support::declared;

    declared! {
        #[derive(Debug, Table)]
        #[table(name = "levels", scope = Shop)]
        #[index(columns(level))]
        #[index(columns(code))]
        #[policy("low", select, using = level < 32767 && level > -32768)]
        #[policy("short", delete, using = code == "a" || code == "longer")]
        struct Level {
            #[column(primary_key)]
            id: i64,
            level: i16,
            #[column(varchar(5))]
            code: String,
        }

        #[derive(Debug, Table)]
        #[table(name = "flags", scope = Shop)]
        #[index(columns(shop))]
        #[unique(columns(flag))]
        #[tenant(shop = scope.domain)]
        struct Flag {
            #[column(primary_key)]
            id: i64,
            shop: String,
            flag: bool,
        }

        #[derive(Debug, Table)]
        #[table(name = "lowered", scope = Shop)]
        #[index(columns(shop))]
        #[policy("own", select, using = shop == scope.domain)]
        #[policy("add", insert, check = shop == scope.domain)]
        #[policy("end", delete, using = shop == scope.domain)]
        struct Lowered {
            #[column(primary_key)]
            id: i64,
            raw: String,
            #[column(generated = sql("lower(raw)"))]
            shop: String,
        }
    }

    pub(super) const TEXT: &str = SOURCE;
}

const ROLES: [&str; 2] = ["suite_shop", "suite_staff"];

fn scopes() -> [ProofScope; 2] {
    ROLES.map(|role| ProofScope {
        role: role.into(),
        settings: vec![ProofSetting {
            name: "app.shop".into(),
            claim: None,
            ty: Type::Text,
            texts: Vec::new(),
        }],
    })
}

/// A policy that the struct itself declares so, and the database holds word for word: it finds nothing, because each
/// statement raises.
#[tokio::test]
async fn a_policy_that_raises_is_noticed() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let bare = "id = (select current_setting('app.shop', true))::bigint";
    let never = "1 / (id - id) = 1";
    // Another policy lets every row through, so that no statement has to read this one.
    let hidden = "create policy hidden on notes for select to suite_shop using (1 / (id - id) = 1);
         create policy open on notes for select to suite_shop using (true)";
    let raises = "expected no error, found error";
    for (policies, using, complaint) in [
        (
            "alter policy tenant_select on notes using ({})",
            bare,
            format!(
                "policy \"tenant_select\" for select by suite_shop, scope empty, row of tenant A: {raises} 22P02"
            ),
        ),
        (
            "alter policy tenant_select on notes using ({})",
            never,
            format!(
                "policy \"tenant_select\" for select by suite_shop, scope unset, row of tenant A: {raises} 22012"
            ),
        ),
        (
            "alter policy tenant_insert on notes with check ({})",
            never,
            format!(
                "policy \"tenant_insert\" for insert by suite_shop, scope unset, row of tenant A: {raises} 22012"
            ),
        ),
        (
            hidden,
            never,
            format!(
                "policy \"hidden\" for select, using, scope empty, row of tenant A: {raises} 22012"
            ),
        ),
    ] {
        let mut schema = crate::common::schema(SOURCE, Platform::Postgres)?;
        let name = QualifiedName::new("public", "notes");
        let table = schema.tables.get_mut(&name).ok_or("no table")?;
        let Rls::Enabled(declared) = &mut table.rls else {
            return Err("no policies".into());
        };
        let expr = Expr::new(using, ["id"]);
        if policies == hidden {
            let mut policy = declared["tenant_select"].clone();
            policy.using = Some(expr);
            declared.insert("hidden".to_owned(), policy.clone());
            policy.using = Some(Expr::new("true", [""; 0]));
            declared.insert("open".to_owned(), policy);
        } else if policies.contains("with check") {
            declared.get_mut("tenant_insert").ok_or("no policy")?.check = Some(expr);
        } else {
            declared.get_mut("tenant_select").ok_or("no policy")?.using = Some(expr);
        }
        let policies = policies.replace("{}", using);
        world
            .admin
            .batch_execute(&format!("begin; {policies}"))
            .await?;
        let proof = rls_tests(&schema, &scopes());
        let noticed = world.admin.batch_execute(&proof).await;
        let noticed = noticed.expect_err(&complaint);
        let said = noticed.as_db_error().ok_or("the server's")?.message();
        assert_eq!(said, format!("public.notes: {complaint}"));
        world.admin.batch_execute("rollback").await?;
    }
    world.close().await
}

#[tokio::test]
async fn what_opens_nothing_is_passed_over() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let schema = crate::common::schema(SOURCE, Platform::Postgres)?;
    let proof = rls_tests(&schema, &scopes());
    for change in [
        "create view asked with (security_invoker = true) as select * from notes; grant select on asked to suite_shop",
        // What whoever uses the view reads is read as they; and no rule does anything for whoever may not do what it is on.
        "create view asked with (security_invoker = true) as select * from notes; create table log (id bigint);
         create rule kept as on delete to asked do instead insert into log values (old.id);
         grant select, delete on asked to suite_shop",
        "create view asked with (security_invoker = true) as select id from notes;
         create rule led as on insert to asked do instead delete from notes; grant select, delete on asked to suite_shop",
        "create table log (id bigint); create rule led as on insert to log do also delete from notes;
         create role suite_mid; alter table log owner to suite_mid; grant insert on log to suite_shop",
        "create function leak(text) returns bool immutable leakproof language plpgsql as 'begin return true; end';
         revoke execute on function leak(text) from public",
        "create sequence numbers; alter table notes alter id set default nextval('numbers');
         create role suite_mid; alter sequence numbers owner to suite_mid; grant create on schema public to suite_mid",
        "create view kept as select * from notes",
        "create view own as select * from notes; alter view own owner to suite_shop;
         create role suite_login login; grant suite_shop to suite_login; grant select on own to suite_login",
        "create view asked as select * from notes; create role suite_report bypassrls;
         grant select on asked to suite_report",
        "create materialized view kept as select * from notes; create role suite_report bypassrls;
         grant select on kept to suite_report",
        "create view asked as select * from notes; create role suite_report bypassrls;
         create role suite_reader login in role suite_report; grant select on asked to suite_reader",
        "create materialized view kept as select * from notes; create role suite_root superuser;
         create role suite_reader login noinherit in role suite_root; grant select on kept to suite_reader",
        "create role suite_owner bypassrls createrole; grant suite_shop, suite_staff to suite_owner;
         create role suite_deploy login in role suite_owner;
         alter table notes owner to suite_owner; alter table events owner to suite_owner;
         alter table events_2026 owner to suite_owner; alter schema public owner to suite_owner",
        "create role suite_owner login createrole; grant suite_shop, suite_staff to suite_owner;
         alter table notes owner to suite_owner; alter table events owner to suite_owner;
         alter table events_2026 owner to suite_owner; alter schema public owner to suite_owner;
         create materialized view kept as select * from notes; alter materialized view kept owner to suite_owner",
        "create role suite_login login; grant suite_shop, suite_staff to suite_login",
        "create table events_2027 partition of events for values from ('2027-01-01') to ('2028-01-01');
         alter table events_2027 enable row level security; alter table events_2027 force row level security;
         do $$ declare p record; begin
           for p in select polname, pg_get_expr(polqual, polrelid) as u, pg_get_expr(polwithcheck, polrelid) as c,
             case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
               else 'all' end as command
             from pg_policy where polrelid = 'events'::regclass
           loop
             execute format('create policy %I on events_2027 for %s to suite_staff %s %s', p.polname, p.command,
               'using (' || p.u || ')', 'with check (' || p.c || ')');
           end loop;
         end $$",
    ] {
        world.admin.batch_execute(&format!("begin; {change}")).await?;
        let passed = world.admin.batch_execute(&proof).await;
        passed.unwrap_or_else(|error| panic!("{change}: {error:?}"));
        world.admin.batch_execute("rollback").await?;
    }
    world.close().await
}

/// Short ranges, few values, columns that nobody may set, and rows of somebody else under the same key.
#[tokio::test]
async fn rows_are_made_where_they_are_hard_to_make() -> Outcome {
    let source = format!("{SOURCE} {}", narrow::TEXT);
    let world = World::of(&source, &ROLES).await?;
    let schema = crate::common::schema(&source, Platform::Postgres)?;
    let proof = rls_tests(&schema, &scopes());
    world.admin.batch_execute(&proof).await?;
    let taken =
        "insert into flags (id, shop, flag) values (1, 'theirs', true), (2, 'theirs', false)";
    world.admin.batch_execute(taken).await?;
    world.admin.batch_execute(&proof).await?;
    // What a policy says of a column that is made of others is noticed.
    let open = "alter policy own on lowered using (shop >= current_setting('app.shop', true))";
    world.admin.batch_execute(open).await?;
    let noticed = world.admin.batch_execute(&proof).await.expect_err(open);
    let said = noticed.as_db_error().ok_or("the server's")?.message();
    assert!(
        said.starts_with("public.lowered: select by suite_shop"),
        "{said}"
    );
    world.admin.batch_execute("rollback").await?;
    world.close().await
}

#[tokio::test]
async fn an_owner_runs_them_beside_roles_of_an_api_and_triggers_that_raise() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let schema = crate::common::schema(SOURCE, Platform::Postgres)?;
    let proof = rls_tests(&schema, &scopes());
    let trigger = "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
         create trigger refuse before insert or update or delete on notes for each row execute function refuse();
         alter table notes enable always trigger refuse;";
    world
        .admin
        .batch_execute(&format!("begin; {trigger} {proof}"))
        .await?;
    let owner = "create role suite_owner bypassrls; grant suite_shop, suite_staff to suite_owner;
         do $$ begin create role anon; exception when duplicate_object or unique_violation then null; end $$;
         grant create on schema public to suite_owner;
         alter table notes owner to suite_owner; alter table events owner to suite_owner;
         alter table events_2026 owner to suite_owner; set local session authorization suite_owner;";
    world
        .admin
        .batch_execute(&format!("begin; {trigger} {owner} {proof}"))
        .await?;
    world.close().await
}
