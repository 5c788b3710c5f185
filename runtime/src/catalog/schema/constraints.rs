//! Primary keys, unique constraints, foreign keys, checks.

use tabellion_sql::schema::{
    Check, Deferrable, Expr, ForeignKey, PrimaryKey, QualifiedName, ReferentialAction, Unique,
};

use super::reading::Reading;
use super::row::Row;

/// A partition's share in its parent's constraint, and the shadows that a foreign key to a
/// partitioned table has, are `conparentid`'s; NOT NULL is a column's fact.
pub(super) const QUERY: &str = "
select k.conrelid as relation, k.conname as name, k.contype as type,
  k.condeferrable as deferrable, k.condeferred as deferred, k.convalidated as validated,
  coalesce(x.indnullsnotdistinct, false) as nulls_not_distinct,
  pg_catalog.pg_get_expr(k.conbin, k.conrelid) as expr,
  pg_catalog.to_json(array(
    select a.attname from pg_catalog.unnest(k.conkey) with ordinality u (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
    order by u.place)) as columns,
  n.nspname as target_schema, r.relname as target,
  pg_catalog.to_json(array(
    select a.attname from pg_catalog.unnest(k.confkey) with ordinality u (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number
    order by u.place)) as target_columns,
  k.confdeltype as on_delete, k.confupdtype as on_update,
  pg_catalog.to_json(array(
    select a.attname from pg_catalog.unnest(k.confdelsetcols) with ordinality u (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
    order by u.place)) as on_delete_columns
from {tables} t
join pg_catalog.pg_constraint k on k.conrelid = t.oid
left join pg_catalog.pg_class r on r.oid = k.confrelid
left join pg_catalog.pg_namespace n on n.oid = r.relnamespace
left join pg_catalog.pg_index x on x.indexrelid = k.conindid and k.contype in ('p', 'u')
where k.contype in ('p', 'u', 'f', 'c') and k.conparentid = 0 and k.conislocal
order by k.conrelid, k.conname";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let Some((_, table)) = reading.table(row) else {
            continue;
        };
        let (name, columns): (_, Vec<String>) = (row.owned("name"), row.list("columns"));
        let not_valid = !row.flag("validated");
        let deferrable = deferrable(row);
        match row.text("type") {
            "p" => {
                table.primary_key = Some(PrimaryKey {
                    name,
                    columns,
                    deferrable,
                });
            }
            "u" => {
                let unique = Unique {
                    columns,
                    nulls_not_distinct: row.flag("nulls_not_distinct"),
                    deferrable,
                };
                table.uniques.insert(name, unique);
            }
            "f" => {
                let target = QualifiedName::new(row.text("target_schema"), row.text("target"));
                let references: Vec<String> = row.list("target_columns");
                let key = ForeignKey {
                    on_delete: action(row.text("on_delete")),
                    on_delete_columns: row.list("on_delete_columns"),
                    on_update: action(row.text("on_update")),
                    deferrable,
                    not_valid,
                    ..ForeignKey::new(columns, target, references)
                };
                table.foreign_keys.insert(name, key);
            }
            _ => {
                let check = Check {
                    expr: Expr::new(row.text("expr"), columns),
                    not_valid,
                };
                table.checks.insert(name, check);
            }
        }
    }
}

/// When the constraint of a row is checked, by its fields `deferrable` and `deferred`.
pub(super) fn deferrable(row: &Row<'_>) -> Deferrable {
    match (row.flag("deferrable"), row.flag("deferred")) {
        (false, _) => Deferrable::Not,
        (true, false) => Deferrable::Immediate,
        (true, true) => Deferrable::Deferred,
    }
}

fn action(code: &str) -> ReferentialAction {
    match code {
        "r" => ReferentialAction::Restrict,
        "c" => ReferentialAction::Cascade,
        "n" => ReferentialAction::SetNull,
        "d" => ReferentialAction::SetDefault,
        _ => ReferentialAction::NoAction,
    }
}
