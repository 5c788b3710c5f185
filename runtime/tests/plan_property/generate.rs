//! Random schemas.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{
    Column, Deferrable, External, Generated, Partition, PartitionBy, PartitionStrategy, Platform,
    PrimaryKey, QualifiedName, Rls, Role, Schema, Table, Type,
};

use crate::dice::Dice;
use crate::names::{self, APP, AUDITOR, EXTERNAL, NAMESPACES};
use crate::types::{self, Family, family};
use crate::{exprs, operators, parts, repair};

/// What a table is made of: each number decides one thing, so that leaving one out makes a smaller table.
#[derive(Debug, Clone)]
pub(crate) struct TableSeed {
    pub(crate) head: u64,
    pub(crate) columns: Vec<u64>,
    pub(crate) parts: Vec<u64>,
}

/// A schema of these tables.
pub(crate) fn schema(tables: &[TableSeed], supabase: bool, seed: u64) -> Schema {
    let mut dice = Dice::new(seed);
    let mut schema = Schema {
        roles: BTreeMap::from([
            (APP.into(), Role::Created),
            (AUDITOR.into(), Role::Created),
            ("service_role".into(), Role::External),
        ]),
        ..Schema::default()
    };
    if supabase {
        schema.platform = Platform::Supabase;
        for role in Platform::Supabase.default_grantees() {
            schema.roles.insert((*role).into(), Role::External);
        }
    }
    if dice.one_in(2) {
        schema.externals.insert(users_name(), users());
    }
    let mut names = Vec::new();
    for seed in tables {
        names.push(add_table(&mut schema, seed));
    }
    // Parts that name other tables come when all are there.
    for (name, seed) in names.iter().zip(tables) {
        for part in &seed.parts {
            parts::add(&mut schema, name, &mut Dice::new(*part));
        }
        // By choices of its own, so that what earlier cases were made of stays what it was.
        let mut dice = Dice::new(!seed.head);
        if dice.one_in(3) {
            parts::enumeration(&mut schema, name, &mut dice);
        }
    }
    repair::repair(&mut schema);
    schema
}

/// The table of someone else.
pub(crate) fn users_name() -> QualifiedName {
    QualifiedName::new(EXTERNAL, "users")
}

pub(crate) fn users() -> External {
    External {
        source: "shop::User".into(),
        columns: vec![
            Column::new("id", Type::Uuid),
            Column::new("email", Type::Text),
        ],
        keys: vec![vec!["id".into()], vec!["email".into()]],
    }
}

/// The statements that make it, with its rows.
pub(crate) const USERS: &str = "
    create schema auth;
    create table auth.users (id uuid primary key, email text not null unique);
    insert into auth.users
      select ('00000000-0000-4000-8000-00000000000' || i)::uuid, 'v' || i from generate_series(1, 9) i;
";

/// Adds a table without its parts.
pub(crate) fn add_table(schema: &mut Schema, seed: &TableSeed) -> QualifiedName {
    let mut dice = Dice::new(seed.head);
    let namespace = match dice.one_in(3) {
        true => *dice.pick(&NAMESPACES),
        false => "public",
    };
    let name = names::table(schema, namespace, &mut dice);
    let mut table = Table::new(format!("shop::{}", name.name.replace(['"', ' '], "_")));
    table.columns.push(identifier(&mut dice));
    for seed in &seed.columns {
        let mut dice = Dice::new(*seed);
        let column = column(&table, &mut dice);
        table.columns.push(column);
    }
    if dice.one_in(4) {
        table.rls = Rls::Disabled("public facts".into());
    }
    if dice.one_in(4) {
        table.comment = Some("It's a \"table\"; -- with\ntwo lines.".into());
    }
    if dice.one_in(5) {
        partition(&name, &mut table, &mut dice);
    }
    if !dice.one_in(8) {
        let mut columns = vec![table.columns[0].name.clone()];
        if dice.one_in(5) {
            let keys = table.columns[1..].iter().filter(|c| operators::keys(&c.ty));
            let keys: Vec<String> = keys.map(|column| column.name.clone()).collect();
            columns.extend(dice.any(&keys));
        }
        schema.tables.insert(name.clone(), table.clone());
        table.primary_key = Some(PrimaryKey {
            name: names::object(schema, &name, &[], "pkey"),
            columns,
            deferrable: deferrable(&mut dice),
        });
    }
    schema.tables.insert(name.clone(), table);
    name
}

pub(crate) fn deferrable(dice: &mut Dice) -> Deferrable {
    match dice.below(8) {
        0 => Deferrable::Immediate,
        1 => Deferrable::Deferred,
        _ => Deferrable::Not,
    }
}

/// The first column.
fn identifier(dice: &mut Dice) -> Column {
    let numbered = [Type::Int4, Type::Int8, Type::Int2];
    let name = *dice.pick(&["id", "id", "Id", "key"]);
    let mut column = Column::new(name, dice.pick(&numbered).clone());
    match dice.below(6) {
        0 | 1 => column.generated = Some(Generated::Serial),
        2 => column.generated = Some(Generated::IdentityAlways),
        3 => column.generated = Some(Generated::IdentityByDefault),
        4 => {
            column.ty = Type::Uuid;
            column.default = Some("gen_random_uuid()".into());
        }
        _ => column.ty = types::random_key(dice),
    }
    column
}

/// A column that the table does not have.
pub(crate) fn column(table: &Table, dice: &mut Dice) -> Column {
    let name = names::column(table, dice);
    let ty = match dice.one_in(3) {
        true => types::random_key(dice),
        false => types::random(dice),
    };
    let mut column = Column::new(name, ty);
    column.nullable = dice.one_in(2);
    if dice.one_in(2) {
        column.default = dice.any(&types::defaults(&column.ty));
    }
    if dice.one_in(5) {
        column.comment = Some("What it's \\ for: ärger".into());
    }
    match dice.below(12) {
        0 => {
            let plain = table
                .columns
                .iter()
                .filter(|other| other.computed.is_none());
            if let Some(other) = dice.any(&plain.cloned().collect::<Vec<_>>()) {
                let (expr, ty) = exprs::computed(&other, dice);
                column.ty = ty;
                column.default = None;
                column.computed = Some(expr);
            }
        }
        1 => {
            column.ty = Type::Timestamptz(*dice.pick(&[None, Some(3)]));
            column.nullable = dice.one_in(2);
            column.updated_at = true;
        }
        2 | 3 if family(&column.ty) == Family::Text => {
            column.collation = Some((*dice.pick(&["\"C\"", "\"POSIX\""])).into());
        }
        4 => {
            column.ty = Type::Int8;
            column.generated = Some(*dice.pick(&[
                Generated::Serial,
                Generated::IdentityAlways,
                Generated::IdentityByDefault,
            ]));
        }
        _ => {}
    }
    column
}

/// Spreads the table over partitions by one of its columns, or by one made for it.
fn partition(name: &QualifiedName, table: &mut Table, dice: &mut Dice) {
    let ty = dice
        .pick(&[Type::Int4, Type::Date, Type::Text, Type::Timestamptz(None)])
        .clone();
    let column = names::column(table, dice);
    table.columns.push(Column::new(&column, ty.clone()));
    let strategy = *dice.pick(&[
        PartitionStrategy::Range,
        PartitionStrategy::List,
        PartitionStrategy::Hash,
    ]);
    let mut columns = vec![column];
    if strategy == PartitionStrategy::Range && dice.one_in(4) {
        let second = names::column(table, dice);
        table.columns.push(Column::new(&second, Type::Int4));
        columns.push(second);
    }
    let bounds = bounds(strategy, &ty, columns.len());
    for (index, bound) in bounds.into_iter().enumerate() {
        if !dice.one_in(4) || strategy == PartitionStrategy::Hash {
            let partition = partition_name(name, index);
            table.partitions.insert(partition, bound);
        }
    }
    table.partition_by = Some(PartitionBy { strategy, columns });
}

/// A partition's name, which says its place among the bounds.
pub(crate) fn partition_name(table: &QualifiedName, index: usize) -> String {
    tabellion_sql::ident::object_name(&table.name, "", &format!("P{index}"))
}

/// The bounds that a table of that key may have. Rows lie between the first two; a third and fourth are
/// for later.
pub(crate) fn bounds(strategy: PartitionStrategy, ty: &Type, columns: usize) -> Vec<Partition> {
    let quoted = |i: usize| format!("'{}'", types::literal(ty, i));
    let key = |i: usize| {
        let mut key = vec![quoted(i)];
        key.resize(columns, "minvalue".to_owned());
        key
    };
    let all = |word: &str| vec![word.to_owned(); columns];
    match strategy {
        PartitionStrategy::Range => vec![
            Partition::Range {
                from: key(1),
                to: key(3),
            },
            Partition::Range {
                from: all("minvalue"),
                to: key(1),
            },
            Partition::Default,
            Partition::Range {
                from: key(8),
                to: all("maxvalue"),
            },
            Partition::Range {
                from: key(7),
                to: key(8),
            },
        ],
        PartitionStrategy::List => vec![
            Partition::List(vec![quoted(1), quoted(2)]),
            Partition::List(vec![quoted(8), "null".into()]),
            Partition::Default,
            Partition::List(vec![quoted(9)]),
            Partition::List(vec![quoted(7)]),
        ],
        PartitionStrategy::Hash => (0..3)
            .map(|remainder| Partition::Hash {
                modulus: 3,
                remainder,
            })
            .collect(),
    }
}

/// The tables of a schema, in order.
pub(crate) fn tables(schema: &Schema) -> Vec<QualifiedName> {
    schema.tables.keys().cloned().collect()
}

/// The columns of a table that answer a question.
pub(crate) fn columns_that(table: &Table, is: impl Fn(&Column) -> bool) -> Vec<Column> {
    table
        .columns
        .iter()
        .filter(|column| is(column))
        .cloned()
        .collect()
}

/// The names of columns.
pub(crate) fn names_of(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

/// The columns that a partitioned table's unique keys must hold.
pub(crate) fn partition_key(table: &Table) -> BTreeSet<String> {
    let by = table.partition_by.iter();
    by.flat_map(|by| by.columns.iter().cloned()).collect()
}
