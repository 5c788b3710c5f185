//! Keys are checked past the policies.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Error, Scope, Table};

use crate::attempt::Came::{Refused, Rows};
use crate::attempt::{attempt, truth};
use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "attacks_keys")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "customers", scope = Shop)]
    #[primary_key(columns(shop, id))]
    #[unique(columns(shop, email))]
    #[tenant(shop = scope.domain)]
    struct Customer {
        id: i64,
        shop: String,
        email: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "orders", scope = Shop)]
    #[primary_key(columns(shop, id))]
    #[index(columns(shop, customer), finder = "of_customer")]
    #[foreign_key(columns(shop, customer), references = Customer(shop, id), on_delete = cascade)]
    #[tenant(shop = scope.domain)]
    struct Order {
        id: i64,
        shop: String,
        customer: i64,
    }
}

const ROLE: &str = "attacks_keys";
const ACME: [(&str, &str); 1] = [("app.shop", "acme")];
const OTHER: [(&str, &str); 1] = [("app.shop", "other")];

const ROWS: &str = "
insert into customers (id, shop, email) values (1, 'acme', 'ada@example.org'), (2, 'other', 'bob@example.org');
insert into orders (id, shop, customer) values (10, 'acme', 1), (20, 'other', 2);
";

/// The same with the keys that come to mind first.
async fn bare() -> Result<World, Box<dyn std::error::Error>> {
    let own = "shop = (select current_setting('app.shop', true)) and shop > ''";
    let sql = format!(
        "do $$ begin
           if not exists (select from pg_roles where rolname = '{ROLE}') then create role {ROLE} nologin; end if;
         exception when duplicate_object or unique_violation then null;
         end $$;
         create table customers (id bigint primary key, shop text not null, email text not null unique);
         create table orders (id bigint primary key, shop text not null,
           customer bigint not null references customers on delete cascade);
         alter table customers enable row level security;
         alter table orders enable row level security;
         create policy own on customers to {ROLE} using ({own}) with check ({own});
         create policy own on orders to {ROLE} using ({own}) with check ({own});
         grant select, insert, update, delete on customers, orders to {ROLE};"
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

#[tokio::test]
async fn a_key_that_tells_of_another_tenant() -> Outcome {
    // Who is a customer of the competition: the answers differ.
    let is_it = |id: i64, email: &str| {
        format!("insert into customers (id, shop, email) values ({id}, 'acme', '{email}')")
    };
    let taken = || Refused("23505".to_owned());
    let world = bare().await?;
    let by_mail = is_it(100, "bob@example.org");
    assert_eq!(attempt(&world, ROLE, &ACME, &by_mail).await?, taken());
    let by_number = is_it(2, "eve@example.org");
    assert_eq!(attempt(&world, ROLE, &ACME, &by_number).await?, taken());
    let free = is_it(100, "nobody@example.org");
    assert_eq!(attempt(&world, ROLE, &ACME, &free).await?, Rows(1));
    world.close().await?;

    let world = generated().await?;
    for sql in [by_mail, by_number, is_it(101, "nobody@example.org")] {
        assert_eq!(attempt(&world, ROLE, &ACME, &sql).await?, Rows(1), "{sql}");
    }
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    let new = |email: &str| NewCustomer {
        id: 200,
        shop: "acme".into(),
        email: email.into(),
    };
    assert_eq!(
        Customer::insert(new("carl@example.org"))
            .execute(&acme)
            .await?,
        1
    );
    // One's own key tells of one's own rows.
    let own = Customer::insert(new("ada@example.org"))
        .execute(&acme)
        .await;
    assert!(own.is_err(), "{own:?}");
    drop(acme);
    world.close().await
}

#[tokio::test]
async fn a_reference_into_another_tenant() -> Outcome {
    let into = "insert into orders (id, shop, customer) values (11, 'acme', 2)";
    let probe = "insert into orders (id, shop, customer) values (12, 'acme', 3)";
    let gone = "delete from customers where id = 2";
    let planted = "select count(*) from orders where id = 11";
    let missing = || Refused("23503".to_owned());
    let world = bare().await?;
    // A row of another tenant is linked to, one that is not there is not: that tells which there are.
    assert_eq!(attempt(&world, ROLE, &ACME, into).await?, Rows(1));
    assert_eq!(attempt(&world, ROLE, &ACME, probe).await?, missing());
    // And what the other one deletes takes a row of this one along.
    assert_eq!(truth(&world, planted).await?, 1);
    assert_eq!(attempt(&world, ROLE, &OTHER, gone).await?, Rows(1));
    assert_eq!(truth(&world, planted).await?, 0);
    world.close().await?;

    let world = generated().await?;
    for sql in [into, probe] {
        assert_eq!(attempt(&world, ROLE, &ACME, sql).await?, missing(), "{sql}");
    }
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    let order = NewOrder {
        id: 11,
        shop: "acme".into(),
        customer: 2,
    };
    let refused = Order::insert(order).execute(&acme).await;
    assert!(
        matches!(refused, Err(Error::ForeignKey { .. })),
        "{refused:?}"
    );
    assert_eq!(attempt(&world, ROLE, &OTHER, gone).await?, Rows(1));
    let left = "select count(*) from orders where shop = 'acme'";
    assert_eq!(truth(&world, left).await?, 1);
    drop(acme);
    world.close().await
}
