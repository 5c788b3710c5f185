//! Which membership holds wherever another one does: the same question of fewer rows.
//!
//! More conditions mean fewer rows for plain columns of joined tables alone: counted, a row less is another answer, and
//! behind `except` it is a row more. So only what is read to its end here is a membership.

use super::difference;
use super::membership::Membership;
use super::parse::{Atom, Terms};
use super::tokens::{is_one_of, is_word, lex, name};
use super::universe::{TRUE, Value};
use crate::schema::{Expr, Table};

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
            let mut asked = wide.conditions.iter();
            narrow.of == wide.of && asked.all(|asked| holds(&narrow.conditions, asked))
        });
        wider.map(move |(other, _)| (*one, *other))
    });
    // The same words in two places may read a view, of which each reads other rows.
    pairs
        .filter(|(one, other)| terms.atoms[*one] != terms.atoms[*other])
        .collect()
}

/// Whether a membership can have a truth where a wider one has another: among fewer values there is no match, and no
/// NULL, that is not among more.
pub(super) fn may_be(narrow: Value, wide: Value) -> bool {
    match wide.rank() {
        Some(TRUE) => true,
        Some(_) => narrow == wide,
        None => narrow.rank() != Some(TRUE),
    }
}

/// Whether a truth, where it reads a table, is a membership that more rows of the table can only make true.
pub(super) fn grows_with(text: &str, table: &str) -> bool {
    Membership::read(text).is_some_and(|it| {
        let mut conditions = it.joined.iter().chain(&it.conditions);
        // By itself a name there belongs to the row in question; within a query of its own it is asked anew.
        !conditions.any(|tokens| {
            let mut all = tokens.iter();
            all.any(|token| is_one_of(token, &["select"])) && mention(tokens, table)
        })
    })
}

/// Whether a text names a table, or something else by its name.
pub(super) fn mentions(text: &str, table: &str) -> bool {
    lex(text).is_none_or(|tokens| mention(&tokens, table))
}

fn mention(tokens: &[impl AsRef<str>], table: &str) -> bool {
    let mut names = tokens.iter().filter_map(|token| name(token.as_ref()));
    names.any(|name| name == table)
}

/// Whether a condition holds of all rows of which others do.
fn holds(conditions: &[Vec<String>], asked: &Vec<String>) -> bool {
    let is_listed = |condition: &Vec<String>| match (listed(condition), listed(asked)) {
        (Some((one, few)), Some((other, more))) => {
            one == other && few.iter().all(|it| more.contains(it))
        }
        _ => false,
    };
    let follows = |narrow: String| {
        let expr = |sql: String| Expr::new(sql, Vec::<String>::new());
        // Of the columns of other tables no more is known than of any text.
        let none = Table::new("");
        let (wide, narrow) = (expr(asked.join(" ")), expr(narrow));
        let found = difference((Some(&wide), &none), (Some(&narrow), &none));
        found.is_some_and(|it| it.wider.is_none())
    };
    // What stands twice in all together may count as two values.
    let mut each = conditions.iter().map(|tokens| tokens.join(" "));
    let all = || each.clone().collect::<Vec<_>>().join(" and ");
    conditions.contains(asked)
        || conditions.iter().any(is_listed)
        || follows(all())
        || each.any(follows)
}

/// `column = 'text'` and `column in ('text', …)`: whatever type it is, the same texts are the same values.
fn listed(condition: &[String]) -> Option<(Vec<&str>, Vec<&str>)> {
    let tokens: Vec<&str> = condition.iter().map(String::as_str).collect();
    let is_telling = |token: &&str| is_one_of(token, &["=", "in"]);
    let (left, right) = tokens.split_at(tokens.iter().position(is_telling)?);
    let texts: Vec<&str> = match right {
        ["=", text] => vec![*text],
        [_, "(", texts @ .., ")"] => texts
            .split(|token| *token == ",")
            .flatten()
            .copied()
            .collect(),
        _ => return None,
    };
    let is_name = left.iter().all(|token| is_word(token) || *token == ".");
    let are_texts = texts.iter().all(|text| text.starts_with('\''));
    (is_name && are_texts).then(|| (left.to_vec(), texts))
}
