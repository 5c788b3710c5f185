//! What the bounds of partitions mean beside each other: which rows each holds, and which two claim.
//!
//! Only PostgreSQL knows the order of all its types; here as much is said as literals tell.

use std::borrow::Cow;
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

    /// Whether it holds the rows that another one holds, however either is written; `None` where the literals do
    /// not tell it.
    pub fn is_same(&self, other: &Partition, key: &[KeyColumn<'_>]) -> Option<bool> {
        let column = |at: usize| key.get(at).copied().flatten();
        let is_end = |a: &[String], b: &[String]| {
            let pairs = a.iter().zip(b).enumerate();
            all(pairs.map(|(at, (a, b))| same(column(at), a, b)))
        };
        match (self, other) {
            (
                Partition::Range { from, to },
                Partition::Range {
                    from: next,
                    to: end,
                },
            ) => all([is_end(from, next), is_end(to, end)]),
            (Partition::List(some), Partition::List(others)) => {
                let holds = |list: &[String], value| {
                    let lacks = list
                        .iter()
                        .map(|it| same(column(0), it, value).map(|is| !is));
                    all(lacks).map(|lacks| !lacks)
                };
                let here = some.iter().map(|value| holds(others, value));
                let there = others.iter().map(|value| holds(some, value));
                all(here.chain(there))
            }
            (one, other) => Some(one == other),
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
            let is_same = |there: &&Partition| there.is_same(bound, &key) == Some(true);
            if let Some(there) = there.filter(is_same) {
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
    same(key.first().copied().flatten(), a, b) == Some(true)
}

/// Whether all are true: one that is not decides it, however little is known of the others.
fn all(facts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for fact in facts {
        match fact {
            Some(false) => return Some(false),
            None => all = None,
            Some(true) => {}
        }
    }
    all
}

/// Whether two values are one, where the literals tell it.
fn same(column: KeyColumn<'_>, a: &str, b: &str) -> Option<bool> {
    let is_word = |value: &str| matches!(value, "null" | "minvalue" | "maxvalue");
    if a == b || is_word(a) || is_word(b) {
        return Some(a == b);
    }
    let (ty, collation) = column?;
    literal::is_same(ty, collation, &text(a), &text(b))
}

fn order(column: KeyColumn<'_>, a: &str, b: &str) -> Option<Ordering> {
    match (a, b) {
        _ if a == b => Some(Ordering::Equal),
        ("minvalue", _) | (_, "maxvalue") => Some(Ordering::Less),
        ("maxvalue", _) | (_, "minvalue") => Some(Ordering::Greater),
        _ => {
            let (ty, collation) = column?;
            literal::compare(ty, collation, &text(a), &text(b))
        }
    }
}

/// What a literal says, with or without quotes.
fn text(literal: &str) -> Cow<'_, str> {
    unquote_literal(literal).map_or(Cow::Borrowed(literal), Cow::Owned)
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
            list(one).is_same(&list(other), &[Some((&ty, None))]) == Some(true)
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
        let is_same = |one: Partition, other: Partition| one.is_same(&other, &key);
        let ends = [range("minvalue", "01"), range("minvalue", "1")];
        assert_eq!(is_same(ends[0].clone(), ends[1].clone()), Some(true));
        assert_eq!(is_same(ends[1].clone(), range("0", "1")), Some(false));
        assert_eq!(is_same(Partition::Default, Partition::Default), Some(true));
    }
}
