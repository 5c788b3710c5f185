//! A text as what PostgreSQL's grammar makes of it, and what is wrong with one that is none.

use sqlparser::ast::Expr;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace, Word};

use crate::file::keeps_literals;

pub(super) fn expression(sql: &str) -> Result<Expr, String> {
    whole(sql, Parser::parse_expr)
}

pub(super) fn data_type(sql: &str) -> Result<(), String> {
    whole(sql, Parser::parse_data_type).map(drop)
}

/// What the whole of a text is.
fn whole<'a, T>(
    sql: &str,
    read: impl FnOnce(&mut Parser<'a>) -> Result<T, ParserError>,
) -> Result<T, String> {
    let mut parser = parser(sql)?;
    let found = read(&mut parser).map_err(|error| wording(&error.to_string()))?;
    end(&parser)?;
    Ok(found)
}

/// A parser over tokens none of which could reach beyond the place where the text will stand.
fn parser(sql: &str) -> Result<Parser<'static>, String> {
    const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};
    if sql.trim().is_empty() {
        return Err("it is empty; write one".into());
    }
    if sql.contains('\0') {
        return Err("a text in PostgreSQL holds no NUL character; remove it".into());
    }
    // What could not be sealed is told where it is written.
    keeps_literals(sql.trim()).map_err(|error| format!("it {}", error.message))?;
    let tokens = Tokenizer::new(&DIALECT, sql)
        .tokenize_with_location()
        .map_err(|error| wording(&error.to_string()))?;
    let mut last = &Token::EOF;
    for token in &tokens {
        match &token.token {
            // The parser here takes it for the table. A table of that name stands in quotes or behind its schema.
            Token::Word(word)
                if word.quote_style.is_none()
                    && word.value.eq_ignore_ascii_case("only")
                    && may_precede_table(last) =>
            {
                return Err(
                    "`only` hides which table is read; write the table without it".to_owned(),
                );
            }
            // What is not named may be other columns tomorrow.
            Token::Mul if *last == Token::Period => {
                return Err(
                    "`.*` reads columns without naming them, those to come too; name them".into(),
                );
            }
            Token::Word(word) if is_natural(last) && is_joining(word) => {
                return Err(
                    "`natural` compares columns without naming them, those to come too; name them behind `on`".into(),
                );
            }
            // It would swallow the parenthesis that closes the clause.
            Token::Whitespace(
                Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
            ) => return Err("a comment does not belong there; remove it".into()),
            // PostgreSQL ends an operator where a comment begins; the tokenizer here does not.
            Token::CustomBinaryOperator(text) if text.contains("--") || text.contains("/*") => {
                return Err("a comment does not belong there; remove it".into());
            }
            Token::Placeholder(text) => {
                return Err(format!(
                    "`{text}` is a parameter, and a schema has none; write a constant"
                ));
            }
            Token::DoubleEq => {
                return Err(format!(
                    "expected an operand at `==` (character {}); use `=` to compare",
                    token.span.start.column
                ));
            }
            _ => {}
        }
        if !matches!(token.token, Token::Whitespace(_)) {
            last = &token.token;
        }
    }
    Ok(Parser::new(&DIALECT).with_tokens_with_locations(tokens))
}

/// Whether a table may come next in a list of what is read.
fn may_precede_table(token: &Token) -> bool {
    match token {
        Token::Comma | Token::LParen => true,
        Token::Word(word) => matches!(word.keyword, Keyword::FROM | Keyword::JOIN),
        _ => false,
    }
}

fn is_natural(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::NATURAL && word.quote_style.is_none())
}

fn is_joining(word: &Word) -> bool {
    let joining = [
        Keyword::JOIN,
        Keyword::INNER,
        Keyword::LEFT,
        Keyword::RIGHT,
        Keyword::FULL,
    ];
    joining.contains(&word.keyword)
}

fn end(parser: &Parser<'_>) -> Result<(), String> {
    let rest = parser.peek_token();
    if rest.token == Token::EOF {
        return Ok(());
    }
    Err(format!(
        "expected the end, found `{}` (character {})",
        rest.token, rest.span.start.column
    ))
}

/// The parser's message in our own manner: `expected …, found … (character n)`.
fn wording(message: &str) -> String {
    let message = message
        .trim_start_matches("sql parser error: ")
        .trim_start_matches("Expected: ");
    let (text, place) = match message.split_once(" at Line: ") {
        Some((text, place)) => (text, place.split_once("Column: ").map(|(_, column)| column)),
        None => (message, None),
    };
    let text = match text.split_once(", found: ") {
        Some((expected, "EOF")) => format!("expected {expected}, found the end"),
        Some((expected, found)) => format!("expected {expected}, found `{found}`"),
        None => text.to_owned(),
    };
    match place {
        Some(column) => format!("{text} (character {column})"),
        None => text,
    }
}
