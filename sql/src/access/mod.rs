//! Whether one predicate of a policy lets more rows through than another, by logic alone.
//!
//! Which order two values have is all that a comparison asks. So both predicates are evaluated over rows and
//! scopes in which every column, and whatever else they read, takes every order to the rest that there is: a
//! witness is found if there is one. What cannot be taken apart counts as something that may be anything,
//! alike in both wherever its text is the same, unless it calls what may be volatile; in two places of one predicate it
//! is two values, unless it is sure to be one; where that does not decide, nothing is claimed. What is claimed rests on
//! lists of what is known to be so, of types, of literals, of calls and of memberships: one wrong word hides an open
//! door.
//!
//! | file | job |
//! |---|---|
//! | `tokens` | the tokens of a predicate, and what a token is |
//! | `node` | a predicate as comparisons between terms |
//! | `parse` | the text of a predicate as such a one |
//! | `calls` | which calls may be known not to be volatile |
//! | `steady` | what is sure to have one value wherever it stands in a predicate |
//! | `number` | the numbers there, in their order |
//! | `kind` | types, and what a literal is among the values of one |
//! | `lasting` | which literals are one value in both predicates |
//! | `membership` | a membership, read to its end |
//! | `implied` | which membership holds wherever another one does |
//! | `forms` | the forms that derives write, and queries in brackets |
//! | `truth` | what is left possible of a predicate of which not all values are known |
//! | `group` | what is compared with each other, and which values it takes |
//! | `universe` | every value of every term, and the search among them |
//! | `undecided` | why logic does not tell |
//! | `unread` | what both read and is not read here |
//! | `tests` | the cases, and random ones against each other |

mod calls;
mod forms;
mod group;
mod implied;
mod kind;
mod lasting;
mod membership;
mod node;
mod number;
mod parse;
mod steady;
mod tokens;
mod truth;
mod undecided;
mod universe;
mod unread;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::ident::quote;
use crate::schema::{Column, Expr, QualifiedName, Schema, Table};

use node::{Node, Term};
use parse::{Atom, Terms};
use truth::{follows, truth};
pub(crate) use undecided::Undecided;
use universe::Universe;

/// More evaluations than this are not tried for a row: a build waits for them.
const MOST: usize = 60_000;

/// What a new predicate does that an old one does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Difference {
    /// A row and a scope that only the new one lets through, in words.
    pub(crate) wider: Option<String>,
    /// A row and a scope that only the old one lets through.
    pub(crate) narrower: Option<String>,
}

/// A predicate over the rows of a table, and the schema in which it reads others. One that is not there lets every row
/// through.
type Side<'a> = (Option<&'a Expr>, &'a Table, &'a Schema);

/// How two predicates over the rows of one table differ, or why logic does not tell.
pub(crate) fn difference(
    (old, before, from): Side<'_>,
    (new, after, to): Side<'_>,
) -> Result<Difference, Undecided> {
    let names = [old, new].into_iter().flatten();
    let names: BTreeSet<&String> = names.flat_map(|expr| &expr.columns).collect();
    let columns = names.into_iter().map(|name| {
        let column = match (before.column(name), after.column(name)) {
            (None, Some(column)) if !may_read(old, name) => Some(column.clone()),
            (Some(column), None) if !may_read(new, name) => Some(column.clone()),
            _ => common(before, after, name),
        };
        column.ok_or_else(|| Undecided::Column(quote(name).into_owned()))
    });
    let columns: Vec<Column> = columns.collect::<Result<_, _>>()?;
    if let (Some(old), Some(new)) = (old, new)
        && let Some(name) = come_or_gone([old, new], [from, to])
    {
        return Err(Undecided::Column(quote(name).into_owned()));
    }
    let mut terms = Terms::new(columns);
    let mut node = |expr: Option<&Expr>| match expr {
        Some(expr) => terms.parse(&expr.sql),
        None => Ok(Node::And(Vec::new())),
    };
    let texts = [old, new].map(|expr| expr.map(|expr| &*expr.sql));
    let passing = |sides: [&Node; 2], terms: &Terms| {
        let [old, new] = texts.map(Option::unwrap_or_default);
        let literal = lasting::passing(terms, [(old, sides[0]), (new, sides[1])]);
        literal.map_or(Ok(()), |it| Err(Undecided::Literal(it)))
    };
    if texts[0] == texts[1] {
        // Read here or not, the same words say the same, but for what a literal is.
        let node = node(new).unwrap_or(Node::And(Vec::new()));
        passing([&node, &node], &terms)?;
        return Ok(Difference::default());
    }
    let (old, new) = (node(old)?, node(new)?);
    passing([&old, &new], &terms)?;
    let universe = Universe::of(&terms, [&old, &new]);
    let implied = implied::implied(&terms, [from, to]);
    let only = |one: &Node, other: &Node| {
        if follows(&terms, one, other) {
            return Ok(None);
        }
        let universe = universe.as_ref().map_err(Undecided::clone)?;
        let found = universe.search(MOST, |values| {
            let mut pairs = implied.iter();
            let breaks = |(narrow, wide): &(usize, usize)| match (values[*narrow], values[*wide]) {
                (Some(narrow), Some(wide)) => !implied::may_be(narrow, wide),
                _ => false,
            };
            truth(one, values).may_hold() && truth(other, values).may_fail() && !pairs.any(breaks)
        });
        Ok(found?.map(
            |values| match unread::unread(&terms, [one, other], [from, to]) {
                None => universe.words(&terms, &values),
                Some(undecided) => format!("{}, {undecided}", universe.words(&terms, &values)),
            },
        ))
    };
    let some = |undecided: Undecided| Some(format!("some rows, {undecided}"));
    let (wider, narrower) = match (only(&new, &old), only(&old, &new)) {
        (Ok(None), Err(undecided)) => (None, some(undecided)),
        (Err(undecided), Ok(None)) => (some(undecided), None),
        (wider, narrower) => (wider?, narrower?),
    };
    Ok(Difference { wider, narrower })
}

/// Whether a predicate over a table without a column of that name reads something that is called like it, a function of
/// the row or a column of another table, or rows as a whole, which have another column on the other side.
fn may_read(expr: Option<&Expr>, name: &str) -> bool {
    expr.is_some_and(|expr| implied::mentions(&expr.sql, name) || reads_whole_rows(&expr.sql))
}

/// A name that two predicates say, and of which a table that both read has a column on one side alone: where it has none
/// the name may be a function's, of rows.
fn come_or_gone<'a>(exprs: [&Expr; 2], schemas: [&'a Schema; 2]) -> Option<&'a str> {
    let [from, to] = schemas;
    let are_read = |name: &&QualifiedName| {
        let read = |expr: &Expr| expr.tables.iter().any(|written| written.may_be(name));
        exprs.into_iter().all(read)
    };
    let tables = to.tables.keys().filter(are_read);
    let both = tables.filter_map(|name| Some([from.tables.get(name)?, to.tables.get(name)?]));
    let mut names = both.flat_map(|[before, after]| {
        let only = |one: &'a Table, other: &'a Table| {
            let columns = one.columns.iter().map(|column| column.name.as_str());
            columns.filter(|name| other.column(name).is_none())
        };
        only(before, after).chain(only(after, before))
    });
    names.find(|name| exprs.iter().all(|expr| implied::mentions(&expr.sql, name)))
}

fn reads_whole_rows(sql: &str) -> bool {
    let is_whole = |tokens: Vec<&str>| {
        tokens
            .windows(2)
            .any(|pair| pair[0] == "." && pair[1].starts_with('*'))
    };
    tokens::lex(sql).is_none_or(is_whole)
}

/// A column of a table as it may have been and may be: what it held before and holds after is one thing only where its
/// type is one.
fn common(before: &Table, after: &Table, name: &str) -> Option<Column> {
    let (one, other) = (before.column(name)?, after.column(name)?);
    let is_one = one.ty == other.ty && one.collation == other.collation;
    is_one.then(|| Column {
        nullable: one.nullable || other.nullable,
        ..other.clone()
    })
}

/// Whether more rows of a table, as whoever asks sees it, can only make a predicate true where it was not. A predicate
/// that does not read the table says so too. What is true of it in both schemas is said of it.
pub(crate) fn grows_with(expr: &Expr, table: &str, schemas: [&Schema; 2]) -> bool {
    let mut terms = Terms::new(Vec::new());
    let node = terms.parse(&expr.sql);
    node.is_ok_and(|node| grows(&terms, &node, table, schemas))
}

fn grows(terms: &Terms, node: &Node, table: &str, schemas: [&Schema; 2]) -> bool {
    let is_read = |term: &Term| match &terms.atoms[term.place()] {
        Atom::Opaque(text) => implied::mentions(text, table),
        _ => false,
    };
    match node {
        Node::And(nodes) | Node::Or(nodes) => {
            nodes.iter().all(|node| grows(terms, node, table, schemas))
        }
        Node::Not(node) => !node.terms().into_iter().any(is_read),
        Node::Compare(_, a, b) => !is_read(a) && !is_read(b),
        Node::Null(term) => !is_read(term),
        Node::Truth(term) => match &terms.atoms[term.place()] {
            Atom::Opaque(text) if is_read(term) => implied::grows_with(text, table, schemas),
            _ => true,
        },
    }
}
