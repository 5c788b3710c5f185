//! What became of the partitions of a table.

use std::collections::BTreeMap;

use crate::schema::{QualifiedName, Table, TableRenames};

use super::{Asked, spelling};

impl Asked<'_> {
    pub(super) fn partitions(
        &mut self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
        hints: &TableRenames,
    ) {
        let moved = self.moved_partitions(name, before, after, hints);
        let key = after.partition_key();
        for (partition, bound) in &after.partitions {
            let old = moved.iter().find(|(_, new)| *new == partition);
            let old = old.map_or(partition, |(old, _)| old);
            if let Some(was) = before.partitions.get(old) {
                if !bound.is_same(was, &key) {
                    let message = format!(
                        "partition `{partition}` of table `{}` changes its bounds, which PostgreSQL cannot do; give \
                         the partition of the new bounds another name, and the old one goes with its rows, or move \
                         them into another partition before with `cargo tabellion new`",
                        name.name
                    );
                    self.say(name, None, message);
                }
                continue;
            }
            let mut gone = before.partitions.iter().filter(|(old, was)| {
                !after.partitions.contains_key(*old)
                    && !moved.contains_key(*old)
                    && bound.is_same(was, &key)
            });
            if let Some((old, _)) = gone.next() {
                let old = spelling::escaped(old);
                let message = format!(
                    "partition `{partition}` of table `{}` is new, partition `{old}` is gone, and both have the same \
                     bounds; if it is the same partition write `#[partition(renamed_from = \"{old}\")]`, if not drop \
                     the one with its rows in a migration before the other is added",
                    name.name
                );
                self.say(name, None, message);
            }
        }
        if !moved.is_empty() {
            self.moves.partitions.insert(name.clone(), moved);
        }
    }

    /// The partitions that are stated to have another name, from the old one to the new one.
    fn moved_partitions(
        &mut self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
        hints: &TableRenames,
    ) -> BTreeMap<String, String> {
        let mut moved = BTreeMap::new();
        for (new, old) in &hints.partitions {
            let wrong = if !before.partitions.contains_key(old) {
                // Sealed long since, where the partition is there under its new name.
                let is_over = before.partitions.contains_key(new);
                (!is_over).then_some(
                    "and the sealed table has no such partition; correct it, or leave it out",
                )
            } else if after.partitions.contains_key(old) {
                Some(
                    "and the table still has that partition; leave it out, or rename in two migrations",
                )
            } else if moved.insert(old.clone(), new.clone()).is_some() {
                Some("and so is another one; keep one")
            } else {
                None
            };
            if let Some(wrong) = wrong {
                let message = format!(
                    "partition `{new}` of table `{}` is `renamed_from = \"{}\"`, {wrong}",
                    name.name,
                    spelling::escaped(old)
                );
                self.say(name, None, message);
            }
        }
        moved
    }
}
