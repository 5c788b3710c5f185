//! Partitions: closed like their parent, with its policies, and granted to nobody, so that rows are
//! reached through the parent alone.

use std::collections::BTreeSet;

use crate::ident::{quote, quote_dollar, quote_literal};
use crate::schema::{Partition, PartitionBy, Platform, QualifiedName, Schema, Share, Table};

use super::change::Change;
use super::hazard::{Hazard, LockMode, Subject};
use super::statements::{Group, Step};
use super::{foreign_keys, readers, render, rls};

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

/// The partitions that both have.
pub(super) fn lasting<'a>(before: &Table, after: &'a Table) -> Vec<&'a String> {
    let lasts = |name: &&String| before.partitions.contains_key(*name);
    after.partitions.keys().filter(lasts).collect()
}

/// Creates partitions, closed to everyone; `tell` may say more of each.
pub(super) fn create(
    parent: &QualifiedName,
    table: &Table,
    new: &[&String],
    platform: Platform,
    group: &mut Group,
    mut tell: impl FnMut(&str, &mut Step),
) {
    let indexes: Vec<&str> = table.index_names().map(String::as_str).collect();
    let mut unnamed = Vec::new();
    for partition in new {
        // One before it may have an index that PostgreSQL called so.
        if is_like_made_up(partition) {
            name_shares(parent, &std::mem::take(&mut unnamed), &indexes, group);
        }
        let mut step = create_one(parent, table, partition);
        tell(partition, &mut step);
        group.push(step);
        let name = qualified(parent, partition);
        rls::enable(&name, table, group);
        group.push(rls::revoke_table(&name, table, platform));
        unnamed.push(*partition);
    }
    name_shares(parent, &unnamed, &indexes, group);
}

fn create_one(parent: &QualifiedName, table: &Table, partition: &str) -> Step {
    let (name, bound) = (qualified(parent, partition), &table.partitions[partition]);
    let step = Step::new(format!(
        "create table {name} partition of {parent} {}",
        bound.as_sql()
    ))
    .stops(parent);
    // Rows that the new partition should hold must not lie in the default one.
    let mut others = table.partitions.iter();
    match others.find(|(_, bound)| **bound == Partition::Default) {
        Some((default, _)) if default != partition => {
            let default = qualified(parent, default);
            step.stops(&default).scans(&default)
        }
        _ => step,
    }
}

/// Whether a name ends like one that PostgreSQL makes up for an index.
fn is_like_made_up(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let labels = ["_idx", "_key", "_pkey", "_excl"];
    labels.iter().any(|label| name.ends_with(label))
}

/// Gives the shares of partitions in indexes that were just made their own names, in place of those that
/// PostgreSQL made up for them. Which those are depends on what has a name by then, so they are looked up.
pub(super) fn name_shares(
    parent: &QualifiedName,
    partitions: &[&String],
    indexes: &[&str],
    group: &mut Group,
) {
    let mut rows = Vec::new();
    for partition in partitions {
        for index in indexes {
            let cells = [
                qualified(parent, index).to_string(),
                qualified(parent, partition).to_string(),
                Share { partition, index }.name(),
            ];
            let cells = cells.map(|cell| quote_literal(&cell));
            rows.push(format!("      ({})", cells.join(", ")));
        }
    }
    if rows.is_empty() {
        return;
    }
    let body = format!(
        "declare\n  share record;\nbegin\n  -- PostgreSQL made up names for these indexes of partitions\n  \
         for share in\n    select i.indexrelid::pg_catalog.regclass as made, named.name\n    from (values\n\
         {}\n    ) named (index, partition, name)\n    \
         join pg_catalog.pg_inherits h on h.inhparent = named.index::pg_catalog.regclass\n    \
         join pg_catalog.pg_index i on i.indexrelid = h.inhrelid\n      \
         and i.indrelid = named.partition::pg_catalog.regclass\n  loop\n    \
         execute pg_catalog.format('alter index %s rename to %I', share.made, share.name);\n  end loop;\nend",
        rows.join(",\n")
    );
    group.push(Step::new(format!("do {}", quote_dollar(&body))));
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
    let object = format!("partition {name}");
    let readers = readers::without_rows(change, parent, &object);
    let mut step = Step::new(format!("drop table {name}"))
        .stops(parent)
        .stops(&name)
        .with(Hazard::LosesData(Subject::new(object, fate)));
    step.hazards.extend(readers);
    group.push(step);
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
