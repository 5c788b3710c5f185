//! Pieces of SQL that several queries share.

/// The tables that are read: ordinary and partitioned ones, no partitions, none of an extension.
const TABLES: &str = "(
  select n.nspname, c.*
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ({schemas}) and c.relkind in ('r', 'p') and not c.relispartition
    and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and e.objid = c.oid and e.deptype = 'e'))";

/// The type of column `a`, where `b` is its type, or its elements' type, and `bn` that type's schema.
/// A type of an extension has its bare name, as people write it: where the extension lives is no
/// part of a table.
const TYPE: &str = "(
  select case
    when pg_catalog.starts_with(f.text, pg_catalog.quote_ident(bn.nspname) || '.') and exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
        and e.objid = b.oid and e.deptype = 'e')
    then pg_catalog.substr(f.text, pg_catalog.length(pg_catalog.quote_ident(bn.nspname)) + 2)
    else f.text end
  from (select pg_catalog.format_type(a.atttypid, a.atttypmod) as text) f)";

/// Joins `b` and `bn` to a column `a`, for `{type}`.
const TYPE_JOIN: &str = "
join pg_catalog.pg_type y on y.oid = a.atttypid
join pg_catalog.pg_type b on b.oid =
  case when y.typcategory = 'A' and y.typelem <> 0 then y.typelem else y.oid end
join pg_catalog.pg_namespace bn on bn.oid = b.typnamespace";

/// Replaces `{tables}`, `{type}`, `{type_join}` and `{schemas}`, a list of literals.
pub(super) fn fill(query: &str, schemas: &str) -> String {
    query
        .replace("{type_join}", TYPE_JOIN)
        .replace("{type}", TYPE)
        .replace("{tables}", TABLES)
        .replace("{schemas}", schemas)
}
