//! The roles of a sealed schema as the server has them: whether they exist, and what they, and the logins that become
//! them, may do that no grant and no policy of the schema gives.

use std::collections::BTreeMap;

use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::{Platform, Role, Schema};
use tokio_postgres::Client;

use super::connect::NO_PATH;
use super::error::MigrateError;
use super::verify::{list, rows};
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

/// Whom policies are to bind: the roles of a schema, but for the administrators, and the logins that become one of
/// them. A query that gives `oid`.
///
/// Neither a login that owns every table, which may act for tenants too since the tables are FORCED, nor who becomes one
/// of them as a member of such an owner alone, nor the login that asks and could own them all. Since PostgreSQL 16
/// whoever creates a role is a member that may grant it, and no more.
const BOUND: &str = "
with recursive owners (oid) as (
  select c.relowner
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where (n.nspname, c.relname) in ({tables})
),
sole (oid) as (
  select pg_catalog.max(o.oid) from owners o join pg_catalog.pg_roles r using (oid)
  having pg_catalog.count(distinct o.oid) = 1 and not coalesce(pg_catalog.bool_or(r.rolname in ({roles})), false)
),
acting (oid) as (
  select r.oid from pg_catalog.pg_roles r where r.rolname in ({roles})
  union
  select m.member from pg_catalog.pg_auth_members m join acting a on a.oid = m.roleid,
    pg_catalog.to_jsonb(m) as option
  where coalesce(option ->> 'set_option' = 'true' or option ->> 'inherit_option' = 'true', true)
    and a.oid not in (select oid from sole)
)
select r.oid from pg_catalog.pg_roles r join acting using (oid)
where r.rolname in ({roles}) or r.rolcanlogin and {is_login} and r.oid not in (select oid from sole)
  and not (r.rolname in (current_user, session_user) and coalesce((
    select pg_catalog.bool_and(pg_catalog.pg_has_role(r.oid, o.oid, 'member')) from owners o), r.rolsuper))";

/// The same for a schema.
pub(super) fn bound(schema: &Schema) -> String {
    let administrators = administrators(schema.platform);
    let roles = schema.roles.keys().map(String::as_str);
    let roles = list(roles.filter(|role| !administrators.contains(role)));
    let mut tables = vec!["(null, null)".to_owned()];
    for (name, table) in &schema.tables {
        let relations = table.partitions.keys().chain([&name.name]);
        let home = quote_literal(&name.schema);
        tables.extend(relations.map(|it| format!("({home}, {})", quote_literal(it))));
    }
    BOUND
        .replace("{roles}", &roles)
        .replace("{tables}", &tables.join(", "))
        .replace(
            "{is_login}",
            match schema.platform {
                Platform::Postgres => "true",
                // The platform's own logins are beyond what a schema can promise; its API comes in by this one.
                Platform::Supabase => "r.rolname = 'authenticator'",
            },
        )
}

/// What each of these may do: its name, and its powers.
///
/// Membership counts whether inherited or not, since `set role` reaches it; that in another role of the schema too,
/// for then who acts for one scope acts for both; a login may. CREATEROLE gives on PostgreSQL 15 every role that is
/// no superuser, and REPLICATION reads every row that is written. The drawn tests ask the same (`proof/engine/roles.sql`
/// of `tabellion-sql`). Source: <https://www.postgresql.org/docs/15/predefined-roles.html>.
const POWERS: &str = "
with bound as ({bound}),
owned (oid, name) as (
  select d.datdba, 'the database' from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
  union all
  select n.nspowner, 'schema ' || pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_namespace n
  where n.nspname in ({schemas})
),
powers as (
  select r.oid, pg_catalog.concat_ws(', ',
    case when r.rolsuper then 'superuser' end,
    case when r.rolbypassrls then 'bypassrls' end,
    case when r.rolcreaterole then 'createrole' end,
    case when r.rolreplication then 'replication' end,
    (select pg_catalog.string_agg('owner of ' || o.name, ', ' order by o.name collate \"C\")
     from owned o where o.oid = r.oid)) as own,
    r.rolsuper or r.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',
      'pg_write_server_files', 'pg_execute_server_program') as is_all
  from pg_catalog.pg_roles r
)
select r.rolname, pg_catalog.concat_ws(', ', nullif(w.own, ''),
  case when r.rolcanlogin and r.rolname in ({made}) then 'login' end,
  case when not r.rolsuper then (
    select pg_catalog.string_agg('member of ' || pg_catalog.quote_ident(p.rolname), ', '
      order by p.rolname collate \"C\")
    from pg_catalog.pg_roles p join powers v using (oid)
    where p.oid <> r.oid and p.rolname <> 'pg_database_owner' and pg_catalog.pg_has_role(r.oid, p.oid, 'member')
      and (v.is_all
        or r.rolname in ({names}) and p.rolname in ({names})
        or v.own <> '' and (r.rolname in ({names}) or {is_strict}))) end)
from pg_catalog.pg_roles r join powers w using (oid)
where r.rolname in ({names}) or r.oid in (select oid from bound)";

/// Looks the schema's roles up, and the logins that become one of them, in one query.
pub(super) async fn look(client: &Client, schema: &Schema) -> Result<Roles, MigrateError> {
    if schema.roles.is_empty() {
        return Ok(Roles::default());
    }
    // A migration makes them without login.
    let made = schema
        .roles
        .iter()
        .filter(|(_, own)| **own == Role::Created);
    let query = POWERS
        .replace("{bound}", &bound(schema))
        .replace("{schemas}", &list(schema.namespaces()))
        .replace("{made}", &list(made.map(|(role, _)| role.as_str())))
        .replace("{names}", &list(schema.roles.keys().map(String::as_str)))
        // Supabase's own login becomes its administrators too.
        .replace(
            "{is_strict}",
            match schema.platform {
                Platform::Postgres => "true",
                Platform::Supabase => "false",
            },
        );
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages = messages.map_err(|error| MigrateError::server("reading the roles", &error))?;
    let found: BTreeMap<&str, &str> = rows(&messages)
        .filter_map(|row| Some((row.get(0)?, row.get(1)?)))
        .collect();
    let administrators = administrators(schema.platform);
    let powers = found
        .iter()
        .filter(|(role, power)| !power.is_empty() && !administrators.contains(role));
    let missing = schema
        .roles
        .keys()
        .filter(|role| !found.contains_key(role.as_str()));
    Ok(Roles {
        missing: missing.cloned().collect(),
        powers: powers.map(|(role, power)| finding(role, power)).collect(),
    })
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
