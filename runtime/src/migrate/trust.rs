//! Whose ledger is it? Whoever owns it, or has a trigger on it, runs statements as whoever applies.
//!
//! A role with CREATE on the database could make schema `tabellion` before the first apply. So the
//! ledger is neither read nor written before its owners are looked up in the system's catalog, which
//! only the server writes. Once they are trusted, nobody else can change what was looked at.
//! The same holds for the history of Supabase's tool, which is written beside the ledger.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::NO_PATH;
use super::error::{MigrateError, Problems};
use super::ledger::{FORM, PROTECTIONS, ROUTINES};

/// One row `ledger` where the table exists, one row `supabase` with the columns of the other history where
/// that exists, and one for whatever it lacks or
/// speaks against either.
///
/// Trusted are the current user, superusers and the database's owner. Where that may do less than the current user,
/// nothing of it is run, and the ledger is read alone. Row-level security, rules, triggers and defaults call functions.
const QUERY: &str = "
with me as (
  select r.* from pg_catalog.pg_roles r where r.rolname = current_user
),
master as (
  select o.oid, o.rolname, o.rolsuper >= me.rolsuper and o.rolcreaterole >= me.rolcreaterole
      and o.rolbypassrls >= me.rolbypassrls and o.rolreplication >= me.rolreplication
      and not exists (
        select from pg_catalog.pg_roles p where p.oid < 16384 and p.rolname like 'pg\\_%'
          and pg_catalog.pg_has_role(me.oid, p.oid, 'member') and not pg_catalog.pg_has_role(o.oid, p.oid, 'member'))
    as is_equal
  from me, pg_catalog.pg_database d join pg_catalog.pg_roles o on o.oid = d.datdba
  where d.datname = pg_catalog.current_database()
),
trusted as (
  select r.oid from pg_catalog.pg_roles r where r.rolsuper or r.rolname = current_user
  union all
  select m.oid from master m
),
place as (
  select n.oid, n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'tabellion'
),
ledger as (
  select c.oid, c.relowner, c.relkind, c.relrowsecurity
  from pg_catalog.pg_class c join place on place.oid = c.relnamespace
  where c.relname = 'ledger'
),
triggers as (
  select t.tgname, f.proowner, f.pronamespace, f.proname
  from pg_catalog.pg_trigger t join ledger on ledger.oid = t.tgrelid
  join pg_catalog.pg_proc f on f.oid = t.tgfoid
  where not t.tgisinternal
),
history as (
  select c.oid, c.relowner, c.relkind, n.nspowner
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations'
),
their_triggers as (
  select t.tgname, f.proowner
  from pg_catalog.pg_trigger t join history on history.oid = t.tgrelid
  join pg_catalog.pg_proc f on f.oid = t.tgfoid
  where not t.tgisinternal
)
select 'ledger', '', '' from ledger
union all
select 'weaker', m.rolname, '' from master m
where not m.is_equal and exists (
  select from place p where p.nspowner = m.oid
  union all
  select from ledger l where l.relowner = m.oid
  union all
  select from triggers t where t.proowner = m.oid
  union all
  select from pg_catalog.pg_proc f join place on place.oid = f.pronamespace
  where f.proname in ({routines}) and f.proowner = m.oid
  union all
  select from history h where h.relowner = m.oid or h.nspowner = m.oid
  union all
  select from their_triggers t where t.proowner = m.oid)
union all
select 'owner', 'schema `tabellion`', pg_catalog.pg_get_userbyid(nspowner)
from place where nspowner not in (select oid from trusted)
union all
select 'owner', 'table `tabellion.ledger`', pg_catalog.pg_get_userbyid(relowner)
from ledger where relowner not in (select oid from trusted)
union all
select 'owner', 'the function of trigger `' || tgname || '` on `tabellion.ledger`',
  pg_catalog.pg_get_userbyid(proowner)
from triggers where proowner not in (select oid from trusted)
union all
select 'owner', 'function `tabellion.' || f.proname || '`', pg_catalog.pg_get_userbyid(f.proowner)
from pg_catalog.pg_proc f join place on place.oid = f.pronamespace
where f.proname in ({routines}) and f.proowner not in (select oid from trusted)
  and not exists (select from triggers t where t.pronamespace = f.pronamespace and t.proname = f.proname)
union all
select 'lacks', 'function `tabellion.' || r.name || '`', ''
from ledger, (values {counted}) r (name, arguments) where not exists (
  select from pg_catalog.pg_proc f join place on place.oid = f.pronamespace
  where f.proname = r.name and f.pronargs = r.arguments)
union all
select 'lacks', 'column `' || f.name || '`', ''
from ledger, (values {columns}) f (name) where not exists (
  select from pg_catalog.pg_attribute a where a.attrelid = ledger.oid and a.attname = f.name and not a.attisdropped)
union all
select 'form', '', '' from ledger where relkind <> 'r'
union all
select 'extra', 'row-level security', '' from ledger where relrowsecurity
union all
select 'extra', 'trigger `' || tgname || '`', '' from triggers
where (tgname::pg_catalog.text, proname::pg_catalog.text) not in ({protections})
  or pronamespace not in (select oid from place)
union all
select 'extra', 'rule `' || r.rulename || '`', ''
from pg_catalog.pg_rewrite r join ledger on ledger.oid = r.ev_class and ledger.relkind = 'r'
union all
select 'extra', 'a default of column `' || a.attname || '`', ''
from pg_catalog.pg_attrdef d join ledger on ledger.oid = d.adrelid
join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
where a.attname <> 'guarded' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) <> 'false'
union all
select 'supabase', (
  select pg_catalog.string_agg(a.attname, ' ' order by a.attnum) from pg_catalog.pg_attribute a
  where a.attrelid = history.oid and a.attnum > 0 and not a.attisdropped), ''
from history
union all
select 'owner', 'schema `supabase_migrations`', pg_catalog.pg_get_userbyid(nspowner)
from history where nspowner not in (select oid from trusted)
union all
select 'owner', 'table `supabase_migrations.schema_migrations`', pg_catalog.pg_get_userbyid(relowner)
from history where relowner not in (select oid from trusted)
union all
select 'owner', 'the function of trigger `' || tgname || '` on `supabase_migrations.schema_migrations`',
  pg_catalog.pg_get_userbyid(proowner)
from their_triggers where proowner not in (select oid from trusted)
union all
select 'their form', '', '' from history where relkind <> 'r'";

/// What there is to read, and may be trusted.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether the ledger exists.
    pub(super) ledger: bool,
    /// The columns of the history of Supabase's tool, where it exists.
    pub(super) supabase: Option<String>,
    /// The functions and columns that the ledger should have, and has not.
    pub(super) lacks: Vec<String>,
    /// The database's owner, where that may do less than the current user and owns some of it.
    pub(super) weaker: Option<String>,
}

/// Looks for the ledger. An error where it exists, or its schema, but cannot be trusted.
pub(super) async fn look(client: &Client) -> Result<Found, MigrateError> {
    let own = PROTECTIONS.map(|one| format!("('{}', '{}')", one.trigger, one.function));
    let called = ROUTINES.map(|one| format!("'{}'", one.name));
    let counted = ROUTINES.map(|one| format!("('{}', {})", one.name, one.arguments.len()));
    let columns = FORM.map(|(name, ..)| format!("('{name}')"));
    let query = QUERY
        .replace("{protections}", &own.join(", "))
        .replace("{routines}", &called.join(", "))
        .replace("{counted}", &counted.join(", "))
        .replace("{columns}", &columns.join(", "));
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages =
        messages.map_err(|error| MigrateError::server("looking for the ledger", &error))?;
    let mut found = Found::default();
    let mut problems = Vec::new();
    for message in &messages {
        let SimpleQueryMessage::Row(row) = message else {
            continue;
        };
        let text = |index| row.get(index).unwrap_or_default();
        match text(0) {
            "ledger" => found.ledger = true,
            "supabase" => found.supabase = Some(text(1).to_owned()),
            "lacks" => found.lacks.push(text(1).to_owned()),
            "weaker" => found.weaker = Some(text(1).to_owned()),
            "owner" => problems.push(owned(text(1), text(2))),
            "form" => problems.push(
                "`tabellion.ledger` is not an ordinary table, so it is no ledger of tabellion's; drop it, or \
                 move it to another schema"
                    .to_owned(),
            ),
            "their form" => problems.push(
                "`supabase_migrations.schema_migrations` is not an ordinary table, so it is no history of \
                 Supabase's; drop it, or move it to another schema"
                    .to_owned(),
            ),
            _ => problems.push(format!(
                "`tabellion.ledger` has {}, which tabellion did not make and which could run statements as \
                 whoever applies; find out who made it, and drop it",
                text(1)
            )),
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(MigrateError::History(Problems(problems)))
    }
}

fn owned(what: &str, owner: &str) -> String {
    format!(
        "{what} belongs to `{owner}`, who is neither this login, nor a superuser, nor the database's owner, \
         and could run statements as whoever applies; apply as `{owner}`, or see what `{owner}` put there and \
         drop it or give it to the database's owner"
    )
}
