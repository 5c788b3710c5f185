//! The commands that look and change nothing.

use serde_json::json;
use tabellion::migrate::{Migrations, Migrator, Target};

use super::Answer;
use crate::fault::Fault;
use crate::json::{Row, elsewhere, migrations, pending, rows, verification};
use crate::report;

/// What would run, and what it would do.
pub(super) async fn plan(
    mut engine: Migrator,
    set: &Migrations,
    target: &Target,
    sql: bool,
    unsealed: &[String],
) -> Result<Answer, Fault> {
    let status = engine.status(set).await?;
    let json = json!({
        "approval": target.approval,
        "pending": pending(&status, sql),
        "begun": rows(&status.begun),
        "elsewhere": elsewhere(&status),
        "guard": status.guard.as_ref().map(Row::from),
        "unsealed": unsealed,
        "problems": status.problems,
    });
    let answer = Answer::done(report::plan(&status, target, sql, unsealed), json);
    Ok(answer.or_finding(!status.problems.is_empty()))
}

/// How the migrations stand.
pub(super) async fn status(
    mut engine: Migrator,
    set: &Migrations,
    check: bool,
    unsealed: &[String],
) -> Result<Answer, Fault> {
    let status = engine.status(set).await?;
    let json = json!({
        "migrations": migrations(&status, false),
        "pending": status.pending(),
        "begun": rows(&status.begun),
        "elsewhere": elsewhere(&status),
        "guard": status.guard.as_ref().map(Row::from),
        "unsealed": unsealed,
        "problems": status.problems,
    });
    let wanting = status.pending() > 0 || !status.begun.is_empty() || !status.problems.is_empty();
    Ok(Answer::done(report::status(&status, unsealed), json).or_finding(check && wanting))
}

/// Whether the database holds what was sealed.
pub(super) async fn verify(mut engine: Migrator, set: &Migrations) -> Result<Answer, Fault> {
    let found = engine.verify(set).await?;
    let answer = Answer::done(report::verification(&found), verification(&found));
    Ok(answer.or_finding(!found.is_clean()))
}
