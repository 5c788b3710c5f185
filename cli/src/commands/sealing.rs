//! The commands that write below the root.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tabellion::migrate::{Applied, SealOptions, SealedFiles, new_hand, reseal, seal, seal_hand};
use tabellion_sql::lint;

use super::Answer;
use crate::fault::Fault;
use crate::json;
use crate::place::Place;

/// Seals the pair written by hand of that name, or else the draft.
pub(super) fn seal_named(root: &Path, name: &str, options: &SealOptions) -> Result<Answer, Fault> {
    let by_hand = seal_hand(root, name, options, |lock, [up, down]| {
        let findings = lint::pair(up, down, &lock.schema);
        findings.iter().map(ToString::to_string).collect()
    })?;
    let sealed = match &by_hand {
        Some(sealed) => sealed,
        None => &seal(root, name, options)?,
    };
    let mut text: String = sealed.iter().map(told).collect();
    let redraw = by_hand.is_some() && root.join("draft.lock").exists();
    if redraw {
        text.push_str(
            "the draft was drawn before this; run `cargo build` to draw it again before you seal it\n",
        );
    }
    text.push_str("commit them with the lock; `cargo tabellion apply` applies them\n");
    let sealed: Value = sealed.iter().map(json::sealed).collect();
    Ok(Answer::done(
        text,
        json!({ "sealed": sealed, "redraw": redraw }),
    ))
}

/// Writes the templates of a pair to be written by hand.
pub(super) fn begin(root: &Path, name: &str) -> Result<Answer, Fault> {
    let files = new_hand(root, name)?;
    let text = format!(
        "wrote {}\n      {}\nwrite the SQL and its way back, then run `cargo tabellion seal {name}`\n",
        files.up.display(),
        files.down.display()
    );
    Ok(Answer::done(
        text,
        json!({ "up": files.up, "down": files.down }),
    ))
}

/// Chains the branches of a merged lock, once every database named has said what is applied there.
pub(super) async fn reseal_merged(
    root: &Path,
    places: BTreeMap<String, Place>,
) -> Result<Answer, Fault> {
    let mut applied = Vec::new();
    for (target, place) in places {
        let entries = place.connect().await?.applied().await?;
        applied.push(Applied { target, entries });
    }
    let resealed = reseal(root, &applied)?;
    let mut text = String::new();
    for one in &resealed {
        text.push_str(&match one.left_out {
            true => format!(
                "left out, since the other branch says it already\n       {}\n       {}\n",
                one.files.up.display(),
                one.files.down.display()
            ),
            false => {
                let anew = match one.drawn_anew {
                    true => ", drawn anew to follow the other branch; read it",
                    false => "",
                };
                format!("was    {}{anew}\n{}", one.from, told(&one.files))
            }
        });
        for (object, reason) in &one.said_already {
            text.push_str(&format!(
                "       its reason for {object}, which the other branch does already: {reason}\n"
            ));
        }
    }
    text.push_str(if resealed.is_empty() {
        "the sealed migrations are one chain; none was sealed anew\n"
    } else {
        "run `cargo build`, and commit the lock with the files that were added and removed\n"
    });
    let one = |one: &tabellion::migrate::Resealed| {
        let mut value = json::sealed(&one.files);
        value["from"] = json!(one.from);
        value["drawn_anew"] = json!(one.drawn_anew);
        value["left_out"] = json!(one.left_out);
        value["said_already"] = json!(one.said_already);
        value
    };
    let resealed: Value = resealed.iter().map(one).collect();
    Ok(Answer::done(text, json!({ "resealed": resealed })))
}

/// The files of a pair, and what they do.
fn told(files: &SealedFiles) -> String {
    let mut text = format!(
        "sealed {}\n       {}\n",
        files.up.display(),
        files.down.display()
    );
    for hazard in &files.hazards {
        text.push_str(&format!("       {hazard}\n"));
    }
    text
}
