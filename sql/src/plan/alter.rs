//! What changes on a table that stays: first everything that must step aside, then everything new.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::quote;
use crate::schema::{Column, Expr, Platform, Policy, QualifiedName, Schema, Table};

use super::create::{column, comments, create_index, sequence, serial_sequence, unique_definition};
use super::numbering;
use super::rls;
use super::statements::{Group, Plan};

/// The two schemas, and which columns of which tables change under what reads them.
pub(super) struct Change<'a> {
    from: &'a Schema,
    to: &'a Schema,
    /// The tables of which a column goes or changes its type, and those that go.
    disturbed: Vec<&'a QualifiedName>,
}

impl<'a> Change<'a> {
    pub(super) fn new(from: &'a Schema, to: &'a Schema) -> Self {
        let disturbed = from.tables.iter().filter(|(name, before)| {
            to.tables.get(*name).is_none_or(|after| {
                let columns = &before.columns;
                columns
                    .iter()
                    .any(|old| after.column(&old.name).is_none_or(|new| new.ty != old.ty))
            })
        });
        Change {
            from,
            to,
            disturbed: disturbed.map(|(name, _)| name).collect(),
        }
    }

    /// Whether a policy must be made anew though it says the same: what it reads is disturbed.
    fn moves(&self, policy: &Policy, moved: &BTreeSet<String>) -> bool {
        let exprs = || policy.using.iter().chain(&policy.check);
        let reads_disturbed = |table: &String| {
            let last = table.rsplit('.').next().unwrap_or(table);
            self.disturbed.iter().any(|name| name.name == last)
        };
        reads(exprs(), moved) || exprs().any(|expr| expr.tables.iter().any(reads_disturbed))
    }
}

/// Takes away, of every table that stays, the privileges and policies that `to` lacks or has otherwise.
pub(super) fn close(change: &Change<'_>, plan: &mut Plan) {
    for (name, before) in &change.from.tables {
        let Some(after) = change.to.tables.get(name) else {
            // Its policies may read a table whose columns change before it goes.
            if rls::reads_other_tables(before) {
                let group = plan.group(&before.source);
                for policy in before.rls.policies().keys() {
                    group.push(format!("drop policy {} on {name}", quote(policy)));
                }
            }
            continue;
        };
        let moved = moved_columns(before, after);
        let group = plan.group(&after.source);
        rls::revokes(name, before, after, group);
        for policy in stale(before.rls.policies(), after.rls.policies(), |policy| {
            change.moves(policy, &moved)
        }) {
            group.push(format!("drop policy {} on {name}", quote(policy)));
        }
    }
}

/// Takes away what else `after` lacks or has otherwise, columns last.
pub(super) fn clear(name: &QualifiedName, before: &Table, after: &Table, plan: &mut Plan) {
    let moved = moved_columns(before, after);
    let losses = lost_columns(name, before, after);
    let group = plan.group(&after.source);
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
                if let Some(sequence) = sequence(name, new) {
                    group.push(rls::revoke_sequence(&sequence, after, platform));
                }
            }
            Some(old) => {
                numbering::clear(name, old, new, group);
                alter_column(name, old, new, group);
                numbering::build(name, before, old, new, group);
                if old.generated != new.generated
                    && let Some(sequence) = sequence(name, new)
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
    for comment in comments(name, Some(before), after) {
        group.push(comment);
    }
}

/// Lets in whom `after` lets in and `before` did not.
pub(super) fn open(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    plan: &mut Plan,
) {
    let moved = moved_columns(before, after);
    let platform = change.to.platform;
    let group = plan.group(&after.source);
    for policy in stale(after.rls.policies(), before.rls.policies(), |policy| {
        change.moves(policy, &moved)
    }) {
        let definition = &after.rls.policies()[policy];
        group.push(rls::create_policy(name, policy, definition));
    }
    if change.from.platform == platform {
        rls::grants(name, Some(before), after, group);
    } else {
        // The table was made where other roles had privileges by default.
        rls::revoke_defaults(name, after, platform, group);
        rls::grants(name, None, after, group);
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
            Some(new) if loses(old, new) => losses.push(format!(
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
    if old.ty != new.ty
        && old.generated == new.generated
        && let Some(sequence) = serial_sequence(name, new)
    {
        group.push(format!("alter sequence {sequence} as {}", new.ty));
    }
    let mut alter = |action: String| {
        group.push(format!("alter table {name} alter column {ident} {action}"));
    };
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

fn loses(old: &Column, new: &Column) -> bool {
    crate::schema::cast(&old.ty, &new.ty).is_none_or(|cast| cast.loses)
}
