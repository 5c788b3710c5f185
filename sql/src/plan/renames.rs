//! The order in which relations change their names. Tables, indexes and sequences share one namespace per
//! PostgreSQL schema (`pg_class`), so that a name must be free before another relation takes it: whoever
//! leaves it goes first, and where each waits for another, one steps aside under a name of its own.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};

use crate::ident::{object_name, quote};
use crate::schema::{QualifiedName, Schema, Table};

use super::moves::Moves;
use super::statements::{Plan, Step};
use super::{partitions, render, twins};

/// What gets another name, and how its statement says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table, whose old name and fate a hazard says.
    Table {
        was: QualifiedName,
        fate: String,
    },
    /// A constraint of a table, with an index of its name.
    Key(QualifiedName),
    /// A constraint of a table, which is no relation.
    Rule(QualifiedName),
    Index,
    /// A partition's share in an index, where it has the name that [`partitions::share`] gives it.
    Share,
    Sequence,
}

/// A relation, under its old name in its new PostgreSQL schema, and its new name.
#[derive(Debug, Clone)]
pub(super) struct Rename {
    kind: Kind,
    schema: String,
    old: String,
    new: String,
}

impl Rename {
    pub(super) fn new(kind: Kind, old: QualifiedName, new: String) -> Self {
        Rename {
            kind,
            schema: old.schema,
            old: old.name,
            new,
        }
    }

    fn is_relation(&self) -> bool {
        !matches!(self.kind, Kind::Rule(_))
    }

    fn old(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.old)
    }

    fn new_name(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.new)
    }

    fn step(&self) -> Step {
        let (at, new) = (self.old(), quote(&self.new));
        match &self.kind {
            Kind::Table { was, fate } => {
                let step = Step::new(format!("alter table {at} rename to {new}"));
                step.stops(was).removes(format!("table {was}"), fate)
            }
            Kind::Key(table) | Kind::Rule(table) => Step::new(format!(
                "alter table {table} rename constraint {} to {new}",
                quote(&self.old)
            ))
            .stops(table),
            Kind::Sequence => Step::new(format!("alter sequence {at} rename to {new}")),
            Kind::Index => Step::new(format!("alter index {at} rename to {new}")),
            Kind::Share => Step::new(format!("alter index if exists {at} rename to {new}")),
        }
    }

    /// The same, whatever its table is called by then: a key's index takes the constraint along.
    fn alone(&self) -> Rename {
        let kind = match &self.kind {
            Kind::Key(_) => Kind::Index,
            other => other.clone(),
        };
        Rename {
            kind,
            ..self.clone()
        }
    }
}

#[derive(Debug)]
enum Task {
    Step(Step),
    Rename(Rename),
}

/// Statements that keep their order.
#[derive(Debug, Default)]
pub(super) struct Run {
    title: String,
    /// The table that has its new name first.
    behind: Option<QualifiedName>,
    tasks: VecDeque<Task>,
}

impl Run {
    pub(super) fn behind(&mut self, table: &QualifiedName) -> &mut Self {
        self.behind = Some(table.clone());
        self
    }

    pub(super) fn push(&mut self, step: Step) {
        self.tasks.push_back(Task::Step(step));
    }

    pub(super) fn rename(&mut self, rename: Rename) {
        self.tasks.push_back(Task::Rename(rename));
    }
}

/// What is renamed on the way from one schema to another.
#[derive(Debug, Default)]
pub(super) struct Renames(Vec<Run>);

/// What is renamed from one schema to another, given what is stated.
pub(super) fn between(from: &Schema, to: &Schema, moves: &Moves) -> Renames {
    let mut renames = Renames::default();
    moves.steps(from, to, &mut renames);
    let renamed = match moves.is_empty() {
        true => Cow::Borrowed(from),
        false => Cow::Owned(moves.rename(from)),
    };
    for (name, table) in &renamed.tables {
        if let Some(after) = to.tables.get(name) {
            twins::steps(name, table, after, &mut renames);
        }
    }
    renames.0.retain(|run| !run.tasks.is_empty());
    renames
}

impl Renames {
    /// Statements of their own.
    pub(super) fn run(&mut self, title: &str) -> &mut Run {
        self.0.push(Run {
            title: title.to_owned(),
            ..Run::default()
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn relations(&self) -> impl Iterator<Item = &Rename> {
        let tasks = self.0.iter().flat_map(|run| &run.tasks);
        tasks.filter_map(|task| match task {
            Task::Rename(rename) if rename.is_relation() => Some(rename),
            _ => None,
        })
    }

    /// What has a name that is to be another's, and goes.
    pub(super) fn in_the_way(&self, from: &Schema, to: &Schema, moves: &Moves) -> InTheWay {
        let leaving: BTreeSet<QualifiedName> = self.relations().map(Rename::old).collect();
        let wanted = self.relations().map(Rename::new_name);
        let names: BTreeSet<QualifiedName> =
            wanted.filter(|name| !leaving.contains(name)).collect();
        let mut tables = BTreeSet::new();
        for (old, table) in &from.tables {
            let name = moves.name(old);
            let goes = !to.tables.contains_key(name) || moves.makes_room(old);
            if goes && of_table(old, table).any(|relation| names.contains(&relation)) {
                tables.insert(old.clone());
            }
        }
        InTheWay { tables, names }
    }

    /// The statements, each where the name that it takes is free.
    pub(super) fn steps(mut self, from: &Schema, moves: &Moves, plan: &mut Plan) {
        let mut taken = BTreeSet::new();
        if self.relations().next().is_some() {
            taken = relations(from);
            for (old, table) in &from.tables {
                let new = &moves.name(old).schema;
                taken.extend(of_table(old, table).map(|it| QualifiedName::new(new, it.name)));
            }
        }
        while !self.0.is_empty() {
            if !self.advance(&mut taken, plan) {
                self.step_aside(&mut taken, plan);
            }
            self.0.retain(|run| !run.tasks.is_empty());
        }
    }

    /// Writes what can be written now; says whether there was anything.
    fn advance(&mut self, taken: &mut BTreeSet<QualifiedName>, plan: &mut Plan) -> bool {
        let mut has_advanced = false;
        for at in 0..self.0.len() {
            if self.0[at]
                .behind
                .as_ref()
                .is_some_and(|it| self.is_to_come(it))
            {
                continue;
            }
            let run = &mut self.0[at];
            while let Some(task) = run.tasks.pop_front() {
                let step = match task {
                    Task::Step(step) => step,
                    Task::Rename(rename) => {
                        if rename.is_relation() && taken.contains(&rename.new_name()) {
                            run.tasks.push_front(Task::Rename(rename));
                            break;
                        }
                        pass(taken, &rename);
                        rename.step()
                    }
                };
                plan.group(&run.title).push(step);
                has_advanced = true;
            }
        }
        has_advanced
    }

    /// Whether a table has its new name only later.
    fn is_to_come(&self, table: &QualifiedName) -> bool {
        let mut relations = self.relations();
        relations.any(|it| matches!(it.kind, Kind::Table { .. }) && it.new_name() == *table)
    }

    /// Each waits for another: has one that is no table take its name before its table has its own, or else
    /// leave the name that another waits for.
    fn step_aside(&mut self, taken: &mut BTreeSet<QualifiedName>, plan: &mut Plan) {
        let wanted: BTreeSet<QualifiedName> = self.relations().map(Rename::new_name).collect();
        let is_free = |rename: &Rename| !taken.contains(&rename.new_name());
        let is_wanted = |rename: &Rename| wanted.contains(&rename.old());
        let at = self.first(is_free).or_else(|| self.first(is_wanted));
        let Some(run) = at.map(|at| &mut self.0[at]) else {
            // No table waits for a table, so that there is always one.
            debug_assert!(false, "tables exchange their names");
            return self.0.clear();
        };
        let Some(Task::Rename(rename)) = run.tasks.front_mut() else {
            return;
        };
        let mut now = rename.alone();
        if taken.contains(&rename.new_name()) {
            let numbered =
                (2..).map(|number| object_name(&rename.old, "", &format!("aside{number}")));
            let mut names = std::iter::once(object_name(&rename.old, "", "aside")).chain(numbered);
            let is_free = |name: &String| {
                let name = QualifiedName::new(&rename.schema, name);
                !taken.contains(&name) && !wanted.contains(&name)
            };
            now.new = names.find(is_free).unwrap_or_default();
            rename.old.clone_from(&now.new);
        } else {
            run.tasks.pop_front();
        }
        pass(taken, &now);
        plan.group(&run.title).push(now.step());
    }

    /// The first run that waits with such a rename of what is no table.
    fn first(&self, is_it: impl Fn(&Rename) -> bool) -> Option<usize> {
        self.0.iter().position(|run| match run.tasks.front() {
            Some(Task::Rename(rename)) => {
                let may_come = matches!(rename.kind, Kind::Key(_) | Kind::Index | Kind::Sequence);
                may_come && is_it(rename)
            }
            _ => false,
        })
    }
}

/// One name becomes free, and another one is taken.
fn pass(taken: &mut BTreeSet<QualifiedName>, rename: &Rename) {
    if rename.is_relation() {
        taken.remove(&rename.old());
        taken.insert(rename.new_name());
    }
}

/// What goes and has a name that is to be another's, so that it goes first.
pub(super) struct InTheWay {
    /// Whole tables.
    pub(super) tables: BTreeSet<QualifiedName>,
    /// The names, of which what stays has none.
    names: BTreeSet<QualifiedName>,
}

impl InTheWay {
    /// Takes out of a table what has such a name, by its own name and the one that it will have.
    pub(super) fn leave(&self, old: &QualifiedName, name: &QualifiedName, table: &mut Table) {
        let stays = |relation: &String| {
            !self
                .names
                .contains(&QualifiedName::new(&name.schema, relation))
        };
        table.indexes.retain(|index, _| stays(index));
        table.uniques.retain(|unique, _| stays(unique));
        table.exclusions.retain(|exclusion, _| stays(exclusion));
        table.partitions.retain(|partition, _| stays(partition));
        table.primary_key = table.primary_key.take().filter(|key| stays(&key.name));
        for column in &mut table.columns {
            if render::sequence(old, column).is_some_and(|sequence| !stays(&sequence.name)) {
                column.generated = None;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The names of tables, of their indexes and of the sequences of their columns.
pub(super) fn relations(schema: &Schema) -> BTreeSet<QualifiedName> {
    let tables = schema.tables.iter();
    let own = tables.flat_map(|(name, table)| of_table(name, table));
    own.chain(schema.externals.keys().cloned()).collect()
}

fn of_table<'a>(
    name: &'a QualifiedName,
    table: &'a Table,
) -> impl Iterator<Item = QualifiedName> + 'a {
    let sequences = table.columns.iter();
    let sequences = sequences.filter_map(|column| render::sequence(name, column));
    let indexes = table.indexes.keys().chain(table.uniques.keys());
    let key = table.primary_key.iter().map(|key| &key.name);
    let indexes = indexes.chain(table.exclusions.keys()).chain(key);
    let indexes = indexes.map(|index| QualifiedName::new(&name.schema, index));
    partitions::relations(name, table)
        .chain(sequences)
        .chain(indexes)
}
