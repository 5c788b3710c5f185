//! What the ledger's table is: its columns, its key, and the sequence that its numbers come from.

use tabellion_sql::ident::quote_literal;

/// A column: its name, its type, one of `pg_catalog`, and whether each row has it.
type Column = (&'static str, &'static str, bool);

/// Its number is [stamped](super::routines::STAMP), and so are login and time.
pub(in crate::migrate) const COLUMNS: [Column; 16] = [
    ("id", "int8", true),
    ("event", "text", true),
    ("version", "text", false),
    ("name", "text", false),
    ("checksum", "text", false),
    ("rollback_checksum", "text", false),
    ("target", "text", false),
    ("guarded", "bool", true),
    ("actor", "text", true),
    ("on_behalf_of", "text", false),
    ("note", "text", false),
    ("position", "int4", false),
    ("at", "timestamptz", true),
    ("duration_ms", "int8", true),
    ("tool", "text", true),
    ("link", "text", false),
];

/// The statements that make table and sequence. Whoever enters rows needs USAGE on that, which draws a number and
/// sets none.
pub(super) fn create() -> String {
    let column = |(name, kind, is_required): &Column| {
        let default = if *name == "guarded" {
            " default false"
        } else {
            ""
        };
        let required = if *is_required { " not null" } else { "" };
        format!("  {name} pg_catalog.{kind}{required}{default}")
    };
    let columns: Vec<String> = COLUMNS.iter().map(column).collect();
    format!(
        "create table tabellion.ledger (\n{},\n  primary key (id)\n);
create sequence tabellion.ledger_id_seq owned by tabellion.ledger.id;
",
        columns.join(",\n")
    )
}

/// Each row: what speaks against the form of the ledger, and what takes it back. After `with ledger as (…)`, which
/// has its `oid` and `relnamespace`.
const FAULTS: &str = "
select 'the ledger''s column `' || w.name || '` is missing or was changed', w.remedy
from ledger, (values {columns}) w (name, type, is_required, remedy) where not exists (
  select from pg_catalog.pg_attribute a
  where a.attrelid = ledger.oid and a.attname = w.name and not a.attisdropped
    and a.atttypid = w.type::pg_catalog.regtype and a.atttypmod = -1 and a.attnotnull = w.is_required)
union all
select 'the ledger has column `' || a.attname || '`, which could keep rows out',
  'alter table tabellion.ledger drop column ' || pg_catalog.quote_ident(a.attname)
from ledger join pg_catalog.pg_attribute a on a.attrelid = ledger.oid and a.attnum > 0 and not a.attisdropped
where a.attname not in ({names})
union all
select 'the ledger has constraint `' || k.conname || '`, which could keep rows out',
  'alter table tabellion.ledger drop constraint ' || pg_catalog.quote_ident(k.conname)
from ledger join pg_catalog.pg_constraint k on k.conrelid = ledger.oid and k.contype not in ('p', 'n', 't') and k.conislocal
union all
select 'the ledger has index `' || c.relname || '`, which could keep rows out',
  'drop index tabellion.' || pg_catalog.quote_ident(c.relname)
from ledger join pg_catalog.pg_index i on i.indrelid = ledger.oid
join pg_catalog.pg_class c on c.oid = i.indexrelid
where not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.conrelid = ledger.oid)
union all
select 'the ledger has no primary key of its numbers', coalesce((
    select 'alter table tabellion.ledger drop constraint ' || pg_catalog.quote_ident(k.conname) || '; '
    from pg_catalog.pg_constraint k where k.conrelid = ledger.oid and k.contype = 'p'), '')
  || 'alter table tabellion.ledger add primary key (id)'
from ledger where not exists (
  select from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attname = 'id'
  where i.indrelid = ledger.oid and i.indisprimary and i.indisvalid and i.indimmediate
    and i.indkey::pg_catalog.text = a.attnum::pg_catalog.text)
union all
select 'the ledger is not logged, so that a crash empties it', 'alter table tabellion.ledger set logged'
from ledger join pg_catalog.pg_class c on c.oid = ledger.oid where c.relpersistence <> 'p'
union all
select 'table `' || i.inhrelid::pg_catalog.regclass || '` inherits from the ledger',
  'alter table ' || i.inhrelid::pg_catalog.regclass || ' no inherit tabellion.ledger'
from ledger join pg_catalog.pg_inherits i on i.inhparent = ledger.oid
union all
select 'the ledger is part of table `' || i.inhparent::pg_catalog.regclass || '`, through which its rows are changed',
  case when c.relispartition
    then 'alter table ' || i.inhparent::pg_catalog.regclass || ' detach partition tabellion.ledger'
    else 'alter table tabellion.ledger no inherit ' || i.inhparent::pg_catalog.regclass end
from ledger join pg_catalog.pg_inherits i on i.inhrelid = ledger.oid
join pg_catalog.pg_class c on c.oid = ledger.oid
union all
select 'sequence `tabellion.ledger_id_seq` is missing or was changed',
  'create sequence if not exists tabellion.ledger_id_seq owned by tabellion.ledger.id; alter sequence '
  || 'tabellion.ledger_id_seq as bigint increment 1 minvalue 1 maxvalue 9223372036854775807 start 1 restart 1 no cycle; '
  || {renumber}
from ledger where not exists (
  select from pg_catalog.pg_class s join pg_catalog.pg_sequence q on q.seqrelid = s.oid
  where s.relnamespace = ledger.relnamespace and s.relname = 'ledger_id_seq'
    and q.seqtypid = 'pg_catalog.int8'::pg_catalog.regtype and q.seqincrement = 1 and q.seqmin = 1
    and q.seqmax = 9223372036854775807 and not q.seqcycle)";

/// What puts the sequence behind the rows.
const RENUMBER: &str = "select pg_catalog.setval('tabellion.ledger_id_seq', \
    (select coalesce(max(id), 0) + 1 from only tabellion.ledger))";

/// How far the sequence may stand before the rows: [stamped](super::routines::STAMP) rows draw until they are past.
const BEHIND: i64 = 1_000_000;

/// More numbers than anyone draws.
const LEFT: i64 = 1 << 62;

/// What speaks against where the sequence stands.
pub(super) fn misplaced(drawn: i64, last_id: i64) -> Option<String> {
    let fault = if drawn < last_id.saturating_sub(BEHIND) {
        "stands far before the ledger's rows"
    } else if drawn > LEFT {
        "has few numbers left"
    } else {
        return None;
    };
    Some(format!(
        "sequence `tabellion.ledger_id_seq` {fault}, so that no row can be entered; run `{RENUMBER}`"
    ))
}

pub(super) fn faults() -> String {
    let text = quote_literal;
    let column = |(name, kind, is_required): &Column| {
        let required = if *is_required { "set" } else { "drop" };
        let remedy = format!(
            "alter table tabellion.ledger add column if not exists {name} pg_catalog.{kind}; \
             alter table tabellion.ledger alter column {name} type pg_catalog.{kind} using {name}::pg_catalog.{kind}, \
             alter column {name} {required} not null"
        );
        format!(
            "({}, {}, {is_required}, {})",
            text(name),
            text(&format!("pg_catalog.{kind}")),
            text(&remedy)
        )
    };
    let columns: Vec<String> = COLUMNS.iter().map(column).collect();
    let names = COLUMNS.map(|(name, ..)| text(name));
    FAULTS
        .replace("{columns}", &columns.join(", "))
        .replace("{names}", &names.join(", "))
        .replace("{renumber}", &text(RENUMBER))
}
