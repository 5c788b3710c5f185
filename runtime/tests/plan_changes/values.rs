//! A CHECK that lists the values of a column, as of an enum, and what its change says of rows.

use std::collections::BTreeMap;

use tabellion_sql::plan::{Hazard, Script};
use tabellion_sql::schema::{Check, Expr, Renames, Schema, TableRenames, Type};

use super::follow;
use super::sample::{column, name};
use super::told::{Way, schema, table};

/// A table whose column holds one of the values, with a CHECK that is named after both.
fn orders(name: &'static str, status: &str, values: &[&str]) -> Schema {
    let list: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    let check = Check::new(Expr::new(
        format!("{status} in ({})", list.join(", ")),
        [status],
    ));
    let mut orders = table(vec![column(status, Type::Text)], &[]);
    orders
        .checks
        .insert(format!("{name}_{status}_check"), check);
    schema([(name, orders)])
}

/// What someone must have looked at.
fn to_review(scripts: &[Script]) -> Vec<String> {
    let told = scripts.iter().flat_map(Script::hazards);
    let told = told.filter(Hazard::to_review);
    told.map(|hazard| hazard.to_string()).collect()
}

async fn refused(way: &Way, scripts: &[Script]) {
    let refused = follow(&way.client, scripts).await;
    let refused = refused.expect_err("a row breaks the rule");
    assert!(refused.contains("is violated by some row"), "{refused}");
}

#[tokio::test]
async fn a_list_that_only_grows_is_additive_and_its_rollback_restricts() {
    let few = orders("orders", "status", &["open"]);
    let many = orders("orders", "status", &["void", "open"]);
    let comes = |stops: &str| {
        let object = "constraint orders_status_check on public.orders";
        vec![format!(
            "restricts: {object}: changed, without 'void'; rows that hold it stop {stops}"
        )]
    };

    let way = Way::new(&few, &many, "insert into orders values ('open')").await;
    assert_eq!(to_review(&way.ups()), [""; 0]);
    let back = comes("this file, update them before");
    assert_eq!(to_review(&way.downs()), back);
    way.told(&way.ups(), "locks: public.orders (access exclusive)");
    way.told(&way.ups(), "scans: public.orders");
    follow(&way.client, &way.ups()).await.expect("the way up");
    let row = "insert into orders values ('void')";
    way.client.batch_execute(row).await.expect("a row");
    refused(&way, &way.downs()).await;

    let rows = "insert into orders values ('void')";
    let way = Way::new(&many, &few, rows).await;
    let forth = comes("the next file, update them between the two");
    assert_eq!(to_review(&way.ups()), forth);
    assert_eq!(to_review(&way.downs()), [""; 0]);
    let ups = way.ups();
    let (first, rest) = ups.split_at(1);
    follow(&way.client, first).await.expect("the first file");
    refused(&way, rest).await;
    let update = "update orders set status = 'open'";
    way.client.batch_execute(update).await.expect("the rows");
    follow(&way.client, rest).await.expect("the next file");
    follow(&way.client, &way.downs())
        .await
        .expect("the way back");
}

#[tokio::test]
async fn a_value_that_goes_is_named_though_the_column_or_the_table_has_another_name() {
    let from = orders("orders", "status", &["open", "void"]);
    let column = TableRenames {
        columns: BTreeMap::from([("state".into(), "status".into())]),
        ..TableRenames::default()
    };
    let table = TableRenames {
        from: Some(name("public", "orders")),
        ..TableRenames::default()
    };
    for (table, column, hints) in [("orders", "state", column), ("sales", "status", table)] {
        let to = orders(table, column, &["open", "shut"]);
        let renames = Renames {
            tables: BTreeMap::from([(name("public", table), hints)]),
        };
        let rows = "insert into orders values ('void')";
        let way = Way::renaming(&from, &to, &renames, rows).await;
        let restricts = |check: &str, gone: &str, come: &str, stop: &str| {
            format!(
                "restricts: constraint {check}: changed, without '{gone}'; rows that hold it stop {stop}; where \
                 '{come}' replaces it allow both in this migration, update the rows in one of `cargo tabellion new`, \
                 and drop the old one in the next"
            )
        };
        let check = format!("{table}_{column}_check on public.{table}");
        let between = "the next file, update them between the two";
        way.told(&way.ups(), &restricts(&check, "void", "shut", between));
        let before = "this file, update them before";
        let old = "orders_status_check on public.orders";
        way.told(&way.downs(), &restricts(old, "shut", "void", before));

        let ups = way.ups();
        let (first, rest) = ups.split_at(1);
        follow(&way.client, first).await.expect("the first file");
        refused(&way, rest).await;
        let update = format!("update {table} set {column} = 'shut'");
        way.client.batch_execute(&update).await.expect("the rows");
        follow(&way.client, rest).await.expect("the next file");
        refused(&way, &way.downs()).await;
    }
}
