//! Row-level security, policies and privileges of one table.

use std::collections::BTreeSet;

use crate::ident::quote;
use crate::schema::{Command, Platform, Policy, QualifiedName, Rls, Table};

use super::create::{sequence, serial_sequence};
use super::statements::Group;

/// ENABLE and FORCE always come together: without FORCE the owner reads every row.
pub(super) fn enable(name: &QualifiedName, table: &Table, group: &mut Group) {
    if table.rls.is_enabled() {
        group.push(format!("alter table {name} enable row level security"));
        group.push(format!("alter table {name} force row level security"));
    }
}

pub(super) fn disable(name: &QualifiedName, group: &mut Group) {
    group.push(format!("alter table {name} no force row level security"));
    group.push(format!("alter table {name} disable row level security"));
}

/// Takes back what default privileges may have granted, TRUNCATE included, which policies do not stop.
pub(super) fn revoke_defaults(
    name: &QualifiedName,
    table: &Table,
    platform: Platform,
    group: &mut Group,
) {
    let roles = unprivileged(table, platform);
    group.push(format!("revoke all on table {name} from {roles}"));
    for sequence in table
        .columns
        .iter()
        .filter_map(|column| sequence(name, column))
    {
        group.push(revoke_sequence(&sequence, table, platform));
    }
}

/// Takes back what default privileges may have granted on a sequence.
pub(super) fn revoke_sequence(
    sequence: &QualifiedName,
    table: &Table,
    platform: Platform,
) -> String {
    let roles = unprivileged(table, platform);
    format!("revoke all on sequence {sequence} from {roles}")
}

/// The roles that start from nothing: everyone, those with default privileges, those about to be granted some.
fn unprivileged(table: &Table, platform: Platform) -> String {
    let defaults = platform.default_grantees();
    let named = table.grants.keys().map(String::as_str);
    // PUBLIC is a keyword here; quoted, it would be a role of that name.
    let mut roles = vec!["public".to_owned()];
    roles.extend(
        defaults
            .iter()
            .copied()
            .chain(named.filter(|role| !defaults.contains(role)))
            .map(|role| quote(role).into_owned()),
    );
    roles.join(", ")
}

/// Whether a policy of the table reads others, which must be there before it.
pub(super) fn reads_other_tables(table: &Table) -> bool {
    let policies = table.rls.policies().values();
    policies
        .flat_map(|policy| policy.using.iter().chain(&policy.check))
        .any(|expr| !expr.tables.is_empty())
}

/// Lets in whom the policies of a new table let in.
pub(super) fn open(name: &QualifiedName, table: &Table, group: &mut Group) {
    for (policy, definition) in table.rls.policies() {
        group.push(create_policy(name, policy, definition));
    }
    grants(name, None, table, group);
}

pub(super) fn create_policy(name: &QualifiedName, policy: &str, definition: &Policy) -> String {
    let command = definition.command.map_or("all", Command::as_str);
    let roles: Vec<_> = definition.roles.iter().map(|role| quote(role)).collect();
    let mut text = format!(
        "create policy {} on {name}\n  as permissive for {command} to {}",
        quote(policy),
        roles.join(", ")
    );
    if let Some(using) = &definition.using {
        text.push_str(&format!("\n  using ({})", using.sql));
    }
    if let Some(check) = &definition.check {
        text.push_str(&format!("\n  with check ({})", check.sql));
    }
    text
}

/// Grants what `after` allows and `before` did not; an insert needs the sequences of serial columns too.
pub(super) fn grants(
    name: &QualifiedName,
    before: Option<&Table>,
    after: &Table,
    group: &mut Group,
) {
    difference(name, after, before, group, "grant", "to");
}

/// Revokes what `before` allowed and `after` does not.
pub(super) fn revokes(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    difference(name, before, Some(after), group, "revoke", "from");
}

/// What `some` grants and `other` does not, given or taken.
fn difference(
    name: &QualifiedName,
    some: &Table,
    other: Option<&Table>,
    group: &mut Group,
    verb: &str,
    preposition: &str,
) {
    let nothing = BTreeSet::new();
    for (role, commands) in &some.grants {
        let others = other
            .and_then(|table| table.grants.get(role))
            .unwrap_or(&nothing);
        let list: Vec<_> = commands.difference(others).map(|c| c.as_str()).collect();
        if !list.is_empty() {
            group.push(format!(
                "{verb} {} on table {name} {preposition} {}",
                list.join(", "),
                quote(role)
            ));
        }
        let other_sequences: BTreeSet<_> = match other {
            Some(table) if others.contains(&Command::Insert) => sequences(name, table).collect(),
            _ => BTreeSet::new(),
        };
        if commands.contains(&Command::Insert) {
            for sequence in sequences(name, some).filter(|s| !other_sequences.contains(s)) {
                group.push(format!(
                    "{verb} usage on sequence {sequence} {preposition} {}",
                    quote(role)
                ));
            }
        }
    }
}

/// The sequences that whoever inserts must be allowed to use.
fn sequences(name: &QualifiedName, table: &Table) -> impl Iterator<Item = QualifiedName> {
    table
        .columns
        .iter()
        .filter_map(|column| serial_sequence(name, column))
}

/// The comment on the table, which also carries the reason why it has no row-level security.
pub(super) fn table_comment(table: &Table) -> Option<String> {
    match (&table.comment, &table.rls) {
        (comment, Rls::Enabled(_)) => comment.clone(),
        (None, Rls::Disabled(reason)) => Some(format!("No row-level security: {reason}")),
        (Some(comment), Rls::Disabled(reason)) => {
            Some(format!("{comment}\n\nNo row-level security: {reason}"))
        }
    }
}
