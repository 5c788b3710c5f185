//! Every finder reads along its index: indexes of many shapes over columns of every type that has an order, each on a
//! table of many tenants' rows, under row-level security.

#![allow(dead_code)] // Rows are planned for and never read.

#[path = "../../syntax/tests/common/mod.rs"]
mod common;

#[path = "policies/support.rs"]
mod support;

use support::{Outcome, World, declared};
use tabellion::testing::{FinderPlan, PlanFault, finder_plans};
use tabellion::{Projection, Scope, Table, TextEnum, each};

/// A scope, an enumeration, and a table of many indexes for each type.
macro_rules! generated {
    ($( $table:ident $name:tt ($($ty:tt)+) $value:tt; )+) => {
        declared! {
            #[derive(Clone, Scope)]
            #[scope(role = "plans_shop")]
            struct Shop {
                #[setting("app.shop")]
                domain: String,
            }

            #[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
            enum Kind {
                Call,
                Mail,
                Visit,
            }

            $(
                #[derive(Debug, Table)]
                #[table(name = "sheet", schema = $name, scope = Shop)]
                #[index(name = "by_value", columns(shop, value), finder = "by_value")]
                #[index(name = "by_value_down", columns(shop, value desc), finder = "by_value_down")]
                #[index(name = "by_rank", columns(shop, rank, mark), unique, finder = "by_rank")]
                #[index(name = "by_option", columns(shop, option), finder = "by_option")]
                #[index(name = "by_option_first", columns(shop, option nulls_first), finder = "by_option_first")]
                #[index(name = "by_option_down", columns(shop, option desc nulls_last), finder = "by_option_down")]
                #[index(name = "by_both", columns(shop, other desc, last, id desc), finder = "by_both")]
                #[index(name = "low", columns(shop, value desc, option), where = rank < 20, include(id), finder = "low")]
                #[tenant(shop = scope.domain)]
                struct $table {
                    #[column(primary_key, identity)]
                    id: i64,
                    shop: String,
                    rank: i32,
                    value: $($ty)+,
                    mark: $($ty)+,
                    last: $($ty)+,
                    option: Option<$($ty)+>,
                    other: Option<$($ty)+>,
                }
            )+
        }

        /// Each table's name, and its value in row `n` as SQL.
        const VALUES: &[(&str, &str)] = &[$(($name, $value)),+];

        /// The plans of each table's finders.
        async fn plans(url: &str, shop: &Shop) -> Result<Vec<Vec<FinderPlan>>, tokio_postgres::Error> {
            Ok(vec![$(finder_plans::<$table, _>(url, shop).await?),+])
        }
    };
}

generated! {
    Int2 "int2s" (i16) "(n % 300)::int2";
    Int4 "int4s" (i32) "n * 7 % 1000";
    Int8 "int8s" (i64) "n::int8 << 20";
    Float4 "float4s" (f32) "case n % 9 when 0 then 'NaN' else n / 7.0 end::float4";
    Float8 "float8s" (f64) "case n % 9 when 0 then '-infinity' else n / 7.0 end::float8";
    Bool "bools" (bool) "n % 3 = 0";
    Text "texts" (String) "md5(n::text)";
    Bytea "byteas" (Vec<u8>) "decode(md5(n::text), 'hex')";
    Numeric "numerics" (rust_decimal::Decimal) "n / 7.0";
    Uuid "uuids" (uuid::Uuid) "md5(n::text)::uuid";
    Date "dates" (jiff::civil::Date) "date '2026-01-01' + n % 400";
    Time "times" (jiff::civil::Time) "time '00:00' + n * interval '1 second'";
    Timestamp "timestamps" (jiff::civil::DateTime) "timestamp '2026-01-01' + n * interval '1 minute'";
    Timestamptz "timestamptzs" (jiff::Timestamp) "timestamptz '2026-01-01' + n * interval '1 minute'";
    Inet "inets" (std::net::IpAddr) "inet '10.0.0.0' + n";
    Enumeration "enumerations" (Kind) "(array['call', 'mail', 'visit'])[n % 3 + 1]";
    Array "arrays" (Vec<i32>) "array[n % 7, n]";
}

/// Types whose operators are not leakproof: under row-level security a value of theirs is looked for among all of the
/// rows that the columns ahead of it find, which is a fault of its plan, and those that are found may be sorted.
const LEAKY: [&str; 2] = ["numerics", "arrays"];

/// Whether a table's column is of such a type.
fn is_leaky(table: &str, column: &str) -> bool {
    LEAKY.contains(&table) && ["value", "mark", "last", "option", "other"].contains(&column)
}

#[tokio::test]
async fn every_finder_of_every_shape_reads_along_its_index() -> Outcome {
    let world = World::of(SOURCE, &["plans_shop"]).await?;
    for (schema, value) in VALUES {
        let fill = format!(
            "insert into {schema}.sheet (shop, rank, value, mark, last, option, other)
             select 'shop ' || n % 100, n / 100, {value}, {value}, {value}, case when n % 5 > 0 then {value} end,
               case when n % 7 > 0 then {value} end
             from generate_series(1, 20000) n;
             analyze {schema}.sheet"
        );
        world.admin.batch_execute(&fill).await?;
    }
    let shop = Shop {
        domain: "shop 7".into(),
    };
    let plans = plans(world.app_url(), &shop).await?;
    assert_eq!(plans.len(), VALUES.len());
    for ((table, _), plans) in VALUES.iter().zip(&plans) {
        let indexes = plans.iter().map(|plan| plan.index);
        let indexes: std::collections::BTreeSet<_> = indexes.collect();
        assert_eq!(indexes.len(), 8, "{table}: {indexes:?}");
        for plan in plans {
            let has_leaky = plan.given.iter().any(|column| is_leaky(table, column));
            // Where only the index's beginning counts, the primary key may be the better way to a place or a range.
            let has_key = plan.given.iter().any(|column| column == "id");
            match plan.fault() {
                Some(PlanFault::Filtered(column)) if has_leaky => {
                    assert!(has_key || is_leaky(table, &column), "{column}: {plan}");
                }
                // It cannot go unnoticed.
                None if has_leaky => assert!(has_key, "{plan}"),
                Some(PlanFault::Sorted) if LEAKY.contains(table) && !has_leaky => {}
                fault => assert_eq!(fault, None, "{plan}"),
            }
        }
    }
    world.close().await
}

#[derive(Debug, PartialEq, Projection)]
#[projection(of = Array)]
struct Rank {
    rank: i32,
}

/// PostgreSQL has no array of arrays that differ in length.
#[tokio::test]
async fn many_finders_by_an_array_find_what_each_does() -> Outcome {
    let world = World::of(SOURCE, &["plans_shop"]).await?;
    let rows = "insert into arrays.sheet (shop, rank, value, mark, last, option)
                select 'acme', n, v, v, v, case when n > 2 then v end
                from (values (1, array[7]), (2, '{}'), (3, array[7, 8]), (4, array[8, null, 7])) given (n, v)";
    world.admin.batch_execute(rows).await?;
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    let wanted: [&[i32]; 5] = [&[7, 8], &[], &[1], &[7], &[]];
    let of = |value: &[i32]| Array::by_value("acme").eq(value.to_vec()).select::<Rank>();
    let found = each(wanted.map(of)).fetch_all(&acme).await?;
    assert_eq!(
        found,
        [
            vec![Rank { rank: 3 }],
            vec![Rank { rank: 2 }],
            vec![],
            vec![Rank { rank: 1 }],
            vec![Rank { rank: 2 }]
        ]
    );
    let from = |value: i32| {
        Array::by_option("acme")
            .range(vec![value]..)
            .select::<Rank>()
    };
    let found = each([7, 8].map(from)).fetch_all(&acme).await?;
    assert_eq!(
        found,
        [
            vec![Rank { rank: 3 }, Rank { rank: 4 }],
            vec![Rank { rank: 4 }]
        ]
    );
    world.close().await
}
