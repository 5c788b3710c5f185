//! Columns, and the sequences that number them.

use tabellion_sql::ident::object_name;
use tabellion_sql::schema::{Column, Generated, QualifiedName, Type};

use super::reading::{Numbering, Reading};
use super::row::Row;

/// A serial column is told by its default: the next value of the sequence that it owns, as the server
/// prints it, which is not how `quote_literal` writes a name with a backslash.
pub(super) const QUERY: &str = "
select a.attrelid as relation, a.attnum as number, a.attname as name,
  {type} as type, not a.attnotnull as nullable,
  a.attidentity as identity, a.attgenerated as generated,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expr, d.adbin::pg_catalog.text as tree,
  l.collname as collation, ln.nspname as collation_schema,
  pg_catalog.col_description(a.attrelid, a.attnum) as comment,
  s.nspname as sequence_schema, s.relname as sequence, s.plain as plain_sequence
from {tables} t
join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
{type_join}
left join pg_catalog.pg_collation l on l.oid = a.attcollation and a.attcollation <> y.typcollation
left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join lateral (
  select sn.nspname, c.relname,
    q.seqstart = 1 and q.seqincrement = 1 and q.seqmin = 1 and q.seqcache = 1
    and not q.seqcycle and q.seqtypid = a.atttypid
    and q.seqmax = case q.seqtypid
      when 'pg_catalog.int2'::pg_catalog.regtype then 32767
      when 'pg_catalog.int4'::pg_catalog.regtype then 2147483647
      else 9223372036854775807 end as plain
  from pg_catalog.pg_depend o
  join pg_catalog.pg_class c on c.oid = o.objid and c.relkind = 'S'
  join pg_catalog.pg_namespace sn on sn.oid = c.relnamespace
  join pg_catalog.pg_sequence q on q.seqrelid = c.oid
  where o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and o.refobjid = a.attrelid and o.refobjsubid = a.attnum
    and (o.deptype = 'i' or o.deptype = 'a' and pg_catalog.pg_get_expr(d.adbin, d.adrelid)
      = 'nextval(''' || pg_catalog.replace(c.oid::pg_catalog.regclass::pg_catalog.text, '''', '''''')
        || '''::regclass)')
) s on true
order by a.attrelid, a.attnum";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        reading.columns.insert(
            (row.number("relation"), row.number("number")),
            row.owned("name"),
        );
    }
    for row in rows {
        let relation = row.number("relation");
        let Some((table_name, _)) = reading.table(row) else {
            continue;
        };
        let object = format!(
            "`{table_name}.{}`",
            tabellion_sql::ident::quote(row.text("name"))
        );
        let mut column = Column::new(row.text("name"), read_type(row.text("type")));
        column.nullable = row.flag("nullable");
        column.comment = row.optional("comment");
        column.collation = row
            .optional("collation")
            .map(|name| super::keys::bare(row.text("collation_schema"), &name, false));
        column.generated = match row.text("identity") {
            "a" => Some(Generated::IdentityAlways),
            "d" => Some(Generated::IdentityByDefault),
            _ if row.optional("sequence").is_some() => Some(Generated::Serial),
            _ => None,
        };
        match (row.text("generated"), column.generated) {
            ("", None) => column.default = row.optional("expr"),
            ("", Some(_)) => numbered(row, &table_name, &column, &object, reading),
            (kind, _) => {
                column.computed = Some(reading.expr(relation, row.owned("expr"), row.text("tree")));
                if kind != "s" {
                    reading.cannot_say("a virtual generated column", &object);
                }
            }
        }
        if let Some((_, table)) = reading.table(row) {
            table.columns.push(column);
        }
    }
}

/// The type that `format_type` names.
fn read_type(text: &str) -> Type {
    text.parse().unwrap_or(Type::Named(text.to_owned()))
}

/// Notes the sequence of a numbered column, and what of it `serial` and identity would not make.
fn numbered(
    row: &Row<'_>,
    table: &QualifiedName,
    column: &Column,
    object: &str,
    reading: &mut Reading,
) {
    let sequence = QualifiedName::new(row.text("sequence_schema"), row.text("sequence"));
    let usual = QualifiedName::new(&table.schema, object_name(&table.name, &column.name, "seq"));
    if sequence != usual {
        reading.cannot_say(
            &format!("a sequence that is not named `{usual}`"),
            &format!("`{sequence}`"),
        );
    }
    if !row.flag("plain_sequence") {
        reading.cannot_say(
            "a sequence with options of its own",
            &format!("`{sequence}`"),
        );
    }
    if column.nullable {
        reading.cannot_say("a serial column that may be null", object);
    }
    let numbering = Numbering {
        table: table.clone(),
        serial: column.generated == Some(Generated::Serial),
    };
    reading.sequences.insert(sequence, numbering);
}
