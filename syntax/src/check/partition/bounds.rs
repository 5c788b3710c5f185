//! The partitions of a table beside each other: none may hold a row of another.
//!
//! Only PostgreSQL knows the order of all its types; here as much is said as literals tell.

use std::cmp::Ordering;

use tabellion_sql::literal;
use tabellion_sql::schema::Type;

use super::text;
use crate::Report;
use crate::ast::{At, Bound, BoundValue, Column, Partition, PartitionBy, Table, TypeRef};
use crate::predicate::Literal;

pub(super) fn together(table: &Table, by: &PartitionBy, report: &mut Report) {
    let columns: Vec<Option<&Column>> =
        by.columns.iter().map(|field| table.column(field)).collect();
    for (index, partition) in table.partitions.iter().enumerate() {
        alone(&columns, partition, report);
        // One clash is enough: the others follow from the same slip.
        for other in &table.partitions[..index] {
            if clash(&columns, other, partition, report) {
                break;
            }
        }
    }
}

/// A range that holds nothing, a value that stands twice.
fn alone(columns: &[Option<&Column>], partition: &Partition, report: &mut Report) {
    let name = &partition.name.value;
    match &partition.bound.value {
        Bound::Range { from, to } => {
            if let (Some(Ordering::Equal | Ordering::Greater), Some(first)) =
                (rows(columns, from, to), to.first())
            {
                report.at(
                    first.span,
                    format!(
                        "partition `{name}` ends where it begins or before, so that it holds no row; \
                         exchange `from` and `to`, or change one"
                    ),
                );
            }
        }
        Bound::List(values) => {
            for (index, value) in values.iter().enumerate() {
                let mut before = values[..index].iter();
                if before.any(|other| same(columns, &other.value, &value.value)) {
                    report.at(
                        value.span,
                        format!(
                            "{} stands twice in partition `{name}`; remove one",
                            text(&value.value)
                        ),
                    );
                }
            }
        }
        Bound::Hash { .. } | Bound::Default => {}
    }
}

/// Whether two partitions claim the same row; reported at the second.
fn clash(
    columns: &[Option<&Column>],
    first: &Partition,
    second: &Partition,
    report: &mut Report,
) -> bool {
    let (one, other) = (&first.name.value, &second.name.value);
    let (span, message) = match (&first.bound.value, &second.bound.value) {
        (Bound::Default, Bound::Default) => (
            second.bound.span,
            format!("partitions `{one}` and `{other}` are both the default; keep one"),
        ),
        (Bound::List(taken), Bound::List(values)) => {
            let clash = values.iter().find(|value| {
                let mut taken = taken.iter();
                taken.any(|other| same(columns, &other.value, &value.value))
            });
            let Some(value) = clash else {
                return false;
            };
            (
                value.span,
                format!(
                    "partitions `{one}` and `{other}` both hold {}; remove it from one",
                    text(&value.value)
                ),
            )
        }
        (
            Bound::Range { from, to },
            Bound::Range {
                from: next,
                to: end,
            },
        ) => {
            let before = |a: &[At<BoundValue>], b: &[At<BoundValue>]| {
                rows(columns, a, b) == Some(Ordering::Less)
            };
            if !(before(from, end) && before(next, to)) {
                return false;
            }
            (
                next.first().map_or(second.bound.span, |value| value.span),
                format!("partitions `{one}` and `{other}` overlap; begin one where the other ends"),
            )
        }
        (
            Bound::Hash { modulus, remainder },
            Bound::Hash {
                modulus: next,
                remainder: rest,
            },
        ) => {
            let (small, large) = match modulus.value <= next.value {
                true => (modulus.value, next.value),
                false => (next.value, modulus.value),
            };
            if small == 0 {
                return false;
            }
            if large % small != 0 {
                (
                    next.span,
                    format!(
                        "{large} is no multiple of {small}, the modulus of another partition; use one modulus \
                         for all, or multiples"
                    ),
                )
            } else if remainder.value % small == rest.value % small {
                (
                    rest.span,
                    format!(
                        "partitions `{one}` and `{other}` hold the same hashes; use another remainder"
                    ),
                )
            } else {
                return false;
            }
        }
        _ => return false,
    };
    report.at(span, message);
    true
}

/// The order of two keys, where the literals tell it.
fn rows(
    columns: &[Option<&Column>],
    a: &[At<BoundValue>],
    b: &[At<BoundValue>],
) -> Option<Ordering> {
    for (column, (a, b)) in columns.iter().zip(a.iter().zip(b)) {
        match values(*column, &a.value, &b.value)? {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    Some(Ordering::Equal)
}

/// Whether two values of a list are one; a list is of one column.
fn same(columns: &[Option<&Column>], a: &BoundValue, b: &BoundValue) -> bool {
    let column = columns.first().copied().flatten();
    values(column, a, b) == Some(Ordering::Equal)
}

fn values(column: Option<&Column>, a: &BoundValue, b: &BoundValue) -> Option<Ordering> {
    match (a, b) {
        (a, b) if a == b => Some(Ordering::Equal),
        (BoundValue::Min, _) | (_, BoundValue::Max) => Some(Ordering::Less),
        (BoundValue::Max, _) | (_, BoundValue::Min) => Some(Ordering::Greater),
        (
            BoundValue::Literal(Literal::Int(a) | Literal::Float(a)),
            BoundValue::Literal(Literal::Int(b) | Literal::Float(b)),
        ) => number(a, b),
        (BoundValue::Literal(Literal::Str(a)), BoundValue::Literal(Literal::Str(b))) => {
            let column = column?;
            let collation = column.collation.as_ref().map(|name| name.value.as_str());
            let ty = match &column.ty {
                TypeRef::Known(ty) | TypeRef::Stated(ty) => ty,
                TypeRef::Enum(_) => &Type::Text,
                TypeRef::EnumArray(_) => return None,
            };
            literal::compare(ty, collation, a, b)
        }
        _ => None,
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
