//! The values that the terms of two predicates take: every order to each other and to the literals that they are
//! compared with.

use std::collections::BTreeSet;

use super::number::Number;
use super::parse::{Atom, Node, Term, Terms};
use crate::schema::Type;

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

/// Terms that are compared with each other.
#[derive(Default)]
struct Group {
    terms: BTreeSet<usize>,
    /// Whether anything asks which of two is greater.
    is_ordered: bool,
    is_truth: bool,
    has_empty: bool,
    /// The literals in their order, each once, the empty text left out.
    literals: Vec<Atom>,
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

    /// Hands out all values of all terms together, up to a number; `None` where there are more.
    pub(super) fn each(&self, most: usize, mut hand: impl FnMut(&[Value])) -> Option<()> {
        let sizes = self.values.iter().map(Vec::len);
        let all = sizes.fold(1_usize, usize::saturating_mul);
        if all > most {
            return None;
        }
        let mut values = vec![Value::Null; self.values.len()];
        for number in 0..all {
            let mut rest = number;
            for (value, list) in values.iter_mut().zip(&self.values) {
                *value = list[rest % list.len()];
                rest /= list.len();
            }
            hand(&values);
        }
        Some(())
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
                    Atom::Number(_) | Atom::Text(_) | Atom::Bool(_) => continue,
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
        let is_empty = |atom: &Atom| matches!(atom, Atom::Text(text) if text == "''");
        let has_bool = atoms().any(|atom| matches!(atom, Atom::Bool(_)));
        let mut literals: Vec<Atom> = atoms()
            .filter(|atom| matches!(atom, Atom::Number(_) | Atom::Text(_)) && !is_empty(atom))
            .cloned()
            .collect();
        self.has_empty |= atoms().any(is_empty);
        if self.is_truth || has_bool {
            self.is_truth = true;
            return (literals.is_empty() && !self.has_empty).then_some(());
        }
        let types: BTreeSet<Kind> = atoms().filter_map(|atom| Kind::of(atom, terms)).collect();
        if types.len() > 1 {
            // Between types equality may not be what it is within one.
            return None;
        }
        literals.sort();
        literals.dedup();
        let has_text = self.has_empty || literals.iter().any(|it| matches!(it, Atom::Text(_)));
        let has_number = literals.iter().any(|it| matches!(it, Atom::Number(_)));
        let is_cast = atoms().any(|atom| matches!(atom, Atom::Opaque(text) if text.contains("::")));
        let is_text = types.iter().all(|kind| *kind == Kind::Text) && !is_cast;
        // Two spellings may be one value, and the order of two texts is the collation's.
        let is_told = literals.len() <= 1 || (is_text && !self.is_ordered);
        if has_text && (has_number || !is_told) {
            return None;
        }
        let free = atoms()
            .filter(|it| matches!(it, Atom::Column(_) | Atom::Opaque(_)))
            .count();
        let only_columns = atoms().all(|atom| !matches!(atom, Atom::Opaque(_)));
        let mut numbers = literals.iter().filter_map(number);
        let is_whole = numbers.all(Number::is_whole);
        if !is_whole && types.contains(&Kind::Float) {
            // Two spellings of a fraction may be one value there.
            return None;
        }
        let is_integer = types.contains(&Kind::Integer) && only_columns && is_whole;
        let first_gap = if self.is_ordered { 0 } else { literals.len() };
        for gap in first_gap..=literals.len() {
            let below = gap.checked_sub(1).and_then(|at| number(&literals[at]));
            let room = match (below, literals.get(gap).and_then(number)) {
                (Some(below), Some(above)) if is_integer => below.between(above),
                _ => usize::MAX,
            };
            let points = (1..=free.min(room)).map(|point| gap * STEP + point);
            self.points.extend(points);
        }
        self.literals = literals;
        Some(())
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
                Atom::Text(text) if text == "''" => vec![Value::EMPTY],
                atom @ (Atom::Number(_) | Atom::Text(_)) => {
                    let place = self.literals.iter().position(|it| it == atom);
                    vec![place.map_or(Value::Null, literal)]
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

/// Types within which equality and order are of one kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Integer,
    Float,
    Text,
    Other(String),
}

impl Kind {
    fn of(atom: &Atom, terms: &Terms) -> Option<Kind> {
        let Atom::Column(at) = atom else {
            return None;
        };
        let column = &terms.columns[*at];
        Some(match (&column.ty, &column.collation) {
            (Type::Int2 | Type::Int4 | Type::Int8, _) => Kind::Integer,
            (Type::Float4 | Type::Float8, _) => Kind::Float,
            (Type::Text | Type::Varchar(_), None) => Kind::Text,
            (ty, collation) => Kind::Other(format!("{ty:?} {collation:?}")),
        })
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
        let (Term::Is(place) | Term::UnlessEmpty(place) | Term::Literal(place)) = term;
        joined.terms.insert(*place);
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
