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
