//! Rows of another table that say who may.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Scope, Table, Uuid};
use tabellion_sql::schema::Platform;

use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "policies_member")]
    struct User {
        #[setting("app.user")]
        id: Option<Uuid>,
    }

    #[derive(Debug, Table)]
    #[table(name = "members", scope = User)]
    #[primary_key(columns(user_id, shop))]
    #[policy("own", select, using = user_id == scope.id)]
    struct Member {
        shop: String,
        user_id: Uuid,
        active: bool,
    }

    #[derive(Debug, Table)]
    #[table(name = "orders", scope = User)]
    #[index(columns(shop_domain, id desc), finder = "by_shop")]
    #[policy("members", select,
        using = exists(Member, |m| m.shop == shop_domain && m.user_id == scope.id && m.active == true))]
    #[policy("members write", insert,
        check = exists(Member, |m| shop_domain == m.shop && scope.id == m.user_id))]
    struct Order {
        #[column(primary_key)]
        id: i64,
        shop_domain: String,
    }
}

const ROLE: &str = "policies_member";
const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);

const ROWS: &str = "
insert into members values
  ('acme', '00000000-0000-0000-0000-000000000ada', true),
  ('closed', '00000000-0000-0000-0000-000000000ada', false),
  ('other', '00000000-0000-0000-0000-000000000b0b', true);
insert into orders
  select n, case n % 3 when 0 then 'acme' when 1 then 'other' else 'closed' end
  from generate_series(1, 3000) n;
analyze;
";

#[test]
fn it_has_one_text() {
    let sql = crate::common::sql(SOURCE, Platform::Postgres).expect("it is right");
    let text = "shop_domain = any (array(select m.shop from public.members m where m.user_id = (select case ";
    assert!(sql.contains(text), "{sql}");
    assert!(sql.contains(" and m.active = true))"), "{sql}");

    // Without an index it would read all members, and it has one form.
    for (from, to, message) in [
        (
            "primary_key(columns(user_id, shop))",
            "primary_key(columns(shop, user_id))",
            "no index of `members` begins with it; add `#[index(columns(user_id, shop))]` to `Member`",
        ),
        (
            "m.user_id == scope.id && m.active == true",
            "m.active == true",
            "ties one column of this table to `m` and one field of `m` to the scope",
        ),
        (
            "m.user_id == scope.id && m.active == true",
            "(m.user_id == scope.id || m.active == true)",
            "comparisons joined by `&&`",
        ),
        (
            "m.shop == shop_domain",
            "m.shop > shop_domain",
            "write `==`",
        ),
        (
            "exists(Member, |m| m",
            "exists(Member, m",
            "write `exists(Member, |m|",
        ),
    ] {
        let source = source().replace(from, to);
        assert_ne!(source, self::source(), "{from}");
        let errors = crate::common::sql(&source, Platform::Postgres).expect_err(to);
        assert!(errors.contains(message), "{errors}");
    }
}

#[test]
fn texts_of_two_collations_are_not_compared() {
    let collated = |own: &str, other: &str| {
        let source = source()
            .replace("shop_domain: String", &format!("{own} shop_domain: String"))
            .replace("shop: String", &format!("{other} shop: String"));
        crate::common::sql(&source, Platform::Postgres)
    };
    let (c, posix) = (
        "#[column(collate = \"C\")]",
        "#[column(collate = \"POSIX\")]",
    );
    for (own, other) in [(c, ""), (c, c), ("", "")] {
        assert!(collated(own, other).is_ok(), "{own} {other}");
    }
    // Through a function the collation of `shop` would be lost.
    for (own, other) in [(c, posix), ("", posix)] {
        let errors = collated(own, other).expect_err("two collations");
        assert!(
            errors.contains(
                "compares its column `shop_domain` with `shop` of `members`, which has another collation"
            ),
            "{errors}"
        );
    }
}

/// The source on one line, as nobody's formatting breaks it.
fn source() -> String {
    SOURCE.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn members_see_what_is_theirs_and_nobody_else_anything() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    // Somebody forgot the policy: every row is seen.
    world
        .admin
        .batch_execute(
            "create table bare as select * from orders; grant select on bare to policies_member",
        )
        .await?;
    assert_eq!(world.counts(ROLE, &[], "bare").await, Ok(3000));

    let ada = world.app.scope(User { id: Some(ADA) });
    let bob = world.app.scope(User { id: Some(BOB) });
    let nobody = world.app.scope(User { id: None });
    let count = async |shop: &'static str, user| {
        Order::by_shop(shop)
            .fetch_all(user)
            .await
            .map(|it| it.len())
    };
    assert_eq!(count("acme", &ada).await?, 1000);
    assert_eq!(count("closed", &ada).await?, 0);
    assert_eq!(count("other", &ada).await?, 0);
    assert_eq!(count("other", &bob).await?, 1000);
    assert_eq!(count("acme", &nobody).await?, 0);
    for text in ["", "abc", "00000000-0000-0000-0000-000000000bad"] {
        let settings = [("app.user", text)];
        assert_eq!(world.counts(ROLE, &settings, "orders").await, Ok(0));
    }
    let order = |id, shop: &str| NewOrder {
        id,
        shop_domain: shop.into(),
    };
    assert_eq!(Order::insert(order(9001, "acme")).execute(&ada).await?, 1);
    let refused = Order::insert(order(9002, "other")).execute(&ada).await;
    assert!(
        matches!(refused, Err(tabellion::Error::RowRefused { .. })),
        "{refused:?}"
    );
    // Who is no member any more sees nothing at once.
    world.admin.batch_execute("delete from members").await?;
    assert_eq!(count("acme", &ada).await?, 0);
    drop((ada, bob, nobody));
    world.close().await
}

#[tokio::test]
async fn the_members_are_read_once_along_their_key() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    world
        .raw
        .batch_execute("begin; set local role policies_member; set local enable_seqscan = off")
        .await?;
    let sql = "explain (costs off) select * from orders where shop_domain = 'acme' order by id desc limit 20";
    let lines = world.raw.query(sql, &[]).await?;
    world.raw.batch_execute("rollback").await?;
    let plan: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("using members_pkey on members m"), "{plan}");
    assert!(plan.contains("InitPlan"), "{plan}");
    assert!(!plan.contains("SubPlan"), "{plan}");
    assert!(!plan.contains("Sort"), "{plan}");
    world.close().await
}
