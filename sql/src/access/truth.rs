//! What is left possible of a predicate of which not all values are known, and what follows from its form alone.

use super::node::{Node, Term};
use super::parse::Terms;
use super::universe::{TRUE, Value};

/// Which truths a predicate may still have. NULL is the third one.
#[derive(Clone, Copy)]
pub(super) struct Truth {
    yes: bool,
    no: bool,
    null: bool,
}

impl Truth {
    const ANY: Truth = Truth {
        yes: true,
        no: true,
        null: true,
    };

    fn of(truth: Option<bool>) -> Truth {
        Truth {
            yes: truth == Some(true),
            no: truth == Some(false),
            null: truth.is_none(),
        }
    }

    pub(super) fn may_hold(self) -> bool {
        self.yes
    }

    /// NULL lets no row through either.
    pub(super) fn may_fail(self) -> bool {
        self.no || self.null
    }

    fn not(self) -> Truth {
        Truth {
            yes: self.no,
            no: self.yes,
            ..self
        }
    }

    fn and(self, other: Truth) -> Truth {
        let is_no_false = |it: Truth| it.yes || it.null;
        Truth {
            yes: self.yes && other.yes,
            no: self.no || other.no,
            null: (self.null && is_no_false(other)) || (other.null && is_no_false(self)),
        }
    }
}

/// The truth of a predicate, the values of some terms unknown.
pub(super) fn truth(node: &Node, values: &[Option<Value>]) -> Truth {
    let value = |term: &Term| {
        let value = values[term.place()]?;
        Some(match term {
            Term::UnlessEmpty(_) if value == Value::EMPTY => Value::Null,
            Term::Among(_, literals) => {
                let mut known = literals.iter().map(|literal| values[*literal]);
                match known.clone().any(|it| it == Some(value)) {
                    true => value,
                    false if known.any(|it| it.is_none()) => return None,
                    false => Value::Null,
                }
            }
            _ => value,
        })
    };
    match node {
        Node::And(nodes) => nodes.iter().fold(Truth::of(Some(true)), |all, node| {
            all.and(truth(node, values))
        }),
        Node::Or(nodes) => {
            let none = nodes.iter().fold(Truth::of(Some(true)), |none, node| {
                none.and(truth(node, values).not())
            });
            none.not()
        }
        Node::Not(node) => truth(node, values).not(),
        Node::Compare(operator, a, b) => match (value(a), value(b)) {
            (Some(Value::Null), _) | (_, Some(Value::Null)) => Truth::of(None),
            (Some(Value::Rank(a)), Some(Value::Rank(b))) => {
                Truth::of(Some(operator.holds(a.cmp(&b))))
            }
            _ => Truth::ANY,
        },
        Node::Null(term) => value(term).map_or(Truth::ANY, |it| Truth::of(Some(it == Value::Null))),
        Node::Truth(term) => value(term).map_or(Truth::ANY, |it| {
            Truth::of(it.rank().map(|rank| rank == TRUE))
        }),
    }
}

/// Whether the form of two predicates alone says that one holds nowhere but where the other does.
pub(super) fn follows(terms: &Terms, one: &Node, other: &Node) -> bool {
    let follows = |one, other| follows(terms, one, other);
    match (one, other) {
        (_, Node::And(others)) if others.iter().all(|other| follows(one, other)) => true,
        (Node::Or(ones), _) if ones.iter().all(|one| follows(one, other)) => true,
        (Node::And(ones), _) if ones.iter().any(|one| follows(one, other)) => true,
        (_, Node::Or(others)) if others.iter().any(|other| follows(one, other)) => true,
        _ => is_same(terms, one, other),
    }
}

/// Whether two predicates say the same in the same words.
fn is_same(terms: &Terms, one: &Node, other: &Node) -> bool {
    let both = |ones: &[Node], others: &[Node]| {
        let mut pairs = ones.iter().zip(others);
        ones.len() == others.len() && pairs.all(|(one, other)| is_same(terms, one, other))
    };
    // Each literal has a place of its own.
    let is_one = |one: &Term, other: &Term| match (one, other) {
        (Term::Literal(one), Term::Literal(other)) => terms.atoms[*one] == terms.atoms[*other],
        (Term::Among(one, few), Term::Among(other, more)) => {
            let atoms = |places: &[usize]| {
                places
                    .iter()
                    .map(|at| &terms.atoms[*at])
                    .collect::<Vec<_>>()
            };
            one == other && atoms(few) == atoms(more)
        }
        _ => one == other,
    };
    match (one, other) {
        (Node::And(ones), Node::And(others)) | (Node::Or(ones), Node::Or(others)) => {
            both(ones, others)
        }
        (Node::Not(one), Node::Not(other)) => is_same(terms, one, other),
        (Node::Compare(is, a, b), Node::Compare(other_is, other_a, other_b)) => {
            is == other_is && is_one(a, other_a) && is_one(b, other_b)
        }
        (Node::Null(one), Node::Null(other)) | (Node::Truth(one), Node::Truth(other)) => {
            is_one(one, other)
        }
        _ => false,
    }
}
