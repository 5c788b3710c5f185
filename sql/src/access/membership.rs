//! A membership, read to its end.

use std::ops::Range;

use super::calls;
use super::node::Operator;
use super::tokens::{is_one_of, is_word, lex, name};
use crate::schema::{QualifiedName, Schema};

/// `column = any (array(select column from tables where conditions))`.
pub(super) struct Membership {
    /// What stands before the conditions.
    pub(super) of: Vec<String>,
    /// What the tables are joined by.
    pub(super) joined: Vec<Vec<String>>,
    /// What all have to hold of the other tables' rows.
    pub(super) conditions: Vec<Vec<String>>,
    /// The tables in their order, each with what its rows are called there; those alone that are named with their
    /// schema.
    pub(super) tables: Vec<(String, QualifiedName)>,
}

/// Words that are no alias.
const JOINING: [&str; 8] = [
    "where", "join", "inner", "cross", "left", "right", "full", "on",
];

impl Membership {
    /// One, where what it selects is sure to be a column in the schemas: `row.name` calls a function of that name where
    /// there is no such column, and one that counts the rows makes it another question
    /// (<https://www.postgresql.org/docs/15/rowtypes.html#ROWTYPES-USAGE>).
    pub(super) fn read(text: &str, schemas: [&Schema; 2]) -> Option<Membership> {
        let tokens = lex(text)?;
        if !calls::are_stable(&tokens) {
            return None;
        }
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            rows: Vec::new(),
        };
        reader.name()?;
        for word in ["=", "any", "(", "array", "("] {
            reader.take(word)?;
        }
        let query = reader.at;
        reader.take("select")?;
        let selected = reader.at;
        reader.name()?;
        let selected = selected..reader.at;
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
        let of = 0..reader.at;
        let conditions = match reader.take("where") {
            Some(()) => reader.conditions()?,
            None => Vec::new(),
        };
        reader.take(")")?;
        reader.take(")")?;
        let Reader { at, rows, .. } = reader;
        is_column(&tokens, selected, &rows, schemas).then_some(())?;
        let renamed = renamed(&tokens, query, &rows);
        let tables = (0..).zip(&rows).filter_map(|(number, called)| {
            let table = qualified(&tokens[..called.start])?;
            Some((row(number), table))
        });
        let tables = match &renamed {
            Some(_) => tables.collect(),
            None => Vec::new(),
        };
        let tokens = renamed.unwrap_or_else(|| owned(&tokens));
        let words = |range: Range<usize>| -> Vec<String> {
            let said = tokens[range].iter().filter(|token| !token.is_empty());
            said.cloned().collect()
        };
        (at == tokens.len()).then(|| Membership {
            of: words(of),
            joined: joined.into_iter().map(words).collect(),
            conditions: conditions.into_iter().map(words).collect(),
            tables,
        })
    }
}

/// What takes the tokens of a membership one after the other.
struct Reader<'a> {
    tokens: &'a [&'a str],
    at: usize,
    /// Behind each table what its rows are called, where they are not called like the table.
    rows: Vec<Range<usize>>,
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
        let table = self.at;
        if self.take("as").is_some() {
            self.word()?;
        } else if !self.next().is_some_and(|it| is_one_of(it, &JOINING)) {
            // Any other word that is no alias is followed by what no condition is.
            let _ = self.word();
        }
        self.rows.push(table..self.at);
        Some(())
    }

    /// What `and` joins.
    fn conditions(&mut self) -> Option<Vec<Range<usize>>> {
        let mut conditions = Vec::new();
        loop {
            let start = self.at;
            self.condition()?;
            conditions.push(start..self.at);
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
        if self.take("between").is_some() {
            self.operand()?;
            self.take("and")?;
            return self.operand();
        }
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

fn owned(tokens: &[&str]) -> Vec<String> {
    tokens.iter().map(|token| (*token).to_owned()).collect()
}

/// What the rows of a table are called.
fn row(number: usize) -> String {
    format!("\"row {number}\"")
}

/// The table that tokens end with, where its schema is named: which one a search path leads to nobody knows here.
fn qualified(tokens: &[&str]) -> Option<QualifiedName> {
    match tokens {
        [.., before, schema, ".", table] if *before != "." => {
            Some(QualifiedName::new(name(schema)?, name(table)?))
        }
        _ => None,
    }
}

/// Whether what is selected of rows is one of their columns wherever their table is known. A name by itself is nothing
/// else.
fn is_column(
    tokens: &[&str],
    selected: Range<usize>,
    rows: &[Range<usize>],
    schemas: [&Schema; 2],
) -> bool {
    let (row, column) = match &tokens[selected] {
        [_] => return true,
        [row, ".", column] => (name(row), name(column)),
        _ => return false,
    };
    let called = rows
        .iter()
        .find(|called| name(tokens[called.end - 1]) == row);
    let (Some(called), Some(column)) = (called, column) else {
        return false;
    };
    let from = &tokens[..called.start];
    let is_read = |it: &QualifiedName| match qualified(from) {
        Some(table) => *it == table,
        None => from.last().and_then(|table| name(table)).as_ref() == Some(&it.name),
    };
    let tables = schemas.into_iter().flat_map(|schema| &schema.tables);
    let mut tables = tables.filter(|(name, _)| is_read(name)).peekable();
    tables.peek().is_some() && tables.all(|(_, table)| table.column(&column).is_some())
}

/// The tokens of a membership whose query begins at a place, with the same names for the rows of its tables whatever
/// they are called; `None` where such a name may be something else too.
fn renamed(tokens: &[&str], query: usize, rows: &[Range<usize>]) -> Option<Vec<String>> {
    let mut all = owned(tokens);
    for (number, called) in rows.iter().enumerate() {
        let name_of_row = name(tokens[called.end - 1]);
        let declaring = called.start - 1..called.end;
        let uses = |at: &usize| !declaring.contains(at) && name(tokens[*at]) == name_of_row;
        let uses: Vec<usize> = (query..tokens.len()).filter(uses).collect();
        // By itself it is a whole row, or another table; called or read from it is a schema; behind a dot it may be a
        // table of one.
        let is_row = |at: &usize| {
            tokens.get(at + 1) == Some(&".")
                && tokens.get(at + 3).is_none_or(|next| *next != "(")
                && !is_one_of(tokens[at - 1], &["from", "join", "only", ",", "."])
        };
        // A membership within another one may read the rows of that one.
        let row = row(number);
        if name_of_row.is_none() || tokens.contains(&&*row) || !uses.iter().all(is_row) {
            return None;
        }
        uses.into_iter().for_each(|at| all[at].clone_from(&row));
        // `as` before it says nothing.
        all[called.clone()].fill(String::new());
        all[called.start - 1].push_str(&row);
    }
    Some(all)
}
