//! Names that are taken where a table moves to.

use std::collections::BTreeSet;

use crate::schema::{QualifiedName, Schema};

use super::Question;
use super::moves::Moves;
use super::renames::of_table;

/// The tables that move to another PostgreSQL schema, or on the rollback come back from there, where what is
/// theirs has the name of something else when they arrive: they are renamed only then.
pub(super) fn on_the_way(from: &Schema, to: &Schema, moves: &Moves) -> Vec<Question> {
    let back = moves.inverted();
    let moved = moves.tables.iter();
    let moved = moved.filter(|(old, new)| old.schema != new.schema);
    moved
        .filter_map(|(old, new)| {
            let there = clashes(from, old, &new.schema, |at| !moves.makes_room(at));
            let back = clashes(to, new, &old.schema, |at| !back.makes_room(at));
            let names: BTreeSet<String> = there.into_iter().chain(back).collect();
            if names.is_empty() {
                return None;
            }
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let (are, of) = match names.len() {
                1 => ("is", "the name"),
                _ => ("are", "names"),
            };
            Some(Question {
                table: new.clone(),
                column: None,
                message: format!(
                    "table `{}` moves from schema `{}` to `{}`, where {} {are} {of} of something else \
                     meanwhile; rename it in one migration, and move it in the next",
                    new.name,
                    old.schema,
                    new.schema,
                    names.join(" and ")
                ),
            })
        })
        .collect()
}

/// The names of a table and of what is its own that something else has in another PostgreSQL schema.
fn clashes(
    schema: &Schema,
    name: &QualifiedName,
    namespace: &str,
    is_there: impl Fn(&QualifiedName) -> bool,
) -> Vec<String> {
    let own = schema.tables.get_key_value(name).into_iter();
    let own = own.flat_map(|(name, table)| of_table(name, table));
    let own: BTreeSet<String> = own.map(|relation| relation.name).collect();
    let there = schema.tables.iter().filter(|(owner, _)| is_there(owner));
    let there = there.flat_map(|(owner, table)| of_table(owner, table));
    let there = there.chain(schema.externals.keys().cloned());
    let there = there.filter(|relation| relation.schema == namespace);
    let names = there.map(|relation| relation.name);
    names.filter(|relation| own.contains(relation)).collect()
}
