//! The commands by which a person answers for something, in the ledger alone.

use serde_json::json;
use tabellion::migrate::{Adopt, Approve, Migrations, Migrator, Repair};

use super::Answer;
use crate::fault::Fault;
use crate::json::{Row, rows, verification};
use crate::report;

/// Approves.
pub(super) async fn approve(
    mut engine: Migrator,
    set: &Migrations,
    what: &Approve,
    by: &str,
    reason: Option<&str>,
) -> Result<Answer, Fault> {
    let entries = engine.approve(set, what, by, reason).await?;
    let mut text: String = entries.iter().map(report::entered).collect();
    if entries.is_empty() {
        text.push_str("nothing to approve\n");
    }
    Ok(Answer::done(text, json!({ "entries": rows(&entries) })))
}

/// Enters what is there already.
pub(super) async fn adopt(
    mut engine: Migrator,
    set: &Migrations,
    what: &Adopt,
    hand_written: &[String],
    reason: &str,
) -> Result<Answer, Fault> {
    let adopted = engine.adopt(set, what, hand_written, Some(reason)).await?;
    let found = adopted.verification.as_ref();
    let differs = found.is_some_and(|found| !found.is_clean());
    let json = json!({
        "entries": rows(&adopted.entries),
        "verification": found.map(verification),
    });
    let text = match found {
        Some(found) if differs => format!(
            "{found}the database differs from what was sealed, so nothing was adopted; change it, or seal what it \
             holds\n"
        ),
        _ if adopted.entries.is_empty() => "nothing to adopt\n".into(),
        _ => adopted.entries.iter().map(report::entered).collect(),
    };
    Ok(Answer::done(text, json).or_finding(differs))
}

/// Corrects the ledger.
pub(super) async fn repair(
    mut engine: Migrator,
    set: &Migrations,
    version: &str,
    state: Repair,
    by: &str,
    reason: &str,
) -> Result<Answer, Fault> {
    let entry = engine.repair(set, version, state, by, reason).await?;
    Ok(Answer::done(
        report::entered(&entry),
        json!({ "entries": [Row::from(&entry)] }),
    ))
}

/// Takes the database over from the target that guards it.
pub(super) async fn claim(mut engine: Migrator, by: &str, reason: &str) -> Result<Answer, Fault> {
    let entry = engine.claim(by, reason).await?;
    Ok(Answer::done(
        report::entered(&entry),
        json!({ "entries": [Row::from(&entry)] }),
    ))
}
