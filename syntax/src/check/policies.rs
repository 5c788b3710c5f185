//! What policies say together, and what they leave open.

use tabellion_sql::rule::{update_of_every_row, with_code};
use tabellion_sql::schema::Command;

use crate::Report;
use crate::ast::{PathRef, Policy, Rls, Table};
use crate::predicate::{Literal, Node, Predicate, Value};

pub(super) fn policies(table: &Table, scope_tried: bool, report: &mut Report) {
    let needs_role = match &table.rls {
        Rls::Policies(policies) => policies
            .iter()
            .find(|policy| policy.scope.is_none())
            .map(|policy| policy.name.span),
        Rls::None { allow, .. } if !allow.is_empty() => Some(table.name.span),
        _ => None,
    };
    if let (Some(span), None, false) = (needs_role, &table.scope, scope_tried) {
        report.at(
            span,
            format!(
                "table `{}` says what is allowed but not to whom; add `scope = ...` to `#[table(...)]`",
                table.name.value
            ),
        );
    }
    let mut scopes: Vec<Option<&PathRef>> = Vec::new();
    for policy in table.policies() {
        let scope = table.scope_of(policy);
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
        if !policy.restrictive {
            update_sees_all(table, policy, report);
        }
    }
    for scope in scopes {
        let of_scope = |policy: &&Policy| table.scope_of(policy) == scope;
        let policies: Vec<&Policy> = table.policies().iter().filter(of_scope).collect();
        one_per_command(table, &policies, report);
        only_restricted(table, &policies, report);
    }
}

/// A restrictive policy takes away from what permissive ones allow.
fn only_restricted(table: &Table, policies: &[&Policy], report: &mut Report) {
    if let Some(first) = policies.first()
        && policies.iter().all(|policy| policy.restrictive)
    {
        report.at(
            first.name.span,
            format!(
                "policy `{}` on `{}` takes away from what other policies allow, and there is none; \
                 add one without `restrictive`",
                first.name.value, table.name.value
            ),
        );
    }
}

/// Two permissive policies for one command make an OR that no index serves.
fn one_per_command(table: &Table, policies: &[&Policy], report: &mut Report) {
    // A policy that clashes on several commands is named once.
    let mut reported = Vec::new();
    for command in Command::ALL {
        let mut both = policies
            .iter()
            .filter(|policy| !policy.restrictive && policy.is_for(command));
        let (Some(first), Some(second)) = (both.next(), both.next()) else {
            continue;
        };
        if reported.contains(&&second.name.value) {
            continue;
        }
        reported.push(&second.name.value);
        report.at(
            second.name.span,
            with_code(
                &format!(
                    "table `{}` has two policies for `{command}`: `{}` and `{}`; combine them with `||` in one",
                    table.name.value, first.name.value, second.name.value
                ),
                "second-permissive",
            ),
        );
    }
}

/// `UPDATE … USING (true)`: without WHERE and RETURNING it never consults the SELECT policy.
fn update_sees_all(table: &Table, policy: &Policy, report: &mut Report) {
    let allows_update = policy.is_for(Command::Update);
    let sees_all = match &policy.using {
        Some(Predicate::Typed(Node::Truth(Value::Literal(Literal::Bool(true), _)))) => true,
        Some(Predicate::Sql(sql, _)) => {
            let bare = sql.trim_matches(|c: char| c.is_whitespace() || c == '(' || c == ')');
            bare.eq_ignore_ascii_case("true")
        }
        _ => false,
    };
    if allows_update && sees_all {
        report.at(
            policy.name.span,
            update_of_every_row(&policy.name.value, &table.name.value),
        );
    }
}
