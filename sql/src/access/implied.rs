//! Which membership holds wherever another one does: the same question of fewer rows.

use super::parse::{Atom, Terms, is_one_of, lex};

/// Of the terms those that are memberships, each with one that holds where it does.
pub(super) fn implied(terms: &Terms) -> Vec<(usize, usize)> {
    let memberships: Vec<(usize, Membership)> = terms
        .atoms
        .iter()
        .enumerate()
        .filter_map(|(at, atom)| match atom {
            Atom::Opaque(text) => Some((at, Membership::read(text)?)),
            _ => None,
        })
        .collect();
    let pairs = memberships.iter().flat_map(|(one, narrow)| {
        let wider = memberships.iter().filter(move |(_, wide)| {
            let is_asked = |asked| narrow.conditions.contains(asked);
            narrow.of == wide.of && wide.conditions.iter().all(is_asked)
        });
        wider.map(move |(other, _)| (*one, *other))
    });
    pairs.filter(|(one, other)| one != other).collect()
}

/// `… = any (array(select … from … where …))`.
struct Membership {
    /// What stands before the conditions.
    of: Vec<String>,
    /// What all have to hold of the other table's row.
    conditions: Vec<Vec<String>>,
}

/// Words that join conditions in another way, follow them, or have an `and` of their own.
const OTHERWISE: [&str; 9] = [
    "or", "not", "between", "case", "union", "group", "order", "limit", "offset",
];

impl Membership {
    fn read(text: &str) -> Option<Membership> {
        let tokens = lex(text)?;
        let [all @ .., ")", ")"] = tokens.as_slice() else {
            return None;
        };
        let starts = |at: usize, words: &[&str]| {
            let found = all.get(at..at + words.len())?;
            let mut both = found.iter().zip(words);
            both.all(|(token, word)| token.eq_ignore_ascii_case(word))
                .then_some(at)
        };
        let any = ["=", "any", "(", "array", "(", "select"];
        let start = (0..all.len()).find_map(|at| starts(at, &any))? + any.len();
        let is_one = |words: &'static [&str]| move |token: &&str| is_one_of(token, words);
        let at = start + all[start..].iter().position(is_one(&["where"]))?;
        let (of, [_, rest @ ..]) = all.split_at(at) else {
            return None;
        };
        let mut depth = 0_usize;
        let mut conditions = vec![Vec::new()];
        for token in rest {
            match *token {
                "(" => depth += 1,
                // One more closes than was opened: it was no membership.
                ")" => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 && is_one_of(token, &OTHERWISE) {
                return None;
            }
            match depth == 0 && is_one_of(token, &["and"]) {
                true => conditions.push(Vec::new()),
                false => conditions.last_mut()?.push((*token).to_owned()),
            }
        }
        Some(Membership {
            of: of.iter().map(|token| (*token).to_owned()).collect(),
            conditions,
        })
    }
}
