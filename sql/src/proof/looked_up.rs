//! Which rows of which tables policies look up.

use std::collections::BTreeSet;

use super::rows::exprs;
use crate::ident::quote;
use crate::schema::{Expr, QualifiedName, Schema, Table};

/// The predicates that look rows of other tables up, each with its own table.
pub(super) fn lookups(schema: &Schema) -> Vec<(&QualifiedName, &Expr)> {
    let policies = schema.tables.iter().flat_map(|(name, table)| {
        let policies = table.rls.policies().values();
        policies.map(move |policy| (name, policy))
    });
    let exprs = policies.flat_map(|(name, policy)| {
        let exprs = policy.using.iter().chain(&policy.check);
        exprs.map(move |expr| (name, expr))
    });
    exprs.filter(|(_, expr)| !expr.tables.is_empty()).collect()
}

/// Whether policies of the table look its own rows up.
pub(super) fn looks_at_itself(name: &QualifiedName, table: &Table) -> bool {
    let exprs = exprs(table).into_values();
    let mut lookups = exprs.flat_map(|expr| expr.lookups.values());
    lookups.any(|lookup| lookup.table == *name)
}

/// The columns of a table by which policies look its rows up.
pub(super) fn read_by_others(
    lookups: &[(&QualifiedName, &Expr)],
    name: &QualifiedName,
    table: &Table,
) -> BTreeSet<String> {
    let is_read = |expr: &Expr| {
        let mut tables = expr.tables.iter();
        tables.any(|read| read.may_be(name))
    };
    let exprs: Vec<&Expr> = lookups
        .iter()
        .filter(|(_, expr)| is_read(expr))
        .map(|(_, expr)| *expr)
        .collect();
    let reads = |sql: &str, column: &str| {
        let after = format!(".{}", quote(column));
        sql.match_indices(&after).any(|(at, _)| {
            let rest = sql[at + after.len()..].chars().next();
            rest.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '$'))
        })
    };
    let columns = table.columns.iter().map(|column| &column.name);
    columns
        .filter(|column| exprs.iter().any(|expr| reads(&expr.sql, column)))
        .cloned()
        .collect()
}
