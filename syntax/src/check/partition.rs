//! Partitioned tables and their partitions.
//!
//! Source: <https://www.postgresql.org/docs/15/ddl-partitioning.html> and the bounds of
//! <https://www.postgresql.org/docs/15/sql-createtable.html>.

mod bounds;

use proc_macro2::{Ident, Span};
use tabellion_sql::schema::PartitionStrategy;

use super::column::{literal_fits, no_value};
use super::index::shown;
use super::keys::{listed, ordered};
use crate::Report;
use crate::ast::{At, Bound, BoundValue, IndexColumn, Partition, PartitionBy, Table, TypeRef};
use crate::predicate::Literal;

pub(super) fn partitions(table: &Table, report: &mut Report) {
    // Without it there is no key to hold them against.
    let Some(by) = &table.partition_by else {
        return;
    };
    key(table, by, report);
    keys_hold(table, by, report);
    for partition in &table.partitions {
        bound(table, by, partition, report);
    }
    bounds::together(table, by, report);
}

fn key(table: &Table, by: &PartitionBy, report: &mut Report) {
    let what = "the partition key";
    listed(table, what, by.columns.iter(), report);
    // What has a hash only the whole schema's reading tells.
    if by.strategy.value != PartitionStrategy::Hash {
        ordered(table, what, by.columns.iter(), report);
    }
    if let (PartitionStrategy::List, Some(second)) = (by.strategy.value, by.columns.get(1)) {
        report.at(
            second.span(),
            "a list of values is of one column; use `range` or `hash`, or remove this one",
        );
    }
    for field in &by.columns {
        if table
            .column(field)
            .is_some_and(|column| column.computed.is_some())
        {
            report.at(
                field.span(),
                format!(
                    "column `{}` is generated, and a row finds its partition before it is; use another column",
                    shown(table, field)
                ),
            );
        }
    }
}

/// What is unique is checked within one partition, so it must hold the whole partition key.
fn keys_hold(table: &Table, by: &PartitionBy, report: &mut Report) {
    let mut holds = |what: &str, fields: &[&Ident], span: Option<Span>| {
        for field in &by.columns {
            if table.column(field).is_none() || fields.contains(&field) {
                continue;
            }
            report.at(
                span.unwrap_or(field.span()),
                format!(
                    "{what} of table `{}` lacks column `{}`, by which the table is partitioned; add it there",
                    table.name.value,
                    shown(table, field)
                ),
            );
        }
    };
    if !table.primary_key.is_empty() {
        let fields: Vec<&Ident> = table.primary_key.iter().collect();
        holds("the primary key", &fields, None);
    }
    for unique in &table.uniques {
        let what = format!("unique constraint `{}`", unique.name.value);
        let fields: Vec<&Ident> = unique.columns.iter().collect();
        holds(&what, &fields, Some(unique.name.span));
    }
    for index in table.indexes.iter().filter(|it| it.unique.is_some()) {
        let what = format!("unique index `{}`", index.name.value);
        let fields: Vec<&Ident> = index
            .columns
            .iter()
            .filter_map(IndexColumn::field)
            .collect();
        holds(&what, &fields, Some(index.name.span));
    }
    for index in table.indexes.iter().filter(|it| it.unique.is_some()) {
        let what = format!("unique index `{}`", index.name.value);
        for part in &index.columns {
            collated(table, by, &what, part, report);
        }
    }
}

/// Rows that one collation takes for equal, another may spread over partitions.
fn collated(table: &Table, by: &PartitionBy, what: &str, part: &IndexColumn, report: &mut Report) {
    let (Some(field), Some(collation)) = (part.field(), &part.collation) else {
        return;
    };
    let Some(column) = table.column(field).filter(|_| by.columns.contains(field)) else {
        return;
    };
    let own = column.collation.as_ref().map(|own| &own.value);
    if own != Some(&collation.value) {
        report.at(
            collation.span,
            format!(
                "{what} of table `{}` compares column `{}` by another collation than the partition key; \
                 remove `collate`, or write it on the field",
                table.name.value, column.name.value
            ),
        );
    }
}

/// One partition by itself.
fn bound(table: &Table, by: &PartitionBy, partition: &Partition, report: &mut Report) {
    let name = &partition.name.value;
    let strategy = by.strategy.value;
    let span = partition.bound.span;
    match (&partition.bound.value, strategy) {
        (Bound::Range { from, to }, PartitionStrategy::Range) => {
            for (end, values) in [("from", from), ("to", to)] {
                if values.len() != by.columns.len() {
                    report.at(
                        values.first().map_or(span, |value| value.span),
                        format!(
                            "partition `{name}` has {} value(s) in `{end}`, and the partition key has {} \
                             column(s); write one for each",
                            values.len(),
                            by.columns.len()
                        ),
                    );
                }
                for (field, value) in by.columns.iter().zip(values) {
                    fits(table, field, value, strategy, report);
                }
                open_ends(values, report);
            }
        }
        (Bound::List(values), PartitionStrategy::List) => {
            for value in values {
                if let Some(field) = by.columns.first() {
                    fits(table, field, value, strategy, report);
                }
            }
        }
        (Bound::Hash { modulus, remainder }, PartitionStrategy::Hash) => {
            if modulus.value == 0 {
                report.at(
                    modulus.span,
                    format!("the modulus of partition `{name}` is 0; use at least 1"),
                );
            } else if remainder.value >= modulus.value {
                report.at(
                    remainder.span,
                    format!(
                        "no hash leaves the remainder {} of {}; use one below the modulus",
                        remainder.value, modulus.value
                    ),
                );
            }
        }
        (Bound::Default, PartitionStrategy::Hash) => report.at(
            span,
            "hashes leave no rest, so there is no default among them; remove it",
        ),
        (Bound::Default, _) => {}
        (_, strategy) => report.at(
            span,
            format!(
                "partition `{name}` does not fit a table partitioned by {}; write {}",
                strategy.as_sql(),
                match strategy {
                    PartitionStrategy::Range => "`from(...), to(...)`",
                    PartitionStrategy::List => "`values(...)`",
                    PartitionStrategy::Hash => "`hash(modulus = 4, remainder = 0)`",
                }
            ),
        ),
    }
}

/// A value is one of its column.
fn fits(
    table: &Table,
    field: &Ident,
    value: &At<BoundValue>,
    strategy: PartitionStrategy,
    report: &mut Report,
) {
    let is_list = strategy == PartitionStrategy::List;
    let message = match &value.value {
        BoundValue::Null if !is_list => {
            "a range holds no NULL; keep a default partition for it".to_owned()
        }
        BoundValue::Min | BoundValue::Max if is_list => {
            "a list holds values, not ends; write each value, or use `default`".to_owned()
        }
        BoundValue::Literal(literal) => {
            let Some(column) = table.column(field) else {
                return;
            };
            match no_value(column, literal) {
                Some(message) => message,
                None if literal_fits(&column.ty, literal) => return,
                None => format!(
                    "the bound does not fit column `{}`, which is {}; use a value of its type",
                    column.name.value,
                    type_of(&column.ty)
                ),
            }
        }
        _ => return,
    };
    report.at(value.span, message);
}

/// Behind an open end every value plays no part, and PostgreSQL wants the same word for each.
fn open_ends(values: &[At<BoundValue>], report: &mut Report) {
    for pair in values.windows(2) {
        let [before, value] = pair else {
            continue;
        };
        let is_open = matches!(before.value, BoundValue::Min | BoundValue::Max);
        if is_open && before.value != value.value {
            let word = match before.value {
                BoundValue::Min => "minvalue",
                _ => "maxvalue",
            };
            report.at(
                value.span,
                format!("what stands behind `{word}` plays no part; write `{word}` for it too"),
            );
        }
    }
}

/// A column's type, for messages.
fn type_of(ty: &TypeRef) -> String {
    match ty {
        TypeRef::Known(ty) | TypeRef::Stated(ty) => format!("`{}`", ty.internal_name()),
        TypeRef::Enum(path) => format!("the text of a `{}`", path.text()),
        TypeRef::EnumArray(_) => "an array".to_owned(),
    }
}

/// A value as the attribute has it, for messages.
fn text(value: &BoundValue) -> String {
    match value {
        BoundValue::Null => "null".to_owned(),
        BoundValue::Min => "minvalue".to_owned(),
        BoundValue::Max => "maxvalue".to_owned(),
        BoundValue::Literal(Literal::Str(text)) => format!("{text:?}"),
        BoundValue::Literal(Literal::Bool(value)) => value.to_string(),
        BoundValue::Literal(Literal::Int(digits) | Literal::Float(digits)) => digits.clone(),
    }
}
