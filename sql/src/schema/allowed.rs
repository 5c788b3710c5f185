//! The values that the CHECK of an enum allows.

use super::Expr;
use crate::ident::quote;

/// The literals of `column in (…)`, or of `column <@ array[…]`.
pub(crate) fn allowed(expr: &Expr) -> Option<Vec<&str>> {
    let mut columns = expr.columns.iter();
    let (Some(column), None) = (columns.next(), columns.next()) else {
        return None;
    };
    let rest = expr.sql.strip_prefix(&*quote(column))?;
    let one = || rest.strip_prefix(" in (")?.strip_suffix(')');
    let many = || rest.strip_prefix(" <@ array[")?.strip_suffix(']');
    let mut list = one().or_else(many)?;
    let mut literals = Vec::new();
    loop {
        let (literal, after) = list.split_at(literal_len(list)?);
        literals.push(literal);
        match after.strip_prefix(", ") {
            Some(next) => list = next,
            None => return after.is_empty().then_some(literals),
        }
    }
}

/// How many bytes the literal takes that the text begins with; `None` where it begins with none.
fn literal_len(text: &str) -> Option<usize> {
    let (start, is_escaped) = match text.strip_prefix('E') {
        Some(_) => (1, true),
        None => (0, false),
    };
    let inside = text[start..].strip_prefix('\'')?;
    let mut chars = inside.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if is_escaped => drop(chars.next()),
            '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => drop(chars.next()),
            '\'' => return Some(start + 1 + at + 1),
            _ => {}
        }
    }
    None
}
