//! The order in which relations and constraints change their names. Tables, indexes and sequences share one namespace per
//! PostgreSQL schema (`pg_class`), and constraints another per table (`pg_constraint`), so that a name must be
//! free before something else takes it: whoever leaves it goes first, and where each waits for another, one
//! steps aside under a name of its own.

mod task;

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};

use crate::ident::object_name;
use crate::schema::{QualifiedName, Schema, Share, Table};

use super::moves::Moves;
use super::statements::{Plan, Step};
use super::{partitions, render, twins};

pub(super) use task::{Kind, Rename};
use task::{Move, Name, Task};

/// What a run waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Behind {
    #[default]
    Nothing,
    /// Its table lies in its new PostgreSQL schema.
    Move,
    /// Its table has its new name there too.
    Rename,
}

/// Statements that keep their order.
#[derive(Debug)]
pub(super) struct Run {
    /// The table that they are about, under its new name.
    table: QualifiedName,
    title: String,
    behind: Behind,
    tasks: VecDeque<Task>,
}

impl Run {
    pub(super) fn behind_move(&mut self) -> &mut Self {
        self.behind = Behind::Move;
        self
    }

    pub(super) fn behind_rename(&mut self) -> &mut Self {
        self.behind = Behind::Rename;
        self
    }

    pub(super) fn push(&mut self, step: Step) {
        self.tasks.push_back(Task::Step(step));
    }

    pub(super) fn rename(&mut self, rename: Rename) {
        self.tasks.push_back(Task::Rename(rename));
    }

    /// The steps move the table that had the old name to its new PostgreSQL schema.
    pub(super) fn set_schema(&mut self, old: &QualifiedName, table: &Table, steps: Vec<Step>) {
        let leaves: Vec<QualifiedName> = of_table(old, table).collect();
        let there = |it: &QualifiedName| QualifiedName::new(&self.table.schema, &it.name);
        self.tasks.push_back(Task::Move(Move {
            steps,
            takes: leaves.iter().map(there).collect(),
            leaves,
        }));
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
    for name in renamed.tables.keys() {
        if let Some(after) = to.tables.get(name) {
            twins::steps(name, &renamed, after, &mut renames);
        }
    }
    renames.0.retain(|run| !run.tasks.is_empty());
    renames
}

impl Renames {
    /// Statements of their own about the table that has that name afterwards.
    pub(super) fn run(&mut self, table: &QualifiedName, title: &str) -> &mut Run {
        self.0.push(Run {
            table: table.clone(),
            title: title.to_owned(),
            behind: Behind::default(),
            tasks: VecDeque::new(),
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.0.iter().flat_map(|run| &run.tasks)
    }

    /// What has a name that is to be another's, and goes.
    pub(super) fn in_the_way(&self, from: &Schema, to: &Schema, moves: &Moves) -> InTheWay {
        let leaving: BTreeSet<Name> = self.tasks().flat_map(Task::leaves).collect();
        let wanted = |is_move: bool| -> BTreeSet<Name> {
            let tasks = self.tasks();
            let tasks = tasks.filter(|task| matches!(task, Task::Move(_)) == is_move);
            let names = tasks.flat_map(Task::takes);
            names.filter(|name| !leaving.contains(name)).collect()
        };
        let (mut names, entered) = (wanted(false), wanted(true));
        let keys = keys_in_the_way(&names, from, to, moves);
        names.extend(keys);
        let is_wanted = |name: QualifiedName| {
            let name = Name::Relation(name);
            names.contains(&name) || entered.contains(&name)
        };
        let mut tables = BTreeSet::new();
        for (old, table) in &from.tables {
            let name = moves.name(old);
            let goes = !to.tables.contains_key(name) || moves.makes_room(old);
            if goes && of_table(old, table).any(is_wanted) {
                tables.insert(old.clone());
            }
        }
        InTheWay {
            tables,
            names,
            entered,
        }
    }

    /// The statements, each where the names that it takes are free. Where there is no such order they are
    /// written nevertheless, none left out, and the plan says of which tables they are.
    pub(super) fn steps(mut self, from: &Schema, moves: &Moves, plan: &mut Plan) {
        if self.0.is_empty() {
            return;
        }
        let mut taken: BTreeSet<Name> = relations(from).into_iter().map(Name::Relation).collect();
        for (old, table) in &from.tables {
            let name = |rule: &String| Name::Constraint(moves.name(old).clone(), rule.clone());
            taken.extend(table.constraint_names().map(name));
            taken.extend(from.parts_of_keys(table).map(|part| name(&part.name())));
        }
        while !self.0.is_empty() {
            if !self.advance(&mut taken, plan) && !self.step_aside(&mut taken, plan) {
                for run in self.0.drain(..) {
                    for task in run.tasks {
                        task.write(&mut taken, plan.group(&run.title));
                    }
                    plan.blocked.insert(run.table);
                }
            }
            self.0.retain(|run| !run.tasks.is_empty());
        }
    }

    /// Writes what can be written now; says whether there was anything.
    fn advance(&mut self, taken: &mut BTreeSet<Name>, plan: &mut Plan) -> bool {
        let mut has_advanced = false;
        for at in 0..self.0.len() {
            if self.waits(&self.0[at]) {
                continue;
            }
            let run = &mut self.0[at];
            while let Some(task) = run.tasks.pop_front() {
                if !task.may_come(taken) {
                    run.tasks.push_front(task);
                    break;
                }
                task.write(taken, plan.group(&run.title));
                has_advanced = true;
            }
        }
        has_advanced
    }

    fn waits(&self, run: &Run) -> bool {
        match run.behind {
            Behind::Nothing => false,
            Behind::Move => self.is_to_move(&run.table),
            Behind::Rename => self.is_to_move(&run.table) || self.is_to_come(&run.table),
        }
    }

    /// Whether a table comes to its PostgreSQL schema only later.
    fn is_to_move(&self, table: &QualifiedName) -> bool {
        let mut own = self.0.iter().filter(|run| run.table == *table);
        own.any(|run| run.tasks.iter().any(|task| matches!(task, Task::Move(_))))
    }

    /// Whether a table, or a partition of it, has its new name only later.
    fn is_to_come(&self, table: &QualifiedName) -> bool {
        let mut tasks = self.tasks();
        tasks.any(|task| match task {
            Task::Rename(it) => match &it.kind {
                Kind::Table { .. } => it.new_name() == *table,
                Kind::Partition(of) => of == table,
                _ => false,
            },
            Task::Step(_) | Task::Move(_) => false,
        })
    }

    /// Each waits for another: has one that is no table take its name before its table has its own, or else
    /// leave the name that another waits for. Says whether there was one.
    fn step_aside(&mut self, taken: &mut BTreeSet<Name>, plan: &mut Plan) -> bool {
        let wanted: BTreeSet<Name> = self.tasks().flat_map(Task::takes).collect();
        let is_free = |rename: &Rename, called: &str| {
            let mut names = rename.names(called).into_iter();
            names.all(|name| !taken.contains(&name))
        };
        let is_wanted = |rename: &Rename| {
            let mut names = rename.names(&rename.old).into_iter();
            names.any(|name| wanted.contains(&name))
        };
        let at = self.first(|rename| is_free(rename, &rename.new));
        let Some(at) = at.or_else(|| self.first(is_wanted)) else {
            return false;
        };
        let run = &mut self.0[at];
        let Some(Task::Rename(rename)) = run.tasks.front_mut() else {
            return false;
        };
        let mut now = rename.alone();
        if is_free(rename, &rename.new) {
            run.tasks.pop_front();
        } else {
            let numbered =
                (2..).map(|number| object_name(&rename.old, "", &format!("aside{number}")));
            let mut names = std::iter::once(object_name(&rename.old, "", "aside")).chain(numbered);
            let is_nobodys = |called: &String| {
                let mut names = rename.names(called).into_iter();
                is_free(rename, called) && names.all(|name| !wanted.contains(&name))
            };
            now.new = names.find(is_nobodys).unwrap_or_default();
            rename.old.clone_from(&now.new);
        }
        Task::Rename(now).write(taken, plan.group(&run.title));
        true
    }

    /// The first run that waits with such a rename of what is no table, and whose statement can be written.
    fn first(&self, is_it: impl Fn(&Rename) -> bool) -> Option<usize> {
        self.0.iter().position(|run| match run.tasks.front() {
            Some(Task::Rename(rename)) => {
                let waits = match rename.kind {
                    Kind::Key(_) | Kind::Index | Kind::Share | Kind::Sequence => {
                        self.is_to_move(&run.table)
                    }
                    Kind::Rule(_) | Kind::ForeignKey { .. } => self.waits(run),
                    Kind::Table { .. } | Kind::Partition(_) | Kind::KeyIndex(_) => true,
                };
                !waits && is_it(rename)
            }
            _ => false,
        })
    }
}

/// The foreign keys that go, of which a part has such a name.
fn keys_in_the_way(names: &BTreeSet<Name>, from: &Schema, to: &Schema, moves: &Moves) -> Vec<Name> {
    let mut found = Vec::new();
    for (old, table) in &from.tables {
        let name = moves.name(old);
        let Some(after) = to.tables.get(name) else {
            continue;
        };
        let going = from.parts_of_keys(table).filter(|part| {
            let part_name = Name::Constraint(name.clone(), part.name());
            !after.foreign_keys.contains_key(part.index) && names.contains(&part_name)
        });
        found.extend(going.map(|part| Name::Constraint(name.clone(), part.index.to_owned())));
    }
    found
}

/// What goes and has a name that is to be another's, so that it goes first.
pub(super) struct InTheWay {
    /// Whole tables.
    pub(super) tables: BTreeSet<QualifiedName>,
    /// The names that something is to be renamed to, of which what stays has none.
    names: BTreeSet<Name>,
    /// Those that something comes with from another PostgreSQL schema.
    entered: BTreeSet<Name>,
}

impl InTheWay {
    /// Takes out of a table what has such a name, by its own name and the one that it will have.
    pub(super) fn leave(&self, old: &QualifiedName, name: &QualifiedName, table: &mut Table) {
        let stays = |relation: &String| {
            let here = QualifiedName::new(&old.schema, relation);
            let there = QualifiedName::new(&name.schema, relation);
            !self.names.contains(&Name::Relation(there))
                && !self.entered.contains(&Name::Relation(here))
        };
        let is_kept = |constraint: &String| {
            let constraint = Name::Constraint(name.clone(), constraint.clone());
            !self.names.contains(&constraint)
        };
        table.partitions.retain(|partition, _| stays(partition));
        // Of a partition that goes all shares go too, and nothing else of the indexes.
        let partitions = table.partitions.clone();
        let index_stays = |index: &String| {
            let mut partitions = partitions.keys();
            stays(index) && partitions.all(|partition| stays(&Share { partition, index }.name()))
        };
        let key_stays = |key: &String| index_stays(key) && is_kept(key);
        table.indexes.retain(|index, _| index_stays(index));
        table.uniques.retain(|unique, _| key_stays(unique));
        table.exclusions.retain(|exclusion, _| key_stays(exclusion));
        table.checks.retain(|check, _| is_kept(check));
        table.foreign_keys.retain(|key, _| is_kept(key));
        table.primary_key = table.primary_key.take().filter(|key| key_stays(&key.name));
        for column in &mut table.columns {
            if render::sequence(old, column).is_some_and(|sequence| !stays(&sequence.name)) {
                column.generated = None;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.entered.is_empty()
    }
}

/// The names of tables, of their indexes and of the sequences of their columns.
pub(super) fn relations(schema: &Schema) -> BTreeSet<QualifiedName> {
    let tables = schema.tables.iter();
    let own = tables.flat_map(|(name, table)| of_table(name, table));
    own.chain(schema.externals.keys().cloned()).collect()
}

/// The names of a table, of its partitions, its indexes and the sequences of its columns.
pub(super) fn of_table<'a>(
    name: &'a QualifiedName,
    table: &'a Table,
) -> impl Iterator<Item = QualifiedName> + 'a {
    let sequences = table.columns.iter();
    let sequences = sequences.filter_map(|column| render::sequence(name, column));
    let indexes = table.index_names().cloned();
    let indexes = indexes.chain(table.shares().map(|share| share.name()));
    let indexes = indexes.map(|index| QualifiedName::new(&name.schema, index));
    partitions::relations(name, table)
        .chain(sequences)
        .chain(indexes)
}
