//! The functions beside the ledger: by which a file takes its turn and a row is entered, and those of its triggers.

use tabellion_sql::ident::quote_literal;

use super::Event;

/// A function beside the ledger. Its plans are made once a session, where a statement's are made each time.
pub(in crate::migrate) struct Routine {
    pub(in crate::migrate) name: &'static str,
    /// Each with its type, one of `pg_catalog`.
    pub(in crate::migrate) arguments: &'static [(&'static str, &'static str)],
    pub(super) returns: &'static str,
    /// Settings that it runs under besides an empty search path, as `pg_proc.proconfig` has them.
    settings: &'static [&'static str],
    body: &'static str,
}

/// Every function that is called where the ledger is read or written.
///
/// Their path is empty, so that the caller's temporary tables and types come first; but what their bodies name has its
/// schema, or is an operator, which PostgreSQL never looks for there, and PL/pgSQL assigns by a type's number.
pub(in crate::migrate) const ROUTINES: [Routine; 4] = [REFUSE, STAMP, TAKE_TURN, ENTER];

pub(super) const REFUSE: Routine = Routine {
    name: "refuse_change",
    arguments: &[],
    returns: "trigger",
    settings: &[],
    body: "begin raise exception 'the ledger is append-only' using errcode = 'insufficient_privilege'; end",
};

/// It runs with the rights of whoever enters the row, as all of them do: with its owner's, a table of someone else's
/// that it stamps could make its owner check a value. A sequence that was set back is drawn from until it is past
/// the rows, for their order is that of their numbers; no two sessions draw the same. It asks for the highest, which
/// an index gives, however small the table was when the plan was made.
///
/// What a row may hold is said here and by no constraint: those are prepared anew for each statement, and a
/// pattern takes longer to match than the row to insert.
pub(super) const STAMP: Routine = Routine {
    name: "stamp_row",
    arguments: &[],
    returns: "trigger",
    settings: &[],
    body: "declare
  highest pg_catalog.int8;
begin
  if not (new.event in ({events})
    and pg_catalog.num_nonnulls(new.version, new.name, new.checksum, new.rollback_checksum)
      = case new.event when 'claimed' then 0 else 4 end
    and coalesce(pg_catalog.length(new.version) = 14 and pg_catalog.length(new.checksum) = 64
      and pg_catalog.length(new.rollback_checksum) = 64
      and pg_catalog.translate(new.version, '0123456789', '') = ''
      and pg_catalog.translate(new.checksum || new.rollback_checksum, '0123456789abcdef', '') = '', true)
    and (new.link is null or new.event in ('applied', 'adopted') and pg_catalog.length(new.link) = 64)
    and coalesce(new.position > 0, true) and coalesce(new.duration_ms >= 0, true))
  then
    raise exception 'the ledger takes no such row' using errcode = 'check_violation';
  end if;
  loop
    new.id := pg_catalog.nextval('tabellion.ledger_id_seq');
    highest := coalesce((select pg_catalog.max(l.id) from only tabellion.ledger l), 0);
    exit when new.id > highest;
    if new.id < highest - 1000000 then
      raise exception 'the ledger holds a row whose number its sequence does not reach'
        using errcode = 'object_not_in_prerequisite_state';
    end if;
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
    from only tabellion.ledger l where l.id > take_turn.last_id)
  then
    raise exception 'another process has applied migrations meanwhile' using errcode = 'serialization_failure';
  end if;
end",
};

/// Enters a row, and says what the caller does not know of it: number, milliseconds, time and login, a blank
/// apart. Where no time is given, that since the message arrived is taken.
pub(super) const ENTER: Routine = Routine {
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
        ("link", "text"),
    ],
    returns: "text",
    settings: &[],
    body: "declare
  said pg_catalog.text;
begin
  insert into tabellion.ledger as l (event, version, name, checksum, rollback_checksum, target, guarded,
    on_behalf_of, note, position, duration_ms, tool, link)
  values (enter.event, enter.version, enter.name, enter.checksum, enter.rollback_checksum, enter.target,
    enter.guarded, enter.on_behalf_of, enter.note, enter.reached,
    coalesce(enter.took, greatest(0, 1000 * pg_catalog.date_part(
      'epoch', pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()))), enter.tool, enter.link)
  returning pg_catalog.concat_ws(' ', l.id, l.duration_ms,
    pg_catalog.to_char(l.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), l.actor) into said;
  return said;
end",
};

impl Routine {
    pub(super) fn body(&self) -> String {
        let events: Vec<String> = Event::ALL
            .iter()
            .map(|(_, name)| quote_literal(name))
            .collect();
        self.body.replace("{events}", &events.join(", "))
    }

    /// The statement that makes it, or makes its body anew.
    pub(super) fn create(&self) -> String {
        let Routine { name, returns, .. } = self;
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|(name, kind)| format!("{name} pg_catalog.{kind}"))
            .collect();
        let settings: String = self
            .settings
            .iter()
            .map(|setting| format!("set {setting} "))
            .collect();
        format!(
            "create or replace function tabellion.{name}({}) returns pg_catalog.{returns} language plpgsql volatile \
             called on null input set search_path = '' {settings}as $$ {} $$",
            arguments.join(", "),
            self.body()
        )
    }

    /// The statement that says who may call it: whoever may use the schema, whatever the default privileges.
    pub(super) fn rights(&self) -> String {
        format!("grant execute on function {} to public", self.signature())
    }

    /// The statements that put it back, whatever was made of it. What a trigger calls is not dropped.
    pub(super) fn remedy(&self) -> String {
        let drop = match self.is_called() {
            true => format!("drop function if exists {}; ", self.signature()),
            false => String::new(),
        };
        format!("{drop}{}; {}", self.create(), self.rights())
    }

    /// Whether it is called by its name, and by no trigger.
    pub(super) fn is_called(&self) -> bool {
        self.returns != "trigger"
    }

    /// Its name with the types of its arguments.
    pub(super) fn signature(&self) -> String {
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
    pub(super) fn config(&self) -> String {
        let path = ["search_path=\"\""].into_iter();
        let all: Vec<String> = path
            .chain(self.settings.iter().copied())
            .map(quote_literal)
            .collect();
        format!("array[{}]", all.join(", "))
    }
}
