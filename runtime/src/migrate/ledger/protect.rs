//! What makes the ledger's rows a proof: two triggers, and who may do what with it.
//!
//! Whoever is granted INSERT could else enter a row as someone else, of another time, or before others.

use std::fmt::Write;

use tabellion_sql::ident::quote_literal;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;

/// A trigger of the ledger.
pub(in crate::migrate) struct Protection {
    pub(in crate::migrate) trigger: &'static str,
    pub(in crate::migrate) function: &'static str,
    fires: &'static str,
    /// `pg_trigger.tgtype` of that.
    kind: i16,
    /// Whether the function runs as its owner.
    as_owner: bool,
    body: &'static str,
}

/// A row's number comes from a sequence that nobody else needs a right on, so the function that stamps it
/// runs as its owner; the session's user stays who it is. A sequence that was set back is drawn from until it is
/// past the rows, for their order is that of their numbers; no two sessions draw the same.
///
/// Their path is empty, so that the caller's temporary tables and types come first; but what their bodies name has its
/// schema, or is an operator, which PostgreSQL never looks for there, and PL/pgSQL assigns by a type's number.
pub(in crate::migrate) const PROTECTIONS: [Protection; 2] = [
    Protection {
        trigger: "append_only",
        function: "refuse_change",
        fires: "before update or delete or truncate on tabellion.ledger for each statement",
        kind: 58,
        as_owner: false,
        body: "begin raise exception 'the ledger is append-only' using errcode = 'insufficient_privilege'; end",
    },
    Protection {
        trigger: "stamped",
        function: "stamp_row",
        fires: "before insert on tabellion.ledger for each row",
        kind: 7,
        as_owner: true,
        body: "begin loop new.id := pg_catalog.nextval('tabellion.ledger_id_seq'); \
               exit when not exists (select from tabellion.ledger where id >= new.id); end loop; \
               new.actor := session_user; new.at := pg_catalog.clock_timestamp(); return new; end",
    },
];

impl Protection {
    /// The statement that makes its function, or makes it anew.
    fn function(&self) -> String {
        let rights = if self.as_owner {
            "security definer "
        } else {
            ""
        };
        format!(
            "create or replace function tabellion.{}() returns trigger language plpgsql {rights}set search_path = '' \
             as $$ {} $$",
            self.function, self.body
        )
    }

    /// The statements that make its trigger. `enable always` holds against `session_replication_role` too.
    fn trigger(&self) -> String {
        let Protection {
            trigger,
            function,
            fires,
            ..
        } = self;
        format!(
            "create trigger {trigger} {fires} execute function tabellion.{function}(); \
             alter table tabellion.ledger enable always trigger {trigger}"
        )
    }
}

/// The statements that protect a ledger just made.
pub(super) fn create() -> String {
    let mut sql = String::new();
    for protection in &PROTECTIONS {
        let (function, trigger) = (protection.function(), protection.trigger());
        let name = protection.function;
        // Writing to a string does not fail.
        let _ = writeln!(
            sql,
            "{function};\n{trigger};\nrevoke all on function tabellion.{name}() from public;"
        );
    }
    sql
}

/// Each row: whether it speaks against the ledger (`weak`) or only tells of it (`note`), its words, and what
/// takes it back.
///
/// MAINTAIN, which PostgreSQL has from 17 on, changes no row.
/// Reading it and adding rows may be granted, to a role that applies and does not own it; not to everyone. Its
/// owner has given up the right to make triggers on it, and takes it back for as long as that takes.
const QUERY: &str = "
with ledger as (
  select c.oid, c.relowner, c.relacl, c.relnamespace, n.nspowner, n.nspacl
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'tabellion' and c.relname = 'ledger'
),
wanted (trigger_name, trigger_type, trigger_sql, function_name, as_owner, body, function_sql) as (values {wanted}),
granted as (
  select 'table tabellion.ledger' as thing, x.grantee, x.privilege_type as privilege
  from ledger, pg_catalog.aclexplode(coalesce(relacl, pg_catalog.acldefault('r', relowner))) x
  where x.privilege_type not in ('SELECT', 'MAINTAIN') and not (x.privilege_type = 'INSERT' and x.grantee = ledger.relowner)
  union all
  select 'table tabellion.ledger', x.grantee, x.privilege_type || ' (' || pg_catalog.quote_ident(a.attname) || ')'
  from ledger join pg_catalog.pg_attribute a on a.attrelid = ledger.oid and not a.attisdropped,
    pg_catalog.aclexplode(a.attacl) x
  where x.privilege_type <> 'SELECT'
  union all
  select 'schema tabellion', x.grantee, x.privilege_type
  from ledger, pg_catalog.aclexplode(nspacl) x
  where x.privilege_type = 'CREATE' and x.grantee <> nspowner
  union all
  select 'sequence tabellion.ledger_id_seq', x.grantee, x.privilege_type
  from ledger join pg_catalog.pg_class s on s.relnamespace = ledger.relnamespace and s.relname = 'ledger_id_seq',
    pg_catalog.aclexplode(s.relacl) x
  where x.privilege_type = 'UPDATE' and x.grantee <> s.relowner
),
named as (
  select thing, privilege, privilege like 'INSERT%' and grantee <> 0 as is_note,
    case grantee when 0 then 'public' else pg_catalog.pg_get_userbyid(grantee)::pg_catalog.text end as name,
    case grantee when 0 then 'public'
      else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)::pg_catalog.text) end as quoted
  from granted
)
select 'weak', 'the ledger''s trigger `' || w.trigger_name || '` is missing or was changed',
  'grant trigger on table tabellion.ledger to current_user; drop trigger if exists ' || w.trigger_name
  || ' on tabellion.ledger; ' || w.trigger_sql || '; revoke trigger on table tabellion.ledger from current_user'
from ledger, wanted w where not exists (
  select from pg_catalog.pg_trigger t join pg_catalog.pg_proc f on f.oid = t.tgfoid
  where t.tgrelid = ledger.oid and t.tgname = w.trigger_name and t.tgtype = w.trigger_type and t.tgenabled = 'A'
    and t.tgqual is null and t.tgattr::pg_catalog.text = ''
    and f.proname = w.function_name and f.pronamespace = ledger.relnamespace)
union all
select 'weak', 'function `tabellion.' || w.function_name || '` was changed', w.function_sql
from ledger, wanted w join pg_catalog.pg_proc f on f.proname = w.function_name
where f.pronamespace = ledger.relnamespace and (
  pg_catalog.btrim(pg_catalog.regexp_replace(f.prosrc, '[[:space:];]+', ' ', 'g')) <>
    pg_catalog.btrim(pg_catalog.regexp_replace(w.body, '[[:space:];]+', ' ', 'g'))
  or f.prosecdef <> w.as_owner or f.proconfig is distinct from array['search_path=\"\"'])
union all
select distinct 'weak', 'role `' || name || '` may ' || privilege || ' on ' || thing,
  'revoke ' || privilege || ' on ' || thing || ' from ' || quoted
from named where not is_note
union all
select distinct 'note', 'role `' || name || '` may enter rows in the ledger, each under the name of its login', ''
from named where is_note
order by 1, 2";

fn query() -> String {
    let row = |one: &Protection| {
        let name = quote_literal;
        format!(
            "({}, {}, {}, {}, {}, {}, {})",
            name(one.trigger),
            one.kind,
            name(&one.trigger()),
            name(one.function),
            one.as_owner,
            name(one.body),
            name(&one.function()),
        )
    };
    let wanted: Vec<String> = PROTECTIONS.iter().map(row).collect();
    QUERY.replace("{wanted}", &wanted.join(", "))
}

/// How a ledger that exists is protected.
#[derive(Debug, Default)]
pub(in crate::migrate) struct Protected {
    /// What lets someone change its rows or enter false ones, a sentence each.
    pub(in crate::migrate) weaknesses: Vec<String>,
    /// Who may add rows besides its owner, a sentence each.
    pub(in crate::migrate) notes: Vec<String>,
}

/// Looks how the ledger is protected, in one query.
pub(in crate::migrate) async fn protected(client: &Client) -> Result<Protected, MigrateError> {
    let messages = client.simple_query(&format!("{NO_PATH}{}", query())).await;
    let messages = messages
        .map_err(|error| MigrateError::server("looking who may change the ledger", &error))?;
    let mut found = Protected::default();
    for message in &messages {
        let SimpleQueryMessage::Row(row) = message else {
            continue;
        };
        let text = |index| row.get(index).unwrap_or_default();
        match text(0) {
            "note" => found.notes.push(text(1).to_owned()),
            _ => found.weaknesses.push(format!(
                "{}, so its rows are no proof; run `{}`",
                text(1),
                text(2)
            )),
        }
    }
    Ok(found)
}
