//! What a new table needs, closed before it is opened.

use std::collections::BTreeSet;

use crate::ident::{quote, quote_literal};
use crate::schema::{Platform, QualifiedName, Table};

use super::change::Columns;
use super::hazard::LockMode;
use super::statements::{Plan, Step};
use super::{constraints, partitions, render, rls, touch};

/// Everything about a new table but its foreign keys, which wait for the other tables.
pub(super) fn table(name: &QualifiedName, table: &Table, platform: Platform, plan: &mut Plan) {
    let mut lines: Vec<String> = table.columns.iter().map(render::column).collect();
    let mut constraint = |name: &str, definition: String| {
        lines.push(format!("constraint {} {definition}", quote(name)))
    };
    let mut keys = Vec::new();
    if let Some(key) = &table.primary_key {
        constraint(&key.name, render::primary_key(key));
        keys.push(constraints::of_key(key));
    }
    // Of two keys that are alike, or two exclusions, PostgreSQL would make one alone.
    let (twins, uniques): (Vec<_>, Vec<_>) = table.uniques.iter().partition(|(_, unique)| {
        let is_twin = keys.contains(*unique);
        keys.push((*unique).clone());
        is_twin
    });
    for (name, unique) in uniques {
        constraint(name, render::unique(unique));
    }
    for (name, check) in &table.checks {
        constraint(name, render::check(check));
    }
    let mut known = Vec::new();
    let (twin_exclusions, exclusions): (Vec<_>, Vec<_>) =
        table.exclusions.iter().partition(|(_, exclusion)| {
            let is_twin = known.contains(exclusion);
            known.push(*exclusion);
            is_twin
        });
    for (name, exclusion) in exclusions {
        constraint(name, render::exclusion(exclusion));
    }
    let by = table
        .partition_by
        .as_ref()
        .map_or(String::new(), |by| format!(" {}", partitions::clause(by)));
    let group = plan.group(&table.source);
    group.push(format!(
        "create table {name} (\n  {}\n){by}",
        lines.join(",\n  ")
    ));
    for (twin, unique) in twins {
        group.push(constraints::add(name, twin, &render::unique(unique)));
    }
    for (twin, exclusion) in twin_exclusions {
        group.push(constraints::add(name, twin, &render::exclusion(exclusion)));
    }
    // Row-level security and the revokes stand before a row or a grant can.
    rls::enable(name, table, group);
    rls::revoke_defaults(name, table, platform, group);
    for (index, definition) in &table.indexes {
        group.push(render::index(name, index, definition, ""));
    }
    let all: Vec<&String> = table.partitions.keys().collect();
    partitions::create(name, table, &all, platform, group, |_, _| {});
    touch::triggers(name, table, group);
    if !rls::reads_other_tables(table) {
        rls::open(name, table, group);
    }
    comments(name, None, table, plan);
}

/// The comments that `after` has and `before` lacks, or has otherwise.
pub(super) fn comments(
    name: &QualifiedName,
    before: Option<&Table>,
    after: &Table,
    plan: &mut Plan,
) {
    let group = plan.group(&after.source);
    let mut say = |on: String, from: Option<&String>, to: Option<&String>| {
        if from != to {
            let text = to.map_or("null".to_owned(), |text| quote_literal(text));
            group.push(
                Step::new(format!("comment on {on} is {text}"))
                    .locks(LockMode::ShareUpdateExclusive, name),
            );
        }
    };
    let reason = |table: &Table| rls::table_comment(table);
    say(
        format!("table {name}"),
        before.and_then(reason).as_ref(),
        reason(after).as_ref(),
    );
    let replaced = before.map_or_else(BTreeSet::new, |table| Columns::of(table, after).replaced);
    for column in &after.columns {
        let earlier = before.filter(|_| !replaced.contains(&column.name));
        let earlier = earlier.and_then(|table| table.column(&column.name));
        say(
            format!("column {name}.{}", quote(&column.name)),
            earlier.and_then(|column| column.comment.as_ref()),
            column.comment.as_ref(),
        );
    }
}
