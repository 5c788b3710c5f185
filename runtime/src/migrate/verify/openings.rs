//! What opens a sealed table without touching it: a setting that every session of a role, or of the database,
//! begins with, a view or a rule that leads past the policies, an operator that a policy found on the path, a
//! function that sees rows before policies do, and leave to make in
//! `public`, or in a new schema, what others then call.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{Expr, Platform, Policy, QualifiedName, Schema};
use tokio_postgres::SimpleQueryRow;

use super::around::is_ours;
use crate::catalog::{Change, Finding, Kind, Object};

/// Each row of the first query: `setting`, the role or nothing, the setting, its value, and whether it names a schema
/// that somebody whom policies bind may create objects in. Of the second: `view`,
/// its schema, its name, or those of a relation and its rule, as whom it reads, schema and name of the table; `operator`, schema and name of a table, a
/// policy of it, an operator that is neither PostgreSQL's nor an extension's and that the policy holds, its schema;
/// `leakproof`, schema and name of a function of that sort that somebody whom policies bind may call, and all of it:
/// what is so marked, which takes a superuser, is handed rows before policies look at them; `creates`, a role that may create objects in `public`, which everybody could before PostgreSQL 15 and in databases
/// that came from there still can, or schemas, as which nothing is named. A login that may as a member of a scope's role
/// is not told beside it, and an owner of the database not here.
///
/// A view without `security_invoker` reads as its owner, and so do the views with it that it reads. A view
/// with it opens nothing by itself: whoever uses it needs what it reads. A materialized view holds what its owner read,
/// so that neither whoever has it, by itself or by a view, nor an owner who acts for a scope is one whom policies bind.
/// What is granted on one counts whoever has it, as on a table, but for whom no policy binds, or who may become such a role: roles become others.
///
/// Any other rule acts as its relation's owner, that of a view with `security_invoker` too, for whoever has the privilege
/// on what it rewrites. What a rule leads to the server keeps in `pg_depend`; its own relation is always there, and
/// counts only where another of its rules leads on. The drawn tests ask the same (`proof/engine/catalog.sql`
/// of `tabellion-sql`). Sources: <https://www.postgresql.org/docs/15/sql-createview.html>,
/// <https://www.postgresql.org/docs/15/rules-privileges.html>.
const QUERY: &str = "
select 'setting', coalesce(r.rolname, ''), pg_catalog.lower(pg_catalog.split_part(c.config, '=', 1)),
  pg_catalog.substr(c.config, pg_catalog.strpos(c.config, '=') + 1), exists (
    select from pg_catalog.pg_namespace n, ({bound}) b
    where n.nspname = any (pg_catalog.string_to_array(pg_catalog.replace(
        pg_catalog.substr(c.config, pg_catalog.strpos(c.config, '=') + 1), '\"', ''), ', '))
      and pg_catalog.has_schema_privilege(b.oid, n.oid, 'create')), ''
from pg_catalog.pg_db_role_setting s
left join pg_catalog.pg_roles r on r.oid = s.setrole,
pg_catalog.unnest(s.setconfig) c (config)
where (s.setrole = 0 or s.setrole in ({bound}))
  and s.setdatabase in (0, (
    select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()));
with recursive app as (
  select r.oid from pg_catalog.pg_roles r
  where (r.rolname in ('anon', 'authenticated') or r.oid in ({bound})) and not r.rolsuper
),
sealed as (
  select c.oid, n.nspname, c.relname, c.relowner, c.relforcerowsecurity
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ({schemas}) and c.relkind in ('r', 'p') and c.relrowsecurity
),
may (oid, place) as (
  select a.oid, p.place from (select oid from app union all select 0) a, pg_catalog.pg_database d, lateral (
    select n.nspname from pg_catalog.pg_namespace n
    where n.nspname = 'public' and pg_catalog.has_schema_privilege(a.oid, n.oid, 'create')
    union all
    select '' where pg_catalog.has_database_privilege(a.oid, d.oid, 'create')) p (place)
  where d.datname = pg_catalog.current_database() and not pg_catalog.pg_has_role(a.oid, d.datdba, 'member')
),
rules as (
  select w.oid, c.oid as relation, c.relowner, c.relacl, c.relname, n.nspname,
    c.relkind = 'm' and w.ev_type = '1' as is_copy, case when w.ev_type <> '1' then w.rulename end as name,
    case w.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' when '4' then 'DELETE' end as privilege,
    c.relkind = 'v' and w.ev_type = '1' and coalesce((
      select o.option_value::pg_catalog.bool from pg_catalog.pg_options_to_table(c.reloptions) o
      where o.option_name = 'security_invoker'), false) as as_caller
  from pg_catalog.pg_rewrite w join pg_catalog.pg_class c on c.oid = w.ev_class
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
),
reads as (
  select distinct d.objid as rule, d.refobjid as relation
  from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
),
reach as (
  select v.oid as rule, v.relation, v.name, v.privilege, s.oid as tab,
    case when v.as_caller then 0::pg_catalog.oid else v.relowner end as reader, v.is_copy
  from sealed s join reads r on r.relation = s.oid join rules v on v.oid = r.rule and v.relation <> s.oid
  union
  select v.oid, v.relation, v.name, coalesce(v.privilege, reach.privilege), reach.tab,
    case when reach.reader <> 0 or v.as_caller then reach.reader else v.relowner end, reach.is_copy or v.is_copy
  from reach join reads r on r.relation = reach.relation join rules v on v.oid = r.rule
  where v.relation <> reach.relation or v.name is not null and reach.name is not null
)
select distinct 'view', v.nspname, v.relname, coalesce(v.name, ''), o.rolname, s.nspname, s.relname
from reach join rules v on v.oid = reach.rule join sealed s on s.oid = reach.tab
join pg_catalog.pg_roles o on o.oid = reach.reader
where not v.as_caller and exists (
  select from (
    select x.grantee, x.privilege_type from pg_catalog.aclexplode(v.relacl) x
    union
    select x.grantee, x.privilege_type from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x
    where a.attrelid = v.relation
    union
    select v.relowner, 'SELECT'
  ) x
  left join pg_catalog.pg_roles g on g.oid = x.grantee
  where x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
    and x.privilege_type = coalesce(reach.privilege, x.privilege_type)
    and not exists (
      select from pg_catalog.pg_roles f
      where (f.rolsuper or f.rolbypassrls) and pg_catalog.pg_has_role(g.oid, f.oid, 'member'))
    and case when x.grantee = v.relowner then
      v.is_copy and not pg_catalog.pg_has_role(g.oid, s.relowner, 'member') and exists (
        select from pg_catalog.pg_roles r where r.rolname in ({roles}) and pg_catalog.pg_has_role(g.oid, r.oid, 'member'))
    else
      reach.is_copy or o.rolsuper or o.rolbypassrls
      or not s.relforcerowsecurity and pg_catalog.pg_has_role(o.oid, s.relowner, 'usage')
      or exists (
        select from pg_catalog.pg_roles r where r.rolname in ({roles}) and pg_catalog.pg_has_role(o.oid, r.oid, 'usage')
          and not coalesce(pg_catalog.pg_has_role(g.oid, r.oid, 'member'), false))
    end)
union all
select distinct 'operator', s.nspname, s.relname, p.polname, d.refobjid::pg_catalog.regoperator::pg_catalog.text,
  n.nspname, ''
from sealed s join pg_catalog.pg_policy p on p.polrelid = s.oid
join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
  and d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
join pg_catalog.pg_operator o on o.oid = d.refobjid
join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
where n.nspname <> 'pg_catalog' and not exists (
  select from pg_catalog.pg_depend e
  where e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and e.objid = o.oid and e.deptype = 'e')
union all
select 'leakproof', n.nspname, p.proname || '()', p.oid::pg_catalog.regprocedure::pg_catalog.text, '', '', ''
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.proleakproof and p.oid >= 16384 and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.objid = p.oid and e.deptype = 'e')
  and exists (select from app a where pg_catalog.has_function_privilege(a.oid, p.oid, 'execute'))
union all
select 'creates', coalesce(r.rolname, 'public'), m.place, '', '', '', ''
from may m left join pg_catalog.pg_roles r on r.oid = m.oid
where not exists (
  select from may o where o.place = m.place and o.oid <> m.oid
    and (o.oid = 0 or pg_catalog.pg_has_role(m.oid, o.oid, 'member')))
order by 1, 2, 3, 4, 5, 6, 7";

/// The two queries, for a query of whom policies are to bind and lists of literals.
pub(super) fn query(bound: &str, roles: &str, schemas: &str) -> String {
    QUERY
        .replace("{bound}", bound)
        .replace("{roles}", roles)
        .replace("{schemas}", schemas)
}

/// Takes the rows of both queries, and gives what there is to say of them.
pub(super) struct Openings<'a> {
    schema: &'a Schema,
    /// The settings that the policies read.
    own: BTreeSet<String>,
    /// What is told as it comes.
    told: Vec<Finding>,
    /// By schema and name of the view, or of a relation and its rule, and as whom it reads: the tables.
    views: BTreeMap<[String; 4], Vec<String>>,
}

impl<'a> Openings<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Openings {
            schema,
            own: settings(schema),
            told: Vec::new(),
            views: BTreeMap::new(),
        }
    }

    /// Takes a row, if it is one of theirs.
    pub(super) fn take(&mut self, row: &SimpleQueryRow) {
        let text = |index| row.get(index).unwrap_or_default();
        match text(0) {
            "creates" => self.told.push(Finding {
                object: Object {
                    schema: text(2).to_owned(),
                    relation: String::new(),
                    kind: Kind::Grant,
                    name: text(1).to_owned(),
                },
                change: Change::Unexpected {
                    found: "create".to_owned(),
                },
            }),
            "leakproof" if !is_ours(self.schema, text(1), text(2)) => self.told.push(Finding {
                object: Object {
                    schema: text(1).to_owned(),
                    relation: text(2).to_owned(),
                    kind: Kind::Function,
                    name: String::new(),
                },
                change: Change::Differs {
                    expected: "not leakproof".to_owned(),
                    found: format!("{} leakproof", text(3)),
                },
            }),
            "setting" => self.setting(text(1), text(2), text(3), text(4) == "t"),
            "operator" if is_ours(self.schema, text(1), text(2)) => {
                self.operator([text(1), text(2), text(3)], text(4), text(5));
            }
            // A rule of one of its own tables is none that was sealed, and is told as that.
            "view"
                if is_ours(self.schema, text(5), text(6))
                    && (text(3).is_empty() || !is_ours(self.schema, text(1), text(2))) =>
            {
                let view = [text(1), text(2), text(3), text(4)].map(str::to_owned);
                let table = format!("{}.{}", quoted(text(5)), quoted(text(6)));
                self.views.entry(view).or_default().push(table);
            }
            _ => {}
        }
    }

    fn setting(&mut self, role: &str, name: &str, value: &str, is_open: bool) {
        let is_harmless = match name {
            "row_security" => matches!(value, "on" | "true" | "yes" | "1"),
            "session_replication_role" => value == "origin",
            "role" => value == "none",
            // A database's is its owner's choice, for safety too, and the same for everyone; Supabase sets one
            // on the database that it makes. A login may need the schema of an extension.
            "search_path" => role.is_empty() || !is_open && !self.schema.roles.contains_key(role),
            _ => !self.own.contains(name),
        };
        if is_harmless {
            return;
        }
        // What a policy compares may be the name of a tenant.
        let found = match self.own.contains(name) {
            true => "a value that every session begins with",
            false => value,
        };
        self.told.push(Finding {
            object: Object {
                schema: String::new(),
                relation: role.to_owned(),
                kind: Kind::Setting,
                name: name.to_owned(),
            },
            change: Change::Unexpected {
                found: found.to_owned(),
            },
        });
    }

    /// A policy keeps the operator that was found when it was created. Which schema that came from, its text does not
    /// say unless it names the operator as `operator(schema.=)`.
    fn operator(&mut self, [schema, table, policy]: [&str; 3], operator: &str, home: &str) {
        let sealed = self
            .schema
            .tables
            .get(&QualifiedName::new(schema, table))
            .and_then(|table| table.rls.policies().get(policy));
        let named = format!("operator({}.", quoted(home)).to_lowercase();
        let names_it = |expr: &Expr| {
            let text: String = expr.sql.split_whitespace().collect();
            text.to_lowercase().contains(&named)
        };
        if sealed.is_some_and(|it| it.using.iter().chain(&it.check).any(names_it)) {
            return;
        }
        self.told.push(Finding {
            object: Object {
                schema: schema.to_owned(),
                relation: table.to_owned(),
                kind: Kind::Policy,
                name: policy.to_owned(),
            },
            change: Change::Differs {
                expected: "operators of PostgreSQL and extensions, any other named with its schema"
                    .to_owned(),
                found: format!("operator {operator}"),
            },
        });
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        let view = |([schema, relation, name, reader], tables): ([String; 4], Vec<String>)| {
            let (kind, how) = match name.is_empty() {
                true => (Kind::View, "read"),
                false => (Kind::Rule, "run"),
            };
            Finding {
                object: Object {
                    schema,
                    relation,
                    kind,
                    name,
                },
                change: Change::Unexpected {
                    found: format!("opens {}, {how} as {}", tables.join(", "), quoted(&reader)),
                },
            }
        };
        let views = self.views.into_iter().map(view);
        self.told.into_iter().chain(views).collect()
    }
}

fn quoted(name: &str) -> String {
    tabellion_sql::ident::quote(name).to_string()
}

/// The settings that the policies of a schema read, in lower case, as PostgreSQL compares them.
fn settings(schema: &Schema) -> BTreeSet<String> {
    let tables = schema.tables.values();
    let texts = tables
        .flat_map(|table| table.rls.policies().values())
        .flat_map(|Policy { using, check, .. }| using.iter().chain(check));
    let mut found: BTreeSet<String> = texts.flat_map(|expr| read_settings(&expr.sql)).collect();
    if schema.platform == Platform::Supabase {
        // What `auth.uid()` and `auth.jwt()` read.
        let claims = ["request.jwt.claims", "request.jwt.claim.sub"];
        found.extend(claims.map(str::to_owned));
    }
    found
}

/// The names that an expression gives `current_setting` as literals.
fn read_settings(sql: &str) -> impl Iterator<Item = String> {
    let calls = sql.split("current_setting").skip(1);
    calls.filter_map(|rest| {
        let literal = rest.trim_start().strip_prefix('(')?.trim_start();
        let (name, _) = literal.strip_prefix('\'')?.split_once('\'')?;
        Some(name.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_their_calls() {
        let sql = "shop = (select current_setting('app.Shop', true)) and \
                   x = pg_catalog.current_setting ( 'app.other') and current_setting(y) = 'app.no'";
        let found: Vec<String> = read_settings(sql).collect();
        assert_eq!(found, ["app.shop", "app.other"]);
    }
}
