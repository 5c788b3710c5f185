//! Raw SQL expressions: parsed, and every column name in them resolved.

mod clause;
mod judge;
mod names;
mod parse;
mod types;

#[cfg(test)]
mod tests;

use crate::schema::{Expr, Type};

pub use clause::{Clause, refused};
pub use judge::mistyped;
pub use names::unknown_column;
pub use types::{Columns, no_condition, type_of};

/// Parses an expression over the columns of `table`.
///
/// Unqualified names are columns. Inside a subquery that reads other tables every name must be
/// qualified, since an unqualified one there could silently change its meaning.
///
/// # Errors
/// One message per mistake, each without the name of the clause, which the caller knows.
pub fn expression(sql: &str, table: &str, columns: &[&str]) -> Result<Expr, Vec<String>> {
    let ast = parse::expression(sql).map_err(|message| vec![message])?;
    let (read, tables) = names::resolved(&ast, table, columns)?;
    Ok(Expr {
        tables,
        ..Expr::new(sql.trim(), read)
    })
}

/// Parses the text of a column's type.
///
/// # Errors
/// The message, without the name of the attribute, which the caller knows.
pub fn data_type(sql: &str) -> Result<Type, String> {
    parse::data_type(sql)?;
    Ok(sql
        .parse()
        .unwrap_or_else(|never: std::convert::Infallible| match never {}))
}
