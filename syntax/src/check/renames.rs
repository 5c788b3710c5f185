//! Earlier names of tables, columns and partitions.

use std::collections::BTreeMap;

use tabellion_sql::schema::STEPWISE;

use super::name;
use crate::Report;
use crate::ast::{At, Column, Table};

/// What the attributes say of earlier names must leave one reading.
pub(super) fn renames(table: &Table, report: &mut Report) {
    earlier_table(table, report);
    earlier_partitions(table, report);
    let mut earlier: BTreeMap<&str, &str> = BTreeMap::new();
    for column in &table.columns {
        let own = column.name.value.as_str();
        for (word, other) in [
            ("renamed_from", &column.renamed_from),
            ("replaces", &column.replaces),
        ] {
            let Some(other) = other else {
                continue;
            };
            name("earlier column", other, report);
            if other.value == own {
                report.at(
                    other.span,
                    format!("`{word}` names column `{own}` itself; remove it"),
                );
            } else if stays(table, &other.value, word) {
                let remedy = match word {
                    "replaces" => "remove one of them".to_owned(),
                    _ => format!("remove it, or {STEPWISE}"),
                };
                report.at(
                    other.span,
                    format!(
                        "`{word}` on column `{own}` names `{}`, which the table still has; {remedy}",
                        other.value
                    ),
                );
            } else if let Some(first) = earlier.insert(&other.value, own) {
                report.at(
                    other.span,
                    format!(
                        "columns `{first}` and `{own}` both come from `{}`; keep one",
                        other.value
                    ),
                );
            }
        }
        if let (Some(_), Some(replaces)) = (&column.renamed_from, &column.replaces) {
            report.at(
                replaces.span,
                format!(
                    "column `{own}` either had another name or takes another's place; keep `renamed_from` or \
                     `replaces`"
                ),
            );
        }
    }
}

/// The same of its partitions.
fn earlier_partitions(table: &Table, report: &mut Report) {
    let mut earlier: BTreeMap<&str, &str> = BTreeMap::new();
    for partition in &table.partitions {
        let own = partition.name.value.as_str();
        let Some(other) = &partition.renamed_from else {
            continue;
        };
        name("earlier partition", other, report);
        let mut partitions = table.partitions.iter();
        if other.value == own {
            report.at(
                other.span,
                format!("`renamed_from` names partition `{own}` itself; remove it"),
            );
        } else if partitions.any(|partition| partition.name.value == other.value) {
            report.at(
                other.span,
                format!(
                    "`renamed_from` on partition `{own}` names `{}`, which the table still has; remove it, or {STEPWISE}",
                    other.value
                ),
            );
        } else if let Some(first) = earlier.insert(&other.value, own) {
            report.at(
                other.span,
                format!(
                    "partitions `{first}` and `{own}` both come from `{}`; keep one",
                    other.value
                ),
            );
        }
    }
}

/// The same of the table. Whether another struct has the earlier name only the whole schema tells.
fn earlier_table(table: &Table, report: &mut Report) {
    let own = &table.name.value;
    for (word, other) in [
        ("renamed_from", &table.renamed_from),
        ("replaces", &table.replaces),
    ] {
        let Some(At { value, span }) = other else {
            continue;
        };
        name("earlier table", &At::new(value.name.clone(), *span), report);
        name("schema", &At::new(value.schema.clone(), *span), report);
        if value.name == *own && value.schema == table.schema.value {
            report.at(
                *span,
                format!("`{word}` names table `{own}` itself; remove it"),
            );
        }
    }
    if let (Some(_), Some(replaces)) = (&table.renamed_from, &table.replaces) {
        report.at(
            replaces.span,
            format!(
                "table `{own}` either had another name or takes another's place; keep `renamed_from` or \
                 `replaces`"
            ),
        );
    }
}

/// Whether a column of that name stays what it was. Two columns may exchange their names.
fn stays(table: &Table, name: &str, word: &str) -> bool {
    let named = |column: &&Column| column.name.value == name;
    let mut columns = table.columns.iter();
    let column = columns.find(named);
    column.is_some_and(|column| word == "replaces" || column.renamed_from.is_none())
}
