//! One function for each command.

use std::path::Path;

use tabellion::migrate::{
    Applied, ApplyOptions, MigrateError, Migrations, Migrator, Progress, RollbackOptions,
    RollbackTarget, SealOptions,
};

use crate::args::{Args, Command, Target, Work};
use crate::exit::Outcome;
use crate::say::{self, note, say};
use crate::{report, root, sealing};

/// Runs a command to its end.
pub(crate) fn run(args: Args) -> Result<Outcome, MigrateError> {
    let root = root::find(args.root)?;
    let command = match args.command {
        Command::Seal {
            name,
            accept,
            reviewed,
        } => return sealing::seal_named(&root, &name, &SealOptions { accept, reviewed }),
        Command::New { name } => return sealing::begin(&root, &name),
        other => other,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            MigrateError::Io(format!(
                "no runtime could be started: {error}; free resources"
            ))
        })?;
    runtime.block_on(with_database(&root, command))
}

async fn with_database(root: &Path, command: Command) -> Result<Outcome, MigrateError> {
    match command {
        Command::Seal {
            name,
            accept,
            reviewed,
        } => sealing::seal_named(root, &name, &SealOptions { accept, reviewed }),
        Command::New { name } => sealing::begin(root, &name),
        Command::Reseal {
            target,
            applied_nowhere,
        } => {
            let mut applied = Vec::new();
            for (target, variable) in targets(target, applied_nowhere)? {
                let entries = connect_by(&variable, "--target NAME=VARIABLE")
                    .await?
                    .applied()
                    .await?;
                applied.push(Applied { target, entries });
            }
            sealing::reseal_merged(root, &applied)
        }
        Command::Apply { to, target, work } => {
            let set = Migrations::load(root)?;
            let mut engine = worker(&target, work).await?;
            let done = engine.apply(&set, &ApplyOptions { to }).await?;
            if done.is_empty() {
                say!("nothing to apply");
            }
            Ok(Outcome::Done)
        }
        Command::Rollback {
            steps,
            to,
            all,
            accept_data_loss,
            accept_wider_access,
            target,
            work,
        } => {
            let set = Migrations::load(root)?;
            let mut engine = worker(&target, work).await?;
            let target = match to {
                _ if all => RollbackTarget::All,
                Some(version) => RollbackTarget::To(version),
                None => RollbackTarget::Steps(steps.unwrap_or(1)),
            };
            let options = RollbackOptions {
                target,
                accept_data_loss,
                accept_wider_access,
            };
            let done = engine.rollback(&set, &options).await?;
            if done.is_empty() {
                say!("nothing to roll back");
            }
            Ok(Outcome::Done)
        }
        Command::Status { check, target } => {
            let set = Migrations::load(root)?;
            let status = connect(&target).await?.status(&set).await?;
            say::out(format_args!("{}", report::status(&status)));
            for problem in &status.problems {
                say!("{problem}");
            }
            let wanting =
                status.pending() > 0 || !status.begun.is_empty() || !status.problems.is_empty();
            Ok(if check && wanting {
                Outcome::Finding
            } else {
                Outcome::Done
            })
        }
        Command::Verify { target } => {
            let set = Migrations::load(root)?;
            let found = connect(&target).await?.verify(&set).await?;
            if found.is_clean() {
                let objects = report::count(found.compared, "object");
                say!("the database holds what was sealed: {objects} compared, no difference");
                return Ok(Outcome::Done);
            }
            say::out(format_args!("{found}"));
            Ok(Outcome::Finding)
        }
    }
}

/// An engine that tells what it does.
async fn worker(target: &Target, work: Work) -> Result<Migrator, MigrateError> {
    let engine =
        connect(target)
            .await?
            .lock_wait(work.lock_wait)
            .observe(|progress| match progress {
                Progress::Waiting(holder) => note!("waiting for another process: {holder}"),
                Progress::Done(entry) => say!("{}", report::done(entry)),
                _ => {}
            });
    Ok(match work.actor {
        Some(actor) => engine.on_behalf_of(actor),
        None => engine,
    })
}

async fn connect(target: &Target) -> Result<Migrator, MigrateError> {
    connect_by(&target.url_env, "--url-env").await
}

/// The databases that a reseal asks what is applied.
fn targets(
    named: Vec<(String, String)>,
    applied_nowhere: bool,
) -> Result<Vec<(String, String)>, MigrateError> {
    const USUAL: &str = "DATABASE_URL";
    if applied_nowhere || !named.is_empty() {
        return Ok(named);
    }
    if std::env::var_os(USUAL).is_some() {
        return Ok(vec![(USUAL.to_owned(), USUAL.to_owned())]);
    }
    Err(MigrateError::Request(
        "nothing says which databases may have applied what the branches sealed; name them with `--target \
         NAME=VARIABLE`, or say `--applied-nowhere`"
            .into(),
    ))
}

/// Connects to the database whose URL an environment variable holds; `flag` names another.
async fn connect_by(name: &str, flag: &str) -> Result<Migrator, MigrateError> {
    let url = match std::env::var(name) {
        Ok(url) if !url.trim().is_empty() => url,
        _ => {
            return Err(MigrateError::Request(format!(
                "the environment variable `{name}` holds no URL; set it to \
                 `postgres://user:password@host:5432/database`, or name another with `{flag}`"
            )));
        }
    };
    Migrator::connect(&url).await
}
