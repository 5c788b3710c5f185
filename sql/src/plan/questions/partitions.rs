//! What became of the partitions of a table.

use std::collections::BTreeMap;

use crate::schema::bounds::KeyColumn;
use crate::schema::{Partition, QualifiedName, STEPWISE, Table, TableRenames};

use super::{Asked, spelling};

/// What becomes of a partition in whose place one of another name comes.
const FATE: &str = "the old one goes with its rows, or move them into another partition before with \
                    `cargo tabellion new`";

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
                let message = match bound.is_same(was, &key) {
                    Some(true) => continue,
                    Some(false) => match namesake(before, old, bound, &key) {
                        Some(other) => exchanged(name, partition, other, after),
                        None => changed(name, partition),
                    },
                    None => format!(
                        "whether partition `{partition}` of table `{}` changes its bounds, which PostgreSQL cannot \
                         do, cannot be told; write the same ones as they are sealed, `{}`, or give the partition of \
                         new ones another name, and {FATE}",
                        name.name,
                        was.as_sql()
                    ),
                };
                self.say(name, None, message);
                continue;
            }
            let gone = before.partitions.iter().filter(|(old, _)| {
                !after.partitions.contains_key(*old) && !moved.contains_key(*old)
            });
            let alike = gone.filter_map(|(old, was)| match bound.is_same(was, &key) {
                Some(false) => None,
                is_same => Some((is_same.is_none(), old, was)),
            });
            // One that is the same for certain leaves nothing open of the others.
            let Some((is_open, old, was)) = alike.min_by_key(|(is_open, ..)| *is_open) else {
                continue;
            };
            let old = spelling::escaped(old);
            let (fact, spelling) = match is_open {
                false => ("both have the same bounds", String::new()),
                true => (
                    "whether both have the same bounds cannot be told",
                    format!(" and the bounds as they are sealed, `{}`", was.as_sql()),
                ),
            };
            let message = format!(
                "partition `{partition}` of table `{}` is new, partition `{old}` is gone, and {fact}; if it is the \
                 same partition write `#[partition(renamed_from = \"{old}\")]`{spelling}, if not drop the one with \
                 its rows in a migration before the other is added",
                name.name
            );
            self.say(name, None, message);
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
            let stays =
                format!("and the table still has that partition; leave it out, or {STEPWISE}");
            let wrong = if !before.partitions.contains_key(old) {
                // Sealed long since, where the partition is there under its new name.
                let is_over = before.partitions.contains_key(new);
                (!is_over).then_some(
                    "and the sealed table has no such partition; correct it, or leave it out",
                )
            } else if after.partitions.contains_key(old) {
                Some(stays.as_str())
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

/// The other sealed partition that has a bound for certain.
fn namesake<'a>(
    before: &'a Table,
    own: &String,
    bound: &Partition,
    key: &[KeyColumn<'_>],
) -> Option<&'a String> {
    let mut others = before.partitions.iter().filter(|(other, _)| *other != own);
    let other = others.find(|(_, was)| bound.is_same(was, key) == Some(true));
    other.map(|(other, _)| other)
}

fn changed(name: &QualifiedName, partition: &str) -> String {
    format!(
        "partition `{partition}` of table `{}` changes its bounds, which PostgreSQL cannot do; give the partition of the \
         new bounds another name, and {FATE}",
        name.name
    )
}

/// A partition has the bounds of another one, and may be that one.
fn exchanged(name: &QualifiedName, partition: &str, other: &str, after: &Table) -> String {
    let stays = after.partitions.contains_key(other);
    let other = spelling::escaped(other);
    let remedy = match stays {
        true => STEPWISE.to_owned(),
        false => format!(
            "write `#[partition(renamed_from = \"{other}\")]`, and what is sealed as `{partition}` goes with its rows"
        ),
    };
    format!(
        "partition `{partition}` of table `{}` has the bounds that partition `{other}` had, and PostgreSQL cannot \
         change those of a partition; if it is that one under another name {remedy}; if not give the partition of the \
         new bounds another name, and {FATE}",
        name.name
    )
}
