//! Unique keys over the same columns, of which PostgreSQL chooses the one that a foreign key rests on: none of them
//! is taken from under it, neither on the way there nor back, over one release or several.

use std::collections::BTreeMap;

use tabellion_sql::schema::{
    ForeignKey, Index, Partition, PartitionBy, PartitionStrategy, Rls, Schema, Table, Type,
};

use super::keys::{all_there_and_back, key, things, unique, unique_index};
use super::sample::{column, name};

/// A unique index, sorted the other way round.
fn sorted(columns: &[&str]) -> Index {
    let mut index = unique_index(columns);
    index.columns[0].descending = true;
    index
}

/// `things`, to whose `a` the rows of `parts` lead.
fn led_to(add: impl FnOnce(&mut Table)) -> Schema {
    let mut schema = things(Type::Int4, add);
    let mut parts = Table {
        columns: vec![column("thing", Type::Int4)],
        rls: Rls::Enabled(BTreeMap::new()),
        ..Table::new("shop::Part")
    };
    let key = ForeignKey::new(["thing"], name("public", "things"), ["a"]);
    parts.foreign_keys.insert("parts_thing_fkey".into(), key);
    schema.tables.insert(name("public", "parts"), parts);
    schema
}

/// By indexes of these names.
fn led_by(indexes: &[(&str, Index)]) -> Schema {
    led_to(|table| {
        table.indexes = indexes
            .iter()
            .map(|(name, it)| ((*name).to_owned(), it.clone()))
            .collect();
    })
}

#[tokio::test]
async fn a_foreign_key_rests_on_no_index_that_goes() {
    let (v, w) = (|| unique_index(&["a"]), || sorted(&["a"]));
    let carries = || Index {
        include: vec!["id".into()],
        ..v()
    };
    let constrained = |name: &str| {
        let name = name.to_owned();
        led_to(|table| {
            table.uniques.insert(name, unique(&["a"]));
        })
    };
    let to_itself = |mut schema: Schema| {
        schema.tables.remove(&name("public", "parts"));
        let table = schema.tables.get_mut(&name("public", "things"));
        let table = table.expect("the table");
        let key = ForeignKey::new(["id"], name("public", "things"), ["a"]);
        table.foreign_keys.insert("things_id_fkey".into(), key);
        schema
    };
    let of_parts = |name: &str, index: Index| {
        let mut schema = led_by(&[(name, index)]);
        let table = schema.tables.get_mut(&super::name("public", "things"));
        let table = table.expect("the table");
        table.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["a".into()],
        });
        let one = Partition::List(vec!["1".into()]);
        table.partitions.insert("things_one".into(), one);
        schema
    };
    let rows = "insert into public.things values (1, 1); insert into public.parts values (1)";
    let own = "insert into public.things values (1, 1)";
    all_there_and_back(vec![
        (
            "one index after another",
            vec![led_by(&[("v", v())]), led_by(&[("w", w())])],
            rows,
        ),
        (
            "one index after another that carries more",
            vec![led_by(&[("v", v())]), led_by(&[("w", carries())])],
            rows,
        ),
        (
            "an index in place of a constraint",
            vec![constrained("u"), led_by(&[("w", w())])],
            rows,
        ),
        (
            "a constraint in place of an index",
            vec![led_by(&[("w", w())]), constrained("u")],
            rows,
        ),
        (
            "to itself",
            vec![
                to_itself(constrained("u")),
                to_itself(led_by(&[("v", v())])),
            ],
            own,
        ),
        (
            "the primary key moves, and an index stays",
            vec![
                led_to(|table| table.primary_key = key("things_pkey", &["a"])),
                led_to(|table| {
                    table.primary_key = key("things_pkey", &["id"]);
                    table.indexes.insert("v".into(), v());
                }),
            ],
            rows,
        ),
        (
            "a partitioned table",
            vec![of_parts("v", v()), of_parts("w", w())],
            rows,
        ),
        (
            "over two releases",
            vec![
                led_by(&[("v", v())]),
                led_by(&[("v", v()), ("w", w())]),
                led_by(&[("w", w())]),
            ],
            rows,
        ),
        (
            "there and back over four releases",
            vec![
                led_by(&[("v", v())]),
                led_by(&[("v", v()), ("w", w())]),
                led_by(&[("w", w())]),
                led_by(&[("u", carries()), ("w", w())]),
                led_by(&[("u", carries())]),
            ],
            rows,
        ),
    ])
    .await;
}
