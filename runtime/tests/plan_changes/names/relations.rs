//! Names that pass from one relation to another.

use tabellion_sql::schema::TableRenames;

use super::{keyed, numbered, one_part, parted, renamed, schema, table, unique, walk};
use crate::sample::name;

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
