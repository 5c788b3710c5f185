//! Policies that read a table which shows other rows than before.

use std::collections::{BTreeMap, BTreeSet};

use crate::access;
use crate::schema::{Command, Expr, Policy, QualifiedName};

use super::change::Change;
use super::hazard::{Hazard, Subject};
use super::policies;

/// The policies of other tables that may let more through where a table shows other rows than before: whatever they read
/// there, they read through its policies. `hazards` are what `by`, one of these policies, does to it.
pub(super) fn through(
    change: &Change<'_>,
    name: &QualifiedName,
    by: &str,
    hazards: &[Hazard],
) -> Vec<Hazard> {
    let has = |kind: fn(&Hazard) -> bool| hazards.iter().any(kind);
    let seen = Seen {
        more: has(|it| matches!(it, Hazard::WidensAccess(_))),
        less: has(|it| matches!(it, Hazard::NarrowsAccess(_))),
    };
    let fate = format!("{by} changes");
    let others = widened(change, BTreeMap::from([(name, seen)]), reads_itself).into_iter();
    let others = others.filter(|reader| reader != by);
    others
        .map(|reader| Hazard::WidensAccess(Subject::new(reader, &fate)))
        .collect()
}

/// The policies that may let other rows through where what some of them read means something else, as `reads` says: these,
/// and whoever reads what they show, to the end.
pub(super) fn to_the_end(
    change: &Change<'_>,
    reads: impl Fn(&QualifiedName, &Policy) -> bool,
) -> BTreeSet<String> {
    let first = standing(change).filter(|(table, _, [_, reader])| reads(table, reader));
    let (mut tables, mut readers) = (BTreeMap::new(), BTreeSet::new());
    for (table, policy, [_, reader]) in first {
        readers.insert(policies::object(policy, table));
        if is_for_reading(reader) {
            tables.insert(table, Seen::OTHERS);
        }
    }
    readers.extend(widened(change, tables, reads_itself));
    readers
}

/// The policies that may let more through where rows of a table go, be it a function that reads them; `what` they go
/// with.
pub(super) fn without_rows(change: &Change<'_>, name: &QualifiedName, what: &str) -> Vec<Hazard> {
    let seen = Seen {
        more: false,
        less: true,
    };
    let fate = format!("{what} goes");
    // Its own rows go from a function too.
    let reads = |policy: &Policy, table: &QualifiedName| match table == name {
        true => reads(policy, table),
        false => reads_itself(policy, table),
    };
    let others = widened(change, BTreeMap::from([(name, seen)]), reads).into_iter();
    others
        .map(|reader| Hazard::WidensAccess(Subject::new(reader, &fate)))
        .collect()
}

/// The policies that may let more through where that is what becomes of the rows of tables for those who read them, as
/// `reads` says; what these show, others read in turn.
fn widened<'a>(
    change: &Change<'a>,
    mut tables: BTreeMap<&'a QualifiedName, Seen>,
    reads: impl Fn(&Policy, &QualifiedName) -> bool,
) -> BTreeSet<String> {
    let mut readers = BTreeSet::new();
    let mut next: Vec<&QualifiedName> = tables.keys().copied().collect();
    while let Some(read) = next.pop() {
        let seen = tables.get(read).copied().unwrap_or_default();
        for (table, policy, [was, reader]) in standing(change) {
            // What it did not read itself before, its own change tells.
            let told = match reads(was, read) && reads(reader, read) {
                true => seen.through(change, reader, read),
                false => Seen::default(),
            };
            if told.more {
                readers.insert(policies::object(policy, table));
            }
            let known = tables.entry(table).or_default();
            let all = known.and(told);
            if is_for_reading(reader) && all != *known {
                *known = all;
                next.push(table);
            }
        }
    }
    readers
}

/// Whether whoever asks sees rows of a table that were not to be seen, and fails to see some that were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    more: bool,
    less: bool,
}

impl Seen {
    const OTHERS: Seen = Seen {
        more: true,
        less: true,
    };

    fn and(self, other: Seen) -> Seen {
        Seen {
            more: self.more || other.more,
            less: self.less || other.less,
        }
    }

    /// What a policy makes of it that reads the table.
    fn through(self, change: &Change<'_>, policy: &Policy, table: &QualifiedName) -> Seen {
        let mut exprs = policy.using.iter().chain(&policy.check);
        if self == Seen::default() {
            return self;
        }
        let schemas = [change.from, change.to];
        match exprs.all(|expr| access::grows_with(expr, &table.name, schemas)) {
            true => self,
            false => Seen::OTHERS,
        }
    }
}

/// Whether a policy reads a table by its own query, not by a function, which no policy binds.
fn reads_itself(policy: &Policy, table: &QualifiedName) -> bool {
    let exprs = policy.using.iter().chain(&policy.check);
    let mut read = exprs.flat_map(Expr::reads);
    read.any(|written| written.may_be(table))
}

/// Whether a policy reads a table, be it by a function.
fn reads(policy: &Policy, table: &QualifiedName) -> bool {
    let exprs = policy.using.iter().chain(&policy.check);
    let mut read = exprs.flat_map(|expr| &expr.tables);
    read.any(|written| written.may_be(table))
}

/// The policies on both sides, as they were and as they are.
fn standing<'a>(
    change: &Change<'a>,
) -> impl Iterator<Item = (&'a QualifiedName, &'a str, [&'a Policy; 2])> {
    let Change { from, to, .. } = *change;
    let both = to.tables.iter().filter_map(move |(table, after)| {
        let before = from.tables.get(table)?;
        Some((table, before.rls.policies(), after.rls.policies()))
    });
    both.flat_map(|(table, before, after)| {
        after.iter().filter_map(move |(policy, now)| {
            let was = before.get(policy)?;
            Some((table, policy.as_str(), [was, now]))
        })
    })
}

pub(super) fn is_for_reading(policy: &Policy) -> bool {
    policies::commands(policy).any(|command| command == Command::Select)
}
