//! Whether one predicate of a policy lets more rows through than another, by logic alone.
//!
//! Which order two values have is all that a comparison asks. So both predicates are evaluated over rows and
//! scopes in which every column, and whatever else they read, takes every order to the rest that there is: a
//! witness is found if there is one. What cannot be taken apart counts as something that may be anything,
//! alike in both wherever its text is the same; where that does not decide, nothing is claimed.
//!
//! | file | job |
//! |---|---|
//! | `parse` | the text of a predicate as comparisons between terms |
//! | `number` | the numbers there, in their order |
//! | `implied` | which membership holds wherever another one does |
//! | `universe` | which values each term takes |
//! | `tests` | the cases, and random ones against each other |

mod implied;
mod number;
mod parse;
mod universe;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::schema::{Column, Expr, Table};

use parse::{Node, Terms};
use universe::{Universe, Value};

/// More evaluations than this are not tried: a build waits for them.
const MOST: usize = 60_000;

/// What a new predicate does that an old one does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Difference {
    /// A row and a scope that only the new one lets through, in words.
    pub(crate) wider: Option<String>,
    /// A row and a scope that only the old one lets through.
    pub(crate) narrower: Option<String>,
}

/// How two predicates over the rows of one table differ; `None` where logic does not tell. A predicate that is not
/// there lets every row through.
pub(crate) fn difference(
    (old, before): (Option<&Expr>, &Table),
    (new, after): (Option<&Expr>, &Table),
) -> Option<Difference> {
    let names = [old, new].into_iter().flatten();
    let names: BTreeSet<&String> = names.flat_map(|expr| &expr.columns).collect();
    let mut columns: Vec<Column> = Vec::new();
    for name in names {
        // What a column held before and holds after is one thing only where its type is one.
        let (one, other) = (before.column(name)?, after.column(name)?);
        if one.ty != other.ty || one.collation != other.collation {
            return None;
        }
        columns.push(Column {
            nullable: one.nullable || other.nullable,
            ..other.clone()
        });
    }
    let mut terms = Terms::new(columns);
    let mut node = |expr: Option<&Expr>| match expr {
        Some(expr) => terms.parse(&expr.sql),
        None => Some(Node::And(Vec::new())),
    };
    let (old, new) = (node(old)?, node(new)?);
    let universe = Universe::of(&terms, [&old, &new])?;
    let implied = implied::implied(&terms);
    let mut found = Difference::default();
    universe.each(MOST, |values| {
        let is_true = |term: usize| values[term].rank() == Some(universe::TRUE);
        if implied
            .iter()
            .any(|(one, other)| is_true(*one) && !is_true(*other))
        {
            return;
        }
        let passes = |node: &Node| holds(node, values) == Some(true);
        let place = match (passes(&old), passes(&new)) {
            (false, true) => &mut found.wider,
            (true, false) => &mut found.narrower,
            _ => return,
        };
        place.get_or_insert_with(|| universe.words(&terms, values));
    })?;
    Some(found)
}

/// The truth of a predicate; `None` is NULL.
fn holds(node: &Node, values: &[Value]) -> Option<bool> {
    use parse::Term;
    let value = |term: &Term| match term {
        Term::Is(index) => values[*index],
        Term::UnlessEmpty(index) if values[*index] == Value::EMPTY => Value::Null,
        Term::UnlessEmpty(index) => values[*index],
        Term::Literal(literal) => values[*literal],
    };
    match node {
        Node::And(nodes) => {
            let mut all = Some(true);
            for node in nodes {
                match holds(node, values) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => all = None,
                }
            }
            all
        }
        Node::Or(nodes) => {
            let mut any = Some(false);
            for node in nodes {
                match holds(node, values) {
                    Some(false) => {}
                    Some(true) => return Some(true),
                    None => any = None,
                }
            }
            any
        }
        Node::Not(node) => holds(node, values).map(|it| !it),
        Node::Compare(operator, a, b) => {
            let (a, b) = (value(a).rank()?, value(b).rank()?);
            Some(operator.holds(a.cmp(&b)))
        }
        Node::Null(term) => Some(value(term) == Value::Null),
        Node::Truth(term) => value(term).rank().map(|rank| rank == universe::TRUE),
    }
}
