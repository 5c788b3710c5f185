//! A predicate as comparisons between terms.

use std::cmp::Ordering;

/// A predicate.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare(Operator, Term, Term),
    Null(Term),
    /// A term of type boolean.
    Truth(Term),
}

/// What is compared. The numbers are places in [`Terms`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// A column, or whatever a text means.
    Is(usize),
    /// `nullif(…, '')` of it.
    UnlessEmpty(usize),
    /// It where it is one of the literals at those places, else NULL.
    Among(usize, Vec<usize>),
    Literal(usize),
}

impl Node {
    /// What it compares, each as often as it stands there.
    pub(super) fn terms(&self) -> Vec<&Term> {
        match self {
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().flat_map(Node::terms).collect(),
            Node::Not(node) => node.terms(),
            Node::Compare(_, a, b) => vec![a, b],
            Node::Null(term) | Node::Truth(term) => vec![term],
        }
    }
}

impl Term {
    /// Its place in [`Terms`].
    pub(super) fn place(&self) -> usize {
        match self {
            Term::Is(place)
            | Term::UnlessEmpty(place)
            | Term::Among(place, _)
            | Term::Literal(place) => *place,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Operator {
    pub(super) fn of(text: &str) -> Option<Operator> {
        Some(match text {
            "=" => Operator::Eq,
            "<>" | "!=" => Operator::Ne,
            "<" => Operator::Lt,
            "<=" => Operator::Le,
            ">" => Operator::Gt,
            ">=" => Operator::Ge,
            _ => return None,
        })
    }

    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Operator::Eq => order.is_eq(),
            Operator::Ne => order.is_ne(),
            Operator::Lt => order.is_lt(),
            Operator::Le => order.is_le(),
            Operator::Gt => order.is_gt(),
            Operator::Ge => order.is_ge(),
        }
    }

    /// Whether it asks for more than whether both are one.
    pub(super) fn is_ordering(self) -> bool {
        !matches!(self, Operator::Eq | Operator::Ne)
    }
}
