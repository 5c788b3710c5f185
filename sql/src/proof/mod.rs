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
//! | `engine.sql` | the same for every schema: tries every command, and looks into the catalog |
//! | `cases` | what the scopes may say |
//! | `rows` | the rows of each table that the commands are tried on |
//! | `values` | values of a type, different ones and such that fit |

mod cases;
mod rows;
mod values;

use std::collections::BTreeSet;

use crate::ident::{object_name, quote, quote_literal};
use crate::schema::{
    Command, Expr, Generated, Platform, Policy, QualifiedName, Schema, Table, Type, extension,
};

use cases::Case;
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
}

const ENGINE: &str = include_str!("engine.sql");

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

/// The text of `tests/rls_tests.sql` for a schema and the scopes that its policies read.
pub fn rls_tests(schema: &Schema, scopes: &[ProofScope]) -> String {
    let mut scopes = scopes.to_vec();
    scopes.sort();
    scopes.dedup();
    let scopes = scopes.as_slice();
    let is_short = values::is_short(schema);
    let lookups = rows::lookups(schema);
    let tables: Vec<Proven<'_>> = schema
        .tables
        .iter()
        .map(|(name, table)| Proven {
            name,
            shown: name.to_string(),
            table,
            scopes,
            rows: rows::rows(&lookups, name, table, is_short),
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
    out.line(ENGINE);
    out.line("-- Who may ask, and what they may say of themselves.\n");
    let roles = schema.roles.keys().map(|role| vec![text(role)]);
    out.insert("rls_role (name)", roles);
    out.insert(
        "rls_case (label, tenant, settings, tables)",
        cases.iter().map(Case::to_values),
    );
    for proven in &tables {
        proven.declare(&mut out);
    }
    out.line("-- The proof.\n");
    out.line("select pg_temp.prepare();\n");
    for proof in proofs(schema, &tables, &cases) {
        out.line(&format!("select pg_temp.{proof};"));
    }
    // At the end, and counted by the server: two branches that both add a table would else meet in this line.
    out.line("\nselect '1..' || count(*) from pg_temp.rls_proven;");
    out.line("rollback;");
    out.0
}

/// The calls that assert something, in their order.
fn proofs(schema: &Schema, tables: &[Proven<'_>], cases: &[Case]) -> Vec<String> {
    let mut proofs = Vec::new();
    // A setting that was set is never unset again in a session, so that nothing may be said before the first case
    // of every table.
    let (unset, said): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.is_unset());
    let mut prove = |proven: &Proven<'_>, case: &Case| {
        if !proven.table.grants.is_empty() && case.is_for(&proven.shown) {
            proofs.push(format!(
                "prove({}, {})",
                quote_literal(&proven.shown),
                quote_literal(&case.label)
            ));
        }
    };
    for proven in tables {
        unset.iter().for_each(|case| prove(proven, case));
    }
    for proven in tables {
        said.iter().for_each(|case| prove(proven, case));
    }
    for step in ["prove_strangers", "prove_policies", "prove_catalog"] {
        for proven in tables {
            if step != "prove_policies" || !proven.table.rls.policies().is_empty() {
                proofs.push(format!("{step}({})", quote_literal(&proven.shown)));
            }
        }
    }
    // Supabase's own logins are beyond what a schema can promise; its API comes in by this one.
    let only = match schema.platform {
        Platform::Supabase => "array['authenticator']",
        Platform::Postgres => "null",
    };
    proofs.push(format!("prove_roles({only})"));
    proofs
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
}

impl Proven<'_> {
    fn declare(&self, out: &mut Out) {
        let table = text(&self.shown);
        out.line(&format!("-- {}, {}\n", self.shown, self.table.source));
        let secured = self.table.rls.is_enabled().to_string();
        out.insert("rls_table (name, secured)", [vec![table.clone(), secured]]);
        let grants = self.table.grants.iter().map(|(role, commands)| {
            let commands = commands.iter().map(|command| command.as_str());
            vec![table.clone(), text(role), array(commands)]
        });
        out.insert("rls_grant (on_table, role, commands)", grants);
        let inserters = || {
            let grants = self.table.grants.iter();
            grants
                .filter(|(_, commands)| commands.contains(&Command::Insert))
                .map(|(role, _)| role.as_str())
        };
        let columns = self.table.columns.iter();
        let sequences = columns
            .filter(|column| column.generated == Some(Generated::Serial))
            .filter(|_| inserters().next().is_some())
            .map(|column| {
                let name = object_name(&self.name.name, &column.name, "seq");
                let sequence = QualifiedName::new(&self.name.schema, name);
                vec![text(&sequence.to_string()), array(inserters())]
            });
        out.insert("rls_sequence (name, roles)", sequences);
        let policies = self.table.rls.policies().iter().map(|(name, policy)| {
            let mut values = vec![table.clone(), text(name)];
            values.extend(policy_values(policy, self.table, self.scopes));
            values
        });
        out.insert(
            "rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant)",
            policies,
        );
        let rows = self.rows.iter().map(|row| {
            let mut values = vec![table.clone()];
            values.extend(row.to_values());
            values
        });
        out.insert(
            "rls_row (on_table, label, tenant, is_row, entry, contents, moves)",
            rows,
        );
    }
}

fn policy_values(policy: &Policy, table: &Table, scopes: &[ProofScope]) -> Vec<String> {
    let expr = |expr: &Option<Expr>| {
        let sql = expr.as_ref().map(|expr| text(&expr.sql));
        format!("\n    {}", sql.as_deref().unwrap_or("null"))
    };
    let mut said = policy.using.iter().chain(&policy.check).peekable();
    let of_tenant = said.peek().is_some() && said.all(|it| is_of_tenant(it, table, scopes));
    vec![
        text(policy.command.map_or("all", Command::as_str)),
        (!policy.restrictive).to_string(),
        array(policy.roles.iter().map(String::as_str)),
        expr(&policy.using),
        expr(&policy.check),
        of_tenant.to_string(),
    ]
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
        .strip_suffix(&format!(" and {column} <> ''"))
        .unwrap_or(said);
    let settings = scopes.iter().flat_map(|scope| &scope.settings);
    let read = settings
        .filter(|setting| cases::reads(said, setting))
        .count();
    // Of what a scope's field turns into, only that of an `int8` holds a word of logic.
    let is_one_value = [
        "(select ",
        "((select ",
        "nullif((",
        "substring((",
        "case when ",
    ]
    .iter()
    .any(|start| said.starts_with(start));
    let is_plain = said.starts_with("case when substring(")
        || [" and ", " or ", " in (", " is "]
            .iter()
            .all(|word| !said.contains(word));
    read > 0 && is_one_value && is_plain
}

/// A text as SQL: between dollars where it holds quotes, as a literal elsewhere.
fn text(text: &str) -> String {
    let tag = if text.contains('$') { "$sql$" } else { "$$" };
    if text.contains('\'') && !text.contains(tag) {
        format!("{tag}{text}{tag}")
    } else {
        quote_literal(text)
    }
}

fn array<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(text).collect();
    format!("array[{}]", names.join(", "))
}

/// The file as it grows.
#[derive(Default)]
struct Out(String);

impl Out {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// An `insert` of rows, where there are any.
    fn insert(&mut self, into: &str, rows: impl IntoIterator<Item = Vec<String>>) {
        let rows: Vec<String> = rows
            .into_iter()
            .map(|values| format!("  ({})", values.join(", ").replace(", \n", ",\n")))
            .collect();
        if !rows.is_empty() {
            self.line(&format!("insert into pg_temp.{into} values"));
            self.line(&format!("{};\n", rows.join(",\n")));
        }
    }
}

#[cfg(test)]
mod tests;
