//! Foreign keys, which leave before anything that they rest on and arrive after it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::quote;
use crate::schema::{
    Deferrable, ForeignKey, Index, IndexColumn, QualifiedName, Schema, Table, Unique,
};

use super::change::Columns;
use super::hazard::LockMode;
use super::statements::{Group, Plan, Step};
use super::{constraints, render};

/// A foreign key, by its table and its name.
type Key<'a> = (&'a QualifiedName, &'a str);

/// Drops every foreign key that is gone, is another now, or rests on a key or a column that changes.
/// Gives back what was dropped.
pub(super) fn drop<'a>(from: &'a Schema, to: &Schema, plan: &mut Plan) -> BTreeSet<Key<'a>> {
    let mut dropped = BTreeSet::new();
    for (name, table) in &from.tables {
        for (key, definition) in &table.foreign_keys {
            let after = to.tables.get(name);
            let new = after.and_then(|after| after.foreign_keys.get(key));
            let stays =
                new == Some(definition) || new.is_some_and(|new| validates(definition, new));
            // It goes with its table, where it references no other.
            let goes_along = after.is_none() && &definition.table == name;
            if goes_along || (stays && !rests_on_change(from, to, name, definition)) {
                continue;
            }
            let title = after.map_or(&table.source, |after| &after.source);
            let ident = quote(key);
            let step = Step::new(format!("alter table {name} drop constraint {ident}"))
                .stops(name)
                .stops(&definition.table);
            plan.group(title).push(if new.is_none() && after.is_some() {
                step.removes(format!("constraint {ident} on {name}"), "dropped")
            } else {
                step
            });
            dropped.insert((name, key.as_str()));
        }
    }
    dropped
}

/// Whether a foreign key differs only in that it is to be valid now.
fn validates(old: &ForeignKey, new: &ForeignKey) -> bool {
    let valid = ForeignKey {
        not_valid: false,
        ..old.clone()
    };
    old.not_valid && valid == *new
}

/// Whether a column on either side changes its type, or a key that it may rest on changes.
pub(super) fn rests_on_change(
    from: &Schema,
    to: &Schema,
    name: &QualifiedName,
    key: &ForeignKey,
) -> bool {
    let moved = |table: &QualifiedName, names: &[String]| match (
        from.tables.get(table),
        to.tables.get(table),
    ) {
        (Some(before), Some(after)) => {
            let columns = Columns::of(before, after);
            names.iter().any(|column| columns.any.contains(column))
        }
        (None, None) => false,
        _ => true,
    };
    let (before, after) = (from.tables.get(&key.table), to.tables.get(&key.table));
    let other_keys = match (before, after) {
        (Some(before), Some(after)) => keys(before, Some(after), key) != keys(after, None, key),
        _ => before.is_some() != after.is_some(),
    };
    moved(name, &key.columns) || moved(&key.table, &key.references) || other_keys
}

/// What a foreign key may rest on: a constraint, or an index that no constraint owns.
#[derive(PartialEq)]
enum Rest {
    Constraint(Unique),
    Index(Index),
}

/// The unique keys over just the referenced columns, by name. PostgreSQL lets a foreign key rest on one
/// of them; which one is its own choice. An index that is to become a constraint counts as that.
fn keys<'a>(table: &'a Table, after: Option<&Table>, key: &ForeignKey) -> BTreeMap<&'a str, Rest> {
    let wanted: BTreeSet<&str> = key.references.iter().map(String::as_str).collect();
    let primary = table.primary_key.iter();
    let primary = primary.map(|key| (key.name.as_str(), constraints::of_key(key)));
    let uniques = table.uniques.iter();
    let uniques = uniques.map(|(name, unique)| (name.as_str(), unique.clone()));
    let constraints = primary.chain(uniques).filter(|(_, unique)| {
        let columns: BTreeSet<&str> = unique.columns.iter().map(String::as_str).collect();
        unique.deferrable == Deferrable::Not && columns == wanted
    });
    let indexes = table.indexes.iter().filter(|(_, index)| {
        let names: Option<BTreeSet<&str>> = index.columns.iter().map(IndexColumn::name).collect();
        index.unique && index.predicate.is_none() && names.is_some_and(|names| names == wanted)
    });
    let indexes = indexes.map(|(name, index)| {
        let attached = after.and_then(|after| constraints::attached(table, after, name));
        let rest = attached.map_or_else(|| Rest::Index(index.clone()), Rest::Constraint);
        (name.as_str(), rest)
    });
    constraints
        .map(|(name, unique)| (name, Rest::Constraint(unique)))
        .chain(indexes)
        .collect()
}

/// Whether a foreign key can rest on something in that schema.
pub(super) fn has_key(schema: &Schema, key: &ForeignKey) -> bool {
    match schema.tables.get(&key.table) {
        Some(table) => !keys(table, None, key).is_empty(),
        None => true,
    }
}

/// Adds every foreign key that is new, is another now, or had to step aside.
pub(super) fn add(from: &Schema, to: &Schema, dropped: &BTreeSet<Key<'_>>, plan: &mut Plan) {
    for (name, after) in &to.tables {
        let before = from.tables.get(name);
        for (key, definition) in &after.foreign_keys {
            let old = before.and_then(|table| table.foreign_keys.get(key));
            let stays = old.is_some_and(|old| old == definition || validates(old, definition));
            if stays && !dropped.contains(&(name, key.as_str())) {
                continue;
            }
            let forced = match (before, definition.not_valid) {
                (Some(_), false) => forced_ends(to, name, definition),
                _ => Vec::new(),
            };
            let group = plan.group(&after.source);
            // Nobody else can look in between: both tables are locked.
            for end in &forced {
                group.push(force(end, "no force"));
            }
            let step = Step::new(format!(
                "alter table {name} add constraint {} {}",
                quote(key),
                render::foreign_key(definition)
            ))
            .locks(LockMode::ShareRowExclusive, name)
            .locks(LockMode::ShareRowExclusive, &definition.table);
            group.push(if definition.not_valid {
                step
            } else {
                step.scans(name)
            });
            for end in &forced {
                group.push(force(end, "force"));
            }
        }
    }
}

/// Validates the foreign keys that were added without.
pub(super) fn validate(from: &Schema, to: &Schema, plan: &mut Plan) {
    for (name, after) in &to.tables {
        let before = from.tables.get(name);
        for (key, definition) in &after.foreign_keys {
            let old = before.and_then(|table| table.foreign_keys.get(key));
            if !old.is_some_and(|old| validates(old, definition))
                || rests_on_change(from, to, name, definition)
            {
                continue;
            }
            let forced = forced_ends(to, name, definition);
            let group = plan.group(&after.source);
            unforced(&forced, "no force", group);
            group.push(
                Step::new(format!(
                    "alter table {name} validate constraint {}",
                    quote(key)
                ))
                .locks(LockMode::ShareUpdateExclusive, name)
                .scans(name),
            );
            unforced(&forced, "force", group);
        }
    }
}

/// The ends of a foreign key that are under FORCE. The rows that are there are checked by a query of
/// the owner: under FORCE an owner that cannot bypass row-level security would see none of them, and
/// the key would hold without having been checked.
fn forced_ends<'a>(
    schema: &Schema,
    name: &'a QualifiedName,
    key: &'a ForeignKey,
) -> Vec<&'a QualifiedName> {
    let is_forced = |name: &&QualifiedName| {
        let table = schema.tables.get(*name);
        table.is_some_and(|table| table.rls.is_enabled())
    };
    let ends = BTreeSet::from([name, &key.table]);
    ends.into_iter().filter(is_forced).collect()
}

fn force(name: &QualifiedName, action: &str) -> Step {
    Step::new(format!("alter table {name} {action} row level security")).stops(name)
}

/// Lifts FORCE, or sets it again, only where the role that migrates could not see the rows otherwise:
/// it takes the strongest lock for as long as the validation runs.
fn unforced(forced: &[&QualifiedName], action: &str, group: &mut Group) {
    if forced.is_empty() {
        return;
    }
    let alters: Vec<String> = forced
        .iter()
        .map(|name| format!("    alter table {name} {action} row level security;\n"))
        .collect();
    group.push(format!(
        "do $$\nbegin\n  -- a role that cannot bypass row-level security would see no row to check\n  \
         if not (select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user) then\n\
         {}  end if;\nend\n$$",
        alters.concat()
    ));
}
