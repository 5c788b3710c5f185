//! What predicates read that is not read here.

use super::membership::Membership;
use super::node::Node;
use super::parse::{Atom, Terms};
use super::tokens::{is_one_of, lex};
use super::undecided::Undecided;
use super::{calls, steady};
use crate::schema::Schema;

/// What one predicate reads and the other does not, where that one reads something like it: whether they say the same
/// nobody knows.
pub(super) fn unread(
    terms: &Terms,
    [one, other]: [&Node; 2],
    schemas: [&Schema; 2],
) -> Option<Undecided> {
    let unread = |node: &Node, beside: &Node| {
        let beside = beside.terms();
        let mut all = node.terms().into_iter();
        all.find_map(|term| match &terms.atoms[term.place()] {
            Atom::Opaque(text) if !beside.contains(&term) => reason(text, terms, schemas),
            _ => None,
        })
    };
    let found = unread(one, other)?;
    unread(other, one).map(|_| found)
}

fn reason(text: &str, terms: &Terms, schemas: [&Schema; 2]) -> Option<Undecided> {
    let tokens = lex(text)?;
    if steady::is_one_value(&tokens, terms) || Membership::read(text, schemas).is_some() {
        return None;
    }
    let has = |word| tokens.iter().any(|token| is_one_of(token, &[word]));
    if let Some(name) = calls::unstable(&tokens) {
        return Some(Undecided::Call(name));
    }
    match has("select") {
        true if has("exists") => Some(Undecided::Form("`exists (select …)`")),
        true => Some(Undecided::Form("`(select …)`")),
        false => None,
    }
}
