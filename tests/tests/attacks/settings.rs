//! What a setting is when nobody set it, when somebody else did, and for how long.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Database, Scope, Table};

use crate::attempt::Came::Rows;
use crate::attempt::{attempt, truth};
use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "attacks_settings")]
    struct Shop {
        #[setting("app.shop")]
        domain: Option<String>,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = Shop)]
    #[index(columns(shop))]
    #[index(columns(title))]
    #[tenant(shop = scope.domain)]
    struct Task {
        #[column(primary_key)]
        id: i64,
        shop: String,
        title: String,
    }
}

const ROLE: &str = "attacks_settings";
const ACME: [(&str, &str); 1] = [("app.shop", "acme")];

const ROWS: &str =
    "insert into tasks values (1, 'acme', 'call'), (2, 'other', 'call'), (3, '', 'draft')";

/// A table with this policy; `role` makes it when nobody has.
async fn bare(predicate: &str) -> Result<World, Box<dyn std::error::Error>> {
    let sql = format!(
        "do $$ begin
           if not exists (select from pg_roles where rolname = '{ROLE}') then create role {ROLE} nologin; end if;
         exception when duplicate_object or unique_violation then null;
         end $$;
         create table tasks (id bigint primary key, shop text not null, title text not null);
         alter table tasks enable row level security;
         alter table tasks force row level security;
         create policy own on tasks to {ROLE} using ({predicate});
         grant select, insert on tasks to {ROLE};"
    );
    let world = World::with(&sql, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    Ok(world)
}

async fn generated() -> Result<World, Box<dyn std::error::Error>> {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    Ok(world)
}

fn shop(domain: &str) -> Shop {
    Shop {
        domain: Some(domain.to_owned()),
    }
}

#[tokio::test]
async fn a_setting_that_a_transaction_left_empty() -> Outcome {
    let nobodys = "insert into tasks values (4, '', 'planted')";
    let world = bare("shop = (select current_setting('app.shop', true))").await?;
    // On a new connection it is missing; once a transaction has set it, it is empty, and rows of nobody fit.
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(0));
    assert_eq!(attempt(&world, ROLE, &ACME, "table tasks").await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &[], nobodys).await?, Rows(1));
    world.close().await?;

    let world = generated().await?;
    for settings in [&[][..], &ACME, &[], &[("app.shop", "")]] {
        let own = u64::from(settings == ACME);
        let seen = attempt(&world, ROLE, settings, "table tasks").await?;
        assert_eq!(seen, Rows(own), "{settings:?}");
    }
    let refused = attempt(&world, ROLE, &[], nobodys).await?;
    assert_eq!(refused, crate::attempt::Came::Policy);
    let nobody = world.app.scope(Shop { domain: None });
    assert_eq!(Task::by_shop("").count(&nobody).await?, 0);
    drop(nobody);
    world.close().await
}

#[tokio::test]
async fn a_setting_that_hides_what_stands_behind_it() -> Outcome {
    // The claim is asked where there is no setting, and on a used connection there always is one.
    let both = "shop = (select coalesce(current_setting('app.shop', true), current_setting('app.claim', true)))";
    let claim = [("app.claim", "other")];
    let others = "select * from tasks where shop = 'other'";
    let planted = "select * from tasks where shop = ''";
    let world = bare(both).await?;
    assert_eq!(attempt(&world, ROLE, &claim, others).await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &claim, planted).await?, Rows(0));
    attempt(&world, ROLE, &ACME, "table tasks").await?;
    assert_eq!(attempt(&world, ROLE, &claim, others).await?, Rows(0));
    assert_eq!(attempt(&world, ROLE, &claim, planted).await?, Rows(1));
    world.close().await?;
    // "Whoever has none is the system" opens everything to a client that says nothing.
    let world = bare("shop = (select current_setting('app.shop', true)) or (select nullif(current_setting('app.shop', true), '')) is null").await?;
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(3));
    world.close().await?;

    let world = generated().await?;
    for used in [false, true] {
        for attack in [others, planted, "table tasks"] {
            let seen = attempt(&world, ROLE, &claim, attack).await?;
            assert_eq!(seen, Rows(0), "{attack}, used: {used}");
        }
        attempt(&world, ROLE, &ACME, "table tasks").await?;
    }
    // A predicate cannot ask whether there is a scope.
    let open = SOURCE.replace(
        "tenant(shop = scope.domain)",
        "policy(\"own\", select, using = scope.domain.is_null() || shop == scope.domain)",
    );
    assert_ne!(open, SOURCE);
    let refused = crate::common::sql(&open, Default::default());
    assert!(refused.is_err(), "{refused:?}");
    world.close().await
}

#[tokio::test]
async fn a_setting_that_outlives_its_client() -> Outcome {
    // Two clients of a pooler that hands out one connection, as `raw` is here.
    let world = bare("shop = (select current_setting('app.shop', true)) and shop > ''").await?;
    world.raw.batch_execute("set app.shop = 'acme'").await?;
    assert_eq!(attempt(&world, ROLE, &[], "table tasks").await?, Rows(1));
    world.raw.batch_execute(&format!("set role {ROLE}")).await?;
    let next = world.raw.query("select current_user::text", &[]).await?;
    assert_eq!(next[0].get::<_, &str>(0), ROLE);
    world.close().await?;

    let world = generated().await?;
    let login = world.app_url().to_owned();
    let one = Database::builder(&login)
        .max_connections(1)
        .connect()
        .await?;
    let (acme, nobody) = (one.scope(shop("acme")), one.scope(Shop { domain: None }));
    for _ in 0..3 {
        assert_eq!(Task::by_title("call").count(&acme).await?, 1);
        assert_eq!(Task::by_title("call").count(&nobody).await?, 0);
    }
    drop((acme, nobody));
    one.close();
    world.close().await
}

#[tokio::test]
async fn a_savepoint_that_brings_a_tenant_back() -> Outcome {
    let world = bare("shop = (select current_setting('app.shop', true)) and shop > ''").await?;
    world
        .raw
        .batch_execute(&format!(
            "begin; set local role {ROLE};
             select set_config('app.shop', 'acme', true);
             savepoint before;
             select set_config('app.shop', 'other', true);
             rollback to before"
        ))
        .await?;
    // Whoever asked last was `other`.
    let seen = world.raw.query("select shop from tasks", &[]).await?;
    assert_eq!(seen[0].get::<_, &str>(0), "acme");
    world.raw.batch_execute("rollback").await?;
    world.close().await?;

    // A scope is set by each statement's own transaction, also behind one that failed halfway.
    let world = generated().await?;
    let (acme, other) = (
        world.app.scope(shop("acme")),
        world.app.scope(shop("other")),
    );
    let taken = NewTask {
        id: 2,
        shop: "acme".into(),
        title: "visit".into(),
    };
    assert!(Task::insert(taken).execute(&acme).await.is_err());
    let seen = Task::by_title("call").fetch_all(&other).await?;
    assert_eq!(seen.iter().map(|task| task.id).collect::<Vec<_>>(), [2]);
    drop((acme, other));
    world.close().await
}

#[tokio::test]
async fn a_tenant_set_by_injected_sql() -> Outcome {
    let payload = "' or set_config('app.shop', 'other', true) = 'no";
    let world = bare("shop = (select current_setting('app.shop', true)) and shop > ''").await?;
    // Text that is put into a statement changes the tenant of the next one.
    let pasted = format!(
        "select * from tasks where title = '{payload}';
         select * from tasks where shop = 'other'"
    );
    assert_eq!(attempt(&world, ROLE, &ACME, &pasted).await?, Rows(1));
    world.close().await?;

    let world = generated().await?;
    let acme = world.app.scope(shop("acme"));
    assert_eq!(Task::by_title(payload).count(&acme).await?, 0);
    assert_eq!(Task::by_shop("other").count(&acme).await?, 0);
    let written = NewTask {
        id: 9,
        shop: "acme".into(),
        title: payload.into(),
    };
    assert_eq!(Task::insert(written).execute(&acme).await?, 1);
    let kept = Task::by_title(payload).fetch_all(&acme).await?;
    assert_eq!(kept.len(), 1);
    // The scope's own value is bound too.
    let forged = world.app.scope(shop(payload));
    assert_eq!(Task::by_shop("other").count(&forged).await?, 0);
    assert_eq!(truth(&world, "select count(*) from tasks").await?, 4);
    drop((acme, forged));
    world.close().await
}
