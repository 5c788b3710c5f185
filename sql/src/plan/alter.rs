//! What changes on a table that stays: first everything that must step aside, then everything new.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::quote;
use crate::schema::{Column, Expr, Platform, Policy, QualifiedName, Table};

use super::create::{column, comments, create_index, serial_sequence, unique_definition};
use super::numbering;
use super::rls;
use super::statements::{Group, Plan};

/// Takes away what `after` lacks or has otherwise, privileges first, columns last.
pub(super) fn clear(name: &QualifiedName, before: &Table, after: &Table, plan: &mut Plan) {
    let moved = moved_columns(before, after);
    let losses = lost_columns(name, before, after);
    let group = plan.group(&after.source);
    rls::revokes(name, before, after, group);
    for policy in stale(before.rls.policies(), after.rls.policies(), |policy| {
        reads(policy.using.iter().chain(&policy.check), &moved)
    }) {
        group.push(format!("drop policy {} on {name}", quote(policy)));
    }
    for key in stale(&before.foreign_keys, &after.foreign_keys, |_| false) {
        drop_constraint(name, key, group);
    }
    for index in stale(&before.indexes, &after.indexes, |index| {
        reads(&index.predicate, &moved)
    }) {
        let index = QualifiedName::new(&name.schema, index);
        group.push(format!("drop index {index}"));
    }
    for check in stale(&before.checks, &after.checks, |check| {
        reads([&check.expr], &moved)
    }) {
        drop_constraint(name, check, group);
    }
    for unique in stale(&before.uniques, &after.uniques, |_| false) {
        drop_constraint(name, unique, group);
    }
    if let Some(key) = &before.primary_key
        && after.primary_key.as_ref() != Some(key)
    {
        drop_constraint(name, &key.name, group);
    }
    for column in &before.columns {
        if after.column(&column.name).is_none() {
            group.push(format!(
                "alter table {name} drop column {}",
                quote(&column.name)
            ));
        }
    }
    plan.losses.extend(losses);
}

/// Adds what `before` lacks or has otherwise, columns first, privileges last.
pub(super) fn build(
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    platform: Platform,
    plan: &mut Plan,
) {
    let moved = moved_columns(before, after);
    let group = plan.group(&after.source);
    for new in &after.columns {
        match before.column(&new.name) {
            None => {
                group.push(format!("alter table {name} add column {}", column(new)));
                if let Some(sequence) = serial_sequence(name, new) {
                    group.push(rls::revoke_sequence(&sequence, after, platform));
                }
            }
            Some(old) => {
                numbering::clear(name, old, new, group);
                alter_column(name, old, new, group);
                numbering::build(name, before, old, new, group);
                if old.generated != new.generated
                    && let Some(sequence) = serial_sequence(name, new)
                {
                    group.push(rls::revoke_sequence(&sequence, after, platform));
                }
            }
        }
    }
    if let Some(key) = &after.primary_key
        && before.primary_key.as_ref() != Some(key)
    {
        group.push(format!(
            "alter table {name} add constraint {} primary key ({})",
            quote(&key.name),
            super::create::columns(&key.columns)
        ));
    }
    for unique in stale(&after.uniques, &before.uniques, |_| false) {
        let definition = unique_definition(&after.uniques[unique].columns);
        group.push(format!(
            "alter table {name} add constraint {} {definition}",
            quote(unique)
        ));
    }
    for check in stale(&after.checks, &before.checks, |check| {
        reads([&check.expr], &moved)
    }) {
        group.push(format!(
            "alter table {name} add constraint {} check ({})",
            quote(check),
            after.checks[check].expr.sql
        ));
    }
    for index in stale(&after.indexes, &before.indexes, |index| {
        reads(&index.predicate, &moved)
    }) {
        group.push(create_index(name, index, &after.indexes[index]));
    }
    match (before.rls.is_enabled(), after.rls.is_enabled()) {
        (false, true) => rls::enable(name, after, group),
        (true, false) => rls::disable(name, group),
        _ => {}
    }
    for policy in stale(after.rls.policies(), before.rls.policies(), |policy| {
        reads(policy.using.iter().chain(&policy.check), &moved)
    }) {
        let definition: &Policy = &after.rls.policies()[policy];
        group.push(rls::create_policy(name, policy, definition));
    }
    rls::grants(name, Some(before), after, group);
    for comment in comments(name, Some(before), after) {
        group.push(comment);
    }
}

/// The names in `some` that `other` lacks or defines otherwise, and those that must be made anew anyway.
fn stale<'a, T: PartialEq>(
    some: &'a BTreeMap<String, T>,
    other: &BTreeMap<String, T>,
    must: impl Fn(&T) -> bool,
) -> Vec<&'a str> {
    some.iter()
        .filter(|(name, value)| other.get(*name) != Some(value) || must(value))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Columns on both sides whose type differs: PostgreSQL refuses to alter one that an expression reads.
fn moved_columns(before: &Table, after: &Table) -> BTreeSet<String> {
    let both = before.columns.iter().filter_map(|old| {
        let new = after.column(&old.name)?;
        (old.ty != new.ty).then(|| old.name.clone())
    });
    both.collect()
}

fn reads<'a>(exprs: impl IntoIterator<Item = &'a Expr>, columns: &BTreeSet<String>) -> bool {
    exprs
        .into_iter()
        .any(|expr| !expr.columns.is_disjoint(columns))
}

fn lost_columns(name: &QualifiedName, before: &Table, after: &Table) -> Vec<String> {
    let mut losses = Vec::new();
    for old in &before.columns {
        match after.column(&old.name) {
            None => losses.push(format!("drops column `{name}.{}`", old.name)),
            Some(new) if new.ty != old.ty => losses.push(format!(
                "changes column `{name}.{}` from `{}` to `{}`",
                old.name, old.ty, new.ty
            )),
            Some(_) => {}
        }
    }
    losses
}

fn drop_constraint(name: &QualifiedName, constraint: &str, group: &mut Group) {
    group.push(format!(
        "alter table {name} drop constraint {}",
        quote(constraint)
    ));
}

fn alter_column(name: &QualifiedName, old: &Column, new: &Column, group: &mut Group) {
    let ident = quote(&new.name);
    let mut alter = |action: String| {
        group.push(format!("alter table {name} alter column {ident} {action}"));
    };
    let default_changes = old.default != new.default || old.ty != new.ty;
    if old.default.is_some() && default_changes {
        alter("drop default".into());
    }
    if old.ty != new.ty {
        alter(format!("type {} using {ident}::{}", new.ty, new.ty));
    }
    if let Some(default) = &new.default
        && default_changes
    {
        alter(format!("set default {default}"));
    }
    match (old.nullable, new.nullable) {
        (true, false) => alter("set not null".into()),
        (false, true) => alter("drop not null".into()),
        _ => {}
    }
}
