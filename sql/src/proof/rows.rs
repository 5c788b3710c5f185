//! The rows that commands are tried on: of one tenant, of another one, of the empty text, and one more for each value
//! that a policy tells apart.

use std::collections::{BTreeMap, BTreeSet};

use super::cases::NO_TEXT;
use super::literals::literals;
use super::looked_up::{looks_at_itself, read_by_others};
use super::out::Values;
use super::values;
use crate::ident::{quote, quote_literal};
use crate::schema::{Column, Expr, Generated, IndexKey, QualifiedName, Table, Type};

/// How many rows there are beside those of the tenants.
const MOST: usize = 8;

/// A row that is entered, found again, and made of another one.
pub(super) struct Row {
    label: String,
    tenant: Option<&'static str>,
    is_row: String,
    entry: String,
    contents: Option<String>,
    moves: bool,
}

impl Row {
    pub(super) fn write(&self, values: &mut Values<'_>) {
        values.text(&self.label);
        values.text_or_null(self.tenant);
        values.text(&self.is_row);
        values.below(Some(&self.entry));
        values.text_or_null(self.contents.as_deref());
        values.is(self.moves);
    }
}

/// The columns that the policies of a table read.
pub(super) fn read_by_policies(table: &Table) -> BTreeSet<String> {
    let exprs = exprs(table);
    let columns = exprs.values().flat_map(|expr| expr.columns.iter().cloned());
    columns.collect()
}

/// What the policies of a table say, each text once.
pub(super) fn exprs(table: &Table) -> BTreeMap<&str, &Expr> {
    let policies = table.rls.policies().values();
    policies
        .flat_map(|policy| policy.using.iter().chain(&policy.check))
        .map(|expr| (expr.sql.as_str(), expr))
        .collect()
}

/// The rows of a table.
pub(super) fn rows(
    lookups: &[(&QualifiedName, &Expr)],
    name: &QualifiedName,
    table: &Table,
    is_short: bool,
) -> Vec<Row> {
    let mut read = read_by_policies(table);
    read.extend(read_by_others(lookups, name, table));
    // What such a column is made of; whose row that makes it, only the server can say.
    let computed = || {
        table
            .columns
            .iter()
            .filter(|column| read.contains(&column.name))
    };
    let made_of: Vec<&Expr> = computed().filter_map(|it| it.computed.as_ref()).collect();
    let is_computed = !made_of.is_empty();
    let made_of: Vec<String> = made_of
        .iter()
        .flat_map(|expr| expr.columns.iter().cloned())
        .collect();
    read.extend(made_of);
    let maker = Maker {
        name,
        table,
        read,
        keys: keys(table),
        said: exprs(table),
        is_short,
    };
    let mut rows = maker.rows();
    if is_computed {
        rows.iter_mut().for_each(|row| row.tenant = None);
    }
    rows
}

/// The columns of each key by which rows are told apart.
fn keys(table: &Table) -> Vec<Vec<String>> {
    let primary = table.primary_key.iter().map(|key| key.columns.clone());
    let uniques = table.uniques.values().map(|unique| unique.columns.clone());
    let indexes = table.indexes.values().filter(|index| index.unique);
    let indexes = indexes.map(|index| {
        let columns = index.columns.iter().flat_map(|column| match &column.key {
            IndexKey::Name(name) => vec![name.clone()],
            IndexKey::Expression(expr) => expr.columns.iter().cloned().collect(),
        });
        columns.collect()
    });
    primary.chain(uniques).chain(indexes).collect()
}

struct Maker<'a> {
    name: &'a QualifiedName,
    table: &'a Table,
    read: BTreeSet<String>,
    keys: Vec<Vec<String>>,
    /// What the policies say, each text once.
    said: BTreeMap<&'a str, &'a Expr>,
    is_short: bool,
}

/// What a row holds: columns with their values as SQL, in the order of the table.
type Held<'a> = Vec<(&'a Column, String)>;

impl<'a> Maker<'a> {
    fn rows(&self) -> Vec<Row> {
        if self.read.is_empty() {
            let held = self.held(1, |column| values::fitting(column, self.table));
            return vec![self.row("a row".to_owned(), None, &held)];
        }
        let mut made: Vec<(String, Option<&'static str>, Held<'a>)> = Vec::new();
        let a = |column: &Column| self.side(column, 0);
        let b = |column: &Column| self.side(column, 1);
        made.push(("row of tenant A".into(), Some("A"), self.held(1, a)));
        made.push(("row of tenant B".into(), Some("B"), self.held(2, b)));
        let columns = || self.table.columns.iter();
        for (tenant, words) in self.texts() {
            let literal = quote_literal(tenant);
            let holds = |column: &Column| {
                self.may_be_empty(column) && values::has_room(&column.ty, &literal)
            };
            if !columns().any(holds) {
                continue;
            }
            let held = self.held(made.len() + 1, |column| match holds(column) {
                true => Some(literal.clone()),
                false => self.side(column, 0),
            });
            // A column of another type still says tenant A.
            let is_all = columns().all(|column| !self.is_read(column) || holds(column));
            // Any other key that lets it not in is dropped while the tests run.
            let found_by = self.keys.first();
            let is_found = made.iter().any(|(_, _, before)| {
                found_by.is_some_and(|key| key.iter().all(|name| same(before, &held, name)))
            });
            if !is_found {
                made.push((words.to_owned(), is_all.then_some(tenant), held));
            }
        }
        if looks_at_itself(self.name, self.table) {
            // Somebody else who belongs to what tenant A does.
            let own = read_by_policies(self.table);
            let held = self.held(made.len() + 1, |column| {
                self.side(column, usize::from(!own.contains(&column.name)))
            });
            if made.iter().all(|(_, _, before)| !self.clash(before, &held)) {
                made.push(("row of tenant A, found by tenant B".into(), None, held));
            }
        }
        for column in columns().filter(|column| self.is_read(column)) {
            for other in self.others(column) {
                let number = made.len() + 1;
                let held = self.held(number, |one| match one.name == column.name {
                    true => Some(other.clone()),
                    false => self.side(one, 0),
                });
                let is_new = made.iter().all(|(_, _, before)| !self.clash(before, &held));
                if is_new && made.len() < MOST + 2 + self.texts().len() {
                    let label = format!("row of tenant A with {} = {other}", quote(&column.name));
                    made.push((label, None, held));
                }
            }
        }
        let made = made.into_iter();
        made.map(|(label, tenant, held)| self.row(label, tenant, &held))
            .collect()
    }

    /// Whose rows are nobody's, with the words for them: of the empty text, and of one that a claim has which is no text.
    fn texts(&self) -> Vec<(&'static str, &'static str)> {
        let mut texts = vec![("", "row of the empty text")];
        if self.said.keys().any(|sql| sql.contains("auth.jwt()")) {
            texts.push((NO_TEXT, "row of the text {}"));
        }
        texts
    }

    fn is_read(&self, column: &Column) -> bool {
        self.read.contains(&column.name) && is_settable(column)
    }

    fn may_be_empty(&self, column: &Column) -> bool {
        let is_text = match &column.ty {
            Type::Text | Type::Varchar(_) | Type::Char(_) => true,
            Type::Named(name) => name == "citext",
            _ => false,
        };
        is_text && self.is_read(column) && values::listed(column, self.table).is_none()
    }

    /// What a column that policies read holds for a tenant.
    fn side(&self, column: &Column, side: usize) -> Option<String> {
        if let Some(listed) = values::listed(column, self.table) {
            return listed.get(side).or(listed.first()).cloned();
        }
        match values::sides(&column.ty, self.is_short) {
            Some(sides) => Some(values::literal(&column.ty, &sides[side])),
            None => values::fitting(column, self.table),
        }
    }

    /// Other values that a policy may tell apart.
    fn others(&self, column: &Column) -> Vec<String> {
        let mut others = Vec::new();
        if let Some(listed) = values::listed(column, self.table) {
            others.extend(listed);
        } else if column.ty == Type::Bool {
            others.push("false".to_owned());
        } else if matches!(
            column.ty,
            Type::Date | Type::Timestamp(_) | Type::Timestamptz(_)
        ) {
            others.extend(["'-infinity'".to_owned(), "'infinity'".to_owned()]);
        }
        let mut compared = self.compared(column);
        compared.retain(|literal| values::has_room(&column.ty, literal));
        others.extend(compared);
        if column.nullable {
            others.push("null".to_owned());
        }
        let own = self.side(column, 0);
        let mut seen = BTreeSet::new();
        others.retain(|other| {
            Some(other) != own.as_ref() && other != "''" && seen.insert(other.clone())
        });
        others
    }

    /// The literals that policies compare a column with, and the integers beside them.
    fn compared(&self, column: &Column) -> Vec<String> {
        let mut found = Vec::new();
        let name = format!("{} ", quote(&column.name));
        for sql in self.said.keys() {
            for (at, _) in sql.match_indices(&name) {
                let rest = &sql[at + name.len()..];
                let operators = ["= ", "<> ", "<= ", "< ", ">= ", "> ", "in ("];
                let mut operators = operators.iter();
                if let Some(rest) = operators.find_map(|operator| rest.strip_prefix(operator)) {
                    found.extend(literals(rest));
                }
            }
        }
        found
    }

    /// A row with the numbered values of keys, and what policies read from `read`.
    fn held(&self, number: usize, read: impl Fn(&Column) -> Option<String>) -> Held<'a> {
        let value = |column: &Column| {
            if column.computed.is_some() {
                return None;
            }
            let in_key = self.keys.iter().flatten().any(|name| *name == column.name);
            if self.is_read(column) {
                return read(column);
            }
            if column.generated.is_some() || in_key {
                return values::distinct(&column.ty, number)
                    .or_else(|| values::fitting(column, self.table));
            }
            values::fitting(column, self.table)
        };
        let columns = self.table.columns.iter();
        columns
            .filter_map(|column| Some((column, value(column)?)))
            .collect()
    }

    /// Whether a key lets only one of the rows in.
    fn clash(&self, one: &Held<'_>, other: &Held<'_>) -> bool {
        let same = |name: &String| same(one, other, name);
        self.keys.iter().any(|key| key.iter().all(same)) || (self.keys.is_empty() && one == other)
    }

    fn row(&self, label: String, tenant: Option<&'static str>, held: &Held<'_>) -> Row {
        let primary = self.keys.first();
        let is_key = |column: &Column| primary.is_none_or(|key| key.contains(&column.name));
        let found: Vec<String> = held
            .iter()
            .filter(|(column, _)| is_key(column))
            .map(|(column, value)| match value.as_str() {
                "null" => format!("{} is null", quote(&column.name)),
                value => format!("{} = {value}", quote(&column.name)),
            })
            .collect();
        let names: Vec<_> = held.iter().map(|(column, _)| quote(&column.name)).collect();
        let all: Vec<&str> = held.iter().map(|(_, value)| value.as_str()).collect();
        let overriding = held
            .iter()
            .any(|(column, _)| column.generated == Some(Generated::IdentityAlways));
        let entry = format!(
            "insert into {} ({}){} values ({})",
            self.name,
            names.join(", "),
            if overriding {
                " overriding system value"
            } else {
                ""
            },
            all.join(", ")
        );
        let settable = || held.iter().filter(|(column, _)| is_settable(column));
        let mut contents: Vec<String> = settable()
            .filter(|(column, _)| self.read.contains(&column.name))
            .map(assignment)
            .collect();
        if contents.is_empty() {
            let plain = settable()
                .find(|(column, _)| !is_key(column))
                .or(settable().next());
            contents.extend(plain.map(assignment));
        }
        let moves = !self.read.is_empty()
            && self
                .read
                .iter()
                .all(|name| self.table.column(name).is_some_and(is_settable));
        Row {
            label,
            tenant,
            is_row: found.join(" and "),
            entry,
            contents: (!contents.is_empty()).then(|| contents.join(", ")),
            moves,
        }
    }
}

/// Whether two rows hold the same in a column.
fn same(one: &Held<'_>, other: &Held<'_>, name: &str) -> bool {
    let value = |held: &Held<'_>| {
        let mut held = held.iter();
        held.find(|(column, _)| column.name == *name)
            .map(|(_, value)| value.clone())
    };
    value(one) == value(other)
}

fn assignment((column, value): &(&Column, String)) -> String {
    format!("{} = {value}", quote(&column.name))
}

/// Whether an update may give it any value.
fn is_settable(column: &Column) -> bool {
    column.computed.is_none() && column.generated != Some(Generated::IdentityAlways)
}
