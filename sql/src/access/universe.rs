//! The values that the terms of two predicates take: every order to each other and to the literals that they are
//! compared with.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;
use super::number::Number;
use super::parse::{Atom, Node, Term, Terms};

/// A value, as far as comparisons tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// Where it stands among the values that it is compared with.
    Rank(usize),
}

/// Between the ranks of two literals there is room for as many values.
const STEP: usize = 1_000;

const FALSE: usize = 0;
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

/// There are too many values to try them.
pub(super) struct Undecided;

struct Search<'a, F> {
    universe: &'a Universe,
    chosen: Vec<Option<Value>>,
    left: usize,
    may_be: F,
}

impl<F: Fn(&[Option<Value>]) -> bool> Search<'_, F> {
    /// Finds values for the terms before a place, where those behind it have theirs.
    fn choose(&mut self, before: usize) -> Result<bool, Undecided> {
        self.left = self.left.checked_sub(1).ok_or(Undecided)?;
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

/// Terms that are compared with each other.
#[derive(Default)]
struct Group {
    terms: BTreeSet<usize>,
    /// Whether anything asks which of two is greater.
    is_ordered: bool,
    is_truth: bool,
    has_empty: bool,
    /// The values of literals in their order, each once, the empty text left out.
    literals: Vec<Atom>,
    /// Of each term that is a literal where it stands.
    stated: BTreeMap<usize, Value>,
    /// The ranks beside those of literals.
    points: Vec<usize>,
}

impl Universe {
    /// `None` where the order of the literals is not known from their texts.
    pub(super) fn of(terms: &Terms, nodes: [&Node; 2]) -> Option<Universe> {
        let mut groups = Vec::new();
        for node in nodes {
            collect(node, &mut groups);
        }
        let mut values = vec![vec![Value::Null]; terms.atoms.len()];
        for group in &mut groups {
            group.settle(terms)?;
            group.fill(terms, &mut values);
        }
        Some(Universe { values, groups })
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

impl Group {
    /// Orders the literals and finds the ranks beside them.
    fn settle(&mut self, terms: &Terms) -> Option<()> {
        let atoms = || self.terms.iter().map(|term| &terms.atoms[*term]);
        let is_free = |atom: &&Atom| matches!(atom, Atom::Column(_) | Atom::Opaque(_));
        let is_bool = |atom: &Atom| matches!(atom, Atom::Bool(_));
        if self.is_truth || atoms().any(is_bool) {
            self.is_truth = true;
            let is_truth = |atom: &Atom| is_free(&atom) || is_bool(atom);
            return (atoms().all(is_truth) && !self.has_empty).then_some(());
        }
        let free = atoms().filter(is_free).count();
        let unknown = atoms().filter(is_free);
        let unknown = unknown
            .filter(|atom| Kind::of(atom, terms).is_none())
            .count();
        let kind = self.kind(terms)?;
        let mut literals = BTreeMap::new();
        for &term in &self.terms {
            let atom = &terms.atoms[term];
            if !is_free(&atom) {
                let value = Kind::value(kind.as_ref().filter(|_| unknown == 0), atom)?;
                // A text of a setting keeps the blanks that a `char(n)` has not.
                if kind == Some(Kind::Char) && free > 1 && value != *atom {
                    return None;
                }
                literals.insert(term, value);
            }
        }
        let is_empty = |atom: &Atom| matches!(atom, Atom::Text(text) if text == "''");
        self.has_empty |= literals.values().any(is_empty);
        let values = literals.values().filter(|value| !is_empty(value));
        let values: BTreeSet<Atom> = values.cloned().collect();
        let has_number = values.iter().any(|it| !matches!(it, Atom::Text(_)));
        let has_text = self.has_empty || values.iter().any(|it| matches!(it, Atom::Text(_)));
        // Two spellings may be one value, and the order of two texts is the collation's.
        let is_text = unknown == 0 && matches!(kind, None | Some(Kind::Text | Kind::Char));
        let count = values.len() + usize::from(self.has_empty && !is_text);
        let is_told = count <= 1 || (is_text && (values.len() <= 1 || !self.is_ordered));
        if has_text && (has_number || !is_told) {
            return None;
        }
        // What equals two things makes them equal only where all are of one type.
        let is_of_one_type = match kind {
            Some(Kind::Text) => unknown <= 1 && values.is_empty(),
            Some(Kind::Other(ref name)) => name.starts_with("Uuid"),
            _ => false,
        };
        if unknown > 0 && free > 1 && free + values.len() > 2 && !is_of_one_type {
            return None;
        }
        self.literals = values.into_iter().collect();
        let is_whole = self
            .literals
            .iter()
            .filter_map(number)
            .all(Number::is_whole);
        let is_integer = kind == Some(Kind::Integer) && unknown == 0 && is_whole;
        let first_gap = match self.is_ordered {
            true => 0,
            false => self.literals.len(),
        };
        for gap in first_gap..=self.literals.len() {
            let below = gap.checked_sub(1);
            let below = below.and_then(|at| number(&self.literals[at]));
            let room = match (below, self.literals.get(gap).and_then(number)) {
                (Some(below), Some(above)) if is_integer => below.between(above),
                _ => usize::MAX,
            };
            let points = (1..=free.min(room)).map(|point| gap * STEP + point);
            self.points.extend(points);
        }
        self.stated = literals
            .into_iter()
            .map(|(term, value)| match is_empty(&value) {
                true => (term, Value::EMPTY),
                false => {
                    let place = self.literals.iter().position(|it| *it == value);
                    (term, place.map_or(Value::Null, literal))
                }
            })
            .collect();
        Some(())
    }

    /// The type of what is compared, as far as it is known; `None` where there are several: between types equality may
    /// not be what it is within one.
    fn kind(&self, terms: &Terms) -> Option<Option<Kind>> {
        let atoms = || self.terms.iter().map(|term| &terms.atoms[*term]);
        let mut kinds: BTreeSet<Kind> = atoms().filter_map(|atom| Kind::of(atom, terms)).collect();
        let is_text_column = |atom: &Atom| {
            matches!(atom, Atom::Column(_)) && Kind::of(atom, terms) == Some(Kind::Text)
        };
        if kinds.contains(&Kind::Char) && !atoms().any(is_text_column) {
            kinds.remove(&Kind::Text);
        }
        (kinds.len() <= 1).then(|| kinds.pop_first())
    }

    fn fill(&self, terms: &Terms, values: &mut [Vec<Value>]) {
        let mut all: Vec<Value> = match self.is_truth {
            true => vec![Value::Rank(TRUE), Value::Rank(FALSE)],
            false => (0..self.literals.len()).map(literal).collect(),
        };
        all.extend(self.points.iter().copied().map(Value::Rank));
        if self.has_empty {
            all.push(Value::EMPTY);
        }
        for &term in &self.terms {
            values[term] = match &terms.atoms[term] {
                Atom::Bool(is) => vec![Value::Rank(usize::from(*is))],
                Atom::Number(_) | Atom::Real(_) | Atom::Float(_) | Atom::Text(_) => {
                    vec![self.stated.get(&term).copied().unwrap_or(Value::Null)]
                }
                Atom::Column(at) if !terms.columns[*at].nullable => all.clone(),
                Atom::Opaque(text) if text == "now ( )" => all.clone(),
                Atom::Column(_) | Atom::Opaque(_) => {
                    let mut all = all.clone();
                    all.push(Value::Null);
                    all
                }
            };
        }
    }

    /// A value that is a literal, or a number beside one.
    fn word(&self, rank: usize) -> Option<String> {
        if self.is_truth {
            return Some((rank == TRUE).to_string());
        }
        if Value::Rank(rank) == Value::EMPTY {
            return Some("''".to_owned());
        }
        let place = (0..self.literals.len()).find(|at| literal(*at) == Value::Rank(rank));
        match place.map(|place| &self.literals[place]) {
            Some(Atom::Number(number)) => Some(number.to_string()),
            Some(Atom::Float(number)) => Some(number.to_string()),
            Some(Atom::Text(text)) => Some(text.clone()),
            _ => self.number(rank).map(|number| number.to_string()),
        }
    }

    /// The integer of a rank beside those of integers.
    fn number(&self, rank: usize) -> Option<Number> {
        let (gap, point) = (rank / STEP, i128::try_from(rank % STEP).ok()?);
        let above = self.literals.get(gap).and_then(number);
        match gap.checked_sub(1) {
            None => {
                let below = self.points.iter().filter(|point| **point < STEP);
                Some(above? + (point - 1 - i128::try_from(below.count()).ok()?))
            }
            Some(at) => {
                let found = number(&self.literals[at])? + point;
                above.is_none_or(|above| found < above).then_some(found)
            }
        }
    }
}

fn literal(place: usize) -> Value {
    Value::Rank((place + 1) * STEP)
}

fn number(atom: &Atom) -> Option<Number> {
    match atom {
        Atom::Number(number) => Some(*number),
        _ => None,
    }
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

/// Puts together what a predicate compares with each other.
fn collect(node: &Node, groups: &mut Vec<Group>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => {
            nodes.iter().for_each(|node| collect(node, groups));
        }
        Node::Not(node) => collect(node, groups),
        Node::Compare(operator, a, b) => join(&[a, b], operator.is_ordering(), false, groups),
        Node::Null(term) => join(&[term], false, false, groups),
        Node::Truth(term) => join(&[term], false, true, groups),
    }
}

fn join(terms: &[&Term], is_ordered: bool, is_truth: bool, groups: &mut Vec<Group>) {
    let mut joined = Group {
        is_ordered,
        is_truth,
        ..Group::default()
    };
    for term in terms {
        joined.terms.insert(term.place());
        joined.has_empty |= matches!(term, Term::UnlessEmpty(_));
    }
    // Each literal stands by itself, so that two columns compared with one text are not compared.
    let (meeting, others): (Vec<Group>, Vec<Group>) = std::mem::take(groups)
        .into_iter()
        .partition(|group| !group.terms.is_disjoint(&joined.terms));
    *groups = others;
    for group in meeting {
        joined.terms.extend(group.terms);
        joined.is_ordered |= group.is_ordered;
        joined.is_truth |= group.is_truth;
        joined.has_empty |= group.has_empty;
    }
    groups.push(joined);
}
