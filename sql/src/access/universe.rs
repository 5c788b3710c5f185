//! The values that the terms of two predicates take: every order to each other and to the literals that they are
//! compared with.

use std::collections::BTreeSet;

use super::group::{Group, collect};
use super::node::Node;
use super::parse::{Atom, Terms};
use super::undecided::Undecided;
use crate::ident::quote;

/// A value, as far as comparisons tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// Where it stands among the values that it is compared with.
    Rank(usize),
}

/// A longer text is no name for anything.
const LONGEST: usize = 60;

pub(super) const FALSE: usize = 0;
pub(super) const TRUE: usize = 1;

impl Value {
    /// The empty text, which no text is less than.
    pub(super) const EMPTY: Value = Value::Rank(0);

    pub(super) fn rank(self) -> Option<usize> {
        match self {
            Value::Null => None,
            Value::Rank(rank) => Some(rank),
        }
    }
}

/// Every value of every term.
pub(super) struct Universe {
    /// By the place of the term; one value for a literal, and for what is not compared.
    values: Vec<Vec<Value>>,
    groups: Vec<Group>,
}

struct Search<'a, F> {
    universe: &'a Universe,
    chosen: Vec<Option<Value>>,
    left: usize,
    may_be: F,
}

impl<F: Fn(&[Option<Value>]) -> bool> Search<'_, F> {
    /// Finds values for the terms before a place, where those behind it have theirs.
    fn choose(&mut self, before: usize) -> Result<bool, Undecided> {
        self.left = self.left.checked_sub(1).ok_or(Undecided::TooMany)?;
        if !(self.may_be)(&self.chosen) {
            return Ok(false);
        }
        let Some(term) = before.checked_sub(1) else {
            return Ok(true);
        };
        let universe = self.universe;
        for value in &universe.values[term] {
            if universe.is_repeated(&self.chosen, term, *value) {
                continue;
            }
            self.chosen[term] = Some(*value);
            if self.choose(term)? {
                return Ok(true);
            }
            self.chosen[term] = None;
        }
        Ok(false)
    }
}

impl Universe {
    /// `Err` where the order of the literals is not known from their texts.
    pub(super) fn of(terms: &Terms, nodes: [&Node; 2]) -> Result<Universe, Undecided> {
        let mut groups = Vec::new();
        for node in nodes {
            collect(node, &mut groups);
        }
        let mut values = vec![vec![Value::Null]; terms.atoms.len()];
        for group in &mut groups {
            let is_settled = group.settle(terms);
            is_settled.ok_or_else(|| Undecided::Compared(names(group, terms)))?;
            group.fill(terms, &mut values);
        }
        Ok(Universe { values, groups })
    }

    /// The first choice of a value for each term that may not be given up, tried term by term: what cannot come true any
    /// more, whatever the terms without a value are, is given up. `Err` where that took more than so many trials.
    pub(super) fn search(
        &self,
        most: usize,
        may_be: impl Fn(&[Option<Value>]) -> bool,
    ) -> Result<Option<Vec<Value>>, Undecided> {
        let mut search = Search {
            universe: self,
            chosen: vec![None; self.values.len()],
            left: most,
            may_be,
        };
        let is_found = search.choose(self.values.len())?;
        Ok(is_found.then(|| search.chosen.into_iter().flatten().collect()))
    }

    /// Whether a value is another name for one that has been tried: where nobody asks for the order, the values that
    /// are no literals are alike.
    fn is_repeated(&self, chosen: &[Option<Value>], term: usize, value: Value) -> bool {
        let group = self.groups.iter().find(|group| group.terms.contains(&term));
        let (Some(group), Some(rank)) = (group.filter(|group| !group.is_ordered), value.rank())
        else {
            return false;
        };
        let is_chosen = |point: &usize| {
            let mut values = group.terms.iter().filter_map(|term| chosen[*term]);
            values.any(|value| value == Value::Rank(*point))
        };
        let mut earlier = group.points.iter().take_while(|point| **point != rank);
        group.points.contains(&rank) && !earlier.all(is_chosen)
    }

    /// One choice of values in words: what the row holds, and what else there is. A value that has no other name is
    /// a letter, the earlier one for the smaller.
    pub(super) fn words(&self, terms: &Terms, values: &[Value]) -> String {
        let mut unnamed = BTreeSet::new();
        for (at, group) in self.groups.iter().enumerate() {
            let ranks = group.terms.iter().filter_map(|term| values[*term].rank());
            let ranks = ranks.filter(|rank| group.word(*rank).is_none());
            unnamed.extend(ranks.map(|rank| (at, rank)));
        }
        let letter = |at, rank| {
            let place = unnamed.iter().position(|it| *it == (at, rank));
            let place = place.and_then(|place| u8::try_from(place).ok());
            match place.filter(|place| *place < 26) {
                Some(place) => char::from(b'A' + place).to_string(),
                None => "another value".to_owned(),
            }
        };
        let (mut row, mut around) = (Vec::new(), Vec::new());
        for (at, group) in self.groups.iter().enumerate() {
            for &term in &group.terms {
                let (name, place) = match &terms.atoms[term] {
                    Atom::Column(at) => (terms.columns[*at].name.clone(), &mut row),
                    Atom::Opaque(text) => (name(text, group.is_truth), &mut around),
                    _ => continue,
                };
                place.push(match values[term].rank() {
                    None => format!("{name} is null"),
                    Some(rank) => {
                        let word = group.word(rank).unwrap_or_else(|| letter(at, rank));
                        format!("{name} = {word}")
                    }
                });
            }
        }
        row.sort();
        around.sort();
        let row = match row.is_empty() {
            true => "any row".to_owned(),
            false => format!("the row ({})", row.join(", ")),
        };
        match around.is_empty() {
            true => row,
            false => format!("{row} for ({})", around.join(", ")),
        }
    }
}

/// What a group compares, its literals apart, as far as that is said in a few words.
fn names(group: &Group, terms: &Terms) -> Vec<String> {
    let names = group
        .terms
        .iter()
        .filter_map(|term| match &terms.atoms[*term] {
            Atom::Column(at) => Some(quote(&terms.columns[*at].name).into_owned()),
            Atom::Opaque(text) => Some(name(text, false)),
            _ => None,
        });
    names.filter(|name| name.len() <= LONGEST).collect()
}

/// What a text is called: the setting or claim that it reads, or itself.
fn name(text: &str, is_truth: bool) -> String {
    let claim = text
        .split_once("auth . jwt ( ) ) -> ")
        .or_else(|| text.split_once("auth . jwt ( ) ) ->> "))
        .and_then(|(_, rest)| rest.split_once(" as given"));
    if let (Some((path, _)), false) = (claim, is_truth) {
        return path
            .replace(" ->> ", ".")
            .replace(" -> ", ".")
            .replace(" :: text", "")
            .replace('\'', "");
    }
    let setting = text
        .split_once("current_setting ( '")
        .and_then(|(_, rest)| rest.split_once('\''));
    if let (Some((setting, _)), false) = (setting, is_truth) {
        return setting.to_owned();
    }
    let mut name = text.replace("( ", "(").replace(" )", ")");
    for (spaced, close) in [(" . ", "."), (" , ", ", "), (" :: ", "::"), (" (", "(")] {
        name = name.replace(spaced, close);
    }
    name
}
