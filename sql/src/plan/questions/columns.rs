//! What became of the columns of a table, and what old rows hold in a new one.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Column, QualifiedName, STEPWISE, Table, TableRenames, cast, is_alike};

use super::super::change::keeps_computed;
use super::Asked;

impl Asked<'_> {
    pub(super) fn columns(
        &mut self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
        hints: &TableRenames,
    ) {
        let mut moved: BTreeMap<String, String> = BTreeMap::new();
        for (new, old) in &hints.columns {
            if before.column(old).is_none() {
                if before.column(new).is_none() {
                    let message = format!(
                        "column `{}.{new}` is `renamed_from = \"{old}\"`, and the sealed table has no such \
                         column; correct it, or leave it out",
                        name.name
                    );
                    self.say(name, Some(new), message);
                }
            } else if after.column(old).is_some() {
                let message = format!(
                    "column `{}.{new}` is `renamed_from = \"{old}\"`, and a field still declares that \
                     column; leave it out, or {STEPWISE}",
                    name.name
                );
                self.say(name, Some(new), message);
            } else if moved.insert(old.clone(), new.clone()).is_some() {
                let message = format!(
                    "two columns of `{}` are `renamed_from = \"{old}\"`; keep one",
                    name.name
                );
                self.say(name, Some(new), message);
            }
        }
        let taken: BTreeSet<&String> = hints.replaced_columns.values().collect();
        // Those of which it is asked what they continue.
        let mut open: BTreeSet<&String> = BTreeSet::new();
        for new in &after.columns {
            let old = moved
                .iter()
                .find(|(_, to)| **to == new.name)
                .map(|(old, _)| old);
            match before.column(old.unwrap_or(&new.name)) {
                Some(old) => self.changed(name, old, new, before),
                None => {
                    let mut gone = before.columns.iter().filter(|old| {
                        after.column(&old.name).is_none()
                            && !moved.contains_key(&old.name)
                            && !taken.contains(&old.name)
                    });
                    let replaces = hints.replaced_columns.contains_key(&new.name);
                    let is_same = |old: &&Column| old.ty == new.ty;
                    let alike = gone.clone().find(is_same);
                    let alike = alike.or_else(|| gone.find(|old| may_become(old, new, before)));
                    match alike.filter(|_| !replaces) {
                        Some(old) => {
                            open.insert(&new.name);
                            self.maybe_renamed(name, old, new);
                        }
                        None => self.added(name, new),
                    }
                }
            }
        }
        let is_kept =
            |old: &String, new: &String| moved.get(old).unwrap_or(old) == new || open.contains(new);
        let is_same = match (&before.partition_by, &after.partition_by) {
            (Some(old), Some(new)) => {
                let mut columns = old.columns.iter().zip(&new.columns);
                old.strategy == new.strategy
                    && old.columns.len() == new.columns.len()
                    && columns.all(|(old, new)| is_kept(old, new))
            }
            (old, new) => old == new,
        };
        if !is_same {
            let message = format!(
                "table `{}` changes how it is partitioned, which PostgreSQL cannot do to a table; declare a \
                 new table beside it, and move the rows with `cargo tabellion new`",
                name.name
            );
            self.say(name, None, message);
        }
        if !moved.is_empty() {
            self.moves.columns.insert(name.clone(), moved);
        }
        self.partitions(name, before, after, hints);
    }

    fn maybe_renamed(&mut self, name: &QualifiedName, old: &Column, new: &Column) {
        let facts = match old.ty == new.ty {
            true => format!(
                "column `{}.{}` is new, column `{}` is gone, and both are `{}`",
                name.name, new.name, old.name, new.ty
            ),
            false => format!(
                "column `{}.{}`, which is `{}`, is new, and column `{}`, which was `{}`, is gone",
                name.name, new.name, new.ty, old.name, old.ty
            ),
        };
        let old = &old.name;
        let message = format!(
            "{facts}; if it is the same column write `#[column(renamed_from = \"{old}\")]`, if not \
             `#[column(replaces = \"{old}\")]`"
        );
        self.say(name, Some(&new.name), message);
    }

    /// A new column must have a value for the rows that are there.
    fn added(&mut self, name: &QualifiedName, new: &Column) {
        self.filled(name, new, "is new and not null");
    }

    fn filled(&mut self, name: &QualifiedName, new: &Column, what: &str) {
        let made = new.default.is_some() || new.generated.is_some() || new.computed.is_some();
        if !new.nullable && !made {
            let message = format!(
                "column `{}.{}` {what}, and says nothing about the rows that are there; give it a `default`, \
                 or make the field an `Option`",
                name.name, new.name
            );
            self.say(name, Some(&new.name), message);
        }
    }

    fn changed(&mut self, name: &QualifiedName, old: &Column, new: &Column, before: &Table) {
        if old.computed.is_some() || new.computed.is_some() {
            if new.computed.is_none() && !keeps_computed(old, new) {
                self.filled(name, new, "is no longer generated, and not null");
            }
            return;
        }
        let by = before.partition_by.iter().flat_map(|by| &by.columns);
        if (old.ty != new.ty || old.collation != new.collation)
            && by.into_iter().any(|column| *column == old.name)
        {
            let message = format!(
                "column `{}.{}` is part of the partition key, so that PostgreSQL cannot change its type or collation; declare \
                 a new table beside it, and move the rows with `cargo tabellion new`",
                name.name, new.name
            );
            self.say(name, Some(&new.name), message);
        } else if cast(&old.ty, &new.ty).is_none() || cast(&new.ty, &old.ty).is_none() {
            let message = format!(
                "column `{}.{}` changes from `{}` to `{}`, between which PostgreSQL has no cast; add a column \
                 of the new type, fill it with `cargo tabellion new`, and then drop this one",
                name.name, new.name, old.ty, new.ty
            );
            self.say(name, Some(&new.name), message);
        }
    }
}

/// Whether one column could be the other under a new name, with a type of the same kind, and its values kept.
fn may_become(old: &Column, new: &Column, before: &Table) -> bool {
    let mut key = before.partition_by.iter().flat_map(|by| &by.columns);
    let is_stored = old.computed.is_none() && new.computed.is_none();
    is_alike(&old.ty, &new.ty) && is_stored && !key.any(|column| *column == old.name)
}
