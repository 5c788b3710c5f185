//! What indexes and exclusion constraints are over: one row for each part of a key.

use std::borrow::Cow;

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{ExclusionElement, IndexColumn, IndexKey, Nulls};

use super::reading::Reading;
use super::row::Row;
use super::tree;

/// The type of a key part decides which operator class is the default one: the column's, or the
/// expression's, which the index's own column has unless the class stores another type. The
/// default is the class for just that type or, where there is none, any that takes the type.
/// Source: `GetDefaultOpClass` in PostgreSQL's `src/backend/commands/indexcmds.c`.
pub(super) const QUERY: &str = "
select x.indrelid as relation, x.indexrelid as index, a.attname as name,
  pg_catalog.pg_get_indexdef(x.indexrelid, p.place + 1, false) as expr,
  pg_catalog.pg_get_indexdef(x.indexrelid) as definition,
  x.indexprs::pg_catalog.text as trees,
  (select pg_catalog.count(*) from pg_catalog.generate_series(0, p.place - 1) earlier
    where x.indkey[earlier] = 0) as nth_expr,
  l.collname as collation, ln.nspname as collation_schema,
  x.indcollation[p.place] is distinct from a.attcollation as other_collation,
  c.opcname as opclass, cn.nspname as opclass_schema,
  c.opcdefault and (c.opcintype = y.oid or not exists (
    select from pg_catalog.pg_opclass o
    where o.opcmethod = c.opcmethod and o.opcdefault and o.opcintype = y.oid)) as default_opclass,
  exists (select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass
      and e.objid = c.oid and e.deptype = 'e') as extension_opclass,
  pg_catalog.to_json(ia.attoptions) as options,
  x.indoption[p.place] & 1 <> 0 as descending, x.indoption[p.place] & 2 <> 0 as nulls_first,
  r.oprname as operator, rn.nspname as operator_schema,
  exists (select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
      and e.objid = r.oid and e.deptype = 'e') as extension_operator
from {tables} t
join pg_catalog.pg_index x on x.indrelid = t.oid
cross join lateral pg_catalog.generate_series(0, x.indnkeyatts - 1) p (place)
join pg_catalog.pg_attribute ia on ia.attrelid = x.indexrelid and ia.attnum = p.place + 1
left join pg_catalog.pg_attribute a
  on a.attrelid = x.indrelid and a.attnum = x.indkey[p.place] and a.attnum <> 0
join pg_catalog.pg_opclass c on c.oid = x.indclass[p.place]
join pg_catalog.pg_namespace cn on cn.oid = c.opcnamespace
join pg_catalog.pg_type g on g.oid = coalesce(a.atttypid,
  case when c.opckeytype = 0 then ia.atttypid else c.opcintype end)
join pg_catalog.pg_type y
  on y.oid = case when g.typtype = 'd' then g.typbasetype else g.oid end
left join pg_catalog.pg_collation l on l.oid = x.indcollation[p.place]
left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
left join pg_catalog.pg_constraint k on k.conindid = x.indexrelid and k.contype = 'x'
left join pg_catalog.pg_operator r on r.oid = k.conexclop[p.place + 1]
left join pg_catalog.pg_namespace rn on rn.oid = r.oprnamespace
order by x.indexrelid, p.place";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let column = column(row, reading);
        let Some(index) = reading.indexes.get(&row.number("index")) else {
            continue;
        };
        let Some(table) = reading.schema.tables.get_mut(&index.table) else {
            continue;
        };
        if index.excludes {
            let operator = operator(row);
            if let Some(exclusion) = table.exclusions.get_mut(&index.name) {
                exclusion
                    .elements
                    .push(ExclusionElement { column, operator });
            }
        } else if let Some(index) = table.indexes.get_mut(&index.name) {
            index.columns.push(column);
        }
    }
}

fn column(row: &Row<'_>, reading: &Reading) -> IndexColumn {
    let collation = row
        .optional("collation")
        .map(|name| bare(row.text("collation_schema"), &name, false));
    let (key, collation) = match row.optional("name") {
        Some(name) => (
            IndexKey::Name(name),
            collation.filter(|_| row.flag("other_collation")),
        ),
        None => {
            // An expression's own collation is in no catalog; the whole definition names another.
            let printed = row.text("expr");
            let stated = row
                .text("definition")
                .contains(&format!("{printed} COLLATE "));
            let trees = tree::members(row.text("trees"));
            let nth = usize::try_from(row.number("nth_expr")).unwrap_or_default();
            let tree = trees.get(nth).copied().unwrap_or_default();
            let sql = unwrapped(printed).to_owned();
            let expr = reading.expr(row.number("relation"), sql, tree);
            (IndexKey::Expression(expr), collation.filter(|_| stated))
        }
    };
    let descending = row.flag("descending");
    let nulls = match (descending, row.flag("nulls_first")) {
        (false, true) => Some(Nulls::First),
        (true, false) => Some(Nulls::Last),
        _ => None,
    };
    IndexColumn {
        key,
        collation,
        opclass: opclass(row),
        descending,
        nulls,
    }
}

/// An expression that is no plain call stands in parentheses of the index's own.
fn unwrapped(printed: &str) -> &str {
    let inner = printed
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    inner.unwrap_or(printed)
}

/// The operator class where it is not the default, or has parameters, which only stand behind a name.
fn opclass(row: &Row<'_>) -> Option<String> {
    let options: Vec<String> = row.list("options");
    if row.flag("default_opclass") && options.is_empty() {
        return None;
    }
    let name = bare(
        row.text("opclass_schema"),
        row.text("opclass"),
        row.flag("extension_opclass"),
    );
    if options.is_empty() {
        return Some(name);
    }
    let options: Vec<String> = options
        .iter()
        .filter_map(|option| option.split_once('='))
        .map(|(key, value)| {
            let value = tabellion_sql::ident::quote_literal(value);
            format!("{} = {value}", quote(key))
        })
        .collect();
    Some(format!("{name} ({})", options.join(", ")))
}

fn operator(row: &Row<'_>) -> String {
    let (schema, name) = (row.text("operator_schema"), row.owned("operator"));
    if schema == "pg_catalog" || row.flag("extension_operator") {
        name
    } else {
        format!("operator({}.{name})", quote(schema))
    }
}

/// A name as SQL: alone where PostgreSQL or an extension owns it, with its schema elsewhere.
pub(super) fn bare(schema: &str, name: &str, of_extension: bool) -> String {
    let name: Cow<'_, str> = quote(name);
    if schema == "pg_catalog" || of_extension {
        name.into_owned()
    } else {
        format!("{}.{name}", quote(schema))
    }
}
