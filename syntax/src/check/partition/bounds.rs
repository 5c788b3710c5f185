//! The partitions of a table beside each other: none may hold a row of another.
//!
//! Only PostgreSQL knows the order of all its types; here as much is said as literals tell.

use std::cmp::Ordering;

use tabellion_sql::schema::Type;

use super::text;
use crate::Report;
use crate::ast::{At, Bound, BoundValue, Partition, PartitionBy, Table, TypeRef};
use crate::predicate::Literal;

pub(super) fn together(table: &Table, by: &PartitionBy, report: &mut Report) {
    let types: Vec<Option<&TypeRef>> = by
        .columns
        .iter()
        .map(|field| table.column(field).map(|column| &column.ty))
        .collect();
    for (index, partition) in table.partitions.iter().enumerate() {
        alone(&types, partition, report);
        // One clash is enough: the others follow from the same slip.
        for other in &table.partitions[..index] {
            if clash(&types, other, partition, report) {
                break;
            }
        }
    }
}

/// A range that holds nothing, a value that stands twice.
fn alone(types: &[Option<&TypeRef>], partition: &Partition, report: &mut Report) {
    let name = &partition.name.value;
    match &partition.bound.value {
        Bound::Range { from, to } => {
            if let (Some(Ordering::Equal | Ordering::Greater), Some(first)) =
                (rows(types, from, to), to.first())
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
                if before.any(|other| other.value == value.value) {
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
    types: &[Option<&TypeRef>],
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
            let clash = values
                .iter()
                .find(|value| taken.iter().any(|other| other.value == value.value));
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
                rows(types, a, b) == Some(Ordering::Less)
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
    types: &[Option<&TypeRef>],
    a: &[At<BoundValue>],
    b: &[At<BoundValue>],
) -> Option<Ordering> {
    for (ty, (a, b)) in types.iter().zip(a.iter().zip(b)) {
        match values(*ty, &a.value, &b.value)? {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    Some(Ordering::Equal)
}

fn values(ty: Option<&TypeRef>, a: &BoundValue, b: &BoundValue) -> Option<Ordering> {
    match (a, b) {
        (a, b) if a == b => Some(Ordering::Equal),
        (BoundValue::Min, _) | (_, BoundValue::Max) => Some(Ordering::Less),
        (BoundValue::Max, _) | (_, BoundValue::Min) => Some(Ordering::Greater),
        (BoundValue::Literal(Literal::Int(a)), BoundValue::Literal(Literal::Int(b))) => {
            Some(a.parse::<i128>().ok()?.cmp(&b.parse().ok()?))
        }
        (BoundValue::Literal(Literal::Str(a)), BoundValue::Literal(Literal::Str(b))) => {
            let is_time = matches!(
                ty?,
                TypeRef::Known(Type::Date | Type::Timestamp(_) | Type::Timestamptz(_))
            );
            // Texts sort by a collation, and times in other forms than this one by their meaning.
            (is_time && is_iso_date(a) && is_iso_date(b)).then(|| a.cmp(b))
        }
        _ => None,
    }
}

fn is_iso_date(text: &str) -> bool {
    let form = |c: char| if c.is_ascii_digit() { '0' } else { c };
    text.chars().map(form).eq("0000-00-00".chars())
}
