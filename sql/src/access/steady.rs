//! What is sure to have one value wherever it stands in a predicate.
//!
//! A function of one's own under a name of PostgreSQL's is taken where it fits the types of what it is called with
//! exactly, and PostgreSQL's does not; so is an operator. A view may hold `random()`, and `b.name` may call a function
//! `name`. So only what derives write is sure, and little more.
//!
//! Sources: <https://www.postgresql.org/docs/15/typeconv-func.html> and
//! <https://www.postgresql.org/docs/15/rowtypes.html#ROWTYPES-USAGE>.

use super::calls::OF_SUPABASE;
use super::node::Operator;
use super::parse::Terms;
use super::tokens::{is_one_of, is_word};
use crate::schema::Type;

/// Types that have several words, or no name of ours.
const TYPES: [&str; 18] = [
    "bytea",
    "char",
    "character",
    "cidr",
    "double",
    "inet",
    "interval",
    "json",
    "macaddr",
    "name",
    "oid",
    "precision",
    "time",
    "timestamp",
    "varying",
    "with",
    "without",
    "zone",
];

/// Words of the language that look nothing up, and the names that derives give.
const WORDS: [&str; 22] = [
    "and",
    "as",
    "case",
    "coalesce",
    "current_date",
    "current_timestamp",
    "else",
    "end",
    "false",
    "from",
    "given",
    "greatest",
    "is",
    "least",
    "not",
    "null",
    "offset",
    "select",
    "setting",
    "then",
    "true",
    "when",
];

/// Whether a text has one value wherever it stands.
pub(super) fn is_one_value(tokens: &[&str], terms: &Terms) -> bool {
    match tokens {
        // A column, which nothing qualifies.
        [name] if is_word(name) => return true,
        [row, ".", name] if is_word(row) && terms.column(name).is_some() => return true,
        _ => {}
    }
    let reads_columns = tokens.iter().any(|token| terms.column(token).is_some());
    (0..tokens.len()).all(|at| Place { tokens, at }.is_sure(terms, reads_columns))
}

/// A token and what stands around it.
struct Place<'a> {
    tokens: &'a [&'a str],
    at: usize,
}

impl Place<'_> {
    fn before(&self) -> &str {
        self.at.checked_sub(1).map_or("", |at| self.tokens[at])
    }

    fn behind(&self) -> &[&str] {
        &self.tokens[self.at + 1..]
    }

    fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| is_one_of(token, &[word]))
    }

    fn is_sure(&self, terms: &Terms, reads_columns: bool) -> bool {
        let token = self.tokens[self.at];
        // By the name of a column a type may be called, and another table.
        let is_else = matches!(self.before(), "::" | "." | "as") || self.has("from");
        if let (Some(column), false) = (terms.column(token), is_else) {
            return is_built_in(&column.ty);
        }
        if is_word(token) {
            return self.is_sure_word(terms);
        }
        let is_literal = token.starts_with(|first: char| first == '\'' || first.is_ascii_digit());
        let is_mark = matches!(token, "(" | ")" | "[" | "]" | "," | "::");
        is_literal || is_mark || (token == "." && self.before() == "auth") || {
            !reads_columns && self.is_sure_operator(token)
        }
    }

    fn is_sure_word(&self, terms: &Terms) -> bool {
        let word = &*self.tokens[self.at].to_ascii_lowercase();
        let is_type = |word| is_one_of(word, &TYPES) || is_built_in_name(word);
        match (word, self.behind()) {
            _ if self.before() == "::" => is_type(word),
            // Another table, where it is behind that of a query.
            _ if self.before() == "," && self.has("from") => is_one_of(word, &["true", "false"]),
            _ if self.before() == "." => self.is_called_of_supabase(),
            ("auth", [".", ..]) => true,
            ("now" | "statement_timestamp" | "transaction_timestamp", ["(", ")", ..]) => true,
            ("current_setting", ["(", name, ")", ..]) => is_text(name),
            ("current_setting", ["(", name, ",", missing, ")", ..]) => {
                is_text(name) && is_one_of(missing, &["true", "false"])
            }
            // Two texts, which PostgreSQL compares with its own operator.
            (
                "nullif",
                [
                    "(",
                    "current_setting",
                    "(",
                    _,
                    ",",
                    _,
                    ")",
                    ",",
                    text,
                    ")",
                    ..,
                ],
            ) => is_text(text),
            ("length", ["(", "given", ")", ..]) => self.given_is_text(),
            ("jsonb_typeof", ["(", "given", ")", ..]) => true,
            ("length" | "lower" | "upper" | "btrim", ["(", name, ")", ..]) => {
                let column = terms.column(name);
                column.is_some_and(|column| column.ty == Type::Text)
            }
            // What stands there is a query, and no table beside it.
            ("from", [next, ..]) => *next == "(",
            ("cast", ["(", _, "as", ty, ")", ..]) => is_type(ty),
            ("coalesce" | "greatest" | "least", ["(", ..]) => true,
            ("like" | "in" | "between", _) => self.is_behind_given(),
            (_, ["(", ..]) => is_one_of(word, &["when", "then", "else", "and", "not", "select"]),
            _ => is_one_of(word, &WORDS) || is_type(word),
        }
    }

    fn is_sure_operator(&self, operator: &str) -> bool {
        match operator {
            "->" | "->>" | "#>>" => self.has("jwt") && !self.has("current_setting"),
            "~" => self.is_behind_given() && self.given_is_text(),
            // A literal has the type of what it is compared with.
            _ if Operator::of(operator).is_some() => {
                let literal = self.behind().first();
                let is_number = |it: &str| it.starts_with(|first: char| first.is_ascii_digit());
                literal.is_some_and(|it| is_text(it) || (is_number(it) && self.has("length")))
            }
            "-" | "+" => {
                let is_now = is_one_of(self.before(), &["current_timestamp"])
                    || self.tokens[..self.at].ends_with(&["now", "(", ")"]);
                is_now && self.behind().first().is_some_and(|it| *it == "interval")
            }
            _ => false,
        }
    }

    /// `given`, `given not`, or `given` as another type or a text in it.
    fn is_behind_given(&self) -> bool {
        let before = &self.tokens[..self.at];
        let before = before.strip_suffix(&["not"]).unwrap_or(before);
        match before {
            [.., "given"] => self.given_is_text(),
            [.., "given", "::", _] => true,
            [.., "given", "#>>", _, "::", "text", "[", "]"] => true,
            _ => false,
        }
    }

    /// A setting is a text, and what `->>` gives; what `->` gives is JSON.
    fn given_is_text(&self) -> bool {
        !self.has("->") || self.has("->>")
    }

    fn is_called_of_supabase(&self) -> bool {
        let name = self.tokens[self.at];
        let mut of_supabase = OF_SUPABASE.iter();
        let schema = self.at.checked_sub(2).map_or("", |at| self.tokens[at]);
        of_supabase.any(|(of, names)| *of == schema && names.contains(&name))
            && self.behind().starts_with(&["(", ")"])
    }
}

fn is_text(token: &str) -> bool {
    token.starts_with('\'')
}

fn is_built_in_name(name: &str) -> bool {
    let ty = name.parse::<Type>();
    ty.is_ok_and(|ty| !matches!(ty, Type::Named(_)))
}

fn is_built_in(ty: &Type) -> bool {
    match ty {
        Type::Named(name) => is_one_of(name, &TYPES),
        Type::Array(ty) => is_built_in(ty),
        _ => true,
    }
}
