//! Building and dropping an index while others write.

use crate::schema::{Index, Platform, QualifiedName, Share, Table};

use super::super::hazard::{Hazard, LockMode, Subject};
use super::super::statements::Step;
use super::super::{indexes, partitions, render};

/// Steps, and whether they run each by itself.
pub(super) type Steps = (bool, Vec<Step>);

/// Whether the indexes of a table that stays can be built while others write.
///
/// On a partitioned table that takes several statements in one file, none of them in a transaction; the
/// Supabase CLI sends a file in one flight, which is one.
pub(super) fn is_online(before: &Table, after: &Table, platform: Platform) -> bool {
    match (&before.partition_by, &after.partition_by) {
        (None, None) => true,
        (Some(old), Some(new)) => old == new && platform != Platform::Supabase,
        _ => false,
    }
}

/// Builds an index. That of a partitioned table is made of those of its partitions; it is not used before
/// the last of them is attached. `rule` is what becomes a rule with it, where it was none.
pub(super) fn create(
    name: &QualifiedName,
    table: &Table,
    index: &str,
    definition: &Index,
    rule: Option<Subject>,
) -> Steps {
    let ruled = |step: Step| match rule {
        Some(rule) => step.with(Hazard::Restricts(rule)),
        None => step,
    };
    if table.partition_by.is_none() {
        let step = indexes::create_concurrently(name, index, definition);
        return (true, vec![ruled(step)]);
    }
    let parent = QualifiedName::new(&name.schema, index);
    let only = Step::new(render::index_only(name, index, definition)).locks(LockMode::Share, name);
    let mut steps = vec![ruled(only)];
    let mut attach = Vec::new();
    for partition in partitions::relations(name, table).skip(1) {
        let share = Share {
            partition: &partition.name,
            index,
        };
        let own = share.name();
        steps.push(indexes::create_concurrently(&partition, &own, definition));
        let own = QualifiedName::new(&name.schema, own);
        // It locks the index alone: on the tables it is as a reader is.
        attach.push(Step::new(format!(
            "alter index {parent} attach partition {own}"
        )));
    }
    steps.extend(attach);
    (steps.len() > 1, steps)
}

/// Drops an index. PostgreSQL drops that of a partitioned table at once only.
pub(super) fn drop(name: &QualifiedName, table: &Table, index: &str, definition: &Index) -> Steps {
    if table.partition_by.is_none() {
        return (
            true,
            vec![indexes::drop_concurrently(name, index, definition)],
        );
    }
    let place = QualifiedName::new(&name.schema, index);
    let mut step = Step::new(format!("drop index {place}"));
    for relation in partitions::relations(name, table) {
        step = step.stops(&relation);
    }
    (false, vec![indexes::removes(step, name, index, definition)])
}
