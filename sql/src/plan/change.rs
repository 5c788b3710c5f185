//! What stays, what changes, and what must step aside for it on a table that stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{
    Check, Column, Exclusion, Expr, Index, IndexColumn, Policy, QualifiedName, Schema, Table,
    TableName, cast,
};

/// The two schemas, renames already applied to the first, and what changes under what reads it.
pub(super) struct Change<'a> {
    pub(super) from: &'a Schema,
    pub(super) to: &'a Schema,
    /// The tables of which a column goes or changes, and those that go.
    disturbed: Vec<&'a QualifiedName>,
}

impl<'a> Change<'a> {
    pub(super) fn new(from: &'a Schema, to: &'a Schema) -> Self {
        let disturbed = from.tables.iter().filter(|(name, before)| {
            to.tables
                .get(*name)
                .is_none_or(|after| !Columns::of(before, after).any.is_empty())
        });
        Change {
            from,
            to,
            disturbed: disturbed.map(|(name, _)| name).collect(),
        }
    }

    /// Whether a policy must leave before the change and come back after it: what it reads changes.
    pub(super) fn moves(&self, policy: &Policy, columns: &Columns) -> bool {
        let exprs = || policy.using.iter().chain(&policy.check);
        let reads_disturbed =
            |read: &TableName| self.disturbed.iter().any(|name| read.may_be(name));
        exprs().any(|expr| {
            !expr.columns.is_disjoint(&columns.any) || expr.tables.iter().any(reads_disturbed)
        })
    }
}

/// The columns of a table that change so that what rests on them must step aside.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Those that go, or are dropped and added again.
    pub(super) gone: BTreeSet<String>,
    /// Those that are dropped and added again: what they hold is computed anew.
    pub(super) replaced: BTreeSet<String>,
    /// Those that go, and those whose type changes to more than another size of the same.
    retyped: BTreeSet<String>,
    /// Those whose values are written anew in another size, or may become equal in it.
    recast: BTreeSet<String>,
    /// Those that change in any of these ways, or only in size.
    pub(super) any: BTreeSet<String>,
}

impl Columns {
    pub(super) fn of(before: &Table, after: &Table) -> Self {
        let mut columns = Columns::default();
        for old in &before.columns {
            let name = || old.name.clone();
            let Some(new) = after.column(&old.name) else {
                columns.gone.insert(name());
                continue;
            };
            if old.ty != new.ty || old.collation != new.collation {
                columns.any.insert(name());
                if old.ty.internal_name() != new.ty.internal_name()
                    || old.collation != new.collation
                {
                    columns.retyped.insert(name());
                } else if cast(&old.ty, &new.ty).is_none_or(|cast| cast.rewrites || cast.loses) {
                    columns.recast.insert(name());
                }
            }
        }
        for old in &before.columns {
            if let Some(new) = after.column(&old.name)
                && columns.replaces(old, new)
            {
                columns.replaced.insert(old.name.clone());
            }
        }
        columns.gone.extend(columns.replaced.iter().cloned());
        columns.retyped.extend(columns.gone.iter().cloned());
        columns.any.extend(columns.gone.iter().cloned());
        columns
    }

    /// PostgreSQL 15 changes neither an expression nor the type of a column that one reads.
    fn replaces(&self, old: &Column, new: &Column) -> bool {
        match (&old.computed, &new.computed) {
            (None, None) => false,
            (None, Some(_)) => true,
            (Some(_), None) => !keeps_computed(old, new),
            (Some(before), Some(after)) => {
                before != after
                    || old.ty != new.ty
                    || old.collation != new.collation
                    || !before.columns.is_disjoint(&self.any)
            }
        }
    }

    /// PostgreSQL would make what holds the expression anew, under the strongest lock, and might print it
    /// otherwise then.
    fn touches(&self, expr: &Expr) -> bool {
        !expr.columns.is_disjoint(&self.any)
    }

    pub(super) fn move_check(&self, check: &Check) -> bool {
        self.touches(&check.expr)
    }

    pub(super) fn move_key(&self, columns: &[String]) -> bool {
        columns.iter().any(|column| self.gone.contains(column))
    }

    /// Whether a column that the index sorts or searches by goes, or changes its type to more than a size that
    /// takes every value as it is.
    pub(super) fn retype(&self, index: &Index) -> bool {
        let mut names = index.columns.iter().filter_map(IndexColumn::name);
        names.any(|name| self.retyped.contains(name) || self.recast.contains(name))
    }

    /// One with an expression is always made anew, its expression too, whatever column of it changes.
    pub(super) fn move_index(&self, index: &Index) -> bool {
        let mut held = index.columns.iter().filter_map(IndexColumn::name);
        let is_plain = index.exprs().next().is_none();
        index.exprs().any(|expr| self.touches(expr))
            || (!is_plain && held.any(|column| self.any.contains(column)))
            || (!is_plain && index.include.iter().any(|column| self.any.contains(column)))
            || index
                .include
                .iter()
                .any(|column| self.gone.contains(column))
            || index
                .columns
                .iter()
                .any(|column| self.move_index_column(column))
    }

    /// An operator class or a collation that is named was chosen for the old type.
    fn move_index_column(&self, column: &IndexColumn) -> bool {
        let named = column.opclass.is_some() || column.collation.is_some();
        column
            .name()
            .is_some_and(|name| self.gone.contains(name) || (named && self.retyped.contains(name)))
    }

    pub(super) fn move_exclusion(&self, exclusion: &Exclusion) -> bool {
        let exprs = exclusion
            .elements
            .iter()
            .filter_map(|element| element.column.expression());
        let names = exclusion
            .elements
            .iter()
            .filter_map(|element| element.column.name());
        let is_plain = exprs.clone().chain(&exclusion.predicate).next().is_none();
        exprs
            .chain(&exclusion.predicate)
            .any(|expr| self.touches(expr))
            || names
                .into_iter()
                .any(|name| self.retyped.contains(name) || (!is_plain && self.any.contains(name)))
    }
}

/// Whether a column that is no longer computed holds what was computed.
pub(super) fn keeps_computed(old: &Column, new: &Column) -> bool {
    (new.nullable || !old.nullable) && cast(&old.ty, &new.ty).is_some_and(|cast| !cast.loses)
}

/// The names in `some` that `other` lacks or defines otherwise, and those that must be made anew anyway.
pub(super) fn stale<'a, T: PartialEq>(
    some: &'a BTreeMap<String, T>,
    other: &BTreeMap<String, T>,
    must: impl Fn(&T) -> bool,
) -> Vec<&'a str> {
    some.iter()
        .filter(|(name, value)| other.get(*name) != Some(value) || must(value))
        .map(|(name, _)| name.as_str())
        .collect()
}
