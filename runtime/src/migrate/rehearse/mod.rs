//! Rehearsing: in a scratch database, every migration up, down and up again, the catalogs compared.
//!
//! The files run by the engine that applies them, and as they are but for one statement behind each,
//! which notes the locks that its transaction holds.
//!
//! | file | job |
//! |---|---|
//! | `scratch` | the scratch database: made, found again after a killed run, dropped whatever happens |
//! | `roles` | roles, which all databases of a server share: what is missing, what was made |
//! | `stubs` | what a schema refers to and does not own |
//! | `canonical` | what a database holds, in a form that compares |
//! | `locks` | which locks a file took |
//! | `rows` | how many rows each table of a copy has |

mod canonical;
mod locks;
mod roles;
mod rows;
mod scratch;
mod stubs;

use std::collections::BTreeMap;
use std::fmt;
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
use super::verify::Verification;

pub use locks::TakenLock;
pub use rows::RowCount;

/// Where to rehearse, and on what.
#[derive(Debug, Clone, Default)]
pub struct RehearseOptions {
    /// The URL of the target: its server gets the scratch database, where the login may create one. A
    /// throw-away server where there is none, or where it may not (feature `testing`).
    pub url: Option<String>,
    /// What stands between this program and that server. Through a pooler no scratch database is reached.
    pub pooler: Pooler,
    /// The scratch database begins as a copy of the target's, with its rows, and what is pending there is
    /// rehearsed. PostgreSQL copies a database while nobody is connected to it, for its owner or a superuser.
    pub copies: bool,
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

/// What came of a rehearsal.
#[derive(Debug, Clone, Default)]
pub struct Rehearsal {
    /// Where it took place, and why there.
    pub place: String,
    /// What was made that no migration makes: stubs, and roles that were missing.
    pub prepared: Vec<String>,
    /// The migrations in order. Where one fails, those after it are not there.
    pub migrations: Vec<Rehearsed>,
    /// The comparison with the sealed schema, after every file up; `None` where one failed.
    pub verification: Option<Verification>,
    /// How many rows each table of the copy held; empty unless one was asked for.
    pub rows: Vec<RowCount>,
    /// What was left: databases of killed rehearsals, roles that could not be dropped; each with the
    /// command that removes it.
    pub leftovers: Vec<String>,
}

impl Rehearsal {
    /// Whether every file ran, every way back led exactly back, and the end is as sealed.
    pub fn is_clean(&self) -> bool {
        let verified = self.verification.as_ref();
        self.migrations.iter().all(Rehearsed::is_exact)
            && verified.is_some_and(Verification::is_clean)
    }
}

/// One migration, rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// How long the file took that applies it.
    pub up: Option<Duration>,
    /// How long the file took that undoes it.
    pub down: Option<Duration>,
    /// How long it took to apply it again.
    pub again: Option<Duration>,
    /// The strongest lock that applying it took on each relation that was there before.
    pub up_locks: Vec<TakenLock>,
    /// The same of undoing it.
    pub down_locks: Vec<TakenLock>,
    /// Whether the locks were looked at from another connection from time to time, as for files outside a
    /// transaction; some may then be missing.
    pub sampled: bool,
    /// What the way back leaves otherwise than it was, and what coming again does.
    pub differences: Vec<String>,
    /// What is otherwise and does not count: the order of columns.
    pub notes: Vec<String>,
    /// Why one of its files did not run.
    pub failure: Option<String>,
}

impl Rehearsed {
    /// Whether it ran up, down and up again, and left no difference.
    pub fn is_exact(&self) -> bool {
        self.failure.is_none() && self.differences.is_empty() && self.again.is_some()
    }
}

/// A line for each migration and each finding.
impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.place)?;
        for line in &self.prepared {
            writeln!(f, "{line}")?;
        }
        for migration in &self.migrations {
            write!(f, "{migration}")?;
        }
        if let Some(verification) = &self.verification {
            write!(f, "{verification}")?;
        }
        for count in &self.rows {
            writeln!(f, "{count}")?;
        }
        for line in &self.leftovers {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = |time: &Option<Duration>| match time {
            Some(time) => format!("{} ms", time.as_millis()),
            None => "did not run".to_owned(),
        };
        let state = if self.is_exact() {
            "exact"
        } else {
            "not exact"
        };
        writeln!(
            f,
            "{}_{}: up {}, down {}, up again {}: {state}",
            self.version,
            self.name,
            took(&self.up),
            took(&self.down),
            took(&self.again)
        )?;
        for (way, locks) in [("up", &self.up_locks), ("down", &self.down_locks)] {
            for lock in locks {
                writeln!(f, "  {way} locks {lock}")?;
            }
        }
        if self.sampled {
            writeln!(
                f,
                "  locks outside a transaction were looked at from time to time; some may be missing"
            )?;
        }
        let lines = self
            .failure
            .iter()
            .chain(&self.differences)
            .chain(&self.notes);
        for line in lines {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

/// Rehearses the sealed migrations in a scratch database, which is dropped whatever comes of it.
///
/// Where this future is dropped before its end, as on Ctrl-C, so is the scratch database, which may take
/// some seconds; where the process is killed, the next rehearsal on that server names what it left.
/// Roles belong to a whole server: those that were missing are dropped again.
///
/// # Errors
/// A scratch database that cannot be had, with what it takes; those of the connection and the server. A file
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
    let left = scratch.remove(set.schema()).await;
    rehearsal.leftovers.extend(left);
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
    if !options.copies {
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
        let open = status
            .migrations
            .iter()
            .filter(|(_, entry)| entry.is_none());
        open.filter_map(|(migration, _)| set.get(&migration.version))
            .collect()
    };
    let mut counts = Vec::new();
    if options.copies {
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
    if options.copies {
        counts.push(rows::count(&stage.engine.client).await?);
    }
    if !failed {
        rehearsal.verification = Some(stage.engine.verify(set).await?);
    }
    // The way back, from the last one that ran. Where it fails, nothing before it can be undone.
    let ran: Vec<&Migration> = pending.iter().copied().take(deltas.len()).collect();
    for (&migration, delta) in ran.iter().zip(&deltas).rev() {
        let before = delta.applied_to(&now);
        let one = done.entry(&migration.version).or_default();
        stage
            .there_and_back(migration, &before, &now, one, observe)
            .await?;
        observe(Rehearsing::Done(one));
        if one.failure.is_some() {
            break;
        }
        now = before;
    }
    if options.copies {
        counts.push(rows::count(&stage.engine.client).await?);
        rehearsal.rows = rows::compare(counts);
    }
    rehearsal.migrations = pending
        .iter()
        .filter_map(|migration| done.remove(migration.version.as_str()))
        .collect();
    Ok(())
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

    /// Down, compared with what was before; up again, compared with what was after; and down.
    async fn there_and_back(
        &mut self,
        migration: &Migration,
        before: &Canonical,
        after: &Canonical,
        one: &mut Rehearsed,
        observe: &mut (dyn FnMut(Rehearsing<'_>) + Send),
    ) -> Result<(), MigrateError> {
        let steps = [
            (Event::RolledBack, before, "after the rollback"),
            (Event::Applied, after, "after applying it again"),
            (Event::RolledBack, before, "after the second rollback"),
        ];
        for (index, (event, wanted, when)) in steps.into_iter().enumerate() {
            observe(Rehearsing::Running(migration, event));
            match self.run(migration, event).await? {
                Ran::Failed(why) => {
                    one.failure = Some(format!("{when}: {why}"));
                    return Ok(());
                }
                Ran::Done(took, locks) if index == 0 => {
                    one.down = Some(took);
                    one.down_locks = locks;
                }
                Ran::Done(took, _) if index == 1 => one.again = Some(took),
                Ran::Done(..) => {}
            }
            let found = Canonical::read(&self.engine.client).await?;
            let (differences, notes) = wanted.differences(&found);
            // What the first rollback has left is there the second time too.
            if index < 2 || one.differences.is_empty() {
                one.differences
                    .extend(differences.iter().map(|line| format!("{when}, {line}")));
            }
            if index == 0 {
                one.notes
                    .extend(notes.iter().map(|line| format!("{when}, {line}")));
            }
        }
        Ok(())
    }
}

fn took(entries: &[Entry]) -> Duration {
    let milliseconds: i64 = entries.iter().map(|entry| entry.duration_ms).sum();
    Duration::from_millis(milliseconds.try_into().unwrap_or(0))
}
