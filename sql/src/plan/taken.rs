//! Names that the indexes of partitions have, which no schema declares. PostgreSQL evades a name that is taken
//! when it makes one up, but a declared name that is new cannot evade the one that is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::object_name;
use crate::schema::{IndexKey, QualifiedName, Schema, Table};

use super::Question;
use super::moves::Moves;
use super::partitions;
use super::renames::of_table;

/// The declared names that are new and may be taken so.
pub(super) fn ask(from: &Schema, to: &Schema) -> Vec<Question> {
    let stays = |name: &QualifiedName, partition: &String| {
        let mut tables = to.tables.iter();
        tables
            .any(|(at, table)| at.schema == name.schema && table.partitions.contains_key(partition))
    };
    let mut questions = Vec::new();
    for (name, table) in &from.tables {
        for partition in table.partitions.keys().filter(|it| stays(name, it)) {
            let made_up = made_up(table, partition);
            let (shares, built) = shares(table, to.tables.get(name), partition);
            let known = in_namespace(from, &name.schema).map(|(_, _, known)| known);
            let known: BTreeSet<&str> = known.collect();
            for (kind, owner, declared) in in_namespace(to, &name.schema) {
                let is_new = !known.contains(declared);
                let whose = if is_new && made_up.contains(declared) {
                    "that PostgreSQL gave to"
                } else if is_new && shares.contains(declared) || built.contains(declared) {
                    "of"
                } else {
                    continue;
                };
                let message = format!(
                    "{kind} `{declared}` on table `{}` has the name {whose} an index of partition `{partition}`; \
                     give it another name",
                    owner.name
                );
                questions.push(Question {
                    table: owner.clone(),
                    column: None,
                    message,
                });
            }
        }
    }
    questions
}

/// The new tables whose partitions are made after all other tables, since PostgreSQL may give to an index of
/// theirs the name that something else is to have: it evades one that is there.
pub(super) fn evading<'a>(from: &Schema, to: &'a Schema) -> BTreeSet<&'a QualifiedName> {
    let is_new = |name: &QualifiedName| !from.tables.contains_key(name);
    let new = to.tables.iter().filter(|(name, _)| is_new(name));
    let mut parted = new
        .filter(|(_, table)| !table.partitions.is_empty())
        .peekable();
    if parted.peek().is_none() {
        return BTreeSet::new();
    }
    // PostgreSQL counts on where a name is taken.
    let bare = |name: &'a str| name.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut owners: BTreeMap<(&str, &str), BTreeSet<&QualifiedName>> = BTreeMap::new();
    for (owner, table) in &to.tables {
        for (_, declared) in declared(owner, table) {
            let owners = owners.entry((&owner.schema, bare(declared))).or_default();
            owners.insert(owner);
        }
    }
    let is_wanted = |name: &QualifiedName, made_up: &str| {
        let made_up = made_up.trim_end_matches(|c: char| c.is_ascii_digit());
        let owners = owners.get(&(name.schema.as_str(), made_up));
        owners.is_some_and(|owners| owners.iter().any(|owner| *owner != name))
    };
    let evades = |(name, table): &(&QualifiedName, &Table)| {
        let mut made_up = table.partitions.keys().flat_map(|it| made_up(table, it));
        made_up.any(|it| is_wanted(name, &it))
    };
    parted.filter(evades).map(|(name, _)| name).collect()
}

/// The names that a partition's shares in the indexes of its table may have, and those that are built now.
fn shares(
    before: &Table,
    after: Option<&Table>,
    partition: &str,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let share = |index: &String| partitions::share(partition, index);
    let after = after.into_iter().flat_map(|table| &table.indexes);
    let built = after.filter(|(index, it)| before.indexes.get(*index) != Some(it));
    (
        before.indexes.keys().map(share).collect(),
        built.map(|(index, _)| share(index)).collect(),
    )
}

/// The tables that move to another PostgreSQL schema, or on the rollback come back from there, where what is
/// theirs has the name of something else when they arrive: they are renamed only then.
pub(super) fn on_the_way(from: &Schema, to: &Schema, moves: &Moves) -> Vec<Question> {
    let back = moves.inverted();
    let moved = moves.tables.iter();
    let moved = moved.filter(|(old, new)| old.schema != new.schema);
    moved
        .filter_map(|(old, new)| {
            let there = clashes(from, old, &new.schema, |at| !moves.makes_room(at));
            let back = clashes(to, new, &old.schema, |at| !back.makes_room(at));
            let names: BTreeSet<String> = there.into_iter().chain(back).collect();
            if names.is_empty() {
                return None;
            }
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let (are, of) = match names.len() {
                1 => ("is", "the name"),
                _ => ("are", "names"),
            };
            Some(Question {
                table: new.clone(),
                column: None,
                message: format!(
                    "table `{}` moves from schema `{}` to `{}`, where {} {are} {of} of something else \
                     meanwhile; rename it in one migration, and move it in the next",
                    new.name,
                    old.schema,
                    new.schema,
                    names.join(" and ")
                ),
            })
        })
        .collect()
}

/// The names of a table and of what is its own that something else has in another PostgreSQL schema.
fn clashes(
    schema: &Schema,
    name: &QualifiedName,
    namespace: &str,
    is_there: impl Fn(&QualifiedName) -> bool,
) -> Vec<String> {
    let own = schema.tables.get_key_value(name).into_iter();
    let own = own.flat_map(|(name, table)| of_table(name, table));
    let own: BTreeSet<String> = own.map(|relation| relation.name).collect();
    let there = schema.tables.iter().filter(|(owner, _)| is_there(owner));
    let there = there.flat_map(|(owner, table)| of_table(owner, table));
    let there = there.chain(schema.externals.keys().cloned());
    let there = there.filter(|relation| relation.schema == namespace);
    let names = there.map(|relation| relation.name);
    names.filter(|relation| own.contains(relation)).collect()
}

/// The relations that are declared in a PostgreSQL schema: the kind, the table, the name.
fn in_namespace<'a>(
    schema: &'a Schema,
    namespace: &'a str,
) -> impl Iterator<Item = (&'static str, &'a QualifiedName, &'a str)> {
    let tables = schema.tables.iter();
    let tables = tables.filter(move |(name, _)| name.schema == namespace);
    tables.flat_map(|(name, table)| {
        declared(name, table).map(move |(kind, relation)| (kind, name, relation))
    })
}

/// The relations that are declared with a table: the kind, the name.
fn declared<'a>(
    name: &'a QualifiedName,
    table: &'a Table,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let key = table
        .primary_key
        .iter()
        .map(|key| ("primary key", &key.name));
    let uniques = table.uniques.keys().map(|name| ("unique constraint", name));
    let indexes = table.indexes.keys().map(|name| ("index", name));
    let exclusions = table.exclusions.keys();
    let exclusions = exclusions.map(|name| ("exclusion constraint", name));
    let partitions = table.partitions.keys().map(|name| ("partition", name));
    key.chain(uniques)
        .chain(indexes)
        .chain(exclusions)
        .chain(partitions)
        .chain([("table", &name.name)])
        .map(|(kind, relation)| (kind, relation.as_str()))
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
    fn a_new_name_that_postgresql_gave_to_the_index_of_a_partition_is_refused() {
        let event = |indexes: &[(&str, &str)]| {
            let indexes = indexes.iter();
            let table = Table {
                indexes: indexes
                    .map(|(name, column)| {
                        (name.to_string(), Index::new([IndexColumn::new(*column)]))
                    })
                    .collect(),
                partitions: BTreeMap::from([("event_a".into(), Partition::Default)]),
                ..Table::new("shop::Event")
            };
            Schema {
                tables: BTreeMap::from([(QualifiedName::new("public", "event"), table)]),
                ..Schema::default()
            }
        };
        let before = event(&[("event_b_idx", "b")]);
        let taken = event(&[("event_b_idx", "b"), ("event_a_b_idx", "a_b")]);
        let asked: Vec<String> = ask(&before, &taken)
            .into_iter()
            .map(|question| question.message)
            .collect();
        assert_eq!(
            asked,
            [
                "index `event_a_b_idx` on table `event` has the name that PostgreSQL gave to an index of \
                 partition `event_a`; give it another name"
            ]
        );
        // One that is built while others write is named after the index.
        let name = partitions::share("event_a", "i");
        let share = |index| event(&[(index, "b"), (&*name, "a_b")]);
        for (from, to) in [
            (event(&[("i", "b")]), share("i")),
            (share("event_b_idx"), share("i")),
        ] {
            let asked = ask(&from, &to);
            assert_eq!(asked.len(), 1, "{asked:?}");
            let said = format!(
                "`{name}` on table `event` has the name of an index of partition `event_a`"
            );
            assert!(asked[0].message.contains(&said), "{asked:?}");
        }
        // Where both are made together, PostgreSQL evades the declared one.
        assert_eq!(ask(&Schema::default(), &taken), []);
        assert_eq!(ask(&taken, &taken), []);
        let fine = event(&[("event_b_idx", "b"), ("event_a_b", "a_b")]);
        assert_eq!(ask(&before, &fine), []);
    }
}
