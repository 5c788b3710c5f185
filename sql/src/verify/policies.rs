//! Policies that read other tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Command, Expr, Policy, QualifiedName, Rls, Schema, Table};

use super::Finding;

/// The tables that are read by policies, by their names as policies write them; none where no policy reads one.
pub(super) fn read_by_policies(schema: &Schema) -> BTreeMap<String, QualifiedName> {
    let policies = schema
        .tables
        .values()
        .flat_map(|table| table.rls.policies());
    let mut exprs = policies.flat_map(|(_, policy)| exprs(policy));
    if exprs.all(|expr| expr.tables.is_empty()) {
        return BTreeMap::new();
    }
    let names = schema.tables.keys();
    names.map(|name| (name.to_string(), name.clone())).collect()
}

fn exprs(policy: &Policy) -> impl Iterator<Item = &Expr> {
    policy.using.iter().chain(&policy.check)
}

/// Leaves a membership to a function where the policies of the table that it is looked up in lead back to its own,
/// and to no function anywhere else.
///
/// PostgreSQL refuses a query of policies that lead back. A function has the rights of its owner, so that the
/// policies of what it reads do not hold for it.
/// It takes a schema in which each membership that a function can look up has one.
pub fn settle_lookups(schema: &mut Schema) {
    let names = read_by_policies(schema);
    if names.is_empty() {
        return;
    }
    let whole = schema.clone();
    for (name, table) in &mut schema.tables {
        let Rls::Enabled(policies) = &mut table.rls else {
            continue;
        };
        for policy in policies.values_mut() {
            for expr in policy.using.iter_mut().chain(&mut policy.check) {
                expr.lookups.retain(|_, lookup| {
                    let other = names.get(&lookup.table);
                    other.is_some_and(|other| leads_to(&whole, &names, all, other, name))
                });
            }
        }
    }
}

/// What a policy reads of another table is read as whoever asks: that role needs the right to it, and the
/// other table's own policies hold. Where they lead back, PostgreSQL refuses every query.
pub(super) fn other_tables(
    schema: &Schema,
    names: &BTreeMap<String, QualifiedName>,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    let own = &name.name;
    for (policy, definition) in table.rls.policies() {
        let read: BTreeSet<&String> = exprs(definition).flat_map(by_itself).collect();
        let read = read.into_iter().filter_map(|read| names.get(read));
        for other_name in read {
            let other = &schema.tables[other_name];
            let other_table = &other_name.name;
            for role in &definition.roles {
                let granted = other.grants.get(role);
                if granted.is_some_and(|granted| granted.contains(&Command::Select)) {
                    continue;
                }
                let message = format!(
                    "policy `{policy}` on `{own}` reads `{other_table}` as role `{role}`, which may not; add a \
                     `select` policy for the scope of that role to `{other_table}`"
                );
                findings.push(Finding::new(name, None, message));
            }
            if leads_to(schema, names, by_itself, other_name, name) {
                let message = format!(
                    "policy `{policy}` on `{own}` reads `{other_table}`, whose policies read `{own}` again, and \
                     PostgreSQL refuses such a query; let those of `{other_table}` say it without `{own}`, or \
                     write what is read as `exists(…)` over texts, integers and UUIDs, which a function looks up"
                );
                findings.push(Finding::new(name, None, message));
            }
        }
    }
}

/// What an expression reads, itself or by a function.
fn all(expr: &Expr) -> Vec<&String> {
    expr.tables.iter().collect()
}

/// What an expression reads as whoever asks.
fn by_itself(expr: &Expr) -> Vec<&String> {
    expr.reads().collect()
}

/// Whether the policies of `from`, and of what those read, read `to`.
fn leads_to(
    schema: &Schema,
    names: &BTreeMap<String, QualifiedName>,
    reads: fn(&Expr) -> Vec<&String>,
    from: &QualifiedName,
    to: &QualifiedName,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut queue = vec![from];
    while let Some(name) = queue.pop() {
        if name == to {
            return true;
        }
        if !seen.insert(name) {
            continue;
        }
        let table: Option<&Table> = schema.tables.get(name);
        let policies = table.into_iter().flat_map(|table| table.rls.policies());
        let exprs = policies.flat_map(|(_, policy)| exprs(policy));
        queue.extend(exprs.flat_map(reads).filter_map(|read| names.get(read)));
    }
    false
}
