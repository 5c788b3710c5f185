//! Partitions, which belong to the table that they are partitions of.

use std::collections::BTreeSet;

use tabellion_sql::schema::{Policy, QualifiedName};

use super::bound;
use super::reading::Reading;
use super::row::Row;

pub(super) const QUERY: &str = "
select t.oid as relation, c.oid as partition, n.nspname as schema, c.relname as name,
  c.relkind = 'p' as parted,
  c.relrowsecurity = t.relrowsecurity and c.relforcerowsecurity = t.relforcerowsecurity as same_rls,
  pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
  pg_catalog.to_json(array(
    select i.relname from pg_catalog.pg_index x
    join pg_catalog.pg_class i on i.oid = x.indexrelid and not i.relispartition
    where x.indrelid = c.oid
    union
    select k.conname from pg_catalog.pg_constraint k
    where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'f', 'x')
      and k.conislocal and k.conparentid = 0
    union
    select g.tgname from pg_catalog.pg_trigger g
    where g.tgrelid = c.oid and not g.tgisinternal and g.tgparentid = 0)) as own
from {tables} t
join pg_catalog.pg_inherits h on h.inhparent = t.oid
join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relispartition
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by c.oid";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let name = QualifiedName::new(row.text("schema"), row.text("name"));
        let object = format!("`{name}`");
        let Some((parent, table)) = reading.table(row) else {
            continue;
        };
        let bound = bound::parse(row.text("bound"));
        if let Some(bound) = bound.clone() {
            table.partitions.insert(name.name.clone(), bound);
        }
        if bound.is_none() {
            reading.cannot_say("a partition bound of another form", &object);
        }
        if parent.schema != name.schema {
            reading.cannot_say("a partition in another schema", &object);
        }
        if row.flag("parted") {
            reading.cannot_say("a partition that is partitioned", &object);
        }
        for own in row.list::<String>("own") {
            let part = super::reading::part_of(&own, &name);
            reading.cannot_say("an index, constraint or trigger of one partition", &part);
        }
        let same = same_policies(row.number("relation"), row.number("partition"), reading);
        if !row.flag("same_rls") || !same {
            reading.cannot_say(
                "a partition with another answer on row-level security",
                &object,
            );
        }
    }
}

/// Whether a partition has its parent's policies. Where one reads other tables, its text names the
/// table that it is on, and only the rest of it compares.
fn same_policies(parent: u32, partition: u32, reading: &Reading) -> bool {
    let of = |relation| {
        let policies = reading.policies.get(&relation);
        let comparable = policies.into_iter().flatten().map(|(name, policy)| {
            let mut policy: Policy = policy.clone();
            for expr in policy.using.iter_mut().chain(&mut policy.check) {
                if !expr.tables.is_empty() {
                    expr.sql.clear();
                }
            }
            (name, policy)
        });
        comparable.collect::<Vec<_>>()
    };
    let names = |relation| -> BTreeSet<&String> {
        let policies = reading.policies.get(&relation);
        policies
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .collect()
    };
    names(parent) == names(partition) && of(parent) == of(partition)
}
