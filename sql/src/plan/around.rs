//! What stands around tables: roles, PostgreSQL schemas, extensions.

use std::collections::BTreeSet;

use crate::ident::{quote, quote_dollar, quote_literal};
use crate::schema::{Role, Schema};

use super::statements::Plan;

/// Roles are shared by every database of a server: one is created where it is missing, and never dropped.
pub(super) fn roles(from: &Schema, to: &Schema, plan: &mut Plan) {
    for (name, role) in &to.roles {
        if *role == Role::External || from.roles.get(name) == Some(role) {
            continue;
        }
        let (literal, ident) = (quote_literal(name), quote(name));
        let body = format!(
            "begin\n  \
             if not exists (select from pg_catalog.pg_roles where rolname = {literal}) then\n    \
             create role {ident} nologin noinherit;\n  \
             end if;\n\
             exception when duplicate_object or unique_violation then\n  \
             null; -- another database of this server created it at the same moment\n\
             end"
        );
        plan.group("roles")
            .push(format!("do {}", quote_dollar(&body)));
    }
}

/// An extension is installed where it is missing, and never dropped: others may have come to need it.
pub(super) fn extensions(from: &Schema, to: &Schema, plan: &mut Plan) {
    for (name, extension) in &to.extensions {
        if from.extensions.contains_key(name) {
            continue;
        }
        let mut text = format!("create extension if not exists {}", quote(name));
        if let Some(schema) = &extension.schema {
            text.push_str(&format!(" with schema {}", quote(schema)));
        }
        plan.group("extensions").push(text);
    }
}

/// Creates the PostgreSQL schemas that are new, and lets those use them who are granted something there.
pub(super) fn namespaces(from: &Schema, to: &Schema, plan: &mut Plan) {
    let existing = from.namespaces();
    for namespace in to.namespaces() {
        if namespace == "public" {
            continue;
        }
        let ident = quote(namespace);
        let users = |schema: &Schema| -> BTreeSet<String> {
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

/// Drops the PostgreSQL schemas that have become empty.
pub(super) fn drop_namespaces(from: &Schema, to: &Schema, plan: &mut Plan) {
    let kept = to.namespaces();
    for namespace in from.namespaces() {
        if namespace != "public" && !kept.contains(namespace) {
            let ident = quote(namespace);
            plan.group(&format!("schema {ident}"))
                .push(format!("drop schema {ident}"));
        }
    }
}
