//! Indexes of a table that stays.

use crate::schema::{Column, Index, IndexColumn, QualifiedName, Table};

use super::change::{Columns, stale};
use super::hazard::LockMode;
use super::statements::{Group, Step};
use super::{constraints, partitions, render};

/// The indexes of `before` that `after` lacks or has otherwise, or that must be made anew.
pub(super) fn stale_in<'a>(before: &'a Table, after: &Table) -> Vec<&'a str> {
    let columns = Columns::of(before, after);
    let mut names = stale(&before.indexes, &after.indexes, |index| {
        columns.move_index(index)
    });
    names.retain(|index| !constraints::is_attached(before, after, index));
    names
}

/// The indexes of `after` that `before` lacks or has otherwise, or that must be made anew.
pub(super) fn new_in<'a>(before: &Table, after: &'a Table) -> Vec<&'a str> {
    let columns = Columns::of(before, after);
    stale(&after.indexes, &before.indexes, |index| {
        columns.move_index(index)
    })
}

pub(super) fn clear(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    for index in stale_in(before, after) {
        let step = drop(name, index, "").stops(name);
        group.push(match after.indexes.get(index) {
            None => removes(step, name, index, &before.indexes[index]),
            Some(new)
                if before.indexes[index].unique && !same_rule(&before.indexes[index], new) =>
            {
                step.removes(object(name, index), &constraints::gone("changed"))
            }
            Some(_) => step,
        });
    }
}

pub(super) fn build(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    for index in new_in(before, after) {
        let text = render::index(name, index, &after.indexes[index], "");
        let step = Step::new(text).locks(LockMode::Share, name).scans(name);
        let rule = rule(before.indexes.get(index), &after.indexes[index]);
        group.push(match rule {
            Some(fate) => step.restricts(object(name, index), fate),
            None => step,
        });
        let partitions: Vec<&String> = after.partitions.keys().collect();
        partitions::name_shares(name, &partitions, &[index], group);
    }
}

/// What a unique index is to rows: a rule that is new, one that has changed, or none that they do not keep.
pub(super) fn rule(old: Option<&Index>, new: &Index) -> Option<&'static str> {
    match old.filter(|old| old.unique) {
        _ if !new.unique => None,
        None => Some("new"),
        Some(old) => (!same_rule(old, new)).then_some("changed"),
    }
}

/// Whether two indexes differ at most in how they are stored and sorted.
fn same_rule(old: &Index, new: &Index) -> bool {
    let rule = |index: &Index| {
        let columns = index.columns.iter().map(|column| IndexColumn {
            descending: false,
            nulls: None,
            ..column.clone()
        });
        Index {
            columns: columns.collect(),
            include: Vec::new(),
            with: Default::default(),
            ..index.clone()
        }
    };
    rule(old) == rule(new)
}

/// Whether PostgreSQL makes an index that stays anew, though the rows stay as they are. Source:
/// `CheckIndexCompatible` in its `src/backend/commands/indexcmds.c`.
pub(super) fn made_anew(before: &Table, after: &Table, old: &Column, new: &Column) -> bool {
    let columns = Columns::of(before, after);
    // Another type or collation by which to compare, or an index that has no file of its own.
    let in_parts = before.partition_by.is_some();
    let sorts = in_parts || old.collation != new.collation;
    let compares = sorts || old.ty.is_citext() != new.ty.is_citext();
    let has = |columns: &[String]| columns.contains(&old.name);
    let in_primary = before
        .primary_key
        .as_ref()
        .is_some_and(|key| has(&key.columns) && after.primary_key.as_ref() == Some(key));
    let in_unique = before
        .uniques
        .iter()
        .any(|(name, unique)| has(&unique.columns) && after.uniques.get(name) == Some(unique));
    let in_index = before.indexes.iter().any(|(name, index)| {
        let stays = after.indexes.get(name) == Some(index) && !columns.move_index(index);
        // `citext` has operator classes of its own for these alone, and those of text for the others.
        let has_classes = matches!(index.method.as_str(), "btree" | "hash");
        let mut names = index.columns.iter().filter_map(|column| column.name());
        // What an index only carries is not compared.
        let is_compared =
            (sorts || (compares && has_classes)) && names.any(|name| name == old.name);
        stays && (is_compared || (in_parts && has(&index.include)))
    });
    (compares && (in_primary || in_unique)) || in_index
}

/// Builds an index while others write.
pub(super) fn create_concurrently(name: &QualifiedName, index: &str, definition: &Index) -> Step {
    Step::new(render::index(name, index, definition, "concurrently "))
        .locks(LockMode::ShareUpdateExclusive, name)
        .scans(name)
}

/// Drops an index while others read and write.
pub(super) fn drop_concurrently(name: &QualifiedName, index: &str, definition: &Index) -> Step {
    let step = drop(name, index, "concurrently ").locks(LockMode::ShareUpdateExclusive, name);
    removes(step, name, index, definition)
}

/// An index as a hazard names it.
pub(super) fn object(table: &QualifiedName, index: &str) -> String {
    format!("index {}", QualifiedName::new(&table.schema, index))
}

fn drop(name: &QualifiedName, index: &str, how: &str) -> Step {
    let index = QualifiedName::new(&name.schema, index);
    Step::new(format!("drop index {how}{index}"))
}

/// An index that goes; a unique one is a rule.
pub(super) fn removes(step: Step, name: &QualifiedName, index: &str, definition: &Index) -> Step {
    let fate = match definition.unique {
        true => constraints::gone("dropped"),
        false => "dropped".to_owned(),
    };
    step.removes(object(name, index), &fate)
}
