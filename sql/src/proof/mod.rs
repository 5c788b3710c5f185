//! The proof of row-level security: one SQL file that a schema's structs write, and that any migrated
//! database must pass.
//!
//! It runs by `psql -v ON_ERROR_STOP=1 -f`, in one transaction that it rolls back, by a superuser or whoever
//! bypasses row-level security; what it asserts, it asserts as the roles that the schema names. It speaks
//! TAP, so that `supabase test db` and `pg_prove` read it too, and needs no extension for that.
//! What is expected comes from the structs, never from the database: each declared predicate, read as a
//! plain WHERE, and, where a policy says no more than that a column equals what the scope says, that
//! a row is its own tenant's and nobody's else.
//!
//! | file | job |
//! |---|---|
//! | `engine/` | the same for every schema: |
//! | `engine/tables.sql` | what the structs declare, and how a proof ends |
//! | `engine/prepare.sql` | who runs it, and the rows |
//! | `engine/verdicts.sql` | what the declared policies say of each row |
//! | `engine/commands.sql` | tries every command, as every role |
//! | `engine/policies.sql` | what the policies in the database say |
//! | `engine/catalog.sql` | privileges, row-level security, and what leads past a table's policies |
//! | `engine/roles.sql` | whom policies bind |
//! | `cases` | what the scopes may say |
//! | `rows` | the rows of each table that the commands are tried on |
//! | `looked_up` | which rows of which tables policies look up |
//! | `literals` | the literals that a predicate compares a column with |
//! | `values` | values of a type, different ones and such that fit |
//! | `out` | the file as it grows |

mod cases;
mod literals;
mod looked_up;
mod out;
mod rows;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use crate::file::tokens;
use crate::ident::{object_name, quote};
use crate::schema::{
    Command, Expr, Generated, Lookup, Platform, Policy, QualifiedName, Schema, Table, TableName,
    Type, extension,
};

use out::{Out, Values, text};
use rows::Row;

/// Who may ask, as a struct that derives `Scope` declares it. Schema data holds the role alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofScope {
    /// The role that its queries run as.
    pub role: String,
    /// What it sets.
    pub settings: Vec<ProofSetting>,
}

/// One field of a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofSetting {
    /// The setting's name, such as `app.current_shop`.
    pub name: String,
    /// The words that lead to it in the claims of a request, where the platform has such and it is one.
    pub claim: Option<Vec<String>>,
    /// The type that its text is read as.
    pub ty: Type,
    /// The texts of an enumeration that it is one of; none where it is no enumeration.
    pub texts: Vec<String>,
}

const ENGINE: [&str; 7] = [
    include_str!("engine/tables.sql"),
    include_str!("engine/prepare.sql"),
    include_str!("engine/verdicts.sql"),
    include_str!("engine/commands.sql"),
    include_str!("engine/policies.sql"),
    include_str!("engine/catalog.sql"),
    include_str!("engine/roles.sql"),
];

const TITLE: &str = "\
-- The proof of row-level security, drawn from the structs: every command on every table, as its own tenant and as
-- another one, with nothing said about who asks and with an empty text, by the wrong role, with a forged tenant and
-- with one that an update moves; then what the policies say and what the catalog holds.
-- Written by the build; to change it, change the structs.
--
--     psql -v ON_ERROR_STOP=1 -f rls_tests.sql
--
-- It runs on any migrated database, empty or not, as a superuser or as an owner with BYPASSRLS, counts no rows but
-- its own, and undoes everything at its end. Meanwhile it holds locks: beside a database in use take a copy.
-- The first thing that is not as expected ends it with an error. It prints TAP, which `supabase test db` reads too.
";

/// What is asserted, in its order: a setting that was set is never unset again in a session, so that nothing may be
/// said before the first case of every table.
const PROOF: &str = "\
select pg_temp.prove(p.on_table, p.label) from (
  select t.name as on_table, c.label
  from pg_temp.rls_table t join pg_temp.rls_case c on t.name = any (coalesce(c.tables, array[t.name]))
  where t.asked and t.name in (select on_table from pg_temp.rls_grant)
  order by c.settings <> '{}', t.place, c.place
) p;
select pg_temp.prove_strangers(name) from (select name from pg_temp.rls_table where asked order by place) t;
select pg_temp.prove_columns(name) from (
  select name from pg_temp.rls_table
  where asked and name in (select on_table from pg_temp.rls_column_grant where command = 'select') order by place
) t;
select pg_temp.prove_policies(name) from (select name from pg_temp.rls_table where asked and secured order by place) t;
select pg_temp.prove_catalog(name) from (select name from pg_temp.rls_table where asked order by place) t;";

/// The text of `tests/rls_tests.sql` for a schema and the scopes that its policies read.
pub fn rls_tests(schema: &Schema, scopes: &[ProofScope]) -> String {
    let mut scopes = scopes.to_vec();
    scopes.sort();
    scopes.dedup();
    let scopes = scopes.as_slice();
    let is_short = values::is_short(schema);
    let lookups = looked_up::lookups(schema);
    let functions = schema.lookups();
    let tables: Vec<Proven<'_>> = schema
        .tables
        .iter()
        .map(|(name, table)| Proven {
            name,
            shown: name.to_string(),
            table,
            scopes,
            rows: rows::rows(&lookups, name, table, is_short),
            functions: &functions,
        })
        .collect();
    let cases = cases::cases(schema, scopes, is_short);
    let mut out = Out::default();
    out.line(TITLE);
    out.line("begin;");
    out.line("set local client_min_messages = warning;");
    out.line("set local row_security = on;");
    out.line(&format!("set local search_path = {};", search_path(schema)));
    out.line("");
    ENGINE.into_iter().for_each(|part| out.line(part));
    out.line("-- Who may ask, and what they may say of themselves.\n");
    let roles = schema.roles.keys();
    out.insert("rls_role (name)", roles, |values, role| values.text(role));
    out.insert(
        "rls_case (label, tenant, settings, tables, no_more_than)",
        &cases,
        |values, case| case.write(values),
    );
    for proven in &tables {
        proven.declare(&mut out);
    }
    out.line("-- The proof.\n");
    out.line("select pg_temp.prepare();\n");
    out.line(PROOF);
    out.line(&format!("select pg_temp.prove_roles({});", logins(schema)));
    // At the end, and counted by the server: two branches that both add a table would else meet in this line.
    out.line("\nselect '1..' || count(*) from pg_temp.rls_proven;");
    out.line("rollback;");
    out.0
}

/// The logins that are looked at.
fn logins(schema: &Schema) -> &'static str {
    match schema.platform {
        // Supabase's own logins are beyond what a schema can promise; its API comes in by this one.
        Platform::Supabase => "array['authenticator']",
        Platform::Postgres => "null",
    }
}

/// Where names without a schema are looked up: `public` for raw SQL, then where extensions lie. What a session
/// could plant comes last.
fn search_path(schema: &Schema) -> String {
    let mut path = vec!["pg_catalog".to_owned(), "public".to_owned()];
    let homes: BTreeSet<&str> = extension::homes(&schema.extensions).collect();
    let homes = homes.into_iter().filter(|home| *home != "public");
    path.extend(homes.map(|home| quote(home).into_owned()));
    path.push("pg_temp".to_owned());
    path.join(", ")
}

/// One table with what is proven of it.
struct Proven<'a> {
    name: &'a QualifiedName,
    /// Its name as SQL, under which the file speaks of it.
    shown: String,
    table: &'a Table,
    scopes: &'a [ProofScope],
    rows: Vec<Row>,
    /// Those of all tables, and the roles that call them.
    functions: &'a BTreeMap<&'a QualifiedName, (&'a Lookup, BTreeSet<&'a str>)>,
}

impl Proven<'_> {
    fn declare(&self, out: &mut Out) {
        let table = text(&self.shown);
        out.line(&format!("-- {}, {}\n", self.shown, self.table.source));
        out.insert("rls_table (name, secured)", [()], |values, ()| {
            values.sql(&table);
            values.is(self.table.rls.is_enabled());
        });
        out.insert(
            "rls_partition (on_table, name)",
            self.table.partitions.keys(),
            |values, partition| {
                values.sql(&table);
                let name = QualifiedName::new(&self.name.schema, partition.as_str());
                values.text(&name.to_string());
            },
        );
        out.insert(
            "rls_grant (on_table, role, commands)",
            self.table.grantees(),
            |values, role| {
                values.sql(&table);
                values.text(role);
                let commands = self.table.grants.get(role).into_iter().flatten();
                values.array(commands.map(|command| command.as_str()));
            },
        );
        let some = self.table.column_grants.iter();
        let some = some.flat_map(|(role, commands)| commands.iter().map(move |it| (role, it)));
        out.insert(
            "rls_column_grant (on_table, role, command, columns)",
            some,
            |values, (role, (command, columns))| {
                values.sql(&table);
                values.text(role);
                values.text(command.as_str());
                values.array(columns.iter().map(String::as_str));
            },
        );
        let grantees = self.table.grantees().into_iter();
        let inserters: Vec<&str> = grantees
            .filter(|role| self.table.is_granted(role, Command::Insert))
            .collect();
        let columns = self.table.columns.iter();
        let sequences = columns
            .filter(|column| column.generated == Some(Generated::Serial))
            .filter(|_| !inserters.is_empty());
        out.insert("rls_sequence (name, roles)", sequences, |values, column| {
            let name = object_name(&self.name.name, &column.name, "seq");
            let sequence = QualifiedName::new(&self.name.schema, name);
            values.text(&sequence.to_string());
            values.array(inserters.iter().copied());
        });
        let of_tenant: BTreeSet<&str> = rows::exprs(self.table)
            .into_iter()
            .map(|(sql, expr)| (sql, is_of_tenant(expr, self.table, self.scopes)))
            .filter_map(|(sql, is)| is.then_some(sql))
            .collect();
        out.insert(
            "rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant)",
            self.table.rls.policies(),
            |values, (name, policy)| {
                values.sql(&table);
                values.text(name);
                policy_values(values, policy, &of_tenant);
            },
        );
        let read = self.table.rls.policies().values();
        let read = read.flat_map(|policy| policy.using.iter().chain(&policy.check));
        let read: BTreeSet<&TableName> = read.flat_map(Expr::reads).collect();
        out.insert("rls_reads (on_table, name)", read, |values, name| {
            values.sql(&table);
            values.text(&name.to_string());
        });
        let own = looked_up::looks_at_itself(self.name, self.table).then_some(());
        out.insert("rls_itself (name)", own, |values, ()| values.sql(&table));
        let policies = self.table.rls.policies().values();
        let exprs = policies.flat_map(|policy| policy.using.iter().chain(&policy.check));
        let called: BTreeSet<&QualifiedName> = exprs.flat_map(|expr| expr.lookups.keys()).collect();
        out.insert(
            "rls_lookup (on_table, name, query, returns, body, roles)",
            called,
            |values, name| {
                let (lookup, roles) = &self.functions[name];
                values.sql(&table);
                values.text(&name.to_string());
                values.below(Some(&lookup.query));
                values.text(&lookup.returns.to_string());
                values.below(Some(&format!("\n{}\n", lookup.body())));
                values.array(roles.iter().copied());
            },
        );
        out.insert(
            "rls_row (on_table, label, tenant, is_row, entry, contents, moves)",
            &self.rows,
            |values, row| {
                values.sql(&table);
                row.write(values);
            },
        );
    }
}

fn policy_values(values: &mut Values<'_>, policy: &Policy, of_tenant: &BTreeSet<&str>) {
    values.text(policy.command.map_or("all", Command::as_str));
    values.is(!policy.restrictive);
    values.array(policy.roles.iter().map(String::as_str));
    let said = || policy.using.iter().chain(&policy.check);
    for expr in [&policy.using, &policy.check] {
        values.below(expr.as_ref().map(|expr| expr.sql.as_str()));
    }
    let is_of_tenant = said().all(|expr| of_tenant.contains(expr.sql.as_str()));
    values.is(is_of_tenant && said().next().is_some());
}

/// Whether an expression says that one column equals what the scope says, and nothing else, so that the rows of
/// two tenants are told apart by it.
fn is_of_tenant(expr: &Expr, table: &Table, scopes: &[ProofScope]) -> bool {
    let mut columns = expr.columns.iter();
    let (Some(name), None) = (columns.next(), columns.next()) else {
        return false;
    };
    let Some(column) = table.column(name) else {
        return false;
    };
    if values::listed(column, table).is_some() || values::sides(&column.ty, true).is_none() {
        return false;
    }
    let column = quote(name);
    let sql = expr.sql.as_str();
    let Some(said) = sql.strip_prefix(&format!("{column} = ")) else {
        return false;
    };
    let said = said
        .strip_suffix(&format!(" and {column} > ''"))
        .unwrap_or(said);
    let settings = scopes.iter().flat_map(|scope| &scope.settings);
    let read = settings
        .filter(|setting| cases::reads(said, setting))
        .count();
    read > 0 && is_one_value(said)
}

/// Whether a text is one value of the scope's, as the derives write it: with a guard, a subquery of its own.
fn is_one_value(said: &str) -> bool {
    if said.starts_with("(select case when ") {
        return is_enclosed(said);
    }
    let joins = [" and ", " or ", " in (", " is "];
    let starts = ["(select ", "nullif(("];
    let is_plain = joins.iter().all(|word| !said.contains(word));
    is_plain && starts.iter().any(|start| said.starts_with(start))
}

/// Whether the bracket that a text begins with is closed by the one that it ends with.
fn is_enclosed(sql: &str) -> bool {
    let words = tokens(sql).unwrap_or_default();
    let mut open = 0;
    let closed = words.iter().position(|word| {
        open += match *word {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        open == 0
    });
    closed.is_some_and(|at| at + 1 == words.len())
}

#[cfg(test)]
mod tests;
