//! Foreign keys, which leave before anything that they rest on and arrive after it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::{quote, quote_dollar};
use crate::schema::{
    Deferrable, ForeignKey, Index, IndexColumn, QualifiedName, ReferentialAction, Schema, Table,
    Unique,
};

use super::change::Columns;
use super::hazard::LockMode;
use super::statements::{Group, Plan, Step};
use super::{clones, constraints, partitions, render};

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
            let object = constraints::object(name, key);
            plan.group(title).push(match new {
                None if after.is_some() => step.removes(object, &constraints::gone("dropped")),
                Some(new) if !same_rule(definition, new) => step.removes(object, &fate(new)),
                _ => step,
            });
            dropped.insert((name, key.as_str()));
        }
    }
    dropped
}

/// Whether two foreign keys differ at most in whether old rows are checked.
pub(super) fn same_rule(old: &ForeignKey, new: &ForeignKey) -> bool {
    let valid = |key: &ForeignKey| ForeignKey {
        not_valid: false,
        ..key.clone()
    };
    valid(old) == valid(new)
}

/// What a foreign key becomes; a delete or an update that reaches further is said.
fn fate(new: &ForeignKey) -> String {
    let mut fate = "changed".to_owned();
    for (event, action) in [("delete", new.on_delete), ("update", new.on_update)] {
        if action != ReferentialAction::NoAction {
            fate.push_str(&format!(", on {event} {}", action.as_sql()));
        }
    }
    constraints::gone(&fate)
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
    moved(name, &key.columns) || moved(&key.table, &key.references) || has_other_keys(from, to, key)
}

/// Whether a key that a foreign key may rest on comes, goes or changes.
pub(super) fn has_other_keys(from: &Schema, to: &Schema, key: &ForeignKey) -> bool {
    match (from.tables.get(&key.table), to.tables.get(&key.table)) {
        (Some(before), Some(after)) => keys(before, Some(after), key) != keys(after, None, key),
        (before, after) => before.is_some() != after.is_some(),
    }
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
            let fate = match old {
                None => before.map(|_| "new"),
                Some(old) => (!same_rule(old, definition)).then_some("changed"),
            };
            let step = constraints::restricts(step, name, key, fate);
            group.push(if definition.not_valid {
                step
            } else {
                step.scans(name)
            });
            for end in &forced {
                group.push(force(end, "force"));
            }
            let partitions = clones::partitions(to, definition);
            let named = clones::give_names(&[(name, key)], partitions);
            group.steps.extend(named);
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
fn forced_ends(schema: &Schema, name: &QualifiedName, key: &ForeignKey) -> Vec<QualifiedName> {
    let ends = BTreeSet::from([name, &key.table]);
    ends.into_iter()
        .flat_map(|end| forced(schema, end))
        .collect()
}

/// The table and its partitions, each of which a foreign key is checked on, where they are under FORCE.
pub(super) fn forced(schema: &Schema, name: &QualifiedName) -> Vec<QualifiedName> {
    let table = schema.tables.get(name);
    let table = table.filter(|table| table.rls.is_enabled());
    table
        .into_iter()
        .flat_map(|table| partitions::relations(name, table))
        .collect()
}

/// Lifts FORCE, or sets it again.
pub(super) fn force(name: &QualifiedName, action: &str) -> Step {
    Step::new(format!("alter table {name} {action} row level security")).stops(name)
}

/// Lifts FORCE, or sets it again, only where the role that migrates could not see the rows otherwise.
/// It takes the strongest lock for as long as the validation runs, which nothing but the running
/// script can know: the label names it for everyone.
fn unforced(forced: &[QualifiedName], action: &str, group: &mut Group) {
    if forced.is_empty() {
        return;
    }
    let alters: Vec<String> = forced
        .iter()
        .map(|name| format!("    alter table {name} {action} row level security;\n"))
        .collect();
    let body = format!(
        "begin\n  -- a role that cannot bypass row-level security would see no row to check; for such a one\n  \
         -- these tables are locked from here on (access exclusive)\n  \
         if not (select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user) then\n\
         {}  end if;\nend",
        alters.concat()
    );
    let step = Step::new(format!("do {}", quote_dollar(&body)));
    group.push(forced.iter().fold(step, |step, name| step.stops(name)));
}
