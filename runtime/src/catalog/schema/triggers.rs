//! Triggers. The only one that schema data knows keeps `updated_at`.

use super::reading::{Reading, part_of};
use super::row::Row;

/// A trigger of a partitioned table has copies on the partitions, which are `tgparentid`'s.
pub(super) const QUERY: &str = "
select t.oid as relation, g.tgname as name, n.nspname as schema, f.proname as function,
  g.tgtype as type, g.tgenabled = 'O' and g.tgqual is null and g.tgnargs = 0 as plain
from {tables} t
join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal and g.tgparentid = 0
join pg_catalog.pg_proc f on f.oid = g.tgfoid
join pg_catalog.pg_namespace n on n.oid = f.pronamespace
order by t.oid, g.tgname";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        if let Some((name, _)) = reading.table(row) {
            reading.cannot_say("a trigger", &part_of(row.text("name"), &name));
        }
    }
}
