//! What somebody may have done by hand, and how the drawn tests complain of it.

use tabellion_sql::proof::rls_tests;
use tabellion_sql::schema::Platform;

use super::{ROLES, SOURCE, scopes};
use crate::support::{Outcome, World};

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
    // What a rule does, its relation's owner does.
    (
        "create view open with (security_invoker = true) as select 1 as x;
         create rule led as on insert to open do instead select * from notes; grant insert on open to suite_shop",
        "public.notes: rule \"led\" on open, which runs as its owner, for suite_shop: expected no grant, found a grant",
    ),
    (
        "create table open (x int, y int); create rule led as on update to open do also delete from events_2026;
         grant update (y) on open to public",
        "public.events: rule \"led\" on open, which runs as its owner, for PUBLIC: expected no grant, found a grant",
    ),
    (
        "create table far (x int); create rule led as on delete to far do also delete from notes;
         create table open (x int); create rule led as on insert to open do also update open set x = 1;
         create rule on_led as on update to open do also delete from far; grant insert on open to suite_staff",
        "public.notes: rule \"led\" on open, which runs as its owner, for suite_staff: expected no grant",
    ),
    (
        "create table far (x int); create rule led as on delete to far do also delete from notes;
         create view open as select * from far; grant delete on open to suite_shop",
        "public.notes: view open, which reads as its owner, for suite_shop: expected no grant, found a grant",
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
    (
        "grant create on schema public to suite_shop",
        "role suite_shop: expected one that policies bind, found one that may create objects in schema public",
    ),
    (
        "create role suite_login login in role suite_staff;
         do $$ begin execute format('grant create on database %I to suite_login', current_database()); end $$",
        "role suite_login: expected one that policies bind, found one that may create schemas",
    ),
    (
        "create function leak(text) returns bool immutable leakproof language plpgsql as 'begin return true; end'",
        "function leak(text), for suite_shop: expected not leakproof, found leakproof",
    ),
    (
        "create sequence numbers; alter table notes alter id set default nextval('numbers');
         alter sequence numbers owner to suite_staff",
        "public.notes: sequence numbers, for suite_staff: expected another owner, found its owner",
    ),
    (
        "create role suite_mid; grant suite_mid to suite_shop; create sequence numbers owned by notes.id;
         alter table notes alter id set default nextval('numbers'); alter sequence numbers owned by none;
         alter sequence numbers owner to suite_mid",
        "public.notes: sequence numbers, for suite_mid: expected another owner, found its owner",
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
