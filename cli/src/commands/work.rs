//! The commands that run files.

use serde_json::json;
use std::borrow::Cow;
use tabellion::migrate::{
    ApplyOptions, Entry, Migration, Migrations, Migrator, RollbackOptions, RollbackTarget, Status,
};

use super::Answer;
use crate::args::Database;
use crate::fault::Fault;
use crate::json::rows;

/// Applies what is pending, or says what that is.
pub(super) async fn apply(
    mut engine: Migrator,
    set: &Migrations,
    to: Option<String>,
    dry_run: bool,
) -> Result<Answer, Fault> {
    let options = ApplyOptions { to };
    if dry_run {
        let due = engine.dry_run(set, &options).await?;
        let would = |one: &Migration| format!("would apply {} {}\n", one.version, one.name);
        let text: String = due.iter().map(would).collect();
        let versions: Vec<&String> = due.iter().map(|one| &one.version).collect();
        return Ok(Answer::done(
            if due.is_empty() {
                NOTHING.to_owned()
            } else {
                text
            },
            json!({ "dry_run": true, "would_run": versions, "entries": [] }),
        ));
    }
    let done = engine.apply(set, &options).await?;
    let text = if done.is_empty() { NOTHING } else { "" };
    Ok(Answer::done(
        text,
        json!({ "dry_run": false, "entries": rows(&done) }),
    ))
}

/// A message that was sent is the server's: it may end the file, and commit it, with nobody listening.
pub(super) const INTERRUPTED: Fault = Fault::Interrupted(Cow::Borrowed(
    "interrupted, and the server may go on with the files that it was sent; see `cargo tabellion status`, and run it \
     again for the rest",
));

pub(super) const BEFORE: Fault = Fault::Interrupted(Cow::Borrowed(
    "interrupted before the server was sent a file; run it again",
));

const NOTHING: &str = "nothing to apply\n";

/// Undoes.
pub(super) async fn rollback(
    mut engine: Migrator,
    set: &Migrations,
    options: &RollbackOptions,
) -> Result<Answer, Fault> {
    let done = engine.rollback(set, options).await?;
    let text = if done.is_empty() {
        "nothing to roll back\n"
    } else {
        ""
    };
    Ok(Answer::done(text, json!({ "entries": rows(&done) })))
}

/// How far back.
pub(super) fn backwards(steps: Option<usize>, to: Option<String>, all: bool) -> RollbackTarget {
    match to {
        _ if all => RollbackTarget::All,
        Some(version) => RollbackTarget::To(version),
        None => RollbackTarget::Steps(steps.unwrap_or(1)),
    }
}

/// Names who the login acts for.
pub(super) fn acting_for(engine: Migrator, by: Option<String>) -> Migrator {
    match by {
        Some(name) => engine.on_behalf_of(name),
        None => engine,
    }
}

/// The versions that a command is to run, in order, as the evidence names them.
pub(super) fn would_run<'a>(status: &'a Status, command: &Database) -> Vec<&'a str> {
    let version = |(migration, _): &'a (Migration, Option<Entry>)| migration.version.as_str();
    let all = || status.migrations.iter();
    let pending = || all().filter(|(_, entry)| entry.is_none()).map(version);
    match command {
        Database::Plan { .. } => pending().collect(),
        Database::Apply { to, .. } => pending()
            .filter(|version| to.as_ref().is_none_or(|to| *version <= to.as_str()))
            .collect(),
        Database::Rollback {
            steps,
            to,
            all: everything,
            ..
        } => {
            let applied = all()
                .rev()
                .filter(|(_, entry)| entry.is_some())
                .map(version);
            match backwards(*steps, to.clone(), *everything) {
                RollbackTarget::Steps(steps) => applied.take(steps).collect(),
                RollbackTarget::To(to) => applied.take_while(|one| *one > to.as_str()).collect(),
                RollbackTarget::All => applied.collect(),
            }
        }
        _ => Vec::new(),
    }
}
