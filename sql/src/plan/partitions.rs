//! Partitions: closed like their parent, with its policies, and granted to nobody, so that rows are
//! reached through the parent alone.

use std::collections::BTreeSet;

use crate::ident::{distinct_name, quote, summed_name};
use crate::schema::{Partition, PartitionBy, Platform, QualifiedName, Schema, Table};

use super::change::Change;
use super::hazard::{Hazard, LockMode, Subject};
use super::statements::{Group, Step};
use super::{foreign_keys, render, rls};

/// What stands behind the columns of a partitioned table.
pub(super) fn clause(by: &PartitionBy) -> String {
    format!(
        "partition by {} ({})",
        by.strategy.as_sql(),
        render::columns(&by.columns)
    )
}

/// The name of a partition, which lies beside its parent.
pub(super) fn qualified(parent: &QualifiedName, partition: &str) -> QualifiedName {
    QualifiedName::new(&parent.schema, partition)
}

/// The name of a partition's share in an index that is built while others write. It follows from the two
/// names alone, and no other two have it, so that the share can be renamed along with the index. PostgreSQL
/// ends none so of those that it makes up.
pub(super) fn share(partition: &str, index: &str) -> String {
    // Where one of them holds an underscore, others may be the same when joined.
    match partition.contains('_') || index.contains('_') {
        true => summed_name(partition, index, "part"),
        false => distinct_name(partition, index, "part"),
    }
}

/// A table and its partitions, on each of which policies stand.
pub(super) fn relations<'a>(
    name: &'a QualifiedName,
    table: &'a Table,
) -> impl Iterator<Item = QualifiedName> + 'a {
    let partitions = table
        .partitions
        .keys()
        .map(|partition| qualified(name, partition));
    std::iter::once(name.clone()).chain(partitions)
}

/// The partitions that `some` has and `other` has not.
pub(super) fn only_in<'a>(some: &'a Table, other: &'a Table) -> impl Iterator<Item = &'a String> {
    some.partitions
        .keys()
        .filter(|name| !other.partitions.contains_key(*name))
}

/// Creates a partition, closed to everyone.
pub(super) fn create(
    parent: &QualifiedName,
    table: &Table,
    partition: &str,
    bound: &Partition,
    platform: Platform,
    group: &mut Group,
) {
    let name = qualified(parent, partition);
    let mut step = Step::new(format!(
        "create table {name} partition of {parent} {}",
        bound.as_sql()
    ))
    .stops(parent);
    // Rows that the new partition should hold must not lie in the default one.
    if let Some((default, _)) = table
        .partitions
        .iter()
        .find(|(_, bound)| **bound == Partition::Default)
        && default != partition
    {
        let default = qualified(parent, default);
        step = step.stops(&default).scans(&default);
    }
    group.push(step);
    rls::enable(&name, table, group);
    group.push(rls::revoke_table(&name, table, platform));
}

/// A new partition is refused where the default one holds rows of it.
pub(super) fn restrict(
    parent: &QualifiedName,
    before: &Table,
    after: &Table,
    partition: &str,
    create: &mut Step,
) {
    let default = before.partitions.iter().find(|(name, bound)| {
        **bound == Partition::Default && after.partitions.get(*name) == Some(bound)
    });
    if let Some((default, _)) = default {
        let fate = format!(
            "new; rows that it should hold stop this file where they lie in {}, take them out of it before",
            qualified(parent, default)
        );
        let object = format!("partition {}", qualified(parent, partition));
        create
            .hazards
            .push(Hazard::Restricts(Subject::new(object, fate)));
    }
}

/// A new partition takes part in the foreign keys of its table, and in those that reference it.
pub(super) fn lock_keys(change: &Change<'_>, parent: &QualifiedName, create: &mut Step) {
    for (name, table) in &change.from.tables {
        let after = change.to.tables.get(name);
        for (key, definition) in &table.foreign_keys {
            if after.and_then(|after| after.foreign_keys.get(key)) != Some(definition) {
                continue;
            }
            let ends = [name, &definition.table];
            if ends.contains(&parent) {
                let other = if name == parent { ends[1] } else { ends[0] };
                let lock = Hazard::Locks(LockMode::ShareRowExclusive, other.clone());
                create.hazards.push(lock);
            }
        }
    }
}

/// Whether a relation is a partition that was dropped before this one: tables, and their partitions, go in order.
fn is_gone(
    change: &Change<'_>,
    relation: &QualifiedName,
    parent: &QualifiedName,
    partition: &str,
) -> bool {
    let until = change.from.tables.range(..=parent);
    let mut dropped = until.flat_map(|(table, before)| {
        let after = change.to.tables.get(table).into_iter();
        let gone = after.flat_map(move |after| only_in(before, after));
        gone.map(move |partition| (table, partition.as_str()))
    });
    dropped.any(|(table, gone)| {
        qualified(table, gone) == *relation && (table, gone) < (parent, partition)
    })
}

/// Drops a partition with its rows.
pub(super) fn drop(
    change: &Change<'_>,
    parent: &QualifiedName,
    partition: &str,
    group: &mut Group,
) {
    let from: &Schema = change.from;
    let name = qualified(parent, partition);
    let keys = |table: &Table| table.foreign_keys.values().any(|key| key.table == *parent);
    let mut referencing = from
        .tables
        .iter()
        .filter(|(_, table)| keys(table))
        .peekable();
    if referencing.peek().is_some() {
        // The foreign keys rest on each partition; detaching it checks that no row needs it.
        let text = format!("alter table {parent} detach partition {name}");
        let mut step = Step::new(text).stops(parent).stops(&name);
        let mut forced = foreign_keys::forced(from, parent);
        for (table, _) in referencing {
            step = step.stops(table).scans(table);
            forced.extend(foreign_keys::forced(from, table));
        }
        forced.sort();
        forced.dedup();
        forced.retain(|relation| !is_gone(change, relation, parent, partition));
        // Once detached it has foreign keys of its own, which then leave with it.
        let own = from.tables.get(parent).into_iter();
        for key in own.flat_map(|table| table.foreign_keys.values()) {
            step = step.stops(&key.table);
        }
        // Under FORCE an owner that cannot bypass row-level security would see no row that needs it.
        for table in &forced {
            group.push(foreign_keys::force(table, "no force"));
        }
        group.push(step);
        for table in forced.iter().filter(|table| **table != name) {
            group.push(foreign_keys::force(table, "force"));
        }
    }
    let fate = format!("dropped with its rows{}", needs(change, parent));
    let subject = Subject::new(format!("partition {name}"), fate);
    group.push(
        Step::new(format!("drop table {name}"))
            .stops(parent)
            .stops(&name)
            .with(Hazard::LosesData(subject)),
    );
}

/// What a partition that goes needs of the tables that reference its table, as it stands behind its fate.
fn needs(change: &Change<'_>, parent: &QualifiedName) -> String {
    let (mut bound, mut released) = (BTreeSet::new(), BTreeSet::new());
    for (name, before) in &change.from.tables {
        let Some(after) = change.to.tables.get(name) else {
            continue;
        };
        let keys = before.foreign_keys.iter();
        for (key, _) in keys.filter(|(_, key)| key.table == *parent) {
            let stays = after.foreign_keys.get(key);
            match stays.is_some_and(|key| key.table == *parent) {
                true => bound.insert(name),
                false => released.insert(name),
            };
        }
    }
    let mut needs = String::new();
    if !bound.is_empty() {
        needs.push_str(&format!(
            "; rows of {} that reference them stop this file, take those out before",
            join(&bound)
        ));
    }
    if !released.is_empty() {
        needs.push_str(&format!(
            "; the rollback needs {} to reference nothing in it",
            join(&released)
        ));
    }
    needs
}

/// The names of tables in a sentence.
pub(super) fn join(tables: &BTreeSet<&QualifiedName>) -> String {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    names.join(" and ")
}

/// Moves the partitions of a table along to another PostgreSQL schema.
pub(super) fn set_schema(table: &Table, from: &str, to: &str) -> impl Iterator<Item = Step> {
    table.partitions.keys().map(move |partition| {
        let name = QualifiedName::new(from, partition);
        Step::new(format!("alter table {name} set schema {}", quote(to))).stops(&name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_shares_have_one_name() {
        assert_eq!(share("e1", "i"), "e1_i_part");
        assert_ne!(share("e1", "i_j"), share("e1_i", "j"));
        assert_ne!(share("e1", "i"), share("e1", "i_part"));
    }
}
