//! Every change that a plan knows: from A to B gives what B gives from nothing, the way back gives A
//! again, and so does the way forth once more. On a server, with a row in the table.

use std::collections::{BTreeMap, BTreeSet};

use tabellion::catalog::Snapshot;
use tabellion::testing::Server;
use tabellion_sql::plan::plan;
use tabellion_sql::schema::{
    Check, Column, Command, Expr, ForeignKey, Generated, Index, IndexColumn, Platform, Policy,
    PrimaryKey, QualifiedName, ReferentialAction, Rls, Role, Schema, Table, Type, Unique,
};

const ROLE: &str = "plan_changes_app";

fn column(name: &str, ty: Type) -> Column {
    Column {
        name: name.into(),
        ty,
        nullable: false,
        default: None,
        generated: None,
        comment: None,
    }
}

fn policy(command: Option<Command>, sql: &str, columns: &[&str]) -> Policy {
    let expr = Some(Expr::new(sql, columns.iter().copied()));
    Policy {
        command,
        roles: BTreeSet::from([ROLE.to_owned()]),
        using: expr.clone().filter(|_| command != Some(Command::Insert)),
        check: expr.filter(|_| !matches!(command, Some(Command::Select | Command::Delete))),
    }
}

fn index(columns: &[&str]) -> Index {
    Index {
        columns: columns
            .iter()
            .map(|name| IndexColumn {
                name: (*name).into(),
                descending: false,
            })
            .collect(),
        unique: false,
        predicate: None,
    }
}

fn notes() -> Table {
    let mut id = column("id", Type::Int4);
    id.generated = Some(Generated::Serial);
    let mut level = column("level", Type::Int4);
    level.default = Some("1".into());
    let mut body = column("body", Type::Text);
    body.nullable = true;
    Table {
        source: "shop::Note".into(),
        comment: Some("It's a note.".into()),
        columns: vec![id, column("shop", Type::Text), level, body],
        primary_key: Some(PrimaryKey {
            name: "notes_pkey".into(),
            columns: vec!["id".into()],
        }),
        uniques: BTreeMap::new(),
        foreign_keys: BTreeMap::new(),
        checks: BTreeMap::from([(
            "notes_level_check".into(),
            Check {
                expr: Expr::new("level > 0", ["level"]),
            },
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
    }
}

fn name(schema: &str, name: &str) -> QualifiedName {
    QualifiedName::new(schema, name)
}

fn schema() -> Schema {
    Schema {
        roles: BTreeMap::from([(ROLE.into(), Role::Created)]),
        tables: BTreeMap::from([(name("public", "notes"), notes())]),
        ..Schema::default()
    }
}

type Edit = fn(&mut Schema);

fn edits() -> Vec<(&'static str, Edit)> {
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
                });
                table.checks.clear();
                table.indexes.clear();
                table.foreign_keys.insert(
                    format!("{own}_fkey"),
                    ForeignKey {
                        columns: vec!["level".into()],
                        table: name("public", other),
                        references: vec!["id".into()],
                        on_delete: ReferentialAction::Cascade,
                    },
                );
                s.tables.insert(name("public", own), table);
            }
        }),
        ("a foreign key to itself", |s| {
            table(s).foreign_keys.insert(
                "notes_level_fkey".into(),
                ForeignKey {
                    columns: vec!["level".into()],
                    table: name("public", "notes"),
                    references: vec!["id".into()],
                    on_delete: ReferentialAction::NoAction,
                },
            );
        }),
        ("a key that another table rests on moves", |s| {
            // From `level -> id` to `(shop, level) -> (shop, id)`, over a new unique constraint.
            let table = table(s);
            table.uniques.insert(
                "notes_shop_id_key".into(),
                Unique {
                    columns: vec!["shop".into(), "id".into()],
                },
            );
            table.foreign_keys.insert(
                "notes_parent_fkey".into(),
                ForeignKey {
                    columns: vec!["shop".into(), "level".into()],
                    table: name("public", "notes"),
                    references: vec!["shop".into(), "id".into()],
                    on_delete: ReferentialAction::NoAction,
                },
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
                    ForeignKey {
                        columns: vec!["shop".into(), "level".into()],
                        table: name("public", "notes"),
                        references: vec!["shop".into(), "id".into()],
                        on_delete: ReferentialAction::NoAction,
                    },
                );
                s.tables.insert(name("public", "a_child"), child);
                table(s).primary_key = Some(PrimaryKey {
                    name: "notes_pkey".into(),
                    columns: vec!["shop".into(), "id".into()],
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
                    using.tables.insert("z_member".into());
                }
                policies.insert("see".into(), see);
            }
        }),
        ("a wider serial", |s| id(s).ty = Type::Int8),
        ("another platform", |s| s.platform = Platform::Supabase),
        ("add columns", |s| {
            let mut at = column("at", Type::Timestamptz);
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
            });
        }),
        ("no primary key", |s| table(s).primary_key = None),
        ("a unique constraint", |s| {
            table(s).uniques.insert(
                "notes_shop_key".into(),
                Unique {
                    columns: vec!["shop".into(), "level".into()],
                },
            );
        }),
        ("another check", |s| {
            table(s).checks.insert(
                "notes_level_check".into(),
                Check {
                    expr: Expr::new("level > -5", ["level"]),
                },
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

/// The roles of Supabase, and the privileges that it gives them on whatever is made.
const SUPABASE: &str = "
    do $$ declare r text; begin
      foreach r in array array['anon', 'authenticated'] loop
        begin
          execute format('create role %I nologin', r);
        exception when duplicate_object or unique_violation then null;
        end;
      end loop;
    end $$;
    alter default privileges in schema public grant all on tables to anon, authenticated;
    alter default privileges in schema public grant all on sequences to anon, authenticated;
";

#[tokio::test]
async fn supabases_roles_keep_nothing_but_what_policies_use() {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    client.batch_execute(SUPABASE).await.expect("the roles");
    let plain = schema();
    let mut supabase = schema();
    supabase.platform = Platform::Supabase;
    let mut more = supabase.clone();
    let table = more
        .tables
        .get_mut(&name("public", "notes"))
        .expect("the table");
    for (column_name, generated) in [
        ("number", Generated::IdentityAlways),
        ("serial", Generated::Serial),
    ] {
        let mut new = column(column_name, Type::Int8);
        new.generated = Some(generated);
        table.columns.push(new);
    }
    run(&client, "plain", &Schema::default(), &plain).await;
    run(&client, "to Supabase", &plain, &supabase).await;
    run(&client, "more columns", &supabase, &more).await;
    let held = client
        .query(
            "select c.relname::text, r.rolname::text from pg_class c, pg_roles r
             where c.relnamespace = 'public'::regnamespace and r.rolname in ('anon', 'authenticated')
               and (c.relkind = 'r' and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
                 or c.relkind = 'S' and has_sequence_privilege(r.oid, c.oid, 'usage, select, update'))",
            &[],
        )
        .await
        .expect("the privileges");
    let held: Vec<(String, String)> = held.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(held.is_empty(), "{held:?}");
}

#[tokio::test]
async fn a_foreign_key_is_checked_though_its_owner_sees_no_row() {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let owner = database.create_login("owner", &[]).await.expect("a login");
    let admin = connect(database.url()).await;
    let login = owner
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split(':').next())
        .expect("a user");
    admin
        .batch_execute(&format!(
            "grant create on schema public to \"{login}\"; {}",
            role()
        ))
        .await
        .expect("the rights");
    let client = connect(&owner).await;
    let before = schema();
    run(
        &client,
        "before",
        &Schema::default(),
        &Schema {
            roles: BTreeMap::new(),
            ..before.clone()
        },
    )
    .await;
    admin
        .batch_execute("insert into public.notes (shop, level) values ('acme', 77)")
        .await
        .expect("a row without a parent");
    let mut after = before.clone();
    after
        .tables
        .get_mut(&name("public", "notes"))
        .expect("the table")
        .foreign_keys
        .insert(
            "notes_level_fkey".into(),
            ForeignKey {
                columns: vec!["level".into()],
                table: name("public", "notes"),
                references: vec!["id".into()],
                on_delete: ReferentialAction::NoAction,
            },
        );
    let body = plan(&before, &after).body();
    let refused = client
        .batch_execute(&format!("begin;\n{body}\ncommit;"))
        .await;
    let error = refused.expect_err("the row has no parent");
    let code = error
        .as_db_error()
        .map(|error| error.code().code().to_owned());
    assert_eq!(code.as_deref(), Some("23503"), "{error}");
}

/// The role of the policies, which the owner cannot make.
fn role() -> String {
    let mut schema = schema();
    schema.tables.clear();
    plan(&Schema::default(), &schema).body()
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

async fn run(client: &tokio_postgres::Client, what: &str, from: &Schema, to: &Schema) {
    let body = plan(from, to).body();
    let result = client
        .batch_execute(&format!("begin;\n{body}\ncommit;"))
        .await;
    if let Err(error) = result {
        panic!(
            "{what}: {:?}\n{body}",
            error.as_db_error().map(|error| error.message())
        );
    }
}

async fn snapshot(client: &tokio_postgres::Client) -> Snapshot {
    Snapshot::read(client, ["public", "Other Schema"])
        .await
        .expect("a snapshot")
}

#[tokio::test]
async fn forth_and_back_and_forth() {
    let server = Server::shared().expect("a server");
    let empty = Schema::default();
    let before = schema();
    let mut failures = Vec::new();
    for (what, edit) in edits() {
        let mut after = schema();
        edit(&mut after);
        let fresh = server.database().await.expect("a database");
        let fresh = connect(fresh.url()).await;
        run(&fresh, what, &empty, &after).await;
        let wanted = snapshot(&fresh).await;

        let database = server.database().await.expect("a database");
        let client = connect(database.url()).await;
        run(&client, what, &empty, &before).await;
        let row = "insert into public.notes (shop, body) values ('acme', 'kept')";
        client.batch_execute(row).await.expect("a row");
        let start = snapshot(&client).await;
        run(&client, what, &before, &after).await;
        let up = snapshot(&client).await;
        run(&client, what, &after, &before).await;
        let down = snapshot(&client).await;
        run(&client, what, &before, &after).await;
        let again = snapshot(&client).await;
        for (step, wanted, found) in [
            ("up", &wanted, &up),
            ("down", &start, &down),
            ("again", &wanted, &again),
        ] {
            let findings = wanted.diff(found);
            if !findings.is_empty() {
                failures.push(format!("{what}, {step}: {findings:?}"));
            }
        }
        if after.tables.contains_key(&name("public", "notes")) {
            let kept = client
                .query_one("select shop from public.notes where body = 'kept'", &[])
                .await;
            if what != "drop the table" && kept.is_err() {
                failures.push(format!("{what}: the row is gone"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_plan_of_equals_is_empty_and_two_renderings_are_one() {
    let (empty, before) = (Schema::default(), schema());
    assert!(plan(&before, &before).is_empty());
    for (_, edit) in edits() {
        let mut after = schema();
        edit(&mut after);
        assert_eq!(plan(&before, &after).body(), plan(&before, &after).body());
    }
    let lost = plan(&before, &empty).losses;
    assert_eq!(lost, ["drops table `public.notes`"]);
}
