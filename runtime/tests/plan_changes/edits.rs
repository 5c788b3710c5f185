//! The changes, each with what it is called.

use std::collections::BTreeMap;

use tabellion_sql::schema::{
    Check, Column, Command, Expr, ForeignKey, Generated, Platform, PrimaryKey, ReferentialAction,
    Rls, Schema, Table, Type, Unique,
};

use crate::sample::{ROLE, column, index, name, notes, policy};

pub(crate) type Edit = fn(&mut Schema);

pub(crate) fn edits() -> Vec<(&'static str, Edit)> {
    fn table(schema: &mut Schema) -> &mut Table {
        schema
            .tables
            .get_mut(&name("public", "notes"))
            .expect("the table")
    }
    fn level(schema: &mut Schema) -> &mut Column {
        &mut table(schema).columns[2]
    }
    fn id(schema: &mut Schema) -> &mut Column {
        &mut table(schema).columns[0]
    }
    vec![
        ("drop the table", |s| s.tables.clear()),
        ("another table in another schema", |s| {
            let mut other = notes();
            other.source = "shop::Other".into();
            other.primary_key = Some(PrimaryKey {
                name: "other_pkey".into(),
                columns: vec!["id".into()],
                ..PrimaryKey::default()
            });
            other.checks.clear();
            other.indexes.clear();
            s.tables.insert(name("Other Schema", "select"), other);
        }),
        ("two tables that reference each other", |s| {
            for (own, other) in [("a", "b"), ("b", "a")] {
                let mut table = notes();
                table.source = format!("shop::{own}");
                table.primary_key = Some(PrimaryKey {
                    name: format!("{own}_pkey"),
                    columns: vec!["id".into()],
                    ..PrimaryKey::default()
                });
                table.checks.clear();
                table.indexes.clear();
                table.foreign_keys.insert(
                    format!("{own}_fkey"),
                    ForeignKey {
                        on_delete: ReferentialAction::Cascade,
                        ..ForeignKey::new(["level"], name("public", other), ["id"])
                    },
                );
                s.tables.insert(name("public", own), table);
            }
        }),
        ("a foreign key to itself", |s| {
            table(s).foreign_keys.insert(
                "notes_level_fkey".into(),
                ForeignKey::new(["level"], name("public", "notes"), ["id"]),
            );
        }),
        ("a key that another table rests on moves", |s| {
            // From `level -> id` to `(shop, level) -> (shop, id)`, over a new unique constraint.
            let table = table(s);
            table.uniques.insert(
                "notes_shop_id_key".into(),
                Unique {
                    columns: vec!["shop".into(), "id".into()],
                    ..Unique::default()
                },
            );
            table.foreign_keys.insert(
                "notes_parent_fkey".into(),
                ForeignKey::new(["shop", "level"], name("public", "notes"), ["shop", "id"]),
            );
        }),
        (
            "a child of an earlier name, whose parent's key changes",
            |s| {
                let mut child = notes();
                child.source = "shop::Child".into();
                child.primary_key = None;
                child.checks.clear();
                child.indexes.clear();
                child.foreign_keys.insert(
                    "a_child_fkey".into(),
                    ForeignKey::new(["shop", "level"], name("public", "notes"), ["shop", "id"]),
                );
                s.tables.insert(name("public", "a_child"), child);
                table(s).primary_key = Some(PrimaryKey {
                    name: "notes_pkey".into(),
                    columns: vec!["shop".into(), "id".into()],
                    ..PrimaryKey::default()
                });
            },
        ),
        ("a policy that reads a later table", |s| {
            let mut member = notes();
            member.source = "shop::Member".into();
            member.primary_key = None;
            member.checks.clear();
            member.indexes.clear();
            s.tables.insert(name("public", "z_member"), member);
            if let Rls::Enabled(policies) = &mut table(s).rls {
                let mut see = policy(
                    Some(Command::Select),
                    "exists (select 1 from z_member m where m.shop = notes.shop)",
                    &["shop"],
                );
                if let Some(using) = &mut see.using {
                    using.tables.insert("z_member".parse().expect("a table"));
                }
                policies.insert("see".into(), see);
            }
        }),
        ("a wider serial", |s| id(s).ty = Type::Int8),
        ("another platform", |s| s.platform = Platform::Supabase),
        ("add columns", |s| {
            let mut at = column("at", Type::Timestamptz(None));
            at.default = Some("now()".into());
            let mut number = column("number", Type::Int8);
            number.generated = Some(Generated::IdentityAlways);
            let mut serial = column("serial", Type::Int8);
            serial.generated = Some(Generated::Serial);
            table(s).columns.extend([at, number, serial]);
        }),
        (
            "drop a column that a policy, an index and a check read",
            |s| {
                let table = table(s);
                table.columns.retain(|column| column.name != "level");
                table.indexes.clear();
                table.checks.clear();
                if let Rls::Enabled(policies) = &mut table.rls {
                    policies.insert(
                        "see".into(),
                        policy(Some(Command::Select), "shop <> 'x'", &["shop"]),
                    );
                }
            },
        ),
        (
            "a wider type under a policy, an index, a check and a default",
            |s| level(s).ty = Type::Int8,
        ),
        ("another type with another default", |s| {
            let level = level(s);
            level.ty = Type::Numeric(Some((6, 2)));
            level.default = Some("2.5".into());
        }),
        ("no default", |s| level(s).default = None),
        ("nullable", |s| level(s).nullable = true),
        ("serial to identity", |s| {
            id(s).generated = Some(Generated::IdentityByDefault)
        }),
        ("serial to plain", |s| id(s).generated = None),
        ("another primary key", |s| {
            table(s).primary_key = Some(PrimaryKey {
                name: "notes_pkey".into(),
                columns: vec!["shop".into(), "id".into()],
                ..PrimaryKey::default()
            });
        }),
        ("no primary key", |s| table(s).primary_key = None),
        ("a unique constraint", |s| {
            table(s).uniques.insert(
                "notes_shop_key".into(),
                Unique {
                    columns: vec!["shop".into(), "level".into()],
                    ..Unique::default()
                },
            );
        }),
        ("another check", |s| {
            table(s).checks.insert(
                "notes_level_check".into(),
                Check::new(Expr::new("level > -5", ["level"])),
            );
        }),
        ("another index", |s| {
            let mut partial = index(&["shop"]);
            partial.columns[0].descending = true;
            partial.unique = true;
            partial.predicate = Some(Expr::new("body is null", ["body"]));
            table(s).indexes = BTreeMap::from([("notes_body_idx".into(), partial)]);
        }),
        ("another policy", |s| {
            if let Rls::Enabled(policies) = &mut table(s).rls {
                policies.insert(
                    "see".into(),
                    policy(Some(Command::Select), "level = 1", &["level"]),
                );
            }
        }),
        ("one policy for all", |s| {
            let table = table(s);
            table.rls = Rls::Enabled(BTreeMap::from([(
                "all".into(),
                policy(None, "shop <> ''", &["shop"]),
            )]));
            table.grants = BTreeMap::from([(ROLE.into(), Command::ALL.into())]);
        }),
        ("nobody", |s| {
            let table = table(s);
            table.rls = Rls::Enabled(BTreeMap::new());
            table.grants.clear();
        }),
        ("no row-level security", |s| {
            table(s).rls = Rls::Disabled("public facts".into())
        }),
        ("another comment", |s| {
            let table = table(s);
            table.comment = None;
            table.columns[1].comment = Some("Whose it is.".into());
        }),
    ]
}
