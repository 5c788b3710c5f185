//! What a change must not let go of: where a numbering was, the operators of an extension, the time in
//! UTC, two values of a key that a type tells apart.

use std::collections::BTreeMap;

use tabellion::catalog::read_schema;
use tabellion::testing::{Server, TestDatabase};
use tabellion_sql::plan::{Script, Settings, migrations, plan};
use tabellion_sql::schema::{
    Check, Expr, Extension, Generated, Index, IndexColumn, PrimaryKey, Renames, Schema, Table,
    Type, Unique,
};
use tokio_postgres::Client;

use super::sample::{column, name};
use super::{connect, follow};

fn schema(table: Table) -> Schema {
    Schema {
        tables: BTreeMap::from([(name("public", "things"), table)]),
        ..Schema::default()
    }
}

async fn database() -> (TestDatabase, Client) {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    (database, client)
}

/// Applies what separates two schemas.
async fn change(client: &Client, from: &Schema, to: &Schema) {
    let pairs = migrations(from, to, &Renames::default(), &Settings::default());
    let pairs = pairs.expect("no question").into_iter();
    let scripts: Vec<Script> = pairs.map(|pair| pair.up).collect();
    follow(client, &scripts).await.expect("the change");
}

fn hazards(from: &Schema, to: &Schema) -> Vec<String> {
    let hazards = plan(from, to).hazards();
    hazards.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_numbering_goes_on_where_it_was() {
    let (_database, client) = database().await;
    let things = |generated| {
        let mut id = column("id", Type::Int8);
        id.generated = Some(generated);
        schema(Table {
            columns: vec![id, column("body", Type::Text)],
            ..Table::new("shop::Thing")
        })
    };
    let kinds = [
        Generated::Serial,
        Generated::IdentityAlways,
        Generated::IdentityByDefault,
        Generated::Serial,
        Generated::IdentityByDefault,
    ];
    let mut before = Schema::default();
    for (place, kind) in (1..).zip(kinds) {
        let after = things(kind);
        change(&client, &before, &after).await;
        // The highest number is gone from the table, and was given out all the same.
        let row = "insert into public.things (body) values ('x') returning id";
        let row = client.query_one(row, &[]).await.expect("a row");
        assert_eq!(row.get::<_, i64>(0), place, "{kind:?}");
        let delete = client.batch_execute("delete from public.things").await;
        delete.expect("no rows");
        before = after;
    }
    let sequences = "select relname::text from pg_class where relkind = 'S' order by 1";
    let sequences = client.query(sequences, &[]).await.expect("the sequences");
    let names: Vec<String> = sequences.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, ["things_id_seq"]);
}

#[tokio::test]
async fn an_extension_in_a_schema_of_its_own_needs_no_search_path() {
    let (_database, client) = database().await;
    let things = |ty: Type| {
        let mut schema = schema(Table {
            columns: vec![
                column("email", ty),
                column("tags", Type::Array(Box::new(Type::Named("citext".into())))),
            ],
            checks: BTreeMap::from([(
                "things_email_check".into(),
                Check::new(Expr::new("email <> 'root'", ["email"])),
            )]),
            indexes: BTreeMap::from([(
                "things_email".into(),
                Index {
                    method: "gin".into(),
                    ..Index::new([IndexColumn {
                        opclass: Some("gin_trgm_ops".into()),
                        ..IndexColumn::new("email")
                    }])
                },
            )]),
            ..Table::new("public.things")
        });
        let home = |home: &str| Extension {
            schema: Some(home.into()),
        };
        schema.extensions = BTreeMap::from([
            ("citext".into(), home("extensions")),
            ("pg_trgm".into(), home("It's Ext")),
        ]);
        schema
    };
    let citext = Type::Named("citext".into());
    let mut before = Schema::default();
    // There and back, on a table that exists too.
    for ty in [citext.clone(), Type::Text, citext] {
        let after = things(ty);
        change(&client, &before, &after).await;
        before = after;
    }
    let path = client.query_one("show search_path", &[]).await;
    assert_eq!(
        path.expect("the path").get::<_, String>(0),
        "\"$user\", public"
    );
    let read = read_schema(&client, ["public"]).await.expect("a schema");
    assert_eq!(read.unsupported, [""; 0]);
    let (read_table, own) = (&read.schema.tables, &before.tables);
    let (found, wanted) = (
        &read_table[&name("public", "things")],
        &own[&name("public", "things")],
    );
    assert_eq!(found.columns, wanted.columns);
    assert_eq!(found.indexes, wanted.indexes);
    assert_eq!(read.schema.extensions, before.extensions);
    // The operator of the extension, which does not tell case apart.
    let refused = client.batch_execute("insert into public.things values ('ROOT', '{}')");
    let error = refused.await.expect_err("it is the same");
    let constraint = error.as_db_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("things_email_check"));
}

#[tokio::test]
async fn updated_at_without_time_zone_is_in_utc() {
    let (_database, client) = database().await;
    let things = |types: &[Type]| {
        let tables = types.iter().enumerate().map(|(number, ty)| {
            let mut at = column("updated_at", ty.clone());
            at.updated_at = true;
            at.nullable = true;
            let table = Table {
                columns: vec![column("body", Type::Text), at],
                ..Table::new("shop::Thing")
            };
            (name("public", &format!("things{number}")), table)
        });
        Schema {
            tables: tables.collect(),
            ..Schema::default()
        }
    };
    let (zoned, plain) = (Type::Timestamptz(None), Type::Timestamp(None));
    let mut before = Schema::default();
    // The function serves both, and is made for either first.
    for types in [
        vec![zoned.clone()],
        vec![zoned.clone(), plain.clone()],
        vec![zoned.clone()],
        vec![plain.clone()],
        vec![plain, zoned],
    ] {
        let after = things(&types);
        change(&client, &before, &after).await;
        for number in 0..types.len() {
            let table = format!("public.things{number}");
            client
                .batch_execute(&format!(
                    "set timezone = 'Asia/Tokyo'; insert into {table} (body) values ('x');
                     update {table} set body = 'y'; reset timezone"
                ))
                .await
                .expect("an update");
            let near = format!(
                "set timezone = 'UTC';
                 select abs(extract(epoch from updated_at::timestamptz - now())) < 60 from {table}"
            );
            let rows = client.simple_query(&near).await.expect("the time");
            let said = rows.iter().find_map(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(said, Some("t"), "{table} of {types:?}");
        }
        before = after;
    }
}

/// Moments of one table, told apart to a digit of a second that the way back does not keep.
#[tokio::test]
async fn a_key_whose_values_may_become_equal_is_told() {
    let things = |ty: Type| {
        schema(Table {
            columns: vec![column("at", ty)],
            primary_key: Some(PrimaryKey {
                name: "things_pkey".into(),
                columns: vec!["at".into()],
                ..PrimaryKey::default()
            }),
            ..Table::new("shop::Thing")
        })
    };
    let (coarse, fine) = (
        things(Type::Timestamptz(Some(0))),
        things(Type::Timestamptz(None)),
    );
    assert!(
        !hazards(&coarse, &fine)
            .iter()
            .any(|it| it.contains("fails where"))
    );
    let told = hazards(&fine, &coarse);
    let said = "loses-data: column public.things.at: changed from `timestamptz` to `timestamptz(0)`; fails where \
                two values of a key become equal";
    assert!(told.iter().any(|hazard| hazard == said), "{told:?}");

    let (_database, client) = database().await;
    change(&client, &Schema::default(), &fine).await;
    let rows =
        "insert into public.things values ('2026-01-01 00:00:00.1Z'), ('2026-01-01 00:00:00.2Z')";
    client.batch_execute(rows).await.expect("two rows");
    let body = plan(&fine, &coarse).body();
    let refused = client.batch_execute(&format!("begin;{body}")).await;
    let code = refused.expect_err("they are equal").code().cloned();
    assert_eq!(
        code,
        Some(tokio_postgres::error::SqlState::UNIQUE_VIOLATION)
    );
}

#[test]
fn what_stops_telling_case_apart_in_a_key_is_told() {
    let things = |ty: Type| {
        let mut schema = schema(Table {
            columns: vec![column("email", ty)],
            uniques: BTreeMap::from([(
                "things_email_key".into(),
                Unique {
                    columns: vec!["email".into()],
                    ..Unique::default()
                },
            )]),
            ..Table::new("shop::Thing")
        });
        schema.extensions = BTreeMap::from([("citext".into(), Extension::default())]);
        schema
    };
    let (text, citext) = (things(Type::Text), things(Type::Named("citext".into())));
    let told = hazards(&text, &citext);
    let said = "removes: column public.things.email: changed from `text` to `citext`; fails where two values of \
                a key become equal";
    assert!(told.iter().any(|hazard| hazard == said), "{told:?}");
    let back = hazards(&citext, &text);
    assert!(
        !back
            .iter()
            .any(|it| it.contains("removes") || it.contains("loses")),
        "{back:?}"
    );
}
