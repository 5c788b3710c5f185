//! `columns(…)` of a policy: what a command may write.

use tabellion_sql::schema::Command;

use crate::Report;
use crate::ast::{Policy, Table};
use crate::predicate::plain;

use super::keys::known;

/// What each policy says of columns.
pub(super) fn written(table: &Table, report: &mut Report) {
    for policy in table.policies() {
        columns(table, policy, report);
    }
}

fn columns(table: &Table, policy: &Policy, report: &mut Report) {
    let Some(columns) = &policy.columns else {
        return;
    };
    let own = &policy.name.value;
    if policy.restrictive || !matches!(policy.command, Some(Command::Insert | Command::Update)) {
        let why = match policy.restrictive {
            true => "allows nothing, and so grants no columns",
            false => "is not for what is written to columns",
        };
        report.at(
            columns.span,
            format!(
                "policy `{own}` {why}; `columns(...)` stands with a permissive `insert` or `update`"
            ),
        );
        return;
    }
    let mut seen: Vec<String> = Vec::new();
    for field in &columns.value {
        if !known(table, field, report) {
            continue;
        }
        let name = plain(field);
        if seen.contains(&name) {
            report.at(
                field.span(),
                format!("`{name}` stands twice in the `columns` of policy `{own}`; remove one"),
            );
        }
        seen.push(name.clone());
        if table
            .column(field)
            .is_some_and(|column| !column.is_settable())
        {
            report.at(
                field.span(),
                format!(
                    "no statement sets `{name}`; leave it out of the `columns` of policy `{own}`"
                ),
            );
        }
    }
    if policy.command == Some(Command::Insert) {
        let required = table.columns.iter().filter(|column| column.is_required());
        let missing: Vec<String> = required
            .map(|column| plain(&column.ident))
            .filter(|name| !seen.contains(name))
            .map(|name| format!("`{name}`"))
            .collect();
        if !missing.is_empty() {
            report.at(
                columns.span,
                format!(
                    "policy `{own}` lets nobody insert {}, without which there is no row; add {} to its `columns`",
                    missing.join(", "),
                    if missing.len() == 1 { "it" } else { "them" },
                ),
            );
        }
    }
}
