//! What schema data has no word for. Where the whole of it is a fact of the catalog, it is found here;
//! what shows while something else is read, there.

use tabellion_sql::ident::quote;
use tabellion_sql::schema::QualifiedName;

use super::reading::{Reading, part_of};
use super::row::Row;

/// Facts about the tables that are read. Columns of a constraint's row that only newer servers have
/// are looked up by name in its JSON.
pub(super) const TABLES: &str = "
select f.fact, f.nspname as schema, f.relname as table, f.part
from (
  select t.nspname, t.relname, '' as part, v.fact
  from {tables} t
  cross join lateral (values
    (t.relpersistence = 'u', 'an unlogged table'),
    (t.reloptions is not null, 'a table with storage parameters'),
    (t.relreplident <> 'd', 'a replica identity'),
    (t.reltablespace <> 0, 'a table in a tablespace'),
    (t.reloftype <> 0, 'a table of a type'),
    (exists (select from pg_catalog.pg_inherits h where h.inhrelid = t.oid), 'a table that inherits'),
    (exists (select from pg_catalog.pg_publication_rel p where p.prrelid = t.oid),
      'a table in a publication')
  ) v (holds, fact)
  where v.holds
  union all
  select t.nspname, t.relname, a.attname, v.fact
  from {tables} t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type y on y.oid = a.atttypid
  cross join lateral (values
    (a.attstorage <> y.typstorage or a.attcompression <> '', 'a column with storage options'),
    (a.attoptions is not null, 'a column with planner options')
  ) v (holds, fact)
  where v.holds
  union all
  select t.nspname, t.relname, k.conname, v.fact
  from {tables} t
  join pg_catalog.pg_constraint k on k.conrelid = t.oid and k.conparentid = 0
  left join pg_catalog.pg_index x on x.indexrelid = k.conindid and k.contype in ('p', 'u')
  left join pg_catalog.pg_class i on i.oid = x.indexrelid
  cross join lateral (select pg_catalog.to_jsonb(k) as json) j
  cross join lateral (values
    (k.contype = 'c' and k.connoinherit, 'a check with NO INHERIT'),
    (k.contype = 'c' and not k.conislocal, 'an inherited check'),
    (k.contype = 'f' and k.confmatchtype <> 's', 'a foreign key with MATCH FULL'),
    (x.indnatts > x.indnkeyatts, 'a key with INCLUDE'),
    (i.reloptions is not null, 'a key with storage parameters'),
    (j.json ->> 'conperiod' = 'true', 'a key without overlaps'),
    (j.json ->> 'conenforced' = 'false', 'a constraint that is not enforced'),
    (k.contype = 'n' and not k.convalidated, 'a NOT NULL that is not validated'),
    (k.contype = 't', 'a constraint trigger'),
    (pg_catalog.obj_description(k.oid, 'pg_constraint') is not null, 'a comment on a constraint')
  ) v (holds, fact)
  where v.holds
  union all
  select t.nspname, t.relname, i.relname, 'a comment on an index'
  from {tables} t
  join pg_catalog.pg_index x on x.indrelid = t.oid
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  where pg_catalog.obj_description(i.oid, 'pg_class') is not null
  union all
  select t.nspname, t.relname, p.polname, 'a comment on a policy'
  from {tables} t
  join pg_catalog.pg_policy p on p.polrelid = t.oid
  where pg_catalog.obj_description(p.oid, 'pg_policy') is not null
  union all
  select t.nspname, t.relname, w.rulename, 'a rule'
  from {tables} t
  join pg_catalog.pg_rewrite w on w.ev_class = t.oid
) f";

/// What else lives in the schemas; an extension's, and a range type's own functions, left out.
pub(super) const OTHERS: &str = "
select f.fact, f.nspname as schema, f.name as table, '' as part
from (
  select n.nspname, c.relname as name,
    'pg_catalog.pg_class'::pg_catalog.regclass as classid, c.oid,
    case c.relkind when 'v' then 'a view' when 'm' then 'a materialized view'
      when 'f' then 'a foreign table' when 'c' then 'a composite type'
      else 'a sequence that numbers no column' end as fact
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('v', 'm', 'f', 'c', 'S')
  union all
  select n.nspname, p.proname, 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid,
    case p.prokind when 'p' then 'a procedure' when 'a' then 'an aggregate' else 'a function' end
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  union all
  select n.nspname, y.typname, 'pg_catalog.pg_type'::pg_catalog.regclass, y.oid,
    case y.typtype when 'e' then 'an enumeration' when 'd' then 'a domain' else 'a range type' end
  from pg_catalog.pg_type y
  join pg_catalog.pg_namespace n on n.oid = y.typnamespace
  where y.typtype in ('e', 'd', 'r')
) f
where f.nspname in ({schemas}) and not exists (
  select from pg_catalog.pg_depend e
  where e.classid = f.classid and e.objid = f.oid and (e.deptype = 'e'
    or e.deptype = 'i' and f.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass))";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let name = QualifiedName::new(row.text("schema"), row.text("table"));
        if reading.sequences.contains_key(&name) || reading.functions.contains(&name) {
            continue;
        }
        let object = match (row.text("fact"), row.text("part")) {
            (_, "") => format!("`{name}`"),
            (fact, part) if fact.contains("column") => format!("`{name}.{}`", quote(part)),
            (_, part) => part_of(part, &name),
        };
        reading.cannot_say(row.text("fact"), &object);
    }
}
