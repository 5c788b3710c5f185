//! Tables that move to another PostgreSQL schema, or to a name that becomes free.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::moves::Moves;
use crate::plan::{Migration, Question, Settings, migrations, transit};
use crate::schema::{
    Check, Column, Command, Expr, External, Generated, Index, IndexColumn, PrimaryKey,
    QualifiedName, Renames, Schema, Table, TableRenames, Type,
};

fn table(name: &str) -> Table {
    Table {
        columns: vec![
            Column::new("id", Type::Int8),
            Column::new("x", Type::Int4),
            Column::new("y", Type::Int4),
        ],
        primary_key: Some(PrimaryKey {
            name: format!("{name}_pkey"),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        grants: BTreeMap::from([("app".into(), BTreeSet::from([Command::Select]))]),
        ..Table::new("shop::T")
    }
}

/// With an index, a unique one and a check.
fn rich(name: &str) -> Table {
    let index = |columns: &[&str]| Index::new(columns.iter().map(|name| IndexColumn::new(*name)));
    let unique = Index {
        unique: true,
        ..index(&["x", "y"])
    };
    Table {
        indexes: BTreeMap::from([("i1".into(), unique), ("i2".into(), index(&["x"]))]),
        checks: BTreeMap::from([("c1".into(), Check::new(Expr::new("y > 0", ["y"])))]),
        ..table(name)
    }
}

fn schema(tables: &[(&str, &str, Table)]) -> Schema {
    let tables = tables
        .iter()
        .map(|(schema, name, table)| (QualifiedName::new(*schema, *name), table.clone()));
    Schema {
        tables: tables.collect(),
        ..Schema::default()
    }
}

fn moved(
    from: &Schema,
    to: &Schema,
    [old, new]: [(&str, &str); 2],
) -> Result<Vec<Migration>, Vec<Question>> {
    let hints = TableRenames {
        from: Some(QualifiedName::new(old.0, old.1)),
        ..TableRenames::default()
    };
    let renames = Renames {
        tables: BTreeMap::from([(QualifiedName::new(new.0, new.1), hints)]),
    };
    migrations(from, to, &renames, &Settings::default())
}

fn body(migrations: &[Migration]) -> String {
    let bodies = migrations.iter().map(|migration| migration.up.plan.body());
    bodies.collect::<Vec<_>>().join("\n----\n")
}

#[test]
fn what_moves_to_the_name_of_a_dropped_table_keeps_what_it_has() {
    for (schema_of_old, old) in [("sa", "t"), ("sb", "a"), ("sb", "z")] {
        let from = schema(&[(schema_of_old, old, rich(old)), ("sb", "t", table("t"))]);
        let mut after = rich("t");
        after.source = "shop::T".into();
        let to = schema(&[("sb", "t", after)]);
        let pairs = moved(&from, &to, [(schema_of_old, old), ("sb", "t")]).expect("no question");
        let body = body(&pairs);
        assert_eq!(pairs.len(), 1, "{body}");
        for taken in [
            "drop index",
            "drop constraint",
            "create index",
            "create unique",
        ] {
            assert!(!body.contains(taken), "{taken}\n{body}");
        }
    }
}

#[test]
fn a_schema_that_is_empty_for_a_moment_stays() {
    let from = schema(&[("sa", "t", table("t")), ("sb", "t", table("t"))]);
    let to = schema(&[("sb", "t", table("t"))]);
    let pairs = moved(&from, &to, [("sa", "t"), ("sb", "t")]).expect("no question");
    let body = body(&pairs);
    for gone in ["drop schema sb", "create schema sb", "usage on schema sb"] {
        assert!(!body.contains(gone), "{gone}\n{body}");
    }
    assert!(body.contains("drop schema sa"), "{body}");
}

#[test]
fn a_move_between_schemas_meets_no_name_that_is_taken_there() {
    // The table under its old name, or its key, would be in the way of another one's.
    for stays in [true, false] {
        let from = schema(&[("sa", "t", table("t")), ("sb", "t", table("t"))]);
        let mut tables = vec![("sb", "u", table("u"))];
        if stays {
            tables.push(("sb", "t", table("t")));
        }
        let to = schema(&tables);
        let questions = moved(&from, &to, [("sa", "t"), ("sb", "u")]).expect_err("a question");
        let said: Vec<&str> = questions.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "table `u` moves from schema `sa` to `sb`, where `t` and `t_pkey` are names of something else \
                 meanwhile; rename it in one migration, and move it in the next"
            ],
        );
    }
    // And on the way back.
    let from = schema(&[("sa", "u", table("u")), ("sb", "x", table("x"))]);
    let to = schema(&[
        ("sb", "t", table("t")),
        ("sa", "t", table("t")),
        ("sb", "x", table("x")),
    ]);
    let questions = moved(&from, &to, [("sa", "u"), ("sb", "t")]).expect_err("a question");
    assert_eq!(questions.len(), 1, "{questions:?}");
    // Where nothing is in the way it moves and is renamed at once.
    let from = schema(&[("sa", "t", table("t")), ("sb", "x", table("x"))]);
    let to = schema(&[("sb", "u", table("u")), ("sb", "x", table("x"))]);
    let pairs = moved(&from, &to, [("sa", "t"), ("sb", "u")]).expect("no question");
    assert_eq!(pairs.len(), 1, "{}", body(&pairs));
}

/// The renames of the main transaction, where indexes are called so before and after.
fn renamed(pairs: &[[&str; 3]]) -> Vec<String> {
    let at = |side: usize| {
        let tables = pairs.iter().map(|row| {
            let mut definition = table(row[0]);
            let index = Index::new([IndexColumn::new("x")]);
            definition.indexes.insert(row[side].into(), index);
            ("public", row[0], definition)
        });
        schema(&tables.collect::<Vec<_>>())
    };
    let (none, settings) = (Renames::default(), Settings::default());
    let pairs = migrations(&at(1), &at(2), &none, &settings).expect("no question");
    let steps = pairs.iter().flat_map(|pair| pair.up.plan.steps());
    steps.map(|step| step.sql.clone()).collect()
}

#[test]
fn who_leaves_a_name_goes_before_who_takes_it() {
    assert_eq!(
        renamed(&[["a", "i", "j"], ["b", "j", "k"]]),
        [
            "alter index public.j rename to k",
            "alter index public.i rename to j",
        ]
    );
}

#[test]
fn where_each_waits_for_another_one_steps_aside() {
    assert_eq!(
        renamed(&[["a", "i", "j"], ["b", "j", "i"]]),
        [
            "alter index public.i rename to i_aside",
            "alter index public.j rename to i",
            "alter index public.i_aside rename to j",
        ]
    );
}

#[test]
fn sequences_that_would_meet_on_the_way_are_asked_about() {
    let numbered = |name: &str, identity: &str| {
        let mut table = table(name);
        table.columns.push(Column {
            generated: Some(Generated::IdentityByDefault),
            ..Column::new(identity, Type::Int8)
        });
        table
    };
    let from = schema(&[
        ("sa", "a_b", numbered("a_b", "c")),
        ("sb", "a", numbered("a", "b_c")),
    ]);
    let to = schema(&[("sb", "a", table("a")), ("sb", "a_b", numbered("a_b", "c"))]);
    let both = schema(&[
        ("sb", "a", numbered("a", "d")),
        ("sb", "a_b", numbered("a_b", "c")),
    ]);
    for (from, to, renamed) in [
        (&from, &to, [("sa", "a_b"), ("sb", "a_b")]),
        (&from, &both, [("sa", "a_b"), ("sb", "a_b")]),
        (&to, &from, [("sb", "a_b"), ("sa", "a_b")]),
    ] {
        let questions = moved(from, to, renamed).expect_err("a question");
        let said = "where `a_b_c_seq` is the name of something else meanwhile";
        let mut all = questions.iter();
        assert!(all.any(|it| it.message.contains(said)), "{questions:?}");
    }
}

#[test]
fn a_plan_that_has_no_order_is_told_and_none_of_its_statements_is_left_out() {
    let mut from = schema(&[("sa", "a", table("a")), ("sb", "b", table("b"))]);
    let mut to = schema(&[("sb", "c", table("c")), ("sb", "b", table("b"))]);
    // A relation of someone else, which neither goes nor changes its name.
    let key = QualifiedName::new("sb", "a_pkey");
    let external = External {
        source: "shop::Key".into(),
        columns: Vec::new(),
        keys: Vec::new(),
    };
    for schema in [&mut from, &mut to] {
        schema.externals.insert(key.clone(), external.clone());
    }
    let moves = Moves {
        tables: BTreeMap::from([(QualifiedName::new("sa", "a"), QualifiedName::new("sb", "c"))]),
        ..Moves::default()
    };
    let plan = transit(&from, &to, &moves, &BTreeSet::new());
    assert!(plan.blocked.contains(&QualifiedName::new("sb", "c")));
    let body = plan.body();
    for statement in ["set schema sb", "rename to c", "c_pkey"] {
        assert!(body.contains(statement), "{statement}\n{body}");
    }
    moved(&from, &to, [("sa", "a"), ("sb", "c")]).expect_err("a question");
}
