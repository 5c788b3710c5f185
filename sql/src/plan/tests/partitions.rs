//! Partitions that leave.

use super::*;
use crate::schema::PrimaryKey;

/// Notes in partitions, and replies that reference them.
fn referenced(partitions: &[&str]) -> Schema {
    let mut table = Table {
        primary_key: Some(PrimaryKey {
            name: "notes_pkey".into(),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        rls: Rls::Enabled(BTreeMap::new()),
        ..notes()
    };
    table.partition_by = Some(PartitionBy {
        strategy: PartitionStrategy::List,
        columns: vec!["id".into()],
    });
    for (number, partition) in partitions.iter().enumerate() {
        let bound = Partition::List(vec![number.to_string()]);
        table.partitions.insert((*partition).into(), bound);
    }
    let mut schema = schema(table);
    schema.tables.insert(replies(), referencing(name()));
    schema
}

fn replies() -> QualifiedName {
    QualifiedName::new("public", "replies")
}

fn referencing(table: QualifiedName) -> Table {
    let mut replies = notes();
    replies.rls = Rls::Enabled(BTreeMap::new());
    let key = ForeignKey::new(["id"], table, ["id"]);
    replies.foreign_keys.insert("replies_id_fkey".into(), key);
    replies
}

/// What is lost from one schema to another.
fn lost(from: &Schema, to: &Schema) -> Vec<String> {
    let pairs = migrations(from, to, &Renames::default(), &Settings::default());
    let pairs = pairs.expect("no question");
    let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
    let lost = hazards.filter(|hazard| matches!(hazard, Hazard::LosesData(_)));
    lost.map(|hazard| hazard.to_string()).collect()
}

#[test]
fn a_partition_that_leaves_names_the_tables_that_reference_it() {
    let from = referenced(&["a", "b"]);
    let to = referenced(&["a"]);
    assert_eq!(
        lost(&from, &to),
        [
            "loses-data: partition public.b: dropped with its rows; rows of public.replies that reference \
             them stop this file, take those out before"
        ]
    );
    let mut released = to.clone();
    let table = released.tables.get_mut(&replies()).expect("the table");
    table.foreign_keys.clear();
    assert_eq!(
        lost(&from, &released),
        [
            "loses-data: partition public.b: dropped with its rows; the rollback needs public.replies to \
             reference nothing in it"
        ]
    );
    let mut gone = released.clone();
    gone.tables.remove(&replies());
    let partition = "loses-data: partition public.b: dropped with its rows";
    assert!(lost(&from, &gone).iter().any(|it| it == partition));
    let mut whole = released.clone();
    whole.tables.remove(&name());
    assert_eq!(
        lost(&from, &whole),
        [
            "loses-data: table public.notes: dropped; the rollback needs public.replies to reference \
             nothing in it"
        ]
    );
}

#[test]
fn of_two_partitions_the_first_is_no_more_when_the_second_leaves() {
    let plan = plan(&referenced(&["a", "b", "c"]), &referenced(&["a"]));
    let steps = plan.groups.into_iter().flat_map(|group| group.steps);
    let steps: Vec<String> = steps.map(|step| step.sql).collect();
    let dropped = |partition: &str| {
        let drop = format!("drop table public.{partition}");
        steps
            .iter()
            .position(|sql| *sql == drop)
            .expect("it leaves")
    };
    assert!(dropped("b") < dropped("c"), "{steps:#?}");
    for later in &steps[dropped("b") + 1..] {
        assert!(!later.contains("public.b "), "{steps:#?}");
    }
    let forced = "alter table public.c no force row level security";
    assert!(steps.iter().any(|sql| sql == forced), "{steps:#?}");
}

#[test]
fn a_new_check_is_as_valid_on_a_new_partition_as_on_the_others() {
    let (from, mut to) = (referenced(&["a"]), referenced(&["a", "b"]));
    let table = to.tables.get_mut(&name()).expect("the table");
    let check = Check::new(Expr::new("level > 0", ["level"]));
    table.checks.insert("notes_level_check".into(), check);
    let pairs = migrations(&from, &to, &Renames::default(), &Settings::default());
    let body = pairs.expect("no question")[0].up.body();
    let at = |statement: &str| body.find(statement).expect(statement);
    let partition = at("create table public.b partition of public.notes");
    let check = at("alter table public.notes add constraint notes_level_check");
    assert!(body[check..].contains("not valid"), "{body}");
    assert!(partition < check, "{body}");
}

/// Notes by partition key, whose columns are all of one type.
fn by(strategy: PartitionStrategy, key: &[&str], columns: &[&str]) -> Schema {
    let mut table = notes();
    let columns = columns.iter().map(|name| Column::new(*name, Type::Int8));
    table.columns = columns.collect();
    table.partition_by = Some(PartitionBy {
        strategy,
        columns: key.iter().map(|&column| column.into()).collect(),
    });
    schema(table)
}

/// What is asked of notes whose columns are renamed so, from the old name to the new one.
fn asked(from: &Schema, to: &Schema, renamed: &[(&str, &str)]) -> Vec<String> {
    let columns = renamed.iter();
    let columns = columns.map(|&(old, new)| (new.to_owned(), old.to_owned()));
    let hints = TableRenames {
        columns: columns.collect(),
        ..TableRenames::default()
    };
    let renames = Renames {
        tables: BTreeMap::from([(name(), hints)]),
    };
    let questions = migrations(from, to, &renames, &Settings::default()).err();
    let questions = questions.unwrap_or_default().into_iter();
    questions.map(|question| question.message).collect()
}

#[test]
fn another_partition_key_is_asked_about() {
    use PartitionStrategy::{List, Range};
    let columns = ["a", "b"];
    for (strategy, from, to) in [
        (List, &["a"][..], &["b"][..]),
        (Range, &["a", "b"], &["b", "a"]),
        (Range, &["a", "b"], &["a"]),
    ] {
        let ends = (by(strategy, from, &columns), by(strategy, to, &columns));
        for (from, to) in [(&ends.0, &ends.1), (&ends.1, &ends.0)] {
            assert_eq!(
                asked(from, to, &[]),
                [
                    "table `notes` changes how it is partitioned, which PostgreSQL cannot do to a table; \
                     declare a new table beside it, and move the rows with `cargo tabellion new`"
                ]
            );
        }
    }
}

#[test]
fn a_partition_key_whose_columns_are_renamed_is_the_same() {
    use PartitionStrategy::Range;
    let from = by(Range, &["a", "b"], &["a", "b"]);
    let to = by(Range, &["c", "b"], &["c", "b"]);
    assert!(asked(&from, &to, &[("a", "c")]).is_empty());
    // As long as it is open whether it is, nothing else is said.
    let open = asked(&from, &to, &[]);
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].starts_with("column `notes.c` is new"), "{open:?}");
    let swapped = by(Range, &["b", "c"], &["c", "b"]);
    let told = asked(&from, &swapped, &[("a", "c")]);
    assert!(
        told[0].contains("changes how it is partitioned"),
        "{told:?}"
    );
}

/// Notes by `id` of a type, in one partition of that name and bound.
fn bounded(ty: Type, partition: &str, bound: Partition) -> Schema {
    let mut schema = by(PartitionStrategy::Range, &["id"], &["id"]);
    let table = schema.tables.get_mut(&name()).expect("the table");
    table.columns[0].ty = ty;
    table.partitions.insert(partition.into(), bound);
    schema
}

#[test]
fn a_bound_in_a_spelling_that_is_not_read_is_asked_about() {
    let range = |from: &str, to: &str| Partition::Range {
        from: vec![from.into()],
        to: vec![to.into()],
    };
    let list = |value: &str| Partition::List(vec![value.into()]);
    let named = |ty: &str| Type::Named(ty.into());
    let sealed = || range("'2026-01-01'", "'2027-01-01'");
    let seconds = || Type::Timestamp(Some(0));
    let (same, other, open) = (None, Some("changes its bounds"), Some("cannot be told"));
    for (ty, from, to, said) in [
        (
            Type::Date,
            sealed(),
            range("'20260101'", "'2027-1-1'"),
            same,
        ),
        (
            Type::Date,
            sealed(),
            range("'20260101'", "'20270102'"),
            other,
        ),
        (
            Type::Date,
            sealed(),
            range("'2026-01-01'", "'Jan 1 2027'"),
            open,
        ),
        (
            Type::Date,
            sealed(),
            range("'2026-01-02'", "'Jan 1 2027'"),
            other,
        ),
        (
            Type::Date,
            sealed(),
            range("minvalue", "'Jan 1 2027'"),
            other,
        ),
        (
            seconds(),
            sealed(),
            range("'2026-01-01 00:00:00.2'", "'2027-01-01'"),
            open,
        ),
        (Type::Text, list("'a'"), list("'A'"), other),
        (Type::Text, list("'a'"), list("null"), other),
        (Type::Varchar(Some(1)), list("'a'"), list("'a '"), open),
        (Type::Char(2), list("'a'"), list("'a '"), same),
        (named("citext"), list("'a'"), list("'A'"), open),
        (named("inet"), list("'10.0.0.0/8'"), list("'10/8'"), open),
        (Type::Bool, list("true"), list("false"), other),
        (Type::Float8, list("0.1"), list("0.10000000000000001"), open),
        (Type::Float8, list("0.1"), list("0.2"), other),
        (Type::Numeric(Some((4, 1))), list("1.0"), list("1.04"), open),
        (Type::Numeric(None), list("'1.0'"), list("'1.04'"), other),
    ] {
        let before = bounded(ty.clone(), "a", from.clone());
        let told = asked(&before, &bounded(ty.clone(), "a", to.clone()), &[]);
        let fits = match said {
            None => told.is_empty(),
            Some(said) => told.len() == 1 && told[0].contains(said),
        };
        assert!(fits, "{ty}, {to:?}: {told:?}");
        let told = asked(&before, &bounded(ty.clone(), "b", to.clone()), &[]);
        let fits = match said {
            None => told.len() == 1 && told[0].contains("both have the same bounds; if"),
            Some("cannot be told") => told.len() == 1 && told[0].contains("cannot be told"),
            Some(_) => told.is_empty(),
        };
        assert!(fits, "{ty}, {to:?}: {told:?}");
    }
    let before = bounded(Type::Date, "a", sealed());
    let open = range("'2026-01-01'", "'Jan 1 2027'");
    assert_eq!(
        asked(&before, &bounded(Type::Date, "a", open.clone()), &[]),
        [
            "whether partition `a` of table `notes` changes its bounds, which PostgreSQL cannot do, cannot be told; \
             write the same ones as they are sealed, `for values from ('2026-01-01') to ('2027-01-01')`, or give the \
             partition of new ones another name, and the old one goes with its rows, or move them into another \
             partition before with `cargo tabellion new`"
        ]
    );
    assert_eq!(
        asked(&before, &bounded(Type::Date, "b", open), &[]),
        [
            "partition `b` of table `notes` is new, partition `a` is gone, and whether both have the same bounds \
             cannot be told; if it is the same partition write `#[partition(renamed_from = \"a\")]` and the bounds \
             as they are sealed, `for values from ('2026-01-01') to ('2027-01-01')`, if not drop the one with its \
             rows in a migration before the other is added"
        ]
    );
}

/// Notes in partitions by lists of one value each.
fn listed(partitions: &[(&str, &str)]) -> Schema {
    let mut schema = by(PartitionStrategy::List, &["id"], &["id"]);
    let table = schema.tables.get_mut(&name()).expect("the table");
    for (partition, value) in partitions {
        let bound = Partition::List(vec![(*value).to_owned()]);
        table.partitions.insert((*partition).to_owned(), bound);
    }
    schema
}

fn loses(pairs: &[Migration]) -> bool {
    let mut hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
    hazards.any(|hazard| matches!(hazard, Hazard::LosesData(_)))
}

fn renamed_partitions(table: QualifiedName, renamed: &[(&str, &str)]) -> Renames {
    let partitions = renamed.iter();
    let partitions = partitions.map(|&(old, new)| (new.to_owned(), old.to_owned()));
    let hints = TableRenames {
        partitions: partitions.collect(),
        ..TableRenames::default()
    };
    Renames {
        tables: BTreeMap::from([(table, hints)]),
    }
}

/// What is asked where partitions are renamed so, from the old name to the new one.
fn asked_of(from: &Schema, to: &Schema, renamed: &[(&str, &str)]) -> Vec<String> {
    let renames = renamed_partitions(name(), renamed);
    let questions = migrations(from, to, &renames, &Settings::default()).err();
    let questions = questions.unwrap_or_default().into_iter();
    questions.map(|question| question.message).collect()
}

#[test]
fn partitions_that_exchange_their_names_do_so_through_a_third_one() {
    let from = listed(&[("p", "1"), ("q", "2")]);
    let to = listed(&[("p", "2"), ("q", "1")]);
    assert_eq!(
        asked_of(&from, &to, &[])[0],
        "partition `p` of table `notes` has the bounds that partition `q` had, and PostgreSQL cannot change those of \
         a partition; if it is that one under another name rename in one migration after another, first what has \
         that name now; of two that exchange their names one takes a third name first and its own last; if not give \
         the partition of the new bounds another name, and the old one goes with its rows, or move them into another \
         partition before with `cargo tabellion new`"
    );
    assert_eq!(
        asked_of(&from, &to, &[("p", "q"), ("q", "p")])[0],
        "partition `p` of table `notes` is `renamed_from = \"q\"`, and the table still has that partition; leave it \
         out, or rename in one migration after another, first what has that name now; of two that exchange their \
         names one takes a third name first and its own last"
    );
    let taken = asked_of(&from, &listed(&[("p", "2")]), &[]);
    let said = "write `#[partition(renamed_from = \"q\")]`, and what is sealed as `p` goes with its rows; if not";
    assert!(taken[0].contains(said), "{taken:?}");
    let aside = listed(&[("r", "1"), ("q", "2")]);
    let half = listed(&[("r", "1"), ("p", "2")]);
    for (from, to, renamed) in [
        (&from, &aside, ("p", "r")),
        (&aside, &half, ("q", "p")),
        (&half, &to, ("r", "q")),
    ] {
        assert_eq!(asked_of(from, to, &[renamed]), [""; 0]);
        let renames = renamed_partitions(name(), &[renamed]);
        let pairs = migrations(from, to, &renames, &Settings::default()).expect("no question");
        assert!(!loses(&pairs));
    }
}

#[test]
fn partitions_that_exchange_their_names_with_those_of_another_table_take_a_third_one_too() {
    let other = QualifiedName::new("public", "others");
    let both = |own: &str, others: &str| {
        let mut schema = listed(&[(own, "1")]);
        let mut table = listed(&[(others, "1")])
            .tables
            .remove(&name())
            .expect("the table");
        table.rls = Rls::Enabled(BTreeMap::new());
        schema.tables.insert(other.clone(), table);
        schema
    };
    let went = |from: &Schema, to: &Schema, own: &[(&str, &str)], others: &[(&str, &str)]| {
        let mut renames = renamed_partitions(name(), own);
        renames
            .tables
            .extend(renamed_partitions(other.clone(), others).tables);
        migrations(from, to, &renames, &Settings::default())
    };
    let (from, aside, to) = (both("p", "q"), both("r", "p"), both("q", "p"));
    let blocked = went(&from, &to, &[("p", "q")], &[("q", "p")]).expect_err("a question");
    assert!(blocked[0].message.contains("a third one in this migration"));
    let first = went(&from, &aside, &[("p", "r")], &[("q", "p")]).expect("no question");
    assert!(!loses(&first));
    let second = went(&aside, &to, &[("r", "q")], &[]).expect("no question");
    assert!(!loses(&second));
}
