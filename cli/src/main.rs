//! `cargo tabellion`: seal migrations, approve and apply them, look at them, undo them.
//!
//! | file | job |
//! |---|---|
//! | `args`, `help` | the command line, and what its help says beyond that |
//! | `config` | `tabellion.toml` |
//! | `root` | the folder that holds the lock |
//! | `place` | which database, and its URL |
//! | `commands` | what each command does; gives an answer, prints nothing |
//! | `tell` | telling what happens: bar, lines, events |
//! | `report` | text for people |
//! | `json` | the same for machines |
//! | `evidence` | the folder that a run leaves |
//! | `fault`, `exit` | how a command ends, and its code |

mod args;
mod commands;
mod config;
mod evidence;
mod exit;
mod fault;
mod help;
mod json;
mod place;
mod report;
mod root;
mod tell;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;

use commands::Answer;
use evidence::{Evidence, OUTCOME};
use exit::Outcome;
use fault::Fault;
use tell::{Form, Teller, now, say};

fn main() -> ExitCode {
    // Cargo runs `cargo-tabellion tabellion …`; the first word is not for us.
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "tabellion") {
        words.remove(1);
    }
    let given: Vec<String> = words
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let wants_json = words.iter().any(|word| word == "--json");
    let args = match args::Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => {
            let is_asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            if is_asked {
                error.exit();
            }
            let text = without_urls(&error.render().to_string(), &given);
            let text = text.trim().trim_start_matches("error: ");
            let name = args::named_command(&given);
            let form = form(wants_json, &name);
            let teller = Teller::new(form, Duration::MAX, None, &name);
            return end(&teller, None, &name, Err(Fault::Usage(text.to_owned()))).into();
        }
    };
    let name = args.command.name();
    let form = form(args.json, name);
    let evidence = args.evidence.as_deref().map(Evidence::open).transpose();
    let (evidence, refused) = match evidence {
        Ok(evidence) => (evidence.map(Arc::new), None),
        Err(fault) => (None, Some(fault)),
    };
    let teller = Teller::new(form, args.heartbeat, evidence.clone(), name);
    let ended = match refused {
        Some(fault) => Err(fault),
        None => {
            teller.log(&format!(
                "cargo tabellion {name} {}",
                env!("CARGO_PKG_VERSION")
            ));
            commands::run(args.command, args.root, &teller, evidence.clone())
        }
    };
    match end(&teller, evidence.as_deref(), name, ended) {
        _ if say::lost() => Outcome::Failed.into(),
        outcome => outcome.into(),
    }
}

/// How the command of this name speaks.
fn form(wants_json: bool, name: &str) -> Form {
    match (wants_json, args::tells_events(name)) {
        (false, _) => Form::People,
        (true, false) => Form::Document,
        (true, true) => Form::Lines,
    }
}

/// A text about the command line without the URLs that were written there by mistake.
fn without_urls(text: &str, words: &[String]) -> String {
    let mut text = text.to_owned();
    for word in words {
        let values = word.split_once('=').map(|(_, value)| value);
        for part in values.into_iter().chain([word.as_str()]) {
            let is_url = part.contains("://") || part.contains("password=");
            if is_url && !part.starts_with('-') {
                text = text.replace(part, "(a URL)");
            }
        }
    }
    text
}

/// Says how a command ended: to the evidence, to machines, to people.
fn end(
    teller: &Teller,
    evidence: Option<&Evidence>,
    name: &str,
    mut ended: Result<Answer, Fault>,
) -> Outcome {
    if let Some(evidence) = evidence {
        let mut document = document(teller, name, &ended);
        document["tool"] = serde_json::json!(concat!("tabellion ", env!("CARGO_PKG_VERSION")));
        document["at"] = serde_json::json!(now());
        if let Err(fault) = &ended {
            teller.log(&format!("error: {fault}"));
        }
        let outcome = outcome(&ended);
        let word = serde_json::to_value(outcome).unwrap_or_default();
        teller.log(&format!(
            "ended: {}, exit code {}",
            word.as_str().unwrap_or_default(),
            outcome.code()
        ));
        evidence.write(OUTCOME, &document);
        if let Err(fault) = evidence.close() {
            match &ended {
                Ok(_) => ended = Err(fault),
                // What went wrong first is what counts.
                Err(_) => say::err(format_args!("error: {fault}\n")),
            }
        }
    }
    let text = ended.as_ref().map_or("", |answer| answer.text.as_str());
    teller.end(&document(teller, name, &ended), text);
    if let (Err(fault), Form::People) = (&ended, teller.form()) {
        say::err(format_args!("error: {fault}\n"));
    }
    outcome(&ended)
}

fn outcome(ended: &Result<Answer, Fault>) -> Outcome {
    match ended {
        Ok(answer) => answer.outcome,
        Err(fault) => fault.kind().1,
    }
}

/// The outcome for machines.
fn document(teller: &Teller, name: &str, ended: &Result<Answer, Fault>) -> Value {
    let outcome = outcome(ended);
    let mut document = serde_json::json!({
        "command": name,
        "target": teller.target(),
        "outcome": outcome,
        "exit_code": outcome.code(),
    });
    match ended {
        Ok(answer) => {
            if let Value::Object(fields) = &answer.json {
                for (name, value) in fields {
                    document[name] = value.clone();
                }
            }
        }
        Err(fault) => document["error"] = json::error(fault),
    }
    document
}
