//! What a table may have beside its columns.

use std::collections::BTreeMap;

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{
    Check, Column, Command, Exclusion, ExclusionElement, Expr, ForeignKey, Index, IndexColumn,
    IndexKey, Nulls, Policy, QualifiedName, ReferentialAction, Rls, Schema, Table, Unique,
};

use crate::dice::Dice;
use crate::exprs;
use crate::generate::{columns_that, deferrable, names_of, partition_key, tables, users_name};
use crate::names::{self, APP, AUDITOR};
use crate::operators;
use crate::types::{Family, family};

/// Adds a part of a random kind, where the table can have one.
pub(crate) fn add(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    match dice.below(14) {
        0 => unique(schema, name, dice),
        1 | 2 => check(schema, name, dice),
        3 | 4 => index(schema, name, dice),
        5 => method_index(schema, name, dice),
        6 | 7 => foreign_key(schema, name, dice),
        8 => external_key(schema, name, dice),
        9 => exclusion(schema, name, dice),
        10..=12 => policy(schema, name, dice),
        _ => grant(schema, name, dice),
    }
}

fn table<'a>(schema: &'a mut Schema, name: &QualifiedName) -> &'a mut Table {
    schema.tables.get_mut(name).expect("the table")
}

/// Columns for a unique key: some that sort, with the partition key where there is one.
pub(crate) fn key_columns(of: &Table, dice: &mut Dice) -> Vec<String> {
    let keys = columns_that(of, |column| {
        operators::keys(&column.ty) && column.computed.is_none()
    });
    let mut columns = dice.some(&names_of(&keys), 2);
    for column in partition_key(of) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

pub(crate) fn unique(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let columns = key_columns(&schema.tables[name], dice);
    if columns.is_empty() {
        return;
    }
    let object = names::object(schema, name, &columns, "key");
    let unique = Unique {
        columns,
        nulls_not_distinct: dice.one_in(4),
        deferrable: deferrable(dice),
    };
    table(schema, name).uniques.insert(object, unique);
}

pub(crate) fn check(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let of = &schema.tables[name];
    let expr = condition(of, dice);
    let columns: Vec<String> = expr.columns.iter().cloned().collect();
    let object = names::object(schema, name, &columns, "check");
    table(schema, name).checks.insert(object, Check::new(expr));
}

/// An enumeration of texts. Of one that spreads rows over partitions PostgreSQL would know that a default one
/// holds no row of another, and not look.
pub(crate) fn enumeration(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let of = &schema.tables[name];
    let fixed = partition_key(of);
    let is_free = |column: &Column| {
        let mut checks = of.checks.values();
        let is_its =
            |expr: &Expr| exprs::variants(expr).is_some() && expr.columns.contains(&column.name);
        !fixed.contains(&column.name) && !checks.any(|check| is_its(&check.expr))
    };
    let variants = exprs::some_variants(dice);
    let texts = columns_that(of, |column| {
        is_free(column) && exprs::enumeration(column, &variants, &mut Dice::new(0)).is_some()
    });
    let Some(column) = dice.any(&texts) else {
        return;
    };
    let Some(expr) = exprs::enumeration(&column, &variants, dice) else {
        return;
    };
    let object = names::object(schema, name, &[column.name], "check");
    table(schema, name).checks.insert(object, Check::new(expr));
}

/// A condition over one or two columns of a table.
pub(crate) fn condition(of: &Table, dice: &mut Dice) -> Expr {
    let (a, b) = (
        dice.pick(&of.columns).clone(),
        dice.pick(&of.columns).clone(),
    );
    match dice.one_in(4) && a.name != b.name {
        true => exprs::pair_condition(&a, &b, dice),
        false => exprs::condition(&a, dice),
    }
}

/// A B-tree.
pub(crate) fn index(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let of = &schema.tables[name];
    let sorting = columns_that(of, |column| operators::sorts(&column.ty));
    let mut index = Index::new([]);
    for column in dice.some(&sorting, 3) {
        index.columns.push(index_column(&column, "btree", dice));
    }
    if index.columns.is_empty() {
        return;
    }
    if dice.one_in(5) {
        let (expr, _) = exprs::computed(dice.pick(&of.columns), dice);
        index
            .columns
            .push(IndexColumn::over(IndexKey::Expression(expr)));
    }
    if dice.one_in(4) {
        index.include = dice.some(&names_of(&of.columns), 2);
    }
    if dice.one_in(4) {
        index.predicate = Some(condition(of, dice));
    }
    if dice.one_in(4) {
        index.with = BTreeMap::from([("fillfactor".into(), "70".into())]);
    }
    let keys = |column: &&IndexColumn| {
        let column = column.name().and_then(|name| of.column(name));
        column.is_some_and(|column| operators::keys(&column.ty))
    };
    if dice.one_in(3) && index.columns.iter().filter(keys).count() > 0 {
        index.unique = true;
        index.nulls_not_distinct = dice.one_in(3);
        for column in partition_key(of) {
            if !index.columns.iter().any(|c| c.name() == Some(&column)) {
                index.columns.push(IndexColumn::new(column));
            }
        }
    }
    insert_index(schema, name, index);
}

fn insert_index(schema: &mut Schema, name: &QualifiedName, index: Index) {
    let named = index.columns.iter().filter_map(IndexColumn::name);
    let columns: Vec<String> = named.map(str::to_owned).collect();
    let object = names::object(schema, name, &columns, "idx");
    table(schema, name).indexes.insert(object, index);
}

pub(crate) fn index_column(of: &Column, method: &str, dice: &mut Dice) -> IndexColumn {
    let mut column = IndexColumn::new(&of.name);
    if dice.one_in(4) {
        let classes = operators::operator_classes(method, &of.ty);
        column.opclass = dice.any(classes).map(str::to_owned);
    }
    if method == "btree" {
        column.descending = dice.one_in(3);
        if dice.one_in(4) {
            column.nulls = Some(*dice.pick(&[Nulls::First, Nulls::Last]));
        }
    }
    if matches!(method, "btree" | "hash") && family(&of.ty) == Family::Text && dice.one_in(4) {
        column.collation = Some("\"C\"".into());
    }
    column
}

/// An index that is no B-tree.
pub(crate) fn method_index(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let of = &schema.tables[name];
    let method = *dice.pick(&["hash", "gin", "gist", "brin", "spgist", "gin"]);
    let fits = |column: &Column| match method {
        "hash" => operators::hashes(&column.ty),
        "gin" => operators::gins(&column.ty),
        "gist" => operators::gists(&column.ty),
        "brin" => operators::brins(&column.ty),
        _ => operators::spgists(&column.ty),
    };
    let needs_class = |column: &Column| {
        let classes = operators::operator_classes(method, &column.ty);
        matches!(method, "gin" | "gist") && !classes.is_empty() && !fits(column)
    };
    let columns = columns_that(of, |column| fits(column) || needs_class(column));
    let most = if matches!(method, "hash" | "spgist") {
        1
    } else {
        2
    };
    let mut index = Index::new([]);
    index.method = method.into();
    for column in dice.some(&columns, most) {
        let mut key = index_column(&column, method, dice);
        if !fits(&column) {
            key.opclass = Some(operators::operator_classes(method, &column.ty)[0].into());
        }
        index.columns.push(key);
    }
    if index.columns.is_empty() {
        return;
    }
    if dice.one_in(3) {
        let with = match method {
            "gin" => ("fastupdate", "off"),
            "brin" => ("pages_per_range", "64"),
            _ => ("fillfactor", "80"),
        };
        index.with = BTreeMap::from([(with.0.into(), with.1.into())]);
    }
    if matches!(method, "gist" | "spgist") && dice.one_in(3) {
        index.include = dice.some(&names_of(&of.columns), 1);
    }
    insert_index(schema, name, index);
}

/// The keys of a table that a foreign key may rest on.
pub(crate) fn target_keys(table: &Table) -> Vec<Vec<String>> {
    let not = tabellion_sql::schema::Deferrable::Not;
    let primary = table.primary_key.iter().filter(|key| key.deferrable == not);
    let uniques = table.uniques.values().filter(|key| key.deferrable == not);
    let indexes = table.indexes.values().filter(|index| {
        let plain = index
            .columns
            .iter()
            .all(|column| column.name().is_some() && column.opclass.is_none());
        index.unique && index.predicate.is_none() && plain
    });
    let names = |index: &Index| {
        let named = index.columns.iter().filter_map(IndexColumn::name);
        named.map(str::to_owned).collect()
    };
    primary
        .map(|key| key.columns.clone())
        .chain(uniques.map(|key| key.columns.clone()))
        .chain(indexes.map(names))
        .collect()
}

/// A foreign key to any table, itself included, over new columns of the right types or over its own.
pub(crate) fn foreign_key(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let Some(target) = dice.any(&tables(schema)) else {
        return;
    };
    let Some(references) = dice.any(&target_keys(&schema.tables[&target])) else {
        return;
    };
    let types: Vec<Column> = references
        .iter()
        .filter_map(|column| schema.tables[&target].column(column).cloned())
        .collect();
    link(schema, name, target, types, dice);
}

/// A foreign key to a table of someone else.
pub(crate) fn external_key(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let column = match schema.externals.get(&users_name()) {
        Some(users) => users.columns[dice.below(2)].clone(),
        None => return,
    };
    link(schema, name, users_name(), vec![column], dice);
}

fn link(
    schema: &mut Schema,
    name: &QualifiedName,
    target: QualifiedName,
    references: Vec<Column>,
    dice: &mut Dice,
) {
    let of = table(schema, name);
    let mut columns: Vec<String> = Vec::new();
    for reference in &references {
        let alike = columns_that(of, |column| {
            column.ty == reference.ty
                && !columns.contains(&column.name)
                && (name != &target || column.name != reference.name)
        });
        let own = alike.first().filter(|_| dice.one_in(2));
        columns.push(match own {
            Some(own) => own.name.clone(),
            None => {
                let mut new = Column::new(names::column(of, dice), reference.ty.clone());
                new.nullable = true;
                of.columns.push(new.clone());
                new.name
            }
        });
    }
    use ReferentialAction::*;
    let actions = [NoAction, NoAction, Restrict, Cascade, SetNull, SetDefault];
    let names = references.iter().map(|column| &column.name);
    let mut key = ForeignKey::new(&columns, target, names);
    key.on_delete = *dice.pick(&actions);
    key.on_update = *dice.pick(&actions);
    key.deferrable = deferrable(dice);
    if matches!(key.on_delete, SetNull | SetDefault) && dice.one_in(2) {
        key.on_delete_columns = vec![columns[0].clone()];
    }
    let object = names::object(schema, name, &columns, "fkey");
    table(schema, name).foreign_keys.insert(object, key);
}

pub(crate) fn exclusion(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let of = &schema.tables[name];
    let ranges = columns_that(of, |column| operators::is_range(&column.ty));
    let equals = columns_that(of, |column| operators::excludes_equals(&column.ty));
    let element = |column: &Column, operator: &str| ExclusionElement {
        column: IndexColumn::new(&column.name),
        operator: operator.into(),
    };
    let mut elements = Vec::new();
    if let Some(range) = dice.any(&ranges) {
        elements.push(element(&range, "&&"));
    }
    if elements.is_empty() || dice.one_in(2) {
        elements.extend(dice.any(&equals).map(|column| element(&column, "=")));
    }
    let Some(first) = elements.first() else {
        return;
    };
    let method = match first.operator == "=" && dice.one_in(2) {
        true => "btree",
        false => "gist",
    };
    let exclusion = Exclusion {
        method: method.into(),
        predicate: dice.one_in(3).then(|| condition(of, dice)),
        deferrable: deferrable(dice),
        elements,
    };
    let columns = exclusion.elements.iter().filter_map(|e| e.column.name());
    let columns: Vec<String> = columns.map(str::to_owned).collect();
    let object = names::object(schema, name, &columns, "excl");
    table(schema, name).exclusions.insert(object, exclusion);
}

pub(crate) fn policy(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let command = match dice.below(6) {
        0 => None,
        1 | 2 => Some(Command::Select),
        n => Some(Command::ALL[n - 2]),
    };
    let using = predicate(schema, name, dice);
    let check = predicate(schema, name, dice);
    let roles = dice.some(&[APP, AUDITOR], 2);
    let policy = Policy {
        command,
        restrictive: dice.one_in(4),
        using: Some(using).filter(|_| command != Some(Command::Insert)),
        check: Some(check).filter(|_| !matches!(command, Some(Command::Select | Command::Delete))),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    };
    let own = dice.pick(&[
        "see",
        "Users can: see",
        "own \"rows\"",
        "für alle",
        "p4",
        "p5",
    ]);
    let grants: Vec<Command> = policy.commands().to_vec();
    let table = table(schema, name);
    if let Rls::Enabled(policies) = &mut table.rls {
        policies.insert((*own).to_owned(), policy);
    }
    if !dice.one_in(4) {
        for role in roles {
            let granted = table.grants.entry(role.into()).or_default();
            granted.extend(grants.iter().copied());
        }
    }
}

/// A predicate, which now and then reads another table.
pub(crate) fn predicate(schema: &Schema, name: &QualifiedName, dice: &mut Dice) -> Expr {
    let own = dice.pick(&schema.tables[name].columns).clone();
    let others: Vec<QualifiedName> = tables(schema).into_iter().filter(|t| t != name).collect();
    if dice.one_in(4)
        && let Some(other) = dice.any(&others)
    {
        let column = dice.pick(&schema.tables[&other].columns);
        let mut expr = exprs::predicate(&own, dice);
        expr.sql = format!("({}) and {}", expr.sql, reads(&other, &column.name));
        expr.tables.insert(other.into());
        return expr;
    }
    exprs::predicate(&own, dice)
}

/// The condition that reads another table. What is renamed there is renamed in this text, and nothing
/// else of a predicate looks like it.
pub(crate) fn reads(other: &QualifiedName, column: &str) -> String {
    format!(
        "exists (select from {other} as o where o.{} is not null)",
        quote(column)
    )
}

pub(crate) fn grant(schema: &mut Schema, name: &QualifiedName, dice: &mut Dice) {
    let role = *dice.pick(&[APP, AUDITOR]);
    let commands = dice.some(&Command::ALL, 3);
    let table = table(schema, name);
    table
        .grants
        .insert(role.into(), commands.into_iter().collect());
    if dice.one_in(2) {
        let columns: Vec<String> = table.columns.iter().map(|it| it.name.clone()).collect();
        let columns = dice.some(&columns, 2).into_iter().collect();
        let command = *dice.pick(&[Command::Select, Command::Insert, Command::Update]);
        let commands = table.column_grants.entry(role.into()).or_default();
        commands.insert(command, columns);
    } else {
        table.column_grants.remove(role);
    }
}
