//! Names of what each partition has of an index, a key or a foreign key.

use std::collections::BTreeMap;

use tabellion_sql::schema::{Column, Partition, Renames, Table, TableRenames, Type};

use super::{keyed, long, one_part, parted, schema, table, unique, walk};
use crate::sample::{column, index, name};

#[tokio::test]
async fn an_index_of_a_partitioned_table_changes_again_and_again() {
    let at = |indexes: &[(&str, &[&str])]| {
        let schema = schema(vec![("a", parted(indexes))]);
        (schema, Renames::default())
    };
    let versions = vec![
        at(&[("i", &["x", "y"])]),
        at(&[("i", &["x", "z"])]),
        at(&[("j", &["x", "z"])]),
        at(&[("i", &["y"]), ("j", &["x", "z"])]),
        // Two exchange their names, and one changes too.
        at(&[("i", &["x", "z"]), ("j", &["y", "x"])]),
        at(&[(&long("i"), &["x"]), (&long("i2"), &["y"])]),
        at(&[(&long("i"), &["y"]), (&long("i2"), &["z"])]),
    ];
    let first = schema(vec![("a", parted(&[("i", &["x"])]))]);
    let shares = walk("an index", first, versions).await;
    for (at, names) in [(0, ["i", "i"]), (2, ["j", "j"]), (4, ["i", "j"])] {
        for name in names {
            let start = format!("a_1_{name}_");
            let is_share = |it: &String| it.starts_with(&start) && it.ends_with("_part");
            assert!(shares[at].iter().any(is_share), "{start}: {:?}", shares[at]);
        }
    }
    let aside = shares
        .concat()
        .into_iter()
        .find(|name| name.contains("new"));
    assert_eq!(aside, None);
}

/// One whose name PostgreSQL makes up is there before a name is taken back, which it had in the meantime.
#[tokio::test]
async fn what_has_a_name_that_postgresql_made_up_goes_before_another_takes_it() {
    let x_y: &[&str] = &["x", "y"];
    let y: &[&str] = &["y"];
    let alone = |taken: &str| {
        let mut table = one_part();
        table.indexes.insert(taken.into(), index(y));
        table
    };
    let whole = |it: Table| Table {
        partition_by: parted(&[]).partition_by,
        partitions: parted(&[]).partitions,
        ..it
    };
    let other = |index: &str| table(&[(index, y)]);
    for (what, from, to) in [
        (
            "a partition comes as an index leaves its share's name",
            vec![("a", alone("a_1_y_idx"))],
            vec![("a", parted(&[("i", y)]))],
        ),
        (
            "a partition comes as an index of another table leaves that name",
            vec![("a", alone("i")), ("b", other("a_1_y_idx"))],
            vec![("a", parted(&[("i", y)])), ("b", other("j"))],
        ),
        (
            "a unique constraint comes as an index leaves that name",
            vec![("a", parted(&[])), ("b", other("a_1_x_y_key"))],
            vec![("a", whole(unique("u", x_y))), ("b", other("j"))],
        ),
        (
            "a primary key comes as an index leaves that name",
            vec![("a", parted(&[])), ("b", other("a_1_pkey"))],
            vec![("a", whole(keyed("k", &["x"]))), ("b", other("j"))],
        ),
        (
            "a table comes in parts with another that has that name",
            vec![("c", table(&[]))],
            vec![
                ("a", parted(&[("i", y)])),
                ("b", other("a_1_y_idx")),
                ("c", table(&[])),
            ],
        ),
        (
            "a partition comes with an index of that name",
            vec![("a", alone("i"))],
            vec![("a", parted(&[("i", y), ("a_1_y_idx", &["z"])]))],
        ),
        (
            "an index comes under the name that PostgreSQL made up for another's",
            vec![("a", parted(&[("i", y)]))],
            vec![("a", parted(&[("i", y), ("a_1_y_idx", &["z"])]))],
        ),
        (
            "a column has another type as an index comes under that name",
            vec![("a", parted(&[("i", y)]))],
            vec![
                ("a", {
                    let mut table = parted(&[("i", y)]);
                    table.columns[1] = column("y", Type::Int8);
                    table
                }),
                ("b", other("a_1_y_idx")),
            ],
        ),
        (
            "a partition is called as PostgreSQL would call an index of another",
            vec![("a", one_part())],
            vec![("a", {
                let mut table = parted(&[("i", y)]);
                let second = Partition::List(vec!["2".into()]);
                table.partitions.insert("a_1_y_idx".into(), second);
                table
            })],
        ),
        (
            "a key in parts takes the name of another as that takes its",
            vec![("a", whole(keyed("k", &["x"]))), ("b", other("i"))],
            vec![("a", whole(keyed("i", &["x"]))), ("b", other("k"))],
        ),
        (
            "two tables in parts want each other's",
            vec![("c", table(&[]))],
            vec![
                ("c", table(&[])),
                ("a", parted(&[("b_1_y_idx", y)])),
                ("b", {
                    let mut table = parted(&[("a_1_y_idx", y)]);
                    table.partitions = BTreeMap::from([("b_1".into(), Partition::Default)]);
                    table
                }),
            ],
        ),
        (
            "a table comes in parts as an index leaves that name",
            vec![("b", other("a_1_y_idx"))],
            vec![("a", parted(&[("i", y)])), ("b", other("j"))],
        ),
    ] {
        let (from, to) = (schema(from), schema(to));
        walk(what, from.clone(), vec![(to.clone(), Renames::default())]).await;
        let back = format!("{what}, the other way round");
        walk(&back, to, vec![(from, Renames::default())]).await;
    }
}

#[tokio::test]
async fn the_shares_of_partitions_whose_names_join_alike_are_told_apart() {
    let at = |indexes: &[(&str, &[&str])]| {
        let mut table = parted(indexes);
        let second = Partition::List(vec!["2".into()]);
        table.partitions.insert("a_1_i".into(), second);
        schema(vec![("a", table)])
    };
    let first = at(&[]);
    let both = at(&[("i_j", &["x"]), ("j", &["y"])]);
    let other = at(&[("i_k", &["x"]), ("k", &["y"])]);
    let versions = vec![(both, Renames::default()), (other, Renames::default())];
    walk("names that join alike", first, versions).await;
}

#[tokio::test]
async fn columns_that_agree_in_all_but_their_end_are_told_apart() {
    let named = |end: &str| format!("{}{end}", "long".repeat(15));
    let touched = |ends: &[&str]| {
        let columns = ends.iter().map(|end| Column {
            updated_at: true,
            default: Some("now()".into()),
            ..column(&named(end), Type::Timestamptz(None))
        });
        let mut table = table(&[]);
        table.columns.extend(columns);
        table
    };
    let from = schema(vec![("a", touched(&["1", "2"])), ("b", touched(&["1"]))]);
    let to = schema(vec![("a", touched(&["2", "3"])), ("b", touched(&["2"]))]);
    let tables = [("a", "3"), ("b", "2")].map(|(table, new)| {
        let hints = TableRenames {
            columns: BTreeMap::from([(named(new), named("1"))]),
            ..TableRenames::default()
        };
        (name("public", table), hints)
    });
    let renames = Renames {
        tables: tables.into(),
    };
    walk("long names", from, vec![(to, renames)]).await;
}
