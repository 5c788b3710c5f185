//! The text of a predicate as comparisons between terms.
//!
//! It takes apart what the derives write: `and`, `or`, `not`, comparisons, `is null`, `in`. What it does not know
//! is a term, or a truth, that may be anything.

use std::collections::BTreeSet;

use super::calls;
use super::forms::{is_query, one_of_texts};
use super::kind::Kind;
use super::node::{Node, Operator, Term};
use super::number::{Float, Number};
use super::steady;
use super::tokens::{Open, is_one_of, lex};
use super::undecided::Undecided;
use crate::ident::quote;
use crate::schema::Column;

/// Something that a predicate reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Atom {
    /// By its place among the columns.
    Column(usize),
    /// What a text means. One that may be another value in each place of a predicate stands as often as there.
    Opaque(String),
    Number(Number),
    /// A number that is cast to `real`.
    Real(Number),
    /// A number among several, all of which may be `real`, as it is not by itself.
    Listed(Number),
    /// What a number is for a `double precision`.
    Float(Float),
    /// As SQL. Whether two of them are one value, the type decides.
    Text(String),
    Bool(bool),
}

/// All that the predicates read: columns and opaque texts once, literals as often as they stand there.
pub(super) struct Terms {
    pub(super) atoms: Vec<Atom>,
    pub(super) columns: Vec<Column>,
    /// What has been met that leaves everything open.
    undecided: Option<Undecided>,
    /// The places that the predicate has taken which is being read.
    taken: BTreeSet<usize>,
}

impl Terms {
    pub(super) fn new(columns: Vec<Column>) -> Terms {
        Terms {
            atoms: (0..columns.len()).map(Atom::Column).collect(),
            columns,
            undecided: None,
            taken: BTreeSet::new(),
        }
    }

    /// A predicate; `Err` where its text has no such form at all, and where it holds anew what may be another value
    /// each time.
    pub(super) fn parse(&mut self, sql: &str) -> Result<Node, Undecided> {
        self.taken.clear();
        if sql.is_empty() {
            return Err(Undecided::Renamed);
        }
        let unread = Undecided::Form("its brackets, quotes or operators");
        let Some(tokens) = lex(sql) else {
            return Err(unread);
        };
        // A name behind a dot may be written like a key word.
        let is_name = |pair: &[&str]| pair[0] == "." && is_one_of(pair[1], &KEY_WORDS);
        if let Some(pair) = tokens.windows(2).find(|pair| is_name(pair)) {
            return Err(Undecided::Name(pair[1].to_owned()));
        }
        let mut parser = Parser {
            terms: self,
            tokens: &tokens,
            at: 0,
        };
        let node = parser.or().filter(|_| parser.at == tokens.len());
        match (node, self.undecided.take()) {
            (Some(node), None) => Ok(node),
            (_, undecided) => Err(undecided.unwrap_or(unread)),
        }
    }

    fn column_place(&self, name: &str) -> Option<usize> {
        let mut columns = self.columns.iter();
        columns.position(|column| quote(&column.name) == name)
    }

    /// The column that a token names.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.column_place(name).and_then(|at| self.columns.get(at))
    }

    /// Whether one of two is less or both are equal, NULL apart. What a row is compared with is no literal, and of no
    /// type that has an order.
    fn are_ordered(&self, one: &Term, other: &Term) -> bool {
        let is_ordered = |term: &Term| {
            let kind = Kind::of(&self.atoms[term.place()], self);
            matches!(term, Term::Literal(_)) || kind.is_some_and(|kind| kind.is_ordered())
        };
        is_ordered(one) || is_ordered(other)
    }

    /// The place of a text. What another predicate says in the same words is the same; within one that is so only of
    /// what is sure to be one value.
    fn opaque(&mut self, tokens: &[&str]) -> usize {
        let atom = Atom::Opaque(tokens.join(" "));
        if self.atoms.contains(&atom) && self.undecided.is_none() {
            self.undecided = calls::unstable(tokens).map(Undecided::Call);
        }
        let is_one = steady::is_one_value(tokens, self);
        let is_it =
            |place: &usize| self.atoms[*place] == atom && (is_one || !self.taken.contains(place));
        let place = (0..self.atoms.len()).find(is_it);
        let place = place.unwrap_or_else(|| {
            self.atoms.push(atom);
            self.atoms.len() - 1
        });
        self.taken.insert(place);
        place
    }
}

/// The key words by which a predicate is taken apart.
const KEY_WORDS: [&str; 10] = [
    "and", "or", "not", "is", "in", "isnull", "notnull", "between", "case", "end",
];

struct Parser<'a, 't> {
    terms: &'t mut Terms,
    tokens: &'t [&'a str],
    at: usize,
}

impl<'a, 't> Parser<'a, 't> {
    fn is_next(&self, word: &str) -> bool {
        let token = self.tokens.get(self.at);
        token.is_some_and(|token| token.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, word: &str) -> bool {
        let is = self.is_next(word);
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Option<Node> {
        let mut nodes = vec![self.and()?];
        while self.take("or") {
            nodes.push(self.and()?);
        }
        Some(one_or(nodes, Node::Or))
    }

    fn and(&mut self) -> Option<Node> {
        let mut nodes = vec![self.not()?];
        while self.take("and") {
            nodes.push(self.not()?);
        }
        Some(one_or(nodes, Node::And))
    }

    fn not(&mut self) -> Option<Node> {
        if self.take("not") {
            return Some(Node::Not(Box::new(self.not()?)));
        }
        if self.is_next("(") {
            let end = self.closing(self.at)?;
            let next = self.tokens.get(end + 1);
            let ends = next.is_none_or(|token| is_one_of(token, &["and", "or", ")"]));
            let inner = self.tokens.get(self.at + 1..end)?;
            if ends && !is_query(inner)? {
                self.at += 1;
                let node = self.or()?;
                return self.take(")").then_some(node);
            }
        }
        let tokens = self.until(&["and", "or", ")", "between"])?;
        match self.take("between") {
            true => self.between(tokens),
            false => (!tokens.is_empty()).then(|| self.atom(tokens)),
        }
    }

    /// What stands before one of some words, outside of brackets, or before the end.
    fn until(&mut self, words: &[&str]) -> Option<&'t [&'a str]> {
        let start = self.at;
        let mut open = Open::default();
        while let Some(token) = self.tokens.get(self.at) {
            if open.is_none() && is_one_of(token, words) {
                break;
            }
            open.take(token)?;
            self.at += 1;
        }
        let tokens = self.tokens.get(start..self.at)?;
        open.is_none().then_some(tokens)
    }

    /// `x between a and b`, behind whose second word the ends follow.
    fn between(&mut self, of: &[&str]) -> Option<Node> {
        let node = self.both_ends(of);
        if node.is_none() {
            let undecided = &mut self.terms.undecided;
            undecided.get_or_insert(Undecided::Form("`between`"));
        }
        node
    }

    /// `x >= a and x <= b`, as PostgreSQL reads it too (<https://www.postgresql.org/docs/15/functions-comparison.html>),
    /// of what is known to be one operand: anything else may bind otherwise.
    fn both_ends(&mut self, of: &[&str]) -> Option<Node> {
        let (of, is_negated) = match of {
            [of @ .., not] if is_one_of(not, &["not"]) => (of, true),
            of => (of, false),
        };
        let least = self.until(&["and"])?;
        self.take("and").then_some(())?;
        let most = self.until(&["and", "or", ")"])?;
        for tokens in [of, least, most] {
            let text = Atom::Opaque(tokens.join(" "));
            let is_known = Kind::of(&text, self.terms).is_some();
            (is_known || self.literal(tokens).is_some()).then_some(())?;
        }
        let least = self.known(&[of, &[">="], least].concat())?;
        let most = self.known(&[of, &["<="], most].concat())?;
        let both = Node::And(vec![least, most]);
        Some(match is_negated {
            true => Node::Not(Box::new(both)),
            false => both,
        })
    }

    /// The place of the bracket that closes the one at a place.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match *token {
                "(" => depth += 1,
                ")" if depth == 1 => return Some(at),
                ")" => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// What holds no `and`, `or` or `not` of its own.
    fn atom(&mut self, tokens: &[&str]) -> Node {
        self.known(tokens)
            .unwrap_or_else(|| Node::Truth(Term::Is(self.terms.opaque(tokens))))
    }

    fn known(&mut self, tokens: &[&str]) -> Option<Node> {
        let mut open = Open::default();
        // The words and operators outside of brackets that say what it is.
        let mut telling: Vec<(usize, String)> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let is_telling = Operator::of(token).is_some()
                || is_one_of(token, &["is", "in", "not", "isnull", "notnull"]);
            if open.is_none() && is_telling {
                telling.push((at, token.to_ascii_lowercase()));
            }
            open.take(token)?;
        }
        let words: Vec<&str> = telling.iter().map(|(_, word)| word.as_str()).collect();
        let first = telling.first().map_or(tokens.len(), |(at, _)| *at);
        let left = &tokens[..first];
        let right = tokens.get(first + words.len()..).unwrap_or_default();
        let is_null = matches!(right, [word] if is_one_of(word, &["null"]));
        match words.as_slice() {
            [] => Some(Node::Truth(self.term(left)?)),
            ["is"] if is_null => self.null(left),
            ["is", "not"] if is_null => Some(Node::Not(Box::new(self.null(left)?))),
            ["in"] => self.list(left, right),
            ["not", "in"] => Some(Node::Not(Box::new(self.list(left, right)?))),
            // With two of them, which binds first is not ours to know.
            [operator] => {
                let operator = Operator::of(operator)?;
                let (left, right) = (self.term(left)?, self.term(right)?);
                let operator = self.without_order(operator, &left, &right);
                let is_told = !operator.is_ordering() || self.terms.are_ordered(&left, &right);
                is_told.then_some(Node::Compare(operator, left, right))
            }
            _ => None,
        }
    }

    /// Whether a text is greater than the empty one is whether it is another: of all texts the empty one is the least, in
    /// every collation.
    fn without_order(&self, operator: Operator, left: &Term, right: &Term) -> Operator {
        let atom = |term: &Term| &self.terms.atoms[term.place()];
        let is_text = || Kind::of(atom(left), self.terms).is_some_and(|kind| kind.is_text());
        let is_empty = matches!(atom(right), Atom::Text(text) if text == "''");
        match operator {
            Operator::Gt if is_empty && is_text() => Operator::Ne,
            operator => operator,
        }
    }

    /// `left is null`, of what is NULL or not.
    fn null(&mut self, left: &[&str]) -> Option<Node> {
        let term = self.term(left)?;
        let kind = Kind::of(&self.terms.atoms[term.place()], self.terms);
        kind.is_some_and(|kind| kind.is_null_or_not())
            .then_some(Node::Null(term))
    }

    /// `left in (…)`, of literals.
    fn list(&mut self, left: &[&str], list: &[&str]) -> Option<Node> {
        let ["(", inner @ .., ")"] = list else {
            return None;
        };
        let left = self.term(left)?;
        let pieces: Vec<&[&str]> = inner.split(|token| *token == ",").collect();
        // Several literals have one type, and beside a `real` that is it. One alone has its own.
        let is_real =
            pieces.len() > 1 && Kind::is_real(&self.terms.atoms[left.place()], self.terms);
        let are_several = pieces.len() > 1;
        let is_known = Kind::of(&self.terms.atoms[left.place()], self.terms).is_some();
        let mut nodes = Vec::new();
        for piece in pieces {
            let literal = self.literal(piece)?;
            if let (Some(atom), true, false) = (self.terms.atoms.last_mut(), are_several, is_known)
                && let Atom::Number(number) = *atom
                && !number.is_same_everywhere()
            {
                *atom = Atom::Listed(number);
            }
            if let (true, Some(atom)) = (is_real, self.terms.atoms.last_mut())
                && let Atom::Number(number) = *atom
            {
                *atom = Atom::Real(number);
            }
            nodes.push(Node::Compare(Operator::Eq, left.clone(), literal));
        }
        Some(one_or(nodes, Node::Or))
    }

    /// One term; `None` for what is none, such as `any (…)`, which stands behind an operator alone.
    fn term(&mut self, tokens: &[&str]) -> Option<Term> {
        let first = tokens.first()?;
        if is_one_of(first, &["any", "all", "some", "null"]) {
            return None;
        }
        if let Some(literal) = self.literal(tokens) {
            return Some(literal);
        }
        if let [name] = tokens
            && let Some(place) = self.terms.column_place(name)
        {
            return Some(Term::Is(place));
        }
        if let ["nullif", "(", inner @ .., ",", "''", ")"] = tokens {
            return Some(Term::UnlessEmpty(self.terms.opaque(inner)));
        }
        if let Some((setting, texts)) = one_of_texts(tokens) {
            let given = self.terms.opaque(&setting);
            let literals = texts.into_iter().map(|text| {
                self.terms.atoms.push(Atom::Text(text.to_owned()));
                self.terms.atoms.len() - 1
            });
            return Some(Term::Among(given, literals.collect()));
        }
        Some(Term::Is(self.terms.opaque(tokens)))
    }

    fn literal(&mut self, tokens: &[&str]) -> Option<Term> {
        let (tokens, is_real) = match tokens {
            [number @ .., "::", ty] if is_one_of(ty, &["real", "float4"]) => (number, true),
            tokens => (tokens, false),
        };
        let atom = match tokens {
            // One with escapes may be spelled in several ways.
            [text] if text.starts_with('\'') => Atom::Text((*text).to_owned()),
            [word] if word.eq_ignore_ascii_case("true") => Atom::Bool(true),
            [word] if word.eq_ignore_ascii_case("false") => Atom::Bool(false),
            [digits] => Atom::Number(Number::parse(digits)?),
            ["-", digits] => Atom::Number(Number::parse(digits)?.negative()),
            _ => return None,
        };
        let atom = match (atom, is_real) {
            (atom, false) => atom,
            (Atom::Number(number), true) => Atom::Real(number),
            (_, true) => return None,
        };
        self.terms.atoms.push(atom);
        Some(Term::Literal(self.terms.atoms.len() - 1))
    }
}

fn one_or(mut nodes: Vec<Node>, all: fn(Vec<Node>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => all(nodes),
    }
}
