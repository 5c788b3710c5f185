//! What a predicate's text says, as far as rules need it: comparisons under AND and OR.

mod compared;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::file::tokens;
use crate::ident;
use crate::schema::{Command, Expr, Policy, Table};
pub(super) use compared::{Compared, With};

/// What was read, by its text: most tables of a schema say the same of their tenants.
#[derive(Default)]
pub(super) struct Known(RefCell<BTreeMap<String, Rc<Read>>>);

/// An expression, read.
pub(super) struct Read {
    pub(super) said: Said,
    /// The columns that it demands to equal what the session says.
    pub(super) equals: Vec<Equal>,
    /// The same for each way in which a row may come in.
    pub(super) ways: Vec<Vec<Equal>>,
}

impl Known {
    pub(super) fn read(&self, expr: &Expr) -> Rc<Read> {
        if let Some(known) = self.0.borrow().get(&expr.sql) {
            return known.clone();
        }
        let said = Said::of(expr);
        let read = Rc::new(Read {
            equals: Equal::all(&said),
            ways: said.ways().into_iter().map(Equal::all).collect(),
            said,
        });
        self.0.borrow_mut().insert(expr.sql.clone(), read.clone());
        read
    }
}

/// A condition.
pub(super) enum Said {
    And(Vec<Said>),
    Or(Vec<Said>),
    /// Neither: the words of it; what is not quoted is in lower case.
    Atom(Vec<String>),
}

impl Said {
    pub(super) fn of(expr: &Expr) -> Said {
        let words = tokens(&expr.sql).unwrap_or_default().into_iter();
        let words = words.map(|word| match word.starts_with(['"', '\'', '$']) {
            true => word.to_owned(),
            false => word.to_ascii_lowercase(),
        });
        Said::read(&words.collect::<Vec<_>>())
    }

    pub(super) fn read(words: &[String]) -> Said {
        let words = without_parentheses(words);
        for (word, join) in [
            ("or", Said::Or as fn(Vec<Said>) -> Said),
            ("and", Said::And),
        ] {
            let parts = split(words, word);
            if parts.len() > 1 {
                return join(parts.into_iter().map(Said::read).collect());
            }
        }
        Said::Atom(words.to_vec())
    }

    /// What has to hold for every row: itself, or each side of its ANDs.
    pub(super) fn demands(&self) -> Vec<&[String]> {
        match self {
            Said::And(parts) => parts.iter().flat_map(Said::demands).collect(),
            Said::Or(_) => Vec::new(),
            Said::Atom(words) => vec![words],
        }
    }

    /// The ways in which a row may come in, of which each by itself needs an index.
    pub(super) fn ways(&self) -> Vec<&Said> {
        match self {
            Said::Or(parts) => parts.iter().flat_map(Said::ways).collect(),
            said => vec![said],
        }
    }
}

/// A column that equals what the session says, and the text that says it.
pub(super) struct Equal {
    pub(super) column: String,
    pub(super) session: String,
}

impl Equal {
    /// Reads `column = …`, either way round.
    pub(super) fn read(words: &[String]) -> Option<Equal> {
        let at = top_level(words).find(|&at| words[at] == "=")?;
        let (left, right) = (&words[..at], &words[at + 1..]);
        let sides = [(left, right), (right, left)];
        sides.into_iter().find_map(|(own, other)| {
            let column = column(own)?;
            reads_session(other).then(|| Equal {
                column,
                session: other.join(" "),
            })
        })
    }

    /// The columns that a condition demands to equal what the session says.
    pub(super) fn all(said: &Said) -> Vec<Equal> {
        let demands = said.demands().into_iter();
        demands.filter_map(Equal::read).collect()
    }
}

/// Each permissive policy that lets somebody write, with what it says of the new row.
pub(super) fn writers<'a>(known: &Known, table: &'a Table) -> Vec<(&'a Policy, Rc<Read>)> {
    let policies = permissive(table).filter(|(_, policy)| {
        let mut commands = policy.commands().iter();
        commands.any(|command| matches!(command, Command::Insert | Command::Update))
    });
    let read =
        policies.filter_map(|(_, policy)| Some((policy, known.read(policy.check.as_ref()?))));
    read.collect()
}

/// The columns that confine what some roles see of a table: those that every policy by which they read demands to
/// equal what the session says. What is told of other rows, they did not know.
pub(super) fn sight(known: &Known, table: &Table, roles: &BTreeSet<String>) -> BTreeSet<String> {
    let selects = permissive(table).filter(|(_, policy)| {
        policy.commands().contains(&Command::Select) && !policy.roles.is_disjoint(roles)
    });
    let pinned = selects.filter_map(|(_, policy)| {
        let read = known.read(policy.using.as_ref()?);
        let columns = read.equals.iter().map(|equal| equal.column.clone());
        Some(columns.collect::<BTreeSet<String>>())
    });
    let every = pinned.reduce(|one, other| one.intersection(&other).cloned().collect());
    every.unwrap_or_default()
}

/// The columns that hold a tenant, each with the texts that say who that is.
pub(super) fn tenants(known: &Known, table: &Table) -> BTreeMap<String, BTreeSet<String>> {
    let mut tenants: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, policy) in permissive(table) {
        for expr in policy.using.iter().chain(&policy.check) {
            for Equal { column, session } in &known.read(expr).equals {
                let texts = tenants.entry(column.clone()).or_default();
                texts.insert(session.clone());
            }
        }
    }
    tenants
}

/// The policies that let somebody in.
pub(super) fn permissive(table: &Table) -> impl Iterator<Item = (&String, &Policy)> {
    let policies = table.rls.policies().iter();
    policies.filter(|(_, policy)| !policy.restrictive)
}

/// Whether a role that policies hold for reads or touches rows that are there.
pub(super) fn is_read(table: &Table) -> bool {
    permissive(table).any(|(_, policy)| policy.using.is_some())
}

fn reads_session(words: &[String]) -> bool {
    let mut pairs = words.windows(2);
    words.iter().any(|word| word == "current_setting")
        || pairs.any(|pair| pair[0] == "auth" && pair[1] == ".")
}

/// The name of a column, alone or behind its table's.
fn column(words: &[String]) -> Option<String> {
    let name = match without_parentheses(words) {
        [name] => name,
        [_, dot, name] if dot == "." => name,
        _ => return None,
    };
    if name.starts_with('"') {
        return ident::unquote(name).map(|(name, _)| name);
    }
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    is_name.then(|| name.clone())
}

pub(super) fn without_parentheses(mut words: &[String]) -> &[String] {
    while let [first, inner @ .., last] = words
        && first == "("
        && last == ")"
        && !closes_within(inner)
    {
        words = inner;
    }
    words
}

/// Whether a parenthesis from outside closes among the words: `a) and (b`.
fn closes_within(words: &[String]) -> bool {
    let mut depth = 0_i32;
    words.iter().any(|word| {
        depth += step(word);
        depth < 0
    })
}

fn step(word: &str) -> i32 {
    match word {
        "(" | "[" | "case" => 1,
        ")" | "]" | "end" => -1,
        _ => 0,
    }
}

/// The places of the words that no parentheses enclose.
fn top_level(words: &[String]) -> impl Iterator<Item = usize> + '_ {
    let mut depth = 0_i32;
    words.iter().enumerate().filter_map(move |(at, word)| {
        let before = depth;
        depth += step(word);
        (before == 0 && depth == 0).then_some(at)
    })
}

/// The parts between a word at the top level; the AND of a BETWEEN does not count.
fn split<'a>(words: &'a [String], by: &str) -> Vec<&'a [String]> {
    let mut parts = Vec::new();
    let (mut start, mut is_between) = (0, false);
    for at in top_level(words) {
        if words[at] == "between" {
            is_between = true;
        } else if words[at] == "and" && is_between {
            is_between = false;
        } else if words[at] == by {
            parts.push(&words[start..at]);
            start = at + 1;
        }
    }
    parts.push(&words[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equals(sql: &str) -> Vec<String> {
        let said = Said::of(&Expr::new(sql, [""; 0]));
        let equals = Equal::all(&said).into_iter();
        equals.map(|equal| equal.column).collect()
    }

    #[test]
    fn a_column_that_equals_what_the_session_says() {
        let setting = "(select current_setting('app.x', true))";
        for (sql, columns) in [
            (format!("shop = {setting} and shop > ''"), &["shop"][..]),
            (format!("({setting} = \"Shop\")"), &["Shop"]),
            (format!("note.Shop = {setting}"), &["shop"]),
            ("user_id = (select auth.uid())".to_owned(), &["user_id"]),
            (
                format!("a = {setting} and (n between 1 and 2 and b = {setting})"),
                &["a", "b"],
            ),
            (
                format!("shop = any (array(select m.shop from public.m m where m.u = {setting}))"),
                &["shop"],
            ),
            (
                format!("a = case when {setting} between 1 and 2 then {setting}::bigint end"),
                &["a"],
            ),
            (format!("(a = 1) and (b = {setting})"), &["b"]),
            (format!("a = {setting} or b"), &[]),
            (format!("not (a = {setting})"), &[]),
            (format!("lower(a) = {setting}"), &[]),
            ("a = 'current_setting'".to_owned(), &[]),
            (format!("a <= {setting}"), &[]),
        ] {
            assert_eq!(equals(&sql), columns, "{sql}");
        }
    }

    #[test]
    fn each_way_in() {
        let said = Said::of(&Expr::new("a = 1 and b or (c or d and (e or f))", [""; 0]));
        assert_eq!(said.ways().len(), 3);
    }
}
