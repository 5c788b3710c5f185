//! Tables that nothing protects from somebody: no policies, an owner, a role that nobody thought of, a privilege.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Database, Error, Scope, Table};

use crate::attempt::Came::{Policy, Privilege, Rows};
use crate::attempt::{after, attempt, attempt_over, truth};
use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "attacks_open")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = Shop)]
    #[index(columns(shop))]
    #[tenant(shop = scope.domain)]
    struct Task {
        #[column(primary_key, serial)]
        id: i64,
        shop: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "entries", scope = Shop)]
    #[index(columns(shop))]
    #[policy("own", select, using = shop == scope.domain)]
    #[policy("new", insert, check = shop == scope.domain)]
    struct Entry {
        #[column(primary_key)]
        id: i64,
        shop: String,
    }
}

const ROLE: &str = "attacks_open";
const ACME: [(&str, &str); 1] = [("app.shop", "acme")];

/// Roles are the server's, and each test makes what it finds missing.
const ROLES: &str = "
do $$ begin
  if not exists (select from pg_roles where rolname = 'attacks_open') then create role attacks_open nologin; end if;
  if not exists (select from pg_roles where rolname = 'attacks_stranger') then create role attacks_stranger nologin; end if;
exception when duplicate_object or unique_violation then null;
end $$;
";

/// What a table has before anybody thinks of tenants.
const BARE: &str = "
create table tasks (id bigserial primary key, shop text not null);
grant select, insert, update, delete on tasks to attacks_open;
";

/// As much as most tutorials say.
const ENABLED: &str = "
alter table tasks enable row level security;
create policy own on tasks using (shop = (select current_setting('app.shop', true)));
";

const TASKS: &str = "insert into tasks (shop) values ('acme'), ('other'), ('other')";

async fn bare(sql: &str, roles: &[&str]) -> Result<World, Box<dyn std::error::Error>> {
    let world = World::with(&format!("{ROLES}{sql}"), roles).await?;
    world.admin.batch_execute(TASKS).await?;
    Ok(world)
}

async fn generated(preamble: &str, roles: &[&str]) -> Result<World, Box<dyn std::error::Error>> {
    let sql = after(&format!("{ROLES}{preamble}"), SOURCE)?;
    let world = World::with(&sql, roles).await?;
    world.admin.batch_execute(TASKS).await?;
    Ok(world)
}

#[tokio::test]
async fn row_level_security_forgotten() -> Outcome {
    let attack = "select * from tasks where shop = 'other'";
    let world = bare(BARE, &[ROLE]).await?;
    assert_eq!(attempt(&world, ROLE, &ACME, attack).await?, Rows(2));
    world.close().await?;

    let world = generated("", &[ROLE]).await?;
    assert_eq!(attempt(&world, ROLE, &ACME, attack).await?, Rows(0));
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    assert_eq!(Task::by_shop("acme").count(&acme).await?, 1);
    assert_eq!(Task::by_shop("other").count(&acme).await?, 0);
    drop(acme);
    world.close().await
}

#[tokio::test]
async fn an_owner_that_nothing_holds() -> Outcome {
    let owned = "alter table tasks owner to attacks_open";
    let world = bare(&format!("{BARE}{ENABLED}"), &[ROLE]).await?;
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(0));
    world.admin.batch_execute(owned).await?;
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(3));
    world.close().await?;

    let world = generated("", &[ROLE]).await?;
    world.admin.batch_execute(owned).await?;
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(0));
    assert_eq!(attempt(&world, ROLE, &ACME, "table tasks").await?, Rows(1));
    world.close().await
}

/// The other side of FORCE: an owner that cannot bypass it repairs nothing, and is told nothing.
#[tokio::test]
async fn a_backfill_that_changes_nothing() -> Outcome {
    let backfill = "update tasks set shop = shop || '.example'";
    let owned = "alter table tasks owner to attacks_stranger";
    let stranger = "attacks_stranger";
    let world = bare(&format!("{BARE}{ENABLED}"), &[stranger]).await?;
    world.admin.batch_execute(owned).await?;
    assert_eq!(attempt(&world, stranger, &[], backfill).await?, Rows(3));
    world.close().await?;

    let world = generated("", &[stranger]).await?;
    world.admin.batch_execute(owned).await?;
    assert_eq!(attempt(&world, stranger, &[], backfill).await?, Rows(0));
    // So backfills run as a login that bypasses, and nothing else does.
    world.admin.batch_execute(backfill).await?;
    let changed = "select count(*) from tasks where shop like '%.example'";
    assert_eq!(truth(&world, changed).await?, 3);
    world.close().await
}

#[tokio::test]
async fn a_command_without_a_policy() -> Outcome {
    // Whoever grants all and writes one policy gets silence where an error belongs.
    let one = "alter table tasks enable row level security;
               create policy own on tasks for select to attacks_open using (shop = current_setting('app.shop', true))";
    let world = bare(&format!("{BARE}{one}"), &[ROLE]).await?;
    let delete = "delete from tasks where shop = 'acme'";
    assert_eq!(attempt(&world, ROLE, &ACME, delete).await?, Rows(0));
    world.close().await?;

    let world = generated("", &[ROLE]).await?;
    world
        .admin
        .batch_execute("insert into entries values (1, 'acme')")
        .await?;
    for sql in ["delete from entries", "update entries set shop = 'acme'"] {
        assert_eq!(attempt(&world, ROLE, &ACME, sql).await?, Privilege, "{sql}");
    }
    assert_eq!(truth(&world, "select count(*) from entries").await?, 1);
    world.close().await
}

#[tokio::test]
async fn a_policy_for_whoever_comes() -> Outcome {
    let stranger = "attacks_stranger";
    let granted = "grant select, insert on tasks to attacks_stranger";
    let forged = "insert into tasks values (9, 'acme')";
    let world = bare(&format!("{BARE}{ENABLED}"), &[stranger]).await?;
    world.admin.batch_execute(granted).await?;
    assert_eq!(
        attempt(&world, stranger, &ACME, "table tasks").await?,
        Rows(1)
    );
    assert_eq!(attempt(&world, stranger, &ACME, forged).await?, Rows(1));
    world.close().await?;

    let world = generated("", &[stranger]).await?;
    assert_eq!(
        attempt(&world, stranger, &ACME, "table tasks").await?,
        Privilege
    );
    // Even where somebody has granted it.
    world.admin.batch_execute(granted).await?;
    assert_eq!(
        attempt(&world, stranger, &ACME, "table tasks").await?,
        Rows(0)
    );
    assert_eq!(attempt(&world, stranger, &ACME, forged).await?, Policy);
    assert_eq!(truth(&world, "select count(*) from tasks").await?, 3);
    world.close().await
}

#[tokio::test]
async fn default_privileges() -> Outcome {
    let given = "
        alter default privileges in schema public grant all on tables to attacks_open;
        alter default privileges in schema public grant all on sequences to attacks_open;
    ";
    let forced = format!("{given}{BARE}{ENABLED}alter table tasks force row level security;");
    let count = "select count(*) from tasks";
    let world = bare(&forced, &[ROLE]).await?;
    let steal = "select setval('tasks_id_seq', 1)";
    assert_eq!(attempt(&world, ROLE, &ACME, steal).await?, Rows(1));
    assert_eq!(
        attempt(&world, ROLE, &ACME, "truncate tasks").await?,
        Rows(0)
    );
    assert_eq!(truth(&world, count).await?, 0);
    world.close().await?;

    let world = generated(given, &[ROLE]).await?;
    for sql in [
        "truncate tasks",
        "truncate entries",
        steal,
        "create trigger t before insert on tasks for each row execute function suppress_redundant_updates_trigger()",
        "create table own (id bigint references tasks)",
    ] {
        assert_eq!(attempt(&world, ROLE, &ACME, sql).await?, Privilege, "{sql}");
    }
    assert_eq!(truth(&world, count).await?, 3);
    // What its policies use is there.
    let own = "insert into tasks (shop) values ('acme')";
    assert_eq!(attempt(&world, ROLE, &ACME, own).await?, Rows(1));
    world.close().await
}

/// A login that bypasses sees everything as soon as one `set local role` fails or is forgotten.
#[tokio::test]
async fn a_login_that_bypasses() -> Outcome {
    let world = bare(
        &format!("{BARE}{ENABLED}alter table tasks force row level security;"),
        &[ROLE],
    )
    .await?;
    // `world.admin` is such a login: what it reads without a role is no error, and not its own.
    assert_eq!(truth(&world, "select count(*) from tasks").await?, 3);
    assert_eq!(
        attempt_over(&world.admin, ROLE, &ACME, "table tasks").await?,
        Rows(1)
    );
    world.close().await?;

    let world = generated("", &[ROLE]).await?;
    let careless = Database::connect(world.owner()).await?;
    let acme = careless.scope(Shop {
        domain: "acme".into(),
    });
    let refused = Task::by_shop("acme").fetch_all(&acme).await;
    assert!(
        matches!(refused, Err(Error::LoginBypasses { .. })),
        "{refused:?}"
    );
    drop(acme);
    careless.close();
    world.close().await
}
