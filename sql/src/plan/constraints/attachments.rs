//! Constraints that are made of indexes which are there.

use crate::ident::quote;
use crate::schema::{Index, Table, Unique};

use super::super::change::{Columns, stale};
use super::super::render;
use super::{index_of, of_key, stale_key};

/// What an index becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Kind {
    PrimaryKey,
    Unique,
}

/// An index that becomes a constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plan) struct Attachment {
    pub(in crate::plan) constraint: String,
    pub(in crate::plan) index: String,
    pub(in crate::plan) kind: Kind,
    pub(in crate::plan) unique: Unique,
}

impl Attachment {
    /// The action of ALTER TABLE; the index takes the constraint's name.
    pub(in crate::plan) fn clause(&self) -> String {
        format!(
            "add constraint {} {} using index {}{}",
            quote(&self.constraint),
            match self.kind {
                Kind::PrimaryKey => "primary key",
                Kind::Unique => "unique",
            },
            quote(&self.index),
            render::deferrable(self.unique.deferrable)
        )
    }
}

/// The constraints of `after` that are made of an index of `before`. PostgreSQL makes none of that of a
/// partitioned table.
pub(in crate::plan) fn attachments(before: &Table, after: &Table) -> Vec<Attachment> {
    match (&before.partition_by, &after.partition_by) {
        (None, None) => successors(before, after),
        _ => Vec::new(),
    }
}

/// The constraints of `after` that `before` lacks or has otherwise, and for which just the right index is
/// there: one of their name, else one that would go.
fn successors(before: &Table, after: &Table) -> Vec<Attachment> {
    let columns = Columns::of(before, after);
    let key = after
        .primary_key
        .iter()
        .filter(|key| stale_key(Some(key), before.primary_key.as_ref(), &columns));
    let key = key.map(|key| (key.name.as_str(), Kind::PrimaryKey, of_key(key)));
    let uniques = stale(&after.uniques, &before.uniques, |unique| {
        columns.move_key(&unique.columns)
    });
    let uniques = uniques
        .into_iter()
        .map(|name| (name, Kind::Unique, after.uniques[name].clone()));
    let mut found: Vec<Attachment> = Vec::new();
    for (constraint, kind, unique) in key.chain(uniques) {
        let wanted = index_of(&unique);
        let fits = |name: &str, index: &Index| {
            *index == wanted
                && !after.indexes.contains_key(name)
                && !columns.move_index(index)
                && found.iter().all(|one| one.index != name)
        };
        let own = before.indexes.get_key_value(constraint);
        let index = own
            .into_iter()
            .chain(&before.indexes)
            .find(|(name, index)| fits(name, index));
        if let Some((index, _)) = index {
            found.push(Attachment {
                constraint: constraint.to_owned(),
                index: index.clone(),
                kind,
                unique,
            });
        }
    }
    found
}

/// The constraint of `after` that an index of `before` becomes, so that it is not to be dropped.
pub(in crate::plan) fn attached(before: &Table, after: &Table, index: &str) -> Option<Unique> {
    let mut all = attachments(before, after).into_iter();
    all.find(|one| one.index == index).map(|one| one.unique)
}

/// Whether an index of `before` becomes a constraint of `after`.
pub(in crate::plan) fn is_attached(before: &Table, after: &Table, index: &str) -> bool {
    attached(before, after, index).is_some()
}

/// Whether a constraint of `after` says of rows what the index of its name says in `before`.
pub(in crate::plan) fn is_succeeded(before: &Table, after: &Table, index: &str) -> bool {
    let mut all = successors(before, after).into_iter();
    all.any(|one| one.index == index && one.constraint == index)
}
