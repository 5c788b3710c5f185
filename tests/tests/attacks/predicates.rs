//! Policies that are there and say too much.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Column, Error, Scope, Table};

use crate::attempt::Came::{Policy, Privilege, Refused, Rows};
use crate::attempt::{attempt, truth};
use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "attacks_predicates")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = Shop)]
    #[index(columns(shop))]
    #[tenant(shop = scope.domain)]
    struct Task {
        #[column(primary_key)]
        id: i64,
        shop: String,
        title: String,
    }

    // What all may read, and each may change its own of.
    #[derive(Debug, Table)]
    #[table(name = "notes", scope = Shop)]
    #[index(columns(shop))]
    #[policy("read", select, using = shop == scope.domain || shop == "all")]
    #[policy("change", update, using = shop == scope.domain, check = shop == scope.domain)]
    #[policy("add", insert, check = shop == scope.domain)]
    struct Note {
        #[column(primary_key)]
        id: i64,
        shop: String,
        title: String,
    }

    // Written and never read, as a log is.
    #[derive(Debug, Table)]
    #[table(name = "events", scope = Shop)]
    #[index(columns(shop))]
    #[policy("add", insert, check = shop == scope.domain)]
    struct Event {
        #[column(primary_key)]
        id: i64,
        shop: String,
    }
}

const ROLE: &str = "attacks_predicates";
const ACME: [(&str, &str); 1] = [("app.shop", "acme")];
const OWN: &str = "shop = (select current_setting('app.shop', true)) and shop > ''";
const ROWS: &str = "insert into {} values (1, 'acme', 'a'), (2, 'other', 'o'), (3, 'all', 'n')";

async fn bare(policies: &str) -> Result<World, Box<dyn std::error::Error>> {
    let sql = format!(
        "do $$ begin
           if not exists (select from pg_roles where rolname = '{ROLE}') then create role {ROLE} nologin; end if;
         exception when duplicate_object or unique_violation then null;
         end $$;
         create table notes (id bigint primary key, shop text not null, title text not null);
         alter table notes enable row level security;
         alter table notes force row level security;
         grant select, insert, update, delete on notes to {ROLE};
         {policies}"
    );
    let world = World::with(&sql, &[ROLE]).await?;
    world
        .admin
        .batch_execute(&ROWS.replace("{}", "notes"))
        .await?;
    Ok(world)
}

async fn generated() -> Result<World, Box<dyn std::error::Error>> {
    let world = World::of(SOURCE, &[ROLE]).await?;
    for table in ["tasks", "notes"] {
        world
            .admin
            .batch_execute(&ROWS.replace("{}", table))
            .await?;
    }
    Ok(world)
}

/// The source with something else in one place, as nobody's formatting breaks it.
fn changed(from: &str, to: &str) -> Result<String, String> {
    let source = SOURCE.split_whitespace().collect::<Vec<_>>().join(" ");
    let changed = source.replace(from, to);
    assert_ne!(changed, source, "{from}");
    crate::common::sql(&changed, Default::default())
}

#[tokio::test]
async fn an_update_without_a_check() -> Outcome {
    let give = "update notes set shop = 'all' where shop = 'acme'";
    let take = "update notes set shop = 'acme' where shop = 'all'";
    let readable = "shop = (select current_setting('app.shop', true)) or shop = 'all'";
    // What may be read may be written: a note to everyone in anyone's name, and a note of everyone's gone.
    let world = bare(&format!(
        "create policy p on notes to {ROLE} using ({readable})"
    ))
    .await?;
    assert_eq!(attempt(&world, ROLE, &ACME, take).await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &ACME, give).await?, Rows(2));
    world.close().await?;
    // A check that is there and asks nothing.
    let world = bare(&format!(
        "create policy p on notes to {ROLE} using ({OWN}) with check (true)"
    ))
    .await?;
    let forged = "insert into notes values (9, 'other', 'forged')";
    assert_eq!(attempt(&world, ROLE, &ACME, forged).await?, Rows(1));
    let moved = "update notes set shop = 'other'";
    assert_eq!(attempt(&world, ROLE, &ACME, moved).await?, Rows(1));
    world.close().await?;

    let world = generated().await?;
    assert_eq!(attempt(&world, ROLE, &ACME, take).await?, Rows(0));
    assert_eq!(attempt(&world, ROLE, &ACME, give).await?, Policy);
    for table in ["notes", "tasks"] {
        for sql in [forged, moved] {
            let sql = sql.replace("notes", table);
            assert_eq!(attempt(&world, ROLE, &ACME, &sql).await?, Policy, "{sql}");
        }
    }
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    let foreign = NewTask {
        id: 9,
        shop: "other".into(),
        title: "forged".into(),
    };
    let refused = Task::insert(foreign).execute(&acme).await;
    assert!(
        matches!(refused, Err(Error::RowRefused { .. })),
        "{refused:?}"
    );
    // By a column that the derive would not give.
    let shop: Column<Task, String> = Column::new("shop");
    let update = Task::update(1).set(shop, "other");
    let refused = update.execute(&acme).await;
    assert!(
        matches!(refused, Err(Error::RowRefused { .. })),
        "{refused:?}"
    );
    let own =
        "select count(*) from notes where (id, shop) in ((1, 'acme'), (2, 'other'), (3, 'all'))";
    assert_eq!(truth(&world, own).await?, 3);
    // A policy that leaves its check out does not compile.
    let missing = changed(
        ", check = shop == scope.domain)] #[policy(\"add\", insert, check = shop == scope.domain)] struct Note",
        ")] struct Note",
    );
    assert!(
        missing
            .as_ref()
            .is_err_and(|error| error.contains("`update` has no `check`")),
        "{missing:?}"
    );
    drop(acme);
    world.close().await
}

#[tokio::test]
async fn an_update_of_every_row() -> Outcome {
    let policies = format!(
        "create policy s on notes for select to {ROLE} using ({OWN});
         create policy u on notes for update to {ROLE} using (true) with check (true)"
    );
    let world = bare(&policies).await?;
    let attack = "update notes set title = 'mine'";
    // A condition, or RETURNING, asks the other policy; without either nobody does.
    let asked = format!("{attack} where id > 0");
    assert_eq!(attempt(&world, ROLE, &ACME, &asked).await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &ACME, attack).await?, Rows(3));
    let mine = "select count(*) from notes where title = 'mine'";
    assert_eq!(truth(&world, mine).await?, 3);
    world.close().await?;

    let world = generated().await?;
    assert_eq!(attempt(&world, ROLE, &ACME, attack).await?, Rows(1));
    assert_eq!(truth(&world, mine).await?, 1);
    let refused = changed(
        "update, using = shop == scope.domain,",
        "update, using = true,",
    );
    assert!(refused.is_err_and(|error| error.contains("[update-using-true]")));
    world.close().await
}

#[tokio::test]
async fn a_second_permissive_policy() -> Outcome {
    // Meant to take away: of the own notes, those that are not titled. It gives instead.
    let policies = format!(
        "create policy s on notes for select to {ROLE} using ({OWN});
         create policy t on notes for select to {ROLE} using (title <> 'secret')"
    );
    let world = bare(&policies).await?;
    let attack = "select * from notes where shop = 'other'";
    assert_eq!(attempt(&world, ROLE, &ACME, attack).await?, Rows(1));
    world.close().await?;

    let refused = changed(
        "#[policy(\"change\"",
        "#[policy(\"titled\", select, using = title != \"secret\")] #[policy(\"change\"",
    );
    assert!(
        refused
            .as_ref()
            .is_err_and(|error| error.contains("[second-permissive]")),
        "{refused:?}"
    );
    // What takes away says so.
    let restrictive = changed(
        "#[policy(\"change\"",
        "#[policy(\"titled\", select, using = title != \"a\", restrictive)] #[policy(\"change\"",
    )?;
    let world = World::with(&restrictive, &[ROLE]).await?;
    world
        .admin
        .batch_execute(&ROWS.replace("{}", "notes"))
        .await?;
    assert_eq!(attempt(&world, ROLE, &ACME, attack).await?, Rows(0));
    assert_eq!(attempt(&world, ROLE, &ACME, "table notes").await?, Rows(1));
    world.close().await
}

#[tokio::test]
async fn what_needs_a_further_policy_is_refused() -> Outcome {
    // A log that its writers read back, since somebody granted SELECT and wrote `using (true)` for RETURNING.
    let world = bare(&format!("create policy s on notes for select to {ROLE} using (true); create policy i on notes for insert to {ROLE} with check ({OWN})")).await?;
    let probe = "insert into notes values (2, 'acme', '') on conflict (id) do nothing returning id";
    let back = "insert into notes values (5, 'acme', '') returning (select count(*) from notes)";
    assert_eq!(attempt(&world, ROLE, &ACME, probe).await?, Rows(0));
    assert_eq!(attempt(&world, ROLE, &ACME, back).await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &ACME, "table notes").await?, Rows(4));
    world.close().await?;

    let world = generated().await?;
    let add = "insert into events values (1, 'acme')";
    assert_eq!(attempt(&world, ROLE, &ACME, add).await?, Rows(1));
    for sql in [
        "insert into events values (2, 'acme') returning id",
        "insert into events values (1, 'acme') on conflict (id) do update set shop = excluded.shop",
        "insert into events values (1, 'acme') on conflict (id) do nothing",
        "select from events for update",
        "table events",
    ] {
        assert_eq!(attempt(&world, ROLE, &ACME, sql).await?, Privilege, "{sql}");
    }
    // A row of another tenant is neither locked nor overwritten.
    for (sql, came) in [
        ("select * from tasks where id = 2 for update", Rows(0)),
        (
            "insert into tasks values (2, 'acme', '') on conflict (id) do update set title = 'mine'",
            Policy,
        ),
        ("copy tasks from stdin", Refused("0A000".to_owned())),
    ] {
        assert_eq!(attempt(&world, ROLE, &ACME, sql).await?, came, "{sql}");
    }
    let whole = "select count(*) from tasks where title in ('a', 'o', 'n')";
    assert_eq!(truth(&world, whole).await?, 3);
    world.close().await
}
