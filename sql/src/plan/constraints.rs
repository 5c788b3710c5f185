//! Keys, CHECK and exclusion constraints of a table that stays.

use crate::ident::quote;
use crate::schema::{
    BTREE, Deferrable, Index, IndexColumn, PrimaryKey, QualifiedName, Table, Unique,
};

use super::change::{Columns, stale};
use super::render;
use super::statements::{Group, Step};

/// Drops what `after` lacks or has otherwise, and what cannot stay while a column changes.
pub(super) fn clear(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    for check in stale(&before.checks, &after.checks, |check| {
        columns.move_check(check)
    }) {
        let now_valid = validates(before, after, check, &columns);
        if !now_valid && !helps_not_null(before, after, check) {
            let old = &before.checks[check].expr;
            let new = after.checks.get(check).map(|new| &new.expr);
            group.push(drop(name, check, old, new));
        }
    }
    for exclusion in stale(&before.exclusions, &after.exclusions, |exclusion| {
        columns.move_exclusion(exclusion)
    }) {
        let old = &before.exclusions[exclusion];
        group.push(drop(name, exclusion, old, after.exclusions.get(exclusion)));
    }
    for unique in stale(&before.uniques, &after.uniques, |unique| {
        columns.move_key(&unique.columns)
    }) {
        let old = &before.uniques[unique];
        group.push(drop(name, unique, old, after.uniques.get(unique)));
    }
    if let Some(key) = &before.primary_key
        && stale_key(Some(key), after.primary_key.as_ref(), &columns)
    {
        group.push(drop(name, &key.name, key, after.primary_key.as_ref()));
    }
}

/// Adds what `before` lacks or has otherwise. What only waits to be validated is validated first:
/// it takes long and lets others write.
pub(super) fn build(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    if let Some(key) = &after.primary_key
        && stale_key(Some(key), before.primary_key.as_ref(), &columns)
    {
        group.push(match attachable(before, after, &key.name, &of_key(key)) {
            true => attach(name, &key.name, "primary key", key.deferrable),
            false => add(name, &key.name, &render::primary_key(key)).scans(name),
        });
    }
    for unique in stale(&after.uniques, &before.uniques, |unique| {
        columns.move_key(&unique.columns)
    }) {
        let definition = &after.uniques[unique];
        group.push(match attachable(before, after, unique, definition) {
            true => attach(name, unique, "unique", definition.deferrable),
            false => add(name, unique, &render::unique(definition)).scans(name),
        });
    }
    for exclusion in stale(&after.exclusions, &before.exclusions, |exclusion| {
        columns.move_exclusion(exclusion)
    }) {
        let definition = render::exclusion(&after.exclusions[exclusion]);
        group.push(add(name, exclusion, &definition).scans(name));
    }
    for check in stale(&after.checks, &before.checks, |check| {
        columns.move_check(check)
    }) {
        if validates(before, after, check, &columns) {
            continue;
        }
        let definition = &after.checks[check];
        let step = add(name, check, &render::check(definition));
        group.push(if definition.not_valid {
            step
        } else {
            step.scans(name)
        });
    }
}

/// Validates the CHECKs that were added without.
pub(super) fn validate(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    for (check, old) in &before.checks {
        let waits =
            validates(before, after, check, &columns) || helps_not_null(before, after, check);
        if old.not_valid && waits {
            group.push(
                Step::new(format!(
                    "alter table {name} validate constraint {}",
                    quote(check)
                ))
                .locks(super::LockMode::ShareUpdateExclusive, name)
                .scans(name),
            );
        }
    }
}

/// Sets the columns NOT NULL for which a validated CHECK says it already, and drops that CHECK.
pub(super) fn settle_not_null(
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    for check in before.checks.keys() {
        if !helps_not_null(before, after, check) {
            continue;
        }
        for column in &before.checks[check].expr.columns {
            let column = quote(column);
            group.push(
                Step::new(format!(
                    "alter table {name} alter column {column} set not null"
                ))
                .stops(name),
            );
        }
        group.push(
            Step::new(format!(
                "alter table {name} drop constraint {}",
                quote(check)
            ))
            .stops(name),
        );
    }
}

/// Whether a column has become NOT NULL with the help of a CHECK that goes.
pub(super) fn is_settled(before: &Table, after: &Table, column: &str) -> bool {
    before.checks.iter().any(|(check, definition)| {
        definition.expr.columns.contains(column) && helps_not_null(before, after, check)
    })
}

/// The condition of the CHECK that stands in for NOT NULL while it is validated.
pub(super) fn not_null(column: &str) -> String {
    format!("{} is not null", quote(column))
}

/// Whether a CHECK that goes was there for a column to become NOT NULL.
fn helps_not_null(before: &Table, after: &Table, check: &str) -> bool {
    let Some(definition) = before.checks.get(check) else {
        return false;
    };
    if !definition.not_valid || after.checks.contains_key(check) {
        return false;
    }
    let mut columns = definition.expr.columns.iter();
    let (Some(column), None) = (columns.next(), columns.next()) else {
        return false;
    };
    let nullable = |table: &Table| table.column(column).map(|column| column.nullable);
    definition.expr.sql == not_null(column)
        && nullable(before) == Some(true)
        && nullable(after) == Some(false)
}

/// Whether a CHECK differs only in that it is to be valid now.
fn validates(before: &Table, after: &Table, check: &str, columns: &Columns) -> bool {
    match (before.checks.get(check), after.checks.get(check)) {
        (Some(old), Some(new)) => {
            old.not_valid && !new.not_valid && old.expr == new.expr && !columns.move_check(old)
        }
        _ => false,
    }
}

fn stale_key(some: Option<&PrimaryKey>, other: Option<&PrimaryKey>, columns: &Columns) -> bool {
    some != other || some.is_some_and(|key| columns.move_key(&key.columns))
}

pub(super) fn of_key(key: &PrimaryKey) -> Unique {
    Unique {
        columns: key.columns.clone(),
        nulls_not_distinct: false,
        deferrable: key.deferrable,
    }
}

/// The index that a unique constraint can be made of without reading the table again.
pub(super) fn index_of(unique: &Unique) -> Index {
    Index {
        unique: true,
        nulls_not_distinct: unique.nulls_not_distinct,
        ..Index::new(unique.columns.iter().map(IndexColumn::new))
    }
}

/// Whether just that index is there, and is to become the constraint.
fn attachable(before: &Table, after: &Table, constraint: &str, unique: &Unique) -> bool {
    let index = before.indexes.get(constraint);
    index.is_some_and(|index| index.method == BTREE && *index == index_of(unique))
        && !after.indexes.contains_key(constraint)
}

/// The constraint of `after` that an index of `before` becomes, so that it is not to be dropped.
pub(super) fn attached(before: &Table, after: &Table, index: &str) -> Option<Unique> {
    let key = after.primary_key.as_ref().filter(|key| key.name == index);
    let unique = after.uniques.get(index).cloned().or(key.map(of_key));
    unique.filter(|unique| attachable(before, after, index, unique))
}

/// Whether an index of `before` becomes a constraint of `after`.
pub(super) fn is_attached(before: &Table, after: &Table, index: &str) -> bool {
    attached(before, after, index).is_some()
}

fn attach(name: &QualifiedName, constraint: &str, kind: &str, when: Deferrable) -> Step {
    let ident = quote(constraint);
    Step::new(format!(
        "alter table {name} add constraint {ident} {kind} using index {ident}{}",
        render::deferrable(when)
    ))
    .stops(name)
}

pub(super) fn add(name: &QualifiedName, constraint: &str, definition: &str) -> Step {
    Step::new(format!(
        "alter table {name} add constraint {} {definition}",
        quote(constraint)
    ))
    .stops(name)
}

/// Drops a constraint that goes, changes, or steps aside for a column that does.
fn drop<T: PartialEq>(name: &QualifiedName, constraint: &str, old: &T, new: Option<&T>) -> Step {
    let ident = quote(constraint);
    let step = Step::new(format!("alter table {name} drop constraint {ident}")).stops(name);
    let object = format!("constraint {ident} on {name}");
    match new {
        None => step.removes(object, "dropped"),
        Some(new) if new != old => step.removes(object, "changed"),
        Some(_) => step,
    }
}
