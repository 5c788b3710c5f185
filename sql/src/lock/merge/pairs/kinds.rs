//! The kinds of facts, each with two neighbours and what becomes of them.

use super::super::*;
use crate::schema::{
    Check, Column, Command, Deferrable, Exclusion, ExclusionElement, Expr, Extension, External,
    ForeignKey, Generated, Index, IndexColumn, Partition, PartitionBy, PartitionStrategy, Policy,
    PrimaryKey, QualifiedName, ReferentialAction, Rls, Role, Table, Type, Unique,
};

/// A kind of fact: brings the first or the second of two neighbours into a state. A neighbour that is not
/// there has state 0, else it is the one or the other.
pub(super) type Kind = (&'static str, fn(&mut Schema, usize, usize));

/// The first name is one that the facts themselves use.
const NAMES: [&str; 2] = ["position", "other"];

fn orders() -> QualifiedName {
    QualifiedName::new("public", "order")
}

fn table(schema: &mut Schema) -> &mut Table {
    schema.tables.get_mut(&orders()).unwrap()
}

fn column(schema: &mut Schema, neighbour: usize) -> &mut Column {
    &mut table(schema).columns[1 + neighbour]
}

fn expr(state: usize) -> Expr {
    match state {
        1 => Expr::new("a > 1", ["a"]),
        _ => Expr::new("true", [""; 0]),
    }
}

fn policies(schema: &mut Schema) -> &mut BTreeMap<String, Policy> {
    match &mut table(schema).rls {
        Rls::Enabled(policies) => policies,
        Rls::Disabled(_) => panic!("no policies"),
    }
}

fn put<T>(map: &mut BTreeMap<String, T>, neighbour: usize, state: usize, value: T) {
    match state {
        0 => map.remove(NAMES[neighbour]),
        _ => map.insert(NAMES[neighbour].into(), value),
    };
}

fn some<T>(state: usize, values: [T; 2]) -> Option<T> {
    let mut values = values.into_iter();
    state.checked_sub(1).and_then(|index| values.nth(index))
}

pub(super) const KINDS: &[Kind] = &[
    ("policy", |schema, neighbour, state| {
        let policy = Policy {
            command: Some(Command::Select),
            restrictive: state == 2,
            roles: BTreeSet::from(["app".into()]),
            using: Some(expr(state)),
            check: None,
        };
        put(policies(schema), neighbour, state, policy);
    }),
    ("predicates", |schema, neighbour, state| {
        let policy = policies(schema).get_mut("base").unwrap();
        let predicate = [&mut policy.using, &mut policy.check];
        *predicate[neighbour] = some(state, [expr(1), expr(2)]);
    }),
    ("role", |schema, neighbour, state| {
        let role = [Role::Created, Role::External][state / 2];
        put(&mut schema.roles, neighbour, state, role);
    }),
    ("extension", |schema, neighbour, state| {
        let extension = Extension {
            schema: (state == 2).then(|| "extensions".into()),
        };
        put(&mut schema.extensions, neighbour, state, extension);
    }),
    ("grants", |schema, neighbour, state| {
        let commands = [Command::Insert, Command::Delete];
        let commands = commands[..state].iter().copied().collect();
        put(&mut table(schema).grants, neighbour, state, commands);
    }),
    ("column grants", |schema, neighbour, state| {
        let role = table(schema).column_grants.entry("app".into());
        let commands = role.or_default();
        let command = [Command::Insert, Command::Update][neighbour];
        match some(state, ["a", "b"]) {
            Some(column) => commands.insert(command, BTreeSet::from([column.into()])),
            None => commands.remove(&command),
        };
        if commands.is_empty() {
            table(schema).column_grants.clear();
        }
    }),
    ("column", |schema, neighbour, state| {
        let columns = &mut table(schema).columns;
        columns.retain(|column| column.name != NAMES[neighbour]);
        if let Some(ty) = some(state, [Type::Int4, Type::Int8]) {
            columns.push(Column::new(NAMES[neighbour], ty));
        }
    }),
    ("comment", |schema, neighbour, state| {
        let comment = some(state, ["One.", "Two."].map(str::to_owned));
        match neighbour {
            0 => table(schema).comment = comment,
            _ => column(schema, 0).comment = comment,
        }
    }),
    ("default", |schema, neighbour, state| {
        column(schema, neighbour).default = some(state, ["1", "2"].map(str::to_owned));
    }),
    ("numbering", |schema, neighbour, state| {
        let ways = [Generated::Serial, Generated::IdentityAlways];
        column(schema, neighbour).generated = some(state, ways);
    }),
    ("computed", |schema, neighbour, state| {
        column(schema, neighbour).computed = some(state, [expr(1), expr(2)]);
    }),
    ("collation", |schema, neighbour, state| {
        column(schema, neighbour).collation = some(state, ["\"C\"", "\"x\""].map(str::to_owned));
    }),
    ("primary key", |schema, _, state| {
        let of = |columns: &[&str]| PrimaryKey {
            name: "order_pkey".into(),
            columns: columns.iter().map(|it| (*it).to_owned()).collect(),
            ..PrimaryKey::default()
        };
        table(schema).primary_key = some(state, [of(&["a"]), of(&["b"])]);
    }),
    ("unique", |schema, neighbour, state| {
        let unique = Unique {
            columns: vec!["a".into()],
            nulls_not_distinct: state == 2,
            deferrable: Deferrable::Not,
        };
        put(&mut table(schema).uniques, neighbour, state, unique);
    }),
    ("when it is checked", |schema, neighbour, state| {
        let unique = table(schema).uniques.get_mut("base").unwrap();
        let ways = [Deferrable::Immediate, Deferrable::Deferred];
        match neighbour {
            0 => unique.deferrable = some(state, ways).unwrap_or_default(),
            _ => unique.nulls_not_distinct = state > 0,
        }
    }),
    ("foreign key", |schema, neighbour, state| {
        let mut key = ForeignKey::new(["a"], orders(), ["a"]);
        if state == 2 {
            key.on_delete = ReferentialAction::Cascade;
        }
        put(&mut table(schema).foreign_keys, neighbour, state, key);
    }),
    ("action", |schema, neighbour, state| {
        let key = table(schema).foreign_keys.get_mut("base").unwrap();
        let actions = [ReferentialAction::Cascade, ReferentialAction::SetNull];
        let action = some(state, actions).unwrap_or_default();
        match neighbour {
            0 => key.on_delete = action,
            _ => key.on_update = action,
        }
    }),
    ("check", |schema, neighbour, state| {
        let check = Check::new(expr(state));
        put(&mut table(schema).checks, neighbour, state, check);
    }),
    ("exclusion", |schema, neighbour, state| {
        let exclusion = Exclusion {
            method: "gist".into(),
            elements: vec![ExclusionElement {
                column: IndexColumn::new("a"),
                operator: "&&".into(),
            }],
            predicate: (state == 2).then(|| expr(1)),
            deferrable: Deferrable::Not,
        };
        put(&mut table(schema).exclusions, neighbour, state, exclusion);
    }),
    ("index", |schema, neighbour, state| {
        let column = ["a", "b"][state / 2];
        let index = Index::new([IndexColumn::new(column)]);
        put(&mut table(schema).indexes, neighbour, state, index);
    }),
    ("storage parameter", |schema, neighbour, state| {
        let index = table(schema).indexes.get_mut("columns").unwrap();
        put(&mut index.with, neighbour, state, state.to_string());
    }),
    ("predicate", |schema, _, state| {
        let index = table(schema).indexes.get_mut("columns").unwrap();
        index.predicate = some(state, [expr(1), expr(2)]);
    }),
    ("how it is partitioned", |schema, _, state| {
        let by = |strategy| PartitionBy {
            strategy,
            columns: vec!["a".into()],
        };
        let ways = [PartitionStrategy::List, PartitionStrategy::Hash].map(by);
        table(schema).partition_by = some(state, ways);
    }),
    ("partition", |schema, neighbour, state| {
        let partition = match state {
            1 => Partition::List(vec!["1".into()]),
            _ => Partition::Default,
        };
        put(&mut table(schema).partitions, neighbour, state, partition);
    }),
    ("row-level security", |schema, neighbour, state| {
        let rls = &mut table(schema).rls;
        match (neighbour, state) {
            (0, 0) => *rls = Rls::Enabled(BTreeMap::new()),
            (0, _) => *rls = Rls::Disabled(state.to_string()),
            _ => {
                if let (Rls::Enabled(policies), 1..) = (rls, state) {
                    let policy = Policy {
                        command: None,
                        restrictive: state == 2,
                        roles: BTreeSet::from(["app".into()]),
                        using: Some(expr(1)),
                        check: None,
                    };
                    put(policies, neighbour, state, policy);
                }
            }
        }
    }),
    ("table", |schema, neighbour, state| {
        let name = QualifiedName::new("public", NAMES[neighbour]);
        schema.tables.remove(&name);
        if state > 0 {
            let mut table = Table::new(["shop::A", "shop::B"][state / 2]);
            table.columns.push(Column::new("id", Type::Int8));
            schema.tables.insert(name, table);
        }
    }),
    ("external table", |schema, neighbour, state| {
        let name = QualifiedName::new("auth", NAMES[neighbour]);
        schema.externals.remove(&name);
        if state > 0 {
            let external = External {
                source: ["auth::A", "auth::B"][state / 2].into(),
                columns: vec![Column::new("id", Type::Uuid)],
                keys: Vec::new(),
            };
            schema.externals.insert(name, external);
        }
    }),
    ("external column", |schema, neighbour, state| {
        let users = QualifiedName::new("auth", "users");
        let users = schema.externals.get_mut(&users).unwrap();
        users.columns.retain(|it| it.name != NAMES[neighbour]);
        if let Some(ty) = some(state, [Type::Int4, Type::Int8]) {
            users.columns.push(Column::new(NAMES[neighbour], ty));
        }
    }),
    ("external schema", |schema, neighbour, state| {
        schema.external_schemas.remove(NAMES[neighbour]);
        if state > 0 {
            schema.external_schemas.insert(NAMES[neighbour].into());
        }
    }),
];

/// What holds the neighbours, without them.
fn around(kind: &str) -> Schema {
    let mut table = Table::new("shop::Order");
    for column in ["id", "a", "b"] {
        table.columns.push(Column::new(column, Type::Text));
    }
    let base = || "base".to_owned();
    match kind {
        "predicates" => {
            let policy = Policy {
                command: None,
                restrictive: false,
                roles: BTreeSet::from(["app".into()]),
                using: None,
                check: None,
            };
            table.rls = Rls::Enabled(BTreeMap::from([(base(), policy)]));
        }
        "when it is checked" => {
            let unique = Unique {
                columns: vec!["a".into()],
                ..Unique::default()
            };
            table.uniques.insert(base(), unique);
        }
        "action" => {
            let key = ForeignKey::new(["a"], orders(), ["a"]);
            table.foreign_keys.insert(base(), key);
        }
        "storage parameter" | "predicate" => {
            let index = Index::new([IndexColumn::new("a")]);
            table.indexes.insert("columns".into(), index);
        }
        _ => {}
    }
    let mut schema = Schema::default();
    if kind == "external column" {
        let users = External {
            source: "auth::User".into(),
            columns: Vec::new(),
            keys: Vec::new(),
        };
        let name = QualifiedName::new("auth", "users");
        schema.externals.insert(name, users);
    }
    if kind != "table" {
        schema.tables.insert(orders(), table);
    }
    schema
}

pub(super) fn of((kind, bring): &Kind, states: [usize; 2]) -> Schema {
    let mut schema = around(kind);
    for (neighbour, state) in states.into_iter().enumerate() {
        bring(&mut schema, neighbour, state);
    }
    schema
}
