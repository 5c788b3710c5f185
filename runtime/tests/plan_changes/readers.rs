//! What a change of one table does to the policies of others that read it, shown on a server, and told before.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{
    Column, Command, Expr, Partition, PartitionBy, PartitionStrategy, Policy, Schema, Table, Type,
};

use super::follow;
use super::sample::{ROLE, column, policy};
use super::told::{Way, schema, table};

/// Parts whose policy lets through what another table, written so, does not name.
fn parts(written: &str) -> (&'static str, Table) {
    let sql = format!("not of = any (array(select b.shop from {written} b where b.shop <> ''))");
    let mut through = policy(Some(Command::Select), &sql, &["of"]);
    if let Some(Expr { tables, .. }) = &mut through.using {
        tables.insert(written.parse().expect("a table"));
    }
    let of = vec![column("of", Type::Text)];
    ("parts", table(of, &[("through", through)]))
}

#[tokio::test]
async fn a_policy_steps_aside_for_a_table_whose_name_is_a_key_word() {
    let side = |ty: Type, rule: &str| -> Schema {
        let see = policy(Some(Command::Select), rule, &["shop"]);
        let order = table(vec![column("shop", ty)], &[("see", see)]);
        schema([("order", order), parts("\"order\"")])
    };
    let from = side(Type::Varchar(Some(9)), "shop <> 'y'");
    let to = side(Type::Text, "shop = 'y'");
    let rows = "insert into \"order\" values ('x'); insert into parts values ('x')";
    let way = Way::new(&from, &to, rows).await;
    let seen = "select from parts";
    assert_eq!(way.as_role(seen).await, Ok(0));
    follow(&way.client, &way.ups()).await.expect("the way up");
    assert_eq!(way.as_role(seen).await, Ok(1));
    let by =
        "widens-access: policy through on public.parts: policy see on public.\"order\" changes";
    way.told(&way.ups(), by);
    way.told(&way.downs(), by);
    let downs = follow(&way.client, &way.downs()).await;
    downs.expect("the way down");
    assert_eq!(way.as_role(seen).await, Ok(0));
}

#[tokio::test]
async fn rows_that_go_with_a_partition_hide_nothing_any_more() {
    let side = |partitions: &[&str]| -> Schema {
        let see = policy(Some(Command::Select), "shop <> ''", &["shop"]);
        let mut order = table(vec![column("shop", Type::Text)], &[("see", see)]);
        order.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["shop".into()],
        });
        let values = |shop: &&str| Partition::List(vec![format!("'{shop}'")]);
        let partitions = partitions.iter().map(|it| (format!("of_{it}"), values(it)));
        order.partitions = partitions.collect();
        schema([("orders", order), parts("orders")])
    };
    let rows = "insert into orders values ('x'), ('y'); insert into parts values ('x'), ('y')";
    let way = Way::new(&side(&["x", "y"]), &side(&["y"]), rows).await;
    let seen = "select from parts";
    assert_eq!(way.as_role(seen).await, Ok(0));
    follow(&way.client, &way.ups()).await.expect("the way up");
    assert_eq!(way.as_role(seen).await, Ok(1));
    let by = "widens-access: policy through on public.parts: partition public.of_x goes";
    way.told(&way.ups(), by);
}

#[tokio::test]
async fn a_default_that_lets_an_insert_pass_is_told() {
    let side = |default: &str| -> Schema {
        let add = Policy {
            using: None,
            check: Some(Expr::new("status = 'new'", ["status"])),
            ..policy(Some(Command::Insert), "true", &[])
        };
        let status = Column {
            default: Some(format!("'{default}'")),
            ..column("status", Type::Text)
        };
        let mut orders = table(vec![column("note", Type::Text), status], &[("add", add)]);
        orders.grants.clear();
        let note = BTreeMap::from([(Command::Insert, BTreeSet::from(["note".to_owned()]))]);
        orders.column_grants = BTreeMap::from([(ROLE.to_owned(), note)]);
        schema([("orders", orders)])
    };
    let way = Way::new(&side("old"), &side("new"), "").await;
    let insert = "insert into orders (note) values ('x')";
    let refused = || Err("42501".to_owned());
    assert_eq!(way.as_role(insert).await, refused());
    follow(&way.client, &way.ups()).await.expect("the way up");
    assert_eq!(way.as_role(insert).await, Ok(1));
    let object = format!("policy add on public.orders: insert by {ROLE}");
    let up = format!("widens-access: {object} now writes the row (status = 'new')");
    way.told(&way.ups(), &up);
    let down = format!("narrows-access: {object} no longer writes the row (status = 'new')");
    way.told(&way.downs(), &down);
    let downs = follow(&way.client, &way.downs()).await;
    downs.expect("the way down");
    assert_eq!(way.as_role(insert).await, refused());
}

#[tokio::test]
async fn a_default_that_lets_an_insert_pass_as_null_or_through_a_generated_column_is_told() {
    let absent = "nullif(current_setting('app.tag', true), '')";
    for (check, defaults, row) in [
        (
            "tag is null",
            ["'none'", absent],
            "the row (tag is null) for (app.tag is null)",
        ),
        (
            "open = true",
            ["'none'", "'new'"],
            "the row (open = true, tag = 'new')",
        ),
    ] {
        let side = |default: &str| -> Schema {
            let read = check.split(' ').take(1);
            let add = Policy {
                using: None,
                check: Some(Expr::new(check, read)),
                ..policy(Some(Command::Insert), "true", &[])
            };
            let tag = Column {
                nullable: true,
                default: Some(default.to_owned()),
                ..column("tag", Type::Text)
            };
            let open = Column {
                computed: Some(Expr::new("tag is not null and tag = 'new'", ["tag"])),
                ..column("open", Type::Bool)
            };
            let columns = vec![column("note", Type::Text), tag, open];
            let mut orders = table(columns, &[("add", add)]);
            orders.grants.clear();
            let note = BTreeMap::from([(Command::Insert, BTreeSet::from(["note".to_owned()]))]);
            orders.column_grants = BTreeMap::from([(ROLE.to_owned(), note)]);
            schema([("orders", orders)])
        };
        let way = Way::new(&side(defaults[0]), &side(defaults[1]), "").await;
        let insert = "insert into orders (note) values ('x')";
        assert_eq!(way.as_role(insert).await, Err("42501".to_owned()));
        follow(&way.client, &way.ups()).await.expect("the way up");
        assert_eq!(way.as_role(insert).await, Ok(1));
        let object = format!("policy add on public.orders: insert by {ROLE}");
        let told = format!("widens-access: {object} now writes {row}");
        way.told(&way.ups(), &told);
    }
}
