//! Diff two schemas, and write the statements that lead from one to the other.
//!
//! A rollback is the same plan with its ends exchanged, so there is no second reading of a change.
//!
//! The order keeps two promises. It is always valid: foreign keys leave before the tables that they
//! name and arrive after them; what reads a column steps aside while the column changes.
//! And no moment is more open than both ends: privileges are the first to go and the last to come,
//! and a new table is closed before it is granted to anyone.

mod alter;
mod create;
mod drop;
mod foreign_keys;
mod hazard;
mod numbering;
mod rls;
mod statements;

use crate::ident::{quote, quote_literal};
use crate::schema::{Role, Schema};

pub use hazard::{Hazard, LockMode, Subject};
pub use statements::{Group, Plan};

/// The plan that leads from one schema to another; empty where they do not differ.
pub fn plan(from: &Schema, to: &Schema) -> Plan {
    let mut plan = Plan::default();
    roles(from, to, &mut plan);
    namespaces(from, to, &mut plan);
    let change = alter::Change::new(from, to);
    alter::close(&change, &mut plan);
    let dropped = foreign_keys::drop(from, to, &mut plan);
    for (name, before) in &from.tables {
        if let Some(after) = to.tables.get(name) {
            alter::clear(name, before, after, &mut plan);
        }
    }
    for (name, table) in from.tables.iter().rev() {
        if !to.tables.contains_key(name) {
            drop::table(name, table, &mut plan);
        }
    }
    // Policies that read other tables wait until all tables are there, and their grants with them.
    for (name, after) in &to.tables {
        match from.tables.get(name) {
            None => create::table(name, after, to.platform, &mut plan),
            Some(before) => {
                alter::build(name, before, after, to.platform, &mut plan);
                if !rls::reads_other_tables(after) {
                    alter::open(&change, name, before, after, &mut plan);
                }
            }
        }
    }
    foreign_keys::add(from, to, &dropped, &mut plan);
    for (name, after) in &to.tables {
        if !rls::reads_other_tables(after) {
            continue;
        }
        match from.tables.get(name) {
            None => rls::open(name, after, plan.group(&after.source)),
            Some(before) => alter::open(&change, name, before, after, &mut plan),
        }
    }
    drop_namespaces(from, to, &mut plan);
    plan
}

/// Roles are shared by every database of a server: one is created where it is missing, and never dropped.
fn roles(from: &Schema, to: &Schema, plan: &mut Plan) {
    for (name, role) in &to.roles {
        if *role == Role::External || from.roles.get(name) == Some(role) {
            continue;
        }
        let (literal, ident) = (quote_literal(name), quote(name));
        plan.group("roles").push(format!(
            "do $$\nbegin\n  \
             if not exists (select from pg_catalog.pg_roles where rolname = {literal}) then\n    \
             create role {ident} nologin noinherit;\n  \
             end if;\n\
             exception when duplicate_object or unique_violation then\n  \
             null; -- another database of this server created it at the same moment\n\
             end\n$$"
        ));
    }
}

fn namespaces(from: &Schema, to: &Schema, plan: &mut Plan) {
    let existing = from.namespaces();
    for namespace in to.namespaces() {
        if namespace == "public" {
            continue;
        }
        let ident = quote(namespace);
        let users = |schema: &Schema| -> std::collections::BTreeSet<String> {
            let tables = schema.tables.iter();
            tables
                .filter(|(name, _)| name.schema == namespace)
                .flat_map(|(_, table)| table.grants.keys().cloned())
                .collect()
        };
        let (before, after) = (users(from), users(to));
        let group = plan.group(&format!("schema {ident}"));
        if !existing.contains(namespace) {
            group.push(format!("create schema {ident}"));
        }
        for role in after.difference(&before) {
            group.push(format!("grant usage on schema {ident} to {}", quote(role)));
        }
        for role in before.difference(&after) {
            group.push(format!(
                "revoke usage on schema {ident} from {}",
                quote(role)
            ));
        }
    }
}

fn drop_namespaces(from: &Schema, to: &Schema, plan: &mut Plan) {
    let kept = to.namespaces();
    for namespace in from.namespaces() {
        if namespace != "public" && !kept.contains(namespace) {
            let ident = quote(namespace);
            plan.group(&format!("schema {ident}"))
                .push(format!("drop schema {ident}"));
        }
    }
}
