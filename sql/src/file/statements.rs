//! Where one statement of a file ends and the next begins.
//!
//! Source of the rules: PostgreSQL's grammar (`src/backend/parser/gram.y`). Where this and the server
//! disagreed on where a statement ends, the rest would run unseen.

use super::FileError;
use super::tokens::{Kind, line_of, next};

/// How many words of a statement are kept.
const KEPT: usize = 4;

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The text from its first word on, without its semicolon.
    pub text: &'a str,
    /// Where it begins in the file, in bytes.
    pub start: usize,
    /// The line of its first word, counted from 1.
    pub line: usize,
    /// Its first words in lower case, at most four.
    pub words: Vec<String>,
}

/// The statements of a file, in order; comments between them belong to none.
///
/// # Errors
/// A quote, comment or body that does not end, and a psql command, which no server understands.
pub fn statements(sql: &str) -> Result<Vec<Statement<'_>>, FileError> {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    let mut lines = Lines::of(sql);
    let mut at = 0;
    while at < sql.len() {
        let token = next(sql, at)?;
        let text = &sql[at..token.end];
        match token.kind {
            Kind::Blank => {}
            Kind::Semicolon if open.as_ref().is_none_or(Open::may_end) => {
                found.extend(open.take().map(|open| open.close(sql, at, &mut lines)));
            }
            // Outside quotes SQL has no use for it, and psql runs what follows wherever it stands.
            Kind::Other if text == "\\" => {
                return Err(FileError::new(
                    line_of(sql, at),
                    "a psql command begins with `\\`; a migration holds SQL alone",
                ));
            }
            kind => open.get_or_insert_with(|| Open::at(at)).take(kind, text),
        }
        at = token.end;
    }
    if let Some(open) = open {
        if !open.may_end() {
            return Err(FileError::new(
                line_of(sql, open.start),
                "the statement does not end; close its parentheses and its `begin atomic`",
            ));
        }
        let end = sql.len();
        found.push(open.close(sql, end, &mut lines));
    }
    Ok(found)
}

/// A statement whose end has not been seen yet.
struct Open {
    start: usize,
    words: Vec<String>,
    parentheses: usize,
    body: Body,
}

/// Where a statement is in the body of a function that is written `begin atomic … end`. Each of its statements
/// ends in a semicolon, and no statement of it begins with `end`, so that an `end` of `case`, or one that
/// names a column, cannot be taken for its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    /// Behind a word `begin`, which is a name as well.
    Begin,
    Inside,
    /// Behind `atomic` or a semicolon.
    BetweenStatements,
}

impl Open {
    fn at(start: usize) -> Self {
        Open {
            start,
            words: Vec::new(),
            parentheses: 0,
            body: Body::None,
        }
    }

    fn may_end(&self) -> bool {
        self.parentheses == 0 && matches!(self.body, Body::None | Body::Begin)
    }

    fn take(&mut self, kind: Kind, text: &str) {
        match (kind, text) {
            (Kind::Word, word) => {
                // Of a long statement most words tell nothing.
                let makes_a_function = self.makes_a_function();
                if self.words.len() >= KEPT && !makes_a_function {
                    return;
                }
                let word = word.to_ascii_lowercase();
                self.body = match (self.body, word.as_str()) {
                    (Body::None | Body::Begin, "begin")
                        if makes_a_function && self.parentheses == 0 =>
                    {
                        Body::Begin
                    }
                    (Body::Begin, "atomic") => Body::BetweenStatements,
                    (Body::BetweenStatements, "end") | (Body::None | Body::Begin, _) => Body::None,
                    (Body::Inside | Body::BetweenStatements, _) => Body::Inside,
                };
                if self.words.len() < KEPT {
                    self.words.push(word);
                }
            }
            (kind, text) => {
                match text {
                    "(" => self.parentheses += 1,
                    ")" => self.parentheses = self.parentheses.saturating_sub(1),
                    _ => {}
                }
                self.body = match self.body {
                    Body::None | Body::Begin => Body::None,
                    _ if kind == Kind::Semicolon && self.parentheses == 0 => {
                        Body::BetweenStatements
                    }
                    _ => Body::Inside,
                };
            }
        }
    }

    fn makes_a_function(&self) -> bool {
        let is = |at: usize, any: &[&str]| {
            let word = self.words.get(at);
            word.is_some_and(|word| any.contains(&word.as_str()))
        };
        let kinds = ["function", "procedure"];
        is(0, &["create"])
            && (is(1, &kinds) || (is(1, &["or"]) && is(2, &["replace"]) && is(3, &kinds)))
    }

    fn close<'a>(self, sql: &'a str, end: usize, lines: &mut Lines<'_>) -> Statement<'a> {
        Statement {
            text: sql[self.start..end].trim_end(),
            start: self.start,
            line: lines.at(self.start),
            words: self.words,
        }
    }
}

/// The lines of bytes that come in order, each stretch counted once: a file may hold many statements.
struct Lines<'a> {
    rest: &'a str,
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(sql: &'a str) -> Self {
        Lines {
            rest: sql,
            counted: 0,
            line: 1,
        }
    }

    /// The line of a byte that lies behind the one asked for before.
    fn at(&mut self, byte: usize) -> usize {
        let (passed, rest) = self.rest.split_at(byte - self.counted);
        self.line += passed.matches('\n').count();
        (self.rest, self.counted) = (rest, byte);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).unwrap().iter().map(|s| s.text).collect()
    }

    #[test]
    fn semicolons_end_statements_only_where_they_stand_alone() {
        assert_eq!(
            texts("-- a; b\nselect ';', E'\\';', \"a;b\" /* ; /* ; */ ; */ ;\n\nselect 2"),
            ["select ';', E'\\';', \"a;b\" /* ; /* ; */ ; */", "select 2"]
        );
        assert_eq!(
            texts("do $$ begin; $$; do $a$ $$; $b$; $a$; select a$b$; select $1;"),
            [
                "do $$ begin; $$",
                "do $a$ $$; $b$; $a$",
                "select a$b$",
                "select $1"
            ]
        );
        assert_eq!(
            texts("create rule r as on insert to t do (select 1; select 2); select 3;"),
            [
                "create rule r as on insert to t do (select 1; select 2)",
                "select 3"
            ]
        );
        assert_eq!(texts(" ;; -- nothing\n ;"), [""; 0]);
        assert_eq!(
            texts("select 'it''s;' ; select ''"),
            ["select 'it''s;'", "select ''"]
        );
    }

    #[test]
    fn a_function_body_written_in_sql_is_one_statement() {
        let function = "create or replace function f() returns int begin atomic\n\
            select case when true then 1 end; select 2; end";
        assert_eq!(
            texts(&format!("{function}; select 1")),
            [function, "select 1"]
        );
    }

    #[test]
    fn nothing_but_its_body_hides_what_stands_behind_a_function() {
        let behind = |function: &str| texts(&format!("{function}; drop table t; end")).len();
        for name in ["begin", "\"begin\"", "f"] {
            let function =
                format!("create function {name}() returns int language sql as $$select 1$$");
            assert_eq!(behind(&function), 3, "{function}");
        }
        for body in [
            "begin atomic end",
            "begin atomic; end",
            "begin /* - */ atomic select 1 as case; end",
            "begin atomic select 1 case; select 2 end; end",
            "begin atomic select t.case, 1 as end from t; end",
            "begin atomic select case when a then 1 else case b when 2 then 3 end end; select (select 1); end",
        ] {
            let function = format!("create procedure f() {body}");
            assert_eq!(behind(&function), 3, "{function}");
        }
        assert!(statements("create function f() returns int begin atomic select 1 end;").is_err());
    }

    #[test]
    fn blanks_are_those_of_the_server() {
        let sql = "create domain \"\u{a0}e\" as text; select \u{a0}e'\\'; commit; select 1 --';";
        assert_eq!(texts(sql).len(), 4);
        assert_eq!(
            texts("\u{feff}select 1;\u{b}\u{c}select 2"),
            ["select 1", "select 2"]
        );
        assert_eq!(texts("select \u{feff}e'\\'; commit").len(), 2);
    }

    #[test]
    fn a_text_with_escapes_goes_on_behind_a_line_break() {
        for between in ["\n", " \t\r\n ", " -- '\n", "\n -- a\n\n"] {
            let sql = format!("select E'a'{between}'it\\'s; ' || ';'; select 2");
            assert_eq!(texts(&sql).len(), 2, "{sql}");
        }
        // On one line, or behind another comment, it is another text.
        for between in [" ", " /*\n*/ ", " || "] {
            let sql = format!("select E'a'{between}'\\'; select 2");
            assert_eq!(texts(&sql).len(), 2, "{sql}");
        }
    }

    #[test]
    fn a_statement_knows_its_line_and_words() {
        let sql = "-- header\n\nselect 1;\n\n  /* c */\n  Start Transaction Read Only;";
        let found = statements(sql).unwrap();
        assert_eq!((found[0].line, found[1].line), (3, 6));
        assert_eq!(found[1].words, ["start", "transaction", "read", "only"]);
        assert_eq!(&sql[found[1].start..][..5], "Start");
    }

    #[test]
    fn what_does_not_end_is_an_error_with_its_line() {
        for (sql, line, word) in [
            ("select 1;\nselect 'a;\n", 2, "text"),
            ("/* a", 1, "comment"),
            ("\n\ndo $x$ a $$", 3, "dollar"),
            ("select \"a", 1, "name"),
            ("select (1", 1, "parentheses"),
            ("select 1;\n\\d t\n", 2, "psql"),
            ("select 1\n\\! date\n;", 2, "psql"),
            ("select 1 \\gexec", 1, "psql"),
        ] {
            let error = statements(sql).unwrap_err();
            assert_eq!(error.line, line, "{sql}");
            assert!(error.message.contains(word), "{error}");
        }
    }
}
