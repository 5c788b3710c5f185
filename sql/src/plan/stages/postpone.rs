//! What one transaction can do without making anyone wait, and what is left for later ones.

use std::collections::BTreeSet;

use crate::ident::object_name;
use crate::schema::{Check, Expr, PrimaryKey, QualifiedName, Schema, Table};

use super::super::change::Columns;
use super::super::{constraints, foreign_keys, indexes};
use super::online::is_online;
use super::replace::{Names, Rests};

/// The schema that one transaction can reach from `before` without reading the rows of a table that
/// exists: `to` without what takes longer.
pub(super) fn without_waiting(before: &Schema, to: &Schema, names: &Names) -> Schema {
    let mut main = to.clone();
    let rests = [before, to].map(Rests::of);
    for (name, after) in &mut main.tables {
        if let Some(old) = before.tables.get(name).filter(|old| *old != after) {
            let wanted = &to.tables[name];
            if is_online(old, after, to.platform) {
                postpone_indexes(name, old, after, wanted, names);
            }
            if old.partition_by.is_none() && after.partition_by.is_none() {
                postpone_keys(name, old, after, wanted, names, &rests);
            } else {
                keep_keys(name, old, after, wanted, names, &rests);
            }
            postpone_checks(name, old, after);
        }
    }
    let mut decided = Vec::new();
    for (name, after) in &main.tables {
        let old = before.tables.get(name);
        let is_partitioned = after.partition_by.is_some();
        for (key, definition) in &after.foreign_keys {
            let earlier = old.and_then(|old| old.foreign_keys.get(key));
            let stays = earlier == Some(definition)
                && !foreign_keys::rests_on_change(before, &main, name, definition)
                && !foreign_keys::has_other_keys(before, to, definition);
            let not_valid = old.is_some() && !stays && !is_partitioned;
            let is_possible = foreign_keys::has_key(&main, definition);
            decided.push((name.clone(), key.clone(), is_possible.then_some(not_valid)));
        }
    }
    for (name, key, not_valid) in decided {
        let Some(table) = main.tables.get_mut(&name) else {
            continue;
        };
        match (table.foreign_keys.get_mut(&key), not_valid) {
            (Some(definition), Some(not_valid)) => definition.not_valid = not_valid,
            _ => drop(table.foreign_keys.remove(&key)),
        }
    }
    main
}

/// Leaves out the indexes that are new or changed, and keeps those that go or change, but for what is in
/// the way.
fn postpone_indexes(
    name: &QualifiedName,
    before: &Table,
    after: &mut Table,
    wanted: &Table,
    names: &Names,
) {
    for index in indexes::new_in(before, wanted) {
        after.indexes.remove(index);
    }
    for (index, definition) in &before.indexes {
        if after.indexes.get(index) != Some(definition)
            && names.may_linger(name, before, wanted, index)
        {
            after.indexes.insert(index.clone(), definition.clone());
        }
    }
}

/// The same for unique constraints and primary keys.
fn postpone_keys(
    name: &QualifiedName,
    before: &Table,
    after: &mut Table,
    wanted: &Table,
    names: &Names,
    rests: &[Rests; 2],
) {
    let columns = Columns::of(before, after);
    for (unique, definition) in &wanted.uniques {
        if before.uniques.get(unique) != Some(definition) || columns.move_key(&definition.columns) {
            after.uniques.remove(unique);
        }
    }
    let (old, new) = (&before.primary_key, &wanted.primary_key);
    // One that goes for good goes at once, since what was its part may become nullable, but where a foreign key
    // rests on it and on what comes in its place.
    let is_led_to = |key: &PrimaryKey| rests.iter().all(|rests| rests.on(name, &key.columns));
    let waits = match new {
        Some(key) => old.as_ref() != Some(key) || columns.move_key(&key.columns),
        None => old.as_ref().is_some_and(is_led_to),
    };
    if waits {
        let lingers = names.key_may_linger(name, before, wanted);
        after.primary_key = old.clone().filter(|_| lingers);
    }
    for (unique, definition) in &before.uniques {
        if after.uniques.get(unique) != Some(definition)
            && names.unique_may_linger(name, before, wanted, unique)
        {
            after.uniques.insert(unique.clone(), definition.clone());
        }
    }
}

/// Keeps the keys of a partitioned table that foreign keys rest on, where an index comes in their place, which is
/// built later.
fn keep_keys(
    name: &QualifiedName,
    before: &Table,
    after: &mut Table,
    wanted: &Table,
    names: &Names,
    rests: &[Rests; 2],
) {
    let has_index_alone = |columns: &[String]| {
        let key = wanted.primary_key.iter().map(|key| &key.columns);
        let mut keys = key.chain(wanted.uniques.values().map(|unique| &unique.columns));
        let is_same = |key: &Vec<String>| {
            key.len() == columns.len() && key.iter().all(|column| columns.contains(column))
        };
        rests.iter().all(|rests| rests.on(name, columns)) && !keys.any(is_same)
    };
    for (unique, definition) in &before.uniques {
        if !wanted.uniques.contains_key(unique)
            && has_index_alone(&definition.columns)
            && names.unique_may_linger(name, before, wanted, unique)
        {
            after.uniques.insert(unique.clone(), definition.clone());
        }
    }
    let old = before.primary_key.as_ref();
    if let Some(key) = old.filter(|key| has_index_alone(&key.columns))
        && names.key_may_linger(name, before, wanted)
    {
        after.primary_key = Some(key.clone());
    }
}

/// Adds CHECKs without looking at the rows that are there, and a CHECK in place of each NOT NULL.
fn postpone_checks(name: &QualifiedName, before: &Table, after: &mut Table) {
    let columns = Columns::of(before, after);
    for (check, definition) in &mut after.checks {
        let stays = before.checks.get(check) == Some(definition) && !columns.move_check(definition);
        definition.not_valid = !stays;
    }
    let mut filled = Vec::new();
    // A primary key that comes now makes its columns NOT NULL now.
    let key = after.primary_key.as_ref();
    let key = key.map_or_else(Vec::new, |key| key.columns.clone());
    for column in &mut after.columns {
        let Some(old) = before.column(&column.name) else {
            continue;
        };
        let is_numbered = column.generated.is_some() || column.computed.is_some();
        let waits = !is_numbered && !key.contains(&column.name);
        if old.nullable && !column.nullable && waits && !columns.gone.contains(&column.name) {
            column.nullable = true;
            let condition = constraints::not_null(&column.name);
            let check = Check {
                not_valid: true,
                ..Check::new(Expr::new(condition, [&column.name]))
            };
            filled.push((column.name.clone(), check));
        }
    }
    for (column, check) in filled {
        let check_name = free_name(name, &column, before, after);
        after.checks.insert(check_name, check);
    }
}

/// A name for the CHECK that stands in for NOT NULL, which no constraint has on either side. It is not
/// the one that PostgreSQL 18 gives to NOT NULL itself.
fn free_name(name: &QualifiedName, column: &str, before: &Table, after: &Table) -> String {
    let taken: BTreeSet<&String> = [before, after]
        .into_iter()
        .flat_map(Table::constraint_names)
        .collect();
    let numbered = (1..).map(|number| object_name(&name.name, column, &format!("filled{number}")));
    std::iter::once(object_name(&name.name, column, "filled"))
        .chain(numbered)
        .find(|constraint| !taken.contains(constraint))
        .unwrap_or_default()
}

/// `at`, with everything valid that was added unchecked and need not be added again.
pub(super) fn validated(at: &Schema, to: &Schema) -> Schema {
    let mut validated = at.clone();
    for (name, table) in &mut validated.tables {
        let Some(after) = to.tables.get(name).filter(|after| *after != table) else {
            continue;
        };
        table.columns.clone_from(&after.columns);
        table.checks.clone_from(&after.checks);
        for (key, definition) in &mut table.foreign_keys {
            if after.foreign_keys.contains_key(key)
                && !foreign_keys::rests_on_change(at, to, name, definition)
            {
                definition.not_valid = false;
            }
        }
    }
    validated
}

/// `to`, but for foreign keys that cannot be validated in the transaction that adds them.
pub(super) fn settled(at: &Schema, to: &Schema) -> Schema {
    let mut settled = to.clone();
    for (name, after) in &mut settled.tables {
        let Some(old) = at.tables.get(name) else {
            continue;
        };
        if after.partition_by.is_some() {
            continue;
        }
        for (key, definition) in &mut after.foreign_keys {
            let is_there = old.foreign_keys.contains_key(key);
            definition.not_valid =
                !is_there || foreign_keys::rests_on_change(at, to, name, definition);
        }
    }
    settled
}
