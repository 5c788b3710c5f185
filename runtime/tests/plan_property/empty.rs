//! Which tables of a case hold no rows.

use std::collections::BTreeSet;

use tabellion_sql::ident::unquote;
use tabellion_sql::plan::Hazard;
use tabellion_sql::schema::{Partition, QualifiedName, Table, Type};

use crate::case::Case;
use crate::types::{Family, element_or_self, family};
use crate::{exprs, generate, rows};

/// Whether none of the table's partitions takes the rows that a table is filled with.
fn takes_no_row(table: &Table) -> bool {
    let Some(by) = &table.partition_by else {
        return false;
    };
    let key = table.column(&by.columns[0]).expect("the key");
    let first = &generate::bounds(by.strategy, &key.ty, by.columns.len())[0];
    let takes = |bound: &Partition| match bound {
        Partition::Default | Partition::Hash { .. } => true,
        bound => bound == first,
    };
    !table.partitions.values().any(takes)
}

/// The tables with an enumeration whose column holds no texts before the change, or none after it: what both
/// can hold is no variant.
fn unlisted(case: &Case) -> BTreeSet<QualifiedName> {
    let types = rows::shared_types(case);
    let listed = |table: &Table| -> Vec<String> {
        let checks = table.checks.values();
        let lists = checks.filter(|check| exprs::variants(&check.expr).is_some());
        lists.flat_map(|check| check.expr.columns.clone()).collect()
    };
    let mut places = Vec::new();
    for (name, table) in &case.from.tables {
        places.extend(listed(table).into_iter().map(|it| (name.clone(), it)));
    }
    for (name, table) in &case.to.tables {
        let listed = listed(table).into_iter();
        places.extend(listed.filter_map(|it| rows::origin(case, name, &it)));
    }
    let is_text = |ty: &Type| family(element_or_self(ty)) == Family::Text;
    places.retain(|place| {
        let both = types.get(place);
        both.is_some_and(|(from, to)| !is_text(from) || !is_text(to))
    });
    places.into_iter().map(|(table, _)| table).collect()
}

/// The tables that must hold no rows, since the rollback says so or no partition takes any, and those that
/// reference them.
pub(crate) fn empty(case: &Case) -> BTreeSet<QualifiedName> {
    let tables = case.from.tables.iter();
    let unfilled = tables.filter(|(_, table)| takes_no_row(table));
    let mut empty: BTreeSet<QualifiedName> = unfilled.map(|(name, _)| name.clone()).collect();
    empty.extend(unlisted(case));
    // What is computed is no one's key.
    for schema in [&case.from, &case.to] {
        let computed = |table: &QualifiedName, columns: &[String]| {
            let column = |column| {
                schema
                    .tables
                    .get(table)
                    .and_then(|table| table.column(column))
            };
            let mut found = columns.iter().filter_map(|name| column(name));
            found.any(|column| column.computed.is_some())
        };
        for (name, table) in &schema.tables {
            let mut keys = table.foreign_keys.values();
            if keys.any(|key| computed(name, &key.columns) || computed(&key.table, &key.references))
            {
                empty.insert(case.origins.get(name).map_or(name, |(old, _)| old).clone());
                empty.insert(name.clone());
            }
        }
    }
    for hazard in case.pairs.iter().flat_map(|pair| pair.up.hazards()) {
        if let Hazard::Restricts(subject) = &hazard
            && let Some(Ok(new)) = subject.object.strip_prefix("partition ").map(str::parse)
        {
            let new: QualifiedName = new;
            for (name, table) in &case.to.tables {
                if name.schema == new.schema && table.partitions.contains_key(&new.name) {
                    empty.insert(case.origins.get(name).map_or(name, |(old, _)| old).clone());
                }
            }
        }
        let Hazard::LosesData(subject) = hazard else {
            continue;
        };
        // A partition does not go while rows reference what it holds.
        if let Some(Ok(gone)) = subject.object.strip_prefix("partition ").map(str::parse) {
            let gone: QualifiedName = gone;
            let parted = |table: &QualifiedName| {
                let table = case.from.tables.get(table);
                table.is_some_and(|table| table.partitions.contains_key(&gone.name))
            };
            for (name, table) in &case.from.tables {
                if table.foreign_keys.values().any(|key| parted(&key.table)) {
                    empty.insert(name.clone());
                }
            }
        }
        if subject.fate.contains("to reference nothing in it")
            && let Some(Ok(dropped)) = subject.object.strip_prefix("table ").map(str::parse)
        {
            // What is dropped may have been renamed before.
            let was = case
                .origins
                .get(&dropped)
                .map_or(&dropped, |(old, _)| old)
                .clone();
            for (name, table) in &case.from.tables {
                if table.foreign_keys.values().any(|key| key.table == was) {
                    empty.insert(name.clone());
                }
            }
        }
        let column = subject.object.strip_prefix("column ");
        if let Some(column) = column
            && subject.fate.contains("needs the table to be empty")
            && let Some((schema, rest)) = unquote(column)
            && let Some((name, _)) = unquote(&rest[1..])
        {
            let name = QualifiedName::new(schema, name);
            let first = case.origins.get(&name).map(|(old, _)| old.clone());
            empty.extend(first);
            empty.insert(name);
        }
    }
    loop {
        let before = empty.len();
        let origin = |name: &QualifiedName| case.origins.get(name).map(|(old, _)| old.clone());
        for (name, table) in &case.from.tables {
            if table
                .foreign_keys
                .values()
                .any(|key| empty.contains(&key.table))
            {
                empty.insert(name.clone());
            }
        }
        for (name, table) in &case.to.tables {
            let rests = |table: &QualifiedName| origin(table).is_some_and(|t| empty.contains(&t));
            if table.foreign_keys.values().any(|key| rests(&key.table)) {
                empty.extend(origin(name));
            }
        }
        if empty.len() == before {
            return empty;
        }
    }
}
