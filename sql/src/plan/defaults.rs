//! What a default lets pass that changes: where a role may insert a row and not write the column, the check of a
//! policy that reads the column decides on the default alone.

use crate::access;
use crate::file::tokens;
use crate::ident::quote;
use crate::schema::{Column, Command, Expr, Policy, Table, Type};

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
                written(old, before, &column.new.name, was),
                written(new, after, &column.new.name, Some(column.new)),
            ) else {
                continue;
            };
            let found = access::difference(
                (Some(&old), before, change.from),
                (Some(&new), after, change.to),
            );
            let fate = |when, row| format!("insert by {} {when} writes {row}", quote(role));
            let found = match found {
                Ok(found) => found,
                Err(undecided) => {
                    let by = constraints::column(column.table, &column.new.name);
                    let fate = format!("{by} changes, {undecided}");
                    told.push(Hazard::WidensAccess(Subject::new(&object, fate)));
                    continue;
                }
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

/// Which rows an insert may write under a policy whose check reads the column, itself or through a generated one: those
/// with its default, if the column is told that nobody else fills.
fn written(policy: &Policy, table: &Table, name: &str, column: Option<&Column>) -> Option<Expr> {
    let mut check = policy.check.clone().or_else(|| policy.using.clone())?;
    // A generated column reads no other one.
    let computed = table.columns.iter().filter_map(|it| {
        let expr = it.computed.as_ref()?;
        (check.columns.contains(&it.name) && expr.columns.contains(name)).then_some((it, expr))
    });
    let computed: Vec<(&Column, &Expr)> = computed.collect();
    if computed.is_empty() && !check.columns.contains(name) {
        return None;
    }
    let Some(column) = column.filter(|it| it.generated.is_none() && it.computed.is_none()) else {
        return Some(check);
    };
    let mut sql = format!("({}) and {}", check.sql, filled(column));
    check.columns.insert(name.to_owned());
    for (column, expr) in computed {
        sql = format!("{sql} and {}", holds(column, &expr.sql));
        check.columns.extend(expr.columns.iter().cloned());
    }
    Some(Expr { sql, ..check })
}

/// That a column holds its default.
fn filled(column: &Column) -> String {
    let name = quote(&column.name);
    match &column.default {
        Some(default) if is_one(default) => format!("{name} = {default}"),
        Some(default) => holds(column, default),
        None => format!("{name} is null"),
    }
}

/// That a column holds what an expression gives, which is NULL only where the column may be.
fn holds(column: &Column, sql: &str) -> String {
    let name = quote(&column.name);
    let given = match column.ty {
        // A condition is taken apart where it stands by itself.
        Type::Bool => format!("{name} and ({sql}) or not {name} and not ({sql})"),
        _ => format!("{name} = ({sql})"),
    };
    match column.nullable {
        true => format!("({given} or {name} is null and ({sql}) is null)"),
        false => format!("({given})"),
    }
}

/// Whether a text is a literal that is not NULL, with its sign or without.
fn is_one(sql: &str) -> bool {
    let words = tokens(sql).unwrap_or_default();
    let (["-", word] | [word]) = words[..] else {
        return false;
    };
    let is_word = ["true", "false"]
        .iter()
        .any(|it| word.eq_ignore_ascii_case(it));
    is_word || word.contains('\'') || word.starts_with(|first: char| first.is_ascii_digit())
}
