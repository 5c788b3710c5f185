//! Tables: their comments, their answers on row-level security, how they are partitioned.

use std::collections::BTreeMap;

use tabellion_sql::schema::{PartitionBy, PartitionStrategy, QualifiedName, Rls, Table};

use super::reading::Reading;
use super::row::Row;

pub(super) const QUERY: &str = "
select t.oid as relation, t.nspname as schema, t.relname as name,
  pg_catalog.obj_description(t.oid, 'pg_class') as comment,
  t.relrowsecurity as enabled, t.relforcerowsecurity as forced,
  p.partstrat as strategy,
  pg_catalog.to_json(array(
    select a.attname
    from pg_catalog.unnest(p.partattrs::pg_catalog.int2[]) with ordinality u (number, place)
    left join pg_catalog.pg_attribute a
      on a.attrelid = t.oid and a.attnum = u.number and u.number > 0
    order by u.place)) as key
from {tables} t
left join pg_catalog.pg_partitioned_table p on p.partrelid = t.oid
order by t.oid";

/// What stands before the reason, in the comment of a table without row-level security.
const REASON: &str = "No row-level security: ";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let name = QualifiedName::new(row.text("schema"), row.text("name"));
        let object = format!("`{name}`");
        let mut table = Table::new(name.to_string());
        table.comment = row.optional("comment");
        match (row.flag("enabled"), row.flag("forced")) {
            (true, true) => {}
            (true, false) => reading.cannot_say("row-level security without FORCE", &object),
            (false, forced) => {
                let (comment, reason) = split(row.optional("comment"));
                table.comment = comment;
                if forced {
                    reading.cannot_say("FORCE without row-level security", &object);
                }
                if reason.is_none() {
                    reading.cannot_say("no row-level security, and no reason why", &object);
                }
                table.rls = Rls::Disabled(reason.unwrap_or_default());
            }
        }
        table.partition_by = partition_by(row, &object, reading);
        reading.tables.insert(row.number("relation"), name.clone());
        reading.schema.tables.insert(name, table);
    }
}

/// A comment parted from the reason that it ends with.
fn split(comment: Option<String>) -> (Option<String>, Option<String>) {
    let Some(text) = comment else {
        return (None, None);
    };
    if let Some(reason) = text.strip_prefix(REASON) {
        return (None, Some(reason.to_owned()));
    }
    match text.rsplit_once(&format!("\n\n{REASON}")) {
        Some((comment, reason)) => (Some(comment.to_owned()), Some(reason.to_owned())),
        None => (Some(text), None),
    }
}

fn partition_by(row: &Row<'_>, object: &str, reading: &mut Reading) -> Option<PartitionBy> {
    let strategy = match row.text("strategy") {
        "r" => PartitionStrategy::Range,
        "l" => PartitionStrategy::List,
        "h" => PartitionStrategy::Hash,
        _ => return None,
    };
    let key: Vec<Option<String>> = row.list("key");
    if key.contains(&None) {
        reading.cannot_say("a partition key over an expression", object);
    }
    let columns = key.into_iter().flatten().collect();
    Some(PartitionBy { strategy, columns })
}

/// The policies of every table that has row-level security, to be filled.
pub(super) fn policies_mut(
    table: &mut Table,
) -> Option<&mut BTreeMap<String, tabellion_sql::schema::Policy>> {
    match &mut table.rls {
        Rls::Enabled(policies) => Some(policies),
        Rls::Disabled(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_parted_from_the_comment() {
        let split = |text: &str| split(Some(text.to_owned()));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(split("Prices."), (some("Prices."), None));
        let reason = some("the same for everyone");
        assert_eq!(
            split("No row-level security: the same for everyone"),
            (None, reason.clone())
        );
        assert_eq!(
            split("Prices.\n\nNo row-level security: the same for everyone"),
            (some("Prices."), reason)
        );
    }
}
