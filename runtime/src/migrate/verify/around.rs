//! What no table holds: extensions and where they lie, who owns the tables and what numbers them, and what opens them
//! (`openings`).

use std::collections::BTreeMap;

use tabellion_sql::schema::{QualifiedName, Schema};
use tokio_postgres::Client;

use super::openings::{self, Openings};
use super::{list, rows};
use crate::catalog::{Change, Finding, Kind, Object, is_function};
use crate::migrate::error::MigrateError;
use crate::migrate::roles::{administrators, bound};

/// Each row: what it is about, schema, relation, name, what was found; of an owner also schema and name of the table or
/// function that the relation is, or numbers.
///
/// A function that looks memberships up finds nothing for an owner whom policies bind.
///
/// An owner can switch row-level security off. Expected are whoever owns the ledger or the database,
/// superusers, and the login that asks with the roles it is a member of; but no one whom a role of the
/// sealed schema, or a login that becomes it, can become.
const QUERY: &str = "
with trusted as (
  select r.oid from pg_catalog.pg_roles r
  where r.rolsuper or pg_catalog.pg_has_role(current_user, r.oid, 'member')
  union all
  select d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
  union all
  select c.relowner from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'tabellion' and c.relname = 'ledger'
),
bound as (
  select r.oid from pg_catalog.pg_roles r where r.oid in ({bound}) and not r.rolsuper
),
owned as (
  select n.nspname, c.relname::pg_catalog.text as name, c.relowner as owner, n.nspname as home,
    c.relname::pg_catalog.text as of
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ({schemas}) and c.relkind in ('r', 'p')
  union all
  select distinct m.nspname, s.relname::pg_catalog.text, s.relowner, n.nspname, c.relname::pg_catalog.text
  from pg_catalog.pg_attrdef f
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and d.objid = f.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S'
  join pg_catalog.pg_namespace m on m.oid = s.relnamespace
  join pg_catalog.pg_class c on c.oid = f.adrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ({schemas}) and s.relowner <> c.relowner
  union all
  select n.nspname, p.proname || '()', p.proowner, n.nspname, p.proname || '()'
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ({schemas}) and {is_function}
),
suspect as (
  select r.oid from pg_catalog.pg_roles r
  where r.oid in (select owner from owned)
    and (r.oid not in (select oid from trusted)
      or exists (select from bound b where pg_catalog.pg_has_role(b.oid, r.oid, 'member')))
)
select 'owner', o.nspname, o.name, '', pg_catalog.pg_get_userbyid(o.owner), o.home, o.of
from owned o where o.owner in (select oid from suspect)
union all
select 'owner', n.nspname, p.proname || '()', '', r.rolname || ', whom policies bind', n.nspname,
  p.proname || '()'
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_roles r on r.oid = p.proowner
where n.nspname in ({schemas}) and {is_function} and p.prosecdef and not (r.rolsuper or r.rolbypassrls)
  and r.oid not in (select oid from suspect)
union all
select 'extension', n.nspname, '', e.extname, '', '', ''
from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace";

/// Looks at all of it, in one message.
pub(super) async fn look(client: &Client, schema: &Schema) -> Result<Vec<Finding>, MigrateError> {
    let administrators = administrators(schema.platform);
    let roles = schema.roles.keys().map(String::as_str);
    let roles = list(roles.filter(|role| !administrators.contains(role)));
    let schemas = list(schema.namespaces());
    let bound = bound(schema);
    let query = is_function(QUERY)
        .replace("{bound}", &bound)
        .replace("{schemas}", &schemas);
    let more = openings::query(&bound, &roles, &schemas);
    // With no search path, names are printed with their schema.
    let message = format!(
        "begin read only;set local search_path = '';set local quote_all_identifiers = off;{query};{more};commit"
    );
    let messages = client.simple_query(&message).await;
    if messages.is_err() {
        let _ = client.batch_execute("rollback").await;
    }
    let messages = messages.map_err(|error| {
        MigrateError::server(
            "reading owners, extensions, settings, views and rules",
            &error,
        )
    })?;
    let mut findings = Vec::new();
    let mut extensions: BTreeMap<&str, &str> = BTreeMap::new();
    let mut openings = Openings::new(schema);
    for row in rows(&messages) {
        let text = |index| row.get(index).unwrap_or_default();
        let object = |kind| Object {
            schema: text(1).to_owned(),
            relation: text(2).to_owned(),
            kind,
            name: text(3).to_owned(),
        };
        let found = Change::Unexpected {
            found: text(4).to_owned(),
        };
        match text(0) {
            "owner" if is_ours(schema, text(5), text(6)) => findings.push(Finding {
                object: object(Kind::Owner),
                change: found,
            }),
            "extension" => {
                extensions.insert(text(3), text(1));
            }
            _ => openings.take(row),
        }
    }
    findings.extend(openings.findings());
    findings.extend(of_extensions(schema, &extensions));
    Ok(findings)
}

/// Whether the sealed schema has a table or a function there.
pub(super) fn is_ours(schema: &Schema, namespace: &str, relation: &str) -> bool {
    let is_lookup =
        |name: &QualifiedName| name.schema == namespace && relation == format!("{}()", name.name);
    let looks_up = || schema.lookups().into_keys().any(is_lookup);
    schema.tables.iter().any(|(name, table)| {
        let function = |column: &str| {
            let function = tabellion_sql::plan::touch_function(namespace, column);
            relation == format!("{}()", function.name)
        };
        name.schema == namespace
            && (name.name == relation
                || table.partitions.contains_key(relation)
                || table
                    .columns
                    .iter()
                    .any(|c| c.updated_at && function(&c.name)))
    }) || looks_up()
}

fn of_extensions(schema: &Schema, found: &BTreeMap<&str, &str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, extension) in &schema.extensions {
        let said = |schema: &str| format!("in schema {schema}");
        let change = match (found.get(name.as_str()), &extension.schema) {
            (None, wanted) => Change::Missing {
                expected: wanted
                    .as_deref()
                    .map_or_else(|| "in any schema".into(), said),
            },
            (Some(found), Some(wanted)) if found != wanted => Change::Differs {
                expected: said(wanted),
                found: said(found),
            },
            _ => continue,
        };
        findings.push(Finding {
            object: Object {
                schema: String::new(),
                relation: String::new(),
                kind: Kind::Extension,
                name: name.clone(),
            },
            change,
        });
    }
    findings
}
