//! Indexes, and the exclusion constraints that indexes serve; their keys come after them.

use std::collections::BTreeMap;

use tabellion_sql::schema::{Exclusion, Expr, Index};

use super::constraints::deferrable;
use super::reading::{ReadIndex, Reading, part_of};
use super::row::Row;

pub(super) const QUERY: &str = "
select x.indrelid as relation, x.indexrelid as index, i.relname as name, m.amname as method,
  k.contype = 'x' as excludes, k.condeferrable as deferrable, k.condeferred as deferred,
  x.indisunique as is_unique, x.indnullsnotdistinct as nulls_not_distinct,
  x.indisvalid and x.indisready as valid,
  pg_catalog.pg_get_expr(x.indpred, x.indrelid) as predicate,
  x.indpred::pg_catalog.text as predicate_tree,
  pg_catalog.to_json(i.reloptions) as options,
  pg_catalog.to_json(array(
    select a.attname
    from pg_catalog.generate_series(x.indnkeyatts, x.indnatts - 1) place
    join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[place]
    order by place)) as include
from {tables} t
join pg_catalog.pg_index x on x.indrelid = t.oid
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_am m on m.oid = i.relam
left join pg_catalog.pg_constraint k
  on k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x')
where coalesce(k.contype, 'x') = 'x'
order by x.indexrelid";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let predicate = row
            .optional("predicate")
            .map(|sql| reading.expr(row.number("relation"), sql, row.text("predicate_tree")));
        let Some((table_name, table)) = reading.table(row) else {
            continue;
        };
        let name = row.owned("name");
        let excludes = row.flag("excludes");
        let include: Vec<String> = row.list("include");
        let carries = !include.is_empty();
        let with = options(row.list("options"));
        let has_options = !with.is_empty();
        if excludes {
            let exclusion = exclusion(row, predicate);
            table.exclusions.insert(name.clone(), exclusion);
        } else {
            let index = Index {
                method: row.owned("method"),
                include,
                unique: row.flag("is_unique"),
                nulls_not_distinct: row.flag("nulls_not_distinct"),
                predicate,
                with,
                ..Index::new([])
            };
            table.indexes.insert(name.clone(), index);
        }
        let object = part_of(&name, &table_name);
        if excludes && carries {
            reading.cannot_say("an exclusion constraint with INCLUDE", &object);
        }
        if excludes && has_options {
            reading.cannot_say("an exclusion constraint with storage parameters", &object);
        }
        if !row.flag("valid") {
            reading.cannot_say("an invalid index", &object);
        }
        let place = ReadIndex {
            table: table_name,
            name,
            excludes,
        };
        reading.indexes.insert(row.number("index"), place);
    }
}

fn exclusion(row: &Row<'_>, predicate: Option<Expr>) -> Exclusion {
    Exclusion {
        method: row.owned("method"),
        elements: Vec::new(),
        predicate,
        deferrable: deferrable(row),
    }
}

/// Storage parameters, from `name=value`.
fn options(list: Vec<String>) -> BTreeMap<String, String> {
    let parts = list.iter().filter_map(|option| option.split_once('='));
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
