//! The roles of a sealed schema as the server has them: whether they exist, and what they may do that
//! no grant and no policy of the schema gives.

use std::collections::BTreeMap;

use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::{Platform, Role, Schema};
use tokio_postgres::Client;

use super::connect::NO_PATH;
use super::error::MigrateError;
use super::verify::rows;
use crate::catalog::{Change, Finding, Kind, Object};

/// What there is to say of the roles.
#[derive(Debug, Default)]
pub(super) struct Roles {
    /// Those that the server lacks.
    pub(super) missing: Vec<String>,
    /// Those that stand above the schema's grants and policies, a finding each.
    pub(super) powers: Vec<Finding>,
}

/// The roles that a platform gives every power, which is no drift.
pub(super) fn administrators(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Postgres => &[],
        // Default privileges grant them everything, and no policy binds them.
        Platform::Supabase => &["postgres", "service_role"],
    }
}

/// Looks the schema's roles up, in one query.
///
/// Membership counts whether inherited or not, since `set role` reaches it; that in another role of the schema too,
/// for then who acts for one scope acts for both. Source:
/// <https://www.postgresql.org/docs/15/predefined-roles.html>.
pub(super) async fn look(client: &Client, schema: &Schema) -> Result<Roles, MigrateError> {
    if schema.roles.is_empty() {
        return Ok(Roles::default());
    }
    let names: Vec<String> = schema
        .roles
        .keys()
        .map(|role| quote_literal(role))
        .collect();
    // A migration makes them without login.
    let created = schema
        .roles
        .iter()
        .filter(|(_, own)| **own == Role::Created);
    let mut made: Vec<String> = created.map(|(role, _)| quote_literal(role)).collect();
    made.push("null".into());
    let query = format!(
        "select r.rolname, pg_catalog.concat_ws(', ',
           case when r.rolsuper then 'superuser' end,
           case when r.rolbypassrls then 'bypassrls' end,
           case when r.rolcanlogin and r.rolname in ({}) then 'login' end,
           case when not r.rolsuper then (
             select pg_catalog.string_agg('member of ' || pg_catalog.quote_ident(p.rolname), ', '
               order by p.rolname collate \"C\")
             from pg_catalog.pg_roles p
             where p.oid <> r.oid and pg_catalog.pg_has_role(r.oid, p.oid, 'member')
               and (p.rolsuper or p.rolbypassrls or p.rolname in ({names})
                 or p.rolname in ('pg_read_all_data', 'pg_write_all_data'))) end)
         from pg_catalog.pg_roles r where r.rolname in ({names})",
        made.join(", "),
        names = names.join(", ")
    );
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages = messages.map_err(|error| MigrateError::server("reading the roles", &error))?;
    let found: BTreeMap<&str, &str> = rows(&messages)
        .filter_map(|row| Some((row.get(0)?, row.get(1)?)))
        .collect();
    let mut roles = Roles::default();
    for role in schema.roles.keys() {
        match found.get(role.as_str()) {
            None => roles.missing.push(role.clone()),
            Some(&power) => {
                let expected = administrators(schema.platform).contains(&role.as_str());
                if !power.is_empty() && !expected {
                    roles.powers.push(finding(role, power));
                }
            }
        }
    }
    Ok(roles)
}

fn finding(role: &str, power: &str) -> Finding {
    Finding {
        object: Object {
            schema: String::new(),
            relation: String::new(),
            kind: Kind::RolePower,
            name: role.to_owned(),
        },
        change: Change::Unexpected {
            found: power.to_owned(),
        },
    }
}
