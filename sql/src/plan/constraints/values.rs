//! The values that the CHECK of an enum no longer allows, of which rows may still hold some.

use crate::ident::quote;
use crate::schema::{Check, Expr};

/// What becomes of a CHECK: which values it no longer allows, and what to do about rows that hold them.
/// `None` where it only steps aside.
pub(super) fn fate(old: Option<&Expr>, new: &Check) -> Option<String> {
    let fate = super::rule(old, &new.expr)?;
    let gone = old.map_or_else(Vec::new, |old| gone(old, &new.expr));
    if gone.is_empty() {
        return Some(fate.to_owned());
    }
    let gone = gone.join(", ");
    Some(match new.not_valid {
        true => format!(
            "{fate}, without {gone}; rows that hold it stop the next file, update them between the two"
        ),
        false => {
            format!("{fate}, without {gone}; rows that hold it stop this file, update them before")
        }
    })
}

/// The literals that `old` lists and `new` does not, where both list what the same column may hold.
fn gone<'a>(old: &'a Expr, new: &Expr) -> Vec<&'a str> {
    let (Some(old), Some(new)) = (listed(old), listed(new)) else {
        return Vec::new();
    };
    let stays = |literal: &&str| new.contains(literal);
    old.into_iter().filter(|literal| !stays(literal)).collect()
}

/// The literals of `column in (…)`, or of `column <@ array[…]`.
fn listed(expr: &Expr) -> Option<Vec<&str>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::quote_literal;

    fn check(values: &[&str], not_valid: bool) -> Check {
        let list: Vec<String> = values.iter().map(|value| quote_literal(value)).collect();
        Check {
            not_valid,
            ..Check::new(Expr::new(
                format!("colour in ({})", list.join(", ")),
                ["colour"],
            ))
        }
    }

    #[test]
    fn the_values_that_go_are_named_with_what_to_do() {
        let old = check(&["it's, red", "back\\slash", "', '", "blue"], false);
        let said = |new: &Check| fate(Some(&old.expr), new);
        assert_eq!(
            said(&check(&["blue", "back\\slash"], true)).as_deref(),
            Some(
                "changed, without 'it''s, red', ''', '''; rows that hold it stop the next file, \
                 update them between the two"
            )
        );
        assert_eq!(
            said(&check(&["it's, red", "', '", "blue"], false)).as_deref(),
            Some(
                "changed, without E'back\\\\slash'; rows that hold it stop this file, update them before"
            )
        );
        let more = check(&["', '", "it's, red", "back\\slash", "blue", "green"], true);
        assert_eq!(said(&more).as_deref(), Some("changed"));
        assert_eq!(said(&old), None);
    }

    #[test]
    fn the_values_of_an_array_are_named_and_those_of_another_condition_are_not() {
        let array = |list: &str| Expr::new(format!("colours <@ array[{list}]"), ["colours"]);
        assert_eq!(gone(&array("'red', 'blue'"), &array("'blue'")), ["'red'"]);
        let other = Expr::new("colours is not null", ["colours"]);
        assert_eq!(gone(&array("'red'"), &other), Vec::<&str>::new());
        assert_eq!(gone(&other, &array("'red'")), Vec::<&str>::new());
        for odd in ["1, 2", "'red' || 'blue'", "'red", ""] {
            assert_eq!(listed(&array(odd)), None, "{odd}");
        }
    }
}
