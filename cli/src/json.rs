//! What `--json` writes. The names of the fields are those of the structs; the help of each command lists
//! them, and a test compares the two.
//!
//! Times are UTC, as `2026-01-02T03:04:05Z`; durations are milliseconds; checksums are SHA-256 in hexadecimal.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tabellion::catalog::{Change, Finding};
use tabellion::migrate::{
    Entry, Event, MigrateError, Migration, Rehearsal, Rehearsed, RlsTested, SealedFiles, Status,
    TakenLock, Verification,
};
use tabellion_sql::file::statements;

use crate::fault::Fault;

/// A row of the ledger.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    id: i64,
    /// `approved`, `applied`, `rolled_back`, `started`, `failed`, `adopted`, `repaired_applied`,
    /// `repaired_rolled_back` or `claimed`, which is of no migration.
    event: &'a str,
    version: Option<&'a str>,
    name: Option<&'a str>,
    checksum: Option<&'a str>,
    rollback_checksum: Option<&'a str>,
    target: Option<&'a str>,
    guarded: bool,
    actor: &'a str,
    on_behalf_of: Option<&'a str>,
    note: Option<&'a str>,
    position: Option<usize>,
    at: String,
    duration_ms: i64,
    tool: &'a str,
}

impl<'a> From<&'a Entry> for Row<'a> {
    fn from(entry: &'a Entry) -> Self {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Row {
            id: entry.id,
            event: entry.event.as_str(),
            version: some(&entry.version),
            name: some(&entry.name),
            checksum: some(&entry.checksum),
            rollback_checksum: some(&entry.rollback_checksum),
            target: entry.target.as_deref(),
            guarded: entry.guarded,
            actor: &entry.actor,
            on_behalf_of: entry.on_behalf_of.as_deref(),
            note: entry.note.as_deref(),
            position: entry.position,
            at: format!("{}Z", entry.at.replace(' ', "T")),
            duration_ms: entry.duration_ms,
            tool: &entry.tool,
        }
    }
}

/// Rows of the ledger.
pub(crate) fn rows<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Row<'a>> {
    entries.into_iter().map(Row::from).collect()
}

/// A sealed migration, and how it stands.
#[derive(Serialize)]
pub(crate) struct One<'a> {
    version: &'a str,
    name: &'a str,
    /// `pending`, `begun` or `applied`.
    state: &'static str,
    checksum: &'a str,
    rollback_checksum: &'a str,
    /// How many statements its file holds.
    statements: usize,
    /// Whether its file runs outside a transaction.
    no_transaction: bool,
    /// What applying it does, as the header of its file says it.
    hazards: Vec<String>,
    /// What rolling it back does.
    rollback_hazards: Vec<String>,
    /// The ledger's row of the approval that counts.
    approved: Option<Row<'a>>,
    /// The ledger's row that made it applied.
    applied: Option<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<&'a str>,
}

/// The migrations with their state.
pub(crate) fn migrations<'a>(status: &'a Status, sql: bool) -> Vec<One<'a>> {
    let one = |(migration, applied): &'a (Migration, Option<Entry>)| One {
        version: &migration.version,
        name: &migration.name,
        state: state(status, migration, applied.as_ref()),
        checksum: &migration.checksum,
        rollback_checksum: &migration.rollback_checksum,
        statements: counted(&migration.up.sql),
        no_transaction: migration.up.header.no_transaction,
        hazards: texts(&migration.up.header.hazards),
        rollback_hazards: texts(&migration.down.header.hazards),
        approved: status.approvals.get(&migration.version).map(Row::from),
        applied: applied.as_ref().map(Row::from),
        sql: sql.then_some(migration.up.sql.as_str()),
    };
    status.migrations.iter().map(one).collect()
}

/// Those that are not applied.
pub(crate) fn pending<'a>(status: &'a Status, sql: bool) -> Vec<One<'a>> {
    let mut all = migrations(status, sql);
    all.retain(|one| one.applied.is_none());
    all
}

/// The word for how a migration stands.
pub(crate) fn state(
    status: &Status,
    migration: &Migration,
    applied: Option<&Entry>,
) -> &'static str {
    let begun = || {
        status
            .begun
            .iter()
            .any(|entry| entry.version == migration.version)
    };
    match applied {
        Some(_) => "applied",
        None if begun() => "begun",
        None => "pending",
    }
}

/// How many statements a file holds.
pub(crate) fn counted(sql: &str) -> usize {
    statements(sql).map_or(0, |found| found.len())
}

/// What the Supabase CLI has applied and the ledger does not know.
pub(crate) fn elsewhere(status: &Status) -> Value {
    let one = |(version, name): &(String, String)| json!({ "version": version, "name": name });
    status.elsewhere.iter().map(one).collect()
}

/// A comparison with the sealed schema.
pub(crate) fn verification(found: &Verification) -> Value {
    json!({
        "clean": found.is_clean(),
        "compared": found.compared,
        "pending": found.pending,
        "problems": found.problems,
        "notes": found.notes,
        "missing_roles": found.missing_roles,
        "findings": found.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let (change, expected, found) = match &finding.change {
        Change::Missing { expected } => ("missing", Some(expected), None),
        Change::Unexpected { found } => ("unexpected", None, Some(found)),
        Change::Differs { expected, found } => ("differs", Some(expected), Some(found)),
    };
    json!({
        "kind": finding.object.kind.as_str(),
        "schema": finding.object.schema,
        "relation": finding.object.relation,
        "name": finding.object.name,
        "change": change,
        "expected": expected,
        "found": found,
        "message": finding.to_string(),
    })
}

/// What came of a rehearsal.
pub(crate) fn rehearsal(found: &Rehearsal) -> Value {
    let rows = found.rows.iter().map(|count| {
        json!({
            "table": count.table,
            "before": count.before,
            "applied": count.applied,
            "rolled_back": count.rolled_back,
        })
    });
    json!({
        "clean": found.is_clean(),
        "place": found.place,
        "prepared": found.prepared,
        "migrations": found.migrations.iter().map(rehearsed).collect::<Vec<_>>(),
        "verification": found.verification.as_ref().map(verification),
        "rows": rows.collect::<Vec<_>>(),
        "leftovers": found.leftovers,
    })
}

/// What came of the tests of row-level security.
pub(crate) fn rls_tested(found: &RlsTested) -> Value {
    let mutants = found.mutants.iter().map(
        |mutant| json!({ "kind": mutant.kind, "what": mutant.what, "noticed": mutant.noticed }),
    );
    json!({
        "clean": found.is_clean(),
        "place": found.place,
        "prepared": found.prepared,
        "made_by": found.made_by,
        "passed": found.passed,
        "failure": found.failure,
        "mutants": mutants.collect::<Vec<_>>(),
        "score": found.score(),
        "leftovers": found.leftovers,
    })
}

/// A migration that has been there and back.
pub(crate) fn rehearsed(one: &Rehearsed) -> Value {
    let took = |time: Option<Duration>| time.map(|time| time.as_millis() as u64);
    let locks = |taken: &[TakenLock]| -> Value {
        let lock = |lock: &TakenLock| json!({ "relation": lock.relation, "mode": lock.mode });
        taken.iter().map(lock).collect()
    };
    json!({
        "version": one.version,
        "name": one.name,
        "exact": one.is_exact(),
        "up_ms": took(one.up),
        "down_ms": took(one.down),
        "again_ms": took(one.again),
        "up_locks": locks(&one.up_locks),
        "down_locks": locks(&one.down_locks),
        "sampled": one.sampled,
        "differences": one.differences,
        "notes": one.notes,
        "failure": one.failure,
    })
}

/// Files that were sealed.
pub(crate) fn sealed(files: &SealedFiles) -> Value {
    json!({
        "version": files.version,
        "up": files.up,
        "down": files.down,
        "hazards": texts(&files.hazards),
        "accepted": files.accepted,
    })
}

/// An error: `kind`, `message`, `exit_code`, `problems` where it is several; of a statement `file`, `line`,
/// `statement`, `sqlstate`, `undone` and `kept` besides.
pub(crate) fn error(fault: &Fault) -> Value {
    let (kind, outcome) = fault.kind();
    let mut error = json!({
        "kind": kind,
        "message": fault.to_string(),
        "exit_code": outcome.code(),
    });
    match fault {
        Fault::Engine(
            MigrateError::Files(problems)
            | MigrateError::History(problems)
            | MigrateError::Unaccepted(problems)
            | MigrateError::Unapproved(problems),
        ) => error["problems"] = json!(problems.0),
        Fault::Engine(MigrateError::Statement(failure)) => {
            error["file"] = json!(failure.file);
            error["line"] = json!(failure.line);
            error["statement"] = json!(failure.statement);
            error["sqlstate"] = json!(failure.code);
            error["undone"] = json!(failure.undone);
            error["kept"] = json!(failure.kept);
        }
        _ => {}
    }
    error
}

/// What a file is run for.
pub(crate) fn direction(event: Event) -> &'static str {
    match event.applies() {
        Some(false) => "rollback",
        _ => "apply",
    }
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
