//! Tables of someone else that foreign keys refer to.

use tabellion_sql::schema::{Column, External, QualifiedName, Type};

use super::reading::Reading;
use super::row::Row;

/// The referenced columns of every table that a foreign key names and that is not read itself.
pub(super) const QUERY: &str = "
with keys as (
  select k.confrelid, k.confkey
  from {tables} t
  join pg_catalog.pg_constraint k on k.conrelid = t.oid and k.contype = 'f' and k.conparentid = 0
)
select n.nspname as schema, c.relname as table, a.attname as name, {type} as type,
  not a.attnotnull as nullable,
  (select pg_catalog.json_agg(u.columns order by u.contype = 'p' desc, u.conname)
   from (
     select k.contype, k.conname, array(
       select ka.attname from pg_catalog.unnest(k.conkey) with ordinality v (number, place)
       join pg_catalog.pg_attribute ka on ka.attrelid = k.conrelid and ka.attnum = v.number
       order by v.place) as columns
     from pg_catalog.pg_constraint k
     where k.conrelid = c.oid and k.contype in ('p', 'u')) u) as keys
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
{type_join}
where c.oid not in (select t.oid from {tables} t)
  and exists (select from keys where keys.confrelid = c.oid and a.attnum = any (keys.confkey))
order by c.oid, a.attnum";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    let externals = &mut reading.schema.externals;
    for row in rows {
        let name = QualifiedName::new(row.text("schema"), row.text("table"));
        let external = externals.entry(name).or_insert_with_key(|name| External {
            source: name.to_string(),
            columns: Vec::new(),
            keys: row.list("keys"),
        });
        let ty: Type = row
            .text("type")
            .parse()
            .unwrap_or_else(|_| Type::Named(row.owned("type")));
        external.columns.push(Column {
            nullable: row.flag("nullable"),
            ..Column::new(row.text("name"), ty)
        });
    }
    // Of its keys, those that foreign keys can mean.
    for external in externals.values_mut() {
        let columns = &external.columns;
        let known = |name: &String| columns.iter().any(|column| &column.name == name);
        external.keys.retain(|key| key.iter().all(known));
    }
}
