//! The parts of a foreign key into a partitioned table: PostgreSQL adds one more constraint to the table that
//! references it for each partition there, under a name that it makes up of the table and the columns as they
//! are called at that moment. Each is given a name of its own, so that none depends on history.

use crate::ident::{quote_dollar, quote_literal};
use crate::schema::{ForeignKey, QualifiedName, Schema, Share};

use super::foreign_keys::same_rule;
use super::statements::Step;

/// The partitions in each of which a foreign key has a part.
pub(super) fn partitions<'a>(schema: &'a Schema, key: &ForeignKey) -> Vec<&'a String> {
    let target = schema.tables.get(&key.table);
    target.map_or_else(Vec::new, |target| target.partitions.keys().collect())
}

/// The name of the part that a foreign key has in a partition.
pub(super) fn name(partition: &str, key: &str) -> String {
    let index = key;
    Share { partition, index }.name()
}

/// Gives the parts of foreign keys, each by its table and its name, in those partitions their own names.
pub(super) fn give_names<'a>(
    keys: &[(&QualifiedName, &str)],
    partitions: impl IntoIterator<Item = &'a String>,
) -> Option<Step> {
    let mut rows = Vec::new();
    for partition in partitions {
        for (table, key) in keys {
            let (table, name) = (table.to_string(), name(partition, key));
            let cells = [&table, *key, partition, &name].map(quote_literal);
            rows.push(format!("      ({})", cells.join(", ")));
        }
    }
    if rows.is_empty() {
        return None;
    }
    let body = format!(
        "declare\n  part record;\nbegin\n  -- PostgreSQL made up names for these parts of foreign keys\n  \
         for part in\n    select c.conrelid::pg_catalog.regclass as owner, c.conname as made, named.name\n    \
         from (values\n{}\n    ) named (owner, key, partition, name)\n    \
         join pg_catalog.pg_constraint k on k.conrelid = named.owner::pg_catalog.regclass\n      \
         and k.conname = named.key\n    \
         join pg_catalog.pg_constraint c on c.conparentid = k.oid and c.conrelid = k.conrelid\n    \
         join pg_catalog.pg_class p on p.oid = c.confrelid and p.relname = named.partition\n    \
         where c.conname <> named.name\n  loop\n    \
         execute pg_catalog.format('alter table %s rename constraint %I to %I', part.owner, part.made, part.name);\n  \
         end loop;\nend",
        rows.join(",\n")
    );
    let step = Step::new(format!("do {}", quote_dollar(&body)));
    Some(keys.iter().fold(step, |step, (table, _)| step.stops(table)))
}

/// The foreign keys into a table that are there while its partitions change, by their tables and names.
pub(super) fn standing<'a>(
    from: &'a Schema,
    to: &Schema,
    target: &QualifiedName,
) -> Vec<(&'a QualifiedName, &'a str)> {
    let mut standing = Vec::new();
    for (name, table) in &from.tables {
        let after = to.tables.get(name);
        let keys = table.foreign_keys.iter();
        let stay = keys.filter(|(key, definition)| {
            let after = after.and_then(|after| after.foreign_keys.get(*key));
            definition.table == *target && after.is_some_and(|after| same_rule(definition, after))
        });
        standing.extend(stay.map(|(key, _)| (name, key.as_str())));
    }
    standing
}
