//! What the drawn tests of row-level security must notice of a database that somebody has opened by hand.
#![allow(dead_code)] // Nobody reads the rows.

use tabellion::{Date, Scope, Table};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Expr, Platform, QualifiedName, Rls, Type};

use crate::support::{Outcome, World, declared};

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

/// What was done, and how the first complaint begins.
const ATTACKS: &[(&str, &str)] = &[
    (
        "create role suite_ops bypassrls; grant suite_ops to suite_shop",
        "role suite_shop, as a member of suite_ops: expected one that policies bind, found one with BYPASSRLS",
    ),
    (
        "create role suite_ops superuser; grant suite_ops to suite_shop",
        "role suite_shop, as a member of suite_ops: expected one that policies bind, found a superuser",
    ),
    (
        "create role suite_ops bypassrls; create role suite_mid; create role suite_login login;
         grant suite_ops to suite_mid; grant suite_mid, suite_shop to suite_login",
        "role suite_login, as a member of suite_ops: expected one that policies bind, found one with BYPASSRLS",
    ),
    (
        "grant suite_staff to suite_shop",
        "role suite_shop, as a member of suite_staff: expected one that policies bind, found one that acts for another \
         scope",
    ),
    (
        "grant pg_read_all_data to suite_shop",
        "role suite_shop, as a member of pg_read_all_data: expected one that policies bind, found one that reads or \
         writes everything",
    ),
    (
        "grant pg_write_all_data to suite_staff",
        "role suite_staff, as a member of pg_write_all_data: ",
    ),
    (
        "create role suite_login login; grant suite_shop to suite_login; alter table notes owner to suite_login",
        "role suite_login: expected one that policies bind, found one with the rights of the owner of notes",
    ),
    (
        "alter table events detach partition events_2026; alter table events_2026 disable row level security;
         grant select on events_2026 to suite_shop",
        "public.events: partition public.events_2026: expected attached, found detached",
    ),
    (
        "drop table events_2026",
        "public.events: partition public.events_2026: expected attached, found none",
    ),
    (
        "create table parent (id bigint, shop text); alter table notes inherit parent;
         grant select on parent to suite_shop",
        "public.notes: inheritance of notes from parent: expected none, found one",
    ),
    (
        "create table child () inherits (notes)",
        "public.notes: inheritance of notes by child: expected none, found one",
    ),
    (
        "create table leak (shop text);
         create rule also as on insert to notes do also insert into leak values (new.shop)",
        "public.notes: rule \"also\" on notes: expected none, found one",
    ),
    (
        "create view open as select * from notes; grant select on open to suite_shop",
        "public.notes: view open, which reads as its owner, for suite_shop: expected no grant, found a grant",
    ),
    (
        "create view own as select * from notes; create view open with (security_invoker = false) as
         select id from own; grant select (id) on open to public",
        "public.notes: view open, which reads as its owner, for ",
    ),
    (
        "create materialized view open as select * from notes; grant select on open to suite_staff",
        "public.notes: materialized view open, which reads as its owner, for suite_staff: ",
    ),
    (
        "create role suite_group; grant suite_group to suite_shop; create view open as select * from notes;
         grant select (id) on open to suite_group",
        "public.notes: view open, which reads as its owner, for suite_group: expected no grant, found a grant",
    ),
    (
        "create role suite_login login; grant suite_shop to suite_login;
         create materialized view open as select * from events_2026; grant select on open to suite_login",
        "public.events: materialized view open, which reads as its owner, for suite_login: expected no grant",
    ),
    // What it holds is what somebody saw, whoever reads it.
    (
        "create role suite_mid; create materialized view held as select * from notes;
         alter materialized view held owner to suite_mid; grant select on held to suite_shop",
        "public.notes: materialized view held, which reads as its owner, for suite_shop: expected no grant",
    ),
    (
        "create role suite_mid; create materialized view held as select * from notes;
         alter materialized view held owner to suite_mid; create view open as select * from held;
         alter view open owner to suite_mid; grant select on open to suite_shop",
        "public.notes: view open, which reads as its owner, for suite_shop: expected no grant, found a grant",
    ),
    (
        "create materialized view held as select * from notes; alter materialized view held owner to suite_shop",
        "public.notes: materialized view held, for suite_shop: expected another owner, found its owner",
    ),
    (
        "create role suite_mid in role suite_shop; create materialized view held as select * from notes;
         alter materialized view held owner to suite_mid",
        "public.notes: materialized view held, for suite_mid: expected another owner, found its owner",
    ),
    (
        "create role suite_mid in role suite_staff; create view open as select * from notes;
         alter view open owner to suite_mid; grant select on open to suite_shop",
        "public.notes: view open, which reads as its owner, for suite_shop: expected no grant, found a grant",
    ),
    (
        "create role suite_login login; grant suite_shop to suite_login; alter table events_2026 owner to suite_login",
        "role suite_login: expected one that policies bind, found one with the rights of the owner of events_2026",
    ),
    (
        "alter table events_2026 owner to suite_shop",
        "role suite_shop: expected one that policies bind, found one with the rights of the owner of events_2026",
    ),
    // Who acts for a scope but as a member of the owner of everything.
    (
        "create role suite_owner; create role suite_login login in role suite_shop, suite_owner;
         alter table notes owner to suite_owner; alter table events owner to suite_owner;
         alter table events_2026 owner to suite_owner",
        "role suite_login, as a member of suite_owner: expected one that policies bind, found one with the rights of the \
         owner of events",
    ),
    (
        "create role suite_login login createrole; grant suite_shop to suite_login",
        "role suite_login: expected one that policies bind, found one with CREATEROLE",
    ),
    (
        "alter role suite_shop createrole",
        "role suite_shop: expected one that policies bind, found one with CREATEROLE",
    ),
    (
        "create role suite_ops replication; grant suite_ops to suite_staff",
        "role suite_staff, as a member of suite_ops: expected one that policies bind, found one with REPLICATION",
    ),
    (
        "alter schema public owner to suite_staff",
        "role suite_staff: expected one that policies bind, found one with the rights of the owner of schema public",
    ),
    (
        "create role suite_ops; grant suite_ops to suite_shop;
         do $$ begin execute format('alter database %I owner to suite_ops', current_database()); end $$",
        "role suite_shop, as a member of suite_ops: expected one that policies bind, found one with the rights of the \
         owner of the database",
    ),
    ("{or shop = 'evil'}", POLICY),
    ("{or current_setting('app.god', true) = 'on'}", POLICY),
    ("{or now() > '2037-01-01'}", POLICY),
];

/// How the complaint begins of a policy that says more than it should, in a way that no row shows.
const POLICY: &str = "public.notes: policy \"";

#[tokio::test]
async fn what_opens_a_database_by_hand_is_noticed() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let schema = crate::common::schema(SOURCE, Platform::Postgres)?;
    let proof = rls_tests(&schema, &scopes());
    let stored = "select polname::text, pg_get_expr(polqual, polrelid) from pg_policy
         where polrelid = 'notes'::regclass and polcmd in ('r', '*')";
    let stored = world.admin.query_one(stored, &[]).await?;
    let (policy, using): (&str, &str) = (stored.get(0), stored.get(1));
    world.admin.batch_execute(&proof).await?;
    let mut wrong = Vec::new();
    for (attack, complaint) in ATTACKS {
        let attack = match attack.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(more) => format!("alter policy \"{policy}\" on notes using ({using} {more})"),
            None => (*attack).to_owned(),
        };
        let opening = format!("begin; {attack}");
        let opened = world.admin.batch_execute(&opening).await;
        opened.unwrap_or_else(|error| panic!("{attack}: {error:?}"));
        let said = match world.admin.batch_execute(&proof).await {
            Ok(()) => "nothing".to_owned(),
            Err(error) => {
                let said = error.as_db_error().ok_or("the server's")?;
                said.message().to_owned()
            }
        };
        if !said.starts_with(complaint) {
            wrong.push(format!("{attack}: {said}"));
        }
        world.admin.batch_execute("rollback").await?;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.close().await
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
