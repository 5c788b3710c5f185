//! Adopting: migrations whose work is there already are entered in the ledger, and nothing is run.

use super::approve::{plain, said};
use super::engine::Migrator;
use super::error::{MigrateError, Problems};
use super::ledger::{self, Entry, Event, Ledger, Row};
use super::set::{Migration, Migrations};
use super::verify::Verification;

/// What to adopt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopt {
    /// All that is pending, where the database holds what they lead to.
    All,
    /// The same up to a version; the sealed schema is that of the last one, so another must have been applied
    /// by the Supabase CLI, with all before it.
    To(String),
    /// What the Supabase CLI has applied, as its history says.
    FromSupabase,
}

/// What the ledger's row says of a migration of which a person alone says that its work is there.
const SAID: &str = "written by hand, and said to be there";

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The rows that were entered; none where the database differs.
    pub entries: Vec<Entry>,
    /// The comparison with the sealed schema; `None` where only another tool's history was asked.
    pub verification: Option<Verification>,
}

impl Migrator {
    /// Enters what is pending as adopted, without running anything: where the database is as sealed, or where
    /// the Supabase CLI has applied it.
    ///
    /// A database that differs is told where, by [`Adopted::verification`], and nothing is written. A migration
    /// written by hand, of which that comparison proves nothing, is entered only where its version is among
    /// `by_hand`, and its row says so.
    ///
    /// # Errors
    /// A history that does not fit, a file that was begun and has not finished, a version of which nothing
    /// tells whether its work is there, migrations written by hand that are not named; a database that a target
    /// guards which asks for approvals; another process that holds the migration lock; those of the connection
    /// and the server.
    pub async fn adopt(
        &mut self,
        set: &Migrations,
        what: &Adopt,
        by_hand: &[String],
        reason: Option<&str>,
    ) -> Result<Adopted, MigrateError> {
        self.plain()?;
        plain(reason.and_then(said))?;
        self.ledger = Ledger::read_to_write(&self.client).await?;
        let (chosen, compares) = self.adoptable(set, what)?;
        self.answered_for(set, &chosen, by_hand)?;
        if chosen.is_empty() {
            return Ok(Adopted::default());
        }
        self.unguarded()?;
        let verification = if compares {
            let verification = self.compare(set).await?;
            if !verification.is_clean() {
                return Ok(Adopted {
                    entries: Vec::new(),
                    verification: Some(verification),
                });
            }
            Some(verification)
        } else {
            None
        };
        self.begin().await?;
        let written = async {
            // Another process may have worked while this one waited.
            self.unguarded()?;
            let (now, _) = self.adoptable(set, what)?;
            if now != chosen {
                return Err(MigrateError::history(
                    "another process has changed the ledger meanwhile; look at `cargo tabellion status` and \
                     decide again",
                ));
            }
            let reason = reason.and_then(said);
            let by_hand = match reason {
                Some(reason) => format!("{SAID}: {reason}"),
                None => SAID.to_owned(),
            };
            let rows: Vec<Row<'_>> = chosen
                .iter()
                .map(|migration| Row {
                    note: match self.is_unproven(migration) {
                        true => Some(&by_hand),
                        false => reason,
                    },
                    ..Row::of(Event::Adopted, migration)
                })
                .collect();
            let history = self.ledger.supabase.as_ref();
            let beside: String = history
                .into_iter()
                .flat_map(|history| chosen.iter().map(|migration| history.insert(migration, true)))
                .collect();
            ledger::enter(&self.client, &rows, self.who(), &beside, false).await
        }
        .await;
        match written {
            Ok(entries) => {
                self.end().await?;
                entries.iter().for_each(|entry| self.ledger.push(entry));
                Ok(Adopted {
                    entries,
                    verification,
                })
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    /// Whether nothing but a person tells that the migration's work is there.
    fn is_unproven(&self, migration: &Migration) -> bool {
        let theirs = self.ledger.supabase.as_ref();
        migration.is_by_hand() && !theirs.is_some_and(|history| history.holds(&migration.version))
    }

    /// Refuses migrations of which nothing tells whether their work is there and that are not named, all of
    /// them at once; and names that are none of those.
    fn answered_for(
        &self,
        set: &Migrations,
        chosen: &[&Migration],
        named: &[String],
    ) -> Result<(), MigrateError> {
        for version in named {
            let migration = set.known(version)?;
            if !migration.is_by_hand() || !chosen.contains(&migration) {
                return Err(MigrateError::Request(format!(
                    "migration `{version}_{}` is none that is written by hand and to be adopted; leave it out",
                    migration.name
                )));
            }
        }
        let unnamed = chosen
            .iter()
            .filter(|one| self.is_unproven(one) && !named.contains(&one.version));
        let problem = |one: &&Migration| {
            format!(
                "migration `{0}_{1}` is written by hand, so no comparison with the structs tells whether its work \
                 is there; see that it is, and say `--hand-written {0}`",
                one.version, one.name
            )
        };
        let problems: Vec<String> = unnamed.map(problem).collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(MigrateError::Unaccepted(Problems(problems)))
        }
    }

    /// What is to be adopted, and whether the catalog is to be compared first.
    fn adoptable<'a>(
        &self,
        set: &'a Migrations,
        what: &Adopt,
    ) -> Result<(Vec<&'a Migration>, bool), MigrateError> {
        let pending = self.ledger.pending(set)?;
        self.ledger.whole()?;
        let begun = self.ledger.begun();
        let problems: Vec<String> = pending
            .iter()
            .filter(|migration| begun.contains_key(migration.version.as_str()))
            .map(|migration| {
                format!(
                    "migration `{}_{}` was begun and has not finished; run `cargo tabellion apply` to finish it",
                    migration.version, migration.name
                )
            })
            .collect();
        if !problems.is_empty() {
            return Err(MigrateError::History(Problems(problems)));
        }
        let theirs = |migration: &&Migration| {
            let history = self.ledger.supabase.as_ref();
            history.is_some_and(|history| history.holds(&migration.version))
        };
        let chosen = match what {
            Adopt::All => pending.len(),
            Adopt::To(version) => {
                let last = set.known(version)?;
                pending.partition_point(|migration| migration.version <= last.version)
            }
            Adopt::FromSupabase => {
                let chosen = pending
                    .iter()
                    .take_while(|migration| theirs(migration))
                    .count();
                if let (Some(gap), Some(later)) = (
                    pending.get(chosen),
                    pending.iter().skip(chosen).find(|m| theirs(m)),
                ) {
                    return Err(MigrateError::history(format!(
                        "the Supabase CLI has applied `{}_{}`, but not the earlier `{}_{}`; apply that with it \
                         first, or seal it again with a later date",
                        later.version, later.name, gap.version, gap.name
                    )));
                }
                chosen
            }
        };
        let is_last = chosen == pending.len();
        let (chosen, _) = pending.split_at(chosen);
        if let (false, Some(unknown)) = (is_last, chosen.iter().find(|m| !theirs(m))) {
            return Err(MigrateError::Request(format!(
                "nothing tells whether the work of migration `{}_{}` is there, since the sealed schema is that of \
                 the last migration; adopt all of them, or use the version of the project where it was the last",
                unknown.version, unknown.name
            )));
        }
        Ok((chosen.to_vec(), is_last))
    }
}
