//! What makes the ledger's rows a proof: two triggers, and who may do what with it.
//!
//! Whoever is granted INSERT could else enter a row as someone else, of another time, before others, or one that
//! no version reads.

use tabellion_sql::ident::quote_literal;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::Event;

/// A function beside the ledger. Its plans are made once a session, where a statement's are made each time.
pub(in crate::migrate) struct Routine {
    pub(in crate::migrate) name: &'static str,
    /// Each with its type, one of `pg_catalog`.
    pub(in crate::migrate) arguments: &'static [(&'static str, &'static str)],
    returns: &'static str,
    /// Whether it runs as its owner.
    as_owner: bool,
    /// Settings that it runs under besides an empty search path, as `pg_proc.proconfig` has them.
    settings: &'static [&'static str],
    body: &'static str,
}

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

/// Every function that is called where the ledger is read or written.
///
/// Their path is empty, so that the caller's temporary tables and types come first; but what their bodies name has its
/// schema, or is an operator, which PostgreSQL never looks for there, and PL/pgSQL assigns by a type's number.
pub(in crate::migrate) const ROUTINES: [Routine; 4] = [REFUSE, STAMP, TAKE_TURN, ENTER];

const REFUSE: Routine = Routine {
    name: "refuse_change",
    arguments: &[],
    returns: "trigger",
    as_owner: false,
    settings: &[],
    body: "begin raise exception 'the ledger is append-only' using errcode = 'insufficient_privilege'; end",
};

/// A row's number comes from a sequence that nobody else needs a right on, so the function that stamps it
/// runs as its owner; the session's user stays who it is. A sequence that was set back is drawn from until it is
/// past the rows, for their order is that of their numbers; no two sessions draw the same. It asks for the highest,
/// which an index gives, however small the table was when the plan was made.
///
/// What a row may hold is said here and by no constraint: those are prepared anew for each statement, and a
/// pattern takes longer to match than the row to insert.
const STAMP: Routine = Routine {
    name: "stamp_row",
    arguments: &[],
    returns: "trigger",
    as_owner: true,
    settings: &[],
    body: "begin
  if not (new.event in ({events})
    and pg_catalog.num_nonnulls(new.version, new.name, new.checksum, new.rollback_checksum)
      = case new.event when 'claimed' then 0 else 4 end
    and coalesce(pg_catalog.length(new.version) = 14 and pg_catalog.length(new.checksum) = 64
      and pg_catalog.length(new.rollback_checksum) = 64
      and pg_catalog.translate(new.version, '0123456789', '') = ''
      and pg_catalog.translate(new.checksum || new.rollback_checksum, '0123456789abcdef', '') = '', true)
    and coalesce(new.position > 0, true) and coalesce(new.duration_ms >= 0, true))
  then
    raise exception 'the ledger takes no such row' using errcode = 'check_violation';
  end if;
  loop
    new.id := pg_catalog.nextval('tabellion.ledger_id_seq');
    exit when new.id > coalesce((select pg_catalog.max(l.id) from tabellion.ledger l), 0);
  end loop;
  new.actor := session_user;
  new.at := pg_catalog.clock_timestamp();
  return new;
end",
};

/// Takes a lock until the transaction ends, and sees that the ledger is as it was read: behind the row that was
/// the last one then stand as many as are said, one of them of that event and migration. Fails where it cannot.
/// What it counts it sees after it has the lock, as a function that is volatile does. Plans that look through
/// the whole table are out of the question, however small it was when they were made.
pub(in crate::migrate) const TAKE_TURN: Routine = Routine {
    name: "take_turn",
    arguments: &[
        ("key", "int8"),
        ("last_id", "int8"),
        ("ahead", "int8"),
        ("event", "text"),
        ("version", "text"),
    ],
    returns: "void",
    as_owner: false,
    settings: &["enable_seqscan=off"],
    body: "begin
  if pg_catalog.current_setting('standard_conforming_strings') <> 'on'
    or not pg_catalog.pg_try_advisory_xact_lock(take_turn.key)
  then
    raise exception 'another process applies migrations' using errcode = 'lock_not_available';
  end if;
  if (
    select pg_catalog.count(*) <> take_turn.ahead or take_turn.ahead > 0 and 1 <> pg_catalog.count(*) filter (
      where l.event = take_turn.event and l.version = take_turn.version)
    from tabellion.ledger l where l.id > take_turn.last_id)
  then
    raise exception 'another process has applied migrations meanwhile' using errcode = 'serialization_failure';
  end if;
end",
};

/// Enters a row, and says what the caller does not know of it: number, milliseconds, time and login, a blank
/// apart. Where no time is given, that since the message arrived is taken.
pub(in crate::migrate) const ENTER: Routine = Routine {
    name: "enter",
    arguments: &[
        ("event", "text"),
        ("version", "text"),
        ("name", "text"),
        ("checksum", "text"),
        ("rollback_checksum", "text"),
        ("target", "text"),
        ("guarded", "bool"),
        ("on_behalf_of", "text"),
        ("note", "text"),
        ("reached", "int4"),
        ("took", "int8"),
        ("tool", "text"),
    ],
    returns: "text",
    as_owner: false,
    settings: &[],
    body: "declare
  said pg_catalog.text;
begin
  insert into tabellion.ledger as l (event, version, name, checksum, rollback_checksum, target, guarded,
    on_behalf_of, note, position, duration_ms, tool)
  values (enter.event, enter.version, enter.name, enter.checksum, enter.rollback_checksum, enter.target,
    enter.guarded, enter.on_behalf_of, enter.note, enter.reached,
    coalesce(enter.took, greatest(0, 1000 * pg_catalog.date_part(
      'epoch', pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()))), enter.tool)
  returning pg_catalog.concat_ws(' ', l.id, l.duration_ms,
    pg_catalog.to_char(l.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), l.actor) into said;
  return said;
end",
};

impl Routine {
    fn body(&self) -> String {
        let events: Vec<String> = Event::ALL
            .iter()
            .map(|(_, name)| quote_literal(name))
            .collect();
        self.body.replace("{events}", &events.join(", "))
    }

    /// The statement that makes it, or makes its body anew.
    fn create(&self) -> String {
        let Routine { name, returns, .. } = self;
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|(name, kind)| format!("{name} pg_catalog.{kind}"))
            .collect();
        let rights = if self.as_owner {
            "security definer "
        } else {
            ""
        };
        let settings: String = self
            .settings
            .iter()
            .map(|setting| format!("set {setting} "))
            .collect();
        format!(
            "create or replace function tabellion.{name}({}) returns pg_catalog.{returns} language plpgsql volatile \
             called on null input {rights}set search_path = '' {settings}as $$ {} $$",
            arguments.join(", "),
            self.body()
        )
    }

    /// The statement that says who may call it: whoever may use the schema what runs with the caller's rights,
    /// whatever the default privileges; a trigger's function nobody.
    fn rights(&self) -> String {
        let signature = self.signature();
        match self.is_called() {
            true => format!("grant execute on function {signature} to public"),
            false => format!("revoke all on function {signature} from public"),
        }
    }

    /// The statements that put it back, whatever was made of it. What a trigger calls is not dropped.
    fn remedy(&self) -> String {
        let drop = match self.is_called() {
            true => format!("drop function if exists {}; ", self.signature()),
            false => String::new(),
        };
        format!("{drop}{}; {}", self.create(), self.rights())
    }

    /// Whether it is called by its name, and by no trigger.
    fn is_called(&self) -> bool {
        self.returns != "trigger"
    }

    /// Its name with the types of its arguments.
    fn signature(&self) -> String {
        let types: Vec<String> = self
            .arguments
            .iter()
            .map(|(_, kind)| format!("pg_catalog.{kind}"))
            .collect();
        format!("tabellion.{}({})", self.name, types.join(", "))
    }

    /// A call, with an SQL literal for each argument. Each has its type, so that no function of the same name and
    /// other types is meant, which whoever may create in the schema could make.
    pub(in crate::migrate) fn call(&self, literals: &[&str]) -> String {
        let values: Vec<String> = literals
            .iter()
            .zip(self.arguments)
            .map(|(literal, (_, kind))| format!("{literal}::pg_catalog.{kind}"))
            .collect();
        format!("select tabellion.{}({});", self.name, values.join(", "))
    }

    /// `pg_proc.proconfig` as an array.
    fn config(&self) -> String {
        let path = ["search_path=\"\""].into_iter();
        let all: Vec<String> = path
            .chain(self.settings.iter().copied())
            .map(quote_literal)
            .collect();
        format!("array[{}]", all.join(", "))
    }
}

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
wanted (trigger_name, trigger_type, trigger_sql, function_name) as (values {triggers}),
routine (name, signature, names, result, is_called, as_owner, config, body, remedy) as (values {routines}),
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
select 'weak', 'function `tabellion.' || r.name || '` is missing or was changed', r.remedy
from ledger, routine r where not exists (
  select from pg_catalog.pg_proc f join pg_catalog.pg_language g on g.oid = f.prolang
  where f.oid = pg_catalog.to_regprocedure(r.signature) and f.prorettype = r.result::pg_catalog.regtype
    and coalesce(f.proargnames, '{}') = r.names and not f.proretset and not f.proisstrict and f.provolatile = 'v'
    and f.prokind = 'f' and g.lanname = 'plpgsql' and f.prosecdef = r.as_owner and f.proconfig = r.config
    and pg_catalog.btrim(f.prosrc) = pg_catalog.btrim(r.body)
    and (not r.is_called or exists (
      select from pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) x
      where x.grantee = 0 and x.privilege_type = 'EXECUTE')))
union all
select distinct 'weak', 'role `' || name || '` may ' || privilege || ' on ' || thing,
  'revoke ' || privilege || ' on ' || thing || ' from ' || quoted
from named where not is_note
union all
select distinct 'note', 'role `' || name || '` may enter rows in the ledger, each under the name of its login', ''
from named where is_note
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
            "({}, {}, array[{}]::pg_catalog.text[], {}, {}, {}, {}, {}, {})",
            text(one.name),
            text(&one.signature()),
            names.join(", "),
            text(&format!("pg_catalog.{}", one.returns)),
            one.is_called(),
            one.as_owner,
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
