//! The schemas that the branches of a merged lock had, migration by migration.
//!
//! A merged lock holds one schema, that of all branches together. Each migration says which facts it took
//! away and which it added, so that going through them leads from what was sealed when the branches parted
//! to what each of them had.

use std::collections::{BTreeMap, BTreeSet};

use super::super::came::by_digits;
use super::super::{Lock, LockError, facts_of, read, schema_checksum};
use super::{WAY_OUT, contradictions, displaced, maps, without_marks};
use crate::schema::Schema;

impl Lock {
    /// The schema that was sealed with each migration since the branches parted, and with the last before
    /// that, by the migration's [checksum](super::super::Sealed::checksum); `None` is where nothing was
    /// sealed. `text` is what this lock was [read](Lock::merged) from. Empty where there is one branch only.
    ///
    /// # Errors
    /// A branch of which it cannot be told, as of one that an earlier version of Tabellion sealed.
    pub fn schemas(&self, text: &str) -> Result<BTreeMap<Option<String>, Schema>, LockError> {
        let children = self.children();
        let (parted, tips) = self.parting(&children);
        let links: Vec<_> = tips
            .into_iter()
            .flat_map(|tip| self.below(tip, &children))
            .filter_map(|version| Some((version, self.migrations.get(version)?)))
            .collect();
        if links.is_empty() {
            return Ok(BTreeMap::new());
        }
        let lines = without_marks(text.strip_prefix('\u{feff}').unwrap_or(text));
        let said = lines.iter().filter_map(|line| line.strip_prefix("schema."));
        let mut known: BTreeSet<String> = said.map(str::to_owned).collect();
        for (_, link) in &links {
            known.extend(link.gone.iter().cloned());
        }
        let by_digits = by_digits(&known);
        // A fact that was added before anything took it away was not there when the branches parted.
        let mut base: BTreeSet<&String> = known.iter().collect();
        let mut told: BTreeSet<&String> = BTreeSet::new();
        let mut changes = Vec::new();
        for (version, link) in links {
            let Some(came) = link.came.among(&by_digits) else {
                return Err(self.untold(version));
            };
            told.extend(&link.gone);
            for &fact in &came {
                if told.insert(fact) {
                    base.remove(fact);
                }
            }
            changes.push((version, link, came));
        }
        let mut schemas = BTreeMap::from([(parted.clone(), schema(&base)?)]);
        let mut facts = BTreeMap::from([(parted, base)]);
        for (version, link, came) in changes {
            let mut after = facts.get(&link.parent).cloned().unwrap_or_default();
            after.retain(|fact| !link.gone.contains(*fact));
            after.extend(came);
            let reached = schema(&after).map_err(|_| self.untold(version))?;
            let expected = link.schema.as_ref();
            if expected.is_some_and(|expected| schema_checksum(&reached) != *expected) {
                return Err(self.untold(version));
            }
            let sum = Some(link.checksum(version));
            schemas.insert(sum.clone(), reached);
            facts.insert(sum, after);
        }
        Ok(schemas)
    }
}

impl Lock {
    fn untold(&self, version: &str) -> LockError {
        let version = super::plain(version);
        LockError::whole(format!(
            "it does not tell which schema migration `{version}` led to, since an earlier version of tabellion sealed \
             it; {WAY_OUT}"
        ))
    }
}

fn schema(facts: &BTreeSet<&String>) -> Result<Schema, LockError> {
    let lines: Vec<&str> = facts.iter().map(|fact| fact.as_str()).collect();
    read(&format!("schema\n{}", lines.join("\n")), "schema")
}

/// What leads from one schema to another, done to a third; `None` where it does not fit there.
pub fn carried(onto: &Schema, from: &Schema, to: &Schema) -> Option<Schema> {
    let [onto, from, to] = [onto, from, to].map(facts_of);
    let taken: BTreeSet<&str> = from.difference(&to).map(String::as_str).collect();
    let stay = onto.iter().filter(|fact| !taken.contains(fact.as_str()));
    let come = to
        .iter()
        .filter(|fact| !from.contains(*fact) && !onto.contains(*fact));
    let lines: Vec<String> = stay
        .chain(come)
        .map(|fact| format!("schema.{fact}"))
        .collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    displaced(&mut lines);
    maps::clear(&mut lines);
    contradictions(&mut lines, "schema", |_| None).ok()?;
    let empty = maps::emptied(&lines, "schema.", taken);
    let lines = lines.into_iter().chain(empty.iter().map(String::as_str));
    let facts: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("schema."))
        .collect();
    read(&format!("schema\n{}", facts.join("\n")), "schema").ok()
}
