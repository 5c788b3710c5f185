//! Whose ledger is it? Whoever owns it, or has a trigger on it, runs statements as whoever applies.
//!
//! A role with CREATE on the database could make schema `tabellion` before the first apply. So the
//! ledger is not written before its owners are looked up in the system's catalog, which only the server writes, and
//! read by what runs nothing of theirs. Once they are trusted, nobody else can change what was looked at.
//! The same holds for the history of Supabase's tool, which is written beside the ledger.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::OURS;
use super::error::{MigrateError, Problems};
use super::ledger::{FORM, PROTECTIONS, ROUTINES};

/// One row `ledger` where the table exists, one row `supabase` with the columns of the other history where
/// that exists, and one for whatever it lacks or
/// speaks against either.
///
/// Trusted are the login, the role that it acts as, superusers, the database's owner and its members. Of those, but for the
/// login itself, one that may do less than the login is `weaker`: the session's user counts, for it can return to that, with
/// whatever the roles may do that it can become. Whoever can become those that the login was made a member of can become
/// all of them.
/// Row-level security, rules, triggers and defaults call functions.
const QUERY: &str = "
with me as (
  select r.oid from pg_catalog.pg_roles r where r.rolname = session_user
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
  select c.oid, c.relowner, c.relkind, n.nspowner, n.oid as nspoid
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations'
),
their_triggers as (
  select t.tgname, f.proowner
  from pg_catalog.pg_trigger t join history on history.oid = t.tgrelid
  join pg_catalog.pg_proc f on f.oid = t.tgfoid
  where not t.tgisinternal
),
piece (name, owner) as (
  select 'schema `tabellion`', nspowner from place
  union all
  select 'table `tabellion.ledger`', relowner from ledger
  union all
  select 'the function of trigger `' || tgname || '` on `tabellion.ledger`', proowner from triggers
  union all
  select 'function `tabellion.' || f.proname || '`', f.proowner
  from pg_catalog.pg_proc f join place on place.oid = f.pronamespace
  where f.proname in ({routines})
    and not exists (select from triggers t where t.pronamespace = f.pronamespace and t.proname = f.proname)
  union all
  select 'schema `supabase_migrations`', nspowner from history
  union all
  select 'table `supabase_migrations.schema_migrations`', relowner from history
  union all
  select 'the function of trigger `' || tgname || '` on `supabase_migrations.schema_migrations`', proowner
  from their_triggers
),
able as (
  select w.oid, pg_catalog.bool_or(r.rolsuper) as is_super, pg_catalog.bool_or(r.rolcreaterole) as makes_roles,
    pg_catalog.bool_or(r.rolbypassrls) as passes_rls, pg_catalog.bool_or(r.rolreplication) as replicates
  from (select oid from me union select owner from piece) w
  join pg_catalog.pg_roles r on {w becomes r}
  group by w.oid
),
owner as (
  select o.oid, r.rolname::pg_catalog.text as name, r.rolcanlogin,
    o.is_super or {trusted} as is_trusted,
    case when o.oid = me.oid or o.is_super then '' when own.is_super then 'SUPERUSER'
      else pg_catalog.concat_ws(', ', case when own.makes_roles > o.makes_roles then 'CREATEROLE' end,
        case when own.passes_rls > o.passes_rls then 'BYPASSRLS' end,
        case when own.replicates > o.replicates then 'REPLICATION' end, (
          select 'membership in ' || pg_catalog.string_agg(distinct '`' || p.rolname || '`', ', ')
          from pg_catalog.pg_auth_members a join pg_catalog.pg_roles p on p.oid = a.roleid
          where a.member = me.oid and {me becomes p} and not {o becomes p}))
      end as lacks
  from me join able own on own.oid = me.oid
  join pg_catalog.pg_database d on d.datname = pg_catalog.current_database(),
    able o join pg_catalog.pg_roles r on r.oid = o.oid
  where o.oid in (select owner from piece)
)
select 'ledger', '', '', '' from ledger
union all
select 'owner', p.name, o.name, '' from piece p join owner o on o.oid = p.owner where not o.is_trusted
union all
select 'weaker', o.name, o.lacks, o.rolcanlogin::pg_catalog.text
from owner o where o.is_trusted and o.lacks <> ''
union all
select 'lacks', 'function `tabellion.' || r.name || '`', '', ''
from ledger, (values {counted}) r (name, arguments) where not exists (
  select from pg_catalog.pg_proc f join place on place.oid = f.pronamespace
  where f.proname = r.name and f.pronargs = r.arguments)
union all
select 'lacks', 'column `' || f.name || '`', '', ''
from ledger, (values {columns}) f (name) where not exists (
  select from pg_catalog.pg_attribute a where a.attrelid = ledger.oid and a.attname = f.name and not a.attisdropped)
union all
select 'form', '', '', '' from ledger where relkind <> 'r'
union all
select 'extra', 'row-level security', '', '' from ledger where relrowsecurity
union all
select 'extra', 'trigger `' || tgname || '`', '', '' from triggers
where (tgname::pg_catalog.text, proname::pg_catalog.text) not in ({protections})
  or pronamespace not in (select oid from place)
union all
select 'extra', 'rule `' || r.rulename || '`', '', ''
from pg_catalog.pg_rewrite r join ledger on ledger.oid = r.ev_class and ledger.relkind = 'r'
union all
select 'extra', 'a default of column `' || a.attname || '`', '', ''
from pg_catalog.pg_attrdef d join ledger on ledger.oid = d.adrelid
join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
where a.attname <> 'guarded' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) <> 'false'
union all
select 'supabase', (
  select pg_catalog.string_agg(a.attname, ' ' order by a.attnum) from pg_catalog.pg_attribute a
  where a.attrelid = history.oid and a.attnum > 0 and not a.attisdropped), {readable}::pg_catalog.text, ''
from history
union all
select 'their form', '', '', '' from history where relkind <> 'r'";

/// Whether the role `r` may own what is written, in the database `d`.
pub(super) fn trusted() -> String {
    format!(
        "(r.rolsuper or r.rolname in (session_user, current_user) or {})",
        becomes("r.oid", "d.datdba")
    )
}

/// Whether one role can act as another, or has its rights. Since PostgreSQL 16 a membership may give neither, such as
/// that which whoever creates a role has in it.
pub(super) fn becomes(who: &str, role: &str) -> String {
    format!(
        "(pg_catalog.pg_has_role({who}, {role}, 'usage') or pg_catalog.pg_has_role({who}, {role}, \
         case when pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000 \
         then 'set' else 'member' end))"
    )
}

/// Whether the history of Supabase's tool may be read, of which `history` has the `oid` and the schema's `nspoid`.
pub(super) const READABLE: &str = "(pg_catalog.has_schema_privilege(history.nspoid, 'usage') \
    and pg_catalog.has_table_privilege(history.oid, 'select'))";

/// What there is to read, and may be trusted.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether the ledger exists.
    pub(super) ledger: bool,
    /// The columns of the history of Supabase's tool, where it exists and may be read.
    pub(super) supabase: Option<String>,
    /// The functions and columns that the ledger should have, and has not.
    pub(super) lacks: Vec<String>,
    /// Why nothing of it may run as this login, a sentence each: whose it is.
    pub(super) strange: Vec<String>,
    /// Why rows could not be kept in step with the history of Supabase's tool.
    pub(super) unread: Option<String>,
}

impl Found {
    /// Refuses to enter a row: where what is needed for it is missing, or would run what is a stranger's, or of someone
    /// who may do less.
    pub(super) fn writable(&self) -> Result<(), MigrateError> {
        let mut problems = self.strange.clone();
        problems.extend(self.unread.clone());
        if !self.lacks.is_empty() {
            problems.push(format!(
                "the ledger lacks {}, without which no row is entered; `cargo tabellion verify` says how to put back \
                 what is missing",
                self.lacks.join(" and ")
            ));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(MigrateError::History(Problems(problems))),
        }
    }
}

/// Looks for the ledger. An error where it is none, or has what tabellion did not make.
pub(super) async fn look(client: &Client) -> Result<Found, MigrateError> {
    let own = PROTECTIONS.map(|one| format!("('{}', '{}')", one.trigger, one.function));
    let called = ROUTINES.map(|one| format!("'{}'", one.name));
    let counted = ROUTINES.map(|one| format!("('{}', {})", one.name, one.arguments.len()));
    let columns = FORM.map(|(name, ..)| format!("('{name}')"));
    let query = QUERY
        .replace("{protections}", &own.join(", "))
        .replace("{routines}", &called.join(", "))
        .replace("{counted}", &counted.join(", "))
        .replace("{columns}", &columns.join(", "))
        .replace("{readable}", READABLE)
        .replace("{trusted}", &trusted())
        .replace("{w becomes r}", &becomes("w.oid", "r.oid"))
        .replace("{me becomes p}", &becomes("me.oid", "p.oid"))
        .replace("{o becomes p}", &becomes("o.oid", "p.oid"));
    let messages = client.simple_query(&format!("{OURS}{query}")).await;
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
            "supabase" if text(2) == "true" => found.supabase = Some(text(1).to_owned()),
            "supabase" => {
                found.unread = Some(
                    "the Supabase CLI keeps a history here, `supabase_migrations.schema_migrations`, which this login \
                     may not read, and so not keep in step; grant it USAGE on that schema, and SELECT, INSERT and DELETE \
                     on that table"
                        .to_owned(),
                );
            }
            "lacks" => found.lacks.push(text(1).to_owned()),
            "weaker" => found.strange.push(weaker(text(1), text(2), text(3) == "true")),
            "owner" => found.strange.push(owned(text(1), text(2))),
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
        return Ok(found);
    }
    found.strange.extend(problems);
    Err(MigrateError::History(Problems(found.strange)))
}

fn owned(what: &str, owner: &str) -> String {
    format!(
        "{what} belongs to `{owner}`, who is neither this login, nor a superuser, nor the database's owner, \
         nor a member of that, and could run statements as whoever applies; apply as `{owner}`, or see what `{owner}` put there and \
         drop it or give it to the database's owner"
    )
}

fn weaker(owner: &str, lacks: &str, logs_in: bool) -> String {
    let remedy = match logs_in {
        true => format!("apply as `{owner}`"),
        false => format!("apply as a login that is a member of `{owner}` and may do no more"),
    };
    format!(
        "the ledger, or what is written with it, belongs to `{owner}`, who may do less than this login (it lacks \
         {lacks}) and could run statements as whoever applies; {remedy}"
    )
}
