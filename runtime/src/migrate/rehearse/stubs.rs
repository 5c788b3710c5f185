//! Stubs of what a schema refers to and does not own: tables with their columns and keys, schemas, and what
//! Supabase has in every database.

use std::collections::BTreeSet;

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{Platform, Schema, Type};
use tokio_postgres::Client;

use crate::migrate::error::{MigrateError, Problems};

/// Supabase's functions about who is asking, by the claims that its API sets, and the privileges that it
/// gives to everything new in `public`. They are parsed here, so that a role needs no USAGE on their schema, as it
/// needs none there. Source: <https://supabase.com/docs/guides/database/postgres/row-level-security>.
const SUPABASE: &str = r"
create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;
create or replace function auth.jwt() returns jsonb language sql stable set search_path = ''
  return nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb;
create or replace function auth.uid() returns uuid language sql stable set search_path = ''
  return nullif(auth.jwt() ->> 'sub', '')::pg_catalog.uuid;
create or replace function auth.role() returns text language sql stable set search_path = ''
  return auth.jwt() ->> 'role';
create or replace function auth.email() returns text language sql stable set search_path = ''
  return auth.jwt() ->> 'email';
create schema if not exists storage;
create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
";

/// Makes them; says what was made.
pub(in crate::migrate) async fn make(
    client: &Client,
    schema: &Schema,
) -> Result<Vec<String>, MigrateError> {
    no_foreign_type(schema)?;
    let mut sql = String::new();
    let mut said = Vec::new();
    if schema.platform == Platform::Supabase {
        sql.push_str(SUPABASE);
        said.push("stubs of Supabase's schemas `auth`, `storage`, `extensions` and the functions of `auth`".to_owned());
    }
    let foreign = schema.externals.keys().map(|name| &name.schema);
    let namespaces: BTreeSet<&String> = foreign.chain(&schema.external_schemas).collect();
    for namespace in namespaces {
        sql.push_str(&format!(
            "create schema if not exists {};\n",
            quote(namespace)
        ));
        if schema.external_schemas.contains(namespace) {
            said.push(format!("a stub of schema `{namespace}`"));
        }
    }
    let columns = schema.externals.values().flat_map(|table| &table.columns);
    if columns.into_iter().any(|column| is_named(&column.ty)) {
        sql.push_str(&extensions(schema));
    }
    for (name, table) in &schema.externals {
        let mut lines: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let null = if column.nullable { "" } else { " not null" };
                format!("{} {}{null}", quote(&column.name), column.ty)
            })
            .collect();
        for (index, key) in table.keys.iter().enumerate() {
            let kind = if index == 0 { "primary key" } else { "unique" };
            let columns: Vec<_> = key.iter().map(|column| quote(column)).collect();
            lines.push(format!("{kind} ({})", columns.join(", ")));
        }
        sql.push_str(&format!("create table {name} ({});\n", lines.join(", ")));
        said.push(format!("a stub of table `{name}`"));
    }
    if !sql.is_empty() {
        // What is outside `pg_catalog` is found where a login finds it by itself, and where extensions lie.
        let sql = format!("begin;{}{sql}commit", homes(schema));
        let made = client.batch_execute(&sql).await;
        if let Err(error) = made {
            let _ = client.batch_execute("rollback").await;
            return Err(MigrateError::server(
                "making stubs of what the schema refers to",
                &error,
            ));
        }
    }
    Ok(said)
}

/// Refuses a column whose type is in a PostgreSQL schema of someone else: the struct says what it is called, and
/// not what it is.
fn no_foreign_type(schema: &Schema) -> Result<(), MigrateError> {
    let mut problems = Vec::new();
    for (table, name, ty) in schema.tables.iter().flat_map(|(table, it)| {
        let columns = it.columns.iter();
        columns.map(move |column| (table, &column.name, &column.ty))
    }) {
        let mut element = ty;
        while let Type::Array(inner) = element {
            element = inner;
        }
        let Type::Named(text) = element else { continue };
        let namespaces = schema.external_schemas.iter();
        // One that holds an extension has its types once that is installed.
        let mut namespaces = namespaces.filter(|namespace| {
            let mut extensions = schema.extensions.values();
            !extensions.any(|extension| extension.schema.as_ref() == Some(namespace))
        });
        let of = |namespace: &&String| text.starts_with(&format!("{}.", quote(namespace)));
        if let Some(namespace) = namespaces.find(of) {
            problems.push(format!(
                "column `{}` of `{table}` has type `{text}`, and a scratch database has nothing of schema \
                 `{namespace}`, which is someone else's; rehearse on a copy of a database that has it, with \
                 `--on-copy-of TARGET`",
                quote(name)
            ));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(MigrateError::Files(Problems(problems))),
    }
}

fn is_named(ty: &Type) -> bool {
    match ty {
        Type::Named(_) => true,
        Type::Array(element) => is_named(element),
        _ => false,
    }
}

/// The extensions of the schema, ahead of the migrations that install them where they are missing.
fn extensions(schema: &Schema) -> String {
    let mut sql = String::new();
    for (name, extension) in &schema.extensions {
        let place = match &extension.schema {
            Some(home) => {
                sql.push_str(&format!("create schema if not exists {};\n", quote(home)));
                format!(" with schema {}", quote(home))
            }
            None => String::new(),
        };
        sql.push_str(&format!(
            "create extension if not exists {}{place};\n",
            quote(name)
        ));
    }
    sql
}

fn homes(schema: &Schema) -> String {
    let homes: BTreeSet<&String> = schema
        .extensions
        .values()
        .filter_map(|e| e.schema.as_ref())
        .collect();
    if homes.is_empty() {
        return String::new();
    }
    let homes: Vec<_> = homes.into_iter().map(|home| quote(home)).collect();
    format!("set local search_path = public, {};\n", homes.join(", "))
}
