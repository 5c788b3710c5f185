//! One function for each command.

use std::path::Path;

use tabellion::migrate::{
    ApplyOptions, MigrateError, Migrations, Migrator, Progress, RollbackOptions, RollbackTarget,
    SealOptions,
};

use crate::args::{Args, Command, Target, Work};
use crate::exit::Outcome;
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
        Command::Apply { to, target, work } => {
            let set = Migrations::load(root)?;
            let mut engine = worker(&target, work).await?;
            let done = engine.apply(&set, &ApplyOptions { to }).await?;
            if done.is_empty() {
                println!("nothing to apply");
            }
            Ok(Outcome::Done)
        }
        Command::Rollback {
            steps,
            to,
            all,
            accept_data_loss,
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
            };
            let done = engine.rollback(&set, &options).await?;
            if done.is_empty() {
                println!("nothing to roll back");
            }
            Ok(Outcome::Done)
        }
        Command::Status { check, target } => {
            let set = Migrations::load(root)?;
            let status = connect(&target).await?.status(&set).await?;
            print!("{}", report::status(&status));
            for problem in &status.problems {
                println!("{problem}");
            }
            let wanting = status.pending() > 0 || !status.problems.is_empty();
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
                println!("the database holds what was sealed: {objects} compared, no difference");
                return Ok(Outcome::Done);
            }
            print!("{found}");
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
                Progress::Waiting(holder) => eprintln!("waiting for another process: {holder}"),
                Progress::Done(entry) => println!("{}", report::done(entry)),
                _ => {}
            });
    Ok(match work.actor {
        Some(actor) => engine.on_behalf_of(actor),
        None => engine,
    })
}

async fn connect(target: &Target) -> Result<Migrator, MigrateError> {
    let name = &target.url_env;
    let url = match std::env::var(name) {
        Ok(url) if !url.trim().is_empty() => url,
        _ => {
            return Err(MigrateError::Request(format!(
                "the environment variable `{name}` holds no URL; set it to \
                 `postgres://user:password@host:5432/database`, or name another with `--url-env`"
            )));
        }
    };
    Migrator::connect(&url).await
}
