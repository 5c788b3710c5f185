//! What is compared with each other, and which values it takes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;
use super::node::{Node, Term};
use super::number::Number;
use super::parse::{Atom, Terms};
use super::universe::{FALSE, TRUE, Value};
use crate::schema::Type;

/// Between the ranks of two literals there is room for as many values.
const STEP: usize = 1_000;

/// Terms that are compared with each other.
#[derive(Default)]
pub(super) struct Group {
    pub(super) terms: BTreeSet<usize>,
    /// Whether anything asks which of two is greater.
    pub(super) is_ordered: bool,
    pub(super) is_truth: bool,
    has_empty: bool,
    /// The values of literals in their order, each once, the empty text left out.
    literals: Vec<Atom>,
    /// Of each term that is a literal where it stands.
    stated: BTreeMap<usize, Value>,
    /// The ranks beside those of literals.
    pub(super) points: Vec<usize>,
}

impl Group {
    /// Orders the literals and finds the ranks beside them.
    pub(super) fn settle(&mut self, terms: &Terms) -> Option<()> {
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
        // Two spellings may be one value, and the order of two texts is the collation's.
        let is_text = unknown == 0 && kind.as_ref().is_none_or(Kind::tells_texts_apart);
        // Of texts alone the empty one is the least.
        let is_told = is_text || (values.is_empty() && !self.is_ordered);
        if self.has_empty && (!is_told || values.iter().any(|it| !matches!(it, Atom::Text(_)))) {
            return None;
        }
        let order = |a: &Atom, b: &Atom| match (a, b) {
            (Atom::Text(_), Atom::Text(_)) if is_text && !self.is_ordered => Some(a.cmp(b)),
            (Atom::Text(a), Atom::Text(b)) if unknown == 0 => kind.as_ref()?.compare(a, b),
            (Atom::Text(_), _) | (_, Atom::Text(_)) => None,
            _ => Some(a.cmp(b)),
        };
        let count = values.len() + usize::from(self.has_empty);
        let sorted = sorted(values, order)?;
        // What equals two things makes them equal only where all are of one type and collation; boxes it does not.
        let is_of_one_type = match kind {
            Some(Kind::Other(Type::Uuid, _)) => true,
            Some(ref kind) => unknown == 0 && kind.is_ordered(),
            None => unknown == 0,
        };
        if free > 1 && free + count > 2 && !is_of_one_type {
            return None;
        }
        self.stated = literals
            .into_iter()
            .map(|(term, value)| match is_empty(&value) {
                true => (term, Value::EMPTY),
                false => {
                    let is_it = |it: &Atom| order(it, &value).is_none_or(Ordering::is_eq);
                    let place = sorted.iter().position(is_it);
                    (term, place.map_or(Value::Null, literal))
                }
            })
            .collect();
        self.literals = sorted;
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

    pub(super) fn fill(&self, terms: &Terms, values: &mut [Vec<Value>]) {
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
                Atom::Number(_)
                | Atom::Real(_)
                | Atom::Listed(_)
                | Atom::Float(_)
                | Atom::Text(_) => {
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
    pub(super) fn word(&self, rank: usize) -> Option<String> {
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

/// Literals in their order, each value once; `None` where that of two is not known.
fn sorted(
    literals: impl IntoIterator<Item = Atom>,
    order: impl Fn(&Atom, &Atom) -> Option<Ordering>,
) -> Option<Vec<Atom>> {
    let mut sorted: Vec<Atom> = Vec::new();
    for literal in literals {
        let orders = sorted.iter().map(|known| order(known, &literal));
        let orders: Vec<Ordering> = orders.collect::<Option<_>>()?;
        if !orders.iter().any(|order| order.is_eq()) {
            let less = orders.iter().filter(|order| order.is_lt()).count();
            sorted.insert(less, literal);
        }
    }
    Some(sorted)
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

/// Puts together what a predicate compares with each other.
pub(super) fn collect(node: &Node, groups: &mut Vec<Group>) {
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
        if let Term::Among(_, literals) = term {
            joined.terms.extend(literals);
        }
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
