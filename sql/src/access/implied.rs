//! Which membership holds wherever another one does: the same question of fewer rows.
//!
//! More conditions mean fewer rows for plain columns of joined tables alone: counted, a row less is another answer, and
//! behind `except` it is a row more. So only what is read to its end here is a membership.

use super::calls;
use super::parse::{Atom, Operator, Terms};
use super::tokens::{is_one_of, is_word, lex, name};
use super::universe::{TRUE, Value};

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

/// `column = any (array(select column from tables where conditions))`.
struct Membership {
    /// What stands before the conditions.
    of: Vec<String>,
    /// What the tables are joined by.
    joined: Vec<Vec<String>>,
    /// What all have to hold of the other tables' rows.
    conditions: Vec<Vec<String>>,
}

/// Words that are no alias.
const JOINING: [&str; 8] = [
    "where", "join", "inner", "cross", "left", "right", "full", "on",
];

impl Membership {
    fn read(text: &str) -> Option<Membership> {
        let tokens = lex(text)?;
        if !calls::are_stable(&tokens) {
            return None;
        }
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
        };
        reader.name()?;
        for word in ["=", "any", "(", "array", "(", "select"] {
            reader.take(word)?;
        }
        reader.name()?;
        reader.take("from")?;
        reader.source()?;
        let mut joined = Vec::new();
        loop {
            if reader.take(",").is_some() {
                reader.source()?;
            } else if reader.take("cross").is_some() {
                reader.take("join")?;
                reader.source()?;
            } else if reader.take("inner").is_some() || reader.is_next("join") {
                reader.take("join")?;
                reader.source()?;
                reader.take("on")?;
                joined.extend(reader.conditions()?);
            } else {
                break;
            }
        }
        let of = reader.since(0);
        let conditions = match reader.take("where") {
            Some(()) => reader.conditions()?,
            None => Vec::new(),
        };
        reader.take(")")?;
        reader.take(")")?;
        (reader.at == tokens.len()).then_some(Membership {
            of,
            joined,
            conditions,
        })
    }
}

/// What takes the tokens of a membership one after the other.
struct Reader<'a> {
    tokens: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    fn next(&self) -> Option<&str> {
        self.tokens.get(self.at).copied()
    }

    fn is_next(&self, word: &str) -> bool {
        self.next().is_some_and(|it| it.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.is_next(word).then(|| self.at += 1)
    }

    fn since(&self, start: usize) -> Vec<String> {
        let tokens = self.tokens[start..self.at].iter();
        tokens.map(|token| (*token).to_owned()).collect()
    }

    fn word(&mut self) -> Option<()> {
        is_word(self.next()?).then(|| self.at += 1)
    }

    /// A name, and what it is qualified with.
    fn name(&mut self) -> Option<()> {
        self.word()?;
        while self.take(".").is_some() {
            self.word()?;
        }
        Some(())
    }

    /// A table, under another name or its own.
    fn source(&mut self) -> Option<()> {
        self.name()?;
        if self.take("as").is_some() {
            return self.word();
        }
        if !self.next().is_some_and(|it| is_one_of(it, &JOINING)) {
            // Any other word that is no alias is followed by what no condition is.
            let _ = self.word();
        }
        Some(())
    }

    /// What `and` joins.
    fn conditions(&mut self) -> Option<Vec<Vec<String>>> {
        let mut conditions = Vec::new();
        loop {
            let start = self.at;
            self.condition()?;
            conditions.push(self.since(start));
            if self.take("and").is_none() {
                return Some(conditions);
            }
        }
    }

    fn condition(&mut self) -> Option<()> {
        while self.take("not").is_some() {}
        self.operand()?;
        if self.take("is").is_some() {
            let _ = self.take("not");
            let is_known = |it| is_one_of(it, &["null", "true", "false"]);
            return self.next().is_some_and(is_known).then(|| self.at += 1);
        }
        if self.next().and_then(Operator::of).is_some() {
            self.at += 1;
            return self.operand();
        }
        let is_negated = self.take("not").is_some();
        match self.take("in") {
            Some(()) => self.brackets(),
            None => (!is_negated).then_some(()),
        }
    }

    /// A column, a literal, a call, something in brackets; and what it is cast to.
    fn operand(&mut self) -> Option<()> {
        let next = self.next()?;
        if next == "(" {
            self.brackets()?;
        } else if next.starts_with(|first: char| first == '\'' || first.is_ascii_digit()) {
            self.at += 1;
        } else if next == "-" {
            self.at += 1;
            let digits = self.next()?;
            digits
                .starts_with(|first: char| first.is_ascii_digit())
                .then(|| self.at += 1)?;
        } else {
            self.name()?;
            if self.is_next("(") {
                self.brackets()?;
            }
        }
        while self.take("::").is_some() {
            self.name()?;
            if self.is_next("(") {
                self.brackets()?;
            }
            while self.take("[").is_some() {
                self.take("]")?;
            }
        }
        Some(())
    }

    /// Whatever stands between two brackets.
    fn brackets(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                "(" => depth += 1,
                ")" => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}
