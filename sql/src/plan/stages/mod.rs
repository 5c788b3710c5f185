//! How a change is split into pairs of files, so that nobody waits for a table that is in use.
//!
//! 1. Indexes that are in the way of what changes are dropped concurrently, each alone in its file; but a
//!    unique one goes in 2 with its column where the way back has no values for that which it would bear.
//! 2. One transaction changes tables, columns, policies and grants. Constraints on tables that exist
//!    are added without looking at the rows that are there; a column that is to be NOT NULL gets a
//!    CHECK that says so. Indexes and keys that go, or change, stay.
//! 3. Indexes that are new, or changed, are built concurrently, each alone in its file; so are those
//!    that unique constraints and primary keys will be made of. One that takes the place of another of
//!    its name is built under a name of its own.
//! 4. One transaction validates what was added unchecked.
//! 5. Constraints are made of indexes, each in place of the one that it replaces, in one statement; those
//!    that go are dropped. The way back builds what it brings back concurrently too.
//! 6. Indexes that go, or were replaced, are dropped concurrently.
//! 7. One transaction gives what was built its name, and adds the foreign keys that had to wait for it.
//! 8. Another one validates those.
//!
//! What a foreign key rests on is not taken from under it: such an index or key changes in 7, in one
//! transaction with the foreign key. Where there are several, PostgreSQL chooses, and history decides: so the
//! way back of 3 takes each in one transaction with the foreign keys that may rest on it. They are not valid
//! from 2 on, so that nobody waits while rows are checked, and are validated on either way in a file of their
//! own.
//!
//! On a partitioned table an index is built on each partition concurrently, all in one file. Its keys and
//! foreign keys are added in 2: PostgreSQL makes none of an index there, and adds none unchecked. An index
//! whose name such a key takes, to say the same, goes in that transaction too.

mod keys;
mod online;
mod postpone;
mod replace;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ident::quote_literal;
use crate::schema::{Index, QualifiedName, Renames, Schema, Table};

use super::filler::goes_with_column;
use super::moves::Moves;
use super::placed::Places;
use super::statements::{Plan, Step};
use super::{
    Hazard, Question, Subject, around, constraints, indexes, questions, transit, unplanned,
};
use online::{Steps, is_online};
use postpone::{settled, validated, without_waiting};
use replace::{Names, Pending, Rests, pending};

/// How long the statements of a migration may wait and run, as PostgreSQL writes a duration, and what is known of
/// the migrations before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `lock_timeout`.
    pub lock_timeout: String,
    /// `statement_timeout`.
    pub statement_timeout: String,
    /// The PostgreSQL schemas in which extensions have lain: they are there still, whoever may need them.
    pub homes: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            lock_timeout: "5s".into(),
            statement_timeout: "5min".into(),
            homes: BTreeSet::new(),
        }
    }
}

/// A migration and its rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// What applies it.
    pub up: Script,
    /// What undoes it.
    pub down: Script,
    reach: Reach,
}

/// What a migration leads to, where it is applied to what it was drawn for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    Schema(Arc<Schema>),
    /// Only this table changes.
    Table(QualifiedName, Box<Table>),
}

impl Migration {
    /// Makes the schema that the migration was drawn for the one that it leads to.
    pub fn advance(&self, schema: &mut Schema) {
        match &self.reach {
            Reach::Schema(reached) => schema.clone_from(reached),
            Reach::Table(name, table) => {
                schema.tables.insert(name.clone(), (**table).clone());
            }
        }
    }
}

/// The statements of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its statements run each by itself: PostgreSQL refuses one of them inside a transaction.
    pub no_transaction: bool,
    /// The statements.
    pub plan: Plan,
    settings: Settings,
}

impl Script {
    /// What running the file does beside what it says.
    pub fn hazards(&self) -> Vec<Hazard> {
        self.plan.hazards()
    }

    /// The SQL below the file's header.
    pub fn body(&self) -> String {
        self.opening() + &self.plan.body()
    }

    /// What stands before the SQL of the plan. A file that is one transaction limits its own waiting; a plain
    /// SET would outlive it.
    pub fn opening(&self) -> String {
        if self.no_transaction || self.plan.is_empty() {
            return String::new();
        }
        let Settings {
            lock_timeout,
            statement_timeout,
            homes: _,
        } = &self.settings;
        format!(
            "select pg_catalog.set_config('lock_timeout', {}, true);\n\
             select pg_catalog.set_config('statement_timeout', {}, true);\n\n",
            quote_literal(lock_timeout),
            quote_literal(statement_timeout)
        )
    }
}

/// The migrations that lead from one schema to another; none where they do not differ.
///
/// # Errors
/// What only a person can tell: whether a column was renamed, what a new column holds in old rows.
pub fn migrations(
    from: &Schema,
    to: &Schema,
    renames: &Renames,
    settings: &Settings,
) -> Result<Vec<Migration>, Vec<Question>> {
    let moves = questions::ask(from, to, renames, &settings.homes)?;
    let (places, declared) = (Places::of(from, to), to);
    let (from, to) = (places.place(from), places.place(to));
    let (from, to) = (&*from, &*to);
    let mut stages = Stages {
        at: Arc::new(from.clone()),
        done: Vec::new(),
        blocked: BTreeSet::new(),
        kept: around::kept(from, to, &settings.homes),
        settings,
    };
    if let Some(moved) = around::moved(from, to) {
        stages.to(moved, &Moves::default());
    }
    let mid = moves.apply(from, to);
    let mut names = Names::of(&mid, to);
    let rests = Rests::of(&mid);
    for (old, name, before, after) in lasting(from, &mid, to, &moves) {
        for index in indexes::stale_in(before, after) {
            let definition = &before.indexes[index];
            let is_alone = !names.may_linger(name, before, after, index)
                && !rests.on_index(name, definition)
                && !goes_with_column(before, after, definition)
                && !constraints::is_succeeded(before, after, index);
            if is_alone {
                // Its columns have their old names still.
                let definition = &from.tables[old].indexes[index];
                stages.drop_index(old, index, definition);
            }
        }
    }
    let main = without_waiting(&moves.apply(&stages.at, to), to, &names);
    stages.to(main, &moves);
    let rests = Rests::of(&stages.at);
    let lasting: Vec<(&QualifiedName, &Table)> = lasting(from, &mid, to, &moves)
        .filter(|(_, name, _, after)| stages.at.tables[*name] != **after)
        .map(|(_, name, _, after)| (name, after))
        .collect();
    let mut replacing = BTreeSet::new();
    for &(name, after) in &lasting {
        let before = &stages.at.tables[name];
        for pending in pending(name, before, after, &rests, &mut names) {
            stages.create_index(name, &pending, &rests);
            if pending.is_aside {
                replacing.insert((name, pending.index));
            }
        }
    }
    if *stages.at != *to {
        stages.to(validated(&stages.at, to), &Moves::default());
    }
    for &(name, after) in &lasting {
        stages.keys(name, after, &rests, &mut names);
    }
    for &(name, after) in &lasting {
        let before = &stages.at.tables[name];
        let going: Vec<(String, Index)> = indexes::stale_in(before, after)
            .into_iter()
            .filter(|&index| !replacing.contains(&(name, index.to_owned())))
            .map(|index| (index.to_owned(), before.indexes[index].clone()))
            .filter(|(_, definition)| !rests.on_index(name, definition))
            .collect();
        for (index, definition) in going {
            stages.drop_index(name, &index, &definition);
        }
    }
    if *stages.at != *to {
        stages.to(settled(&stages.at, to), &Moves::default());
        stages.to(to.clone(), &Moves::default());
    }
    if !stages.blocked.is_empty() {
        return Err(stages.blocked.into_iter().map(blocked).collect());
    }
    if stages.done.is_empty()
        && let Some(question) = unplanned::ask(from, to)
    {
        return Err(vec![question]);
    }
    if let Some(last) = stages.done.last_mut() {
        // What makes no statement, such as the module path of a struct.
        last.reach = Reach::Schema(Arc::new(declared.clone()));
    }
    Ok(stages.done)
}

/// The tables on both sides that differ and whose indexes are built while others write: old name, new
/// name, before under its new names, after.
fn lasting<'a>(
    from: &'a Schema,
    mid: &'a Schema,
    to: &'a Schema,
    moves: &'a Moves,
) -> impl Iterator<Item = (&'a QualifiedName, &'a QualifiedName, &'a Table, &'a Table)> {
    from.tables.keys().filter_map(|old| {
        if moves.makes_room(old) {
            return None;
        }
        let name = moves.name(old);
        let (before, after) = (mid.tables.get(name)?, to.tables.get(name)?);
        let is_online = is_online(before, after, to.platform);
        (is_online && before != after).then_some((old, name, before, after))
    })
}

/// What to do about a table whose renames have no order.
fn blocked(table: QualifiedName) -> Question {
    let message = format!(
        "what is renamed or moved with table `{}` has no order in which each new name is free; give what \
         takes a name that is not free yet a third one in this migration, and its own in the next",
        table.name
    );
    Question {
        table,
        column: None,
        message,
    }
}

struct Stages<'a> {
    at: Arc<Schema>,
    done: Vec<Migration>,
    /// The tables, under their new names, whose renames have no order.
    blocked: BTreeSet<QualifiedName>,
    /// The PostgreSQL schemas that are not dropped, and may be there.
    kept: BTreeSet<String>,
    settings: &'a Settings,
}

impl Stages<'_> {
    /// One transaction to another schema, where it takes one at all.
    fn to(&mut self, next: Schema, moves: &Moves) {
        if moves.is_empty() && next == *self.at {
            return;
        }
        let next = Arc::new(next);
        let up = transit(&self.at, &next, moves, &self.kept);
        let down = transit(&next, &self.at, &moves.inverted(), &self.kept);
        let back = down.blocked.iter().map(|old| moves.name(old).clone());
        self.blocked.extend(up.blocked.iter().cloned().chain(back));
        if !(up.is_empty() && down.is_empty()) {
            let (up, down) = (self.script(false, up), self.script(false, down));
            self.push(up, down, Reach::Schema(next));
        }
    }

    fn drop_index(&mut self, name: &QualifiedName, index: &str, definition: &Index) {
        let table = &self.at.tables[name];
        let up = online::drop(name, table, index, definition);
        let rule = indexes::rule(None, definition)
            .map(|fate| Subject::new(indexes::object(name, index), fate));
        let down = online::create(name, table, index, definition, rule);
        self.step(name, up, down, |table| {
            table.indexes.remove(index);
        });
    }

    /// The way back drops it: together with the foreign keys that PostgreSQL may have let rest on it, which come
    /// again with what stays.
    fn create_index(&mut self, name: &QualifiedName, pending: &Pending, rests: &Rests) {
        let Pending {
            index, definition, ..
        } = pending;
        let table = &self.at.tables[name];
        let mut with = table.clone();
        with.indexes.insert(index.clone(), definition.clone());
        let up = online::create(name, table, index, definition, pending.rule.clone());
        let up = self.script(up.0, titled(table, up.1));
        let down = match rests.on_index(name, definition) {
            true => {
                let mut next = (*self.at).clone();
                next.tables.insert(name.clone(), with.clone());
                let plan = transit(&next, &self.at, &Moves::default(), &self.kept);
                self.script(false, plan)
            }
            false => {
                let (no_transaction, steps) = online::drop(name, table, index, definition);
                self.script(no_transaction, titled(table, steps))
            }
        };
        self.push(up, down, Reach::Table(name.clone(), Box::new(with)));
    }

    /// A pair that changes one table: the steps of each file, and whether they run each by itself.
    fn step(
        &mut self,
        name: &QualifiedName,
        up: Steps,
        down: Steps,
        change: impl FnOnce(&mut Table),
    ) {
        let Some(mut table) = self.at.tables.get(name).cloned() else {
            return;
        };
        let up = self.script(up.0, titled(&table, up.1));
        let down = self.script(down.0, titled(&table, down.1));
        change(&mut table);
        self.push(up, down, Reach::Table(name.clone(), Box::new(table)));
    }

    fn script(&self, no_transaction: bool, plan: Plan) -> Script {
        Script {
            no_transaction,
            plan,
            settings: self.settings.clone(),
        }
    }

    fn push(&mut self, up: Script, down: Script, reach: Reach) {
        match &reach {
            Reach::Schema(reached) => self.at = Arc::clone(reached),
            Reach::Table(name, table) => {
                let at = Arc::make_mut(&mut self.at);
                at.tables.insert(name.clone(), (**table).clone());
            }
        }
        self.done.push(Migration { up, down, reach });
    }
}

/// Steps under the name of the struct.
fn titled(table: &Table, steps: Vec<Step>) -> Plan {
    let mut plan = Plan::default();
    plan.group(&table.source).steps.extend(steps);
    plan
}
