//! What changes on a table that stays: first everything that must step aside, then everything new.

use std::collections::BTreeMap;

use crate::schema::{Index, IndexColumn, QualifiedName, Table};

use super::change::{Change, Columns};
use super::statements::{Group, Plan};
use super::{clones, columns, constraints, create, indexes, partitions, policies, rls};

/// Takes away, of every table that stays, the privileges and policies that `to` lacks or has otherwise.
pub(super) fn close(change: &Change<'_>, plan: &mut Plan) {
    for (name, before) in &change.from.tables {
        match change.to.tables.get(name) {
            Some(after) => {
                let group = plan.group(&after.source);
                rls::revokes(name, before, after, group);
                policies::drop_stale(change, name, before, after, group);
            }
            None if rls::reads_other_tables(before) => {
                policies::drop_all(name, before, plan.group(&before.source));
            }
            None => {}
        }
    }
}

/// Takes away what else `after` lacks or has otherwise, columns last.
pub(super) fn clear(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    plan: &mut Plan,
) {
    let group = plan.group(&after.source);
    for partition in partitions::only_in(before, after) {
        partitions::drop(change, name, partition, group);
    }
    indexes::clear(name, before, after, group);
    constraints::clear(name, before, after, group);
    columns::clear(change, name, before, after, group);
}

/// Adds what `before` lacks or has otherwise, columns first, privileges last.
pub(super) fn build(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    plan: &mut Plan,
) {
    let platform = change.to.platform;
    let group = plan.group(&after.source);
    columns::build(change, name, before, after, group);
    name_anew(name, before, after, group);
    constraints::settle_not_null(name, before, after, group);
    constraints::build(name, before, after, group);
    let new: Vec<&String> = partitions::only_in(after, before).collect();
    let now = Table {
        indexes: standing(before, after),
        ..after.clone()
    };
    partitions::create(name, &now, &new, platform, group, |partition, step| {
        partitions::lock_keys(change, name, step);
        partitions::restrict(name, before, after, partition, step);
    });
    let keys = clones::standing(change.from, change.to, name);
    group.steps.extend(clones::give_names(&keys, new));
    constraints::build_checks(name, before, after, group);
    indexes::build(name, before, after, group);
    let kept: Vec<QualifiedName> = partitions::relations(name, after)
        .filter(|relation| relation == name || before.partitions.contains_key(&relation.name))
        .collect();
    rls::switch(change, name, before, after, &kept, group);
    create::comments(name, Some(before), after, plan);
}

/// The indexes that stay as they are.
fn standing(before: &Table, after: &Table) -> BTreeMap<String, Index> {
    let new = indexes::new_in(before, after);
    let mut standing = after.indexes.clone();
    standing.retain(|index, _| !new.contains(&index.as_str()));
    standing
}

/// Names the shares of partitions in the indexes that PostgreSQL made anew with a column of another type.
fn name_anew(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    if after.partitions.is_empty() || columns.any.is_empty() {
        return;
    }
    let (indexes, keys) = (
        standing(before, after),
        constraints::standing(before, after),
    );
    let has = |names: &[String]| names.iter().any(|name| columns.any.contains(name));
    let indexes = indexes.iter().filter(|(_, index)| {
        let mut keys = index.columns.iter().filter_map(IndexColumn::name);
        keys.any(|name| columns.any.contains(name)) || has(&index.include)
    });
    let keys = keys.iter().filter(|(_, columns)| has(columns));
    let made = keys
        .map(|(key, _)| *key)
        .chain(indexes.map(|(index, _)| index));
    let made: Vec<&str> = made.map(String::as_str).collect();
    partitions::name_shares(name, &partitions::lasting(before, after), &made, group);
}

/// Lets in whom `after` lets in and `before` did not.
pub(super) fn open(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    plan: &mut Plan,
) {
    let platform = change.to.platform;
    let group = plan.group(&after.source);
    policies::build(change, name, before, after, group);
    if change.from.platform == platform {
        rls::grants(name, Some(before), after, group);
    } else {
        // The table was made where other roles had privileges by default.
        rls::revoke_defaults(name, after, platform, group);
        for partition in partitions::relations(name, after).skip(1) {
            group.push(rls::revoke_table(&partition, after, platform));
        }
        rls::grants(name, None, after, group);
        let mut news = Group::new("");
        rls::grants(name, Some(before), after, &mut news);
        let hazards = news.steps.into_iter().flat_map(|step| step.hazards);
        if let Some(last) = group.steps.last_mut() {
            last.hazards.extend(hazards);
        }
    }
}
