//! Which literals are one value in an old and a new predicate.
//!
//! PostgreSQL reads a literal when the policy is made: `'now'` is the moment of that, and a moment without an offset stands
//! in the time zone of the session. So the same words in two policies may be two values.

use std::collections::BTreeSet;

use super::kind::Kind;
use super::node::{Node, Term};
use super::parse::{Atom, Terms};
use super::tokens::{is_one_of, lex};
use crate::ident::unquote_literal;
use crate::literal;
use crate::schema::Type;

/// Operators behind which a text is a pattern or a key.
const OF_TEXTS: [&str; 8] = ["~", "~*", "!~", "!~*", "->", "->>", "#>", "#>>"];

/// A literal that stands in both predicates and may be another value in each.
pub(super) fn passing(terms: &Terms, sides: [(&str, &Node); 2]) -> Option<String> {
    let [old, new] = sides.map(|(sql, node)| all_passing(terms, sql, node));
    old.intersection(&new).next().cloned()
}

fn all_passing(terms: &Terms, sql: &str, node: &Node) -> BTreeSet<String> {
    let tokens = lex(sql).unwrap_or_default();
    let places = (0..tokens.len()).filter(|at| is_passing(&tokens, *at));
    let mut left: Vec<&str> = places.map(|at| tokens[at]).collect();
    let mut typed = Vec::new();
    collect(node, terms, &mut typed);
    for literal in typed {
        if let Some(at) = left.iter().position(|it| *it == literal) {
            left.swap_remove(at);
        }
    }
    left.into_iter().map(str::to_owned).collect()
}

/// Whether a token is a literal of which what stands beside it does not say that it is one value.
fn is_passing(tokens: &[&str], at: usize) -> bool {
    let token = tokens[at];
    let (before, behind) = (&tokens[..at], &tokens[at + 1..]);
    let Some(text) = token
        .starts_with('\'')
        .then(|| unquote_literal(token))
        .flatten()
    else {
        // One with escapes or under a tag may say anything.
        return token.starts_with('$')
            || (token.len() > 1 && token[1..].starts_with('\'') && is_one_of(&token[..1], &["e"]));
    };
    let is_lasting = |ty: &str| {
        ty.parse()
            .is_ok_and(|ty: Type| literal::is_lasting(&ty, &text))
    };
    let is_told = match (before, behind) {
        // Two are joined that stand behind each other.
        ([.., last], _) if last.ends_with('\'') => false,
        (_, [next, ..]) if next.starts_with('\'') => false,
        // `with time zone`, a length or a schema would make it another type.
        (_, ["::", _, next, ..]) if is_one_of(next, &["with", "(", "."]) => false,
        (_, ["::", ty, ..]) => is_lasting(ty),
        ([.., "current_setting", "("], _) => true,
        ([.., last], _) => {
            OF_TEXTS.contains(last) || is_one_of(last, &["like", "ilike"]) || is_lasting(last)
        }
        _ => false,
    };
    !is_told && !literal::is_lasting_anywhere(&text)
}

/// The literals that are one value of the type that they are compared with.
fn collect<'a>(node: &Node, terms: &'a Terms, found: &mut Vec<&'a str>) {
    let text = |place: &usize| match &terms.atoms[*place] {
        Atom::Text(text) => Some(text.as_str()),
        _ => None,
    };
    for term in node.terms() {
        // A setting is a text.
        if let Term::Among(_, places) = term {
            found.extend(places.iter().filter_map(text));
        }
    }
    match node {
        Node::And(nodes) | Node::Or(nodes) => {
            nodes.iter().for_each(|node| collect(node, terms, found))
        }
        Node::Not(node) => collect(node, terms, found),
        Node::Compare(_, one, Term::Literal(place))
        | Node::Compare(_, Term::Literal(place), one) => {
            let kind = Kind::of(&terms.atoms[one.place()], terms);
            let literal = text(place);
            let literal = literal.filter(|text| kind.is_some_and(|kind| kind.is_lasting(text)));
            found.extend(literal);
        }
        Node::Compare(..) | Node::Null(_) | Node::Truth(_) => {}
    }
}
