//! Policies of tables and of their partitions.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{Command, Expr, Policy, QualifiedName, Role};

use super::reading::{Reading, part_of};
use super::row::Row;
use super::{tables, tree};

/// The policies of one table.
pub(super) type Policies = BTreeMap<String, Policy>;

/// What a policy reads, both its expressions together, is recorded as what it depends on.
pub(super) const QUERY: &str = "
select p.polrelid as relation, p.polname as name, p.polpermissive as permissive, p.polcmd as command,
  n.nspname as schema, c.relname as table, c.relrowsecurity as enabled,
  pg_catalog.to_json(array(
    select coalesce(r.rolname, 'public') from pg_catalog.unnest(p.polroles) u
    left join pg_catalog.pg_roles r on r.oid = u)) as roles,
  pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using_sql,
  p.polqual::pg_catalog.text as using_tree,
  pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as check_sql,
  p.polwithcheck::pg_catalog.text as check_tree,
  pg_catalog.to_json(array(
    select distinct pg_catalog.json_build_array(a.attnum, a.attname)::pg_catalog.text
    from pg_catalog.pg_depend d
    join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.refobjid = p.polrelid and d.refobjsubid > 0)) as columns,
  pg_catalog.to_json(array(
    select distinct pg_catalog.json_build_array(o.oid::pg_catalog.int8, s.nspname, o.relname)::pg_catalog.text
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class o on o.oid = d.refobjid
    join pg_catalog.pg_namespace s on s.oid = o.relnamespace
    where d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.refobjid <> p.polrelid)) as tables
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where p.polrelid in (
  select t.oid from {tables} t
  union all
  select h.inhrelid from {tables} t join pg_catalog.pg_inherits h on h.inhparent = t.oid)
order by p.polrelid, p.polname";

pub(super) fn read(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let table_name = QualifiedName::new(row.text("schema"), row.text("table"));
        let name = row.owned("name");
        let object = part_of(&name, &table_name);
        if !row.flag("enabled") {
            reading.cannot_say("a policy without row-level security", &object);
            continue;
        }
        let roles: BTreeSet<String> = row.list("roles").into_iter().collect();
        for role in roles.iter().filter(|role| *role != "public") {
            reading.schema.roles.insert(role.clone(), Role::External);
        }
        let policy = Policy {
            command: command(row.text("command")),
            restrictive: !row.flag("permissive"),
            roles,
            using: expr(row, "using_sql", "using_tree"),
            check: expr(row, "check_sql", "check_tree"),
        };
        let relation = row.number("relation");
        let known = reading.policies.entry(relation).or_default();
        known.insert(name.clone(), policy.clone());
        if let Some((_, table)) = reading.table(row)
            && let Some(policies) = tables::policies_mut(table)
        {
            policies.insert(name, policy);
        }
    }
}

fn command(code: &str) -> Option<Command> {
    match code {
        "r" => Some(Command::Select),
        "a" => Some(Command::Insert),
        "w" => Some(Command::Update),
        "d" => Some(Command::Delete),
        _ => None,
    }
}

/// One of a policy's expressions. Of what both together read, its own tree tells what is its.
fn expr(row: &Row<'_>, sql: &str, tree: &str) -> Option<Expr> {
    let text = row.optional(sql)?;
    let tree = row.text(tree);
    let (attributes, relations) = (tree::attributes(tree), tree::relations(tree));
    let columns = pairs::<(u32, String)>(row, "columns")
        .into_iter()
        .filter(|(number, _)| attributes.contains(number))
        .map(|(_, name)| name);
    let tables = pairs::<(u32, String, String)>(row, "tables")
        .into_iter()
        .filter(|(relation, ..)| relations.contains(relation))
        .map(|(_, schema, name)| QualifiedName::new(schema, name).into());
    Some(Expr {
        tables: tables.collect(),
        ..Expr::new(text, columns)
    })
}

/// A list of JSON texts, which `distinct` needs them to be.
fn pairs<T: serde::de::DeserializeOwned>(row: &Row<'_>, field: &str) -> Vec<T> {
    let texts: Vec<String> = row.list(field);
    texts
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok())
        .collect()
}
