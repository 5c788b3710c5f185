//! The extensions that the tables need.

use tabellion_sql::schema::Extension;

use super::reading::Reading;
use super::row::Row;

/// An extension is needed where a table, or a default, an index, a constraint or a policy of it,
/// depends on one of its objects; on an array of one of its types too.
pub(super) const QUERY: &str = "
with tables as (select t.oid from {tables} t),
ours as (
  select 'pg_catalog.pg_class'::pg_catalog.regclass as classid, oid as objid from tables
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, x.indexrelid
  from pg_catalog.pg_index x join tables t on t.oid = x.indrelid
  union all
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid
  from pg_catalog.pg_attrdef d join tables t on t.oid = d.adrelid
  union all
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
  from pg_catalog.pg_constraint k join tables t on t.oid = k.conrelid
  union all
  select 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid
  from pg_catalog.pg_policy p join tables t on t.oid = p.polrelid
),
needed as (
  select d.refclassid as classid,
    coalesce(nullif(y.typelem, 0), d.refobjid) as objid
  from ours o
  join pg_catalog.pg_depend d on d.classid = o.classid and d.objid = o.objid
  left join pg_catalog.pg_type y
    on d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and y.oid = d.refobjid
    and y.typcategory = 'A'
)
select distinct e.extname as name, n.nspname as schema
from needed u
join pg_catalog.pg_depend d on d.classid = u.classid and d.objid = u.objid and d.deptype = 'e'
  and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
join pg_catalog.pg_extension e on e.oid = d.refobjid
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
order by 1";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let schema = row.optional("schema").filter(|schema| schema != "public");
        let extension = Extension { schema };
        reading
            .schema
            .extensions
            .insert(row.owned("name"), extension);
    }
}
