//! Indexes and keys that take the place of others: what may stay meanwhile, and under which names the new
//! ones are built.

use std::collections::BTreeSet;

use crate::ident::object_name;
use crate::schema::{Index, IndexColumn, QualifiedName, Schema, Share, Table};

use super::super::Subject;
use super::super::change::Columns;
use super::super::constraints::{self, attachments, index_of, is_attached, of_key};
use super::super::indexes;
use super::super::renames::relations;

/// The names that relations have on both sides of a change; indexes share them with tables.
pub(super) struct Names {
    after: BTreeSet<QualifiedName>,
    all: BTreeSet<QualifiedName>,
    /// An extension goes, and whatever uses it must go before.
    loses_extension: bool,
}

impl Names {
    pub(super) fn of(before: &Schema, after: &Schema) -> Self {
        let lost = |name: &String| !after.extensions.contains_key(name);
        let after_names = relations(after);
        Names {
            all: relations(before).union(&after_names).cloned().collect(),
            after: after_names,
            loses_extension: before.extensions.keys().any(lost),
        }
    }

    /// Whether an index of `before` that goes or changes may stay while everything else changes.
    pub(super) fn may_linger(
        &self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
        index: &str,
    ) -> bool {
        let Some(definition) = before.indexes.get(index) else {
            return false;
        };
        !Columns::of(before, after).move_index(definition)
            && outlives_types(before, after, definition)
            && !self.loses_extension
            && self.are_shares_free(name, before, after, index)
            && (is_attached(before, after, index)
                || self.is_free(name, index, after.indexes.contains_key(index))
                    && !is_constraint(after, index))
    }

    /// The same for a unique constraint.
    pub(super) fn unique_may_linger(
        &self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
        unique: &str,
    ) -> bool {
        let Some(definition) = before.uniques.get(unique) else {
            return false;
        };
        let others = Table {
            uniques: Default::default(),
            ..after.clone()
        };
        // An index of its name is built aside.
        let is_own = after.uniques.contains_key(unique) || after.indexes.contains_key(unique);
        !Columns::of(before, after).move_key(&definition.columns)
            && outlives_types(before, after, &index_of(definition))
            && !self.loses_extension
            && self.is_free(name, unique, is_own)
            && !is_constraint(&others, unique)
    }

    /// The same for a primary key in whose place another comes.
    pub(super) fn key_may_linger(
        &self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
    ) -> bool {
        let Some(key) = &before.primary_key else {
            return false;
        };
        let others = Table {
            primary_key: None,
            ..after.clone()
        };
        let stays = |column: &String| after.column(column).is_some_and(|column| !column.nullable);
        let own = after.primary_key.as_ref();
        let is_own = own.is_some_and(|new| new.name == key.name);
        key.columns.iter().all(stays)
            && !Columns::of(before, after).move_key(&key.columns)
            && outlives_types(before, after, &index_of(&of_key(key)))
            && !self.loses_extension
            && self.is_free(name, &key.name, is_own)
            && !after.indexes.contains_key(&key.name)
            && !is_constraint(&others, &key.name)
    }

    /// Whether nobody else is to have the name: the table's own of that kind may.
    fn is_free(&self, table: &QualifiedName, name: &str, is_own: bool) -> bool {
        is_own
            || !self
                .after
                .contains(&QualifiedName::new(&table.schema, name))
    }

    /// The same for the names of the partitions' shares in an index.
    fn are_shares_free(
        &self,
        table: &QualifiedName,
        before: &Table,
        after: &Table,
        index: &str,
    ) -> bool {
        let is_own = after.indexes.contains_key(index);
        let mut shares = before
            .partitions
            .keys()
            .map(|partition| Share { partition, index });
        shares.all(|share| self.is_free(table, &share.name(), is_own))
    }

    /// A name for an index that is to take the place of another one later: the first that no relation beside
    /// the table has.
    pub(super) fn fresh(&mut self, table: &QualifiedName, name: &str) -> String {
        let numbered = (2..).map(|number: usize| number.to_string());
        std::iter::once(String::new())
            .chain(numbered)
            .map(|number| object_name(name, "", &format!("new{number}")))
            .find(|fresh| self.all.insert(QualifiedName::new(&table.schema, fresh)))
            .unwrap_or_default()
    }
}

/// Whether an index that goes or changes can be made again, as PostgreSQL does, over the types that its
/// columns get. Only an index of `after` tells that: the type may have no operator class for the method, and
/// make values equal that were not.
fn outlives_types(before: &Table, after: &Table, index: &Index) -> bool {
    if !Columns::of(before, after).retype(index) {
        return true;
    }
    let names = |index: &Index| -> BTreeSet<String> {
        let names = index.columns.iter().filter_map(IndexColumn::name);
        names.map(str::to_owned).collect()
    };
    let is_alike = |other: &Index| {
        let by_default = |column: &IndexColumn| {
            column.name().is_some() && column.opclass.is_none() && column.collation.is_none()
        };
        // It lets no row through that the one which goes would not.
        let is_as_strict =
            !index.unique || (other.unique && other.nulls_not_distinct >= index.nulls_not_distinct);
        let mut own = index.columns.iter();
        other.method == index.method
            && is_as_strict
            && other.predicate.is_none()
            && other.columns.iter().all(by_default)
            && own.all(|column| column.collation.is_none())
            && names(other) == names(index)
    };
    let key = after.primary_key.iter().map(of_key);
    let keys = key.chain(after.uniques.values().cloned());
    after.indexes.values().any(is_alike) || keys.map(|key| index_of(&key)).any(|key| is_alike(&key))
}

/// Whether a constraint of the table has that name.
fn is_constraint(table: &Table, name: &str) -> bool {
    table
        .constraint_names()
        .any(|constraint| constraint == name)
}

/// The keys that foreign keys may rest on: a table, and the columns that they reference, sorted.
pub(super) struct Rests(BTreeSet<(QualifiedName, Vec<String>)>);

impl Rests {
    pub(super) fn of(schema: &Schema) -> Self {
        let keys = schema
            .tables
            .values()
            .flat_map(|table| table.foreign_keys.values());
        Rests(
            keys.map(|key| {
                let mut columns = key.references.clone();
                columns.sort_unstable();
                (key.table.clone(), columns)
            })
            .collect(),
        )
    }

    pub(super) fn on_index(&self, name: &QualifiedName, index: &Index) -> bool {
        let columns = index.columns.iter().map(IndexColumn::name);
        let columns: Option<Vec<String>> = columns.map(|it| it.map(str::to_owned)).collect();
        let is_key = index.unique && index.predicate.is_none();
        is_key && columns.is_some_and(|columns| self.on(name, &columns))
    }

    pub(super) fn on(&self, name: &QualifiedName, columns: &[String]) -> bool {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        self.0.contains(&(name.clone(), columns))
    }
}

/// An index that is to be built while others write.
pub(super) struct Pending {
    pub(super) index: String,
    pub(super) definition: Index,
    /// It has a name of its own until it takes the place of another, or becomes a constraint.
    pub(super) is_aside: bool,
    /// What is a rule with it that was none.
    pub(super) rule: Option<Subject>,
}

/// The indexes that are to be built while others write: new ones, changed ones that no foreign key rests
/// on, and those of new unique constraints and primary keys.
pub(super) fn pending(
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    rests: &Rests,
    names: &mut Names,
) -> Vec<Pending> {
    let columns = Columns::of(before, after);
    // An index that becomes a constraint has that name then, and the way back needs both.
    let mut build = |wanted: &str, is_aside: bool, definition: Index, rule: Option<Subject>| {
        let index = match is_aside {
            true => names.fresh(name, wanted),
            false => wanted.to_owned(),
        };
        Pending {
            index,
            is_aside,
            definition,
            rule,
        }
    };
    let mut built = Vec::new();
    for index in indexes::new_in(before, after) {
        let old = before.indexes.get(index);
        if old.is_some_and(|old| rests.on_index(name, old)) {
            continue;
        }
        let is_taken = old.is_some() || is_constraint(before, index);
        let new = &after.indexes[index];
        let rule = indexes::rule(old, new);
        let rule = rule.map(|fate| Subject::new(indexes::object(name, index), fate));
        built.push(build(index, is_taken, new.clone(), rule));
    }
    let there = attachments(before, after);
    let is_there = |constraint: &str| there.iter().any(|one| one.constraint == constraint);
    for (unique, definition) in &after.uniques {
        let stays = before.uniques.get(unique) == Some(definition)
            && !columns.move_key(&definition.columns);
        if !stays && !is_there(unique) {
            let rule = constraints::rule(before.uniques.get(unique), definition)
                .map(|fate| Subject::new(constraints::object(name, unique), fate));
            built.push(build(unique, true, index_of(definition), rule));
        }
    }
    if let Some(key) = &after.primary_key {
        let stays = before.primary_key.as_ref() == Some(key) && !columns.move_key(&key.columns);
        if !stays && !is_there(&key.name) {
            let rule = constraints::rule(before.primary_key.as_ref(), key)
                .map(|fate| Subject::new(constraints::object(name, &key.name), fate));
            built.push(build(&key.name, true, index_of(&of_key(key)), rule));
        }
    }
    built
}
