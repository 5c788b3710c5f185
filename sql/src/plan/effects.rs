//! What a change of a column does beside changing it: to policies that read it, to rules that compare its
//! values, to programs that insert rows and know only what it was.

use std::collections::BTreeSet;

use crate::schema::{Column, Expr, Generated, IndexKey, Policy, QualifiedName, Type, cast};

use super::change::Change;
use super::hazard::{Hazard, Subject};
use super::statements::Group;
use super::{constraints, defaults, indexes, readers};

/// A column of a table that stays, before and after.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    pub(super) table: &'a QualifiedName,
    pub(super) old: &'a Column,
    pub(super) new: &'a Column,
    /// It is dropped and added again, what it holds computed anew or given up.
    pub(super) replaced: bool,
}

impl Changed<'_> {
    /// Has the first step from there on tell what the change does; none where there is no such step.
    pub(super) fn tell(self, change: &Change<'_>, group: &mut Group, first: usize) {
        if let Some(step) = group.steps.get_mut(first) {
            step.hazards.extend(self.effects(change));
        }
    }

    fn effects(self, change: &Change<'_>) -> Vec<Hazard> {
        let mut hazards = Vec::new();
        let object = constraints::column(self.table, &self.new.name);
        if let Some(fate) = self.for_inserts() {
            hazards.push(Hazard::Restricts(Subject::new(&object, fate)));
        }
        let fate = format!("{object} changes");
        if self.means_otherwise() || self.is_freed() {
            let readers = self.policies(change).into_iter();
            hazards.extend(readers.map(|it| Hazard::WidensAccess(Subject::new(it, &fate))));
        }
        hazards.extend(defaults::verdicts(change, self));
        let rules = self.rules(change).into_iter();
        hazards.extend(rules.map(|it| Hazard::Restricts(Subject::new(it, &fate))));
        hazards
    }

    /// Why an insert that was right before fails now.
    fn for_inserts(self) -> Option<&'static str> {
        let is_closed = |column: &Column| {
            column.computed.is_some() || column.generated == Some(Generated::IdentityAlways)
        };
        let fills_itself = |column: &Column| {
            column.default.is_some() || column.generated.is_some() || column.computed.is_some()
        };
        if is_closed(self.new) && !is_closed(self.old) {
            Some("can no longer be given")
        } else if fills_itself(self.old) && !fills_itself(self.new) && !self.new.nullable {
            Some("must now be given")
        } else {
            None
        }
    }

    /// Whether an expression may give another result, for a row that is there or for one that comes. Which
    /// functions and operators it finds depends on the type of what they are given, so that `n / 2` is
    /// another number where `n` is no integer any more.
    fn means_otherwise(self) -> bool {
        let Changed { old, new, .. } = self;
        // PostgreSQL has the operators of `text` for `varchar` too.
        let is_text = |ty: &Type| matches!(ty, Type::Text | Type::Varchar(_));
        let same_kind = old.ty.internal_name() == new.ty.internal_name()
            || (is_text(&old.ty) && is_text(&new.ty));
        let keeps = cast(&old.ty, &new.ty).is_some_and(|cast| !cast.rewrites && !cast.loses);
        self.replaced || old.collation != new.collation || !same_kind || !keeps
    }

    /// Whether anyone who may write the row may now write what only the server did.
    fn is_freed(self) -> bool {
        let is_kept = |column: &Column| {
            column.computed.is_some()
                || column.updated_at
                || column.generated == Some(Generated::IdentityAlways)
        };
        is_kept(self.old) && !is_kept(self.new)
    }

    /// Whether two values that differed may be equal now.
    fn merges(self) -> bool {
        let Changed { old, new, .. } = self;
        let loses = cast(&old.ty, &new.ty).is_none_or(|cast| cast.loses);
        let folds = new.ty.is_citext() && !old.ty.is_citext();
        self.replaced || old.collation != new.collation || loses || folds
    }

    /// Whether two values that were equal may differ now.
    fn splits(self) -> bool {
        self.merges() || self.old.ty.is_citext() != self.new.ty.is_citext()
    }

    fn is_read_by(self, expr: &Expr) -> bool {
        expr.columns.contains(&self.new.name)
    }

    /// The policies on both sides that read the column, and those that read what these show. What a predicate reads
    /// of other tables is known by table only.
    fn policies(self, change: &Change<'_>) -> BTreeSet<String> {
        let reads = |table: &QualifiedName, policy: &Policy| {
            let mut exprs = policy.using.iter().chain(&policy.check);
            exprs.any(|expr| {
                let mut others = expr.tables.iter();
                (table == self.table && self.is_read_by(expr))
                    || others.any(|written| written.may_be(self.table))
            })
        };
        readers::to_the_end(change, reads)
    }

    /// The rules on both sides that some row, or some insert, may break now.
    fn rules(self, change: &Change<'_>) -> Vec<String> {
        let (from, to) = (&change.from.tables, &change.to.tables);
        let (Some(before), Some(after)) = (from.get(self.table), to.get(self.table)) else {
            return Vec::new();
        };
        let (merges, means_otherwise) = (self.merges(), self.means_otherwise());
        let has = |columns: &[String]| columns.contains(&self.new.name);
        let compares = |key: &IndexKey| match key {
            IndexKey::Name(name) => merges && *name == self.new.name,
            IndexKey::Expression(expr) => means_otherwise && self.is_read_by(expr),
        };
        let reads = |expr: &Expr| means_otherwise && self.is_read_by(expr);
        let rule = |name: &String| constraints::object(self.table, name);
        let mut rules = Vec::new();
        if let (Some(_), Some(key)) = (&before.primary_key, &after.primary_key)
            && merges
            && has(&key.columns)
        {
            rules.push(rule(&key.name));
        }
        for (name, unique) in &after.uniques {
            if before.uniques.contains_key(name) && merges && has(&unique.columns) {
                rules.push(rule(name));
            }
        }
        for (name, exclusion) in &after.exclusions {
            let mut keys = exclusion.elements.iter().map(|element| &element.column.key);
            let is_read = keys.any(compares) || exclusion.predicate.as_ref().is_some_and(reads);
            if before.exclusions.contains_key(name) && is_read {
                rules.push(rule(name));
            }
        }
        for (name, check) in &after.checks {
            if before.checks.contains_key(name) && reads(&check.expr) {
                rules.push(rule(name));
            }
        }
        for (name, index) in &after.indexes {
            let mut keys = index.columns.iter().map(|column| &column.key);
            let is_read = keys.any(compares) || index.predicate.as_ref().is_some_and(reads);
            if before.indexes.contains_key(name) && index.unique && is_read {
                rules.push(indexes::object(self.table, name));
            }
        }
        let splits = self.splits();
        for (table, after) in to {
            let earlier = from.get(table).map(|before| &before.foreign_keys);
            for (name, key) in &after.foreign_keys {
                let is_read = (table == self.table && has(&key.columns))
                    || (key.table == *self.table && has(&key.references));
                if splits && is_read && earlier.is_some_and(|keys| keys.contains_key(name)) {
                    rules.push(constraints::object(table, name));
                }
            }
        }
        rules
    }
}
