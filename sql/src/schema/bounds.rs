//! What the bounds of partitions mean beside each other: which rows each holds, and which two claim.
//!
//! Only PostgreSQL knows the order of all its types; here as much is said as literals tell.

use std::cmp::Ordering;

use super::{Partition, Table, Type};
use crate::ident::unquote_literal;
use crate::literal;

/// A column of a partition key, where it is known: its type, and the collation that is named for it.
pub type KeyColumn<'a> = Option<(&'a Type, Option<&'a str>)>;

/// Why two partitions cannot stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// Both are the default.
    Defaults,
    /// Both list a value: the one at this place of the second.
    Value(usize),
    /// There is a key in the ranges of both.
    Ranges,
    /// The larger modulus is no multiple of the smaller.
    Moduli(u32, u32),
    /// There is a hash that both hold.
    Hashes,
}

impl Clash {
    /// The fact and the remedy. `value` is what both list, where they do.
    pub fn message(self, one: &str, other: &str, value: &str) -> String {
        match self {
            Clash::Defaults => {
                format!("partitions `{one}` and `{other}` are both the default; keep one")
            }
            Clash::Value(_) => {
                format!("partitions `{one}` and `{other}` both hold {value}; remove it from one")
            }
            Clash::Ranges => {
                format!("partitions `{one}` and `{other}` overlap; begin one where the other ends")
            }
            Clash::Moduli(large, small) => format!(
                "{large} is no multiple of {small}, the modulus of another partition; use one modulus for all, or \
                 multiples"
            ),
            Clash::Hashes => format!(
                "partitions `{one}` and `{other}` hold the same hashes; use another remainder"
            ),
        }
    }
}

impl Partition {
    /// Why it cannot stand behind another one, where the literals tell it.
    pub fn clash(&self, first: &Partition, key: &[KeyColumn<'_>]) -> Option<Clash> {
        match (first, self) {
            (Partition::Default, Partition::Default) => Some(Clash::Defaults),
            (Partition::List(taken), Partition::List(values)) => {
                let clash = |value: &String| taken.iter().any(|other| is_same(key, other, value));
                values.iter().position(clash).map(Clash::Value)
            }
            (
                Partition::Range { from, to },
                Partition::Range {
                    from: next,
                    to: end,
                },
            ) => {
                let before = |a, b| compare(key, a, b) == Some(Ordering::Less);
                (before(from, end) && before(next, to)).then_some(Clash::Ranges)
            }
            (
                Partition::Hash { modulus, remainder },
                Partition::Hash {
                    modulus: next,
                    remainder: rest,
                },
            ) => {
                let (small, large) = (*modulus.min(next), *modulus.max(next));
                if small == 0 {
                    None
                } else if large % small != 0 {
                    Some(Clash::Moduli(large, small))
                } else {
                    (remainder % small == rest % small).then_some(Clash::Hashes)
                }
            }
            _ => None,
        }
    }

    /// Whether it holds the rows that another one holds, however either is written.
    pub fn is_same(&self, other: &Partition, key: &[KeyColumn<'_>]) -> bool {
        let is_end = |a, b| compare(key, a, b) == Some(Ordering::Equal);
        match (self, other) {
            (
                Partition::Range { from, to },
                Partition::Range {
                    from: next,
                    to: end,
                },
            ) => is_end(from, next) && is_end(to, end),
            (Partition::List(some), Partition::List(others)) => {
                let holds = |list: &[String], value| list.iter().any(|it| is_same(key, it, value));
                some.iter().all(|value| holds(others, value))
                    && others.iter().all(|value| holds(some, value))
            }
            (one, other) => one == other,
        }
    }
}

impl Table {
    /// The columns of its partition key.
    pub fn partition_key(&self) -> Vec<KeyColumn<'_>> {
        let by = self.partition_by.iter().flat_map(|by| &by.columns);
        by.map(|name| {
            let column = self.column(name)?;
            Some((&column.ty, column.collation.as_deref()))
        })
        .collect()
    }

    /// Writes the bounds of its partitions as another table does, where they hold the same rows there.
    pub(crate) fn spell_bounds_as(&mut self, other: &Table) {
        let key = other.partition_key();
        for (name, bound) in &mut self.partitions {
            let there = other.partitions.get(name);
            if let Some(there) = there.filter(|there| there.is_same(bound, &key)) {
                bound.clone_from(there);
            }
        }
    }
}

/// The order of two keys, where the literals tell it.
pub fn compare(key: &[KeyColumn<'_>], a: &[String], b: &[String]) -> Option<Ordering> {
    for (column, (a, b)) in key.iter().zip(a.iter().zip(b)) {
        match order(*column, a, b)? {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    Some(Ordering::Equal)
}

/// Whether two values of a list are one; a list is of one column.
pub fn is_same(key: &[KeyColumn<'_>], a: &str, b: &str) -> bool {
    order(key.first().copied().flatten(), a, b) == Some(Ordering::Equal)
}

fn order(column: KeyColumn<'_>, a: &str, b: &str) -> Option<Ordering> {
    match (a, b) {
        _ if a == b => Some(Ordering::Equal),
        ("minvalue", _) | (_, "maxvalue") => Some(Ordering::Less),
        ("maxvalue", _) | (_, "minvalue") => Some(Ordering::Greater),
        _ => match (unquote_literal(a), unquote_literal(b)) {
            (Some(a), Some(b)) => {
                let (ty, collation) = column?;
                literal::compare(ty, collation, &a, &b)
            }
            // PostgreSQL prints some numbers in quotes.
            (one, other) => number(one.as_deref().unwrap_or(a), other.as_deref().unwrap_or(b)),
        },
    }
}

/// The order of two numbers without an exponent, of any number of digits.
fn number(a: &str, b: &str) -> Option<Ordering> {
    let parts = |text: &str| {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let is_zero = whole.is_empty() && fraction.is_empty();
        let is_number = [&whole, &fraction]
            .into_iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        is_number.then_some((is_negative && !is_zero, (whole.len(), whole, fraction)))
    };
    let ((a_is_negative, a), (b_is_negative, b)) = (parts(a)?, parts(b)?);
    Some(match (a_is_negative, b_is_negative) {
        (false, false) => a.cmp(&b),
        (true, true) => b.cmp(&a),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Partition {
        Partition::List(values.iter().copied().map(str::to_owned).collect())
    }

    #[test]
    fn bounds_that_hold_the_same_rows_are_the_same() {
        let same = |ty: Type, one: &[&str], other: &[&str]| {
            list(one).is_same(&list(other), &[Some((&ty, None))])
        };
        assert!(same(Type::Int8, &["2", "3"], &["3", "2"]));
        assert!(same(Type::Int8, &["'2'"], &["2"]));
        assert!(same(Type::Numeric(None), &["1.0", "-2"], &["-2.00", "1"]));
        assert!(same(Type::Text, &["null", "'a'"], &["'a'", "null"]));
        assert!(same(Type::Date, &["'2026-02-03'"], &["'2026-2-3'"]));
        assert!(!same(Type::Text, &["'1'"], &["'01'"]));
        assert!(!same(Type::Int8, &["2"], &["2", "3"]));
        assert!(!same(Type::Bool, &["true"], &["false"]));
        let range = |from: &str, to: &str| Partition::Range {
            from: vec![from.into()],
            to: vec![to.into()],
        };
        let key = [Some((&Type::Int4, None))];
        assert!(range("minvalue", "01").is_same(&range("minvalue", "1"), &key));
        assert!(!range("minvalue", "1").is_same(&range("0", "1"), &key));
        assert!(Partition::Default.is_same(&Partition::Default, &key));
    }
}
