//! Approvals: someone answers for a pair of files on a target, byte by byte, before it runs there.

use super::engine::Migrator;
use super::error::{MigrateError, Problems};
use super::ledger::{self, Entry, Event, Ledger, Row, Who};
use super::set::{Migration, Migrations};

/// What to approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approve {
    /// These versions.
    Versions(Vec<String>),
    /// Every migration that is not applied and has no approval that counts.
    AllPending,
}

impl Migrator {
    /// Approves migrations for the target: both their files as they are, to be applied and to be rolled back.
    ///
    /// An approval holds until a file changes or the migration is rolled back.
    ///
    /// # Errors
    /// A version that the lock does not hold; nobody named; a control character in a name or the reason; a database that another target guards; those of the
    /// connection and the server.
    pub async fn approve(
        &mut self,
        set: &Migrations,
        what: &Approve,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Vec<Entry>, MigrateError> {
        let by = said(by).ok_or_else(|| {
            MigrateError::Request(
                "an approval needs someone who gives it; name them with `--by`".into(),
            )
        })?;
        self.plain()?;
        plain([by].into_iter().chain(reason.and_then(said)))?;
        self.ledger = Ledger::read_to_write(&self.client).await?;
        let chosen: Vec<&Migration> = match what {
            Approve::Versions(versions) => {
                let wanted = versions.iter().map(|version| set.known(version));
                wanted.collect::<Result<_, _>>()?
            }
            Approve::AllPending => {
                let approvals = self.ledger.approvals(set, self.target.name.as_deref());
                let mut pending = self.ledger.pending(set)?;
                pending.retain(|migration| !approvals.contains_key(migration.version.as_str()));
                pending
            }
        };
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        self.unguarded()?;
        self.prepare().await?;
        let rows: Vec<Row<'_>> = chosen
            .iter()
            .map(|migration| Row {
                note: reason.and_then(said),
                ..Row::of(Event::Approved, migration)
            })
            .collect();
        let who = Who {
            on_behalf_of: Some(by),
            ..self.who()
        };
        let entries = ledger::enter(&self.client, &rows, who, "", true).await?;
        entries.iter().for_each(|entry| self.ledger.push(entry));
        Ok(entries)
    }

    /// Refuses names of the target, and of who the login acts for, that would forge lines.
    pub(super) fn plain(&self) -> Result<(), MigrateError> {
        plain(
            [&self.target.name, &self.on_behalf_of]
                .into_iter()
                .filter_map(Option::as_deref),
        )
    }

    /// Refuses what lacks an approval that the target asks for, or that guards the database.
    pub(super) fn approved(
        &self,
        set: &Migrations,
        chosen: &[&Migration],
    ) -> Result<(), MigrateError> {
        if chosen.is_empty() {
            return Ok(());
        }
        if !self.target.approval {
            return self.unguarded();
        }
        let name = self.target.name.as_deref();
        let approvals = self.ledger.approvals(set, name);
        let lacking: Vec<&Migration> = chosen
            .iter()
            .copied()
            .filter(|migration| !approvals.contains_key(migration.version.as_str()))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let (on, flag) = match name {
            Some(name) => (format!("target `{name}`"), format!(" --target {name}")),
            None => ("this target".into(), String::new()),
        };
        let problem = |migration: &&Migration| {
            let Migration { version, name, .. } = migration;
            format!(
                "migration `{version}_{name}` has no approval that counts on {on}; read both its files, then \
                 run `cargo tabellion approve {version}{flag} --by NAME`"
            )
        };
        Err(MigrateError::Unapproved(Problems(
            lacking.iter().map(problem).collect(),
        )))
    }
}

/// Refuses a text for the ledger that would forge lines where it is shown, or turn them around.
pub(super) fn plain<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), MigrateError> {
    match texts.into_iter().any(|text| text.contains(is_hidden)) {
        false => Ok(()),
        true => Err(MigrateError::Request(
            "a name or a reason for the ledger holds a line break or another control character; write it in one \
             plain line"
                .into(),
        )),
    }
}

/// Whether a character is not seen itself, but in what it does to the others: the control characters, the
/// separators of lines, and what sets the direction of writing.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text that says something.
pub(super) fn said(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}
