//! Does the database hold what was sealed?
//!
//! The sealed schema is predicted in the form that the catalog is read in (`predict`); what PostgreSQL
//! prints in its own way it is asked to print (`print`), which takes the right to create temporary
//! tables and rolls them back. Where the catalog is not as predicted, or no prediction is made, the
//! server builds the tables in question in scratch schemas and rolls them back (`build`), so that what is told as a difference never
//! rests on a prediction alone. It is asked under PostgreSQL's own schema first, where nothing was planted, and of
//! what differs there again with the login's search path. No user table is touched, and none is locked but as a plain `select`
//! locks it. What no table holds, `around` looks at: extensions, owners, settings, views and rules that open tables.
//!
//! The number of queries is fixed as long as nothing differs.

mod around;
mod build;
mod forms;
mod openings;
mod predict;
mod print;
mod require;

use std::fmt;

use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::Schema;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use self::predict::Prediction;
use self::print::{Answers, Asks, Path};
use super::Migrator;
use super::connect::NO_PATH;
use super::error::{MigrateError, Problems};
use super::ledger;
use super::roles;
use super::set::Migrations;
use super::trust;
use crate::catalog::{Finding, Kind, Snapshot};

pub use require::Unfit;

/// Begins what is rolled back.
const BEGIN: &str = "begin isolation level read committed read write;
    set local standard_conforming_strings = on;
    set local quote_all_identifiers = off;
    set local lock_timeout = '5s';
    set local statement_timeout = '5min'";

/// What a verification found. Everything is as sealed where all its lists but the notes are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Migrations that are not applied, by version and name. Where there are any, the catalog was not
    /// compared: the sealed schema is that of the last one.
    pub pending: Vec<String>,
    /// What keeps ledger and lock from being one history, and what lets rows of the ledger be changed
    /// or forged.
    pub problems: Vec<String>,
    /// Roles that the sealed schema names and the server lacks. Where there are any, the catalog was
    /// not compared.
    pub missing_roles: Vec<String>,
    /// Where the catalog differs from the sealed schema, object by object.
    pub findings: Vec<Finding>,
    /// What is no difference and still worth knowing, a sentence each: who besides its owner may enter rows in
    /// the ledger.
    pub notes: Vec<String>,
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

/// A sentence per finding, a line each; nothing where all is well. The notes are not among them.
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
    /// row-level security, what each role may do, sequences, triggers and their functions, rules,
    /// comments, owners, extensions; whether one of its roles, or a login that becomes it, may do more than grants and
    /// policies give, or a role may log in though a migration made it without; whether any of these or the database begins its sessions
    /// with a setting that policies read, or with `row_security`, `search_path`, `session_replication_role` or
    /// `role`; whether a view, or a rule on what is not sealed, opens a table; whether a policy holds an operator that was
    /// planted on the path; whether one of those roles may call a leakproof function that is neither PostgreSQL's nor an
    /// extension's; and whether the ledger is protected as it was made.
    ///
    /// Views, and functions that no trigger calls, are made by hand and are not compared. A view is a finding
    /// where anyone whom policies bind may use it and it reads a sealed table as someone whom row-level security
    /// does not bind, or who acts for another scope. What a function reads nothing tells: look at those
    /// that are `security definer` yourself.
    ///
    /// It takes the right to read the ledger and to create temporary tables, which everyone has unless it
    /// was revoked. Only to tell how a partitioned table or one with an exclusion constraint should read
    /// it takes the right to create schemas in the database. A standby has no temporary tables, so the primary
    /// is verified in its place.
    ///
    /// # Errors
    /// Those of the connection and the server; a login without those rights, a standby, and a login that may do more
    /// beyond the database than the ledger's owner (SUPERUSER, CREATEROLE, REPLICATION, the server's files and
    /// programs): what the server is asked could run functions of that owner. What differs is no error.
    pub async fn verify(&mut self, set: &Migrations) -> Result<Verification, MigrateError> {
        let status = self.status(set).await?;
        let mut verification = Verification {
            problems: self.ledger.problems(set),
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
        let protected = ledger::protected(&self.client, self.ledger.last_id()).await?;
        verification.problems.extend(self.ledger.half_undone());
        verification.problems.extend(protected.weaknesses);
        verification.notes = protected.notes;
        Ok(verification)
    }

    /// The same, whatever the ledger says.
    pub(super) async fn compare(&self, set: &Migrations) -> Result<Verification, MigrateError> {
        self.compare_schema(set.schema()).await
    }

    async fn compare_schema(&self, schema: &Schema) -> Result<Verification, MigrateError> {
        let roles = roles::look(&self.client, schema).await?;
        let mut verification = Verification {
            missing_roles: roles.missing,
            ..Verification::default()
        };
        if !verification.is_clean() {
            return Ok(verification);
        }
        let namespaces = schema.namespaces();
        let found = compared(self.snapshot(&namespaces).await?, schema);
        self.refuse_weaker().await?;
        let mut asks = Asks::default();
        let mut prediction = Prediction::of(schema, &mut asks);
        let mut answers = self.ask(&asks, schema, Path::Own).await?;
        let mut expected = compared(prediction.snapshot(&answers), schema);
        let mut doubtful = prediction.doubtful(&expected, &found);
        if !doubtful.is_empty() {
            // What an expression names may lie on the login's path alone.
            let mut on_path = Prediction::of(schema, &mut asks);
            answers.correct(self.ask(&asks, schema, Path::Login).await?);
            let snapshot = compared(on_path.snapshot(&answers), schema);
            let known = doubtful.difference(&on_path.unknown).collect();
            prediction.replace(&mut expected, snapshot, &known);
            prediction.unknown = on_path.unknown;
            doubtful = prediction.doubtful(&expected, &found);
        }
        if !doubtful.is_empty() {
            self.build(schema, &prediction, &doubtful, &mut expected)
                .await?;
        }
        verification.compared = expected.objects.len();
        verification.findings = expected.diff(&found);
        verification
            .findings
            .extend(around::look(&self.client, schema).await?);
        verification.findings.extend(roles.powers);
        Ok(verification)
    }

    /// Refuses to ask the server anything where that would run functions, domains or operators of someone who may do
    /// less than this login: what a schema names belongs to the ledger's owner, or where there is no ledger yet to the
    /// database's. More is what reaches beyond the database.
    async fn refuse_weaker(&self) -> Result<(), MigrateError> {
        let query = format!(
            "with owner (oid) as (
               select coalesce((
                   select c.relowner
                   from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                   where n.nspname = 'tabellion' and c.relname = 'ledger'), d.datdba)
               from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
             ), able (who, powers) as (
               select w.oid, array[pg_catalog.bool_or(r.rolsuper), pg_catalog.bool_or(r.rolcreaterole),
                 pg_catalog.bool_or(r.rolreplication), pg_catalog.bool_or(r.rolname in
                   ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))]
               from (
                 select oid from owner
                 union
                 select oid from pg_catalog.pg_roles where rolname = session_user
               ) w join pg_catalog.pg_roles r on {}
               group by w.oid
             )
             select pg_catalog.pg_get_userbyid(o.oid)
             from owner o join able theirs on theirs.who = o.oid
             where exists (
               select from able own, unnest(own.powers, theirs.powers) as p (own, theirs)
               where own.who <> o.oid and p.own and not p.theirs)",
            trust::becomes("w.oid", "r.oid")
        );
        let messages = self.client.simple_query(&format!("{NO_PATH}{query}")).await;
        let messages = messages
            .map_err(|error| MigrateError::server("looking for the ledger's owner", &error))?;
        match rows(&messages).next().and_then(|row| row.get(0)) {
            None => Ok(()),
            Some(owner) => Err(MigrateError::History(Problems(vec![format!(
                "the comparison asks the server how it reads what was sealed, which may run functions that belong to \
                 `{owner}`, who may do less than this login; verify as `{owner}`"
            )]))),
        }
    }

    async fn ask(&self, asks: &Asks, schema: &Schema, path: Path) -> Result<Answers, MigrateError> {
        match asks.put(&self.client, schema, path).await {
            // Where it may not be asked this way, the tables are built.
            Err(error) if error.as_db_error().is_some() => match self.standby(&error).await {
                Some(standby) => Err(standby),
                None => Ok(Answers::default()),
            },
            answers => answers.map_err(|error| {
                MigrateError::server("asking how types and expressions print", &error)
            }),
        }
    }

    /// What there is to say where the server refused to begin since it follows another one.
    async fn standby(&self, error: &tokio_postgres::Error) -> Option<MigrateError> {
        let query = format!("{NO_PATH}select pg_catalog.pg_is_in_recovery()");
        let messages = match error.code() {
            Some(code) if is_refused_by_standby(code) => {
                self.client.simple_query(&query).await.ok()?
            }
            _ => return None,
        };
        let is_in_recovery = rows(&messages).next()?.get(0)? == "t";
        is_in_recovery.then(|| {
            MigrateError::Server(
                "this server is a standby, on which not even the temporary tables can be made that the comparison \
                 takes; verify on the primary, whose schema the standby has too"
                    .into(),
            )
        })
    }
}

/// Whether a standby refuses so what would write: where a transaction that may do so begins, and within one.
fn is_refused_by_standby(code: &SqlState) -> bool {
    [
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ]
    .contains(code)
}

/// Names as a list of literals for `in`, which is never empty.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut literals: Vec<String> = names.into_iter().map(quote_literal).collect();
    literals.push("null".into());
    literals.join(", ")
}

pub(super) fn rows(
    messages: &[SimpleQueryMessage],
) -> impl Iterator<Item = &tokio_postgres::SimpleQueryRow> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen on a standby of PostgreSQL 15: `begin read write`, and CREATE where the transaction began without.
    #[test]
    fn a_standby_is_asked_for_by_how_it_refuses() {
        for (code, is_asked) in [("0A000", true), ("25006", true), ("42501", false)] {
            assert_eq!(
                is_refused_by_standby(&SqlState::from_code(code)),
                is_asked,
                "{code}"
            );
        }
    }
}
