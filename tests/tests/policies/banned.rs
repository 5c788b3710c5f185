//! Rows of another table that say who may not.

use tabellion_sql::plan::plan;
use tabellion_sql::proof::{ProofScope, ProofSetting};
use tabellion_sql::schema::{Platform, Type};

use crate::common::schema;
use crate::support::{Outcome, World, mutants};

const SOURCE: &str = r#"
    #[derive(Scope)] #[scope(role = "policies_banned")]
    struct Caller {
        #[setting("app.shop")] shop: Option<String>,
        #[setting("app.user")] user: Option<Uuid>,
    }
    #[derive(Table)] #[table(name = "banned", scope = Caller)]
    #[primary_key(columns(user, shop))] #[policy("own", select, using = user == scope.user)]
    struct Banned { user: Uuid, shop: String, active: bool }

    #[derive(Table)] #[table(name = "own_shop", scope = Caller)] #[index(columns(shop, id desc))]
    #[policy("p", select,
        using = shop == scope.shop && !exists(Banned, |b| b.shop == shop && b.user == scope.user))]
    struct OwnShop { #[column(primary_key)] id: i64, shop: String }
    #[derive(Table)] #[table(name = "any_shop", scope = Caller)]
    #[policy("p", select, using = !exists(Banned, |b| b.shop == shop && b.user == scope.user))]
    struct AnyShop { #[column(primary_key)] id: i64, shop: String }
    #[derive(Table)] #[table(name = "or_public", scope = Caller)]
    #[policy("p", select,
        using = id == 3 || !(exists(Banned, |b| b.shop == shop && b.user == scope.user)))]
    struct OrPublic { #[column(primary_key)] id: i64, shop: String }
    #[derive(Table)] #[table(name = "twice", scope = Caller)]
    #[policy("p", select, using = !(!exists(Banned, |b| b.shop == shop && b.user == scope.user)))]
    struct Twice { #[column(primary_key)] id: i64, shop: String }
    #[derive(Table)] #[table(name = "guarded", scope = Caller)]
    #[policy("shop", select, using = shop == scope.shop)]
    #[policy("p", select, restrictive,
        using = !exists(Banned, |b| b.shop == shop && b.user == scope.user))]
    struct Guarded { #[column(primary_key)] id: i64, shop: String }
    #[derive(Table)] #[table(name = "not_in_shop", scope = Caller)]
    #[policy("p", select, using = !exists(Exile, |e| e.number == id && e.shop == scope.shop))]
    struct NotInShop { #[column(primary_key)] id: i64, shop: String }

    #[derive(Table)] #[table(name = "exiles", scope = Caller)]
    #[primary_key(columns(shop, number))]
    #[policy("p", select, using = !exists(Exile, |e| e.number == number && e.shop == scope.shop))]
    struct Exile { shop: String, number: i64 }

    #[derive(Table)] #[table(name = "absent", scope = Caller)] #[index(columns(user, shop))]
    #[policy("own", select, using = user == scope.user)]
    struct Absent { #[column(primary_key)] id: i64, user: Uuid, shop: Option<String> }
    #[derive(Table)] #[table(name = "not_absent", scope = Caller)]
    #[policy("p", select, using = !exists(Absent, |a| a.shop == shop && a.user == scope.user))]
    struct NotAbsent { #[column(primary_key)] id: i64, shop: Option<String> }
    #[derive(Table)] #[table(name = "is_absent", scope = Caller)]
    #[policy("p", select, using = exists(Absent, |a| a.shop == shop && a.user == scope.user))]
    struct IsAbsent { #[column(primary_key)] id: i64, shop: String }
"#;

const ROLE: &str = "policies_banned";
const ADA: &str = "00000000-0000-0000-0000-000000000ada";
const BOB: &str = "00000000-0000-0000-0000-000000000b0b";

/// Ada is banned from acme, and the third row is nobody's shop.
const ROWS: &str = "
insert into banned values ('00000000-0000-0000-0000-000000000ada', 'acme', true);
insert into exiles values ('acme', 1), ('other', 2);
";

#[test]
fn it_has_one_text() {
    let sql = crate::common::sql(SOURCE, Platform::Postgres).expect("it is right");
    let query = "not (shop = any (array(select b.shop from public.banned b where b.\"user\" = ";
    assert!(sql.contains(query), "{sql}");
    let nobody = " or nullif((select current_setting('app.shop', true)), '') <> \
                  nullif((select current_setting('app.shop', true)), ''))";
    assert!(sql.contains(nobody), "{sql}");
}

#[tokio::test]
async fn who_says_nothing_of_themselves_sees_nothing() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    let tables = ["own_shop", "any_shop", "or_public", "twice", "guarded"];
    for table in tables.into_iter().chain(["not_in_shop"]) {
        let rows = format!("insert into {table} values (1, 'acme'), (2, 'other'), (3, '')");
        world.admin.batch_execute(&rows).await?;
    }
    for (shop, user, counts) in [
        ("acme", ADA, [0, 2, 2, 1, 0]),
        ("other", ADA, [1, 2, 2, 1, 1]),
        ("acme", BOB, [1, 3, 3, 0, 1]),
        ("acme", "", [0, 0, 1, 0, 0]),
        ("acme", "abc", [0, 0, 1, 0, 0]),
        ("", BOB, [0, 3, 3, 0, 0]),
        ("", "", [0, 0, 1, 0, 0]),
    ] {
        let settings = [("app.shop", shop), ("app.user", user)];
        for (table, count) in tables.into_iter().zip(counts) {
            let seen = world.counts(ROLE, &settings, table).await;
            assert_eq!(seen, Ok(count), "{table}: `{shop}` `{user}`");
        }
    }
    // On a new connection, where the settings are NULL.
    let fresh = World::of(SOURCE, &[ROLE]).await?;
    fresh.admin.batch_execute(ROWS).await?;
    for table in tables {
        let rows = format!("insert into {table} values (1, 'acme'), (2, 'other')");
        fresh.admin.batch_execute(&rows).await?;
        assert_eq!(fresh.counts(ROLE, &[], table).await, Ok(0), "{table}");
    }
    fresh.close().await?;
    // By a text, and by a function.
    for (shop, count) in [("acme", 1), ("other", 1), ("none", 2), ("", 0)] {
        let settings = [("app.shop", shop)];
        let seen = world.counts(ROLE, &settings, "exiles").await;
        assert_eq!(seen, Ok(count), "{shop}");
        let seen = world.counts(ROLE, &settings, "not_in_shop").await;
        assert_eq!(seen.map(|it| it > 0), Ok(count > 0), "{shop}");
    }
    world.close().await
}

#[tokio::test]
async fn a_row_without_a_value_keeps_nobody_out() -> Outcome {
    let sql = crate::common::sql(SOURCE, Platform::Postgres)?;
    let texts = sql.matches(" and a.shop is not null))").count();
    assert_eq!(texts, 1, "{sql}");
    let b_and_e = sql.contains("b.shop is not null") || sql.contains("e.number is not null");
    assert!(!b_and_e, "{sql}");
    let world = World::of(SOURCE, &[ROLE]).await?;
    let rows = format!(
        "insert into absent values (1, '{ADA}', null), (2, '{ADA}', 'acme');
         insert into not_absent values (1, 'acme'), (2, 'other'), (3, ''), (4, null);
         insert into is_absent values (1, 'acme'), (2, 'other')"
    );
    world.admin.batch_execute(&rows).await?;
    // The row of no shop is denied to Ada, of whom two rows say something.
    for (user, counts) in [(ADA, [2, 1]), (BOB, [4, 0]), ("", [0, 0])] {
        for (table, count) in ["not_absent", "is_absent"].into_iter().zip(counts) {
            let seen = world.counts(ROLE, &[("app.user", user)], table).await;
            assert_eq!(seen, Ok(count), "{table}: `{user}`");
        }
    }
    world.close().await
}

#[tokio::test]
async fn it_is_asked_once_a_statement() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    world.admin.batch_execute("analyze").await?;
    let say = "begin; set local role policies_banned; set local enable_seqscan = off";
    world.raw.batch_execute(say).await?;
    let sql =
        "explain (costs off) select * from own_shop where shop = 'acme' order by id desc limit 20";
    let lines = world.raw.query(sql, &[]).await?;
    world.raw.batch_execute("rollback").await?;
    let plan: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("One-Time Filter: "), "{plan}");
    assert!(plan.contains("using banned_pkey on banned b"), "{plan}");
    assert!(plan.contains("AND (shop = 'acme'::text))"), "{plan}");
    assert!(
        !plan.contains("SubPlan") && !plan.contains("Sort"),
        "{plan}"
    );
    world.close().await
}

#[test]
fn fewer_who_are_banned_are_more_who_see() -> Outcome {
    let narrow = SOURCE.replace(
        "b.user == scope.user)",
        "b.user == scope.user && b.active == true)",
    );
    let (all, some) = (
        schema(SOURCE, Platform::Postgres)?,
        schema(&narrow, Platform::Postgres)?,
    );
    let wider = |from, to| {
        let hazards = plan(from, to).hazards().into_iter();
        let told = hazards.map(|hazard| hazard.to_string());
        let told = told.filter_map(|it| {
            let (policy, _) = it
                .strip_prefix("widens-access: policy p on public.")?
                .split_once(':')?;
            Some(policy.to_owned())
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        wider(&all, &some),
        ["any_shop", "guarded", "or_public", "own_shop"]
    );
    assert!(wider(&some, &all).contains(&"twice".to_owned()));
    Ok(())
}

#[tokio::test]
async fn the_drawn_tests_hold_for_it() -> Outcome {
    let setting = |name: &str, ty| ProofSetting {
        name: name.into(),
        claim: None,
        ty,
        texts: Vec::new(),
    };
    let scope = ProofScope {
        role: ROLE.into(),
        settings: vec![
            setting("app.shop", Type::Text),
            setting("app.user", Type::Uuid),
        ],
    };
    let mutants = mutants(SOURCE, Platform::Postgres, &[scope]).await?;
    let is_guard = |what: &str| what.contains("nothing said");
    let guards = mutants
        .iter()
        .filter(|it| it.kind == "guard" && is_guard(&it.what));
    assert_eq!(guards.count(), 8);
    Ok(())
}
