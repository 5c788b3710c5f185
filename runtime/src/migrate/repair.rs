//! Repairing the ledger: someone says what state a migration is in, and answers for it.

use super::approve::{plain, said};
use super::engine::Migrator;
use super::error::MigrateError;
use super::ledger::{self, Entry, Event, Ledger, Row, Supabase, Who};
use super::set::Migrations;

/// What a migration is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Applied, with its files as they are now.
    Applied,
    /// Not applied.
    RolledBack,
}

impl Migrator {
    /// Enters the state of a migration where the ledger and the database tell different things. Runs no file,
    /// and looks at nothing but the ledger.
    ///
    /// A version that the lock does not hold can be said to be not applied, if the ledger knows it.
    ///
    /// # Errors
    /// Nobody named, or no reason; a version that neither lock nor ledger knows; a state that the ledger tells
    /// already; a database that a target guards which asks for approvals; another process that holds the migration lock; those of the connection and the server.
    pub async fn repair(
        &mut self,
        set: &Migrations,
        version: &str,
        state: Repair,
        by: &str,
        reason: &str,
    ) -> Result<Entry, MigrateError> {
        let (Some(by), Some(reason)) = (said(by), said(reason)) else {
            return Err(MigrateError::Request(
                "a repair needs someone who answers for it, and why; give `--by` and `--reason`"
                    .into(),
            ));
        };
        self.plain()?;
        plain([by, reason])?;
        self.ledger = Ledger::read_to_write(&self.client).await?;
        // Refused before the lock is waited for; decided under it.
        self.repaired(set, version, state)?;
        self.unguarded()?;
        self.begin().await?;
        let written = async {
            self.unguarded()?;
            let (event, name, checksums) = self.repaired(set, version, state)?;
            let row = Row {
                event,
                version,
                name: &name,
                checksums: (&checksums.0, &checksums.1),
                link: None,
                note: Some(reason),
                position: None,
                took: Some(std::time::Duration::ZERO),
            };
            let who = Who {
                on_behalf_of: Some(by),
                ..self.who()
            };
            let beside = match (&self.ledger.supabase, set.get(version)) {
                (Some(history), Some(migration)) if state == Repair::Applied => {
                    history.insert(migration, true)
                }
                (Some(_), _) if state == Repair::RolledBack => Supabase::delete(version),
                _ => String::new(),
            };
            ledger::enter(&self.client, &[row], who, &beside, false).await
        }
        .await;
        self.entered(written).await
    }

    /// The row that a repair writes: its event, and the migration's name and checksums.
    fn repaired(
        &self,
        set: &Migrations,
        version: &str,
        state: Repair,
    ) -> Result<(Event, String, (String, String)), MigrateError> {
        let applied = self.ledger.applied();
        let entry = applied.get(version).copied();
        let is_begun = self.ledger.begun().contains_key(version);
        let same = match state {
            Repair::RolledBack => entry.is_none(),
            Repair::Applied => entry
                .zip(set.get(version))
                .is_some_and(|(entry, migration)| entry.checksum == migration.checksum),
        };
        if let (Repair::RolledBack, Some(entry)) = (state, entry) {
            let checksums = (entry.checksum.clone(), entry.rollback_checksum.clone());
            return Ok((Event::RepairedRolledBack, entry.name.clone(), checksums));
        }
        let migration = set.known(version)?;
        if same && !is_begun {
            let told = match state {
                Repair::Applied => "is applied",
                Repair::RolledBack => "is not applied",
            };
            return Err(MigrateError::Request(format!(
                "the ledger says already that migration `{version}_{}` {told}; `cargo tabellion status` shows it",
                migration.name
            )));
        }
        let event = match state {
            Repair::Applied => Event::RepairedApplied,
            Repair::RolledBack => Event::RepairedRolledBack,
        };
        let checksums = (
            migration.checksum.clone(),
            migration.rollback_checksum.clone(),
        );
        Ok((event, migration.name.clone(), checksums))
    }
}
