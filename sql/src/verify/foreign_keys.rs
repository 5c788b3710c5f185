//! Foreign keys against what they reference.

use super::Finding;
use crate::ident::object_name;
use crate::schema::{
    Column, Deferrable, External, ForeignKey, QualifiedName, Schema, Table, Unique,
};

/// What a foreign key references: a table of ours, or one of someone else.
enum Target<'a> {
    Own(&'a Table),
    External(&'a External),
}

impl<'a> Target<'a> {
    fn of(schema: &'a Schema, name: &QualifiedName) -> Option<Target<'a>> {
        let own = schema.tables.get(name).map(Target::Own);
        own.or_else(|| schema.externals.get(name).map(Target::External))
    }

    fn column(&self, name: &str) -> Option<&'a Column> {
        match self {
            Target::Own(table) => table.column(name),
            Target::External(external) => external.column(name),
        }
    }
}

pub(super) fn foreign_keys(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for (key, definition) in &table.foreign_keys {
        let first = definition.columns.first().map(String::as_str);
        let Some(target) = Target::of(schema, &definition.table) else {
            let message = format!(
                "foreign key `{key}` on table `{}` references `{}`, which no struct declares; \
                 derive `Table` on a struct for it",
                name.name, definition.table
            );
            findings.push(Finding {
                lacks_a_table: true,
                ..Finding::new(name, first, message)
            });
            continue;
        };
        if let Target::Own(Table {
            partition_by: Some(_),
            ..
        }) = target
        {
            made_up(name, table, key, definition, findings);
        }
        if !columns(name, table, definition, &target, findings) {
            continue; // what is not there cannot be unique
        }
        if let Some(fact) = not_unique(&target, &definition.references) {
            let message = format!(
                "foreign key `{key}` on table `{}` references `{}({})`, which {fact}",
                name.name,
                definition.table.name,
                definition.references.join(", ")
            );
            findings.push(Finding::new(name, first, message));
        }
    }
}

/// A foreign key into a partitioned table is one more constraint for each partition there, whose names PostgreSQL makes
/// up: no other constraint may be called so, since which come first nobody can say.
/// Source: `addFkConstraint` and `ChooseForeignKeyConstraintNameAddition` in PostgreSQL's
/// `src/backend/commands/tablecmds.c`.
fn made_up(
    name: &QualifiedName,
    table: &Table,
    key: &str,
    definition: &ForeignKey,
    findings: &mut Vec<Finding>,
) {
    let base = object_name(&name.name, &definition.columns.join("_"), "fkey");
    let number = |of: &str| {
        let number = of.strip_prefix(&base)?;
        (number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.to_owned())
    };
    // Of two such names the one with a number is told.
    let is_made_up = |other: &&String| match number(other) {
        Some(rest) if rest.is_empty() => *other != key && number(key).is_none(),
        Some(_) => *other != key,
        None => false,
    };
    let others = (table.foreign_keys.keys())
        .chain(table.checks.keys())
        .chain(table.uniques.keys())
        .chain(table.exclusions.keys());
    for other in others.filter(is_made_up) {
        let message = format!(
            "constraint `{other}` on table `{}` has a name that PostgreSQL makes up for foreign key `{key}`, which \
             references the partitioned table `{}`; give it another name, and where a database has it already \
             rename it there too",
            name.name, definition.table.name
        );
        findings.push(Finding::new(name, None, message));
    }
}

/// Each referenced column is there, and of the type of its other end. `false` where one is not there.
fn columns(
    name: &QualifiedName,
    table: &Table,
    key: &ForeignKey,
    target: &Target<'_>,
    findings: &mut Vec<Finding>,
) -> bool {
    let mut are_there = true;
    for (column, reference) in key.columns.iter().zip(&key.references) {
        let Some(to) = target.column(reference) else {
            let message = format!(
                "no column `{reference}` on table `{}`, which `{}.{column}` references; add it there, or name \
                 another",
                key.table.name, name.name
            );
            findings.push(Finding::new(name, Some(column), message));
            are_there = false;
            continue;
        };
        let Some(from) = table.column(column) else {
            continue; // said where columns are looked for
        };
        let (from, to) = (from.ty.internal_name(), to.ty.internal_name());
        if from != to {
            let message = format!(
                "column `{}.{column}` is `{from}` but references `{}.{reference}`, which is `{to}`; \
                 change one of the fields to the other's type",
                name.name, key.table.name
            );
            findings.push(Finding {
                rustc_reports: true,
                ..Finding::new(name, Some(column), message)
            });
        }
    }
    are_there
}

/// PostgreSQL wants a unique constraint, or a whole unique index, over just these columns in any order,
/// and one that is checked with each statement. The fact and the remedy where there is none.
fn not_unique(target: &Target<'_>, columns: &[String]) -> Option<&'static str> {
    const NONE: &str = "is not unique; reference its primary key, or make the columns unique there";
    const DEFERRABLE: &str = "is checked at the end of a transaction; remove `deferrable` there";
    let wanted = sorted(columns);
    let table = match target {
        Target::External(external) => {
            let found = external.keys.iter().any(|key| sorted(key) == wanted);
            return (!found).then_some(NONE);
        }
        Target::Own(table) => table,
    };
    let key = table.primary_key.iter();
    let key = key.map(|key| (key.columns.as_slice(), key.deferrable));
    let uniques = table.uniques.values();
    let uniques = uniques.map(
        |Unique {
             columns,
             deferrable,
             ..
         }| (columns.as_slice(), *deferrable),
    );
    let found: Vec<Deferrable> = key
        .chain(uniques)
        .filter(|(columns, _)| sorted(columns) == wanted)
        .map(|(_, deferrable)| deferrable)
        .collect();
    let mut indexes = table
        .indexes
        .values()
        .filter(|index| index.unique && index.predicate.is_none());
    let by_index = indexes.any(|index| {
        let names = index.columns.iter().map(|column| column.name());
        let names: Option<Vec<String>> = names.map(|name| name.map(str::to_owned)).collect();
        names.is_some_and(|names| sorted(&names) == wanted)
    });
    if by_index || found.contains(&Deferrable::Not) {
        None
    } else if found.is_empty() {
        Some(NONE)
    } else {
        Some(DEFERRABLE)
    }
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    names
}
