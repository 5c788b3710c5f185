//! Triggers. The only one that schema data knows keeps `updated_at`.

use tabellion_sql::plan::{touch_function, touch_trigger};
use tabellion_sql::schema::QualifiedName;

use super::reading::{Reading, part_of};
use super::row::Row;

/// A trigger of a partitioned table has copies on the partitions, which are `tgparentid`'s. Row, before
/// and update are the bits of `tgtype` that make 19.
pub(super) const QUERY: &str = "
select t.oid as relation, g.tgname as name, n.nspname as schema, f.proname as function,
  g.tgtype = 19 and g.tgenabled = 'O' and g.tgqual is null and g.tgnargs = 0
    and g.tgattr::pg_catalog.text = ''
    and f.pronargs = 0 as plain
from {tables} t
join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal and g.tgparentid = 0
join pg_catalog.pg_proc f on f.oid = g.tgfoid
join pg_catalog.pg_namespace n on n.oid = f.pronamespace
order by t.oid, g.tgname";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let trigger = row.text("name");
        let function = QualifiedName::new(row.text("schema"), row.text("function"));
        let Some((name, table)) = reading.table(row) else {
            continue;
        };
        let kept = table.columns.iter_mut().find(|column| {
            touch_trigger(&column.name) == trigger
                && touch_function(&name.schema, &column.name) == function
        });
        match kept.filter(|_| row.flag("plain")) {
            Some(column) => {
                column.updated_at = true;
                reading.functions.insert(function);
            }
            None => reading.cannot_say("a trigger", &part_of(trigger, &name)),
        }
    }
}
