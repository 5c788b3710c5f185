//! Makes a schema valid: whatever names something that is gone, or that PostgreSQL would refuse, leaves.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{
    Column, Command, Deferrable, Exclusion, Expr, Extension, ForeignKey, Index, IndexColumn,
    Policy, ReferentialAction, Rls, Schema, Table, TableName, Type, Unique,
};

use crate::dice::Dice;
use crate::exprs;
use crate::generate::partition_key;
use crate::operators;
use crate::types::{self, Family, family};

/// Repeats until nothing is left to do: a key that leaves takes foreign keys along.
pub(crate) fn repair(schema: &mut Schema) {
    loop {
        let before = schema.clone();
        for table in schema.tables.values_mut() {
            columns(table);
            column_grants(table);
            keys(table);
            rest(table);
        }
        policies(schema);
        policies_together(schema);
        foreign_keys(schema);
        if *schema == before {
            break;
        }
    }
    extensions(schema);
}

/// Columns that are there, for what is not granted on the whole table.
fn column_grants(table: &mut Table) {
    let names: BTreeSet<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
    for (role, commands) in &mut table.column_grants {
        let whole = table.grants.get(role);
        commands.retain(|command, columns| {
            columns.retain(|column| names.contains(column.as_str()));
            !columns.is_empty() && !whole.is_some_and(|whole| whole.contains(command))
        });
    }
    table
        .column_grants
        .retain(|_, commands| !commands.is_empty());
}

fn columns(table: &mut Table) {
    let partitioned = partition_key(table);
    let key: BTreeSet<String> = table
        .primary_key
        .iter()
        .flat_map(|key| key.columns.iter().cloned())
        .collect();
    let plain: BTreeSet<String> = table
        .columns
        .iter()
        .filter(|column| column.computed.is_none())
        .map(|column| column.name.clone())
        .collect();
    let all = table.clone();
    for column in &mut table.columns {
        let reads_plain =
            |expr: &Expr| expr.columns.is_subset(&plain) && still_computes(&all, expr);
        if column
            .computed
            .as_ref()
            .is_some_and(|expr| !reads_plain(expr))
            || partitioned.contains(&column.name)
        {
            column.computed = None;
        }
        if column.computed.is_some() {
            column.generated = None;
            column.default = None;
            column.updated_at = false;
            // What PostgreSQL computes is NULL where what it reads is.
            column.nullable = true;
        }
        if !matches!(column.ty, Type::Int2 | Type::Int4 | Type::Int8)
            || partitioned.contains(&column.name)
        {
            column.generated = None;
        }
        if column.generated.is_some() {
            column.default = None;
            column.nullable = false;
            column.updated_at = false;
        }
        if !matches!(column.ty, Type::Timestamp(_) | Type::Timestamptz(_)) {
            column.updated_at = false;
        }
        if column.updated_at {
            column.default = Some("now()".into());
        }
        if family(&column.ty) != Family::Text {
            column.collation = None;
        }
        if key.contains(&column.name) {
            column.nullable = false;
        }
    }
}

/// Whether an expression is one that the columns which it reads have still; their types may have changed.
fn still_computes(table: &Table, expr: &Expr) -> bool {
    let Some(column) = expr.columns.first().and_then(|name| table.column(name)) else {
        return false;
    };
    (0..4).any(|seed| exprs::computed(column, &mut Dice::new(seed)).0 == *expr)
}

fn key_fits(table: &Table, columns: &[String]) -> bool {
    let known = |name: &String| table.column(name).is_some_and(|c| operators::keys(&c.ty));
    !columns.is_empty()
        && columns.iter().all(known)
        && partition_key(table)
            .iter()
            .all(|column| columns.contains(column))
}

fn keys(table: &mut Table) {
    let by = partition_key(table);
    if let Some(key) = &mut table.primary_key {
        for column in by {
            if !key.columns.contains(&column) {
                key.columns.push(column);
            }
        }
    }
    let of = table.clone();
    let computed = |name: &String| of.column(name).is_some_and(|c| c.computed.is_some());
    let fits = |key: &tabellion_sql::schema::PrimaryKey| {
        key_fits(&of, &key.columns) && !key.columns.iter().any(computed)
    };
    table.primary_key = table.primary_key.take().filter(fits);
    table
        .uniques
        .retain(|_, Unique { columns, .. }| key_fits(&of, columns));
}

fn rest(table: &mut Table) {
    let of = table.clone();
    table.checks.retain(|_, check| reads(&of, &check.expr));
    table.indexes.retain(|_, index| index_fits(&of, index));
    let plain = of.partition_by.is_none();
    table
        .exclusions
        .retain(|_, exclusion| plain && exclusion_fits(&of, exclusion));
    if of.partition_by.is_none() {
        table.partitions.clear();
    }
}

fn reads(table: &Table, expr: &Expr) -> bool {
    expr.columns.iter().all(|name| table.column(name).is_some())
}

fn index_fits(table: &Table, index: &Index) -> bool {
    let named: Vec<&str> = index.columns.iter().filter_map(IndexColumn::name).collect();
    let distinct = named.iter().collect::<BTreeSet<_>>().len() == named.len();
    let fits = |key: &IndexColumn| match key.name() {
        None => key
            .expression()
            .is_some_and(|expr| reads(table, expr) && still_computes(table, expr)),
        Some(name) => table
            .column(name)
            .is_some_and(|column| class_fits(&index.method, column, key)),
    };
    let plain = |column: &String| {
        let mut keys = index.columns.iter();
        keys.any(|key| {
            key.name() == Some(column) && key.opclass.is_none() && key.collation.is_none()
        })
    };
    let unique = !index.unique
        || (partition_key(table).iter().all(plain)
            && named.iter().any(|name| {
                table
                    .column(name)
                    .is_some_and(|column| operators::keys(&column.ty))
            }));
    let not_computed_twice = index.exprs().all(|expr| reads(table, expr));
    let included = |name: &String| table.column(name).is_some();
    !index.columns.is_empty()
        && distinct
        && unique
        && not_computed_twice
        && index.columns.iter().all(fits)
        && index.include.iter().all(included)
}

fn class_fits(method: &str, column: &Column, key: &IndexColumn) -> bool {
    let ty = &column.ty;
    if key.collation.is_some() && family(ty) != Family::Text {
        return false;
    }
    match &key.opclass {
        Some(class) => operators::operator_classes(method, ty).contains(&class.as_str()),
        None => match method {
            "hash" => operators::hashes(ty),
            "gin" => operators::gins(ty),
            "gist" => operators::gists(ty),
            "brin" => operators::brins(ty),
            "spgist" => operators::spgists(ty),
            _ => operators::sorts(ty),
        },
    }
}

fn exclusion_fits(table: &Table, exclusion: &Exclusion) -> bool {
    exclusion.elements.iter().all(|element| {
        let column = element.column.name().and_then(|name| table.column(name));
        column.is_some_and(|column| match element.operator.as_str() {
            "&&" => operators::is_range(&column.ty),
            _ => operators::excludes_equals(&column.ty),
        })
    }) && exclusion
        .predicate
        .as_ref()
        .is_none_or(|expr| reads(table, expr))
}

fn policies(schema: &mut Schema) {
    let known = schema.clone();
    for table in schema.tables.values_mut() {
        table
            .grants
            .retain(|role, _| known.roles.contains_key(role));
        table
            .column_grants
            .retain(|role, _| known.roles.contains_key(role));
        let of = table.clone();
        if let Rls::Enabled(policies) = &mut table.rls {
            policies.retain(|_, Policy { using, check, .. }| {
                using.iter().chain(check.iter()).all(|expr| {
                    reads(&of, expr)
                        && expr
                            .tables
                            .iter()
                            .all(|other| reads_other(&known, expr, other))
                })
            });
        }
    }
}

/// One permissive policy for a command and role; what a policy reads its roles may read, and it leads not
/// back to the table.
fn policies_together(schema: &mut Schema) {
    let mut reads = Vec::new();
    for table in schema.tables.values_mut() {
        let Rls::Enabled(policies) = &mut table.rls else {
            continue;
        };
        let mut taken = BTreeSet::new();
        for policy in policies.values_mut() {
            let pairs = (policy.commands().iter())
                .flat_map(|command| policy.roles.iter().map(|role| (*command, role.clone())));
            let pairs: BTreeSet<_> = pairs.collect();
            policy.restrictive |= !pairs.is_disjoint(&taken);
            if !policy.restrictive {
                taken.extend(pairs);
            }
            let exprs = policy.using.iter().chain(&policy.check);
            for other in exprs.flat_map(|expr| &expr.tables) {
                reads.push((other.clone(), policy.roles.clone()));
            }
        }
    }
    for (other, roles) in reads {
        let mut tables = schema.tables.iter_mut();
        if let Some((_, table)) = tables.find(|(name, _)| other.is(name)) {
            for role in roles {
                table
                    .grants
                    .entry(role)
                    .or_default()
                    .insert(Command::Select);
            }
        }
    }
    // One at a time: without it the others may be right.
    while let Some(wrong) = (tabellion_sql::verify::verify(schema).into_iter())
        .find(|finding| finding.message.starts_with("policy `"))
    {
        let table = schema
            .tables
            .get_mut(&wrong.table)
            .map(|table| &mut table.rls);
        let Some(Rls::Enabled(policies)) = table else {
            break;
        };
        policies.retain(|_, policy| {
            let mut exprs = policy.using.iter().chain(&policy.check);
            exprs.all(|expr| expr.tables.is_empty())
        });
    }
}

/// Whether the table and the column that a predicate reads are there.
fn reads_other(schema: &Schema, expr: &Expr, other: &TableName) -> bool {
    let mut found = schema.tables.iter().filter(|(name, _)| other.is(name));
    found.any(|(name, table)| {
        let mut columns = table.columns.iter();
        columns.any(|column| expr.sql.ends_with(&crate::parts::reads(name, &column.name)))
    })
}

fn foreign_keys(schema: &mut Schema) {
    let known = schema.clone();
    for table in schema.tables.values_mut() {
        let of = table.clone();
        table
            .foreign_keys
            .retain(|_, key| key_rests(&known, &of, key));
        for key in table.foreign_keys.values_mut() {
            key.on_delete_columns
                .retain(|column| key.columns.contains(column));
            if !matches!(
                key.on_delete,
                ReferentialAction::SetNull | ReferentialAction::SetDefault
            ) {
                key.on_delete_columns.clear();
            }
            let computed = |name: &String| of.column(name).is_some_and(|c| c.computed.is_some());
            if key.columns.iter().any(computed) {
                key.on_delete = ReferentialAction::NoAction;
                key.on_update = ReferentialAction::NoAction;
                key.on_delete_columns.clear();
            }
        }
    }
    // One at a time: without it the others may be right.
    while let Some(wrong) = (tabellion_sql::verify::verify(schema).into_iter()).find(|finding| {
        finding
            .message
            .contains("PostgreSQL makes up for foreign key")
    }) {
        let Some(table) = schema.tables.get_mut(&wrong.table) else {
            break;
        };
        let named = |name: &String| wrong.message.contains(&format!("for foreign key `{name}`"));
        table.foreign_keys.retain(|name, _| !named(name));
    }
}

fn key_rests(schema: &Schema, table: &Table, key: &ForeignKey) -> bool {
    let wanted: BTreeSet<&String> = key.references.iter().collect();
    let same = |columns: &[String]| columns.iter().collect::<BTreeSet<_>>() == wanted;
    let (target, rests): (BTreeMap<&str, &Column>, bool) = match schema.tables.get(&key.table) {
        Some(target) => {
            let not = Deferrable::Not;
            let mut found = target
                .primary_key
                .iter()
                .any(|key| key.deferrable == not && same(&key.columns));
            found |= target
                .uniques
                .values()
                .any(|key| key.deferrable == not && same(&key.columns));
            found |= target.indexes.values().any(|index| {
                let names = index.columns.iter().map(|c| c.name().map(str::to_owned));
                let names: Option<Vec<String>> = names.collect();
                let plain = index
                    .columns
                    .iter()
                    .all(|c| c.opclass.is_none() && c.collation.is_none());
                index.unique
                    && index.predicate.is_none()
                    && plain
                    && names.is_some_and(|n| same(&n))
            });
            let columns = target.columns.iter().map(|c| (c.name.as_str(), c));
            (columns.collect(), found)
        }
        None => match schema.externals.get(&key.table) {
            Some(external) => {
                let columns = external.columns.iter().map(|c| (c.name.as_str(), c));
                (columns.collect(), external.keys.iter().any(|key| same(key)))
            }
            None => return false,
        },
    };
    let fits = |(own, reference): (&String, &String)| {
        let own = table.column(own);
        // PostgreSQL 15 does not find the operator that compares arrays of some types.
        let is_array = |column: &Column| matches!(column.ty, Type::Array(_));
        let reference = target
            .get(reference.as_str())
            .filter(|column| !is_array(column));
        matches!((own, reference), (Some(own), Some(reference)) if own.ty == reference.ty)
    };
    rests && key.columns.iter().zip(&key.references).all(fits)
}

/// Declares the extensions that the tables need.
fn extensions(schema: &mut Schema) {
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    for table in schema.tables.values() {
        needed.extend(
            table
                .columns
                .iter()
                .filter_map(|column| types::extension(&column.ty)),
        );
        let gist = table.indexes.values().any(|index| index.method == "gist")
            || table
                .exclusions
                .values()
                .any(|exclusion| exclusion.method == "gist");
        needed.extend(gist.then_some("btree_gist"));
        let trigrams = table
            .indexes
            .values()
            .flat_map(|index| &index.columns)
            .any(|column| {
                column
                    .opclass
                    .as_deref()
                    .is_some_and(|class| class.contains("trgm"))
            });
        needed.extend(trigrams.then_some("pg_trgm"));
    }
    for extension in needed {
        schema
            .extensions
            .entry(extension.into())
            .or_insert(Extension {
                schema: Some(crate::database::EXTENSIONS.into()),
            });
    }
}
