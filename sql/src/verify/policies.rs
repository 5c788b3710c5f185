//! Policies that meet in one role.

use crate::schema::{Command, QualifiedName, Table};

use super::Finding;

/// Two permissive policies for one command and role make an OR, which no index serves. One struct shows
/// that of one scope; that two scopes share a role, only the whole schema.
pub(super) fn policies(name: &QualifiedName, table: &Table, findings: &mut Vec<Finding>) {
    let mut told = Vec::new();
    for command in Command::ALL {
        let policies = table.rls.policies().iter();
        let permissive: Vec<_> = policies
            .filter(|(_, policy)| !policy.restrictive && policy.commands().contains(&command))
            .collect();
        for (index, &(first, one)) in permissive.iter().enumerate() {
            for &(second, other) in &permissive[index + 1..] {
                let Some(role) = one.roles.intersection(&other.roles).next() else {
                    continue;
                };
                // Policies that meet in several commands are named once.
                if told.contains(&(first, second)) {
                    continue;
                }
                told.push((first, second));
                let table = &name.name;
                let message = format!(
                    "table `{table}` has two policies for `{command}` and role `{role}`: `{first}` and \
                     `{second}`; give their scopes roles of their own, or combine them with `||` in one"
                );
                findings.push(Finding::new(name, None, message));
            }
        }
    }
}
