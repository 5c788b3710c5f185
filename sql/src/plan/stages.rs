//! How a change is split into pairs of files, so that nobody waits for a table that is in use.
//!
//! 1. Indexes that go, or change, are dropped concurrently, each alone in its file.
//! 2. One transaction changes tables, columns, policies and grants. Constraints on tables that exist
//!    are added without looking at the rows that are there; a column that is to be NOT NULL gets a
//!    CHECK that says so.
//! 3. Indexes that are new, or changed, are built concurrently, each alone in its file; so are those
//!    that unique constraints and primary keys will be made of.
//! 4. One transaction validates what was added unchecked, makes constraints of indexes, and adds the
//!    foreign keys that had to wait for them.
//! 5. Another one validates those.
//!
//! A partitioned table has none of this: PostgreSQL builds no index on one concurrently, and adds no
//! foreign key to one unchecked.

use crate::ident::object_name;
use crate::schema::{Check, Expr, ForeignKey, Index, QualifiedName, Renames, Schema, Table};

use super::change::Columns;
use super::constraints::{self, index_of};
use super::moves::Moves;
use super::statements::{Plan, Step};
use super::{Hazard, Question, foreign_keys, indexes, questions, transit};

/// How long the statements of a migration may wait and run, as PostgreSQL writes a duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `lock_timeout`.
    pub lock_timeout: String,
    /// `statement_timeout`.
    pub statement_timeout: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            lock_timeout: "5s".into(),
            statement_timeout: "5min".into(),
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
    /// What it leads to.
    pub schema: Schema,
}

/// The statements of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// It holds one statement, which PostgreSQL refuses inside a transaction.
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

    /// The SQL below the file's header. A file that is one transaction limits its own waiting; a plain
    /// SET would outlive it.
    pub fn body(&self) -> String {
        let body = self.plan.body();
        if self.no_transaction || body.is_empty() {
            return body;
        }
        let Settings {
            lock_timeout,
            statement_timeout,
        } = &self.settings;
        format!(
            "select pg_catalog.set_config('lock_timeout', {}, true);\n\
             select pg_catalog.set_config('statement_timeout', {}, true);\n\n{body}",
            crate::ident::quote_literal(lock_timeout),
            crate::ident::quote_literal(statement_timeout)
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
    let moves = questions::ask(from, to, renames)?;
    let mut stages = Stages {
        at: from.clone(),
        done: Vec::new(),
        settings,
    };
    let mid = moves.apply(from, to);
    for (old, name, before, after) in lasting(from, &mid, to, &moves) {
        for index in indexes::stale_in(before, after) {
            if !holds_foreign_key(&mid, name, &before.indexes[index]) {
                // Its columns have their old names still.
                stages.drop_index(old, index, &from.tables[old].indexes[index]);
            }
        }
    }
    let main = without_waiting(&moves.apply(&stages.at, to), to);
    stages.to(main, &moves);
    let pending: Vec<_> = lasting(from, &mid, to, &moves)
        .flat_map(|(_, name, _, after)| {
            let before = &stages.at.tables[name];
            pending_indexes(before, after)
                .into_iter()
                .map(move |(index, definition)| (name, index, definition))
        })
        .collect();
    for (name, index, definition) in pending {
        stages.create_index(name, &index, &definition);
    }
    let settled = settled(&stages.at, to);
    stages.to(settled, &Moves::default());
    stages.to(to.clone(), &Moves::default());
    if let Some(last) = stages.done.last_mut() {
        // What makes no statement, such as the module path of a struct.
        last.schema = to.clone();
    }
    Ok(stages.done)
}

/// The tables on both sides that are not partitioned: old name, new name, before under its new names, after.
fn lasting<'a>(
    from: &'a Schema,
    mid: &'a Schema,
    to: &'a Schema,
    moves: &'a Moves,
) -> impl Iterator<Item = (&'a QualifiedName, &'a QualifiedName, &'a Table, &'a Table)> {
    from.tables.keys().filter_map(|old| {
        let name = moves.name(old);
        let (before, after) = (mid.tables.get(name)?, to.tables.get(name)?);
        let is_plain = before.partition_by.is_none() && after.partition_by.is_none();
        is_plain.then_some((old, name, before, after))
    })
}

/// Whether a foreign key may rest on the index, which then cannot be dropped before it.
fn holds_foreign_key(schema: &Schema, name: &QualifiedName, index: &Index) -> bool {
    let mut columns: Vec<&str> = index.columns.iter().filter_map(|c| c.name()).collect();
    columns.sort_unstable();
    let rests = |key: &ForeignKey| {
        let mut references: Vec<&str> = key.references.iter().map(String::as_str).collect();
        references.sort_unstable();
        key.table == *name && references == columns
    };
    let mut tables = schema.tables.values();
    index.unique && tables.any(|table| table.foreign_keys.values().any(rests))
}

/// The schema that one transaction can reach from `before` without reading the rows of a table that
/// exists: `to` without what takes longer.
fn without_waiting(before: &Schema, to: &Schema) -> Schema {
    let mut main = to.clone();
    for (name, after) in &mut main.tables {
        if let Some(old) = before.tables.get(name)
            && old.partition_by.is_none()
            && after.partition_by.is_none()
        {
            postpone(name, old, after);
        }
    }
    let reached = main.clone();
    for (name, after) in &mut main.tables {
        let old = before.tables.get(name);
        let is_partitioned = after.partition_by.is_some();
        after.foreign_keys.retain(|key, definition| {
            let earlier = old.and_then(|old| old.foreign_keys.get(key));
            let stays = earlier == Some(definition)
                && !foreign_keys::rests_on_change(before, &reached, name, definition);
            definition.not_valid = old.is_some() && !stays && !is_partitioned;
            foreign_keys::has_key(&reached, definition)
        });
    }
    main
}

fn postpone(name: &QualifiedName, before: &Table, after: &mut Table) {
    let columns = Columns::of(before, after);
    let wanted = after.clone();
    let pending = pending_indexes(before, &wanted);
    for (index, _) in &pending {
        after.indexes.remove(index);
        after.uniques.remove(index);
        if after
            .primary_key
            .as_ref()
            .is_some_and(|key| key.name == *index)
        {
            // The old key stays until the new one takes its place, unless it is in the way.
            let old = before.primary_key.as_ref().filter(|key| key.name != *index);
            after.primary_key = old.filter(|key| !columns.move_key(&key.columns)).cloned();
        }
    }
    for index in before.indexes.keys() {
        if constraints::is_attached(before, &wanted, index) {
            after
                .indexes
                .insert(index.clone(), before.indexes[index].clone());
            after.uniques.remove(index);
            if after
                .primary_key
                .as_ref()
                .is_some_and(|key| key.name == *index)
            {
                after.primary_key = None;
            }
        }
    }
    for (check, definition) in &mut after.checks {
        let stays = before.checks.get(check) == Some(definition) && !columns.move_check(definition);
        definition.not_valid = !stays;
    }
    let mut filled = Vec::new();
    for column in &mut after.columns {
        let Some(old) = before.column(&column.name) else {
            continue;
        };
        let is_numbered = column.generated.is_some() || column.computed.is_some();
        if old.nullable && !column.nullable && !is_numbered && !columns.gone.contains(&column.name)
        {
            column.nullable = true;
            let condition = constraints::not_null(&column.name);
            let check = Check {
                not_valid: true,
                ..Check::new(Expr::new(condition, [&column.name]))
            };
            filled.push((column.name.clone(), check));
        }
    }
    for (column, check) in filled {
        let check_name = free_name(name, &column, before, after);
        after.checks.insert(check_name, check);
    }
}

/// A name for the CHECK that stands in for NOT NULL, which no constraint has on either side. It is not
/// the one that PostgreSQL 18 gives to NOT NULL itself.
fn free_name(name: &QualifiedName, column: &str, before: &Table, after: &Table) -> String {
    let is_taken = |constraint: &str| {
        [before, after].iter().any(|table| {
            table.checks.contains_key(constraint)
                || table.uniques.contains_key(constraint)
                || table.foreign_keys.contains_key(constraint)
                || table.exclusions.contains_key(constraint)
                || table
                    .primary_key
                    .as_ref()
                    .is_some_and(|key| key.name == constraint)
        })
    };
    let numbered = (1..).map(|number| object_name(&name.name, column, &format!("filled{number}")));
    std::iter::once(object_name(&name.name, column, "filled"))
        .chain(numbered)
        .find(|constraint| !is_taken(constraint))
        .unwrap_or_default()
}

/// The indexes that are to be built while others write: new ones, changed ones, and those of new
/// unique constraints and primary keys.
fn pending_indexes(before: &Table, after: &Table) -> Vec<(String, Index)> {
    let columns = Columns::of(before, after);
    let mut pending: Vec<(String, Index)> = indexes::new_in(before, after)
        .into_iter()
        .map(|index| (index.to_owned(), after.indexes[index].clone()))
        .collect();
    let is_there = |name: &str| constraints::is_attached(before, after, name);
    for (name, unique) in &after.uniques {
        let stays = before.uniques.get(name) == Some(unique) && !columns.move_key(&unique.columns);
        if !stays && !is_there(name) {
            pending.push((name.clone(), index_of(unique)));
        }
    }
    if let Some(key) = &after.primary_key {
        let stays = before.primary_key.as_ref() == Some(key) && !columns.move_key(&key.columns);
        if !stays && !is_there(&key.name) {
            pending.push((key.name.clone(), index_of(&constraints::of_key(key))));
        }
    }
    pending
}

/// `to`, but for foreign keys that cannot be validated in the transaction that adds them.
fn settled(before: &Schema, to: &Schema) -> Schema {
    let mut settled = to.clone();
    for (name, after) in &mut settled.tables {
        let Some(old) = before.tables.get(name) else {
            continue;
        };
        if after.partition_by.is_some() {
            continue;
        }
        for (key, definition) in &mut after.foreign_keys {
            let is_there = old.foreign_keys.contains_key(key);
            definition.not_valid =
                !is_there || foreign_keys::rests_on_change(before, to, name, definition);
        }
    }
    settled
}

struct Stages<'a> {
    at: Schema,
    done: Vec<Migration>,
    settings: &'a Settings,
}

impl Stages<'_> {
    /// One transaction to another schema, where it takes one at all.
    fn to(&mut self, next: Schema, moves: &Moves) {
        if moves.is_empty() && next == self.at {
            return;
        }
        let up = transit(&self.at, &next, moves);
        let down = transit(&next, &self.at, &moves.inverted());
        if !(up.is_empty() && down.is_empty()) {
            self.push(false, up, down, next);
        }
    }

    fn drop_index(&mut self, name: &QualifiedName, index: &str, definition: &Index) {
        let mut next = self.at.clone();
        if let Some(table) = next.tables.get_mut(name) {
            table.indexes.remove(index);
        }
        let up = self.alone(name, indexes::drop_concurrently(name, index));
        let down = self.alone(name, indexes::create_concurrently(name, index, definition));
        self.push(true, up, down, next);
    }

    fn create_index(&mut self, name: &QualifiedName, index: &str, definition: &Index) {
        let mut next = self.at.clone();
        if let Some(table) = next.tables.get_mut(name) {
            table.indexes.insert(index.to_owned(), definition.clone());
        }
        let up = self.alone(name, indexes::create_concurrently(name, index, definition));
        let down = self.alone(name, indexes::drop_concurrently(name, index));
        self.push(true, up, down, next);
    }

    fn alone(&self, name: &QualifiedName, step: Step) -> Plan {
        let mut plan = Plan::default();
        let title = self.at.tables.get(name).map_or("", |table| &table.source);
        plan.group(title).push(step);
        plan
    }

    fn push(&mut self, no_transaction: bool, up: Plan, down: Plan, next: Schema) {
        let script = |plan| Script {
            no_transaction,
            plan,
            settings: self.settings.clone(),
        };
        self.done.push(Migration {
            up: script(up),
            down: script(down),
            schema: next.clone(),
        });
        self.at = next;
    }
}
