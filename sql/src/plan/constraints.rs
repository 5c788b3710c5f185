//! Keys, CHECK and exclusion constraints of a table that stays.

mod attachments;
mod values;

use crate::ident::quote;
use crate::schema::{Check, Index, IndexColumn, PrimaryKey, QualifiedName, Table, Unique};

use super::change::{Columns, stale};
use super::statements::{Group, Step};
use super::{partitions, render};
pub(super) use attachments::{Attachment, Kind, attached, attachments, is_attached, is_succeeded};

/// Drops what `after` lacks or has otherwise, and what cannot stay while a column changes.
pub(super) fn clear(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    for check in stale(&before.checks, &after.checks, |check| {
        columns.move_check(check)
    }) {
        let now_valid = validates(before, after, check, &columns);
        if !now_valid && !helps_not_null(before, after, check) {
            let old = &before.checks[check];
            let new = values::counterpart(check, before, after);
            let step = step_of_drop(name, check);
            // Where one list holds the other, what comes says by itself whether it is stricter.
            let is_covered = new.is_some_and(|new| values::is_ordered(old, new, &columns));
            group.push(match is_covered {
                true => step,
                false => drop(name, check, &old.expr, new.map(|new| &new.expr)),
            });
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
    let partitions = partitions::lasting(before, after);
    let attachments = attachments(before, after);
    let attach = |constraint: &str| {
        let one = attachments.iter().find(|one| one.constraint == constraint);
        one.map(|one| Step::new(format!("alter table {name} {}", one.clause())).stops(name))
    };
    if let Some(key) = &after.primary_key
        && stale_key(Some(key), before.primary_key.as_ref(), &columns)
    {
        let built = || {
            let step = add(name, &key.name, &render::primary_key(key)).scans(name);
            let fate = rule(before.primary_key.as_ref(), key);
            restricts(step, name, &key.name, fate)
        };
        group.push(attach(&key.name).unwrap_or_else(built));
        partitions::name_shares(name, &partitions, &[&key.name], group);
    }
    for unique in stale(&after.uniques, &before.uniques, |unique| {
        columns.move_key(&unique.columns)
    }) {
        let built = || {
            let definition = &after.uniques[unique];
            let step = add(name, unique, &render::unique(definition)).scans(name);
            restricts(
                step,
                name,
                unique,
                rule(before.uniques.get(unique), definition),
            )
        };
        group.push(attach(unique).unwrap_or_else(built));
        partitions::name_shares(name, &partitions, &[unique], group);
    }
    for exclusion in stale(&after.exclusions, &before.exclusions, |exclusion| {
        columns.move_exclusion(exclusion)
    }) {
        let definition = &after.exclusions[exclusion];
        let step = add(name, exclusion, &render::exclusion(definition)).scans(name);
        let fate = rule(before.exclusions.get(exclusion), definition);
        group.push(restricts(step, name, exclusion, fate));
    }
}

/// Adds the CHECKs that `before` lacks or has otherwise. One that is not valid yet is so on partitions that came
/// before it, and valid on those that come after it.
pub(super) fn build_checks(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    for check in stale(&after.checks, &before.checks, |check| {
        columns.move_check(check)
    }) {
        if validates(before, after, check, &columns) {
            continue;
        }
        let definition = &after.checks[check];
        let step = add(name, check, &render::check(definition));
        let step = match stood_in_for(before, definition) {
            Some(column) => step.restricts(self::column(name, column), NOT_NULL),
            None => {
                let old = values::counterpart(check, after, before);
                let fate = values::fate(old, definition, &columns);
                restricts(step, name, check, fate.as_deref())
            }
        };
        group.push(if definition.not_valid {
            step
        } else {
            step.scans(name)
        });
    }
}

/// The keys that stay as they are, with their columns.
pub(super) fn standing<'a>(before: &Table, after: &'a Table) -> Vec<(&'a String, &'a [String])> {
    let columns = Columns::of(before, after);
    let key = after.primary_key.as_ref();
    let key = key.filter(|key| !stale_key(Some(key), before.primary_key.as_ref(), &columns));
    let key = key.map(|key| (&key.name, key.columns.as_slice()));
    let stays = |(name, unique): &(&String, &Unique)| {
        before.uniques.get(*name) == Some(unique) && !columns.move_key(&unique.columns)
    };
    let uniques = after.uniques.iter().filter(stays);
    let uniques = uniques.map(|(name, unique)| (name, unique.columns.as_slice()));
    key.into_iter().chain(uniques).collect()
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

/// What becomes of a column that was nullable.
pub(super) const NOT_NULL: &str = "no longer null";

/// A constraint as a hazard names it.
pub(super) fn object(table: &QualifiedName, constraint: &str) -> String {
    format!("constraint {} on {table}", quote(constraint))
}

/// A column as a hazard names it.
pub(super) fn column(table: &QualifiedName, column: &str) -> String {
    format!("column {table}.{}", quote(column))
}

/// What becomes of a rule that goes, with what that means for whoever brings it back: by then rows may be
/// there that it does not allow.
pub(super) fn gone(fate: &str) -> String {
    format!("{fate}; the way back fails where rows break it")
}

/// Whether a rule is new, or another one in the place of the old, which may be stricter. Nothing where it
/// only steps aside.
pub(super) fn rule<T: PartialEq>(old: Option<&T>, new: &T) -> Option<&'static str> {
    match old {
        None => Some("new"),
        Some(old) => (old != new).then_some("changed"),
    }
}

/// A constraint that is a rule anew on a table that stays, if it is.
pub(super) fn restricts(
    step: Step,
    name: &QualifiedName,
    constraint: &str,
    fate: Option<&str>,
) -> Step {
    match fate {
        Some(fate) => step.restricts(object(name, constraint), fate),
        None => step,
    }
}

/// The column that a CHECK keeps from being null until the column itself does.
fn stood_in_for<'a>(before: &Table, check: &'a Check) -> Option<&'a String> {
    let mut columns = check.expr.columns.iter();
    let column = columns.next()?;
    let nullable = before.column(column).is_some_and(|column| column.nullable);
    let is_it = check.not_valid && nullable && check.expr.sql == not_null(column);
    is_it.then_some(column)
}

pub(super) fn add(name: &QualifiedName, constraint: &str, definition: &str) -> Step {
    Step::new(format!(
        "alter table {name} add constraint {} {definition}",
        quote(constraint)
    ))
    .stops(name)
}

fn step_of_drop(name: &QualifiedName, constraint: &str) -> Step {
    let ident = quote(constraint);
    Step::new(format!("alter table {name} drop constraint {ident}")).stops(name)
}

/// Drops a constraint that goes, changes, or steps aside for a column that does.
fn drop<T: PartialEq>(name: &QualifiedName, constraint: &str, old: &T, new: Option<&T>) -> Step {
    let step = step_of_drop(name, constraint);
    let object = object(name, constraint);
    match new {
        None => step.removes(object, &gone("dropped")),
        Some(new) if new != old => step.removes(object, &gone("changed")),
        Some(_) => step,
    }
}
