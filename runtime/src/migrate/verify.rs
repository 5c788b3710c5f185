//! Does the database hold what was sealed?
//!
//! PostgreSQL prints an expression in its own way, so the sealed schema is built for comparison by
//! the server itself: in scratch schemas, in a transaction that is rolled back. No user table is
//! touched, and none is locked but as a plain `select` locks it. It takes the right to create schemas in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tabellion_sql::ident::quote_literal;
use tabellion_sql::plan::plan;
use tabellion_sql::schema::{Role, Schema};
use tokio_postgres::SimpleQueryMessage;

use super::Migrator;
use super::error::MigrateError;
use super::roles;
use super::set::Migrations;
use super::trust;
use crate::catalog::{Finding, Kind, Snapshot};

/// How scratch schemas are named, before their number.
const SCRATCH: &str = "tabellion_scratch_";

/// What a verification found. Everything is as sealed where all its lists are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Migrations that are not applied, by version and name. Where there are any, the catalog was not
    /// compared: the sealed schema is that of the last one.
    pub pending: Vec<String>,
    /// What keeps ledger and lock from being one history, and what lets rows of the ledger be changed.
    pub problems: Vec<String>,
    /// Roles that the sealed schema names and the server lacks. Where there are any, the catalog was
    /// not compared.
    pub missing_roles: Vec<String>,
    /// Where the catalog differs from the sealed schema, object by object.
    pub findings: Vec<Finding>,
    /// How many objects were compared.
    pub compared: usize,
}

impl Verification {
    /// Whether the database holds exactly what was sealed.
    pub fn is_clean(&self) -> bool {
        self.pending.is_empty()
            && self.problems.is_empty()
            && self.missing_roles.is_empty()
            && self.findings.is_empty()
    }
}

/// A sentence per finding, a line each; nothing where all is well.
impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for migration in &self.pending {
            writeln!(
                f,
                "migration `{migration}` is not applied; run `cargo tabellion apply`"
            )?;
        }
        for role in &self.missing_roles {
            writeln!(f, "role `{role}` does not exist on this server; create it")?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl Migrator {
    /// Compares the database with the sealed schema: tables, columns, constraints, indexes, policies,
    /// row-level security, what each role may do, sequences, triggers, rules, comments; and whether one
    /// of its roles may do more than grants and policies give.
    ///
    /// # Errors
    /// Those of the connection and the server; a login without the right to create schemas. What
    /// differs is no error.
    pub async fn verify(&mut self, set: &Migrations) -> Result<Verification, MigrateError> {
        let status = self.status(set).await?;
        let mut verification = Verification {
            problems: status.problems,
            pending: status
                .migrations
                .iter()
                .filter(|(_, entry)| entry.is_none())
                .map(|(migration, _)| format!("{}_{}", migration.version, migration.name))
                .collect(),
            ..Verification::default()
        };
        if verification.is_clean() {
            verification = self.compare(set).await?;
        }
        let weaknesses = trust::weaknesses(&self.client).await?;
        verification.problems.extend(weaknesses);
        Ok(verification)
    }

    /// The same, whatever the ledger says.
    pub(super) async fn compare(&self, set: &Migrations) -> Result<Verification, MigrateError> {
        let roles = roles::look(&self.client, set.schema()).await?;
        let mut verification = Verification {
            missing_roles: roles.missing,
            ..Verification::default()
        };
        if !verification.is_clean() {
            return Ok(verification);
        }
        let namespaces: BTreeSet<String> = set
            .schema()
            .namespaces()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let expected = self.expected(set.schema(), &namespaces).await?;
        let found = compared(self.snapshot(&namespaces).await?, set.schema());
        verification.compared = expected.objects.len();
        verification.findings = expected.diff(&found);
        verification.findings.extend(roles.powers);
        Ok(verification)
    }

    /// The snapshot that the sealed schema would give.
    async fn expected(
        &self,
        schema: &Schema,
        namespaces: &BTreeSet<String>,
    ) -> Result<Snapshot, MigrateError> {
        if namespaces.is_empty() {
            return Ok(Snapshot::default());
        }
        let taken = self.taken().await?;
        let free = (0..)
            .map(|number: usize| format!("{SCRATCH}{number}"))
            .filter(|name| !taken.contains(name) && !namespaces.contains(name));
        let scratch: BTreeMap<&str, String> =
            namespaces.iter().map(String::as_str).zip(free).collect();
        let built = self.build(schema, &scratch).await;
        // Rolled back whatever happened: nothing of it may stay.
        let ended = self.client.batch_execute("rollback").await;
        let snapshot = built.map_err(|error| {
            let lacks_right = error.code().is_some_and(|code| code.code() == "42501");
            if lacks_right {
                MigrateError::Server(
                    "verify builds the sealed schema in scratch schemas that it rolls back, and this login may \
                     not create any; grant it `create` on the database, or verify as the role that applies"
                        .into(),
                )
            } else {
                MigrateError::server("building the sealed schema for comparison", &error)
            }
        })?;
        ended.map_err(|error| MigrateError::server("rolling the comparison back", &error))?;
        Ok(compared(snapshot, schema))
    }

    /// The names of scratch schemas that this database already has for something else.
    async fn taken(&self) -> Result<BTreeSet<String>, MigrateError> {
        let query = format!(
            "select nspname from pg_catalog.pg_namespace where pg_catalog.starts_with(nspname::text, {})",
            quote_literal(SCRATCH)
        );
        let messages = self.client.simple_query(&query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("reading the schemas", &error))?;
        let names = rows(&messages).filter_map(|row| row.get(0));
        Ok(names.map(str::to_owned).collect())
    }

    /// Builds the schema in scratch schemas and reads it, under its real names.
    async fn build(
        &self,
        schema: &Schema,
        scratch: &BTreeMap<&str, String>,
    ) -> Result<Snapshot, tokio_postgres::Error> {
        let client = &self.client;
        let empty = Schema {
            platform: schema.platform,
            ..Schema::default()
        };
        // Unqualified names in a user's expressions find the scratch tables first.
        let path: Vec<&str> = scratch.values().map(String::as_str).collect();
        let quoted: Vec<String> = scratch
            .keys()
            .map(|real| format!("pg_catalog.quote_ident({})", quote_literal(real)))
            .collect();
        // A message of its own: the server reads the quotes of a whole message before it runs any of it.
        let settings = "begin isolation level read committed read write;
             set local standard_conforming_strings = on;
             set local quote_all_identifiers = off";
        client.batch_execute(settings).await?;
        let begin = format!(
            "select pg_catalog.set_config('search_path',
               {} || coalesce(', ' || nullif(pg_catalog.current_setting('search_path'), ''), ''), true);
             select pg_catalog.set_config('lock_timeout', '5s', true);
             select pg_catalog.set_config('statement_timeout', '5min', true);
             {}",
            quote_literal(&path.join(", ")),
            plan(&empty, &moved(schema, scratch)).body()
        );
        client.batch_execute(&begin).await?;
        let snapshot = Snapshot::read_in_transaction(client, path).await?;
        // As this server quotes them, which is how it prints them in the live definitions.
        let messages = client
            .simple_query(&format!("select {}", quoted.join(", ")))
            .await?;
        let Some(names) = rows(&messages).next() else {
            return Ok(snapshot);
        };
        let mut objects = snapshot.objects;
        for (index, (real, temporary)) in scratch.iter().enumerate() {
            let printed = names.get(index).unwrap_or_default();
            objects = objects
                .into_iter()
                .map(|(mut object, definition)| {
                    if object.schema == *temporary {
                        object.schema = (*real).to_owned();
                    }
                    (object, renamed(&definition, temporary, printed))
                })
                .collect();
        }
        Ok(Snapshot { objects })
    }
}

/// A definition as it reads where the scratch schema has its real name, given as the server quotes it.
/// A literal that begins with it, as of a sequence in `nextval`, doubles the quotes within.
fn renamed(definition: &str, temporary: &str, printed: &str) -> String {
    let doubled = printed.replace('\'', "''");
    definition
        .replace(&format!("'{temporary}."), &format!("'{doubled}."))
        .replace(&format!("{temporary}."), &format!("{printed}."))
}

pub(super) fn rows(
    messages: &[SimpleQueryMessage],
) -> impl Iterator<Item = &tokio_postgres::SimpleQueryRow> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

/// The schema with its tables in scratch schemas, and with roles that exist already.
fn moved(schema: &Schema, scratch: &BTreeMap<&str, String>) -> Schema {
    let mut moved = schema.clone();
    // The scratch schemas are nobody else's.
    moved.external_schemas.clear();
    for role in moved.roles.values_mut() {
        *role = Role::External;
    }
    let place = |name: &mut String| {
        if let Some(temporary) = scratch.get(name.as_str()) {
            name.clone_from(temporary);
        }
    };
    moved.tables = schema
        .tables
        .iter()
        .map(|(name, table)| {
            let (mut name, mut table) = (name.clone(), table.clone());
            place(&mut name.schema);
            for key in table.foreign_keys.values_mut() {
                place(&mut key.table.schema);
            }
            (name, table)
        })
        .collect();
    moved
}

/// A snapshot without what the sealed schema says nothing about.
fn compared(mut snapshot: Snapshot, schema: &Schema) -> Snapshot {
    let ignored = roles::administrators(schema.platform);
    snapshot.objects.retain(|object, _| {
        let is_given =
            object.schema == "public" || schema.external_schemas.contains(&object.schema);
        let of_given = is_given && object.relation.is_empty();
        let role = object.name.split(" (").next().unwrap_or_default();
        let of_administrator = object.kind == Kind::Grant && ignored.contains(&role);
        !of_given && !of_administrator
    });
    snapshot
}
