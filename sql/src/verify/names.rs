//! Names that clash.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::ident::object_name;
use crate::schema::{QualifiedName, Schema, Table};

/// Tables, partitions, indexes and the indexes of constraints share one namespace per PostgreSQL schema
/// (`pg_class`, unique on name and namespace).
pub(super) fn names(schema: &Schema, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<QualifiedName, (&'static str, &QualifiedName)> = BTreeMap::new();
    let externals = schema.externals.keys();
    seen.extend(externals.map(|name| (name.clone(), ("table", name))));
    let tables = schema
        .tables
        .keys()
        .map(|name| (name, "table", name.name.clone()));
    let parts = schema.tables.iter().flat_map(|(table, definition)| {
        relations(definition).map(move |(kind, name)| (table, kind, name.clone()))
    });
    let shares = schema.tables.iter().flat_map(|(table, definition)| {
        let shares = definition.shares();
        shares.map(move |share| (table, "partition's index", share.name()))
    });
    // PostgreSQL would number a clashing sequence, and the grants would meet the other one.
    let sequences = schema.tables.iter().flat_map(|(name, table)| {
        let numbered = table
            .columns
            .iter()
            .filter(|column| column.generated.is_some());
        numbered.map(move |column| {
            let sequence = object_name(&name.name, &column.name, "seq");
            (name, "sequence", sequence)
        })
    });
    for (name, table) in &schema.tables {
        constraints_of_partitions(name, table, findings);
        parts_of_keys(schema, name, table, findings);
    }
    for (table, kind, name) in tables.chain(parts).chain(sequences).chain(shares) {
        let relation = QualifiedName::new(&table.schema, &name);
        if let Some((other_kind, other)) = seen.insert(relation, (kind, table)) {
            let message = format!(
                "{kind} `{name}` on table `{}` has the name of {} {other_kind} on table `{}`; \
                 give one of them another name",
                table.name,
                article(other_kind),
                other.name
            );
            findings.push(Finding::new(table, None, message));
        }
    }
}

/// A partition has the CHECKs and foreign keys of its table, and constraints of its own in place of its keys.
fn constraints_of_partitions(name: &QualifiedName, table: &Table, findings: &mut Vec<Finding>) {
    let key = table.primary_key.iter().map(|key| &key.name);
    let keys: BTreeSet<&String> = key.chain(table.uniques.keys()).collect();
    let shares = table
        .shares()
        .filter(|share| keys.contains(&share.index.to_owned()));
    let shares: BTreeSet<String> = shares.map(|share| share.name()).collect();
    let others = table.checks.keys().chain(table.foreign_keys.keys());
    for other in others.filter(|other| shares.contains(*other)) {
        let message = format!(
            "constraint `{other}` on table `{}` has the name of a partition's key; give it another name",
            name.name
        );
        findings.push(Finding::new(name, None, message));
    }
}

/// A table has one more constraint for each partition that a foreign key of it references.
fn parts_of_keys(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    let names: BTreeSet<&String> = table.constraint_names().collect();
    for part in schema.parts_of_keys(table) {
        let taken = part.name();
        if names.contains(&taken) {
            let message = format!(
                "constraint `{taken}` on table `{}` has the name of the part that foreign key `{}` has for partition \
                 `{}`; give it another name",
                name.name, part.index, part.partition
            );
            findings.push(Finding::new(name, None, message));
        }
    }
}

/// What of a table lies beside it in its schema.
fn relations(table: &Table) -> impl Iterator<Item = (&'static str, &String)> {
    let indexes = table.indexes.keys().map(|name| ("index", name));
    let uniques = table.uniques.keys().map(|name| ("unique constraint", name));
    let exclusions = table.exclusions.keys();
    let exclusions = exclusions.map(|name| ("exclusion constraint", name));
    let partitions = table.partitions.keys().map(|name| ("partition", name));
    let key = table.primary_key.iter().map(|it| ("primary key", &it.name));
    indexes
        .chain(uniques)
        .chain(exclusions)
        .chain(partitions)
        .chain(key)
}

fn article(kind: &str) -> &'static str {
    match kind.starts_with(['a', 'e', 'i', 'o']) {
        true => "an",
        false => "a",
    }
}
