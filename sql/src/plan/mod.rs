//! Diff two schemas, and write the statements that lead from one to the other.
//!
//! [`plan`] leads from one schema to another in one transaction. [`migrations`] splits the same way
//! into pairs of files, so that nobody has to wait for a table that is in use: an index is built
//! concurrently, alone in its file; a constraint is added without looking at the rows that are there,
//! and validated in a second file. Between two files stands a schema like any other, so that each
//! rollback is a plan with its ends exchanged, and there is no second reading of a change.
//!
//! The order of a plan keeps two promises. It is always valid: foreign keys leave before the tables
//! that they name and arrive after them; what reads a column steps aside while the column changes.
//! And no moment is more open than both ends: privileges are the first to go and the last to come,
//! and a new table is closed before it is granted to anyone.
//!
//! | file | what it knows |
//! |---|---|
//! | `stages`, `questions`, `taken`, `unplanned` | how a change is split into files; what only a person can tell |
//! | `moves`, `twins`, `words`, `memberships`, `renames` | renames: what is stated, what is the same, in which order |
//! | `change` | which columns change, and what must step aside for them |
//! | `effects`, `defaults` | what such a change does to policies, rules and programs |
//! | `verdicts`, `readers` | what the change of a policy does to access, and to the policies that read what it shows |
//! | `create`, `alter`, `drop` | a table that is new, stays, goes |
//! | `columns`, `filler`, `numbering`, `constraints`, `foreign_keys`, `clones`, `indexes`, `partitions`, `policies`, `lookups`, `rls`, `touch` | one kind of object each |
//! | `around` | roles, extensions, PostgreSQL schemas |
//! | `placed` | the schema that an extension lies in |
//! | `render` | the text of definitions |
//! | `hazard`, `statements` | what a step does beside what it says; steps in groups |

mod alter;
mod around;
mod change;
mod clones;
mod columns;
mod constraints;
mod create;
mod defaults;
mod drop;
mod effects;
mod filler;
mod foreign_keys;
mod hazard;
mod indexes;
mod lookups;
mod memberships;
mod moves;
mod numbering;
mod partitions;
mod placed;
mod policies;
mod questions;
mod readers;
mod renames;
mod render;
mod rls;
mod stages;
mod statements;
mod taken;
mod touch;
mod twins;
mod unplanned;
mod verdicts;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::schema::{QualifiedName, Schema};

pub(crate) use around::LAY_ANYWHERE;
pub use hazard::{Hazard, LockMode, Subject};
pub use lookups::BOUND;
use moves::Moves;
use placed::Places;
pub use questions::Question;
pub use stages::{Migration, Script, Settings, migrations};
pub use statements::{Group, Plan, Step};
pub use touch::{touch_function, touch_trigger};

/// The plan that leads from one schema to another in one transaction; empty where they do not differ.
pub fn plan(from: &Schema, to: &Schema) -> Plan {
    let places = Places::of(from, to);
    let kept = around::kept(from, to, &BTreeSet::new());
    transit(
        &places.place(from),
        &places.place(to),
        &Moves::default(),
        &kept,
    )
}

/// The plan that leads from one schema to another, given what is renamed, and which PostgreSQL schemas stay.
fn transit(from: &Schema, to: &Schema, moves: &Moves, kept: &BTreeSet<String>) -> Plan {
    let mut plan = lead(from, to, moves, kept);
    around::search_path(from, to, &mut plan);
    plan
}

fn lead(from: &Schema, to: &Schema, moves: &Moves, kept: &BTreeSet<String>) -> Plan {
    let mut plan = Plan::default();
    around::roles(from, to, &mut plan);
    around::namespaces(from, to, kept, &mut plan);
    around::extensions(from, to, &mut plan);
    let mut at = Cow::Borrowed(from);
    while let Some(left) = moves.cleared(&at, to) {
        plan.append(leg(&at, &left, &Moves::default()));
        at = Cow::Owned(left);
    }
    plan.append(leg(&at, to, moves));
    around::drop_namespaces(from, to, kept, &mut plan);
    plan.tidy();
    plan
}

/// A part of the way on which nothing stands where something else will.
fn leg(from: &Schema, to: &Schema, moves: &Moves) -> Plan {
    let mut plan = Plan::default();
    renames::between(from, to, moves).steps(from, moves, &mut plan);
    let before = moves.apply(from, to);
    change(from, &before, to, &mut plan);
    // A table of someone else was there before it was declared.
    let foreign = to.externals.keys().cloned();
    let known = existing(from).chain(existing(&before)).chain(foreign);
    plan.keep_hazards_on(&known.collect());
    plan
}

/// Everything but renames, which `from` has seen and `was` has not.
fn change(was: &Schema, from: &Schema, to: &Schema, plan: &mut Plan) {
    // What takes long and lets others write comes before the first lock that does not.
    for (name, before) in &from.tables {
        if let Some(after) = to.tables.get(name).filter(|after| *after != before) {
            constraints::validate(name, before, after, plan.group(&after.source));
        }
    }
    foreign_keys::validate(from, to, plan);
    let change = change::Change::new(from, to);
    alter::close(&change, plan);
    let dropped = foreign_keys::drop(from, to, plan);
    for (name, before) in &from.tables {
        if let Some(after) = to.tables.get(name).filter(|after| *after != before) {
            alter::clear(&change, name, before, after, plan);
        }
    }
    let referencing = drop::referencing(from, to);
    for (name, table) in from.tables.iter().rev() {
        if !to.tables.contains_key(name) {
            drop::table(name, table, referencing.get(name), plan);
        }
    }
    touch::create_functions(was, to, plan);
    lookups::create(was, to, plan);
    // Policies that read other tables wait until all tables are there, and their grants with them.
    for (name, after) in &to.tables {
        match from.tables.get(name) {
            None => create::table(name, after, to.platform, plan),
            Some(before) => {
                if before != after {
                    alter::build(&change, name, before, after, plan);
                }
                if !rls::reads_other_tables(after) {
                    alter::open(&change, name, before, after, plan);
                }
            }
        }
    }
    foreign_keys::add(from, to, &dropped, plan);
    for (name, after) in &to.tables {
        if !rls::reads_other_tables(after) {
            continue;
        }
        match from.tables.get(name) {
            None => rls::open(name, after, plan.group(&after.source)),
            Some(before) => alter::open(&change, name, before, after, plan),
        }
    }
    touch::drop_functions(was, to, plan);
    lookups::drop(was, to, plan);
}

/// The tables that somebody may be using while a plan runs.
fn existing(schema: &Schema) -> impl Iterator<Item = QualifiedName> + '_ {
    let tables = schema
        .tables
        .iter()
        .flat_map(|(name, table)| partitions::relations(name, table));
    tables.chain(schema.externals.keys().cloned())
}
