//! Policies: altered in place where PostgreSQL can, else dropped early and created late, so that no
//! moment between lets in more than both ends.

use crate::ident::quote;
use crate::schema::{Command, Expr, Policy, QualifiedName, Table};

use super::change::{Change, Columns};
use super::statements::{Group, Step};
use super::{partitions, verdicts};

/// A policy as a hazard names it.
pub(super) fn object(policy: &str, name: &QualifiedName) -> String {
    format!("policy {} on {name}", quote(policy))
}

/// Creates the policies of a new table, on each of its partitions too.
pub(super) fn create_all(name: &QualifiedName, table: &Table, group: &mut Group) {
    for relation in partitions::relations(name, table) {
        let policies = || table.rls.policies().iter();
        let restrictive = policies().filter(|(_, policy)| policy.restrictive);
        let permissive = policies().filter(|(_, policy)| !policy.restrictive);
        for (policy, definition) in restrictive.chain(permissive) {
            group.push(create(&relation, policy, definition));
        }
    }
}

/// Drops, of a table that stays, the policies that `after` lacks, and those that cannot stay while
/// what they read changes.
pub(super) fn drop_stale(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    let columns = Columns::of(before, after);
    for (policy, old) in before.rls.policies() {
        let new = after.rls.policies().get(policy);
        if new.is_some_and(|new| !steps_aside(change, &columns, old, new)) {
            continue;
        }
        // What takes away goes last, lest what it takes away from stands open meanwhile.
        if new.is_none() && old.restrictive && !change.moves(old, &columns) {
            continue;
        }
        let first = group.steps.len();
        for relation in kept(name, before, after) {
            group.push(drop(&relation, policy));
        }
        if new.is_none()
            && let Some(step) = group.steps.get_mut(first)
        {
            step.hazards.extend(verdicts::dropped(
                change,
                policy,
                name,
                old,
                (before, after),
            ));
        }
    }
}

/// Drops every policy of a table that goes. They may read a table that changes before it does.
pub(super) fn drop_all(name: &QualifiedName, table: &Table, group: &mut Group) {
    for relation in partitions::relations(name, table) {
        for policy in table.rls.policies().keys() {
            group.push(drop(&relation, policy));
        }
    }
}

/// Creates what is new, alters what has changed, creates again what had to step aside.
pub(super) fn build(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    let columns = Columns::of(before, after);
    let policies = || after.rls.policies().iter();
    let restrictive = policies().filter(|(_, policy)| policy.restrictive);
    let permissive = policies().filter(|(_, policy)| !policy.restrictive);
    for (policy, new) in restrictive.chain(permissive) {
        let old = before.rls.policies().get(policy);
        let steps: Vec<Step> = match old {
            Some(old) if !steps_aside(change, &columns, old, new) => kept(name, before, after)
                .filter_map(|relation| alter(&relation, policy, old, new))
                .collect(),
            _ => kept(name, before, after)
                .map(|relation| create(&relation, policy, new))
                .collect(),
        };
        let first = group.steps.len();
        group.steps.extend(steps);
        if let Some(step) = group.steps.get_mut(first) {
            let told = verdicts::changed(change, policy, name, (before, after), new);
            step.hazards.extend(told);
        }
        for partition in partitions::only_in(after, before) {
            let partition = partitions::qualified(name, partition);
            group.push(create(&partition, policy, new));
        }
    }
    for (policy, old) in before.rls.policies() {
        let goes = old.restrictive && !after.rls.policies().contains_key(policy);
        if !goes || change.moves(old, &columns) {
            continue;
        }
        let first = group.steps.len();
        for relation in kept(name, before, after) {
            group.push(drop(&relation, policy));
        }
        if let Some(step) = group.steps.get_mut(first) {
            step.hazards.extend(verdicts::dropped(
                change,
                policy,
                name,
                old,
                (before, after),
            ));
        }
    }
}

/// The table and the partitions that stay.
fn kept<'a>(
    name: &'a QualifiedName,
    before: &'a Table,
    after: &'a Table,
) -> impl Iterator<Item = QualifiedName> + 'a {
    let stays = |partition: &&String| before.partitions.contains_key(*partition);
    let partitions = after.partitions.keys().filter(stays);
    let partitions = partitions.map(|partition| partitions::qualified(name, partition));
    std::iter::once(name.clone()).chain(partitions)
}

/// Whether a policy cannot become another by ALTER POLICY, which changes no command, takes away no
/// clause, and may name only what is there.
fn steps_aside(change: &Change<'_>, columns: &Columns, old: &Policy, new: &Policy) -> bool {
    old.command != new.command
        || old.restrictive != new.restrictive
        || old.using.is_some() != new.using.is_some()
        || old.check.is_some() != new.check.is_some()
        || change.moves(old, columns)
        || change.moves(new, columns)
}

/// The commands that a policy is for.
pub(super) fn commands(policy: &Policy) -> impl Iterator<Item = Command> {
    let of = policy.command;
    let every = Command::ALL.into_iter();
    every.filter(move |command| of.is_none_or(|of| of == *command))
}

/// Whether two policies say the same, to whomever they say it.
pub(super) fn same_rule(old: &Policy, new: &Policy) -> bool {
    let text = |expr: &Option<Expr>| expr.as_ref().map(|expr| expr.written().into_owned());
    text(&old.using) == text(&new.using)
        && text(&old.check) == text(&new.check)
        && old.command == new.command
        && old.restrictive == new.restrictive
}

fn drop(name: &QualifiedName, policy: &str) -> Step {
    Step::new(format!("drop policy {} on {name}", quote(policy))).stops(name)
}

fn create(name: &QualifiedName, policy: &str, definition: &Policy) -> Step {
    let command = definition.command.map_or("all", Command::as_str);
    let mut text = format!(
        "create policy {} on {name}\n  as {} for {command} to {}",
        quote(policy),
        match definition.restrictive {
            true => "restrictive",
            false => "permissive",
        },
        roles(definition)
    );
    text.push_str(&clauses(definition));
    Step::new(text).stops(name)
}

fn alter(name: &QualifiedName, policy: &str, old: &Policy, new: &Policy) -> Option<Step> {
    if same_rule(old, new) && old.roles == new.roles {
        return None;
    }
    let mut text = format!("alter policy {} on {name}", quote(policy));
    if old.roles != new.roles {
        text.push_str(&format!("\n  to {}", roles(new)));
    }
    text.push_str(&clauses(new));
    Some(Step::new(text).stops(name))
}

pub(super) fn roles(policy: &Policy) -> String {
    let roles: Vec<_> = policy.roles.iter().map(|role| quote(role)).collect();
    roles.join(", ")
}

fn clauses(policy: &Policy) -> String {
    let mut text = String::new();
    if let Some(using) = &policy.using {
        text.push_str(&format!("\n  using ({})", using.written()));
    }
    if let Some(check) = &policy.check {
        text.push_str(&format!("\n  with check ({})", check.written()));
    }
    text
}
