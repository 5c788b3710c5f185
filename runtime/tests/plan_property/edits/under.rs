//! Changes under what rests on them: the type under an index or a key that goes, the unique keys that a foreign
//! key may rest on, where a foreign key leads and what it does, and comments that go.

use tabellion_sql::schema::{
    Deferrable, Index, IndexColumn, QualifiedName, ReferentialAction, Type, Unique,
};

use super::Editor;
use crate::dice::Dice;
use crate::generate::names_of;
use crate::{names, parts, types};

pub(super) fn change(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    match dice.below(8) {
        0 | 1 => retyped(editor, dice),
        2..=4 => succeeded(editor, dice),
        5 => otherwise(editor, dice),
        6 => led(editor, dice),
        _ => silent(editor, dice),
    }
}

/// Tables that have something, with one of it.
fn one_of<T: Clone>(
    editor: &Editor,
    dice: &mut Dice,
    all: impl Fn(&QualifiedName) -> Vec<T>,
) -> Option<(QualifiedName, T)> {
    let tables = editor.schema.tables.keys();
    let found = tables.flat_map(|name| all(name).into_iter().map(|it| (name.clone(), it)));
    dice.any(&found.collect::<Vec<_>>())
}

/// An index or a key goes, or becomes another index, and a column that it held gets another type.
fn retyped(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let schema = &editor.schema;
    let held = |name: &QualifiedName| -> Vec<(String, String)> {
        let table = &schema.tables[name];
        let indexes = table.indexes.iter().flat_map(|(index, it)| {
            let names = it.columns.iter().filter_map(IndexColumn::name);
            names.map(|column| (index.clone(), column.to_owned()))
        });
        let key = table.primary_key.iter();
        let key = key.map(|key| (&key.name, &key.columns));
        let uniques = table.uniques.iter().map(|(name, it)| (name, &it.columns));
        let keys = key.chain(uniques).flat_map(|(key, columns)| {
            let columns = columns.iter();
            columns.map(|column| (key.clone(), column.clone()))
        });
        indexes.chain(keys).collect()
    };
    // A B-tree bears nearly every type, and is what most indexes are.
    let is_odd = |name: &QualifiedName, object: &String| {
        let index = schema.tables[name].indexes.get(object);
        index.is_some_and(|index| index.method != "btree")
    };
    let odd = |name: &QualifiedName| {
        let mut found = held(name);
        found.retain(|(object, _)| is_odd(name, object));
        found
    };
    let odd = one_of(editor, dice, odd).filter(|_| !dice.one_in(4));
    let Some((name, (object, column))) = odd.or_else(|| one_of(editor, dice, held)) else {
        return "no index";
    };
    let table = editor.table(&name);
    let was_key = table.indexes.remove(&object).is_none_or(|it| it.unique);
    table.uniques.remove(&object);
    table.primary_key = table.primary_key.take().filter(|key| key.name != object);
    let column = table.column(&column).expect("the column").clone();
    // Of a truth value there are not as many as the key needs that the way back brings.
    let ty = types::stranger(&column.ty, dice);
    let is_told_apart = ty != Type::Bool || !was_key;
    let ty = if is_told_apart { ty } else { Type::Text };
    super::columns::retype(editor, &name, &column, ty);
    crate::repair::repair(&mut editor.schema);
    if !editor.schema.tables.contains_key(&name) || dice.one_in(2) {
        return "another type under an index that goes";
    }
    let before: Vec<String> = editor.table(&name).indexes.keys().cloned().collect();
    match dice.one_in(2) {
        true => parts::index(&mut editor.schema, &name, dice),
        false => parts::method_index(&mut editor.schema, &name, dice),
    }
    let indexes = &mut editor.table(&name).indexes;
    let new = indexes
        .keys()
        .find(|index| !before.contains(index))
        .cloned();
    if let Some(new) = new.and_then(|new| indexes.remove(&new)) {
        indexes.insert(object, new);
    }
    super::constraints::keep_fillable(editor, &name);
    "another type under an index that becomes another"
}

/// Of the unique keys that a foreign key may rest on one comes, goes, or takes the place of another.
fn succeeded(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let schema = &editor.schema;
    let targets = |name: &QualifiedName| -> Vec<Vec<String>> {
        let tables = schema.tables.values();
        let keys = tables.flat_map(|table| table.foreign_keys.values());
        let keys = keys.filter(|key| key.table == *name);
        keys.map(|key| key.references.clone()).collect()
    };
    let Some((name, mut columns)) = one_of(editor, dice, targets) else {
        return "no foreign key";
    };
    let is_over = |names: &[String]| {
        names.len() == columns.len() && names.iter().all(|name| columns.contains(name))
    };
    let table = editor.table(&name);
    let uniques = table.uniques.iter().filter(|(_, it)| is_over(&it.columns));
    let indexes = table.indexes.iter().filter(|(_, it)| {
        let names = it.columns.iter().filter_map(IndexColumn::name);
        let names: Vec<String> = names.map(str::to_owned).collect();
        it.unique && is_over(&names)
    });
    let key = table.primary_key.iter().filter(|it| is_over(&it.columns));
    let there: Vec<String> = (uniques.map(|(name, _)| name))
        .chain(indexes.map(|(name, _)| name))
        .chain(key.map(|key| &key.name))
        .cloned()
        .collect();
    let comes = there.len() < 2 || dice.one_in(2);
    if !comes || dice.one_in(2) {
        let gone = dice.pick(&there).clone();
        table.uniques.remove(&gone);
        table.indexes.remove(&gone);
        if table.primary_key.iter().any(|key| key.name == gone) {
            super::constraints::primary_key(editor, &name, dice);
        }
    }
    if !comes {
        return "a unique key that a foreign key may rest on goes";
    }
    if dice.one_in(3) {
        columns.reverse();
    }
    let carried = names_of(&editor.schema.tables[&name].columns);
    let object = names::object(&editor.schema, &name, &columns, "other");
    let table = editor.table(&name);
    if dice.one_in(3) {
        let unique = Unique {
            columns,
            nulls_not_distinct: dice.one_in(3),
            deferrable: Deferrable::Not,
        };
        table.uniques.insert(object, unique);
    } else {
        let mut index = Index {
            unique: true,
            ..Index::new(columns.iter().map(IndexColumn::new))
        };
        index.columns[0].descending = dice.one_in(2);
        if dice.one_in(3) {
            index.include = dice.some(&carried, 1);
        }
        table.indexes.insert(object, index);
    }
    "a unique key that a foreign key may rest on comes"
}

/// An index under its name, by another operator class, collation or WITH.
fn otherwise(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let schema = &editor.schema;
    let indexes = |name: &QualifiedName| schema.tables[name].indexes.keys().cloned().collect();
    let Some((name, index)) = one_of(editor, dice, indexes) else {
        return "no index";
    };
    let table = editor.table(&name);
    let columns = table.columns.clone();
    let index = table.indexes.get_mut(&index).expect("the index");
    if dice.one_in(3) {
        let option = match index.method.as_str() {
            "gin" => ("fastupdate", ["on", "off"]),
            "brin" => ("pages_per_range", ["32", "64"]),
            _ => ("fillfactor", ["75", "85"]),
        };
        let value = dice.any(&option.1).filter(|_| !dice.one_in(3));
        index.with = (value.map(|value| (option.0.to_owned(), value.to_owned())))
            .into_iter()
            .collect();
        return "an index with other parameters";
    }
    let method = index.method.clone();
    for key in &mut index.columns {
        let column = key
            .name()
            .and_then(|name| columns.iter().find(|it| it.name == name));
        if let Some(column) = column {
            *key = parts::index_column(column, &method, dice);
        }
    }
    "an index by another operator class or collation"
}

/// A foreign key leads to another table or key, or does something else.
fn led(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    use ReferentialAction::*;
    let schema = &editor.schema;
    let keys = |name: &QualifiedName| schema.tables[name].foreign_keys.keys().cloned().collect();
    let Some((name, key)) = one_of(editor, dice, keys) else {
        return "no foreign key";
    };
    let types: Vec<_> = (schema.tables[&name].foreign_keys[&key].columns.iter())
        .filter_map(|column| Some(schema.tables[&name].column(column)?.ty.clone()))
        .collect();
    let targets = |target: &QualifiedName| -> Vec<Vec<String>> {
        let table = &schema.tables[target];
        let of = |columns: &Vec<String>| -> Vec<_> {
            let found = columns.iter().filter_map(|column| table.column(column));
            found.map(|column| column.ty.clone()).collect()
        };
        let keys = parts::target_keys(table).into_iter();
        keys.filter(|columns| of(columns) == types).collect()
    };
    let other = one_of(editor, dice, targets);
    let actions = [NoAction, Restrict, Cascade, SetNull, SetDefault];
    let (on_delete, on_update) = (*dice.pick(&actions), *dice.pick(&actions));
    let leads = dice.one_in(2);
    let key = editor.table(&name).foreign_keys.get_mut(&key);
    let key = key.expect("the foreign key");
    match other.filter(|_| leads) {
        Some((target, references)) => {
            (key.table, key.references) = (target, references);
            "a foreign key that leads elsewhere"
        }
        None => {
            (key.on_delete, key.on_update) = (on_delete, on_update);
            "a foreign key that does something else"
        }
    }
}

/// A comment goes.
fn silent(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    for table in editor.schema.tables.values_mut() {
        if dice.one_in(2) {
            table.comment = None;
        }
        for column in &mut table.columns {
            column.comment = column.comment.take().filter(|_| dice.one_in(2));
        }
    }
    "comments that go"
}
