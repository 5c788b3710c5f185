//! The values that the CHECK of an enum allows, or no longer does while rows may still hold some.

use crate::plan::change::Columns;
use crate::schema::{Check, Expr, Table, allowed};

/// What a CHECK becomes, or comes from: the one of its name, else one that comes where it goes, or goes where it comes,
/// and lists values of the same column. The name is made of those of table and column, which may have changed.
pub(super) fn counterpart<'a>(check: &str, own: &Table, other: &'a Table) -> Option<&'a Check> {
    let list = || List::of(&own.checks.get(check)?.expr);
    let lists_the_same = |(name, it): &(&String, &Check)| {
        let column = list().map(|list| list.column);
        let is_free = !own.checks.contains_key(*name);
        is_free && column.is_some() && List::of(&it.expr).map(|list| list.column) == column
    };
    let renamed = || other.checks.iter().find(lists_the_same);
    let same = other.checks.get(check);
    same.or_else(|| renamed().map(|(_, found)| found))
}

/// What becomes of a CHECK: which values it no longer allows, and what to do about rows that hold them.
/// `None` where it only steps aside, or allows all that the old one did.
pub(super) fn fate(old: Option<&Check>, new: &Check, columns: &Columns) -> Option<String> {
    let fate = super::rule(old.map(|old| &old.expr), &new.expr)?;
    let Some((old, list)) = old.and_then(|old| lists(old, new)) else {
        return Some(fate.to_owned());
    };
    let (gone, come) = (list.lacks(&old), old.lacks(&list));
    if gone.is_empty() {
        // Another type may write the values anew.
        return columns.move_check(new).then(|| fate.to_owned());
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

/// Whether one of two CHECKs only allows more values than the other.
pub(super) fn is_ordered(old: &Check, new: &Check, columns: &Columns) -> bool {
    let lists = lists(old, new).filter(|_| !columns.move_check(new));
    lists.is_some_and(|(old, new)| old.lacks(&new).is_empty() || new.lacks(&old).is_empty())
}

/// What a CHECK lists: the values of a column, or of the elements of an array.
#[derive(Debug)]
struct List<'a> {
    column: &'a String,
    is_of_elements: bool,
    literals: Vec<&'a str>,
}

impl<'a> List<'a> {
    fn of(expr: &'a Expr) -> Option<Self> {
        let literals = allowed(expr)?;
        Some(List {
            column: expr.columns.first()?,
            is_of_elements: expr.sql.ends_with(']'),
            literals,
        })
    }

    /// The literals of another that are not in this one.
    fn lacks(&self, other: &List<'a>) -> Vec<&'a str> {
        let is_missing = |literal: &&&str| !self.literals.contains(literal);
        other.literals.iter().filter(is_missing).copied().collect()
    }
}

/// The lists of two CHECKs, where both are of what the same column may hold.
fn lists<'a>(old: &'a Check, new: &'a Check) -> Option<(List<'a>, List<'a>)> {
    let (old, new) = (List::of(&old.expr)?, List::of(&new.expr)?);
    let are_alike = old.column == new.column && old.is_of_elements == new.is_of_elements;
    are_alike.then_some((old, new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::quote_literal;
    use crate::schema::{Column, Type};

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
        let said = |new: &Check| fate(Some(&old), new, &Columns::default());
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
        assert_eq!(said(&more), None);
        assert_eq!(said(&old), None);
    }

    #[test]
    fn of_a_text_that_another_replaces_it_is_said_how_rows_come_by_it() {
        let old = check(&["red", "blue"], false);
        let none = Columns::default();
        let said = |not_valid| fate(Some(&old), &check(&["crimson", "blue"], not_valid), &none);
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
        let array = |list: &str| Expr::new(format!("colour <@ array[{list}]"), ["colour"]);
        let said = |old: &Expr, new: &Expr| {
            let [old, new] = [old, new].map(|expr| Check::new(expr.clone()));
            fate(Some(&old), &new, &Columns::default()).expect("another rule")
        };
        let both = array("'red', 'blue'");
        assert!(said(&both, &array("'blue'")).starts_with("changed, without 'red';"));
        let one = check(&["blue"], false).expr;
        let other = Expr::new("colour is not null", ["colour"]);
        for (old, new) in [
            (&both, &other),
            (&other, &both),
            (&both, &one),
            (&one, &both),
        ] {
            assert_eq!(said(old, new), "changed");
        }
        for odd in ["1, 2", "'red' || 'blue'", "'red", ""] {
            assert_eq!(allowed(&array(odd)), None, "{odd}");
        }
    }

    #[test]
    fn a_list_that_grows_restricts_where_its_column_changes_with_it() {
        let columns = |ty: Type| Table {
            columns: vec![Column::new("colour", ty)],
            ..Table::new("shop::Paint")
        };
        let retyped = Columns::of(&columns(Type::Text), &columns(Type::Varchar(Some(3))));
        let (old, new) = (check(&["blue"], false), check(&["blue", "blu"], false));
        assert_eq!(fate(Some(&old), &new, &retyped).as_deref(), Some("changed"));
        assert!(is_ordered(&old, &new, &Columns::default()));
        assert!(!is_ordered(&old, &new, &retyped));
    }
}
