//! What makes the ledger's rows a proof: two triggers, and who may do what with it and with its functions.
//!
//! Whoever is granted INSERT could else enter a row as someone else, of another time, before others, or one that
//! no version reads.

use tabellion_sql::ident::quote_literal;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::trust;

use super::form;
use super::routines::{REFUSE, ROUTINES, Routine, STAMP};

/// A trigger of the ledger, and the function that it calls.
pub(in crate::migrate) struct Protection {
    pub(in crate::migrate) trigger: &'static str,
    pub(in crate::migrate) function: &'static str,
    fires: &'static str,
    /// `pg_trigger.tgtype` of that.
    kind: i16,
}

pub(in crate::migrate) const PROTECTIONS: [Protection; 2] = [
    Protection {
        trigger: "append_only",
        function: REFUSE.name,
        fires: "before update or delete or truncate on tabellion.ledger for each statement",
        kind: 58,
    },
    Protection {
        trigger: "stamped",
        function: STAMP.name,
        fires: "before insert on tabellion.ledger for each row",
        kind: 7,
    },
];

impl Protection {
    /// The statements that make the trigger. `enable always` holds against `session_replication_role` too.
    fn create(&self) -> String {
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
    let routines = ROUTINES
        .iter()
        .flat_map(|routine| [routine.create(), routine.rights()]);
    let triggers = PROTECTIONS.iter().map(Protection::create);
    routines
        .chain(triggers)
        .map(|statement| format!("{statement};\n"))
        .collect()
}

/// Each row: whether it speaks against the ledger (`weak`) or only tells of it (`note`), its words, and what
/// takes it back; as the `owner`, if that is someone else, since what was made of the ledger may run then.
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
wanted (trigger_name, trigger_type, trigger_sql, function_name) as (values {triggers}),
routine (name, signature, names, result, config, body, remedy) as (values {routines}),
granted as (
  select 'table tabellion.ledger' as thing, x.grantee, x.privilege_type as privilege, x.is_grantable
  from ledger, pg_catalog.aclexplode(coalesce(relacl, pg_catalog.acldefault('r', relowner))) x
  where x.privilege_type not in ('SELECT', 'MAINTAIN') and not (x.privilege_type = 'INSERT' and x.grantee = ledger.relowner)
  union all
  select 'table tabellion.ledger', x.grantee, x.privilege_type || ' (' || pg_catalog.quote_ident(a.attname) || ')', x.is_grantable
  from ledger join pg_catalog.pg_attribute a on a.attrelid = ledger.oid and not a.attisdropped,
    pg_catalog.aclexplode(a.attacl) x
  where x.privilege_type <> 'SELECT'
  union all
  select 'schema tabellion', x.grantee, x.privilege_type, x.is_grantable
  from ledger, pg_catalog.aclexplode(nspacl) x
  where x.privilege_type = 'CREATE' and x.grantee <> nspowner
  union all
  select 'sequence tabellion.ledger_id_seq', x.grantee, x.privilege_type, x.is_grantable
  from ledger join pg_catalog.pg_class s on s.relnamespace = ledger.relnamespace and s.relname = 'ledger_id_seq',
    pg_catalog.aclexplode(s.relacl) x
  where x.privilege_type = 'UPDATE' and x.grantee <> s.relowner
),
named as (
  select thing, privilege, is_grantable, privilege like 'INSERT%' and grantee <> 0 as is_note,
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
select 'weak', 'function `tabellion.' || r.name || '` is missing or was changed', r.remedy
from ledger, routine r where not exists (
  select from pg_catalog.pg_proc f join pg_catalog.pg_language g on g.oid = f.prolang
  where f.oid = pg_catalog.to_regprocedure(r.signature) and f.prorettype = r.result::pg_catalog.regtype
    and coalesce(f.proargnames, '{}') = r.names and not f.proretset and not f.proisstrict and f.provolatile = 'v'
    and f.prokind = 'f' and g.lanname = 'plpgsql' and not f.prosecdef and f.proconfig = r.config
    and pg_catalog.btrim(f.prosrc) = pg_catalog.btrim(r.body)
    and exists (
      select from pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) x
      where x.grantee = 0 and x.privilege_type = 'EXECUTE'))
union all
select 'weak', fault, remedy from ({faults}) form (fault, remedy)
union all
select distinct 'weak', 'role `' || name || '` may ' || privilege || ' on ' || thing,
  'revoke ' || privilege || ' on ' || thing || ' from ' || quoted || ' cascade'
from named where not is_note
union all
select distinct 'weak', 'role `' || name || '` may grant ' || privilege || ' on ' || thing,
  'revoke grant option for ' || privilege || ' on ' || thing || ' from ' || quoted || ' cascade'
from named where is_note and is_grantable
union all
select 'owner', pg_catalog.pg_get_userbyid(ledger.relowner)::pg_catalog.text, ''
from ledger where pg_catalog.pg_get_userbyid(ledger.relowner) <> session_user
union all
select 'drawn', s.last_value::pg_catalog.text, ''
from pg_catalog.pg_sequences s where s.schemaname = 'tabellion' and s.sequencename = 'ledger_id_seq'
  and s.last_value is not null
union all
select 'note', 'role `' || name || '` may enter rows in the ledger, each under the name of its login', ''
from named where is_note
union
select 'note', 'role `' || r.rolname || '` may enter rows in the ledger and set the sequence of their numbers, as a '
  || 'member of `pg_write_all_data`', ''
from ledger, pg_catalog.pg_roles r
where r.rolcanlogin and not r.rolsuper and pg_catalog.pg_has_role(r.oid, 'pg_write_all_data', 'member')
union all
select 'note', 'the history of the Supabase CLI, `supabase_migrations.schema_migrations`, is not looked at, which this login may '
  || 'not read', ''
from (
  select c.oid, n.oid as nspoid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations'
) history
where not {readable}
union all
select 'note', 'the ledger belongs to `' || r.rolname || '`, who is neither this login, nor a superuser, nor the database''s '
  || 'owner, nor a member of that, so see that it is whose migrations these are', ''
from ledger join pg_catalog.pg_roles r on r.oid = ledger.relowner
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
where not {trusted}
order by 1, 2";

fn query() -> String {
    let text = quote_literal;
    let trigger = |one: &Protection| {
        format!(
            "({}, {}, {}, {})",
            text(one.trigger),
            one.kind,
            text(&one.create()),
            text(one.function),
        )
    };
    let routine = |one: &Routine| {
        let names: Vec<String> = one.arguments.iter().map(|(name, _)| text(name)).collect();
        format!(
            "({}, {}, array[{}]::pg_catalog.text[], {}, {}, {}, {})",
            text(one.name),
            text(&one.signature()),
            names.join(", "),
            text(&format!("pg_catalog.{}", one.returns)),
            one.config(),
            text(&one.body()),
            text(&one.remedy()),
        )
    };
    let triggers: Vec<String> = PROTECTIONS.iter().map(trigger).collect();
    let routines: Vec<String> = ROUTINES.iter().map(routine).collect();
    QUERY
        .replace("{triggers}", &triggers.join(", "))
        .replace("{routines}", &routines.join(", "))
        .replace("{faults}", &form::faults())
        .replace("{readable}", trust::READABLE)
        .replace("{trusted}", &trust::trusted())
}

/// How a ledger that exists is protected.
#[derive(Debug, Default)]
pub(in crate::migrate) struct Protected {
    /// What lets someone change its rows or enter false ones, a sentence each.
    pub(in crate::migrate) weaknesses: Vec<String>,
    /// Who may add rows besides its owner, a sentence each.
    pub(in crate::migrate) notes: Vec<String>,
}

/// Looks how the ledger whose last row has that number is protected, in one query.
pub(in crate::migrate) async fn protected(
    client: &Client,
    last_id: i64,
) -> Result<Protected, MigrateError> {
    let messages = client.simple_query(&format!("{NO_PATH}{}", query())).await;
    let messages = messages
        .map_err(|error| MigrateError::server("looking who may change the ledger", &error))?;
    let mut found = Protected::default();
    let mut whose = String::new();
    for message in &messages {
        let SimpleQueryMessage::Row(row) = message else {
            continue;
        };
        let text = |index| row.get(index).unwrap_or_default();
        match text(0) {
            "drawn" => {
                let drawn = text(1).parse().unwrap_or(0);
                found.weaknesses.extend(form::misplaced(drawn, last_id));
            }
            "note" => found.notes.push(text(1).to_owned()),
            // Before all that are weak.
            "owner" => whose = format!("as `{}` ", text(1)),
            _ => found.weaknesses.push(format!(
                "{}, so its rows are no proof; {whose}run `{}`",
                text(1),
                text(2)
            )),
        }
    }
    Ok(found)
}
