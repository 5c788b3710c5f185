//! What a database holds, read from its catalog in a canonical form that compares by text.
//!
//! Tables, columns by name, constraints, indexes, policies, row-level security and its FORCE, what
//! each role may do, sequences, triggers and their functions, rules, comments. Dropped columns, the
//! order of columns, names of owners and whatever an extension owns do not show. The number of
//! queries is fixed, and they travel as one message.
//!
//! `schema` reads a catalog into the data that attributes declare; a snapshot also holds what they
//! cannot.

mod diff;
mod queries;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::LOOKUP;
use tokio_postgres::{Client, SimpleQueryMessage};

pub use diff::{Change, Finding};
pub use schema::{ReadSchema, read_schema};

/// With no search path, PostgreSQL prints every name of a user's with its schema, and quotes only
/// those that need it unless a setting says otherwise; how it prints a constant of a date, a number,
/// bytes, or a text with a backslash depends on settings too. Printing an expression takes the lock of a reader on its table,
/// which is not worth waiting for.
const SETTINGS: &str = "
select pg_catalog.set_config('search_path', '', true),
  pg_catalog.set_config('quote_all_identifiers', 'off', true),
  pg_catalog.set_config('standard_conforming_strings', 'on', true),
  pg_catalog.set_config('TimeZone', 'UTC', true),
  pg_catalog.set_config('DateStyle', 'ISO', true),
  pg_catalog.set_config('IntervalStyle', 'postgres', true),
  pg_catalog.set_config('extra_float_digits', '1', true),
  pg_catalog.set_config('bytea_output', 'hex', true),
  pg_catalog.set_config('lock_timeout', '2s', true)";

/// The names as a list of SQL literals, which is never empty.
fn literals<S: AsRef<str>>(schemas: impl IntoIterator<Item = S>) -> String {
    let mut literals: Vec<String> = schemas
        .into_iter()
        .map(|schema| quote_literal(schema.as_ref()))
        .collect();
    if literals.is_empty() {
        literals.push("null".into());
    }
    literals.join(", ")
}

/// The kinds of object that a snapshot holds, in the order in which they are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A PostgreSQL schema.
    Schema,
    /// A table.
    Table,
    /// Whether row-level security is enabled on a table, and forced.
    RowLevelSecurity,
    /// A policy.
    Policy,
    /// What a role may do.
    Grant,
    /// A column.
    Column,
    /// A sequence that a column owns.
    Sequence,
    /// A constraint.
    Constraint,
    /// An index that no constraint owns.
    Index,
    /// A trigger.
    Trigger,
    /// A rewrite rule.
    Rule,
    /// A function that triggers call.
    Function,
    /// A comment.
    Comment,
    /// Who owns a table or a function. No snapshot holds it; `verify` finds owners that nobody expects.
    Owner,
    /// An extension. No snapshot holds it; `verify` finds it.
    Extension,
    /// What a role may do beyond all grants and policies. No snapshot holds it, since it belongs to
    /// no schema; `verify` finds it.
    RolePower,
    /// A setting that sessions of a role, or of the database, begin with. No snapshot holds it; `verify` finds
    /// those that change what policies let through.
    Setting,
    /// A view, materialized or not. No snapshot holds it; `verify` finds those that read past policies.
    View,
}

impl Kind {
    const ALL: [(Kind, &'static str); 18] = [
        (Kind::Schema, "schema"),
        (Kind::Table, "table"),
        (Kind::RowLevelSecurity, "row-level security"),
        (Kind::Policy, "policy"),
        (Kind::Grant, "grant"),
        (Kind::Column, "column"),
        (Kind::Sequence, "sequence"),
        (Kind::Constraint, "constraint"),
        (Kind::Index, "index"),
        (Kind::Trigger, "trigger"),
        (Kind::Rule, "rule"),
        (Kind::Function, "function"),
        (Kind::Comment, "comment"),
        (Kind::Owner, "owner"),
        (Kind::Extension, "extension"),
        (Kind::RolePower, "role power"),
        (Kind::Setting, "setting"),
        (Kind::View, "view"),
    ];

    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        Kind::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    fn from_str(text: &str) -> Option<Self> {
        Kind::ALL
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(kind, _)| *kind)
    }
}

/// What one entry of a snapshot is about. Orders by table, then by kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// The PostgreSQL schema.
    pub schema: String,
    /// The table, or what else it is about: a view, of a grant a sequence or a function with `()` behind its
    /// name, of a setting the role. Empty for what belongs to the schema, and for a setting of the database.
    pub relation: String,
    /// What it is.
    pub kind: Kind,
    /// Its name within the table: of a column, a policy, a role; empty for the table itself.
    pub name: String,
}

impl Object {
    /// ``policy `mine` on `public.orders` ``
    fn phrase(&self) -> String {
        let place = if self.schema.is_empty() && self.relation.is_empty() {
            "the database".to_owned()
        } else if self.relation.is_empty() {
            format!("schema `{}`", quote(&self.schema))
        } else {
            let (name, call) = match self.relation.strip_suffix("()") {
                Some(function) => (function, "()"),
                None => (self.relation.as_str(), ""),
            };
            format!("`{}.{}{call}`", quote(&self.schema), quote(name))
        };
        match (self.kind, self.name.as_str()) {
            (Kind::Schema, _) => place,
            (Kind::Table | Kind::Function | Kind::View, _) => {
                format!("{} {place}", self.kind.as_str())
            }
            (Kind::RolePower, role) => {
                format!("what role `{role}` may do beyond grants and policies")
            }
            (Kind::Setting, name) if self.relation.is_empty() => {
                format!("setting `{name}` of the database")
            }
            (Kind::Setting, name) => format!("setting `{name}` of role `{}`", self.relation),
            (Kind::Owner, _) => format!("owner of {place}"),
            (Kind::Extension, name) => format!("extension `{name}`"),
            (Kind::Grant, role) => format!("what `{role}` may do on {place}"),
            (kind, "") => format!("{} on {place}", kind.as_str()),
            (kind, name) => format!("{} `{name}` on {place}", kind.as_str()),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.phrase())
    }
}

/// A database's objects and their definitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The definitions, as PostgreSQL prints them.
    pub objects: BTreeMap<Object, String>,
}

/// A query that says which functions it is about.
pub(crate) fn is_function(query: &str) -> String {
    query
        .replace("{is_function}", queries::IS_FUNCTION)
        .replace("{lookup}", LOOKUP)
}

impl Snapshot {
    /// Reads the given schemas. The client must stand outside a transaction; nothing is changed, and
    /// no lock is taken but the one that a plain `select` takes.
    ///
    /// # Errors
    /// Those of the server and the connection; a table locked away from readers for two seconds.
    pub async fn read<S: AsRef<str>>(
        client: &Client,
        schemas: impl IntoIterator<Item = S>,
    ) -> Result<Self, tokio_postgres::Error> {
        let sql = Self::sql(schemas);
        let rows = client
            .simple_query(&format!("begin read only;{sql};commit"))
            .await;
        if rows.is_err() {
            // The transaction is over either way; what ended it is the error to report.
            let _ = client.batch_execute("rollback").await;
        }
        Ok(Self::from_rows(&rows?))
    }

    /// Reads the given schemas within the transaction that the client has begun, and whose search
    /// path it empties.
    pub(crate) async fn read_in_transaction<S: AsRef<str>>(
        client: &Client,
        schemas: impl IntoIterator<Item = S>,
    ) -> Result<Self, tokio_postgres::Error> {
        let rows = client.simple_query(&Self::sql(schemas)).await?;
        Ok(Self::from_rows(&rows))
    }

    /// Reads what the session's own temporary tables hold, within the transaction that the client has
    /// begun, and rolls that back.
    pub(crate) async fn read_temporary(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let own =
            "(select pg_catalog.pg_my_temp_schema()::pg_catalog.regnamespace::pg_catalog.name)";
        let rows = client
            .simple_query(&format!("{};rollback", Self::sql_of(own)))
            .await?;
        Ok(Self::from_rows(&rows))
    }

    fn sql<S: AsRef<str>>(schemas: impl IntoIterator<Item = S>) -> String {
        Self::sql_of(&literals(schemas))
    }

    fn sql_of(schemas: &str) -> String {
        let mut sql = String::from(SETTINGS);
        for query in queries::ALL {
            sql.push(';');
            sql.push_str(&is_function(query).replace("{schemas}", schemas));
        }
        sql
    }

    fn from_rows(messages: &[SimpleQueryMessage]) -> Self {
        let mut snapshot = Snapshot::default();
        for message in messages {
            let SimpleQueryMessage::Row(row) = message else {
                continue;
            };
            if row.len() != 5 {
                continue;
            }
            let text = |index| row.get(index).unwrap_or_default();
            if let Some(kind) = Kind::from_str(text(0)) {
                let object = Object {
                    schema: text(1).to_owned(),
                    relation: text(2).to_owned(),
                    kind,
                    name: text(3).to_owned(),
                };
                let definition = match kind {
                    Kind::Table => schema::ordered(text(4)),
                    _ => text(4).to_owned(),
                };
                snapshot.objects.insert(object, definition);
            }
        }
        snapshot.drop_strays();
        snapshot
    }

    /// Forgets what hangs on a table that is not in the snapshot, since an extension owns it, and the
    /// grants on a sequence that no column owns.
    fn drop_strays(&mut self) {
        let place = |object: &Object, name: &str| (object.schema.clone(), name.to_owned());
        let known: BTreeSet<(String, String)> = self
            .objects
            .keys()
            .filter_map(|object| match object.kind {
                Kind::Table | Kind::Function => Some(place(object, &object.relation)),
                Kind::Sequence => Some(place(object, &object.name)),
                _ => None,
            })
            .collect();
        self.objects.retain(|object, _| {
            object.relation.is_empty() || known.contains(&place(object, &object.relation))
        });
    }

    /// The tables.
    pub fn tables(&self) -> impl Iterator<Item = &Object> {
        self.objects
            .keys()
            .filter(|object| object.kind == Kind::Table)
    }

    /// What separates another snapshot from this one, which is taken as what should be.
    pub fn diff(&self, found: &Snapshot) -> Vec<Finding> {
        diff::diff(self, found)
    }
}

/// One line per object, for reports and for a test's own comparison.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (object, definition) in &self.objects {
            writeln!(f, "{object}: {definition}")?;
        }
        Ok(())
    }
}
