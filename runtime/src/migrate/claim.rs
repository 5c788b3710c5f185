//! The guard: a database to which a target that asks for approvals has written takes nothing from a target
//! that asks for none, wherever its URL comes from, until someone claims it.

use super::approve::{plain, said};
use super::engine::Migrator;
use super::error::{MigrateError, Problems};
use super::ledger::{self, Entry, Ledger, Row, Who};

impl Migrator {
    /// Enters that the database is not, or no longer, that of the target which guards it: a copy of it, such
    /// as a backup restored for staging. It then takes what this target runs; where this target asks for
    /// approvals, it guards the database from here on.
    ///
    /// A target guards a database once it asks for approvals and has entered anything there, an approval
    /// included. Whatever a target that asks for none would enter is refused with
    /// [`MigrateError::Unapproved`]. A program that applies the migrations which it carries says which target
    /// it is by [`Migrator::target`].
    ///
    /// # Errors
    /// Nobody named, or no reason; a database that no other target guards; another process that holds the
    /// migration lock; those of the connection and the server.
    pub async fn claim(&mut self, by: &str, reason: &str) -> Result<Entry, MigrateError> {
        let (Some(by), Some(reason)) = (said(by), said(reason)) else {
            return Err(MigrateError::Request(
                "a claim needs someone who answers for it, and why; give `--by` and `--reason`"
                    .into(),
            ));
        };
        self.plain()?;
        plain([by, reason])?;
        self.ledger = Ledger::read_to_write(&self.client).await?;
        // Refused before the lock is waited for; decided under it.
        self.claimable()?;
        self.begin().await?;
        let written = async {
            self.claimable()?;
            let who = Who {
                on_behalf_of: Some(by),
                ..self.who()
            };
            ledger::enter(&self.client, &[Row::claim(reason)], who, "", false).await
        }
        .await;
        self.entered(written).await
    }

    fn claimable(&self) -> Result<(), MigrateError> {
        let Some(guard) = self.ledger.guard() else {
            return Err(MigrateError::Request(
                "no target guards this database, so there is nothing to claim; `cargo tabellion status` says it \
                 where one does"
                    .into(),
            ));
        };
        if self.target.approval && guard.target == self.target.name {
            return Err(MigrateError::Request(format!(
                "{} guards this database already; claim it for the target that it is to be",
                called(guard)
            )));
        }
        Ok(())
    }

    /// Refuses to enter anything in the name of a target that asks for no approvals where one that does
    /// guards the database.
    pub(super) fn unguarded(&self) -> Result<(), MigrateError> {
        let Some(guard) = self.ledger.guard().filter(|_| !self.target.approval) else {
            return Ok(());
        };
        let (on, at) = (called(guard), &guard.at);
        let problem = match (&self.target.name, &guard.target) {
            (Some(own), Some(name)) if own == name => format!(
                "{on} asked for approvals when it entered its last row on {at} UTC, and asks for none now; let it \
                 ask for them again, or run `cargo tabellion claim --target {own} --by NAME --reason TEXT`"
            ),
            (own, name) => {
                let own = own.as_deref().unwrap_or("NAME");
                let remedy = match name {
                    Some(name) => format!("say `--target {name}`"),
                    None => "work as a target that asks for approvals".to_owned(),
                };
                format!(
                    "{on} guards this database, since it asked for approvals when it entered its last row on {at} \
                     UTC; {remedy} (in a program: `Migrator::target`), or, where this database is a copy such as \
                     a restored backup, run `cargo tabellion claim --target {own} --by NAME --reason TEXT` (in a \
                     program: `Migrator::claim`)"
                )
            }
        };
        Err(MigrateError::Unapproved(Problems(vec![problem])))
    }
}

/// The target of a row, in words.
fn called(entry: &Entry) -> String {
    match &entry.target {
        Some(name) => format!("target `{name}`"),
        None => "a target without a name".to_owned(),
    }
}
