//! The partitions of a table beside each other: none may hold a row of another.

use std::cmp::Ordering;

use tabellion_sql::schema::bounds::{self, Clash, KeyColumn};
use tabellion_sql::schema::{self, Type};

use super::text;
use crate::Report;
use crate::ast::{At, Bound, Column, Partition, PartitionBy, Table, TypeRef};
use crate::lower;

pub(super) fn together(table: &Table, by: &PartitionBy, report: &mut Report) {
    let key: Vec<KeyColumn<'_>> = by
        .columns
        .iter()
        .map(|field| typed(table.column(field)?))
        .collect();
    for (index, partition) in table.partitions.iter().enumerate() {
        alone(&key, partition, report);
        // One clash is enough: the others follow from the same slip.
        for other in &table.partitions[..index] {
            if clash(&key, other, partition, report) {
                break;
            }
        }
    }
}

fn typed(column: &Column) -> KeyColumn<'_> {
    let ty = match &column.ty {
        TypeRef::Known(ty) | TypeRef::Stated(ty) => ty,
        TypeRef::Enum(_) => &Type::Text,
        TypeRef::EnumArray(_) => return None,
    };
    Some((ty, column.collation.as_ref().map(|name| &*name.value)))
}

/// A range that holds nothing, a value that stands twice.
fn alone(key: &[KeyColumn<'_>], partition: &Partition, report: &mut Report) {
    let name = &partition.name.value;
    match (&partition.bound.value, lowered(partition)) {
        (Bound::Range { to: written, .. }, schema::Partition::Range { from, to }) => {
            if let (Some(Ordering::Equal | Ordering::Greater), Some(first)) =
                (bounds::compare(key, &from, &to), written.first())
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
        (Bound::List(written), schema::Partition::List(values)) => {
            for (index, value) in values.iter().enumerate() {
                let mut before = values[..index].iter();
                if before.any(|other| bounds::is_same(key, other, value)) {
                    let At { value, span } = &written[index];
                    report.at(
                        *span,
                        format!(
                            "{} stands twice in partition `{name}`; remove one",
                            text(value)
                        ),
                    );
                }
            }
        }
        _ => {}
    }
}

/// Whether two partitions claim the same row; reported at the second.
fn clash(
    key: &[KeyColumn<'_>],
    first: &Partition,
    second: &Partition,
    report: &mut Report,
) -> bool {
    let Some(clash) = lowered(second).clash(&lowered(first), key) else {
        return false;
    };
    let bound = &second.bound;
    let (span, value) = match (&bound.value, clash) {
        (Bound::List(values), Clash::Value(at)) => (values[at].span, text(&values[at].value)),
        (Bound::Range { from, .. }, _) => (
            from.first().map_or(bound.span, |value| value.span),
            String::new(),
        ),
        (Bound::Hash { modulus, .. }, Clash::Moduli(..)) => (modulus.span, String::new()),
        (Bound::Hash { remainder, .. }, _) => (remainder.span, String::new()),
        _ => (bound.span, String::new()),
    };
    let message = clash.message(&first.name.value, &second.name.value, &value);
    report.at(span, message);
    true
}

fn lowered(partition: &Partition) -> schema::Partition {
    lower::partition(&partition.bound.value)
}
