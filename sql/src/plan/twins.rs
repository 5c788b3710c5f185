//! Constraints, indexes and policies that are the same on both sides under another name. Nothing rests on
//! such a name, so that taking one for the other is not a guess.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::quote;
use crate::schema::{QualifiedName, Rls, Schema, Share, Table};

use super::change::Columns;
use super::renames::{Kind, Rename, Renames};
use super::statements::Step;
use super::{clones, memberships, partitions};

/// The schema with the names that `to` has for constraints, indexes and policies that are the same there
/// under another name.
pub(super) fn twinned(mut schema: Schema, to: &Schema) -> Schema {
    for (name, table) in &mut schema.tables {
        if let Some(after) = to.tables.get(name).filter(|after| **after != *table) {
            twins(table, after);
        }
    }
    schema
}

/// Gives what is the same under another name the name that it has in `after`: nothing rests on the name
/// of a constraint, an index or a policy, so that it is not a guess.
fn twins(table: &mut Table, after: &Table) {
    let columns = Columns::of(table, after);
    for (old, new) in pairs(&table.uniques, &after.uniques, |u| {
        columns.move_key(&u.columns)
    }) {
        rekey(&mut table.uniques, &old, new);
    }
    for (old, new) in pairs(&table.checks, &after.checks, |check| {
        columns.move_check(check)
    }) {
        rekey(&mut table.checks, &old, new);
    }
    for (old, new) in pairs(&table.exclusions, &after.exclusions, |e| {
        columns.move_exclusion(e)
    }) {
        rekey(&mut table.exclusions, &old, new);
    }
    for (old, new) in pairs(&table.foreign_keys, &after.foreign_keys, |key| {
        columns.move_key(&key.columns)
    }) {
        rekey(&mut table.foreign_keys, &old, new);
    }
    for (old, new) in pairs(&table.indexes, &after.indexes, |index| {
        columns.move_index(index)
    }) {
        rekey(&mut table.indexes, &old, new);
    }
    if let (Some(key), Some(other)) = (&mut table.primary_key, &after.primary_key)
        && key.columns == other.columns
        && key.deferrable == other.deferrable
    {
        key.name.clone_from(&other.name);
    }
    if let (Rls::Enabled(policies), Rls::Enabled(others)) = (&mut table.rls, &after.rls) {
        let declared = policies.iter();
        let declared = declared.map(|(name, policy)| (name.clone(), memberships::declared(policy)));
        for (old, new) in pairs(&declared.collect(), others, |_| false) {
            rekey(policies, &old, new);
        }
    }
}

/// What has another name in `some` than in `other` and is the same otherwise.
fn pairs<T: PartialEq>(
    some: &BTreeMap<String, T>,
    other: &BTreeMap<String, T>,
    moves: impl Fn(&T) -> bool,
) -> Vec<(String, String)> {
    let mut taken = BTreeSet::new();
    some.iter()
        .filter(|(name, value)| !other.contains_key(*name) && !moves(value))
        .filter_map(|(name, value)| {
            let (new, _) = other.iter().find(|(new, candidate)| {
                !some.contains_key(*new) && !taken.contains(*new) && *candidate == value
            })?;
            taken.insert(new.clone());
            Some((name.clone(), new.clone()))
        })
        .collect()
}

fn rekey<T>(map: &mut BTreeMap<String, T>, old: &str, new: String) {
    if let Some(value) = map.remove(old) {
        map.insert(new, value);
    }
}

/// The statements that rename what is the same under another name.
pub(super) fn steps(name: &QualifiedName, from: &Schema, after: &Table, renames: &mut Renames) {
    let before = &from.tables[name];
    if before == after {
        return;
    }
    let mut twin = before.clone();
    twins(&mut twin, after);
    let title = &after.source;
    let mut rename = |kind: &Kind, pairs: Vec<(String, String)>| {
        for (old, new) in pairs {
            let old = QualifiedName::new(&name.schema, old);
            let rename = Rename::new(kind.clone(), old, new);
            renames.run(name, title).behind_rename().rename(rename);
        }
    };
    let rule = Kind::Rule(name.clone());
    rename(&rule, renamed(&before.checks, &twin.checks));
    for (old, new) in renamed(&before.foreign_keys, &twin.foreign_keys) {
        let targets = clones::partitions(from, &before.foreign_keys[&old]);
        let foreign_key = Kind::ForeignKey {
            table: name.clone(),
            partitions: partitions::relations(name, before).skip(1).collect(),
            targets: targets.into_iter().cloned().collect(),
        };
        rename(&foreign_key, vec![(old, new)]);
    }
    let mut keys = renamed(&before.uniques, &twin.uniques);
    keys.extend(renamed(&before.exclusions, &twin.exclusions));
    if let (Some(old), Some(new)) = (&before.primary_key, &twin.primary_key)
        && old.name != new.name
    {
        keys.push((old.name.clone(), new.name.clone()));
    }
    let indexes = renamed(&before.indexes, &twin.indexes);
    for (kind, pairs) in [(Kind::Key(name.clone()), keys), (Kind::Index, indexes)] {
        for (old, new) in pairs {
            let shares = before.partitions.keys().map(|partition| {
                let share = |index: &str| Share { partition, index }.name();
                (share(&old), share(&new))
            });
            let shares = shares.collect();
            rename(&kind, vec![(old, new)]);
            rename(&Kind::Share, shares);
        }
    }
    let policies = renamed(before.rls.policies(), twin.rls.policies());
    for relation in partitions::relations(name, before) {
        for (old, new) in &policies {
            let text = format!(
                "alter policy {} on {relation} rename to {}",
                quote(old),
                quote(new)
            );
            let step = Step::new(text).stops(&relation);
            renames.run(name, title).behind_rename().push(step);
        }
    }
}

/// The old and the new name of what `twins` has renamed.
fn renamed<T: PartialEq>(
    before: &BTreeMap<String, T>,
    twin: &BTreeMap<String, T>,
) -> Vec<(String, String)> {
    pairs(before, twin, |_| false)
}
