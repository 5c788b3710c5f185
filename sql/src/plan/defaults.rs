//! What a default lets pass that changes: where a role may insert a row and not write the column, the check of a
//! policy that reads the column decides on the default alone.

use crate::access;
use crate::file::tokens;
use crate::ident::quote;
use crate::schema::{Column, Command, Expr, Policy, Table};

use super::change::Change;
use super::constraints;
use super::effects::Changed;
use super::hazard::{Hazard, Subject};
use super::policies;

/// What the new default of a column does to the inserts of those who may not write it.
pub(super) fn verdicts(change: &Change<'_>, column: Changed<'_>) -> Vec<Hazard> {
    let tables = (
        change.from.tables.get(column.table),
        change.to.tables.get(column.table),
    );
    let ((Some(before), Some(after)), true) = (tables, column.old.default != column.new.default)
    else {
        return Vec::new();
    };
    let mut told = Vec::new();
    for (name, new) in after.rls.policies() {
        let Some(old) = before.rls.policies().get(name) else {
            continue;
        };
        let inserts = |policy| policies::commands(policy).any(|it| it == Command::Insert);
        if !inserts(old) || !inserts(new) {
            continue;
        }
        let common = new.roles.intersection(&old.roles);
        let object = policies::object(name, column.table);
        for role in common.filter(|role| leaves_out(after, role, &column.new.name)) {
            // What it may write itself is no matter of the default.
            let was = leaves_out(before, role, &column.new.name).then_some(column.old);
            if was.is_none() && !before.is_granted(role, Command::Insert) {
                continue;
            }
            let (Some(old), Some(new)) = (
                written(old, &column.new.name, was),
                written(new, &column.new.name, Some(column.new)),
            ) else {
                continue;
            };
            let found = access::difference((Some(&old), before), (Some(&new), after));
            let fate = |when, row| format!("insert by {} {when} writes {row}", quote(role));
            let Some(found) = found else {
                let by = constraints::column(column.table, &column.new.name);
                let subject = Subject::new(&object, format!("{by} changes"));
                told.push(Hazard::WidensAccess(subject));
                continue;
            };
            told.extend(
                found
                    .wider
                    .map(|row| Hazard::WidensAccess(Subject::new(&object, fate("now", row)))),
            );
            told.extend(
                found.narrower.map(|row| {
                    Hazard::NarrowsAccess(Subject::new(&object, fate("no longer", row)))
                }),
            );
        }
    }
    told.dedup();
    told
}

/// Whether a role may insert rows into a table, and not write that column of them.
fn leaves_out(table: &Table, role: &str, column: &str) -> bool {
    let whole = table.grants.get(role);
    let some = table.column_grants.get(role);
    let some = some.and_then(|commands| commands.get(&Command::Insert));
    !whole.is_some_and(|commands| commands.contains(&Command::Insert))
        && some.is_some_and(|columns| !columns.contains(column))
}

/// Which rows an insert may write under a policy whose check reads the column: those with its default, if the column
/// is told that nobody else fills.
fn written(policy: &Policy, name: &str, column: Option<&Column>) -> Option<Expr> {
    let check = policy.check.as_ref().or(policy.using.as_ref())?;
    let check = check.columns.contains(name).then(|| check.clone())?;
    let Some(column) = column.filter(|it| it.generated.is_none() && it.computed.is_none()) else {
        return Some(check);
    };
    let name = quote(name);
    let held = match &column.default {
        Some(default) if is_one(default) => format!("{name} = {default}"),
        Some(default) => format!("{name} = ({default})"),
        None => format!("{name} is null"),
    };
    Some(Expr {
        sql: format!("({}) and {held}", check.sql),
        ..check
    })
}

/// Whether a text is a literal, with its sign or without.
fn is_one(sql: &str) -> bool {
    let words = tokens(sql).unwrap_or_default();
    matches!(words[..], [_] | ["-", _])
}
