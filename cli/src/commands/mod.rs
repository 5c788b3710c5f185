//! What each command does: it parses nothing, prints nothing and exits nowhere, but gives an answer.

mod answer;
mod explain;
mod interrupt;
mod look;
mod rehearsal;
mod scratch;
mod sealing;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tabellion::migrate::{
    Adopt, Approve, Migrations, Migrator, Repair, RollbackOptions, SealOptions, unsealed,
};

use self::interrupt::interrupted;
use crate::args::{Command, Database, Sealing, Target, tells_events};
use crate::config::Config;
use crate::evidence::{Evidence, PLAN, VERIFICATION};
use crate::exit::Outcome;
use crate::fault::Fault;
use crate::json;
use crate::place::Place;
use crate::root;
use crate::tell::{Beat, Teller};

/// How a command ended that was not cut short.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// For people; lines, or nothing.
    pub(crate) text: String,
    /// For machines: the fields that are the command's own.
    pub(crate) json: Value,
}

impl Answer {
    fn done(text: impl Into<String>, json: Value) -> Answer {
        Answer {
            outcome: Outcome::Done,
            text: text.into(),
            json,
        }
    }

    fn or_finding(self, is_finding: bool) -> Answer {
        Answer {
            outcome: if is_finding {
                Outcome::Finding
            } else {
                self.outcome
            },
            ..self
        }
    }
}

/// What a command works with.
struct Session {
    config: Config,
    root: PathBuf,
    teller: Arc<Teller>,
    evidence: Option<Arc<Evidence>>,
}

/// Runs a command to its end.
pub(crate) fn run(
    command: Command,
    given_root: Option<PathBuf>,
    teller: &Arc<Teller>,
    evidence: Option<Arc<Evidence>>,
) -> Result<Answer, Fault> {
    if let Command::Explain { code } = &command {
        let answer = explain::explain(code.as_deref())?;
        teller.log(&answer.text);
        return Ok(answer);
    }
    let _beat = Beat::start(teller);
    let mut from: Vec<PathBuf> = given_root.iter().cloned().collect();
    from.push(PathBuf::new());
    let config = Config::find(&from)?;
    let root = match given_root.or_else(|| config.root.clone()) {
        Some(root) => root,
        None => root::find()?,
    };
    let session = Session {
        config,
        root,
        teller: Arc::clone(teller),
        evidence,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Fault::Io(format!(
                "no runtime could be started: {error}; free resources"
            ))
        })?;
    runtime.block_on(session.run(command))
}

impl Session {
    async fn run(self, command: Command) -> Result<Answer, Fault> {
        let answer = match command {
            Command::Sealing(command) => self.with_files(command).await,
            Command::Rehearsal(command) => self.in_scratch(command).await,
            Command::Database(command) => self.with_database(command).await,
            Command::Explain { code } => explain::explain(code.as_deref()),
        };
        if let Ok(answer) = &answer {
            self.teller.log(&answer.text);
        }
        answer
    }

    async fn with_files(&self, command: Sealing) -> Result<Answer, Fault> {
        self.intact()?;
        match command {
            Sealing::Seal {
                name,
                accept,
                reviewed,
            } => sealing::seal_named(&self.root, &name, &SealOptions { accept, reviewed }),
            Sealing::New { name } => sealing::begin(&self.root, &name),
            Sealing::Reseal {
                target,
                applied_nowhere,
            } => {
                let places = match applied_nowhere {
                    true => Default::default(),
                    false => Place::all(&self.config, &target)?,
                };
                sealing::reseal_merged(&self.root, places).await
            }
        }
    }

    /// Runs what works on a database, between the plan and the verification that the evidence keeps.
    async fn with_database(&self, command: Database) -> Result<Answer, Fault> {
        let (place, set) = match self.find(&command) {
            Ok(found) => found,
            Err(fault) => {
                self.document(PLAN, || json!({ "error": json::error(&fault) }));
                self.document(VERIFICATION, || json!({ "error": json::error(&fault) }));
                return Err(fault);
            }
        };
        let runs_files = tells_events(command.name());
        let work = async {
            let mut engine = self.engine(&place, &set, command.lock_wait()).await?;
            self.plan(&mut engine, &set, &command).await;
            self.intact()?;
            self.teller.begin(command.name(), "");
            self.on_database(command, &place, &set, engine).await
        };
        let answer = match runs_files {
            false => work.await,
            true => tokio::select! {
                // It listens before anything is begun.
                biased;
                () = interrupted() => Err(match self.teller.has_run() {
                    true => work::INTERRUPTED,
                    false => work::BEFORE,
                }),
                answer = work => answer,
            },
        };
        if let Err(fault) = &answer {
            self.document_unless_there(PLAN, || json!({ "error": json::error(fault) }));
        }
        self.verification(&place, &set).await;
        answer
    }

    /// Which database, and what is sealed.
    fn find(&self, command: &Database) -> Result<(Place, Arc<Migrations>), Fault> {
        let Target { target, url_env } = command.target();
        let place = Place::find(&self.config, target.as_deref(), url_env.as_deref())?;
        if let Some(name) = &place.target.name {
            self.teller.set_target(name);
        }
        Ok((place, Arc::new(Migrations::load(&self.root)?)))
    }

    async fn on_database(
        &self,
        command: Database,
        place: &Place,
        set: &Migrations,
        engine: Migrator,
    ) -> Result<Answer, Fault> {
        match command {
            Database::Plan { sql, .. } => {
                let unsealed = unsealed(&self.root)?;
                look::plan(engine, set, &place.target, sql, &unsealed).await
            }
            Database::Status { check, .. } => {
                let unsealed = unsealed(&self.root)?;
                look::status(engine, set, check, &unsealed).await
            }
            Database::Verify { .. } => {
                let answer = look::verify(engine, set).await?;
                self.document(VERIFICATION, || answer.json.clone());
                Ok(answer)
            }
            Database::Approve {
                versions,
                all_pending,
                by,
                reason,
                ..
            } => {
                let what = match all_pending {
                    true => Approve::AllPending,
                    false => Approve::Versions(versions),
                };
                answer::approve(engine, set, &what, &by, reason.as_deref()).await
            }
            Database::Adopt {
                to,
                from_supabase,
                hand_written,
                by,
                reason,
                ..
            } => {
                let what = match to {
                    Some(version) => Adopt::To(version),
                    None if from_supabase => Adopt::FromSupabase,
                    None => Adopt::All,
                };
                let engine = engine.on_behalf_of(by);
                answer::adopt(engine, set, &what, &hand_written, &reason).await
            }
            Database::Claim { by, reason, .. } => answer::claim(engine, &by, &reason).await,
            Database::Repair {
                version,
                applied,
                by,
                reason,
                ..
            } => {
                let state = match applied {
                    true => Repair::Applied,
                    false => Repair::RolledBack,
                };
                answer::repair(engine, set, &version, state, &by, &reason).await
            }
            Database::Apply {
                to, dry_run, work, ..
            } => work::apply(work::acting_for(engine, work.by), set, to, dry_run).await,
            Database::Rollback {
                steps,
                to,
                all,
                accept_data_loss,
                accept_wider_access,
                work,
                ..
            } => {
                let options = RollbackOptions {
                    target: work::backwards(steps, to, all),
                    accept_data_loss,
                    accept_wider_access,
                };
                work::rollback(work::acting_for(engine, work.by), set, &options).await
            }
        }
    }

    /// An engine that tells what it does.
    async fn engine(
        &self,
        place: &Place,
        set: &Arc<Migrations>,
        lock_wait: Option<Duration>,
    ) -> Result<Migrator, Fault> {
        let (teller, set) = (Arc::clone(&self.teller), Arc::clone(set));
        let engine = place.connect().await?;
        let engine = engine.observe(move |progress| teller.progress(&set, progress));
        Ok(match lock_wait {
            Some(wait) => engine.lock_wait(wait),
            None => engine,
        })
    }

    /// Leaves the plan as evidence: how the migrations stand, and what is to run.
    async fn plan(&self, engine: &mut Migrator, set: &Migrations, command: &Database) {
        if self.evidence.is_none() {
            return;
        }
        self.teller.begin(command.name(), "reading the ledger");
        let status = engine.status(set).await.map_err(Fault::from);
        self.document(PLAN, || match &status {
            Ok(status) => json!({
                "command": command.name(),
                "would_run": work::would_run(status, command),
                "migrations": json::migrations(status, false),
                "elsewhere": json::elsewhere(status),
                "problems": status.problems,
            }),
            Err(fault) => json!({ "error": json::error(fault) }),
        });
    }

    /// Leaves the verification as evidence, over a connection that nothing has happened to.
    async fn verification(&self, place: &Place, set: &Migrations) {
        let Some(evidence) = &self.evidence else {
            return;
        };
        if evidence.has(VERIFICATION) {
            return;
        }
        self.teller.begin("verify", "for the evidence");
        let found = tokio::select! {
            found = async { Ok::<_, Fault>(place.connect().await?.verify(set).await?) } => found,
            () = interrupted() => Err(Fault::Interrupted(
                "the verification was interrupted; run `cargo tabellion verify`".into(),
            )),
        };
        self.document(VERIFICATION, || match &found {
            Ok(found) => json::verification(found),
            Err(fault) => json!({ "error": json::error(fault) }),
        });
    }

    /// Refuses to run what leaves no evidence.
    fn intact(&self) -> Result<(), Fault> {
        let evidence = self.evidence.as_ref();
        evidence.map_or(Ok(()), |evidence| evidence.intact())
    }

    fn document(&self, name: &str, value: impl FnOnce() -> Value) {
        if let Some(evidence) = &self.evidence {
            evidence.write(name, &value());
        }
    }

    fn document_unless_there(&self, name: &str, value: impl FnOnce() -> Value) {
        if self
            .evidence
            .as_ref()
            .is_some_and(|evidence| !evidence.has(name))
        {
            self.document(name, value);
        }
    }
}
