//! Row-level security and privileges of one table. Its policies are in `policies`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::ident::quote;
use crate::schema::{Command, Platform, QualifiedName, Rls, Table};

use super::change::{Change, Columns};
use super::hazard::{Hazard, Subject};
use super::render::{sequence, serial_sequence};
use super::statements::{Group, Step};
use super::{policies, readers};

/// ENABLE and FORCE always come together: without FORCE the owner reads every row.
pub(super) fn enable(name: &QualifiedName, table: &Table, group: &mut Group) {
    if table.rls.is_enabled() {
        for action in ["enable", "force"] {
            group.push(
                Step::new(format!("alter table {name} {action} row level security")).stops(name),
            );
        }
    }
}

/// Turns on, or off, what was the other way on a table that stays.
pub(super) fn switch(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    relations: &[QualifiedName],
    group: &mut Group,
) {
    let object = format!("row-level security on {name}");
    let subject = |fate: &str| Subject::new(&object, fate);
    let tell = |step: &mut Step, hazard: Hazard| {
        let others = readers::through(change, name, &object, std::slice::from_ref(&hazard));
        step.hazards.push(hazard);
        step.hazards.extend(others);
    };
    // What happens to the table stands above its own statement, not above one of a partition.
    let first = group.steps.len();
    match (before.rls.is_enabled(), after.rls.is_enabled()) {
        (false, true) => {
            for relation in relations {
                enable(relation, after, group);
            }
            if let Some(step) = group.steps.get_mut(first) {
                tell(step, Hazard::NarrowsAccess(subject("enabled")));
            }
        }
        (true, false) => {
            for relation in relations {
                for action in ["no force", "disable"] {
                    group.push(
                        Step::new(format!(
                            "alter table {relation} {action} row level security"
                        ))
                        .stops(relation),
                    );
                }
            }
            if let Some(step) = group.steps.get_mut(first) {
                tell(step, Hazard::WidensAccess(subject("disabled")));
            }
        }
        _ => {}
    }
}

/// Takes back what default privileges may have granted, TRUNCATE included, which policies do not stop.
pub(super) fn revoke_defaults(
    name: &QualifiedName,
    table: &Table,
    platform: Platform,
    group: &mut Group,
) {
    group.push(revoke_table(name, table, platform));
    for sequence in table
        .columns
        .iter()
        .filter_map(|column| sequence(name, column))
    {
        group.push(revoke_sequence(&sequence, table, platform));
    }
}

/// Takes back what default privileges may have granted on a table or a partition.
pub(super) fn revoke_table(name: &QualifiedName, table: &Table, platform: Platform) -> String {
    format!(
        "revoke all on table {name} from {}",
        unprivileged(table, platform)
    )
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
    let named = table.grantees().into_iter();
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
    policies::create_all(name, table, group);
    grants(name, None, table, group);
}

/// Grants what `after` allows and `before` did not; an insert needs the sequences of serial columns too.
pub(super) fn grants(
    name: &QualifiedName,
    before: Option<&Table>,
    after: &Table,
    group: &mut Group,
) {
    let widens = |subject| before.map(|_| Hazard::WidensAccess(subject));
    let left = before.map(|before| without_gone(before, after));
    let left = left.as_deref();
    difference(name, (after, before, left), group, ("grant", "to"), widens);
}

/// `before` as it is when privileges are granted: those on a column went with it, even where another one has its
/// name.
fn without_gone<'a>(before: &'a Table, after: &Table) -> Cow<'a, Table> {
    if before.column_grants.is_empty() {
        return Cow::Borrowed(before);
    }
    let gone = Columns::of(before, after).gone;
    let mut left = before.clone();
    for columns in left
        .column_grants
        .values_mut()
        .flat_map(BTreeMap::values_mut)
    {
        columns.retain(|column| !gone.contains(column));
    }
    Cow::Owned(left)
}

/// Revokes what `before` allowed and `after` does not.
pub(super) fn revokes(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let narrows = |subject| Some(Hazard::NarrowsAccess(subject));
    let after = Some(after);
    difference(
        name,
        (before, after, after),
        group,
        ("revoke", "from"),
        narrows,
    );
}

/// What `some` grants and `other` does not, given or taken, where `there` is what is left of `other` by then.
fn difference(
    name: &QualifiedName,
    (some, other, there): (&Table, Option<&Table>, Option<&Table>),
    group: &mut Group,
    (verb, preposition): (&str, &str),
    hazard: impl Fn(Subject) -> Option<Hazard>,
) {
    for grantee in some.grantees() {
        let role = quote(grantee);
        let list = privileges(some, there, grantee, false);
        if !list.is_empty() {
            let list = list.join(", ");
            let mut step = Step::new(format!(
                "{verb} {list} on table {name} {preposition} {role}"
            ));
            let news = privileges(some, other, grantee, true);
            if !news.is_empty() {
                let subject = Subject::new(
                    format!("grants to {role} on {name}"),
                    format!("{verb} {}", news.join(", ")),
                );
                step.hazards.extend(hazard(subject));
            }
            group.push(step);
        }
        let other_sequences: BTreeSet<_> = match other {
            Some(table) if table.is_granted(grantee, Command::Insert) => {
                sequences(name, table).collect()
            }
            _ => BTreeSet::new(),
        };
        if some.is_granted(grantee, Command::Insert) {
            for sequence in sequences(name, some).filter(|s| !other_sequences.contains(s)) {
                group.push(format!(
                    "{verb} usage on sequence {sequence} {preposition} {role}"
                ));
            }
        }
    }
}

/// What a role may do with `some` and not with `other`, as GRANT and REVOKE name it. PostgreSQL holds a privilege on
/// the whole table and one on its columns side by side; what a role may do, and no more is said where `covers`, the
/// one gives with the other.
fn privileges(some: &Table, other: Option<&Table>, role: &str, covers: bool) -> Vec<String> {
    let mut list = Vec::new();
    for command in Command::ALL {
        let whole = |table: &Table| {
            let commands = table.grants.get(role);
            commands.is_some_and(|commands| commands.contains(&command))
        };
        if whole(some) && !other.is_some_and(whole) {
            list.push(command.to_string());
        }
        let columns = |table: &'_ Table| {
            let commands = table.column_grants.get(role);
            let columns = commands.and_then(|commands| commands.get(&command));
            columns.cloned().unwrap_or_default()
        };
        let others = other.map(columns).unwrap_or_default();
        let own = match covers && other.is_some_and(whole) {
            true => BTreeSet::new(),
            false => columns(some),
        };
        let own: Vec<_> = own.difference(&others).map(|name| quote(name)).collect();
        if !own.is_empty() {
            list.push(format!("{command} ({})", own.join(", ")));
        }
    }
    list
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
