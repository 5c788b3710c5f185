//! Which sealed table a declared one continues.

use crate::schema::{QualifiedName, Renames, STEPWISE, Table, TableRenames};

use super::{Asked, spelling};

impl Asked<'_> {
    pub(super) fn table_hint(&mut self, name: &QualifiedName, hints: &TableRenames) {
        let Some(old) = &hints.from else {
            return;
        };
        if !self.from.tables.contains_key(old) {
            // Sealed long since, where the table is there under its new name.
            if !self.from.tables.contains_key(name) && !self.from.tables.is_empty() {
                let message = format!(
                    "table `{}` is `renamed_from = \"{}\"`, and {}",
                    name.name,
                    spelling::escaped(&old.name),
                    spelling::remedy(self.from, old)
                );
                self.say(name, None, message);
            }
        } else if self.to.tables.contains_key(old) {
            self.say(
                name,
                None,
                format!(
                    "table `{}` is `renamed_from = \"{}\"`, and a struct still declares that table; \
                     leave it out, or {STEPWISE}",
                    name.name, old.name
                ),
            );
        } else if let Some(other) = self.moves.tables.insert(old.clone(), name.clone()) {
            self.say(
                name,
                None,
                format!(
                    "tables `{other}` and `{name}` are both `renamed_from = \"{}\"`; keep one",
                    old.name
                ),
            );
        }
    }

    pub(super) fn maybe_renamed_table(&mut self, name: &QualifiedName, renames: &Renames) {
        let new = &self.to.tables[name];
        let claimed = |old: &QualifiedName| {
            self.moves.tables.contains_key(old)
                || renames
                    .tables
                    .values()
                    .any(|hints| hints.replaces.as_ref() == Some(old))
        };
        let candidates: Vec<&QualifiedName> = self
            .from
            .tables
            .iter()
            .filter(|(old, before)| {
                let may_be = old.name == name.name || resembles(before, new);
                !self.to.tables.contains_key(*old) && !claimed(old) && may_be
            })
            .map(|(old, _)| old)
            .collect();
        // One that only lies elsewhere comes before one that is only alike.
        let mut namesakes = candidates.iter().filter(|old| old.name == name.name);
        if let Some(old) = namesakes.next().or(candidates.first()) {
            let why = match resembles(&self.from.tables[*old], new) {
                true => "their columns are alike",
                false => "both have the same name",
            };
            let old = spelling::written(old, &name.schema);
            let message = format!(
                "table `{}` is new, table `{old}` is gone, and {why}; if it is the same table write \
                 `#[table(renamed_from = \"{old}\")]`, if not `#[table(replaces = \"{old}\")]`",
                name.name
            );
            self.say(name, None, message);
        }
    }
}

/// Whether one table could be the other under a new name: at least half of the columns of the smaller
/// one are in both.
fn resembles(old: &Table, new: &Table) -> bool {
    let shared = old
        .columns
        .iter()
        .filter(|column| {
            new.column(&column.name)
                .is_some_and(|other| other.ty == column.ty)
        })
        .count();
    shared > 0 && shared * 2 >= old.columns.len().min(new.columns.len())
}
