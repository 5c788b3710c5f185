//! What the rows amount to: what is applied, what was begun, what is approved, what does not fit.

use std::collections::BTreeMap;

use super::{Entry, Event, Ledger};
use crate::migrate::error::{MigrateError, Problems};
use crate::migrate::set::{Migration, Migrations};

impl Ledger {
    /// The migrations that are applied, each with the event that made it so.
    pub(in crate::migrate) fn applied(&self) -> BTreeMap<&str, &Entry> {
        let mut last: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in &self.entries {
            if entry.event.applies().is_some() {
                last.insert(&entry.version, entry);
            }
        }
        last.retain(|_, entry| entry.event.applies() == Some(true));
        last
    }

    /// For each file outside a transaction that was begun and has not finished, the row that says how far it
    /// came: [`Event::Started`], or [`Event::Failed`] with a position, whose statement left nothing.
    pub(in crate::migrate) fn begun(&self) -> BTreeMap<&str, &Entry> {
        let mut reached: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in &self.entries {
            match entry.event {
                Event::Started => {
                    reached.insert(&entry.version, entry);
                }
                Event::Failed if entry.position.is_some() => {
                    reached.insert(&entry.version, entry);
                }
                Event::Approved | Event::Claimed => {}
                _ => {
                    reached.remove(entry.version.as_str());
                }
            }
        }
        reached
    }

    /// The approvals that count on a target, by version: of both files as they are, and of no apply that was
    /// undone since.
    pub(in crate::migrate) fn approvals<'a>(
        &'a self,
        set: &Migrations,
        target: Option<&str>,
    ) -> BTreeMap<&'a str, &'a Entry> {
        let mut approvals: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in &self.entries {
            if entry.event.applies() == Some(false) {
                approvals.remove(entry.version.as_str());
            }
            let counts = |migration: &Migration| {
                migration.checksum == entry.checksum
                    && migration.rollback_checksum == entry.rollback_checksum
            };
            if entry.event == Event::Approved
                && entry.target.as_deref() == target
                && set.get(&entry.version).is_some_and(counts)
            {
                approvals.insert(&entry.version, entry);
            }
        }
        approvals
    }

    /// The last row of the target that guards the database: the last that asks for approvals and wrote here,
    /// unless someone has claimed the database since.
    pub(in crate::migrate) fn guard(&self) -> Option<&Entry> {
        let speaks = |entry: &&Entry| entry.guarded || entry.event == Event::Claimed;
        let last = self.entries.iter().rev().find(speaks);
        last.filter(|entry| entry.guarded)
    }

    /// What keeps the ledger and the lock from being one history.
    pub(in crate::migrate) fn problems(&self, set: &Migrations) -> Vec<String> {
        let applied = self.applied();
        let mut problems = Vec::new();
        for (version, entry) in &applied {
            match set.get(version) {
                None => problems.push(format!(
                    "migration `{version}_{}` is applied but not in the lock; use the version of the project \
                     that holds it, which can also roll it back",
                    entry.name
                )),
                Some(migration) if migration.checksum != entry.checksum => problems.push(format!(
                    "migration `{version}_{}` was applied with other content on {} UTC; restore the file and \
                     the lock that were applied, and make the change as a new migration",
                    entry.name, entry.at
                )),
                Some(_) => {}
            }
        }
        let last = applied.keys().next_back();
        for migration in set.iter() {
            let version = migration.version.as_str();
            if let Some(last) = last
                && version < *last
                && !applied.contains_key(version)
            {
                problems.push(format!(
                    "migration `{version}_{}` is not applied, but the later `{last}` is; roll back to before \
                     it, or seal it again with a later date",
                    migration.name
                ));
            }
        }
        problems.extend(self.begun_otherwise(set, &applied));
        problems
    }

    /// Refuses what stands on a migration whose rollback, outside a transaction, was begun and has not finished.
    pub(in crate::migrate) fn whole(&self) -> Result<(), MigrateError> {
        let problems = self.half_undone();
        if problems.is_empty() {
            return Ok(());
        }
        Err(MigrateError::History(Problems(problems)))
    }

    /// The rollbacks outside a transaction that were begun and have not finished, a sentence each.
    pub(in crate::migrate) fn half_undone(&self) -> Vec<String> {
        let applied = self.applied();
        let begun = self.begun();
        let back = begun
            .iter()
            .filter(|(version, _)| applied.contains_key(*version));
        back.map(|(version, entry)| {
            let steps = match applied.range(*version..).count() {
                1 => String::new(),
                count => format!(" --steps {count}"),
            };
            format!(
                "the rollback of migration `{version}_{}` was begun at {} UTC and has not finished; unless it runs \
                 still, run `cargo tabellion rollback{steps}` to finish it, or put back by hand what it took and enter \
                 that with `cargo tabellion repair {version} --applied --by NAME --reason TEXT`",
                entry.name, entry.at
            )
        })
        .collect()
    }

    /// Files outside a transaction that were begun with another content: a position in them means nothing.
    fn begun_otherwise(&self, set: &Migrations, applied: &BTreeMap<&str, &Entry>) -> Vec<String> {
        let mut problems = Vec::new();
        for (version, entry) in self.begun() {
            let Some(migration) = set.get(version) else {
                continue;
            };
            let (begun, now) = if applied.contains_key(version) {
                (&entry.rollback_checksum, &migration.rollback_checksum)
            } else {
                (&entry.checksum, &migration.checksum)
            };
            if begun != now {
                problems.push(format!(
                    "migration `{version}_{}` was begun with other content on {} UTC and has not finished; \
                     restore the file and the lock that it was begun with, and run it to its end",
                    entry.name, entry.at
                ));
            }
        }
        problems
    }

    /// Versions that the Supabase CLI has applied and the ledger does not know as applied, with their names.
    pub(in crate::migrate) fn elsewhere(&self) -> Vec<(String, String)> {
        let applied = self.applied();
        let all = self.supabase.iter().flat_map(|history| history.versions());
        all.filter(|(version, _)| !applied.contains_key(version))
            .map(|(version, name)| (version.to_owned(), name.to_owned()))
            .collect()
    }

    /// The migrations that are not applied, in order.
    pub(in crate::migrate) fn pending<'a>(
        &self,
        set: &'a Migrations,
    ) -> Result<Vec<&'a Migration>, MigrateError> {
        let problems = self.problems(set);
        if !problems.is_empty() {
            return Err(MigrateError::History(Problems(problems)));
        }
        let applied = self.applied();
        Ok(set
            .iter()
            .filter(|migration| !applied.contains_key(migration.version.as_str()))
            .collect())
    }
}
