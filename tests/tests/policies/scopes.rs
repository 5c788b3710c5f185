//! A table that answers to several scopes, and what a restrictive policy takes away.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Scope, Table};
use tabellion_sql::schema::Platform;

use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "policies_shop")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Clone, Scope)]
    #[scope(role = "policies_operator")]
    struct Operator {
        #[setting("app.operator_region")]
        region: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "orders", scope = Shop)]
    #[index(columns(shop))]
    #[index(columns(region))]
    #[tenant(shop = scope.domain)]
    #[policy("operators see their region", select, scope = Operator, using = region == scope.region)]
    struct Order {
        #[column(primary_key)]
        id: i64,
        shop: String,
        region: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "notes", scope = Shop)]
    #[index(columns(shop))]
    #[tenant(shop = scope.domain, restrictive)]
    #[policy("all of it", select, using = true, scope = Operator)]
    #[policy("what is public", select, using = public)]
    #[policy("whatever", insert, check = true)]
    struct Note {
        #[column(primary_key)]
        id: i64,
        shop: String,
        public: bool,
    }
}

const ROLES: [&str; 2] = ["policies_shop", "policies_operator"];

const ROWS: &str = "
insert into orders values (1, 'acme', 'eu'), (2, 'acme', 'us'), (3, 'other', 'eu');
insert into notes values (1, 'acme', true), (2, 'acme', false), (3, 'other', true);
";

#[tokio::test]
async fn each_scope_sees_and_does_what_its_own_policies_allow() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    world.admin.batch_execute(ROWS).await?;
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    let eu = world.app.scope(Operator {
        region: "eu".into(),
    });
    assert_eq!(Order::by_shop("acme").fetch_all(&acme).await?.len(), 2);
    assert_eq!(Order::by_shop("other").fetch_all(&acme).await?.len(), 0);
    assert_eq!(Order::by_region("eu").fetch_all(&eu).await?.len(), 2);
    assert_eq!(Order::by_region("us").fetch_all(&eu).await?.len(), 0);

    // Raw SQL as the operator's role: no policy, and no privilege either.
    let settings = [("app.operator_region", "eu")];
    assert_eq!(world.counts(ROLES[1], &settings, "orders").await, Ok(2));
    for sql in [
        "insert into orders values (9, 'acme', 'eu')",
        "update orders set shop = 'mine'",
        "delete from orders",
    ] {
        let sql = format!("begin; set local role policies_operator; {sql}");
        let error = world.raw.batch_execute(&sql).await.expect_err(&sql);
        assert_eq!(
            error.as_db_error().map(|error| error.code().code()),
            Some("42501"),
            "{error}"
        );
        world.raw.batch_execute("rollback").await?;
    }
    // The settings of one scope open nothing to the other's role.
    let settings = [("app.shop", "acme"), ("app.operator_region", "")];
    assert_eq!(world.counts(ROLES[1], &settings, "orders").await, Ok(0));
    drop((acme, eu));
    world.close().await
}

#[tokio::test]
async fn a_restrictive_guard_stays_when_a_further_policy_comes() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    world.admin.batch_execute(ROWS).await?;
    let settings = [("app.shop", "acme")];
    assert_eq!(world.counts(ROLES[0], &settings, "notes").await, Ok(1));
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    let foreign = NewNote {
        id: 7,
        shop: "other".into(),
        public: true,
    };
    let refused = Note::insert(foreign).execute(&acme).await;
    assert!(
        matches!(refused, Err(tabellion::Error::RowRefused { .. })),
        "{refused:?}"
    );

    // Somebody adds a policy that forgets the tenant: of orders it opens every row, of notes none.
    world
        .admin
        .batch_execute(
            "create policy forgetful on orders to policies_shop using (true);
             create policy forgetful on notes to policies_shop using (true)",
        )
        .await?;
    assert_eq!(world.counts(ROLES[0], &settings, "orders").await, Ok(3));
    assert_eq!(world.counts(ROLES[0], &settings, "notes").await, Ok(2));
    assert_eq!(world.counts(ROLES[0], &[], "notes").await, Ok(0));
    drop(acme);
    world.close().await
}

#[test]
fn a_policy_has_its_scopes_role_and_nobody_elses_grants() {
    let sql = crate::common::sql(SOURCE, Platform::Postgres).expect("it is right");
    for line in [
        "grant select on table public.orders to policies_operator;",
        "grant select, insert, update, delete on table public.orders to policies_shop;",
        "as restrictive for all to policies_shop",
        "grant select, insert on table public.notes to policies_shop;",
    ] {
        assert!(sql.contains(line), "{line}\n{sql}");
    }
}
