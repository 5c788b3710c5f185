//! Telling what happens: to people on a terminal a bar, in logs a line from time to time, to machines events;
//! and all of it to the evidence.

mod beat;
pub(crate) mod say;

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tabellion::migrate::{Entry, Event, Migration, Migrations, Progress, Rehearsing, Testing};

pub(crate) use beat::Beat;

use crate::evidence::Evidence;
use crate::json::{Row, counted, direction, rehearsed};
use crate::report;

/// How a command speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// To people.
    People,
    /// One JSON document at its end.
    Document,
    /// A line of JSON for each event, and one for the outcome.
    Lines,
}

/// Speaks for a command.
pub(crate) struct Teller {
    form: Form,
    /// How long nothing may be said while something runs.
    every: Duration,
    evidence: Option<Arc<Evidence>>,
    bar: Option<ProgressBar>,
    target: OnceLock<String>,
    has_run: OnceLock<()>,
    doing: Mutex<Doing>,
}

/// What is being done.
struct Doing {
    /// Such as `apply 20260102030405_tasks`.
    what: String,
    /// Such as `statement 3 of 7`; empty where there is nothing to count.
    step: String,
    since: Instant,
}

/// The time, as every line tells it: UTC, to the second.
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Teller {
    pub(crate) fn new(
        form: Form,
        every: Duration,
        evidence: Option<Arc<Evidence>>,
        command: &str,
    ) -> Arc<Teller> {
        let shows = form == Form::People && stderr().is_terminal();
        Arc::new(Teller {
            form,
            every,
            evidence,
            bar: shows.then(|| bar(command)),
            target: OnceLock::new(),
            has_run: OnceLock::new(),
            doing: Mutex::new(Doing {
                what: command.to_owned(),
                step: String::new(),
                since: Instant::now(),
            }),
        })
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The target's name, once it is known.
    pub(crate) fn target(&self) -> Option<&str> {
        self.target.get().map(String::as_str)
    }

    pub(crate) fn set_target(&self, name: &str) {
        let _ = self.target.set(name.to_owned());
    }

    /// Whether a file was sent to a server.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run.get().is_some()
    }

    /// Text for people, and for the log.
    pub(crate) fn say(&self, text: &str) {
        self.log(text);
        if self.form == Form::People {
            self.aside(|| say::out(format_args!("{text}\n")));
        }
    }

    /// Text that people need beside the outcome, such as why it takes so long.
    fn note(&self, text: &str) {
        self.log(text);
        if self.form == Form::People {
            self.aside(|| say::err(format_args!("{text}\n")));
        }
    }

    /// An event for machines.
    fn event(&self, name: &str, mut event: Value) {
        if self.form != Form::Lines {
            return;
        }
        event["at"] = json!(now());
        event["event"] = json!(name);
        say::out(format_args!("{event}\n"));
    }

    pub(crate) fn log(&self, text: &str) {
        if let Some(evidence) = &self.evidence {
            evidence.enter(text);
        }
    }

    /// Something else is being done from now on.
    pub(crate) fn begin(&self, what: impl Into<String>, step: impl Into<String>) {
        let mut doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        *doing = Doing {
            what: what.into(),
            step: step.into(),
            since: Instant::now(),
        };
        if let Some(bar) = &self.bar {
            bar.reset_elapsed();
            bar.set_message(doing.words());
        }
    }

    /// Says what is being done and for how long, where no bar shows it.
    fn beat(&self) {
        let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, seconds) = (doing.words(), doing.since.elapsed().as_secs());
        drop(doing);
        let colon = if words.contains(": ") { "," } else { ":" };
        let line = format!("{words}{colon} {seconds} s");
        self.log(&line);
        match self.form {
            Form::Lines => self.event("progress", json!({ "doing": words, "seconds": seconds })),
            _ if self.bar.is_none() => say::err(format_args!("{} {line}\n", now())),
            _ => {}
        }
    }

    /// What the engine tells.
    pub(crate) fn progress(&self, set: &Migrations, progress: Progress<'_>) {
        match progress {
            Progress::Waiting(holder) => {
                self.begin("waiting for another process", "");
                self.event("waiting", json!({ "holder": holder }));
                self.note(&format!("waiting for another process: {holder}"));
            }
            Progress::Running(migration, event) => self.running(set, migration, event, ""),
            Progress::Statement {
                migration,
                event,
                number,
                of,
            } => {
                let step = format!("statement {number} of {of}");
                let run = direction(event);
                let what = format!("{run} {}_{}", migration.version, migration.name);
                self.log(&format!("{what}: {step}"));
                self.begin(what, step);
                self.event(
                    "statement",
                    json!({
                        "run": run,
                        "version": migration.version,
                        "name": migration.name,
                        "number": number,
                        "of": of,
                    }),
                );
            }
            Progress::Done(entry) => self.done(entry),
            _ => {}
        }
    }

    /// What a rehearsal tells.
    pub(crate) fn rehearsing(&self, set: &Migrations, event: Rehearsing<'_>) {
        match event {
            Rehearsing::Prepared(place) => {
                self.log(place);
                self.begin("rehearse", "");
                self.event("prepared", json!({ "place": place }));
            }
            Rehearsing::Running(migration, event) => {
                self.running(set, migration, event, "rehearse ");
            }
            Rehearsing::Done(one) => {
                self.log(&one.to_string());
                self.event("done", json!({ "migration": rehearsed(one) }));
            }
            _ => {}
        }
    }

    /// What the tests of row-level security tell.
    pub(crate) fn testing(&self, event: Testing<'_>) {
        match event {
            Testing::Prepared(place) => {
                self.log(place);
                self.begin("test", "");
                self.event("prepared", json!({ "place": place }));
            }
            Testing::Tested(result) => {
                let (passed, failure) = match result {
                    Ok(passed) => (Some(passed), None),
                    Err(failure) => (None, Some(failure)),
                };
                self.event("tested", json!({ "passed": passed, "failure": failure }));
            }
            Testing::Without(mutant, number, of) => {
                self.begin(
                    "test",
                    format!("{number} of {of}, without {} {}", mutant.kind, mutant.what),
                );
                self.event(
                    "without",
                    json!({ "kind": mutant.kind, "what": mutant.what, "number": number, "of": of }),
                );
            }
            Testing::Tried(mutant, ..) if mutant.noticed.is_none() => {
                let line = format!("not noticed: without {} {}", mutant.kind, mutant.what);
                self.log(&line);
                self.event(
                    "survived",
                    json!({ "kind": mutant.kind, "what": mutant.what }),
                );
            }
            _ => {}
        }
    }

    /// A file is sent.
    fn running(&self, set: &Migrations, migration: &Migration, event: Event, prefix: &str) {
        let _ = self.has_run.set(());
        let run = direction(event);
        let script = match run {
            "rollback" => &migration.down,
            _ => &migration.up,
        };
        let statements = counted(&script.sql);
        let what = format!("{prefix}{run} {}_{}", migration.version, migration.name);
        let counted = report::count(statements, "statement");
        let step = if script.header.no_transaction {
            counted
        } else {
            format!("{counted} in one message")
        };
        self.log(&format!("{what}: {step}"));
        self.begin(what, step);
        self.place(set, migration, run);
        self.event(
            "running",
            json!({
                "run": run,
                "version": migration.version,
                "name": migration.name,
                "statements": statements,
            }),
        );
    }

    fn done(&self, entry: &Entry) {
        let row = serde_json::to_value(Row::from(entry)).unwrap_or_default();
        self.event("done", json!({ "entry": row }));
        self.say(&report::done(entry));
    }

    /// Moves the bar to a migration's place among all of them.
    fn place(&self, set: &Migrations, migration: &Migration, run: &str) {
        let Some(bar) = &self.bar else { return };
        let all = set.iter().count();
        let before = set.iter().position(|one| one.version == migration.version);
        let before = before.unwrap_or(0);
        let done = match run {
            "rollback" => all - before - 1,
            _ => before,
        };
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    }

    /// The last word: how the command ended.
    pub(crate) fn end(&self, document: &Value, text: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        match self.form {
            Form::People if text.is_empty() => {}
            Form::People => say::out(format_args!("{text}")),
            Form::Document => say::out(format_args!("{document}\n")),
            Form::Lines => self.event("outcome", document.clone()),
        }
    }

    /// Writes while the bar is out of the way.
    fn aside(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Doing {
    fn words(&self) -> String {
        match self.step.as_str() {
            "" => self.what.clone(),
            step => format!("{}: {step}", self.what),
        }
    }
}

/// One line on the terminal: a bar over all migrations, what is being done, and for how long.
fn bar(command: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:20}] {wide_msg} {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(command.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
