//! Renames that are settled: carried out on the schema data, and as statements.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::{object_name, quote};
use crate::schema::{
    ExclusionElement, Expr, IndexColumn, IndexKey, Policy, QualifiedName, Rls, Schema, Table,
};

use super::change::Columns;
use super::statements::{Group, Plan, Step};
use super::{foreign_keys, partitions, render, touch, words};

/// What is renamed between two schemas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// Tables, from the old name to the new one.
    pub(super) tables: BTreeMap<QualifiedName, QualifiedName>,
    /// Columns, from the old name to the new one, by the new name of their table.
    pub(super) columns: BTreeMap<QualifiedName, BTreeMap<String, String>>,
}

impl Moves {
    /// The way back.
    pub(super) fn inverted(&self) -> Moves {
        let back: BTreeMap<_, _> = self.tables.iter().map(|(old, new)| (new, old)).collect();
        let columns = self.columns.iter().map(|(table, columns)| {
            let table = back.get(table).copied().unwrap_or(table).clone();
            let columns = columns.iter().map(|(old, new)| (new.clone(), old.clone()));
            (table, columns.collect())
        });
        Moves {
            columns: columns.collect(),
            tables: self
                .tables
                .iter()
                .map(|(old, new)| (new.clone(), old.clone()))
                .collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty()
    }

    /// The name that a table has afterwards.
    pub(super) fn name<'a>(&'a self, old: &'a QualifiedName) -> &'a QualifiedName {
        self.tables.get(old).unwrap_or(old)
    }

    /// The schema without what stands where a new name will be.
    pub(super) fn cleared(&self, from: &Schema) -> Schema {
        let mut left = from.clone();
        let tables: BTreeSet<&QualifiedName> = self.tables.values().collect();
        left.tables.retain(|name, _| !tables.contains(name));
        for (old, table) in &mut left.tables {
            table
                .foreign_keys
                .retain(|_, key| !tables.contains(&key.table));
            if let Some(columns) = self.columns.get(self.name(old)) {
                without(table, &columns.values().collect());
            }
        }
        let known = left.clone();
        for table in left.tables.values_mut() {
            table
                .foreign_keys
                .retain(|_, key| foreign_keys::has_key(&known, key));
        }
        left
    }

    /// The schema after the renames, those of its constraints, indexes and policies included that are
    /// the same in `to` under another name.
    pub(super) fn apply(&self, from: &Schema, to: &Schema) -> Schema {
        twinned(self.rename(from), to)
    }

    /// The schema after the renames of tables and columns.
    pub(super) fn rename(&self, from: &Schema) -> Schema {
        let mut moved = from.clone();
        if self.is_empty() {
            return moved;
        }
        moved.tables = from
            .tables
            .iter()
            .map(|(old, table)| {
                let name = self.name(old).clone();
                let mut table = table.clone();
                self.rename_within(old, &name, &mut table);
                (name, table)
            })
            .collect();
        moved
    }

    fn rename_within(&self, old: &QualifiedName, name: &QualifiedName, table: &mut Table) {
        let none = BTreeMap::new();
        let own = self.columns.get(name).unwrap_or(&none);
        let say = |column: &mut String| {
            if let Some(new) = own.get(column) {
                column.clone_from(new);
            }
        };
        let retell = |expr: &mut Expr| {
            expr.sql = words::rename(&expr.sql, own);
            expr.columns = expr
                .columns
                .iter()
                .map(|column| own.get(column).unwrap_or(column).clone())
                .collect();
        };
        for column in &mut table.columns {
            // The trigger's function names the column, and lies in the table's schema.
            if own.contains_key(&column.name) || old.schema != name.schema {
                column.updated_at = false;
            }
            say(&mut column.name);
            column.computed.iter_mut().for_each(retell);
        }
        if let Some(key) = &mut table.primary_key {
            key.columns.iter_mut().for_each(say);
        }
        for unique in table.uniques.values_mut() {
            unique.columns.iter_mut().for_each(say);
        }
        for key in table.foreign_keys.values_mut() {
            key.columns.iter_mut().for_each(say);
            key.on_delete_columns.iter_mut().for_each(say);
            key.table = self.name(&key.table).clone();
            if let Some(columns) = self.columns.get(&key.table) {
                for reference in &mut key.references {
                    if let Some(new) = columns.get(reference) {
                        reference.clone_from(new);
                    }
                }
            }
        }
        for check in table.checks.values_mut() {
            retell(&mut check.expr);
        }
        let rekey = |column: &mut IndexColumn| match &mut column.key {
            IndexKey::Name(name) => say(name),
            IndexKey::Expression(expr) => retell(expr),
        };
        for exclusion in table.exclusions.values_mut() {
            for ExclusionElement { column, .. } in &mut exclusion.elements {
                rekey(column);
            }
            exclusion.predicate.iter_mut().for_each(retell);
        }
        for index in table.indexes.values_mut() {
            index.columns.iter_mut().for_each(rekey);
            index.include.iter_mut().for_each(say);
            index.predicate.iter_mut().for_each(retell);
        }
        if let Some(by) = &mut table.partition_by {
            by.columns.iter_mut().for_each(say);
        }
        if let Rls::Enabled(policies) = &mut table.rls {
            for Policy { using, check, .. } in policies.values_mut() {
                for expr in using.iter_mut().chain(check) {
                    retell(expr);
                    expr.tables = self.retold(&expr.tables);
                }
            }
        }
    }

    /// The tables that an expression reads, under their new names. PostgreSQL renames them by itself.
    fn retold(&self, written: &BTreeSet<String>) -> BTreeSet<String> {
        let new = |written: &String| {
            let mut moved = self.tables.iter();
            let moved = moved.find(|(old, _)| words::names(written, old));
            moved.map_or_else(|| written.clone(), |(_, new)| new.to_string())
        };
        written.iter().map(new).collect()
    }

    /// The statements that rename tables and columns.
    pub(super) fn steps(&self, from: &Schema, to: &Schema, plan: &mut Plan) {
        for (old, table) in &from.tables {
            let name = self.name(old);
            let title = to
                .tables
                .get(name)
                .map_or(&table.source, |after| &after.source);
            let group = plan.group(title);
            let columns = self.columns.get(name);
            for column in table.columns.iter().filter(|column| column.updated_at) {
                let renamed = columns.is_some_and(|columns| columns.contains_key(&column.name));
                if renamed || old.schema != name.schema {
                    let mut step = touch::remove(old, column);
                    step.hazards
                        .retain(|hazard| matches!(hazard, super::Hazard::Locks(..)));
                    group.push(step);
                }
            }
            rename_table(old, name, table, group);
            for (column, new) in columns.into_iter().flatten() {
                group.push(
                    Step::new(format!(
                        "alter table {name} rename column {} to {}",
                        quote(column),
                        quote(new)
                    ))
                    .stops(name)
                    .removes(
                        format!("column {name}.{}", quote(column)),
                        &format!("renamed to {}", quote(new)),
                    ),
                );
            }
            for column in &table.columns {
                let Some(sequence) = render::sequence(old, column) else {
                    continue;
                };
                let new = columns.and_then(|columns| columns.get(&column.name));
                let wanted = object_name(&name.name, new.unwrap_or(&column.name), "seq");
                if sequence.name != wanted {
                    let sequence = QualifiedName::new(&name.schema, sequence.name);
                    group.push(format!(
                        "alter sequence {sequence} rename to {}",
                        quote(&wanted)
                    ));
                }
            }
        }
    }
}

fn rename_table(old: &QualifiedName, name: &QualifiedName, table: &Table, group: &mut Group) {
    let fate = format!("renamed to {name}");
    let removed = |step: Step| step.removes(format!("table {old}"), &fate);
    if old.schema != name.schema {
        group.push(removed(
            Step::new(format!(
                "alter table {old} set schema {}",
                quote(&name.schema)
            ))
            .stops(old),
        ));
        partitions::set_schema(table, &old.schema, &name.schema, group);
    }
    if old.name != name.name {
        let at = QualifiedName::new(&name.schema, &old.name);
        group.push(removed(
            Step::new(format!("alter table {at} rename to {}", quote(&name.name))).stops(old),
        ));
    }
}

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

/// Takes columns out of a table, and what rests on them.
fn without(table: &mut Table, names: &BTreeSet<&String>) {
    let before = table.clone();
    table.columns.retain(|column| !names.contains(&column.name));
    let columns = Columns::of(&before, table);
    table.indexes.retain(|_, index| !columns.move_index(index));
    table.checks.retain(|_, check| !columns.move_check(check));
    table
        .exclusions
        .retain(|_, exclusion| !columns.move_exclusion(exclusion));
    table
        .uniques
        .retain(|_, unique| !columns.move_key(&unique.columns));
    table
        .foreign_keys
        .retain(|_, key| !columns.move_key(&key.columns));
    table.primary_key = table
        .primary_key
        .take()
        .filter(|key| !columns.move_key(&key.columns));
    if let Rls::Enabled(policies) = &mut table.rls {
        policies.retain(|_, policy| {
            let mut exprs = policy.using.iter().chain(&policy.check);
            exprs.all(|expr| expr.columns.is_disjoint(&columns.any))
        });
    }
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
        for (old, new) in pairs(policies, others, |_| false) {
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
pub(super) fn twin_steps(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    if before == after {
        return;
    }
    let mut twin = before.clone();
    twins(&mut twin, after);
    let constraint = |old: &str, new: &str| {
        Step::new(format!(
            "alter table {name} rename constraint {} to {}",
            quote(old),
            quote(new)
        ))
        .stops(name)
    };
    let mut rename = |pairs: Vec<(String, String)>, step: &dyn Fn(&str, &str) -> Step| {
        group
            .steps
            .extend(pairs.iter().map(|(old, new)| step(old, new)));
    };
    rename(renamed(&before.uniques, &twin.uniques), &constraint);
    rename(renamed(&before.checks, &twin.checks), &constraint);
    rename(renamed(&before.exclusions, &twin.exclusions), &constraint);
    rename(
        renamed(&before.foreign_keys, &twin.foreign_keys),
        &constraint,
    );
    if let (Some(key), Some(other)) = (&before.primary_key, &twin.primary_key)
        && key.name != other.name
    {
        rename(vec![(key.name.clone(), other.name.clone())], &constraint);
    }
    rename(renamed(&before.indexes, &twin.indexes), &|old, new| {
        let index = QualifiedName::new(&name.schema, old);
        Step::new(format!("alter index {index} rename to {}", quote(new)))
    });
    let policies = renamed(before.rls.policies(), twin.rls.policies());
    for relation in partitions::relations(name, before) {
        rename(policies.clone(), &|old, new| {
            Step::new(format!(
                "alter policy {} on {relation} rename to {}",
                quote(old),
                quote(new)
            ))
            .stops(&relation)
        });
    }
}

/// The old and the new name of what `twins` has renamed.
fn renamed<T: PartialEq>(
    before: &BTreeMap<String, T>,
    twin: &BTreeMap<String, T>,
) -> Vec<(String, String)> {
    pairs(before, twin, |_| false)
}
