//! What a change of one table does to the policies of others that read it, shown on a server, and told before.

use tabellion_sql::schema::{Command, Expr, Schema, Type};

use super::follow;
use super::sample::{column, policy};
use super::told::{Way, schema, table};

/// Parts whose policy lets through what another table, written so, does not name.
fn parts(written: &str) -> (&'static str, tabellion_sql::schema::Table) {
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
