//! Names that pass from one relation to another: tables, indexes and keys share them, and PostgreSQL lets
//! none have one that another still has.

use std::collections::BTreeMap;

use tabellion::testing::Server;
use tabellion_sql::plan::{Migration, Script, Settings, migrations};
use tabellion_sql::schema::{
    Check, Column, Exclusion, ExclusionElement, Expr, ForeignKey, Generated, Index, IndexColumn,
    Partition, PartitionBy, PartitionStrategy, PrimaryKey, Renames, Schema, Table, TableRenames,
    Type, Unique,
};

use super::sample::{column, index, name};
use super::{connect, follow, run, snapshot};

/// A table of numbers, with indexes over some of them.
fn table(indexes: &[(&str, &[&str])]) -> Table {
    let columns = ["x", "y", "z"].map(|name| column(name, Type::Int4));
    let indexes = indexes.iter();
    let indexes = indexes.map(|(name, columns)| (name.to_string(), index(columns)));
    Table {
        columns: columns.into(),
        indexes: indexes.collect::<BTreeMap<String, Index>>(),
        ..Table::new("shop::Thing")
    }
}

fn unique(name: &str, columns: &[&str]) -> Table {
    let unique = Unique {
        columns: columns.iter().map(|column| column.to_string()).collect(),
        ..Unique::default()
    };
    Table {
        uniques: BTreeMap::from([(name.into(), unique)]),
        ..table(&[])
    }
}

fn keyed(name: &str, columns: &[&str]) -> Table {
    let columns = columns.iter().map(|column| column.to_string());
    Table {
        primary_key: Some(PrimaryKey {
            name: name.into(),
            columns: columns.collect(),
            ..PrimaryKey::default()
        }),
        ..table(&[])
    }
}

/// The table in two partitions, one of which has a name so long that nothing can be added to it whole.
fn parted(indexes: &[(&str, &[&str])]) -> Table {
    Table {
        partition_by: Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["x".into()],
        }),
        partitions: BTreeMap::from([
            ("a_1".into(), Partition::List(vec!["1".into()])),
            (long("a"), Partition::Default),
        ]),
        ..table(indexes)
    }
}

fn long(name: &str) -> String {
    format!("{name}_{}", "long".repeat(14))
}

fn schema(tables: Vec<(&str, Table)>) -> Schema {
    let tables = tables.into_iter();
    Schema {
        tables: tables
            .map(|(table, it)| (name("public", table), it))
            .collect(),
        ..Schema::default()
    }
}

fn renamed(pairs: &[(&str, &str)]) -> Renames {
    let tables = pairs.iter().map(|(old, new)| {
        let hints = TableRenames {
            from: Some(name("public", old)),
            ..TableRenames::default()
        };
        (name("public", new), hints)
    });
    Renames {
        tables: tables.collect(),
    }
}

/// From the first schema to the last, at each of them back to the one before and there again, and in the
/// end all the way back; gives the names that the indexes of partitions have at each.
async fn walk(what: &str, first: Schema, rest: Vec<(Schema, Renames)>) -> Vec<Vec<String>> {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, what, &Schema::default(), &first).await;
    let mut states = vec![snapshot(&client).await];
    let mut shares = Vec::new();
    let mut all: Vec<Vec<Migration>> = Vec::new();
    let mut at = first;
    for (number, (to, renames)) in rest.into_iter().enumerate() {
        let what = format!("{what}, change {}", number + 1);
        let pairs = migrations(&at, &to, &renames, &Settings::default());
        let pairs = pairs.unwrap_or_else(|questions| panic!("{what}: {questions:?}"));
        let ups: Vec<Script> = pairs.iter().map(|pair| pair.up.clone()).collect();
        let downs: Vec<Script> = pairs.iter().rev().map(|pair| pair.down.clone()).collect();
        let fresh = server.database().await.expect("a database");
        let fresh = connect(fresh.url()).await;
        run(&fresh, &what, &Schema::default(), &to).await;
        let wanted = snapshot(&fresh).await;
        for (scripts, wanted) in [(&ups, &wanted), (&downs, &states[number]), (&ups, &wanted)] {
            let found = follow(&client, scripts).await;
            let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(wanted.diff(&found), [], "{what}");
        }
        shares.push(shares_in(&client).await);
        assert_eq!(shares.last(), Some(&shares_in(&fresh).await), "{what}");
        states.push(wanted);
        all.push(pairs);
        at = to;
    }
    for (pairs, wanted) in all.iter().zip(&states).rev() {
        let downs: Vec<Script> = pairs.iter().rev().map(|pair| pair.down.clone()).collect();
        let found = follow(&client, &downs).await;
        let found = found.unwrap_or_else(|error| panic!("{what}, all the way back: {error}"));
        assert_eq!(wanted.diff(&found), [], "{what}, all the way back");
    }
    shares
}

/// The names of the indexes of partitions, and of the parts of foreign keys into partitioned tables.
async fn shares_in(client: &tokio_postgres::Client) -> Vec<String> {
    let query =
        "select relname::text from pg_class where relkind = 'i' and relispartition union all
        select c.conrelid::regclass || ': ' || c.conname from pg_constraint c
        join pg_constraint k on k.oid = c.conparentid
        where c.contype = 'f' and c.conrelid = k.conrelid order by 1";
    let rows = client.query(query, &[]).await.expect("the names");
    rows.iter().map(|row| row.get(0)).collect()
}

/// A table as above that numbers its rows in a column of that name.
fn numbered(identity: &str, indexes: &[(&str, &[&str])]) -> Table {
    let mut table = table(indexes);
    table.columns.push(Column {
        generated: Some(Generated::IdentityByDefault),
        ..column(identity, Type::Int8)
    });
    table
}

#[tokio::test]
async fn a_table_that_moves_leaves_its_names_to_others() {
    let x: &[&str] = &["x"];
    let y: &[&str] = &["y"];
    let there = "Other Schema";
    for (what, from, to, renames) in [
        (
            "two indexes exchange their names",
            vec![("a", table(&[("i", x)])), ("b", table(&[("j", y)]))],
            (table(&[("j", x)]), vec![("b", table(&[("i", y)]))]),
            vec![],
        ),
        (
            "an index takes the name that another leaves",
            vec![("a", table(&[("i", x)])), ("b", table(&[("j", y)]))],
            (table(&[("z", x)]), vec![("b", table(&[("i", y)]))]),
            vec![],
        ),
        (
            "its sequence comes along",
            vec![("a", numbered("id", &[])), ("b", table(&[("j", y)]))],
            (numbered("id", &[]), vec![("b", table(&[("k", y)]))]),
            vec![],
        ),
        (
            "three indexes pass their names on",
            vec![
                ("a", table(&[("i", x)])),
                ("b", table(&[("j", y)])),
                ("c", table(&[("k", y)])),
            ],
            (
                table(&[("j", x)]),
                vec![("b", table(&[("k", y)])), ("c", table(&[("i", y)]))],
            ),
            vec![],
        ),
        (
            "an index takes the name of one that goes",
            vec![("a", table(&[("i", x)])), ("b", table(&[("j", y)]))],
            (table(&[]), vec![("b", table(&[("i", y)]))]),
            vec![],
        ),
        (
            "two indexes exchange their names, one of a table in partitions",
            vec![("a", parted(&[("i", x)])), ("b", table(&[("j", y)]))],
            (parted(&[("j", x)]), vec![("b", table(&[("i", y)]))]),
            vec![],
        ),
    ] {
        let mut renames = renamed(&renames);
        let hints = TableRenames {
            from: Some(name("public", "a")),
            ..TableRenames::default()
        };
        renames.tables.insert(name(there, "a"), hints);
        let (moved, rest) = to;
        let mut to = schema(rest);
        to.tables.insert(name(there, "a"), moved);
        walk(what, schema(from), vec![(to, renames)]).await;
    }
}

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

#[tokio::test]
async fn a_name_passes_from_one_relation_to_another() {
    let x: &[&str] = &["x"];
    let y: &[&str] = &["y"];
    let none = || table(&[]);
    let key = || unique("a_x_y_key", &["x", "y"]);
    for (what, from, to, renames) in [
        (
            "two indexes exchange their names",
            vec![("a", table(&[("i", x)])), ("b", table(&[("j", y)]))],
            vec![("a", table(&[("j", x)])), ("b", table(&[("i", y)]))],
            renamed(&[]),
        ),
        (
            "three indexes pass their names on",
            vec![
                ("a", table(&[("i", x)])),
                ("b", table(&[("j", y)])),
                ("c", table(&[("k", y)])),
            ],
            vec![
                ("a", table(&[("j", x)])),
                ("b", table(&[("k", y)])),
                ("c", table(&[("l", y)])),
            ],
            renamed(&[]),
        ),
        (
            "an index has the name of a constraint that goes",
            vec![("a", key()), ("b", table(&[("zz", x)]))],
            vec![("a", none()), ("b", table(&[("a_x_y_key", x)]))],
            renamed(&[]),
        ),
        (
            "a constraint has the name of another that goes",
            vec![("a", key()), ("b", unique("b_key", x))],
            vec![("a", none()), ("b", unique("a_x_y_key", x))],
            renamed(&[]),
        ),
        (
            "an index has the name of a table that goes",
            vec![("a", table(&[("q", x)])), ("b", none())],
            vec![("a", table(&[("b", x)]))],
            renamed(&[]),
        ),
        (
            "an index and a table exchange their names",
            vec![("a", table(&[("c", x)])), ("b", none())],
            vec![("a", table(&[("b", x)])), ("c", none())],
            renamed(&[("b", "c")]),
        ),
        (
            "an index and its table exchange their names",
            vec![("a", table(&[("c", x)]))],
            vec![("c", table(&[("a", x)]))],
            renamed(&[("a", "c")]),
        ),
        (
            "a constraint and its table exchange their names",
            vec![("a", unique("c", x))],
            vec![("c", unique("a", x))],
            renamed(&[("a", "c")]),
        ),
        (
            "a table has the name of an index that changes its own",
            vec![("a", table(&[("b", x)]))],
            vec![("a", table(&[("b_x", x)])), ("b", table(&[("b_y", y)]))],
            renamed(&[]),
        ),
        (
            "a renamed table has the name of a constraint that goes",
            vec![("a", key()), ("b", none())],
            vec![("a", none()), ("a_x_y_key", none())],
            renamed(&[("b", "a_x_y_key")]),
        ),
        (
            "an index has the name of a key in whose place another comes",
            vec![("a", keyed("a_pkey", x)), ("b", none())],
            vec![("a", keyed("a_key", y)), ("b", table(&[("a_pkey", x)]))],
            renamed(&[]),
        ),
        (
            "a table has the name of a key in whose place another comes",
            vec![("a", keyed("a_pkey", x)), ("b", none())],
            vec![("a", keyed("a_key", y)), ("a_pkey", none())],
            renamed(&[("b", "a_pkey")]),
        ),
        (
            "an index has the name of a partition that goes",
            vec![("a", parted(&[])), ("b", table(&[("q", x)]))],
            vec![("a", one_part()), ("b", table(&[("a_1", x)]))],
            renamed(&[]),
        ),
    ] {
        walk(what, schema(from), vec![(schema(to), renames)]).await;
    }
}

/// One whose name PostgreSQL makes up is there before a name is taken back, which it had in the meantime.
#[tokio::test]
async fn what_has_a_name_that_postgresql_made_up_goes_before_another_takes_it() {
    let x_y: &[&str] = &["x", "y"];
    let y: &[&str] = &["y"];
    let alone = |index: &str| {
        let mut table = one_part();
        table.indexes.insert(index.into(), super::sample::index(y));
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

fn one_part() -> Table {
    let mut table = parted(&[]);
    table.partitions.remove("a_1");
    table
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
