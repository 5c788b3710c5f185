//! Names that clash.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::ident::object_name;
use crate::schema::{IndexKey, QualifiedName, Schema, Table};

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
    for (table, kind, name) in tables.chain(parts).chain(sequences) {
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
    // PostgreSQL evades a name that is taken when it makes one up, but nobody evades the one it made.
    for (name, table) in &schema.tables {
        for partition in table.partitions.keys() {
            for made_up in made_up(table, partition) {
                let relation = QualifiedName::new(&name.schema, made_up);
                if let Some((kind, owner)) = seen.get(&relation) {
                    let message = format!(
                        "{kind} `{}` on table `{}` has the name that PostgreSQL gives an index of partition \
                         `{partition}`; give it another name",
                        relation.name, owner.name
                    );
                    findings.push(Finding::new(owner, None, message));
                }
            }
        }
    }
}

/// The names that PostgreSQL makes up for the indexes of a partition.
///
/// Source: `ChooseIndexName` and what it calls in `src/backend/commands/indexcmds.c`.
fn made_up(table: &Table, partition: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut make = |columns: &[String], label: &str| {
        let mut own: Vec<String> = Vec::new();
        for column in columns {
            let numbered = (1..).map(|number| format!("{column}{number}"));
            let mut free = std::iter::once(column.clone()).chain(numbered);
            own.extend(free.find(|name| !own.contains(name)));
        }
        let columns = own.join("_");
        let numbered = (1..).map(|number| format!("{label}{number}"));
        let labels = std::iter::once(label.to_owned()).chain(numbered);
        let mut all = labels.map(|label| object_name(partition, &columns, &label));
        let free = all.find(|name| !names.contains(name));
        names.extend(free);
    };
    if table.primary_key.is_some() {
        make(&[], "pkey");
    }
    for unique in table.uniques.values() {
        make(&unique.columns, "key");
    }
    for index in table.indexes.values() {
        let keys = index.columns.iter().map(|column| match &column.key {
            IndexKey::Name(name) => name.clone(),
            IndexKey::Expression(expr) => called(&expr.sql).unwrap_or("expr").to_owned(),
        });
        let columns: Vec<String> = keys.chain(index.include.iter().cloned()).collect();
        make(&columns, "idx");
    }
    names
}

/// The function that an expression calls, where that is all of it.
fn called(sql: &str) -> Option<&str> {
    let (name, rest) = sql.trim().split_once('(')?;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_whole = rest.find(')') == Some(rest.len() - 1);
    (is_whole && !name.is_empty() && name.chars().all(is_word)).then_some(name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Expr, Index, IndexColumn, Partition, PrimaryKey, Unique};

    /// As PostgreSQL 15 names them.
    #[test]
    fn the_indexes_of_a_partition_are_named_as_postgresql_does() {
        let expr = |sql: &str| IndexColumn::over(IndexKey::Expression(Expr::new(sql, [""; 0])));
        let index = |columns: Vec<IndexColumn>| Index::new(columns);
        let table = Table {
            primary_key: Some(PrimaryKey::default()),
            uniques: BTreeMap::from([(
                "u".into(),
                Unique {
                    columns: vec!["region".into(), "b".into()],
                    ..Unique::default()
                },
            )]),
            indexes: BTreeMap::from([
                (
                    "i1".into(),
                    Index {
                        include: vec!["a_b".into()],
                        ..index(vec![expr("lower(email)"), IndexColumn::new("b")])
                    },
                ),
                ("i2".into(), index(vec![expr("b + 1"), expr("b + 2")])),
                ("i3".into(), index(vec![IndexColumn::new("b").descending()])),
                ("i4".into(), index(vec![IndexColumn::new("b")])),
            ]),
            ..Table::new("shop::Event")
        };
        let names = made_up(&table, "event_a");
        assert_eq!(
            names.iter().map(String::as_str).collect::<Vec<_>>(),
            [
                "event_a_b_idx",
                "event_a_b_idx1",
                "event_a_expr_expr1_idx",
                "event_a_lower_b_a_b_idx",
                "event_a_pkey",
                "event_a_region_b_key",
            ]
        );
    }

    #[test]
    fn a_name_that_postgresql_gives_to_the_index_of_a_partition_is_refused() {
        let event = |indexes: [(&str, &str); 2]| Table {
            indexes: indexes
                .map(|(name, column)| (name.into(), Index::new([IndexColumn::new(column)])))
                .into(),
            partitions: BTreeMap::from([("event_a".into(), Partition::Default)]),
            ..Table::new("shop::Event")
        };
        let found = |table: Table| {
            let name = QualifiedName::new("public", "event");
            let schema = Schema {
                tables: BTreeMap::from([(name, table)]),
                ..Schema::default()
            };
            let mut findings = Vec::new();
            names(&schema, &mut findings);
            let messages = findings.into_iter().map(|finding| finding.message);
            messages.collect::<Vec<_>>()
        };
        assert_eq!(
            found(event([("event_b_idx", "b"), ("event_a_b_idx", "a_b")])),
            [
                "index `event_a_b_idx` on table `event` has the name that PostgreSQL gives an index of \
              partition `event_a`; give it another name"
            ]
        );
        let fine = event([("event_b_idx", "b"), ("event_a_b_index", "a_b")]);
        assert_eq!(found(fine), [""; 0]);
    }
}
