//! What is renamed or moved at once, which names it leaves and which it takes.

use std::collections::BTreeSet;

use crate::ident::quote;
use crate::schema::QualifiedName;

use super::super::clones;
use super::super::statements::{Group, Step};

/// What only one can be called at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plan) enum Name {
    /// A table, an index or a sequence, among those of its PostgreSQL schema.
    Relation(QualifiedName),
    /// A constraint, among those of the table that has this name afterwards.
    Constraint(QualifiedName, String),
}

/// What gets another name, and how its statement says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plan) enum Kind {
    /// A table, whose old name and fate a hazard says.
    Table {
        was: QualifiedName,
        fate: String,
    },
    /// A partition of a table, which has its new name.
    Partition(QualifiedName),
    /// A constraint of a table, with an index of its name.
    Key(QualifiedName),
    /// The same while its table may be called otherwise still: the index takes the constraint along.
    KeyIndex(QualifiedName),
    /// A constraint of a table, which is no relation.
    Rule(QualifiedName),
    /// A foreign key of a table, that of each of its partitions, which PostgreSQL renames only there, and its part
    /// in each partition of what it references.
    ForeignKey {
        table: QualifiedName,
        partitions: Vec<QualifiedName>,
        targets: Vec<String>,
    },
    Index,
    /// A partition's share in an index, which has another name where the database was adopted.
    Share,
    Sequence,
}

/// A relation, under its old name in its new PostgreSQL schema, and its new name.
#[derive(Debug, Clone)]
pub(in crate::plan) struct Rename {
    pub(super) kind: Kind,
    pub(super) schema: String,
    pub(super) old: String,
    pub(super) new: String,
}

impl Rename {
    pub(in crate::plan) fn new(kind: Kind, old: QualifiedName, new: String) -> Self {
        Rename {
            kind,
            schema: old.schema,
            old: old.name,
            new,
        }
    }

    pub(super) fn old(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.old)
    }

    pub(super) fn new_name(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.new)
    }

    /// What it is while it is called so.
    pub(super) fn names(&self, called: &str) -> Vec<Name> {
        let relation = || Name::Relation(QualifiedName::new(&self.schema, called));
        let constraint = |table: &QualifiedName| Name::Constraint(table.clone(), called.to_owned());
        let part = |table: &QualifiedName, target: &String| {
            Name::Constraint(table.clone(), clones::name(target, called))
        };
        match &self.kind {
            Kind::Table { .. }
            | Kind::Partition(_)
            | Kind::Index
            | Kind::Share
            | Kind::Sequence => vec![relation()],
            Kind::Key(table) | Kind::KeyIndex(table) => vec![relation(), constraint(table)],
            Kind::Rule(table) => vec![constraint(table)],
            Kind::ForeignKey { table, targets, .. } => {
                let parts = targets.iter().map(|target| part(table, target));
                parts.chain([constraint(table)]).collect()
            }
        }
    }

    fn steps(&self) -> Vec<Step> {
        let (at, new) = (self.old(), quote(&self.new));
        let of_constraint = |table: &QualifiedName| {
            let old = quote(&self.old);
            Step::new(format!(
                "alter table {table} rename constraint {old} to {new}"
            ))
            .stops(table)
        };
        vec![match &self.kind {
            Kind::Table { was, fate } => {
                let step = Step::new(format!("alter table {at} rename to {new}"));
                step.stops(was).removes(format!("table {was}"), fate)
            }
            Kind::Partition(_) => {
                let step = Step::new(format!("alter table {at} rename to {new}")).stops(&at);
                step.removes(format!("partition {at}"), &format!("renamed to {new}"))
            }
            Kind::Key(table) | Kind::Rule(table) => of_constraint(table),
            Kind::ForeignKey {
                table,
                partitions,
                targets,
            } => {
                let all = std::iter::once(table).chain(partitions);
                let named = clones::give_names(&[(table, self.new.as_str())], targets);
                return all.map(of_constraint).chain(named).collect();
            }
            Kind::Sequence => Step::new(format!("alter sequence {at} rename to {new}")),
            Kind::Index | Kind::KeyIndex(_) => {
                Step::new(format!("alter index {at} rename to {new}"))
            }
            Kind::Share => Step::new(format!("alter index if exists {at} rename to {new}")),
        }]
    }

    /// The same, whatever its table is called by then.
    pub(super) fn alone(&self) -> Rename {
        let kind = match &self.kind {
            Kind::Key(table) => Kind::KeyIndex(table.clone()),
            other => other.clone(),
        };
        Rename {
            kind,
            ..self.clone()
        }
    }
}

/// What goes to another PostgreSQL schema, and all that is a table's own with it.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) steps: Vec<Step>,
    pub(super) leaves: Vec<QualifiedName>,
    pub(super) takes: Vec<QualifiedName>,
}

/// What is done at once.
#[derive(Debug)]
pub(super) enum Task {
    Step(Step),
    Move(Move),
    Rename(Rename),
}

impl Task {
    /// The names that become free.
    pub(super) fn leaves(&self) -> Vec<Name> {
        match self {
            Task::Move(it) => it.leaves.iter().cloned().map(Name::Relation).collect(),
            Task::Rename(it) => it.names(&it.old),
            Task::Step(_) => Vec::new(),
        }
    }

    /// The names that must be free.
    pub(super) fn takes(&self) -> Vec<Name> {
        match self {
            Task::Move(it) => it.takes.iter().cloned().map(Name::Relation).collect(),
            Task::Rename(it) => it.names(&it.new),
            Task::Step(_) => Vec::new(),
        }
    }

    pub(super) fn may_come(&self, taken: &BTreeSet<Name>) -> bool {
        self.takes().iter().all(|name| !taken.contains(name))
    }

    /// Writes the statements: some names become free, and others are taken.
    pub(super) fn write(self, taken: &mut BTreeSet<Name>, group: &mut Group) {
        for name in self.leaves() {
            taken.remove(&name);
        }
        taken.extend(self.takes());
        match self {
            Task::Step(step) => group.push(step),
            Task::Move(it) => group.steps.extend(it.steps),
            Task::Rename(rename) => group.steps.extend(rename.steps()),
        }
    }
}
