//! Policies that read other tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Command, QualifiedName, Rls, Schema, Table};

use super::Finding;

/// The tables by their names as policies write them; none where no policy reads another table.
pub(super) fn read_by_policies(schema: &Schema) -> BTreeMap<String, &QualifiedName> {
    let policies = schema.tables.values().map(|table| &table.rls);
    let mut exprs = policies
        .flat_map(Rls::policies)
        .flat_map(|(_, policy)| policy.using.iter().chain(&policy.check));
    if exprs.all(|expr| expr.tables.is_empty()) {
        return BTreeMap::new();
    }
    let names = schema.tables.keys();
    names.map(|name| (name.to_string(), name)).collect()
}

/// What a policy reads of another table is read as whoever asks: that role needs the right to it, and the
/// other table's own policies hold. Where they lead back, PostgreSQL refuses every query.
pub(super) fn other_tables(
    schema: &Schema,
    names: &BTreeMap<String, &QualifiedName>,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    let own = &name.name;
    for (policy, definition) in table.rls.policies() {
        let exprs = definition.using.iter().chain(&definition.check);
        let read: BTreeSet<&String> = exprs.flat_map(|expr| &expr.tables).collect();
        let read = read.into_iter().filter_map(|read| names.get(read).copied());
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
            if leads_to(schema, names, other_name, name, &mut BTreeSet::new()) {
                let message = format!(
                    "policy `{policy}` on `{own}` reads `{other_table}`, whose policies read `{own}` again, and \
                     PostgreSQL refuses such a query; let those of `{other_table}` say it without `{own}`"
                );
                findings.push(Finding::new(name, None, message));
            }
        }
    }
}

/// Whether the policies of `from`, and of what those read, read `to`.
fn leads_to(
    schema: &Schema,
    names: &BTreeMap<String, &QualifiedName>,
    from: &QualifiedName,
    to: &QualifiedName,
    seen: &mut BTreeSet<QualifiedName>,
) -> bool {
    if from == to {
        return true;
    }
    let Some(table) = schema
        .tables
        .get(from)
        .filter(|_| seen.insert(from.clone()))
    else {
        return false;
    };
    let policies = table.rls.policies().values();
    let exprs = policies.flat_map(|policy| policy.using.iter().chain(&policy.check));
    let read: BTreeSet<&String> = exprs.flat_map(|expr| &expr.tables).collect();
    let mut next = read.into_iter().filter_map(|read| names.get(read));
    next.any(|next| leads_to(schema, names, next, to, seen))
}
