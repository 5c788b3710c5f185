//! The names in an expression: which columns and which tables it reads.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr as Ast, Ident, ObjectName, Query, SetExpr, TableFactor, Value, Visit, Visitor,
};

use crate::schema::TableName;

/// The columns of `table` and the other tables that an expression reads; else one message for each mistake.
pub(super) fn resolved(
    ast: &Ast,
    table: &str,
    columns: &[&str],
) -> Result<(BTreeSet<String>, BTreeSet<TableName>), Vec<String>> {
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
        Ok((names.read, names.tables))
    } else {
        Err(names.errors)
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
pub(super) fn folded(ident: &Ident) -> String {
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
