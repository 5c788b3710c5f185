//! The schema that is changed, and how its parts are made.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::schema::{
    Check, Column, Command, Expr, Generated, Index, IndexColumn, Policy, PrimaryKey, QualifiedName,
    Rls, Role, Schema, Table, Type,
};

pub(crate) const ROLE: &str = "plan_changes_app";

pub(crate) fn column(name: &str, ty: Type) -> Column {
    Column::new(name, ty)
}

pub(crate) fn policy(command: Option<Command>, sql: &str, columns: &[&str]) -> Policy {
    let expr = Some(Expr::new(sql, columns.iter().copied()));
    Policy {
        command,
        restrictive: false,
        roles: BTreeSet::from([ROLE.to_owned()]),
        using: expr.clone().filter(|_| command != Some(Command::Insert)),
        check: expr.filter(|_| !matches!(command, Some(Command::Select | Command::Delete))),
    }
}

pub(crate) fn index(columns: &[&str]) -> Index {
    Index::new(columns.iter().map(|name| IndexColumn::new(*name)))
}

pub(crate) fn notes() -> Table {
    let mut id = column("id", Type::Int4);
    id.generated = Some(Generated::Serial);
    let mut level = column("level", Type::Int4);
    level.default = Some("1".into());
    let mut body = column("body", Type::Text);
    body.nullable = true;
    Table {
        comment: Some("It's a note.".into()),
        columns: vec![id, column("shop", Type::Text), level, body],
        primary_key: Some(PrimaryKey {
            name: "notes_pkey".into(),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        checks: BTreeMap::from([(
            "notes_level_check".into(),
            Check::new(Expr::new("level > 0", ["level"])),
        )]),
        indexes: BTreeMap::from([("notes_shop_idx".into(), index(&["shop", "level"]))]),
        rls: Rls::Enabled(BTreeMap::from([
            (
                "see".into(),
                policy(
                    Some(Command::Select),
                    "shop = current_setting('app.shop', true) and level < 9",
                    &["shop", "level"],
                ),
            ),
            (
                "add".into(),
                policy(Some(Command::Insert), "shop <> ''", &["shop"]),
            ),
        ])),
        grants: BTreeMap::from([(
            ROLE.into(),
            BTreeSet::from([Command::Select, Command::Insert]),
        )]),
        ..Table::new("shop::Note")
    }
}

pub(crate) fn name(schema: &str, name: &str) -> QualifiedName {
    QualifiedName::new(schema, name)
}

pub(crate) fn schema() -> Schema {
    Schema {
        roles: BTreeMap::from([(ROLE.into(), Role::Created)]),
        tables: BTreeMap::from([(name("public", "notes"), notes())]),
        ..Schema::default()
    }
}
