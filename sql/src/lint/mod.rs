//! Rules for migrations written by hand, which no plan has made right.
//!
//! A rule is a file, and its code is the file's name with hyphens. Rules read the file's words; only
//! `not-parsed` needs a parser, so that a file which sqlparser cannot read still keeps the other rules.

mod catalog_write;
mod concurrently_alone;
mod copy_program;
mod definer_search_path;
mod empty_rollback;
mod ledger_write;
mod needs_no_transaction;
mod not_parsed;
mod not_sql;
mod open_relation;
mod owned_object;
mod plain_set;
mod platform_object;
mod role_power;
mod schema_elements;
mod transaction_control;
mod unnamed_access;
mod unnamed_loss;
mod view_invoker;

use std::fmt;

use crate::file::{FileError, Header, statements, tokens};
use crate::ident;
use crate::rule::Page;
use crate::schema::Schema;

/// What a rule has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code.
    pub rule: &'static str,
    /// The file, as it was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The fact and the remedy.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            rule,
            file,
            line,
            message,
        } = self;
        write!(f, "`{file}` line {line}: {message} [{rule}]")
    }
}

type Rule = fn(&File<'_>, &Schema) -> Vec<(usize, String)>;

/// Every rule with its page.
const RULES: [(Page, Rule); 19] = [
    (catalog_write::PAGE, catalog_write::check),
    (concurrently_alone::PAGE, concurrently_alone::check),
    (copy_program::PAGE, copy_program::check),
    (definer_search_path::PAGE, definer_search_path::check),
    (empty_rollback::PAGE, empty_rollback::check),
    (ledger_write::PAGE, ledger_write::check),
    (needs_no_transaction::PAGE, needs_no_transaction::check),
    (not_parsed::PAGE, not_parsed::check),
    (not_sql::PAGE, not_sql::check),
    (open_relation::PAGE, open_relation::check),
    (owned_object::PAGE, owned_object::check),
    (plain_set::PAGE, plain_set::check),
    (platform_object::PAGE, platform_object::check),
    (role_power::PAGE, role_power::check),
    (schema_elements::PAGE, schema_elements::check),
    (transaction_control::PAGE, transaction_control::check),
    (unnamed_access::PAGE, unnamed_access::check),
    (unnamed_loss::PAGE, unnamed_loss::check),
    (view_invoker::PAGE, view_invoker::check),
];

/// The pages of all lints.
pub(crate) fn pages() -> impl Iterator<Item = Page> {
    RULES.iter().map(|(page, _)| *page)
}

/// Lints a pair written by hand, each file by its name and its text, against the schema that the
/// structs own. Gives the findings in the order of files and lines.
pub fn pair(up: (&str, &str), down: (&str, &str), schema: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (is_rollback, (name, text)) in [(false, up), (true, down)] {
        let file = File::read(text, is_rollback);
        let mut of_file: Vec<Finding> = RULES
            .iter()
            .flat_map(|(page, check)| {
                let found = check(&file, schema).into_iter();
                found.map(|(line, message)| Finding {
                    rule: page.code,
                    file: name.to_owned(),
                    line,
                    message,
                })
            })
            .collect();
        of_file.sort_by_key(|finding| finding.line);
        findings.extend(of_file);
    }
    findings
}

/// A file as rules see it.
struct File<'a> {
    header: Header,
    is_rollback: bool,
    statements: Vec<Statement<'a>>,
    /// Why the text cannot be taken apart into statements.
    broken: Option<FileError>,
}

/// A statement as rules see it.
struct Statement<'a> {
    text: &'a str,
    line: usize,
    /// Its words, names, literals and operators; what is not quoted is in lower case.
    words: Vec<String>,
}

impl<'a> File<'a> {
    fn read(text: &'a str, is_rollback: bool) -> Self {
        let (found, mut broken) = match statements(text) {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let header = Header::parse(text).unwrap_or_else(|error| {
            broken.get_or_insert(error);
            Header::default()
        });
        let words = |text: &str| {
            let tokens = tokens(text).unwrap_or_default().into_iter();
            tokens
                .map(|token| {
                    if token.starts_with(['"', '\'']) {
                        token.to_owned()
                    } else {
                        token.to_ascii_lowercase()
                    }
                })
                .collect()
        };
        File {
            header,
            is_rollback,
            statements: found
                .into_iter()
                .map(|statement| Statement {
                    words: words(statement.text),
                    text: statement.text,
                    line: statement.line,
                })
                .collect(),
            broken,
        }
    }

    /// What a rule says of each statement that it finds fault with.
    fn each(&self, mut check: impl FnMut(&[&str]) -> Option<String>) -> Vec<(usize, String)> {
        let statements = self.statements.iter();
        statements
            .filter_map(|statement| {
                let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
                Some((statement.line, check(&words)?))
            })
            .collect()
    }
}

/// The name at the front of words: its schema, where one is given, and itself.
fn name(words: &[&str]) -> Option<(Option<String>, String)> {
    let part = |word: &str| {
        if word.starts_with('"') {
            return ident::unquote(word).map(|(name, _)| name);
        }
        let first = word.chars().next()?;
        (first.is_alphabetic() || first == '_').then(|| word.to_owned())
    };
    match words {
        [schema, ".", name, ..] => Some((Some(part(schema)?), part(name)?)),
        [name, ..] => Some((None, part(name)?)),
        [] => None,
    }
}

/// The words behind `if [not] exists` and `only`, where those stand at the front.
fn past_options<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    match words {
        ["if", "not", "exists", rest @ ..] | ["if", "exists", rest @ ..] | ["only", rest @ ..] => {
            past_options(rest)
        }
        _ => words,
    }
}

/// Whether words stand next to each other somewhere.
fn holds(words: &[&str], wanted: &[&str]) -> bool {
    words.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings of one rule for a file that applies, by line.
    pub(super) fn lines(rule: &str, text: &str, schema: &Schema) -> Vec<usize> {
        let found = pair(("up.sql", text), ("down.sql", "select 1;"), schema);
        let of_rule = found.iter().filter(|finding| finding.rule == rule);
        of_rule.map(|finding| finding.line).collect()
    }

    #[test]
    fn a_rule_is_a_file_and_its_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lint");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| Some(name.strip_suffix(".rs")?.replace('_', "-")))
            .filter(|name| name != "mod")
            .collect();
        files.sort();
        assert_eq!(files, RULES.map(|(page, _)| page.code));
    }

    #[test]
    fn a_finding_names_file_line_and_rule() {
        let found = pair(
            ("hand/a.sql", "select 1;\ncommit;\n"),
            ("hand/a.rollback.sql", "-- nothing\n"),
            &Schema::default(),
        );
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("`hand/a.sql` line 2: `commit` ")
                && said[0].ends_with("[transaction-control]"),
            "{said:?}"
        );
        assert!(
            said[1].starts_with("`hand/a.rollback.sql` line 1: the rollback is empty;"),
            "{said:?}"
        );
    }
}
