//! Names of constraints, which those of a table share.

use std::collections::BTreeMap;

use tabellion_sql::schema::{
    Check, Exclusion, ExclusionElement, Expr, ForeignKey, IndexColumn, PartitionBy,
    PartitionStrategy, Renames, Table, TableRenames,
};

use super::{keyed, parted, renamed, schema, table, unique, walk};
use crate::sample::name;

/// The table with a CHECK of that name.
fn checked(check: &str, it: Table) -> Table {
    let mut it = it;
    let positive = Check::new(Expr::new("x > 0", ["x"]));
    it.checks.insert(check.into(), positive);
    it
}

fn excluded(name: &str) -> Table {
    let exclusion = Exclusion {
        method: "btree".into(),
        elements: vec![ExclusionElement {
            column: IndexColumn::new("y"),
            operator: "=".into(),
        }],
        predicate: None,
        deferrable: Default::default(),
    };
    let mut it = table(&[]);
    it.exclusions.insert(name.into(), exclusion);
    it
}

/// The part that the foreign key `f` has for the partition `a_1`.
const PART: &str = "a_1_f_2e874551_part";

/// PostgreSQL calls the parts of a foreign key after the table and the columns as they were then.
#[tokio::test]
async fn a_check_takes_the_name_of_a_part_that_history_left() {
    let other = || Table {
        partition_by: Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["y".into()],
        }),
        partitions: parted(&[]).partitions,
        ..keyed("other_pkey", &["y"])
    };
    let referencing = |own: &str| {
        let mut it = table(&[]);
        own.clone_into(&mut it.columns[1].name);
        let to_other = ForeignKey::new([own], name("public", "other"), ["y"]);
        it.foreign_keys.insert("f".into(), to_other);
        it
    };
    let with = |called: &str, it: Table| schema(vec![(called, it), ("other", other())]);
    let column = TableRenames {
        columns: BTreeMap::from([("w".into(), "y".into())]),
        ..TableRenames::default()
    };
    let column = Renames {
        tables: BTreeMap::from([(name("public", "a"), column)]),
    };
    let first = || with("a", referencing("y"));
    let rest = vec![
        (with("a", referencing("w")), column),
        (
            with("a", checked("a_y_fkey1", referencing("w"))),
            Renames::default(),
        ),
    ];
    walk("its column had another name", first(), rest).await;
    let rest = vec![
        (with("b", referencing("y")), renamed(&[("a", "b")])),
        (
            with("b", checked("a_y_fkey1", referencing("y"))),
            Renames::default(),
        ),
    ];
    walk("its table had another name", first(), rest).await;
}

/// Constraints of every kind share the names of their table.
#[tokio::test]
async fn a_constraint_takes_the_name_of_one_of_another_kind() {
    let y: &[&str] = &["y"];
    let none = || table(&[]);
    let referencing = |key: &str, it: Table| {
        let mut it = it;
        let to_other = ForeignKey::new(["y"], name("public", "other"), ["y"]);
        it.foreign_keys.insert(key.into(), to_other);
        it
    };
    let other = || ("other", keyed("other_pkey", y));
    let other_in_parts = || Table {
        partition_by: Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["y".into()],
        }),
        partitions: parted(&[]).partitions,
        ..keyed("other_pkey", y)
    };
    let other_in_one_part = || {
        let mut other = other_in_parts();
        other.partitions.remove("a_1");
        other
    };
    let same = || renamed(&[]);
    for (what, from, to, renames) in [
        (
            "a CHECK that of a unique constraint that goes",
            vec![("a", checked("positive", unique("amount", y)))],
            vec![("a", checked("amount", none()))],
            same(),
        ),
        (
            "a CHECK and a unique constraint exchange theirs",
            vec![("a", checked("c", unique("k", y)))],
            vec![("a", checked("k", unique("c", y)))],
            same(),
        ),
        (
            "a CHECK and a unique constraint exchange theirs as their table takes another",
            vec![("a", checked("c", unique("k", y)))],
            vec![("b", checked("k", unique("c", y)))],
            renamed(&[("a", "b")]),
        ),
        (
            "a CHECK and a unique constraint that is another one",
            vec![("a", checked("c", unique("k", y)))],
            vec![("a", checked("k", unique("c", &["x", "y"])))],
            same(),
        ),
        (
            "a CHECK that of an exclusion constraint that goes",
            vec![("a", checked("c", excluded("e")))],
            vec![("a", checked("e", none()))],
            same(),
        ),
        (
            "a CHECK that of a foreign key that goes",
            vec![("a", checked("c", referencing("f", none()))), other()],
            vec![("a", checked("f", none())), other()],
            same(),
        ),
        (
            "a CHECK and a foreign key exchange theirs",
            vec![("a", checked("c", referencing("f", none()))), other()],
            vec![("a", checked("f", referencing("c", none()))), other()],
            same(),
        ),
        (
            "a CHECK and a foreign key of a table in parts exchange theirs",
            vec![("a", checked("c", referencing("f", parted(&[])))), other()],
            vec![("a", checked("f", referencing("c", parted(&[])))), other()],
            same(),
        ),
        (
            "three exchange theirs",
            vec![
                ("a", checked("c", referencing("f", unique("k", y)))),
                other(),
            ],
            vec![
                ("a", checked("f", referencing("k", unique("c", y)))),
                other(),
            ],
            same(),
        ),
        (
            "a CHECK that which PostgreSQL made up for a part of a foreign key that goes",
            vec![
                ("a", checked("c", referencing("f", none()))),
                ("other", other_in_parts()),
            ],
            vec![
                ("a", checked("a_y_fkey1", none())),
                ("other", other_in_parts()),
            ],
            same(),
        ),
        (
            "a CHECK leaves that which PostgreSQL makes up for a part of one that comes",
            vec![
                ("a", checked("a_y_fkey1", none())),
                ("other", other_in_parts()),
            ],
            vec![
                ("a", checked("c", referencing("f", none()))),
                ("other", other_in_parts()),
            ],
            same(),
        ),
        (
            "a CHECK and a foreign key into a table in parts exchange theirs",
            vec![
                ("a", checked("c", referencing("f", none()))),
                ("other", other_in_parts()),
            ],
            vec![
                ("a", checked("f", referencing("c", none()))),
                ("other", other_in_parts()),
            ],
            same(),
        ),
        (
            "a CHECK that of a part of a foreign key that goes",
            vec![
                ("a", checked("c", referencing("f", none()))),
                ("other", other_in_parts()),
            ],
            vec![("a", checked(PART, none())), ("other", other_in_parts())],
            same(),
        ),
        (
            "a CHECK that of a part of a foreign key that is renamed",
            vec![
                ("a", checked("c", referencing("f", none()))),
                ("other", other_in_parts()),
            ],
            vec![
                ("a", checked(PART, referencing("g", none()))),
                ("other", other_in_parts()),
            ],
            same(),
        ),
        (
            "a CHECK comes with a partition whose part PostgreSQL would call so",
            vec![
                ("a", referencing("a_y_fkey", none())),
                ("other", other_in_one_part()),
            ],
            vec![
                ("a", checked("a_y_fkey1", referencing("a_y_fkey", none()))),
                ("other", other_in_parts()),
            ],
            same(),
        ),
        (
            "a foreign key comes by the name that PostgreSQL makes up for a part of another",
            vec![("a", referencing("f", none())), ("other", other_in_parts())],
            vec![
                ("a", referencing("a_y_fkey", referencing("f", none()))),
                ("other", other_in_parts()),
            ],
            same(),
        ),
        (
            "a table in parts that references itself",
            vec![("other", other_in_one_part())],
            vec![(
                "other",
                checked("a_y_fkey1", referencing("f", other_in_parts())),
            )],
            same(),
        ),
        (
            "a table in parts that references itself in one more",
            vec![("other", referencing("f", other_in_one_part()))],
            vec![(
                "other",
                checked("a_y_fkey1", referencing("f", other_in_parts())),
            )],
            same(),
        ),
        (
            "a CHECK that of the primary key of its renamed table",
            vec![("a", checked("c", keyed("a_pkey", y)))],
            vec![("b", checked("a_pkey", keyed("b_pkey", y)))],
            renamed(&[("a", "b")]),
        ),
        (
            "a CHECK that of a unique constraint over what is the primary key now",
            vec![("a", checked("c", unique("k", y)))],
            vec![("a", checked("k", keyed("a_pkey", y)))],
            same(),
        ),
        (
            "a primary key and a CHECK that of an index that became a unique constraint",
            vec![("a", checked("c", table(&[("k", y)])))],
            vec![("a", checked("k", keyed("c", y)))],
            same(),
        ),
    ] {
        walk(what, schema(from), vec![(schema(to), renames)]).await;
    }
}
