//! Ways around a table: views, copies, its own partitions, functions.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Scope, Table};

use crate::attempt::Came::{Privilege, Rows};
use crate::attempt::{after, attempt, lints, truth};
use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "attacks_objects")]
    struct User {
        #[setting("app.user")]
        id: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "members", scope = User)]
    #[primary_key(columns(user_id, shop))]
    #[policy("own", select, using = user_id == scope.id)]
    struct Member {
        user_id: String,
        shop: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = User)]
    #[index(columns(shop))]
    #[policy("of my shops", select, using = exists(Member, |m| m.shop == shop && m.user_id == scope.id))]
    struct Task {
        #[column(primary_key)]
        id: i64,
        shop: String,
        #[column(updated_at)]
        changed: tabellion::Timestamp,
    }

    #[derive(Debug, Table)]
    #[table(name = "events", scope = User)]
    #[primary_key(columns(user_id, id))]
    #[partition_by(range(id))]
    #[partition(name = "events_1", from(0), to(100))]
    #[tenant(user_id = scope.id)]
    struct Event {
        user_id: String,
        id: i64,
    }
}

const ROLE: &str = "attacks_objects";
const ADA: [(&str, &str); 1] = [("app.user", "ada")];

const ROWS: &str = "
insert into members values ('ada', 'acme'), ('bob', 'other');
insert into tasks (id, shop) values (1, 'acme'), (2, 'other'), (3, 'other');
insert into events (user_id, id) values ('ada', 1), ('bob', 2), ('bob', 3);
";

const MADE: &str = "
do $$ begin
  if not exists (select from pg_roles where rolname = 'attacks_objects') then create role attacks_objects nologin; end if;
exception when duplicate_object or unique_violation then null;
end $$;
";

async fn generated(preamble: &str) -> Result<World, Box<dyn std::error::Error>> {
    let sql = after(&format!("{MADE}{preamble}"), SOURCE)?;
    let world = World::with(&sql, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    Ok(world)
}

#[tokio::test]
async fn a_view_that_reads_as_its_owner() -> Outcome {
    let view = "create view seen as select * from tasks;";
    let invoker = "create view seen with (security_invoker = true) as select * from tasks;";
    let granted = "grant select on seen to attacks_objects";
    let world = generated("").await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table tasks").await?, Rows(1));
    world
        .admin
        .batch_execute(&format!("{view}{granted}"))
        .await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table seen").await?, Rows(3));

    // A migration with it is not sealed; one that is reads as whoever asks.
    assert_eq!(lints(view), ["view-invoker"]);
    assert_eq!(lints(invoker), [""; 0]);
    world
        .admin
        .batch_execute(&format!("drop view seen; {invoker}{granted}"))
        .await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table seen").await?, Rows(1));
    world.close().await
}

#[tokio::test]
async fn a_materialized_view() -> Outcome {
    let view = "create materialized view seen as select * from tasks;";
    let granted = "grant select on seen to attacks_objects;";
    let world = generated("").await?;
    world
        .admin
        .batch_execute(&format!("{view}{granted}"))
        .await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table seen").await?, Rows(3));
    world
        .admin
        .batch_execute("drop materialized view seen")
        .await?;

    // Made by a migration, nobody has it; whoever grants it has to answer for that.
    world.admin.batch_execute(view).await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table seen").await?, Privilege);
    assert!(lints(granted).contains(&"unnamed-access"));
    world.close().await
}

#[tokio::test]
async fn a_copy_without_policies() -> Outcome {
    let world = generated("").await?;
    for copy in [
        "create table copy as select * from tasks;",
        "create table copy (like tasks including all); insert into copy select * from tasks;",
    ] {
        let granted = "grant select on copy to attacks_objects;";
        world
            .admin
            .batch_execute(&format!("{copy}{granted}"))
            .await?;
        assert_eq!(attempt(&world, ROLE, &ADA, "table copy").await?, Rows(3));
        world.admin.batch_execute("drop table copy").await?;
        assert!(lints(granted).contains(&"unnamed-access"));
        // The role itself makes nothing, and its temporary copies hold what it sees anyhow.
        let copied = attempt(&world, ROLE, &ADA, copy).await?;
        assert_eq!(copied, Privilege, "{copy}");
    }
    let own = "create temp table copy on commit drop as select * from tasks; table copy";
    assert_eq!(attempt(&world, ROLE, &ADA, own).await?, Rows(1));
    world.close().await
}

#[tokio::test]
async fn a_partition_reached_directly() -> Outcome {
    let given = "alter default privileges in schema public grant all on tables to attacks_objects;";
    let own = "user_id = (select current_setting('app.user', true)) and user_id > ''";
    let by_hand = format!(
        "{MADE}{given}
         create table events (user_id text not null, id bigint not null) partition by range (id);
         create table events_1 partition of events for values from (0) to (100);
         alter table events enable row level security;
         alter table events force row level security;
         create policy own on events to {ROLE} using ({own}) with check ({own});
         insert into events values ('ada', 1), ('bob', 2), ('bob', 3);"
    );
    let delete = "delete from events_1 where user_id = 'bob'";
    let world = World::with(&by_hand, &[ROLE]).await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table events").await?, Rows(1));
    assert_eq!(
        attempt(&world, ROLE, &ADA, "table events_1").await?,
        Rows(3)
    );
    assert_eq!(attempt(&world, ROLE, &ADA, delete).await?, Rows(2));
    world.close().await?;

    let world = generated(given).await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table events").await?, Rows(1));
    for sql in ["table events_1", delete, "truncate events_1"] {
        assert_eq!(attempt(&world, ROLE, &ADA, sql).await?, Privilege, "{sql}");
    }
    // Even where somebody has granted it, the policies are there too.
    let granted = "grant select, delete on events_1 to attacks_objects";
    world.admin.batch_execute(granted).await?;
    assert_eq!(
        attempt(&world, ROLE, &ADA, "table events_1").await?,
        Rows(1)
    );
    assert_eq!(attempt(&world, ROLE, &ADA, delete).await?, Rows(0));
    world.close().await
}

#[tokio::test]
async fn a_function_without_a_search_path() -> Outcome {
    // The check of a policy, as a function that looks for its table wherever the caller says.
    let function = "create function is_member(shop text) returns boolean language plpgsql stable security definer as $$
        begin
          return exists (select from members m
            where m.shop = is_member.shop and m.user_id = current_setting('app.user', true));
        end $$;";
    let by_hand = format!(
        "{MADE}
         create table members (user_id text not null, shop text not null);
         create table tasks (id bigint primary key, shop text not null);
         insert into members values ('ada', 'acme'), ('bob', 'other');
         insert into tasks values (1, 'acme'), (2, 'other'), (3, 'other');
         {function}
         alter table tasks enable row level security;
         create policy p on tasks to {ROLE} using (is_member(shop));
         grant select on tasks to {ROLE};"
    );
    let planted = "create temp table members (user_id text, shop text) on commit drop;
                   insert into members values ('ada', 'acme'), ('ada', 'other');
                   grant select on members to public;
                   table tasks";
    let world = World::with(&by_hand, &[ROLE]).await?;
    assert_eq!(attempt(&world, ROLE, &ADA, "table tasks").await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &ADA, planted).await?, Rows(3));
    world.close().await?;

    assert!(lints(function).contains(&"definer-search-path"));
    // An empty path leaves the caller's temporary types the first place of all.
    let empty = function.replace("definer as", "definer set search_path = '' as");
    assert!(lints(&empty).contains(&"definer-search-path"));
    let last = function.replace(
        "definer as",
        "definer set search_path = pg_catalog, pg_temp as",
    );
    assert!(!lints(&last).contains(&"definer-search-path"));
    let world = generated("").await?;
    assert_eq!(attempt(&world, ROLE, &ADA, planted).await?, Rows(1));
    let open = "select count(*) from pg_proc
                where pronamespace = 'public'::regnamespace
                  and (proconfig is null or not 'search_path=\"\"' = any(proconfig))";
    assert_eq!(truth(&world, open).await?, 0);
    let all = "select count(*) from pg_proc where pronamespace = 'public'::regnamespace";
    assert!(
        truth(&world, all).await? > 0,
        "the time of an update is kept by one"
    );
    world.close().await
}
