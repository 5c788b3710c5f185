//! Raw SQL expressions: parsed, and every column name in them resolved.

mod clause;
mod judge;
mod types;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr as Ast, Ident, ObjectName, Query, SetExpr, TableFactor, Value, Visit, Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use crate::file::keeps_literals;
use crate::schema::{Expr, TableName, Type};

pub use clause::{Clause, refused};
pub use judge::mistyped;
pub use types::{Columns, no_condition, type_of};

/// Parses an expression over the columns of `table`.
///
/// Unqualified names are columns. Inside a subquery that reads other tables every name must be
/// qualified, since an unqualified one there could silently change its meaning.
///
/// # Errors
/// One message per mistake, each without the name of the clause, which the caller knows.
pub fn expression(sql: &str, table: &str, columns: &[&str]) -> Result<Expr, Vec<String>> {
    let ast = parse(sql).map_err(|message| vec![message])?;
    let mut names = Names {
        table,
        columns,
        scopes: Vec::new(),
        read: BTreeSet::new(),
        tables: BTreeSet::new(),
        errors: Vec::new(),
    };
    let _ = ast.visit(&mut names);
    if names.errors.is_empty() {
        Ok(Expr {
            tables: names.tables,
            ..Expr::new(sql.trim(), names.read)
        })
    } else {
        Err(names.errors)
    }
}

/// Parses the text of a column's type.
///
/// # Errors
/// The message, without the name of the attribute, which the caller knows.
pub fn data_type(sql: &str) -> Result<Type, String> {
    let mut parser = parser(sql)?;
    parser
        .parse_data_type()
        .map_err(|error| wording(&error.to_string()))?;
    end(&parser)?;
    Ok(sql
        .parse()
        .unwrap_or_else(|never: std::convert::Infallible| match never {}))
}

fn parse(sql: &str) -> Result<Ast, String> {
    let mut parser = parser(sql)?;
    let ast = parser
        .parse_expr()
        .map_err(|error| wording(&error.to_string()))?;
    end(&parser)?;
    Ok(ast)
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

struct Names<'a> {
    table: &'a str,
    columns: &'a [&'a str],
    /// The names that each enclosing query brings in, outermost first.
    scopes: Vec<BTreeSet<String>>,
    read: BTreeSet<String>,
    tables: BTreeSet<TableName>,
    errors: Vec<String>,
}

impl Names<'_> {
    fn column(&mut self, name: String) {
        if self.columns.contains(&name.as_str()) {
            self.read.insert(name);
        } else {
            let error = unknown_column(&name, self.table, self.columns);
            if !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
    }

    fn qualified(&mut self, qualifier: &Ident, name: &Ident) {
        let qualifier = folded(qualifier);
        if self.scopes.iter().any(|scope| scope.contains(&qualifier)) {
            return;
        }
        if qualifier == self.table {
            self.column(folded(name));
        } else {
            self.errors.push(format!(
                "no table `{qualifier}` in the expression; qualify with `{}` or a table of the subquery",
                self.table
            ));
        }
    }
}

impl Visitor for Names<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut scope = BTreeSet::new();
        sources(&query.body, &mut scope);
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            scope.insert(folded(&cte.alias.name));
        }
        // The parser keeps of such a query only a text, without its quotes.
        if is_table(&query.body) {
            let error = "`table` as a query does not show what it reads; write `select` and `from`";
            self.errors.push(error.to_owned());
        }
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let mut parts = relation.0.iter().rev().filter_map(|part| part.as_ident());
        if let Some(name) = parts.next().map(folded) {
            let schema = parts.next().map(folded);
            self.tables.insert(TableName { schema, name });
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Ast) -> ControlFlow<()> {
        match expr {
            Ast::Identifier(ident) => {
                let name = folded(ident);
                if self.scopes.iter().all(BTreeSet::is_empty) {
                    self.column(name);
                } else {
                    self.errors.push(format!(
                        "`{name}` stands in a subquery without its table; write `table.{name}`"
                    ));
                }
            }
            Ast::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] | [_, qualifier, name] => self.qualified(qualifier, name),
                _ => {}
            },
            Ast::Value(value) => {
                if let Value::Placeholder(text) = &value.value {
                    self.errors
                        .push(format!("`{text}` is a parameter; write a constant"));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn sources(body: &SetExpr, scope: &mut BTreeSet<String>) {
    match body {
        SetExpr::Select(select) => {
            for source in &select.from {
                factor(&source.relation, scope);
                for join in &source.joins {
                    factor(&join.relation, scope);
                }
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            sources(left, scope);
            sources(right, scope);
        }
        _ => {}
    }
}

/// Whether a query, or a part of it, is `table t`.
fn is_table(body: &SetExpr) -> bool {
    match body {
        SetExpr::Table(_) => true,
        SetExpr::SetOperation { left, right, .. } => is_table(left) || is_table(right),
        _ => false,
    }
}

fn factor(factor: &TableFactor, scope: &mut BTreeSet<String>) {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let own = name.0.last().and_then(|part| part.as_ident());
            if let Some(ident) = alias.as_ref().map(|alias| &alias.name).or(own) {
                scope.insert(folded(ident));
            }
        }
        TableFactor::Derived {
            alias: Some(alias), ..
        }
        | TableFactor::TableFunction {
            alias: Some(alias), ..
        }
        | TableFactor::UNNEST {
            alias: Some(alias), ..
        } => {
            scope.insert(folded(&alias.name));
        }
        // A source without a name still means that unqualified names may be its columns.
        _ => {
            scope.insert(String::new());
        }
    }
}

/// As PostgreSQL reads it: unless quoted, the letters of ASCII in lower case and no others.
fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The message for a name that is not a column, with the nearest name that is one.
pub fn unknown_column(name: &str, table: &str, columns: &[&str]) -> String {
    let fact = format!("no column `{name}` on table `{table}`");
    let near = columns
        .iter()
        .map(|column| (strsim::osa_distance(name, column), *column))
        .filter(|(distance, column)| *distance <= 1 + column.len().min(name.len()) / 3)
        .min();
    match near {
        Some((_, column)) => format!("{fact}; a column with a similar name exists: `{column}`"),
        None => fact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["owner", "email", "Odd"];
    const ONLY: &str = "`only` hides which table is read; write the table without it";

    fn read(sql: &str) -> Result<Vec<String>, Vec<String>> {
        expression(sql, "note", &COLUMNS).map(|expr| expr.columns.into_iter().collect())
    }

    #[test]
    fn a_blank_before_a_line_break_inside_a_literal_is_told() {
        let error = expression("a <> 'b \nc'", "t", &["a"])
            .unwrap_err()
            .concat();
        assert!(
            error.starts_with("it holds a line ending or trailing blank inside a literal")
                && error.contains("write it as `E'"),
            "{error}"
        );
        assert!(expression("a <> 'b\nc' \n or a = 'c'", "t", &["a"]).is_ok());
    }

    #[test]
    fn columns_are_found_wherever_they_stand() {
        let sql = "owner = (select current_setting('app.x', true)) and \"Odd\" is not null";
        assert_eq!(read(sql), Ok(vec!["Odd".into(), "owner".into()]));
        assert_eq!(read("note.OWNER = 'a'"), Ok(vec!["owner".into()]));
        let member = "exists (select 1 from member m where m.shop = note.owner)";
        assert_eq!(read(member), Ok(vec!["owner".into()]));
    }

    #[test]
    fn a_table_has_the_name_that_postgresql_reads() {
        for (written, schema, name) in [
            ("banned", None, "banned"),
            ("Banned", None, "banned"),
            ("\"Banned\"", None, "Banned"),
            ("\"user\"", None, "user"),
            ("PUBLIC.user", Some("public"), "user"),
            ("\"a.b\".\"c.d\"", Some("a.b"), "c.d"),
            ("\"a.b\"", None, "a.b"),
            ("\"odd\"\"name\"", None, "odd\"name"),
            ("shop.Public.T", Some("public"), "t"),
            ("\u{c9}t\u{c9}", None, "\u{c9}t\u{c9}"),
        ] {
            let read = TableName {
                schema: schema.map(str::to_owned),
                name: name.to_owned(),
            };
            let sql = format!("exists (select from {written} b where b.a = 1)");
            let expr = expression(&sql, "note", &COLUMNS).expect(written);
            assert_eq!(
                expr.tables.into_iter().collect::<Vec<_>>(),
                [read],
                "{written}"
            );
        }
    }

    #[test]
    fn a_table_may_be_called_only() {
        for sql in [
            "exists (select from \"only\" o where o.a = 1)",
            "exists (select from public.only o where o.a = 1)",
            "exists (select b.a as only from banned b fetch first 1 row only)",
            "exists (select b.a only from banned b, \"only\")",
        ] {
            assert!(read(sql).is_ok(), "{sql}: {:?}", read(sql));
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (sql, message) in [
            (
                "emial = 'x'",
                "no column `emial` on table `note`; a column with a similar name exists: `email`",
            ),
            (
                "owner == 'x'",
                "expected an operand at `==` (character 7); use `=` to compare",
            ),
            (
                "owner = 'x') or (true",
                "expected the end, found `)` (character 12)",
            ),
            (
                "owner = 'x' -- really",
                "a comment does not belong there; remove it",
            ),
            (
                "owner = $1",
                "`$1` is a parameter, and a schema has none; write a constant",
            ),
            (
                "exists (select 1 from member where shop = 'x')",
                "`shop` stands in a subquery without its table; write `table.shop`",
            ),
            (
                "exists (select 1 from member m union (table public.member))",
                "`table` as a query does not show what it reads; write `select` and `from`",
            ),
            ("(select count(*) from only member) = 0", ONLY),
            ("exists (select from shop s join ONLY member on true)", ONLY),
            ("exists (select from only (member))", ONLY),
            (
                "exists (select from only member m where m.shop = 'x')",
                ONLY,
            ),
            ("exists (select from only member as m)", ONLY),
            ("exists (select from only public.member)", ONLY),
            ("exists (select from shop s, only member)", ONLY),
            (
                "exists (select from shop s, lateral (select from (only member cross join shop)) x)",
                ONLY,
            ),
        ] {
            let errors = read(sql).expect_err(sql);
            assert_eq!(errors[0], message, "{sql}");
        }
    }
}
