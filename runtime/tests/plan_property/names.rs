//! Names of every kind that PostgreSQL takes: plain, reserved, mixed-case, foreign, awkward, long.

use std::collections::BTreeSet;

use tabellion_sql::ident::object_name;
use tabellion_sql::schema::{QualifiedName, Schema};

use crate::dice::Dice;

/// The PostgreSQL schemas of a case.
pub(crate) const NAMESPACES: [&str; 4] = ["public", "Other Schema", "größe", "select"];
/// The schema of the tables of someone else.
pub(crate) const EXTERNAL: &str = "auth";

pub(crate) const TABLES: [&str; 12] = [
    "notes",
    "Order",
    "user",
    "größe",
    "we\"ird",
    "a: b",
    "dotted.name",
    "two words",
    "Grant",
    "orders",
    "a_table_whose_name_is_as_long_as_postgresql_lets_a_name_be_63by",
    "it's",
];

pub(crate) const COLUMNS: [&str; 16] = [
    "shop",
    "Level",
    "order",
    "straße",
    "two words",
    "q\"t",
    "end",
    "a.b",
    "level",
    "body",
    "userId",
    "from",
    "c: d",
    "created_at",
    "a_column_whose_name_is_as_long_as_postgresql_lets_a_name_be_63b",
    "x",
];

pub(crate) const APP: &str = "prop_app";
pub(crate) const AUDITOR: &str = "Prop Auditor";
/// The roles that may see rows, on either platform.
pub(crate) const ROLES: [&str; 4] = [APP, AUDITOR, "anon", "authenticated"];

/// Everything in a PostgreSQL schema that has a name there, and, taking them along, constraints.
pub(crate) fn taken(schema: &Schema, namespace: &str) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    for (name, table) in &schema.tables {
        if name.schema != namespace {
            continue;
        }
        taken.insert(name.name.clone());
        taken.extend(table.partitions.keys().cloned());
        taken.extend(table.primary_key.iter().map(|key| key.name.clone()));
        taken.extend(table.uniques.keys().cloned());
        taken.extend(table.exclusions.keys().cloned());
        taken.extend(table.indexes.keys().cloned());
        taken.extend(table.foreign_keys.keys().cloned());
        taken.extend(table.checks.keys().cloned());
        let numbered = table.columns.iter().filter(|c| c.generated.is_some());
        taken.extend(numbered.map(|column| object_name(&name.name, &column.name, "seq")));
    }
    taken
}

/// A name for an object of a table that nothing has yet.
pub(crate) fn object(
    schema: &Schema,
    table: &QualifiedName,
    columns: &[String],
    label: &str,
) -> String {
    let taken = taken(schema, &table.schema);
    let wanted = object_name(&table.name, &columns.join("_"), label);
    let numbered =
        (1..).map(|n| object_name(&table.name, &columns.join("_"), &format!("{label}{n}")));
    std::iter::once(wanted)
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .expect("numbers do not end")
}

/// A name for a table that nothing has yet.
pub(crate) fn table(schema: &Schema, namespace: &str, dice: &mut Dice) -> QualifiedName {
    let taken = taken(schema, namespace);
    let base = *dice.pick(&TABLES);
    let numbered = (2..).map(|n| format!("t{n}"));
    let name = std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .expect("numbers do not end");
    QualifiedName::new(namespace, name)
}

/// A name for a column that the table does not have, and that no one gave up either, unless asked for.
pub(crate) fn column(of: &tabellion_sql::schema::Table, dice: &mut Dice) -> String {
    let base = *dice.pick(&COLUMNS);
    let numbered = (2..).map(|n| format!("c{n}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| of.column(name).is_none())
        .expect("numbers do not end")
}
