//! Changes that show most where others are sealed before them: names that pass on, and the indexes of
//! partitioned tables.

use tabellion_sql::schema::{Column, Index, IndexColumn, Partition, QualifiedName, Table, Type};

use super::Editor;
use crate::dice::Dice;
use crate::{generate, names, operators};

pub(super) fn change(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    match dice.below(6) {
        0 | 1 => index_in_parts(editor, dice),
        2 => exchange(editor, dice),
        3 => inherit(editor, dice),
        4 => carve(editor, dice),
        _ => touched(editor, dice),
    }
}

/// An index of a partitioned table that is new, other, or called otherwise.
fn index_in_parts(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let tables = editor.schema.tables.iter();
    let parted = tables.filter(|(_, table)| table.partition_by.is_some());
    let parted: Vec<QualifiedName> = parted.map(|(name, _)| name.clone()).collect();
    let Some(name) = dice.any(&parted) else {
        return "no table in parts";
    };
    let table = &editor.schema.tables[&name];
    let sorting = generate::columns_that(table, |column| operators::sorts(&column.ty));
    let columns = dice.some(&sorting, 2);
    if columns.is_empty() {
        return "no column that sorts";
    }
    let index = Index::new(columns.iter().map(|column| IndexColumn::new(&column.name)));
    let there: Vec<String> = table.indexes.keys().cloned().collect();
    let fresh = names::object(&editor.schema, &name, &[], "i");
    let indexes = &mut editor.table(&name).indexes;
    match dice.any(&there) {
        Some(old) if dice.one_in(3) => {
            let same = indexes.remove(&old).expect("the index");
            indexes.insert(fresh, same);
            "an index of a table in parts is called otherwise"
        }
        Some(old) => {
            indexes.insert(old, index);
            "another index of a table in parts"
        }
        None => {
            indexes.insert(fresh, index);
            "an index of a table in parts"
        }
    }
}

/// The names of the indexes and keys of a table.
fn own(table: &Table) -> Vec<String> {
    let key = table.primary_key.iter().map(|key| &key.name);
    let all = table.indexes.keys().chain(table.uniques.keys()).chain(key);
    all.cloned().collect()
}

/// What was called `old` is called `new`.
fn call(table: &mut Table, old: &str, new: &str) {
    if let Some(index) = table.indexes.remove(old) {
        table.indexes.insert(new.into(), index);
    } else if let Some(unique) = table.uniques.remove(old) {
        table.uniques.insert(new.into(), unique);
    } else if let Some(key) = table.primary_key.as_mut().filter(|key| key.name == old) {
        key.name = new.into();
    }
}

fn is_constraint(table: &Table, name: &str) -> bool {
    table.checks.contains_key(name)
        || table.foreign_keys.contains_key(name)
        || table.exclusions.contains_key(name)
        || own(table).iter().any(|own| own == name)
}

/// Two tables of one PostgreSQL schema, and a name of each.
fn pair(editor: &Editor, dice: &mut Dice) -> Option<[(QualifiedName, String); 2]> {
    let first = editor.any_table(dice)?;
    let beside = |name: &&QualifiedName| **name != first && name.schema == first.schema;
    let beside: Vec<QualifiedName> = editor
        .schema
        .tables
        .keys()
        .filter(beside)
        .cloned()
        .collect();
    let second = dice.any(&beside)?;
    let named =
        |table: &QualifiedName, dice: &mut Dice| dice.any(&own(&editor.schema.tables[table]));
    let (one, other) = (named(&first, dice)?, named(&second, dice)?);
    let clashes = is_constraint(&editor.schema.tables[&first], &other)
        || is_constraint(&editor.schema.tables[&second], &one);
    (!clashes).then_some([(first, one), (second, other)])
}

/// Two tables exchange the names of an index or a key.
fn exchange(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    if let Some([(first, one), (second, other)]) = pair(editor, dice) {
        call(editor.table(&first), &one, &other);
        call(editor.table(&second), &other, &one);
    }
    "two names exchanged"
}

/// One table, or an index or key of it, goes, and its name passes to an index or key of another.
fn inherit(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    if let Some([(first, one), (second, other)]) = pair(editor, dice) {
        if dice.one_in(3) {
            if is_constraint(&editor.schema.tables[&second], &first.name) {
                return "a name passed on";
            }
            editor.schema.tables.remove(&first);
            editor.table_gone(&first);
            call(editor.table(&second), &other, &first.name);
        } else {
            let table = editor.table(&first);
            table.indexes.remove(&one);
            table.uniques.remove(&one);
            table.primary_key = table.primary_key.take().filter(|key| key.name != one);
            call(editor.table(&second), &other, &one);
        }
    }
    "a name passed on"
}

/// A partition of rows that the default one may hold.
fn carve(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let carved = |(name, table): (&QualifiedName, &Table)| {
        let by = table.partition_by.as_ref()?;
        let ty = &table.column(&by.columns[0])?.ty;
        let bound = generate::bounds(by.strategy, ty, by.columns.len()).remove(0);
        let has = |wanted: &Partition| table.partitions.values().any(|bound| bound == wanted);
        let partition = generate::partition_name(name, 0);
        let is_free = !names::taken(&editor.schema, &name.schema).contains(&partition);
        (is_free && has(&Partition::Default) && !has(&bound))
            .then(|| (name.clone(), partition, bound))
    };
    let tables = editor.schema.tables.iter();
    let found: Vec<(QualifiedName, String, Partition)> = tables.filter_map(carved).collect();
    if let Some((name, partition, bound)) = dice.any(&found) {
        editor.table(&name).partitions.insert(partition, bound);
    }
    "a partition out of the default one"
}

/// Columns whose names agree in all that a function's name has room for.
fn touched(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        return "no table";
    };
    let columns: Vec<String> = editor
        .table(&name)
        .columns
        .iter()
        .map(|it| it.name.clone())
        .collect();
    let long = format!("{}{}", "updated_at".repeat(6), dice.below(9));
    if !columns.contains(&long) {
        let mut column = Column::new(&long, Type::Timestamptz(None));
        column.nullable = true;
        column.updated_at = true;
        editor.table(&name).columns.push(column);
    }
    "updated_at under a long name"
}
