//! The values that the CHECK of an enum no longer allows, of which rows may still hold some.

use crate::schema::{Check, Expr, allowed};

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
    let (Some(old), Some(new)) = (allowed(old), allowed(new)) else {
        return Vec::new();
    };
    let stays = |literal: &&str| new.contains(literal);
    old.into_iter().filter(|literal| !stays(literal)).collect()
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
            assert_eq!(allowed(&array(odd)), None, "{odd}");
        }
    }
}
