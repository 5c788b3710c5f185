//! Roles: all databases of a server share them. One that exists is left alone; one that was missing is
//! made, or left for a migration to make, and dropped at the end.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::{Platform, Role, Schema};
use tokio_postgres::Client;

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::verify::rows;

/// The roles that Supabase's servers have.
const SUPABASE: [&str; 3] = ["anon", "authenticated", "service_role"];

/// The comment on a role that a rehearsal has made, by which one of a killed run is found.
pub(super) const MADE: &str = "made by a rehearsal of Tabellion";

/// A role that the schema counts on, and the server lacks.
pub(super) struct Missing {
    pub(super) name: String,
    /// Whether no migration makes it.
    is_external: bool,
}

/// The roles that are missing on the server.
pub(super) async fn missing(
    client: &Client,
    schema: &Schema,
) -> Result<Vec<Missing>, MigrateError> {
    let mut wanted: BTreeMap<&str, bool> = schema
        .roles
        .iter()
        .map(|(name, role)| (name.as_str(), *role == Role::External))
        .collect();
    if schema.platform == Platform::Supabase {
        wanted.extend(SUPABASE.map(|name| (name, true)));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = wanted.keys().map(|name| quote_literal(name)).collect();
    let query = format!(
        "select rolname from pg_catalog.pg_roles where rolname in ({})",
        names.join(", ")
    );
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages = messages.map_err(|error| MigrateError::server("reading the roles", &error))?;
    for found in rows(&messages).filter_map(|row| row.get(0)) {
        wanted.remove(found);
    }
    Ok(wanted
        .into_iter()
        .map(|(name, is_external)| Missing {
            name: name.to_owned(),
            is_external,
        })
        .collect())
}

/// Makes those that no migration makes; says what was done.
pub(super) async fn make(
    client: &Client,
    missing: &[Missing],
) -> Result<Vec<String>, MigrateError> {
    let mut said = Vec::new();
    for Missing { name, is_external } in missing {
        if !is_external {
            said.push(format!(
                "role `{name}` did not exist: a migration makes it, and it is dropped at the end"
            ));
            continue;
        }
        let power = if name == "service_role" {
            " bypassrls"
        } else {
            ""
        };
        let role = quote(name);
        let make = format!(
            "create role {role} nologin{power}; comment on role {role} is {}",
            quote_literal(MADE)
        );
        let made = client.batch_execute(&make).await;
        match made {
            // Another rehearsal was faster.
            Err(error) if error.code().is_some_and(|code| code.code() == "42710") => {}
            made => made
                .map_err(|error| MigrateError::server("creating a role that is missing", &error))?,
        }
        said.push(format!(
            "role `{name}` did not exist: made for the rehearsal, and dropped at the end"
        ));
    }
    Ok(said)
}

/// The names of all roles of the server.
pub(super) async fn all(client: &Client) -> Result<BTreeSet<String>, MigrateError> {
    let query = "select rolname from pg_catalog.pg_roles";
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages = messages.map_err(|error| MigrateError::server("reading the roles", &error))?;
    let names = rows(&messages).filter_map(|row| row.get(0));
    Ok(names.map(str::to_owned).collect())
}

/// What has become of them that was no doing of the rehearsal's own, a sentence each.
pub(super) fn changed(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    let lost = before.difference(after).map(|role| {
        let quoted = quote(role);
        format!("role `{role}` is gone, maybe by a migration; `create role {quoted}` brings it back, empty")
    });
    let new = after.difference(before).map(|role| {
        let quoted = quote(role);
        format!("role `{role}` has come, maybe by a migration; `drop role {quoted}` removes it")
    });
    lost.chain(new).collect()
}
