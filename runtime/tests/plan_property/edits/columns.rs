//! Changes of columns.

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{
    Column, Expr, Generated, IndexKey, QualifiedName, Schema, Table, Type,
};

use super::Editor;
use crate::dice::Dice;
use crate::generate::{self, columns_that, partition_key};
use crate::types::{self, Family, family};
use crate::{exprs, names};

pub(super) fn change(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        return "no table";
    };
    let kept = partition_key(&editor.schema.tables[&name]);
    let Some(column) = editor.any_column(&name, dice, |column| !kept.contains(&column.name)) else {
        return "no column";
    };
    match dice.below(14) {
        0 | 1 => add(editor, &name, dice),
        2 => {
            if editor.schema.tables[&name].columns.len() > 1 {
                drop(editor, &name, &column.name);
            }
            "drop a column"
        }
        3 | 4 => {
            let any = editor.any_column(&name, dice, |_| true).expect("a column");
            let new = names::column(&editor.schema.tables[&name], dice);
            rename(editor, &name, &any.name, &new);
            "rename a column"
        }
        5 | 6 => {
            retype(editor, &name, &column, types::sibling(&column.ty, dice));
            "another type of the same kind"
        }
        7 => {
            retype(editor, &name, &column, types::stranger(&column.ty, dice));
            "another type"
        }
        8 => {
            let nullable = editor.column(&name, &column.name);
            nullable.nullable = !nullable.nullable;
            "nullable, or not"
        }
        9 => {
            let defaults = types::defaults(&column.ty);
            let default = dice.any(&defaults).filter(|_| !dice.one_in(3));
            let changed = editor.column(&name, &column.name);
            if changed.generated.is_none() && changed.computed.is_none() {
                changed.default = default;
            }
            super::constraints::keep_fillable(editor, &name);
            "another default"
        }
        10 => {
            number(editor, &name, dice);
            "numbered, or not"
        }
        11 => compute(editor, &name, dice),
        12 => {
            let collations = [None, Some("\"C\"".to_owned()), Some("\"POSIX\"".to_owned())];
            let texts = |column: &Column| family(&column.ty) == Family::Text;
            if let Some(text) = editor.any_column(&name, dice, texts) {
                let collation = dice.pick(&collations).clone();
                editor.column(&name, &text.name).collation = collation;
            }
            "another collation"
        }
        _ => {
            let moments = |c: &Column| matches!(c.ty, Type::Timestamp(_) | Type::Timestamptz(_));
            match editor.any_column(&name, dice, moments) {
                Some(moment) => {
                    let changed = editor.column(&name, &moment.name);
                    changed.updated_at = !changed.updated_at;
                    "updated_at, or not"
                }
                None => {
                    editor.column(&name, &column.name).comment = Some("Said anew.".into());
                    "comment on a column"
                }
            }
        }
    }
}

fn add(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) -> &'static str {
    let mut new = generate::column(&editor.schema.tables[name], dice);
    if new.default.is_none() && new.generated.is_none() && new.computed.is_none() {
        new.nullable = true;
    }
    editor.table(name).columns.push(new);
    "a column"
}

fn drop(editor: &mut Editor, name: &QualifiedName, column: &str) {
    editor.table(name).columns.retain(|c| c.name != column);
    editor.column_gone(name, column);
}

/// Renames a column wherever it is named.
fn rename(editor: &mut Editor, name: &QualifiedName, old: &str, new: &str) {
    let say = |column: &mut String| {
        if column == old {
            *column = new.to_owned();
        }
    };
    // Written by hand, as a person would, and not by what is tested here. A name stands alone between
    // blanks and brackets in these expressions, and no other word of them is a column's name.
    let (before, after) = (quote(old).into_owned(), quote(new).into_owned());
    let retell = |expr: &mut Expr| {
        if expr.columns.remove(old) {
            expr.columns.insert(new.to_owned());
            for (left, right) in [("", " "), ("(", ")"), ("(", ":"), ("(", " "), (" ", " ")] {
                let from = format!("{left}{before}{right}");
                let to = format!("{left}{after}{right}");
                match left {
                    "" if expr.sql.starts_with(&from) => {
                        expr.sql = format!("{to}{}", &expr.sql[from.len()..]);
                    }
                    "" => {}
                    _ => expr.sql = expr.sql.replace(&from, &to),
                }
            }
        }
    };
    let table = editor.table(name);
    for columns in table
        .column_grants
        .values_mut()
        .flat_map(|commands| commands.values_mut())
    {
        if columns.remove(old) {
            columns.insert(new.to_owned());
        }
    }
    for column in &mut table.columns {
        say(&mut column.name);
        column.computed.iter_mut().for_each(retell);
    }
    if let Some(key) = &mut table.primary_key {
        key.columns.iter_mut().for_each(say);
    }
    table
        .uniques
        .values_mut()
        .for_each(|u| u.columns.iter_mut().for_each(say));
    table
        .checks
        .values_mut()
        .for_each(|check| retell(&mut check.expr));
    for index in table.indexes.values_mut() {
        for column in &mut index.columns {
            match &mut column.key {
                IndexKey::Name(name) => say(name),
                IndexKey::Expression(expr) => retell(expr),
            }
        }
        index.include.iter_mut().for_each(say);
        index.predicate.iter_mut().for_each(retell);
    }
    for exclusion in table.exclusions.values_mut() {
        for element in &mut exclusion.elements {
            if let IndexKey::Name(name) = &mut element.column.key {
                say(name);
            }
        }
        exclusion.predicate.iter_mut().for_each(retell);
    }
    if let Some(by) = &mut table.partition_by {
        by.columns.iter_mut().for_each(say);
    }
    if let tabellion_sql::schema::Rls::Enabled(policies) = &mut table.rls {
        for policy in policies.values_mut() {
            policy
                .using
                .iter_mut()
                .chain(&mut policy.check)
                .for_each(retell);
        }
    }
    for key in table.foreign_keys.values_mut() {
        key.columns.iter_mut().for_each(say);
        key.on_delete_columns.iter_mut().for_each(say);
    }
    for table in editor.schema.tables.values_mut() {
        for key in table
            .foreign_keys
            .values_mut()
            .filter(|key| key.table == *name)
        {
            key.references.iter_mut().for_each(say);
        }
    }
    let (from, to) = (
        crate::parts::reads(name, old),
        crate::parts::reads(name, new),
    );
    super::access::retell(&mut editor.schema, |expr| {
        if expr.tables.contains(&name.into()) {
            expr.sql = expr.sql.replace(&from, &to);
        }
    });
    editor.column_renamed(name, old, new);
}

/// Changes a type, at both ends of every foreign key; what cannot go along leaves.
pub(super) fn retype(editor: &mut Editor, name: &QualifiedName, column: &Column, ty: Type) {
    if column.generated.is_some() && !matches!(ty, Type::Int2 | Type::Int4 | Type::Int8) {
        return;
    }
    let kept = family(&ty) == family(&column.ty) && family(&ty) != Family::Other;
    let of = &editor.schema.tables[name];
    let has = |columns: &[String]| columns.contains(&column.name);
    let in_key = of.primary_key.iter().any(|key| has(&key.columns))
        || of.uniques.values().any(|unique| has(&unique.columns))
        || of.indexes.values().any(|index| index.unique)
        || !linked(&editor.schema, name, &column.name).is_empty();
    // Of a truth value there are not as many as a key needs; and what is computed is what it is.
    if (ty == Type::Bool && in_key) || (column.computed.is_some() && !kept) {
        return;
    }
    let mut ends = vec![(name.clone(), column.name.clone())];
    let mut at = 0;
    while at < ends.len() {
        let (table, column) = ends[at].clone();
        at += 1;
        for end in linked(&editor.schema, &table, &column) {
            if !editor.schema.tables.contains_key(&end.0) {
                // Someone else's column stays as it is.
                return;
            }
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
    }
    let is_fixed = |(table, column): &(QualifiedName, String)| {
        partition_key(&editor.schema.tables[table]).contains(column)
    };
    // What a text of few characters cannot hold would be cut off, and might be another's equal.
    let is_short = matches!(ty, Type::Char(_) | Type::Varchar(Some(20)));
    let is_long = |(table, column): &(QualifiedName, String)| {
        let first = editor.first(table, column);
        is_short && first.is_some_and(|first| family(&first.ty) != Family::Text)
    };
    if ends.iter().any(|end| is_fixed(end) || is_long(end)) {
        return;
    }
    for (table, column) in ends {
        let of = editor.table(&table);
        if !kept {
            purge(of, &column);
        }
        let is_old = editor.is_old(&table, &column);
        let changed = editor.column(&table, &column);
        changed.ty = ty.clone();
        if !types::defaults(&ty)
            .iter()
            .any(|text| Some(text) == changed.default.as_ref())
        {
            // A new column needs its default: rows are there already.
            changed.default = None;
            changed.nullable |= !is_old;
        }
    }
}

/// The other ends of the foreign keys that a column takes part in.
fn linked(schema: &Schema, name: &QualifiedName, column: &str) -> Vec<(QualifiedName, String)> {
    let mut ends = Vec::new();
    for (table, definition) in &schema.tables {
        for key in definition.foreign_keys.values() {
            for (own, reference) in key.columns.iter().zip(&key.references) {
                if table == name && own == column {
                    ends.push((key.table.clone(), reference.clone()));
                }
                if key.table == *name && reference == column {
                    ends.push((table.clone(), own.clone()));
                }
            }
        }
    }
    ends
}

/// Takes away every expression that reads a column.
fn purge(table: &mut Table, column: &str) {
    let reads = |expr: &Expr| expr.columns.contains(column);
    table.checks.retain(|_, check| !reads(&check.expr));
    table.indexes.retain(|_, index| !index.exprs().any(reads));
    table
        .exclusions
        .retain(|_, exclusion| !exclusion.predicate.iter().any(reads));
    for other in &mut table.columns {
        if other.computed.as_ref().is_some_and(reads) {
            other.computed = None;
            other.nullable = true;
        }
    }
    if let tabellion_sql::schema::Rls::Enabled(policies) = &mut table.rls {
        policies.retain(|_, policy| !policy.using.iter().chain(&policy.check).any(reads));
    }
}

fn number(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) {
    let whole = |c: &Column| {
        matches!(c.ty, Type::Int2 | Type::Int4 | Type::Int8) && !c.nullable && c.computed.is_none()
    };
    let Some(column) = editor.any_column(name, dice, whole) else {
        return;
    };
    let kinds = [
        None,
        Some(Generated::Serial),
        Some(Generated::IdentityAlways),
        Some(Generated::IdentityByDefault),
    ];
    let generated = *dice.pick(&kinds);
    let is_old = editor.is_old(name, &column.name);
    let changed = editor.column(name, &column.name);
    changed.generated = generated;
    if generated.is_none() && !is_old {
        changed.default = Some("0".into());
    }
}

/// Computed, no longer, or otherwise.
fn compute(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) -> &'static str {
    let computed = |column: &Column| column.computed.is_some();
    if dice.one_in(2)
        && let Some(column) = editor.any_column(name, dice, computed)
    {
        editor.column(name, &column.name).computed = None;
        return "no longer computed";
    }
    let plain = columns_that(&editor.schema.tables[name], |column| {
        column.computed.is_none()
    });
    let (Some(read), Some(column)) = (dice.any(&plain), dice.any(&plain)) else {
        return "nothing to compute";
    };
    let (expr, ty) = exprs::computed(&read, dice);
    let used = editor.schema.tables[name]
        .primary_key
        .iter()
        .any(|k| k.columns.contains(&column.name));
    if read.name == column.name || used || !linked(&editor.schema, name, &column.name).is_empty() {
        return "nothing to compute";
    }
    purge(editor.table(name), &column.name);
    let changed = editor.column(name, &column.name);
    changed.ty = ty;
    changed.computed = Some(expr);
    changed.default = None;
    "computed"
}
