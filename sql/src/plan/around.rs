//! What stands around tables: roles, PostgreSQL schemas, extensions.

use std::collections::BTreeSet;

use crate::ident::{quote, quote_dollar, quote_literal};
use crate::schema::{Platform, Role, Schema, extension};

use super::statements::{Group, Plan};

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

/// Whether a PostgreSQL schema is there without us and has its own rules on who may use it.
fn is_given(schema: &Schema, namespace: &str) -> bool {
    let of_platform = schema.platform == Platform::Supabase && namespace == "extensions";
    namespace == "public" || of_platform
}

/// The PostgreSQL schemas that hold an extension, and so stay where they are.
fn homes<'a>(from: &'a Schema, to: &'a Schema) -> BTreeSet<&'a str> {
    let both = extension::homes(&from.extensions).chain(extension::homes(&to.extensions));
    both.collect()
}

/// An extension is installed where it is missing, and never dropped: others may have come to need it.
/// So is the PostgreSQL schema that it is to lie in, which the roles must be allowed to use: for one
/// that may not, its operators are not on the search path.
pub(super) fn extensions(from: &Schema, to: &Schema, plan: &mut Plan) {
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) = (
        extension::homes(&from.extensions).collect(),
        extension::homes(&to.extensions).collect(),
    );
    let group = plan.group("extensions");
    for home in after.into_iter().filter(|home| !is_given(to, home)) {
        let ident = quote(home);
        let is_new = !before.contains(home);
        if is_new && !to.external_schemas.contains(home) {
            group.push(format!("create schema if not exists {ident}"));
        }
        let roles = to.roles.keys();
        for role in roles.filter(|role| is_new || !from.roles.contains_key(*role)) {
            group.push(format!("grant usage on schema {ident} to {}", quote(role)));
        }
    }
    for (name, extension) in &to.extensions {
        if from.extensions.contains_key(name) {
            continue;
        }
        let mut text = format!("create extension if not exists {}", quote(name));
        if let Some(schema) = &extension.schema {
            text.push_str(&format!(" with schema {}", quote(schema)));
        }
        group.push(text);
    }
}

/// Lets expressions find the operators and functions of extensions that lie in a PostgreSQL schema of
/// their own, for this transaction only, behind whatever the login finds by itself. Without it `=` on a
/// `citext` would quietly compare as text.
pub(super) fn search_path(from: &Schema, to: &Schema, plan: &mut Plan) {
    let homes = homes(from, to);
    if homes.is_empty() || plan.is_empty() {
        return;
    }
    let homes: Vec<String> = homes
        .into_iter()
        .map(|home| quote_literal(&quote(home)))
        .collect();
    let mut first = Group::new("extensions");
    first.push(format!(
        "select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', \
         nullif(pg_catalog.current_setting('search_path'), ''), {}), true)",
        homes.join(", ")
    ));
    plan.groups.insert(0, first);
}

/// Creates the PostgreSQL schemas that are new, and lets those use them who are granted something there.
/// One of someone else keeps what it grants.
pub(super) fn namespaces(from: &Schema, to: &Schema, plan: &mut Plan) {
    let existing = from.namespaces();
    let homes = homes(from, to);
    for namespace in to.namespaces() {
        if namespace == "public" {
            continue;
        }
        let ident = quote(namespace);
        let users = |schema: &Schema| -> BTreeSet<String> {
            let tables = schema.tables.iter();
            tables
                .filter(|(name, _)| name.schema == namespace)
                .flat_map(|(_, table)| table.grantees())
                .map(str::to_owned)
                .collect()
        };
        let (before, after) = (users(from), users(to));
        let group = plan.group(&format!("schema {ident}"));
        let is_external = to.external_schemas.contains(namespace);
        if !existing.contains(namespace) && !is_external {
            let how = if homes.contains(namespace) {
                "if not exists "
            } else {
                ""
            };
            group.push(format!("create schema {how}{ident}"));
        }
        for role in after.difference(&before) {
            group.push(format!("grant usage on schema {ident} to {}", quote(role)));
        }
        let revoked = before.difference(&after).filter(|_| !is_external);
        for role in revoked {
            group.push(format!(
                "revoke usage on schema {ident} from {}",
                quote(role)
            ));
        }
    }
}

/// Drops the PostgreSQL schemas that have become empty, those of someone else left alone.
pub(super) fn drop_namespaces(from: &Schema, to: &Schema, plan: &mut Plan) {
    let kept = to.namespaces();
    let homes = homes(from, to);
    let stays = |namespace: &str| {
        let schemas = [from, to];
        let mut externals = schemas.iter().map(|schema| &schema.external_schemas);
        namespace == "public"
            || kept.contains(namespace)
            || homes.contains(namespace)
            || externals.any(|external| external.contains(namespace))
    };
    for namespace in from.namespaces() {
        if !stays(namespace) {
            let ident = quote(namespace);
            plan.group(&format!("schema {ident}"))
                .push(format!("drop schema {ident}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan::plan;
    use crate::schema::{Command, Extension, QualifiedName, Table};

    fn app() -> Schema {
        let table = Table {
            grants: BTreeMap::from([("app".into(), BTreeSet::from([Command::Select]))]),
            ..Table::new("shop::Note")
        };
        Schema {
            tables: BTreeMap::from([(QualifiedName::new("app", "note"), table)]),
            ..Schema::default()
        }
    }

    #[test]
    fn a_schema_of_someone_else_is_neither_created_nor_dropped() {
        let (nothing, own) = (Schema::default(), app());
        assert!(plan(&nothing, &own).body().contains("create schema app;"));
        assert!(plan(&own, &nothing).body().contains("drop schema app;"));
        let mut external = own.clone();
        external.external_schemas.insert("app".into());
        let up = plan(&nothing, &external).body();
        assert!(!up.contains("create schema"), "{up}");
        assert!(up.contains("grant usage on schema app to app;"), "{up}");
        for (from, to) in [(&external, &nothing), (&own, &external)] {
            let body = plan(from, to).body();
            assert!(!body.contains("schema app"), "{body}");
        }
    }

    #[test]
    fn a_schema_that_holds_an_extension_too_stays() {
        let mut with = app();
        let schema = Some("app".to_owned());
        with.extensions
            .insert("citext".into(), Extension { schema });
        let up = plan(&Schema::default(), &with).body();
        assert!(!up.contains("create schema app;"), "{up}");
        let down = plan(&with, &Schema::default()).body();
        assert!(!down.contains("drop schema"), "{down}");
    }
}
