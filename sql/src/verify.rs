//! What only the whole schema can tell: names that clash, foreign keys that do not fit.

use std::collections::BTreeMap;

use crate::ident::object_name;
use crate::schema::{QualifiedName, Schema, Table};

/// A mistake that no single table shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table at which to report it.
    pub table: QualifiedName,
    /// The column at which to report it, where one is to blame.
    pub column: Option<String>,
    /// The fact, then the remedy.
    pub message: String,
}

/// Everything wrong with a schema whose tables are each right by themselves, in order of tables.
pub fn verify(schema: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    relation_names(schema, &mut findings);
    for (name, table) in &schema.tables {
        foreign_keys(schema, name, table, &mut findings);
    }
    findings
}

/// Tables, indexes and the indexes of constraints share one namespace per PostgreSQL schema
/// (`pg_class`, unique on name and namespace).
fn relation_names(schema: &Schema, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<QualifiedName, (&'static str, &QualifiedName)> = BTreeMap::new();
    let tables = schema.tables.keys().map(|name| (name, "table", &name.name));
    let parts = schema.tables.iter().flat_map(|(name, table)| {
        let indexes = table
            .indexes
            .keys()
            .map(move |index| (name, "index", index));
        let uniques = table
            .uniques
            .keys()
            .map(move |unique| (name, "unique constraint", unique));
        let keys = table
            .primary_key
            .iter()
            .map(move |key| (name, "primary key", &key.name));
        indexes.chain(uniques).chain(keys)
    });
    let relations = tables
        .chain(parts)
        .map(|(table, kind, name)| (table, kind, name.clone()));
    // PostgreSQL would number a clashing sequence, and the grants would meet the other one.
    let sequences = schema.tables.iter().flat_map(|(name, table)| {
        let numbered = table
            .columns
            .iter()
            .filter(|column| column.generated.is_some());
        numbered.map(move |column| {
            (
                name,
                "sequence",
                object_name(&name.name, &column.name, "seq"),
            )
        })
    });
    for (table, kind, name) in relations.chain(sequences) {
        let relation = QualifiedName::new(&table.schema, &name);
        if let Some((other_kind, other)) = seen.insert(relation, (kind, table)) {
            findings.push(Finding {
                table: table.clone(),
                column: None,
                message: format!(
                    "{kind} `{name}` on table `{}` has the name of a {other_kind} on table `{}`; \
                     give one of them another name",
                    table.name, other.name
                ),
            });
        }
    }
}

fn foreign_keys(schema: &Schema, name: &QualifiedName, table: &Table, out: &mut Vec<Finding>) {
    for (key, definition) in &table.foreign_keys {
        let mut find = |column: Option<&String>, message: String| {
            out.push(Finding {
                table: name.clone(),
                column: column.or(definition.columns.first()).cloned(),
                message,
            });
        };
        let Some(target) = schema.tables.get(&definition.table) else {
            find(
                None,
                format!(
                    "foreign key `{key}` on table `{}` references `{}`, which no struct declares; \
                     derive `Table` on a struct for it",
                    name.name, definition.table
                ),
            );
            continue;
        };
        for (column, reference) in definition.columns.iter().zip(&definition.references) {
            let (from, to) = (table.column(column), target.column(reference));
            let (Some(from), Some(to)) = (from, to) else {
                if to.is_none() {
                    find(
                        Some(column),
                        format!(
                            "no column `{reference}` on table `{}`, which `{}.{column}` references",
                            definition.table.name, name.name
                        ),
                    );
                }
                continue;
            };
            if from.ty.internal_name() != to.ty.internal_name() {
                find(
                    Some(column),
                    format!(
                        "column `{}.{column}` is `{}` but references `{}.{reference}`, which is `{}`; \
                         change one of the fields to the other's type",
                        name.name,
                        from.ty.internal_name(),
                        definition.table.name,
                        to.ty.internal_name()
                    ),
                );
            }
        }
        if !is_unique(target, &definition.references) {
            let columns = definition.references.join(", ");
            find(
                None,
                format!(
                    "foreign key `{key}` on table `{}` references `{}({columns})`, which is not unique; \
                     reference its primary key, or make the columns unique there",
                    name.name, definition.table.name
                ),
            );
        }
    }
}

/// PostgreSQL wants a unique constraint, or a whole unique index, over just these columns in any order.
fn is_unique(table: &Table, columns: &[String]) -> bool {
    let sorted = |names: &mut dyn Iterator<Item = &String>| {
        let mut names: Vec<String> = names.cloned().collect();
        names.sort();
        names
    };
    let wanted = sorted(&mut columns.iter());
    let key = table
        .primary_key
        .iter()
        .map(|key| sorted(&mut key.columns.iter()));
    let uniques = table
        .uniques
        .values()
        .map(|unique| sorted(&mut unique.columns.iter()));
    let indexes = table
        .indexes
        .values()
        .filter(|index| index.unique && index.predicate.is_none())
        .filter_map(|index| {
            let names = index.columns.iter().map(|column| column.name());
            let mut names: Vec<String> = names
                .map(|name| name.map(str::to_owned))
                .collect::<Option<_>>()?;
            names.sort();
            Some(names)
        });
    key.chain(uniques)
        .chain(indexes)
        .any(|names| names == wanted)
}
