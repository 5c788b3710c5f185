//! Partitions that leave.

use super::*;
use crate::schema::PrimaryKey;

#[test]
fn of_two_partitions_the_first_is_no_more_when_the_second_leaves() {
    let referenced = |partitions: &[&str]| {
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
        let mut replies = notes();
        replies.rls = Rls::Enabled(BTreeMap::new());
        let key = ForeignKey::new(["id"], name(), ["id"]);
        replies.foreign_keys.insert("replies_id_fkey".into(), key);
        let mut schema = schema(table);
        schema
            .tables
            .insert(QualifiedName::new("public", "replies"), replies);
        schema
    };
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
