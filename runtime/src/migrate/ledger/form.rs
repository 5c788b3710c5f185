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
    and a.atttypid = w.type::pg_catalog.regtype and a.atttypmod = -1 and a.attnotnull >= w.is_required)
union all
select 'the ledger has no primary key', 'alter table tabellion.ledger add primary key (id)'
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
select 'sequence `tabellion.ledger_id_seq` is missing or was changed',
  'create sequence if not exists tabellion.ledger_id_seq owned by tabellion.ledger.id; alter sequence '
  || 'tabellion.ledger_id_seq as bigint increment 1 no minvalue no maxvalue no cycle; '
  || 'select pg_catalog.setval('
  || '''tabellion.ledger_id_seq'', (select coalesce(max(id), 0) + 1 from only tabellion.ledger))'
from ledger where not exists (
  select from pg_catalog.pg_class s join pg_catalog.pg_sequence q on q.seqrelid = s.oid
  where s.relnamespace = ledger.relnamespace and s.relname = 'ledger_id_seq'
    and q.seqtypid = 'pg_catalog.int8'::pg_catalog.regtype and q.seqincrement = 1 and q.seqmin = 1
    and q.seqmax = 9223372036854775807 and not q.seqcycle)";

pub(super) fn faults() -> String {
    let text = quote_literal;
    let column = |(name, kind, is_required): &Column| {
        let required = match is_required {
            true => format!(", alter column {name} set not null"),
            false => String::new(),
        };
        let remedy = format!(
            "alter table tabellion.ledger add column if not exists {name} pg_catalog.{kind}; \
             alter table tabellion.ledger alter column {name} type pg_catalog.{kind}{required}"
        );
        format!(
            "({}, {}, {is_required}, {})",
            text(name),
            text(&format!("pg_catalog.{kind}")),
            text(&remedy)
        )
    };
    let columns: Vec<String> = COLUMNS.iter().map(column).collect();
    FAULTS.replace("{columns}", &columns.join(", "))
}
