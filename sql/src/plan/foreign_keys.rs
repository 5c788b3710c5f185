//! Foreign keys, which leave before anything that they rest on and arrive after it.

use std::collections::BTreeSet;

use crate::ident::quote;
use crate::schema::{ForeignKey, IndexColumn, QualifiedName, ReferentialAction, Schema, Table};

use super::create::columns;
use super::statements::Plan;

/// A foreign key, by its table and its name.
type Key<'a> = (&'a QualifiedName, &'a str);

/// Drops every foreign key that is gone, is another now, or rests on a key or a column that changes.
/// Gives back what was dropped.
pub(super) fn drop<'a>(from: &'a Schema, to: &Schema, plan: &mut Plan) -> BTreeSet<Key<'a>> {
    let mut dropped = BTreeSet::new();
    for (name, table) in &from.tables {
        for (key, definition) in &table.foreign_keys {
            let after = to.tables.get(name);
            let is_same = after.and_then(|after| after.foreign_keys.get(key)) == Some(definition);
            // It goes with its table, where it references no other.
            let goes_along = after.is_none() && &definition.table == name;
            if goes_along || (is_same && !rests_on_change(from, to, name, definition)) {
                continue;
            }
            let title = after.map_or(&table.source, |after| &after.source);
            plan.group(title)
                .push(format!("alter table {name} drop constraint {}", quote(key)));
            dropped.insert((name, key.as_str()));
        }
    }
    dropped
}

/// Whether a column on either side changes its type, or a key that it may rest on changes.
fn rests_on_change(from: &Schema, to: &Schema, name: &QualifiedName, key: &ForeignKey) -> bool {
    let moved = |table: &QualifiedName, names: &[String]| {
        let (before, after) = (from.tables.get(table), to.tables.get(table));
        names.iter().any(|column| {
            let before = before.and_then(|table| table.column(column));
            let after = after.and_then(|table| table.column(column));
            before.map(|column| &column.ty) != after.map(|column| &column.ty)
        })
    };
    let before = from.tables.get(&key.table).map(|table| keys(table, key));
    let after = to.tables.get(&key.table).map(|table| keys(table, key));
    moved(name, &key.columns) || moved(&key.table, &key.references) || before != after
}

/// The unique keys over just the referenced columns. PostgreSQL lets a foreign key rest on one of
/// them; which one is its own choice.
fn keys<'a>(table: &'a Table, key: &ForeignKey) -> BTreeSet<(&'static str, &'a str, Vec<&'a str>)> {
    let wanted: BTreeSet<&str> = key.references.iter().map(String::as_str).collect();
    let primary = table.primary_key.iter().map(|key| {
        let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
        ("primary key", key.name.as_str(), columns)
    });
    let uniques = table.uniques.iter().map(|(name, unique)| {
        let columns: Vec<&str> = unique.columns.iter().map(String::as_str).collect();
        ("unique", name.as_str(), columns)
    });
    let indexes = table
        .indexes
        .iter()
        .filter(|(_, index)| index.unique)
        .map(|(name, index)| {
            let columns: Vec<&str> = index.columns.iter().filter_map(IndexColumn::name).collect();
            ("index", name.as_str(), columns)
        });
    primary
        .chain(uniques)
        .chain(indexes)
        .filter(|(_, _, columns)| columns.iter().copied().collect::<BTreeSet<_>>() == wanted)
        .collect()
}

/// Adds every foreign key that is new, is another now, or had to step aside.
pub(super) fn add(from: &Schema, to: &Schema, dropped: &BTreeSet<Key<'_>>, plan: &mut Plan) {
    for (name, after) in &to.tables {
        let before = from.tables.get(name);
        for (key, definition) in &after.foreign_keys {
            let old = before.and_then(|table| table.foreign_keys.get(key));
            if old == Some(definition) && !dropped.contains(&(name, key.as_str())) {
                continue;
            }
            // The rows that are there are checked by a query of the owner. Under FORCE an owner that
            // cannot bypass row-level security would see none of them, and the key would hold
            // without having been checked. Nobody else can look in between: both tables are locked.
            let ends = BTreeSet::from([name, &definition.table]);
            let forced: Vec<&QualifiedName> = ends
                .into_iter()
                .filter(|end| before.is_some() && is_forced(to, end))
                .collect();
            let group = plan.group(&after.source);
            for end in &forced {
                group.push(format!("alter table {end} no force row level security"));
            }
            group.push(format!(
                "alter table {name} add constraint {} {}",
                quote(key),
                clause(definition)
            ));
            for end in &forced {
                group.push(format!("alter table {end} force row level security"));
            }
        }
    }
}

fn is_forced(schema: &Schema, name: &QualifiedName) -> bool {
    let table = schema.tables.get(name);
    table.is_some_and(|table| table.rls.is_enabled())
}

fn clause(key: &ForeignKey) -> String {
    let mut text = format!(
        "foreign key ({}) references {} ({})",
        columns(&key.columns),
        key.table,
        columns(&key.references)
    );
    if key.on_delete != ReferentialAction::NoAction {
        text.push_str(&format!(" on delete {}", key.on_delete.as_sql()));
    }
    text
}
