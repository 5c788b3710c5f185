//! The way back: what is undone, at which price, and what an `apply` left half done before it.

use std::collections::VecDeque;

use tabellion_sql::file::Header;

use super::engine::{Migrator, Progress};
use super::error::{MigrateError, Problems};
use super::ledger::{Entry, Event, Ledger};
use super::set::{Migration, Migrations};

/// What to undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackTarget {
    /// The last so many that are applied. Run twice, it undoes twice as many.
    Steps(usize),
    /// Everything later than this version, which stays. Run twice, it does nothing the second time.
    To(String),
    /// Everything.
    All,
}

/// What to undo, and at which price.
#[derive(Debug, Clone)]
pub struct RollbackOptions {
    /// What to undo.
    pub target: RollbackTarget,
    /// Whether rollbacks that lose data may run.
    pub accept_data_loss: bool,
    /// Whether rollbacks that open something to more may run, such as by switching row-level security off.
    pub accept_wider_access: bool,
}

impl Migrator {
    /// Undoes applied migrations, the last one first, one transaction per file.
    ///
    /// An index that an `apply` which was cut short has half built, and that no migration applied would
    /// take back, is dropped before; its row, [`Event::Failed`], comes first in what is given.
    ///
    /// # Errors
    /// A rollback that loses data or opens access and was not accepted, an approval that the target asks for and
    /// that is missing, a history that does not fit, a file that cannot run, a file of several statements that an
    /// `apply` has begun and alone can finish: before anything is run. A statement that fails: its file is
    /// rolled back.
    pub async fn rollback(
        &mut self,
        set: &Migrations,
        options: &RollbackOptions,
    ) -> Result<Vec<Entry>, MigrateError> {
        self.plain()?;
        if let RollbackTarget::To(version) = &options.target {
            set.known(version)?;
        }
        self.ledger = Ledger::read_to_write(&self.client).await?;
        let chosen = chosen(&self.ledger, set, &options.target)?;
        for migration in &chosen {
            migration.down.check()?;
        }
        let half_built = unfinished(&self.ledger, set);
        if let Some((migration, reached)) = half_built {
            migration.up.builds(reached)?;
        }
        accepted(&chosen, options)?;
        self.approved(set, &chosen)?;
        let mut done = Vec::new();
        if half_built.is_some() {
            self.unguarded()?;
        }
        if chosen.is_empty() && half_built.is_some() && options.target != RollbackTarget::Steps(0) {
            self.begin_finished(set, &mut done).await?;
            self.end().await?;
        }
        // Whether the ledger is the one that the choice was made from, but for this process's own rows.
        let is_same = unfinished(&self.ledger, set).is_none();
        let mut queue = VecDeque::from(chosen);
        if is_same {
            self.fly(&mut queue, Event::RolledBack, &mut done).await?;
        }
        for migration in queue {
            self.begin_finished(set, &mut done).await?;
            let applied = self.ledger.applied();
            let last = applied.keys().next_back().copied().unwrap_or_default();
            if !applied.contains_key(migration.version.as_str()) {
                // Another process has undone it meanwhile.
                self.end().await?;
            } else if last == migration.version {
                if let Err(error) = self.approved(set, &[migration]) {
                    self.end().await?;
                    return Err(error);
                }
                done.push(self.run(migration, Event::RolledBack).await?);
            } else {
                let problem = format!(
                    "another process has applied `{last}` meanwhile; look at `cargo tabellion status` and \
                     decide again"
                );
                self.end().await?;
                return Err(MigrateError::history(problem));
            }
        }
        Ok(done)
    }

    /// Begins a transaction that holds the lock, once no index is half built.
    async fn begin_finished(
        &mut self,
        set: &Migrations,
        done: &mut Vec<Entry>,
    ) -> Result<(), MigrateError> {
        loop {
            self.begin().await?;
            let Some((migration, _)) = unfinished(&self.ledger, set) else {
                return Ok(());
            };
            let abandoned = match self.unguarded() {
                Ok(()) => self.abandon(migration).await,
                Err(refused) => Err(refused),
            };
            match abandoned {
                Ok(entry) => {
                    self.tell(Progress::Done(&entry));
                    done.push(entry);
                }
                Err(error) => {
                    self.abort().await;
                    return Err(error);
                }
            }
        }
    }
}

/// The migration that is not applied and whose file, outside a transaction, was begun; with the statement
/// that it reached.
fn unfinished<'a>(ledger: &Ledger, set: &'a Migrations) -> Option<(&'a Migration, usize)> {
    let begun = ledger.begun();
    if begun.is_empty() {
        return None;
    }
    let applied = ledger.applied();
    let (version, entry) = begun
        .into_iter()
        .find(|(version, _)| !applied.contains_key(version) && set.get(version).is_some())?;
    Some((set.get(version)?, entry.position.unwrap_or(1)))
}

/// Refuses rollbacks that do what was not accepted: all of it at once.
fn accepted(chosen: &[&Migration], options: &RollbackOptions) -> Result<(), MigrateError> {
    let what = || "this rollback".to_owned();
    let headers = || chosen.iter().map(|migration| &migration.down.header);
    let losses: Vec<String> = headers().flat_map(Header::losses).collect();
    let openings: Vec<String> = headers().flat_map(Header::openings).collect();
    let mut refused = Vec::new();
    if !losses.is_empty() && !options.accept_data_loss {
        refused.push(MigrateError::DataLoss {
            what: what(),
            losses,
            remedy: "back the data up and say `--accept-data-loss`".into(),
        });
    }
    if !openings.is_empty() && !options.accept_wider_access {
        refused.push(MigrateError::WiderAccess {
            what: what(),
            openings,
            remedy: "see that nobody reads what they must not, and say `--accept-wider-access`"
                .into(),
        });
    }
    match refused.len() {
        0 | 1 => refused.pop().map_or(Ok(()), Err),
        _ => Err(MigrateError::Unaccepted(Problems(
            refused.iter().map(ToString::to_string).collect(),
        ))),
    }
}

/// The applied migrations that a rollback undoes, the last one first.
fn chosen<'a>(
    ledger: &Ledger,
    set: &'a Migrations,
    target: &RollbackTarget,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let problems = ledger.problems(set);
    if !problems.is_empty() {
        return Err(MigrateError::History(Problems(problems)));
    }
    let applied = ledger.applied();
    let backwards = set
        .iter()
        .rev()
        .filter(|migration| applied.contains_key(migration.version.as_str()));
    Ok(match target {
        RollbackTarget::Steps(steps) => backwards.take(*steps).collect(),
        RollbackTarget::To(version) => {
            if !applied.contains_key(version.as_str()) {
                return Err(MigrateError::Request(format!(
                    "migration `{version}` is not applied, so nothing can be rolled back to it"
                )));
            }
            backwards
                .take_while(|migration| migration.version > *version)
                .collect()
        }
        RollbackTarget::All => backwards.collect(),
    })
}
