//! Random changes of a schema, with the renames that attributes would state.

mod access;
mod columns;
mod constraints;
mod sealed;
mod tables;
mod under;

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{Column, QualifiedName, Renames, Schema, Table};

use crate::dice::Dice;

/// A schema that changes, and where its tables and columns come from.
pub(crate) struct Editor {
    pub(crate) schema: Schema,
    before: Schema,

    /// By the present name of a table, the first one.
    tables: BTreeMap<QualifiedName, QualifiedName>,
    /// By the present name of a table, the first names of its columns by the present ones.
    columns: BTreeMap<QualifiedName, BTreeMap<String, String>>,
    /// What was done, for the report of a failure.
    pub(crate) done: Vec<String>,
}

impl Editor {
    pub(crate) fn new(schema: &Schema) -> Self {
        let columns = |table: &Table| -> BTreeMap<String, String> {
            let names = table.columns.iter().map(|column| column.name.clone());
            names.map(|name| (name.clone(), name)).collect()
        };
        Editor {
            schema: schema.clone(),
            before: schema.clone(),

            tables: schema
                .tables
                .keys()
                .map(|name| (name.clone(), name.clone()))
                .collect(),
            columns: schema
                .tables
                .iter()
                .map(|(name, t)| (name.clone(), columns(t)))
                .collect(),
            done: Vec::new(),
        }
    }

    /// One change, where the schema has something to change so.
    pub(crate) fn change(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let before = self.schema.clone();
        // By choices of their own, so that what earlier cases were made of stays what it was.
        let mut others = Dice::new(!seed);
        let what = match dice.below(10) {
            _ if others.one_in(10) => constraints::enumeration(self, &mut others),
            _ if others.one_in(10) => constraints::exchange(self, &mut others),
            _ if others.one_in(20) => tables::parted(self, &mut others),
            _ if others.one_in(20) => constraints::promote(self, &mut others),
            _ if others.one_in(6) => under::change(self, &mut others),
            0 | 1 => tables::change(self, &mut dice),
            2..=5 => columns::change(self, &mut dice),
            6 | 7 => constraints::change(self, &mut dice),
            _ => access::change(self, &mut dice),
        };
        crate::repair::repair(&mut self.schema);
        if self.schema != before {
            self.done.push(what.to_owned());
        }
    }

    /// One change of those that come after others are sealed.
    pub(crate) fn change_more(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        if !dice.one_in(2) {
            return self.change(seed);
        }
        let before = self.schema.clone();
        let what = sealed::change(self, &mut dice);
        crate::repair::repair(&mut self.schema);
        if self.schema != before {
            self.done.push(what.to_owned());
        }
    }

    /// A table at random.
    pub(super) fn any_table(&self, dice: &mut Dice) -> Option<QualifiedName> {
        dice.any(&crate::generate::tables(&self.schema))
    }

    /// The table of that name, which is there.
    pub(super) fn table(&mut self, name: &QualifiedName) -> &mut Table {
        self.schema.tables.get_mut(name).expect("the table")
    }

    /// A column at random that answers a question.
    pub(super) fn any_column(
        &self,
        name: &QualifiedName,
        dice: &mut Dice,
        is: impl Fn(&Column) -> bool,
    ) -> Option<Column> {
        dice.any(&crate::generate::columns_that(
            &self.schema.tables[name],
            is,
        ))
    }

    /// The column of that name, which is there.
    pub(super) fn column(&mut self, table: &QualifiedName, column: &str) -> &mut Column {
        let columns = &mut self.table(table).columns;
        columns
            .iter_mut()
            .find(|c| c.name == column)
            .expect("the column")
    }

    /// Whether rows hold a value for the column before the change.
    pub(super) fn is_old(&self, table: &QualifiedName, column: &str) -> bool {
        self.columns
            .get(table)
            .is_some_and(|columns| columns.contains_key(column))
    }

    /// The column as it was at first.
    pub(super) fn first(&self, table: &QualifiedName, column: &str) -> Option<&Column> {
        let name = self.columns.get(table)?.get(column)?;
        self.before
            .tables
            .get(self.tables.get(table)?)?
            .column(name)
    }

    pub(super) fn table_gone(&mut self, name: &QualifiedName) {
        self.tables.remove(name);
        self.columns.remove(name);
    }

    pub(super) fn column_gone(&mut self, table: &QualifiedName, column: &str) {
        if let Some(columns) = self.columns.get_mut(table) {
            columns.remove(column);
        }
    }

    pub(super) fn table_renamed(&mut self, old: &QualifiedName, new: &QualifiedName) {
        if let Some(first) = self.tables.remove(old) {
            self.tables.insert(new.clone(), first);
        }
        if let Some(columns) = self.columns.remove(old) {
            self.columns.insert(new.clone(), columns);
        }
    }

    pub(super) fn column_renamed(&mut self, table: &QualifiedName, old: &str, new: &str) {
        if let Some(columns) = self.columns.get_mut(table)
            && let Some(first) = columns.remove(old)
        {
            columns.insert(new.to_owned(), first);
        }
    }

    /// What the attributes say.
    pub(crate) fn renames(&self) -> Renames {
        let mut renames = Renames::default();
        for (new, old) in &self.tables {
            if new != old {
                renames.tables.entry(new.clone()).or_default().from = Some(old.clone());
            }
        }
        for (table, columns) in &self.columns {
            for (new, old) in columns.iter().filter(|(new, old)| new != old) {
                let hints = renames.tables.entry(table.clone()).or_default();
                hints.columns.insert(new.clone(), old.clone());
            }
        }
        renames
    }

    /// The tables and columns that go on in rows: by the present table and column, the first ones. A
    /// name that was given up and taken again is the same to whoever compares two schemas.
    pub(crate) fn origins(&self, before: &Schema) -> Origins {
        let moved: BTreeSet<&QualifiedName> = self
            .tables
            .iter()
            .filter(|(new, old)| new != old)
            .map(|(_, old)| old)
            .collect();
        let mut origins = Origins::new();
        for (name, table) in &self.schema.tables {
            let same = || {
                before
                    .tables
                    .get_key_value(name)
                    .filter(|(n, _)| !moved.contains(n))
            };
            let renamed = self.tables.get(name).cloned();
            let Some(old) = renamed.or_else(|| same().map(|(name, _)| name.clone())) else {
                continue;
            };
            let none = BTreeMap::new();
            let known = self.columns.get(name).unwrap_or(&none);
            let first: BTreeSet<&String> = known
                .iter()
                .filter(|(new, old)| new != old)
                .map(|(_, old)| old)
                .collect();
            let mut columns = BTreeMap::new();
            for column in &table.columns {
                let same = || {
                    let there = before.tables[&old].column(&column.name).is_some();
                    (there && !first.contains(&column.name)).then(|| column.name.clone())
                };
                if let Some(origin) = known.get(&column.name).cloned().or_else(same) {
                    columns.insert(column.name.clone(), origin);
                }
            }
            origins.insert(name.clone(), (old, columns));
        }
        origins
    }
}

/// By the present table, the first one, and the first columns by the present ones.
pub(crate) type Origins = BTreeMap<QualifiedName, (QualifiedName, BTreeMap<String, String>)>;
