//! Renames that are settled: carried out on the schema data, and as statements.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::{object_name, quote};
use crate::schema::{
    ExclusionElement, Expr, IndexColumn, IndexKey, Policy, QualifiedName, Rls, Schema, Share,
    Table, TableName,
};

use super::change::Columns;
use super::renames::{self, Kind, Rename, Renames, Run};
use super::statements::Step;
use super::{clones, foreign_keys, memberships, partitions, render, touch, twins, words};

/// What is renamed between two schemas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// Tables, from the old name to the new one.
    pub(super) tables: BTreeMap<QualifiedName, QualifiedName>,
    /// Columns, from the old name to the new one, by the new name of their table.
    pub(super) columns: BTreeMap<QualifiedName, BTreeMap<String, String>>,
    /// Partitions, from the old name to the new one, by the new name of their table.
    pub(super) partitions: BTreeMap<QualifiedName, BTreeMap<String, String>>,
}

impl Moves {
    /// The way back.
    pub(super) fn inverted(&self) -> Moves {
        let back: BTreeMap<_, _> = self.tables.iter().map(|(old, new)| (new, old)).collect();
        let inverted = |parts: &BTreeMap<QualifiedName, BTreeMap<String, String>>| {
            let parts = parts.iter().map(|(table, parts)| {
                let table = back.get(table).copied().unwrap_or(table).clone();
                let parts = parts.iter().map(|(old, new)| (new.clone(), old.clone()));
                (table, parts.collect())
            });
            parts.collect()
        };
        Moves {
            columns: inverted(&self.columns),
            partitions: inverted(&self.partitions),
            tables: self
                .tables
                .iter()
                .map(|(old, new)| (new.clone(), old.clone()))
                .collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty() && self.partitions.is_empty()
    }

    /// The name that a table has afterwards.
    pub(super) fn name<'a>(&'a self, old: &'a QualifiedName) -> &'a QualifiedName {
        self.tables.get(old).unwrap_or(old)
    }

    /// Whether a table goes so that another can have its name.
    pub(super) fn makes_room(&self, old: &QualifiedName) -> bool {
        !self.tables.contains_key(old) && self.tables.values().any(|name| name == old)
    }

    /// The schema without what stands where a new name will be, if anything does.
    pub(super) fn cleared(&self, from: &Schema, to: &Schema) -> Option<Schema> {
        let in_the_way = renames::between(from, to, self).in_the_way(from, to, self);
        if self.is_empty() && in_the_way.is_empty() {
            return None;
        }
        let mut left = from.clone();
        let mut tables: BTreeSet<&QualifiedName> = self.tables.values().collect();
        tables.extend(&in_the_way.tables);
        left.tables.retain(|name, _| !tables.contains(name));
        for (old, table) in &mut left.tables {
            table
                .foreign_keys
                .retain(|_, key| !tables.contains(&key.table));
            if let Some(columns) = self.columns.get(self.name(old)) {
                without(table, &columns.values().collect());
            }
            in_the_way.leave(old, self.name(old), table);
        }
        let is_cleared = |name: &&QualifiedName| {
            let columns = self.columns.get(self.name(name));
            let mut columns = columns.into_iter().flat_map(BTreeMap::values);
            tables.contains(name)
                || columns.any(|column| from.tables[*name].column(column).is_some())
        };
        let cleared: Vec<&QualifiedName> = from.tables.keys().filter(is_cleared).collect();
        let known = left.clone();
        for table in left.tables.values_mut() {
            // A policy that reads what goes would come back to what has its name only later.
            if let Rls::Enabled(policies) = &mut table.rls {
                policies.retain(|_, policy| {
                    let mut exprs = policy.using.iter().chain(&policy.check);
                    let reads = |name: &&QualifiedName, expr: &Expr| {
                        let mut written = expr.tables.iter();
                        written.any(|written| written.may_be(name))
                    };
                    exprs.all(|expr| !cleared.iter().any(|name| reads(name, expr)))
                });
            }
            table
                .foreign_keys
                .retain(|_, key| foreign_keys::has_key(&known, key));
        }
        (left != *from).then_some(left)
    }

    /// The schema after the renames, those of its constraints, indexes and policies included that are
    /// the same in `to` under another name.
    pub(super) fn apply(&self, from: &Schema, to: &Schema) -> Schema {
        twins::twinned(self.rename(from), to)
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
            .filter(|(old, _)| !self.makes_room(old))
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
        for columns in table
            .column_grants
            .values_mut()
            .flat_map(BTreeMap::values_mut)
        {
            *columns = columns
                .iter()
                .map(|column| own.get(column).unwrap_or(column).clone())
                .collect();
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
        for (old, new) in self.partitions.get(name).into_iter().flatten() {
            if let Some(bound) = table.partitions.remove(old) {
                table.partitions.insert(new.clone(), bound);
            }
        }
        if let Rls::Enabled(policies) = &mut table.rls {
            for Policy { using, check, .. } in policies.values_mut() {
                for expr in using.iter_mut().chain(check) {
                    retell(expr);
                    if self.tells_otherwise(expr) && !memberships::retell(expr, self) {
                        // PostgreSQL goes on reading what it read. The same text would be about something
                        // else, and so that no text is taken for this one, it has none.
                        expr.sql.clear();
                    }
                    expr.tables = self.retold(&expr.tables);
                }
            }
        }
    }

    /// Whether an expression names another table, or a column there, that is renamed.
    fn tells_otherwise(&self, expr: &Expr) -> bool {
        let reads = |table: &QualifiedName| {
            let mut written = expr.tables.iter();
            written.any(|written| written.may_be(table))
        };
        let old_name = |new| self.tables.iter().find(|(_, name)| *name == new);
        self.tables.keys().any(reads)
            || self.columns.iter().any(|(table, columns)| {
                let old = old_name(table).map_or(table, |(old, _)| old);
                reads(old)
                    && columns
                        .keys()
                        .any(|column| words::mentions(&expr.sql, column))
            })
    }

    /// The tables that an expression reads, under their new names. PostgreSQL renames them by itself.
    fn retold(&self, written: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let new = |written: &TableName| {
            let mut moved = self.tables.iter();
            let moved = moved.find(|(old, _)| written.may_be(old));
            moved.map_or_else(|| written.clone(), |(_, new)| new.into())
        };
        written.iter().map(new).collect()
    }

    /// The statements that rename tables and columns, and the sequences that are named after them.
    pub(super) fn steps(&self, from: &Schema, to: &Schema, renames: &mut Renames) {
        for (old, table) in &from.tables {
            let name = self.name(old);
            let title = to
                .tables
                .get(name)
                .map_or(&table.source, |after| &after.source);
            let columns = self.columns.get(name);
            let run = renames.run(name, title);
            for column in table.columns.iter().filter(|column| column.updated_at) {
                let renamed = columns.is_some_and(|columns| columns.contains_key(&column.name));
                if renamed || old.schema != name.schema {
                    let mut step = touch::remove(old, column);
                    step.hazards
                        .retain(|hazard| matches!(hazard, super::Hazard::Locks(..)));
                    run.push(step);
                }
            }
            rename_table(old, name, table, run);
            for (column, new) in columns.into_iter().flatten() {
                run.push(
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
            self.rename_partitions(name, table, renames.run(name, title).behind_move());
            for column in &table.columns {
                let Some(sequence) = render::sequence(old, column) else {
                    continue;
                };
                let new = columns.and_then(|columns| columns.get(&column.name));
                let wanted = object_name(&name.name, new.unwrap_or(&column.name), "seq");
                if sequence.name != wanted {
                    let sequence = QualifiedName::new(&name.schema, sequence.name);
                    let rename = Rename::new(Kind::Sequence, sequence, wanted);
                    renames.run(name, title).behind_move().rename(rename);
                }
            }
        }
        self.rename_parts(from, to, renames);
    }

    /// Renames the partitions of a table, each behind what it has of the table's indexes.
    fn rename_partitions(&self, name: &QualifiedName, table: &Table, run: &mut Run) {
        for (old, new) in self.partitions.get(name).into_iter().flatten() {
            for index in table.index_names() {
                let share = |partition| Share { partition, index }.name();
                let at = QualifiedName::new(&name.schema, share(old));
                run.rename(Rename::new(Kind::Share, at, share(new)));
            }
            let at = partitions::qualified(name, old);
            run.rename(Rename::new(Kind::Partition(name.clone()), at, new.clone()));
        }
    }

    /// Renames the parts that foreign keys have in partitions after them.
    fn rename_parts(&self, from: &Schema, to: &Schema, renames: &mut Renames) {
        for (old, table) in &from.tables {
            let name = self.name(old);
            let title = to
                .tables
                .get(name)
                .map_or(&table.source, |after| &after.source);
            for (key, definition) in &table.foreign_keys {
                let partitions = self.partitions.get(self.name(&definition.table));
                let partitions = partitions.into_iter().flat_map(BTreeMap::values);
                if let Some(step) = clones::give_names(&[(name, key)], partitions) {
                    renames.run(name, title).behind_rename().push(step);
                }
            }
        }
    }
}

fn rename_table(old: &QualifiedName, name: &QualifiedName, table: &Table, run: &mut Run) {
    let fate = format!("renamed to {name}");
    if old.schema != name.schema {
        let text = format!("alter table {old} set schema {}", quote(&name.schema));
        let step = Step::new(text).stops(old);
        let mut steps = vec![step.removes(format!("table {old}"), &fate)];
        steps.extend(partitions::set_schema(table, &old.schema, &name.schema));
        run.set_schema(old, table, steps);
    }
    if old.name != name.name {
        let at = QualifiedName::new(&name.schema, &old.name);
        run.rename(Rename::new(
            Kind::Table {
                was: old.clone(),
                fate,
            },
            at,
            name.name.clone(),
        ));
    }
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
