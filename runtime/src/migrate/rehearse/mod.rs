//! Rehearsing: in a scratch database, every migration up, down and up again, the catalogs compared.
//!
//! The files run by the engine that applies them, and as they are but for one statement behind each,
//! which notes the locks that its transaction holds.
//!
//! | file | job |
//! |---|---|
//! | `scratch` | the scratch database: made, found again after a killed run, dropped whatever happens |
//! | `place` | the server it is made on |
//! | `roles` | roles, which all databases of a server share: what is missing, what was made |
//! | `stubs` | what a schema refers to and does not own |
//! | `canonical` | what a database holds, in a form that compares |
//! | `others` | the part of it that no snapshot of tables has |
//! | `locks` | which locks a file took |
//! | `report` | what came of it |
//! | `rows` | how many rows each table of a copy has |

mod canonical;
mod locks;
mod others;
mod place;
mod report;
mod roles;
mod rows;
pub(super) mod scratch;
pub(super) mod stubs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::canonical::{Canonical, Delta};
use self::locks::Watch;
use self::scratch::Scratch;
use super::apply::ApplyOptions;
use super::engine::Migrator;
use super::error::MigrateError;
use super::ledger::{Entry, Event};
use super::rollback::{RollbackOptions, RollbackTarget};
use super::set::{Migration, Migrations};
use super::target::Pooler;

pub use locks::TakenLock;
pub use report::{Rehearsal, Rehearsed};
pub use rows::RowCount;

/// Where to rehearse, and on what.
#[derive(Debug, Clone, Default)]
pub struct RehearseOptions {
    /// The URL of the target: its server gets the scratch database, where the login may create one. A
    /// throw-away server where there is none, or where it may not (feature `testing`).
    pub url: Option<String>,
    /// What stands between this program and that server. Through a pooler no scratch database is reached.
    pub pooler: Pooler,
    /// The scratch database begins as a copy of this database of the same server, with its rows, and what is
    /// pending there is rehearsed. PostgreSQL copies a database while nobody is connected to it, for its owner
    /// or a superuser, so that beside a database in use it takes a restored backup of it.
    pub on_copy_of: Option<String>,
}

/// What a rehearsal tells while it works.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Rehearsing<'a> {
    /// The scratch database is there: where, and why there.
    Prepared(&'a str),
    /// A file begins to run.
    Running(&'a Migration, Event),
    /// A migration has been up, down and up again.
    Done(&'a Rehearsed),
}

/// Rehearses the sealed migrations in a scratch database, which is dropped whatever comes of it.
///
/// Where this future is dropped before its end, as on Ctrl-C, so is the scratch database, which may take
/// some seconds; where the process is killed, the next rehearsal on that server names what it left.
/// Roles belong to a whole server: those that were missing are dropped again. Whatever else a file by hand
/// does to the server as a whole, or beyond it, it does: alter a role, call another system. For such files name
/// no target.
///
/// # Errors
/// A database named by the URL that a target guards which asks for approvals; a scratch database that cannot be
/// had, with what it takes; those of the connection and the server. A file
/// that fails, and a way back that is not exact, are findings.
pub async fn rehearse(
    set: &Migrations,
    options: &RehearseOptions,
    observe: &mut (dyn FnMut(Rehearsing<'_>) + Send),
) -> Result<Rehearsal, MigrateError> {
    let mut scratch = Scratch::create(set.schema(), options).await?;
    observe(Rehearsing::Prepared(&scratch.place));
    let mut rehearsal = Rehearsal {
        place: scratch.place.clone(),
        prepared: std::mem::take(&mut scratch.prepared),
        ..Rehearsal::default()
    };
    let ran = run(set, options, &scratch, &mut rehearsal, observe).await;
    rehearsal.leftovers = scratch.remove().await;
    if ran.is_err() {
        // With the error they would go unsaid.
        for line in &rehearsal.leftovers {
            tracing::warn!("{line}");
        }
    }
    ran.map(|()| rehearsal)
}

async fn run(
    set: &Migrations,
    options: &RehearseOptions,
    scratch: &Scratch,
    rehearsal: &mut Rehearsal,
    observe: &mut (dyn FnMut(Rehearsing<'_>) + Send),
) -> Result<(), MigrateError> {
    let mut stage = Stage::open(set, scratch.url()).await?;
    if options.on_copy_of.is_none() {
        let stubs = stubs::make(&stage.engine.client, set.schema()).await?;
        rehearsal.prepared.extend(stubs);
    }
    stage.watch.prepare().await?;
    let pending: Vec<&Migration> = {
        let status = stage.engine.status(set).await?;
        if !status.problems.is_empty() {
            return Err(MigrateError::History(super::error::Problems(
                status.problems,
            )));
        }
        if let Some(guard) = &status.guard {
            return Err(guarded(guard, "the database to copy"));
        }
        let open = status
            .migrations
            .iter()
            .filter(|(_, entry)| entry.is_none());
        open.filter_map(|(migration, _)| set.get(&migration.version))
            .collect()
    };
    let mut counts = Vec::new();
    if options.on_copy_of.is_some() {
        counts.push(rows::count(&stage.engine.client).await?);
    }
    let mut now = Canonical::read(&stage.engine.client).await?;
    let mut deltas: Vec<Delta> = Vec::new();
    let mut done: BTreeMap<&str, Rehearsed> = BTreeMap::new();
    let mut failed = false;
    for &migration in &pending {
        observe(Rehearsing::Running(migration, Event::Applied));
        let mut one = Rehearsed {
            version: migration.version.clone(),
            name: migration.name.clone(),
            ..Rehearsed::default()
        };
        match stage.run(migration, Event::Applied).await? {
            Ran::Done(took, locks) => {
                one.up = Some(took);
                one.up_locks = locks;
            }
            Ran::Failed(why) => one.failure = Some(why),
        }
        failed = one.failure.is_some();
        one.sampled = migration.up.header.no_transaction || migration.down.header.no_transaction;
        done.insert(&migration.version, one);
        if failed {
            break;
        }
        let after = Canonical::read(&stage.engine.client).await?;
        deltas.push(after.back_to(&now));
        now = after;
    }
    if options.on_copy_of.is_some() {
        counts.push(rows::count(&stage.engine.client).await?);
    }
    if !failed {
        rehearsal.verification = Some(stage.engine.verify(set).await?);
    }
    // The way back, from the last one that ran.
    let ran: Vec<&Migration> = pending.iter().copied().take(deltas.len()).collect();
    let mut told = BTreeSet::new();
    for (&migration, delta) in ran.iter().zip(&deltas).rev() {
        let mut before = delta.applied_to(&now);
        if !migration.is_by_hand() {
            before.keep_extensions(&now, &migration.down.sql);
        }
        let one = done.entry(&migration.version).or_default();
        let is_back = stage
            .there_and_back(migration, [&before, &now], &mut told, one, observe)
            .await?;
        observe(Rehearsing::Done(one));
        if !is_back {
            // Nothing before it can be undone.
            break;
        }
        now = before;
    }
    if options.on_copy_of.is_some() {
        counts.push(rows::count(&stage.engine.client).await?);
        rehearsal.rows = rows::compare(counts);
    }
    rehearsal.migrations = pending
        .iter()
        .filter_map(|migration| done.remove(migration.version.as_str()))
        .collect();
    Ok(())
}

/// What a file written by hand does to the server, such as to a role, no copy keeps in.
fn guarded(guard: &Entry, database: &str) -> MigrateError {
    let name = guard.target.as_deref().unwrap_or("without a name");
    MigrateError::Unapproved(super::error::Problems(vec![format!(
        "target `{name}`, which asks for approvals, guards {database}, and a rehearsal would run files on its \
         server that nobody has approved; rehearse on another target, on a throw-away server (`--throw-away`), or, \
         where that database is a copy itself, run `cargo tabellion claim` there first"
    )]))
}

/// How a file ended.
enum Ran {
    Done(Duration, Vec<TakenLock>),
    Failed(String),
}

/// The engine on the scratch database, and who watches it.
struct Stage {
    engine: Migrator,
    watch: Watch,
    /// The migrations with the statement that notes locks.
    noted: Migrations,
}

impl Stage {
    async fn open(set: &Migrations, url: &str) -> Result<Self, MigrateError> {
        Ok(Stage {
            engine: Migrator::connect(url).await?,
            watch: Watch::open(url).await?,
            noted: locks::noted(set),
        })
    }

    /// Runs one file of the last, or the next, migration.
    async fn run(&mut self, migration: &Migration, event: Event) -> Result<Ran, MigrateError> {
        let is_up = event == Event::Applied;
        let script = if is_up {
            &migration.up
        } else {
            &migration.down
        };
        self.watch.begin(script.header.no_transaction).await?;
        let ran = if is_up {
            let to = ApplyOptions {
                to: Some(migration.version.clone()),
            };
            self.engine.apply(&self.noted, &to).await
        } else {
            let back = RollbackOptions {
                target: RollbackTarget::Steps(1),
                accept_data_loss: true,
                accept_wider_access: true,
            };
            self.engine.rollback(&self.noted, &back).await
        };
        let locks = self.watch.end().await?;
        match ran {
            Ok(entries) => Ok(Ran::Done(took(&entries), locks)),
            Err(error @ (MigrateError::Connection(_) | MigrateError::Held(_))) => Err(error),
            Err(error) => Ok(Ran::Failed(error.to_string())),
        }
    }

    /// Down, compared with what was before; up again, compared with what was after; and down. Says whether
    /// it ended before the migration.
    ///
    /// An object that was `told` as otherwise stays so: it is told once, of the file that left it so.
    async fn there_and_back(
        &mut self,
        migration: &Migration,
        [before, after]: [&Canonical; 2],
        told: &mut BTreeSet<String>,
        one: &mut Rehearsed,
        observe: &mut (dyn FnMut(Rehearsing<'_>) + Send),
    ) -> Result<bool, MigrateError> {
        let steps = [
            (Event::RolledBack, before, "after the rollback"),
            (Event::Applied, after, "after applying it again"),
            (Event::RolledBack, before, "after the second rollback"),
        ];
        for (index, (event, wanted, when)) in steps.into_iter().enumerate() {
            observe(Rehearsing::Running(migration, event));
            match self.run(migration, event).await? {
                Ran::Failed(why) => {
                    let doing = ["rolling back", "applying again", "rolling back again"][index];
                    one.failure = Some(format!("{doing}: {why}"));
                    // Nothing is left of a file that fails in a transaction.
                    return Ok(event == Event::Applied && !migration.up.header.no_transaction);
                }
                Ran::Done(took, locks) if index == 0 => {
                    one.down = Some(took);
                    one.down_locks = locks;
                }
                Ran::Done(took, _) if index == 1 => one.again = Some(took),
                Ran::Done(..) => {}
            }
            let found = Canonical::read(&self.engine.client).await?;
            let (differences, notes) = wanted.differences(&found, told);
            let said = |line: String| format!("{when}, {line}");
            one.differences.extend(differences.into_iter().map(said));
            one.notes.extend(notes.into_iter().map(said));
            told.extend(wanted.apart(&found).cloned());
        }
        Ok(true)
    }
}

fn took(entries: &[Entry]) -> Duration {
    let milliseconds: i64 = entries.iter().map(|entry| entry.duration_ms).sum();
    Duration::from_millis(milliseconds.try_into().unwrap_or(0))
}
