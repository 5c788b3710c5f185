//! Changes of keys, constraints and indexes.

use std::collections::BTreeMap;

use tabellion_sql::schema::{
    Check, Index, IndexColumn, PrimaryKey, QualifiedName, ReferentialAction, Table, Unique,
};

use super::Editor;
use crate::dice::Dice;
use crate::generate::{deferrable, names_of, partition_key};
use crate::{exprs, names, operators, parts};

pub(super) fn change(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        return "no table";
    };
    match dice.below(13) {
        0 => {
            parts::unique(&mut editor.schema, &name, dice);
            keep_fillable(editor, &name);
            "a unique constraint"
        }
        1 => {
            let keys: Vec<String> = editor.table(&name).uniques.keys().cloned().collect();
            if let Some(key) = dice.any(&keys) {
                editor.table(&name).uniques.remove(&key);
            }
            "drop a unique constraint"
        }
        2 => {
            let when = deferrable(dice);
            if let Some(unique) = editor.table(&name).uniques.values_mut().next() {
                unique.nulls_not_distinct = !unique.nulls_not_distinct;
                unique.deferrable = when;
            }
            keep_fillable(editor, &name);
            "another unique constraint"
        }
        3 => {
            primary_key(editor, &name, dice);
            "another primary key"
        }
        4 => {
            if dice.one_in(3) {
                if editor.schema.externals.is_empty() {
                    let users = crate::generate::users();
                    editor
                        .schema
                        .externals
                        .insert(crate::generate::users_name(), users);
                }
                parts::external_key(&mut editor.schema, &name, dice);
            } else {
                parts::foreign_key(&mut editor.schema, &name, dice);
            }
            keep_fillable(editor, &name);
            "a foreign key"
        }
        5 => {
            let keys: Vec<String> = editor.table(&name).foreign_keys.keys().cloned().collect();
            if let Some(key) = dice.any(&keys) {
                editor.table(&name).foreign_keys.remove(&key);
            }
            "drop a foreign key"
        }
        6 => {
            let when = deferrable(dice);
            if let Some(key) = editor.table(&name).foreign_keys.values_mut().next() {
                key.on_delete = ReferentialAction::Cascade;
                key.on_delete_columns.clear();
                key.deferrable = when;
            }
            "another foreign key"
        }
        7 => {
            parts::check(&mut editor.schema, &name, dice);
            "a check"
        }
        8 => {
            let condition = parts::condition(&editor.schema.tables[&name], dice);
            let checks = &mut editor.table(&name).checks;
            let known: Vec<String> = checks.keys().cloned().collect();
            if let Some(check) = dice.any(&known) {
                checks.remove(&check);
                if dice.one_in(2) {
                    checks.insert(check, Check::new(condition));
                }
            }
            "another check, or none"
        }
        9 => {
            match dice.one_in(2) {
                true => parts::index(&mut editor.schema, &name, dice),
                false => parts::method_index(&mut editor.schema, &name, dice),
            }
            keep_fillable(editor, &name);
            "an index"
        }
        10 => {
            index(editor, &name, dice);
            "another index, or none"
        }
        11 => {
            let known: Vec<String> = editor.table(&name).exclusions.keys().cloned().collect();
            match dice.any(&known) {
                Some(exclusion) => {
                    editor.table(&name).exclusions.remove(&exclusion);
                }
                None => parts::exclusion(&mut editor.schema, &name, dice),
            }
            keep_fillable(editor, &name);
            "an exclusion constraint, or none"
        }
        _ => {
            rename(editor, &name, dice);
            "other names"
        }
    }
}

/// An enumeration that is new, or whose variants are others; all rows hold what stays.
pub(super) fn enumeration(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let tables = editor.schema.tables.iter();
    let checks = tables.flat_map(|(name, table)| {
        let checks = table.checks.iter();
        checks.filter_map(|(check, it)| {
            let column = table.column(it.expr.columns.first()?)?.clone();
            Some((
                name.clone(),
                check.clone(),
                column,
                exprs::variants(&it.expr)?,
            ))
        })
    });
    let known: Vec<_> = checks.collect();
    let Some((name, check, column, mut variants)) = dice.any(&known).filter(|_| !dice.one_in(4))
    else {
        if let Some(name) = editor.any_table(dice) {
            parts::enumeration(&mut editor.schema, &name, dice);
        }
        return "an enumeration";
    };
    let gone = dice.any(&variants).filter(|_| !dice.one_in(3));
    let come = exprs::another_variant(&variants, dice).filter(|_| !dice.one_in(3));
    variants.retain(|variant| Some(*variant) != gone);
    variants.extend(come);
    if let Some(expr) = exprs::enumeration(&column, &variants, dice) {
        editor.table(&name).checks.insert(check, Check::new(expr));
    }
    match (gone, come) {
        (Some(_), Some(_)) => "a variant called otherwise",
        (Some(_), None) => "a variant fewer",
        (None, Some(_)) => "a variant more",
        (None, None) => "variants in another order",
    }
}

/// A CHECK takes the name of a constraint of another kind, which goes or has the CHECK's.
pub(super) fn exchange(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        return "no table";
    };
    let table = editor.table(&name);
    let checks: Vec<String> = table.checks.keys().cloned().collect();
    let uniques = table.uniques.keys();
    let others = uniques
        .chain(table.exclusions.keys())
        .chain(table.foreign_keys.keys());
    let others: Vec<String> = others.cloned().collect();
    let (Some(check), Some(other)) = (dice.any(&checks), dice.any(&others)) else {
        return "no two kinds of constraints";
    };
    let goes = dice.one_in(2);
    fn pass<T>(map: &mut BTreeMap<String, T>, old: &str, new: Option<&String>) {
        if let (Some(it), Some(new)) = (map.remove(old), new) {
            map.insert(new.clone(), it);
        }
    }
    let left = Some(&check).filter(|_| !goes);
    pass(&mut table.uniques, &other, left);
    pass(&mut table.exclusions, &other, left);
    pass(&mut table.foreign_keys, &other, left);
    pass(&mut table.checks, &check, Some(&other));
    match goes {
        true => "a check under the name of another constraint that goes",
        false => "a check and another constraint under each other's names",
    }
}

/// Another key, a new column of numbers included, or none.
pub(super) fn primary_key(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) {
    let of = &editor.schema.tables[name];
    let mut columns = parts::key_columns(of, dice);
    columns.retain(|column| editor.is_old(name, column));
    for column in partition_key(of) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let object = match &of.primary_key {
        Some(key) if !dice.one_in(3) => key.name.clone(),
        _ => names::object(&editor.schema, name, &[], "pkey"),
    };
    let gone = columns.is_empty() || dice.one_in(4);
    let key = PrimaryKey {
        name: object,
        columns,
        deferrable: deferrable(dice),
    };
    editor.table(name).primary_key = Some(key).filter(|_| !gone);
}

/// A unique index becomes a constraint of its name, and a unique constraint an index.
pub(super) fn promote(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        return "no table";
    };
    let table = editor.table(&name);
    let plain = |unique: &Unique| Index {
        unique: true,
        nulls_not_distinct: unique.nulls_not_distinct,
        ..Index::new(unique.columns.iter().map(IndexColumn::new))
    };
    let constraint = |index: &Index| -> Option<Unique> {
        let columns = index.columns.iter().map(IndexColumn::name);
        let unique = Unique {
            columns: columns
                .map(|it| it.map(str::to_owned))
                .collect::<Option<_>>()?,
            nulls_not_distinct: index.nulls_not_distinct,
            ..Unique::default()
        };
        (plain(&unique) == *index).then_some(unique)
    };
    let (indexes, uniques) = (table.indexes.clone(), table.uniques.clone());
    for (index, unique) in indexes
        .iter()
        .filter_map(|(name, it)| Some((name, constraint(it)?)))
    {
        table.indexes.remove(index);
        table.uniques.insert(index.clone(), unique);
    }
    for (unique, definition) in uniques {
        table.uniques.remove(&unique);
        table.indexes.insert(unique, plain(&definition));
    }
    "a unique index that becomes a constraint, or one that becomes an index"
}

fn index(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) {
    let included = names_of(&editor.schema.tables[name].columns);
    let indexes = &mut editor.table(name).indexes;
    let known: Vec<String> = indexes.keys().cloned().collect();
    let Some(index) = dice.any(&known) else {
        return;
    };
    let definition = indexes.get_mut(&index).expect("the index");
    match dice.below(4) {
        0 => {
            indexes.remove(&index);
        }
        1 if definition.method == "btree" => {
            for column in &mut definition.columns {
                column.descending = !column.descending;
            }
        }
        2 if definition.method == "btree" => definition.include = dice.some(&included, 1),
        _ => definition.predicate = None,
    }
    keep_fillable(editor, name);
}

/// Rows are there already: a column that is new holds one and the same value in all of them, or another
/// than the rows that it would reference. A key over it is left out.
pub(super) fn keep_fillable(editor: &mut Editor, name: &QualifiedName) {
    let filled = |editor: &Editor, column: &str| {
        let table = &editor.schema.tables[name];
        let new = !editor.is_old(name, column);
        new && table.column(column).is_some_and(|column| {
            column.generated.is_none() && (!column.nullable || column.default.is_some())
        })
    };
    let columns: Vec<String> = names_of(&editor.schema.tables[name].columns);
    let filled: Vec<String> = columns.into_iter().filter(|c| filled(editor, c)).collect();
    let news: Vec<String> = names_of(&editor.schema.tables[name].columns)
        .into_iter()
        .filter(|column| !editor.is_old(name, column))
        .collect();
    let is_free = |columns: &[String]| !columns.iter().any(|column| filled.contains(column));
    let named = |index: &Index| -> Vec<String> {
        index
            .columns
            .iter()
            .filter_map(IndexColumn::name)
            .map(str::to_owned)
            .collect()
    };
    let table: &mut Table = editor.table(name);
    let has_old = |columns: &[String]| columns.iter().any(|column| !news.contains(column));
    table.uniques.retain(|_, unique| {
        (is_free(&unique.columns) && !unique.nulls_not_distinct) || has_old(&unique.columns)
    });
    table.indexes.retain(|_, index| {
        let columns = named(index);
        let old_key = columns.iter().any(|column| {
            !news.contains(column)
                && table
                    .columns
                    .iter()
                    .any(|c| c.name == *column && operators::keys(&c.ty))
        });
        !index.unique || (is_free(&columns) && !index.nulls_not_distinct) || old_key
    });
    table.foreign_keys.retain(|_, key| is_free(&key.columns));
    table.exclusions.retain(|_, exclusion| {
        let columns = exclusion.elements.iter().filter_map(|e| e.column.name());
        let columns: Vec<String> = columns.map(str::to_owned).collect();
        is_free(&columns)
    });
}

/// Other names for the same constraints, indexes and policies.
fn rename(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) {
    let label = |n: usize| format!("Renamed {n}");
    let taken = names::taken(&editor.schema, &name.schema);
    let fresh: Vec<String> = (1..40).map(label).filter(|n| !taken.contains(n)).collect();
    let mut fresh = fresh.into_iter();
    let table = editor.table(name);
    let mut say = |old: &String| match dice.one_in(2) {
        true => fresh.next().unwrap_or_else(|| old.clone()),
        false => old.clone(),
    };
    table.indexes = table
        .indexes
        .iter()
        .map(|(n, it)| (say(n), it.clone()))
        .collect();
    table.uniques = table
        .uniques
        .iter()
        .map(|(n, it)| (say(n), it.clone()))
        .collect();
    table.checks = table
        .checks
        .iter()
        .map(|(n, it)| (say(n), it.clone()))
        .collect();
    table.exclusions = table
        .exclusions
        .iter()
        .map(|(n, it)| (say(n), it.clone()))
        .collect();
    table.foreign_keys = table
        .foreign_keys
        .iter()
        .map(|(n, it)| (say(n), it.clone()))
        .collect();
    if let Some(key) = &mut table.primary_key {
        key.name = say(&key.name);
    }
    if let tabellion_sql::schema::Rls::Enabled(policies) = &mut table.rls {
        *policies = policies
            .iter()
            .map(|(n, it)| (say(n), it.clone()))
            .collect();
    }
}
