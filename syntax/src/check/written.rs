//! `columns(…)` of a policy: what a command may write, or read.

use proc_macro2::Ident;
use tabellion_sql::schema::Command;

use crate::Report;
use crate::ast::{Column, Policy, Table};
use crate::predicate::plain;

use super::keys::named;

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
    let of_columns = [Command::Select, Command::Insert, Command::Update];
    if policy.restrictive || !policy.command.is_some_and(|it| of_columns.contains(&it)) {
        let why = match (policy.restrictive, policy.command) {
            (true, _) => "allows nothing, and so grants no columns",
            (false, Some(_)) => "is not for what is read or written by column",
            (false, None) => "is for deletes too, which are of no columns",
        };
        report.at(
            columns.span,
            format!(
                "policy `{own}` {why}; `columns(...)` stands with a permissive `select`, `insert` or `update`"
            ),
        );
        return;
    }
    let what = format!("the `columns` of policy `{own}`");
    let fields: Vec<&Ident> = columns.value.iter().collect();
    named(table, &what, &fields, report);
    if policy.command == Some(Command::Select) {
        return;
    }
    for field in &fields {
        if table
            .column(field)
            .is_some_and(|column| !column.is_settable())
        {
            report.at(
                field.span(),
                format!(
                    "no statement sets `{}`; leave it out of {what}",
                    plain(field)
                ),
            );
        }
    }
    if policy.command == Some(Command::Insert) {
        let is_named = |column: &Column| fields.iter().any(|field| table.is_field(column, field));
        let required = table.columns.iter().filter(|column| column.is_required());
        let missing: Vec<String> = required
            .filter(|column| !is_named(column))
            .map(|column| format!("`{}`", plain(&column.ident)))
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
