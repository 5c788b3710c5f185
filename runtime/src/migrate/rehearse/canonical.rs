//! What a database holds, in a form that compares by text: all that a snapshot has, and what only
//! migrations by hand make.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::others::{self, EXTENSION, LIES_IN, ORDER, OWN};
use crate::catalog::Snapshot;
use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::verify::rows;

/// How many differences of one comparison are told.
const TOLD: usize = 20;

/// Objects by what they are called, with their definitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Canonical(BTreeMap<String, String>);

/// What leads from one state back to another: for each object that differs, how it is there.
pub(super) struct Delta(Vec<(String, Option<String>)>);

impl Canonical {
    pub(super) async fn read(client: &Client) -> Result<Self, MigrateError> {
        let failed = |error| MigrateError::server("reading the catalog", &error);
        let schemas = format!("select n.nspname from pg_catalog.pg_namespace n where {OWN}");
        let messages = client
            .simple_query(&format!("{NO_PATH}{schemas}"))
            .await
            .map_err(failed)?;
        let schemas: Vec<&str> = rows(&messages).filter_map(|row| row.get(0)).collect();
        let snapshot = Snapshot::read(client, schemas).await.map_err(failed)?;
        let objects = snapshot.objects.into_iter();
        let mut all: BTreeMap<String, String> = objects
            .map(|(object, definition)| (object.to_string(), definition))
            .collect();
        // With no search path, names are printed with their schema.
        let message = format!(
            "begin read only;set local search_path = '';{};commit",
            others::queries().join(";")
        );
        let messages = client.simple_query(&message).await;
        if messages.is_err() {
            let _ = client.batch_execute("rollback").await;
        }
        for row in rows(&messages.map_err(failed)?) {
            if row.len() == 2 {
                let text = |index| row.get(index).unwrap_or_default().to_owned();
                all.insert(text(0), text(1));
            }
        }
        Ok(Canonical(all))
    }

    /// What leads back to an earlier state.
    pub(super) fn back_to(&self, earlier: &Canonical) -> Delta {
        let differ = self.apart(earlier);
        Delta(
            differ
                .map(|name| (name.clone(), earlier.0.get(name).cloned()))
                .collect(),
        )
    }

    /// Adds the extensions of a later state, and the PostgreSQL schemas that they lie in, and leaves those that the
    /// rollback does not move where they lie then: no rollback that the build drew takes them away, since others may
    /// have come to need them, nor moves them where no struct said they lay. The use of such a schema it may take back.
    pub(super) fn keep_extensions(&mut self, later: &Canonical, rollback: &str) {
        for (name, definition) in &later.0 {
            if !name.starts_with(EXTENSION) || self.0.get(name) == Some(definition) {
                continue;
            }
            // Whatever is said of that schema itself, who owns it and who may use it, ends in its name.
            if let Some((_, home)) = definition.split_once(LIES_IN) {
                let (plain, quoted) = (format!("schema {home}"), format!("schema `{home}`"));
                let of_home = |name: &String| name.ends_with(&plain) || name.ends_with(&quoted);
                let is_taken_back = rollback.contains(&format!("revoke usage on {plain} from "));
                let of_home =
                    |name: &String| of_home(name) && !(is_taken_back && name.starts_with("what "));
                for (name, definition) in later.0.iter().filter(|(name, _)| of_home(name)) {
                    self.0.entry(name.clone()).or_insert(definition.clone());
                }
            }
            let is_moved_back = rollback.contains(&format!("alter {name} set schema "));
            if !is_moved_back {
                self.0.insert(name.clone(), definition.clone());
            }
        }
    }

    /// The objects that are otherwise.
    pub(super) fn apart<'a>(&'a self, found: &'a Canonical) -> impl Iterator<Item = &'a String> {
        let names: BTreeSet<&String> = self.0.keys().chain(found.0.keys()).collect();
        let mut names = names.into_iter();
        std::iter::from_fn(move || names.find(|name| self.0.get(*name) != found.0.get(*name)))
    }

    /// What is otherwise there, a sentence each, and what of it does not count. Objects in `told` are not
    /// looked at.
    pub(super) fn differences(
        &self,
        found: &Canonical,
        told: &BTreeSet<String>,
    ) -> (Vec<String>, Vec<String>) {
        let is_lone = |name: &str| self.0.contains_key(name) != found.0.contains_key(name);
        let (mut differences, mut notes) = (Vec::new(), Vec::new());
        for name in self.apart(found).filter(|name| !told.contains(*name)) {
            let line = match (self.0.get(name), found.0.get(name)) {
                (Some(wanted), Some(found)) => {
                    format!("{name} differs: it was `{wanted}` and is `{found}`")
                }
                (Some(_), None) => format!("{name} is missing"),
                (None, _) => format!("{name} was not there before"),
            };
            // What hangs on a table that comes or goes says nothing more.
            let of = name
                .split_once(" on `")
                .map(|(_, rest)| format!("table `{rest}"));
            if of.is_some_and(|table| is_lone(&table)) {
                continue;
            }
            match name.strip_prefix(ORDER) {
                Some(table) if is_lone(name) || is_lone(&format!("table `{table}`")) => {}
                Some(_) => notes.push(line),
                None => differences.push(line),
            }
        }
        // Whoever adds or removes a column changes their order too.
        notes.retain(|_| differences.is_empty());
        let more = differences.len().saturating_sub(TOLD);
        if more > 0 {
            differences.truncate(TOLD);
            differences.push(format!("{more} more objects differ"));
        }
        (differences, notes)
    }
}

impl Delta {
    pub(super) fn applied_to(&self, state: &Canonical) -> Canonical {
        let mut reached = state.clone();
        for (name, definition) in &self.0 {
            match definition {
                Some(definition) => reached.0.insert(name.clone(), definition.clone()),
                None => reached.0.remove(name),
            };
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(objects: &[(&str, &str)]) -> Canonical {
        let objects = objects.iter();
        Canonical(
            objects
                .map(|&(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }

    #[test]
    fn a_delta_leads_back() {
        let before = state(&[("table `a.b`", "table"), ("view a.v", "one")]);
        let after = state(&[("view a.v", "two"), ("view a.w", "new")]);
        assert_eq!(after.back_to(&before).applied_to(&after), before);
        assert_eq!(before.back_to(&after).applied_to(&before), after);
    }

    #[test]
    fn a_lone_table_is_one_difference_and_an_order_is_a_note() {
        let before = state(&[
            (ORDER, "x"),
            ("order of columns of a.b", "a, b"),
            ("table `a.b`", "table"),
        ]);
        let moved = state(&[
            (ORDER, "x"),
            ("order of columns of a.b", "b, a"),
            ("table `a.b`", "table"),
        ]);
        let (differences, notes) = before.differences(&moved, &BTreeSet::new());
        assert!(
            differences.is_empty() && notes.len() == 1,
            "{differences:?} {notes:?}"
        );
        let more = state(&[
            ("order of columns of a.b", "a, b"),
            (ORDER, "x"),
            ("table `a.b`", "table"),
            ("table `a.c`", "table"),
            ("column `id` on `a.c`", "integer"),
            ("order of columns of a.c", "id"),
        ]);
        let (differences, _) = before.differences(&more, &BTreeSet::new());
        assert_eq!(differences, ["table `a.c` was not there before"]);
    }
}
