//! The values that the CHECK of an enum no longer allows, of which rows may still hold some.

use crate::schema::{Check, Expr, allowed};

/// What becomes of a CHECK: which values it no longer allows, and what to do about rows that hold them.
/// `None` where it only steps aside.
pub(super) fn fate(old: Option<&Expr>, new: &Check) -> Option<String> {
    let fate = super::rule(old, &new.expr)?;
    let (gone, come) = match old {
        Some(old) => (missing(old, &new.expr), missing(&new.expr, old)),
        None => (Vec::new(), Vec::new()),
    };
    if gone.is_empty() {
        return Some(fate.to_owned());
    }
    let remedy = match new.not_valid {
        true => "the next file, update them between the two",
        false => "this file, update them before",
    };
    let mut said = format!(
        "{fate}, without {}; rows that hold it stop {remedy}",
        gone.join(", ")
    );
    // Before such a file the rows cannot hold what takes its place.
    if !come.is_empty() {
        said.push_str(&format!(
            "; where {} replaces it allow both in this migration, update the rows in one of `cargo tabellion new`, and \
             drop the old one in the next",
            come.join(" or ")
        ));
    }
    Some(said)
}

/// The literals that the first lists and the other does not, where both list what the same column may hold.
fn missing<'a>(one: &'a Expr, other: &Expr) -> Vec<&'a str> {
    let (Some(one), Some(other)) = (allowed(one), allowed(other)) else {
        return Vec::new();
    };
    let is_there = |literal: &&str| other.contains(literal);
    one.into_iter()
        .filter(|literal| !is_there(literal))
        .collect()
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
    fn of_a_text_that_another_replaces_it_is_said_how_rows_come_by_it() {
        let old = check(&["red", "blue"], false);
        let said = |not_valid| fate(Some(&old.expr), &check(&["crimson", "blue"], not_valid));
        assert_eq!(
            said(false).as_deref(),
            Some(
                "changed, without 'red'; rows that hold it stop this file, update them before; where 'crimson' \
                 replaces it allow both in this migration, update the rows in one of `cargo tabellion new`, and \
                 drop the old one in the next"
            )
        );
        assert!(said(true).is_some_and(|it| it.ends_with("drop the old one in the next")));
    }

    #[test]
    fn the_values_of_an_array_are_named_and_those_of_another_condition_are_not() {
        let array = |list: &str| Expr::new(format!("colours <@ array[{list}]"), ["colours"]);
        assert_eq!(
            missing(&array("'red', 'blue'"), &array("'blue'")),
            ["'red'"]
        );
        let other = Expr::new("colours is not null", ["colours"]);
        assert_eq!(missing(&array("'red'"), &other), Vec::<&str>::new());
        assert_eq!(missing(&other, &array("'red'")), Vec::<&str>::new());
        for odd in ["1, 2", "'red' || 'blue'", "'red", ""] {
            assert_eq!(allowed(&array(odd)), None, "{odd}");
        }
    }
}
