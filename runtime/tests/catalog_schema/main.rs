//! A catalog is read back into schema data: from a schema written by hand, and from what schema data
//! itself renders, which must come back as it was.

mod fixpoint;
mod snapshot;
mod unsupported;

use tabellion::catalog::{ReadSchema, read_schema};
use tabellion::testing::{Server, TestDatabase};
use tabellion_sql::schema::Schema;
use tokio_postgres::Client;

/// The schemas that `features.sql` fills; `auth` and `extensions` belong to someone else.
const SCHEMAS: [&str; 2] = ["shop", "Other Schema"];
const FEATURES: &str = include_str!("features.sql");

#[tokio::test]
async fn every_feature_is_read_into_the_data_that_declares_it() {
    let (_database, client) = fresh().await;
    run(&client, FEATURES).await;
    let read = read(&client, &SCHEMAS).await;
    let expected: Schema =
        serde_json::from_str(include_str!("expected.json")).expect("a schema as JSON");
    let found = serde_json::to_string_pretty(&read.schema).expect("JSON");
    let wanted = serde_json::to_string_pretty(&expected).expect("JSON");
    let differing = wanted.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(read.schema == expected, "{differing:?}\n{found}");
    assert_eq!(read.unsupported, Vec::<String>::new());
}

/// Roles belong to the server, which other tests share.
const ROLES: &str = "
    do $$ declare r text; begin
      foreach r in array array['catalog_schema_app', 'Catalog Schema Staff'] loop
        begin
          execute format('create role %I nologin', r);
        exception when duplicate_object or unique_violation then null;
        end;
      end loop;
    end $$";

/// A fresh database, and a superuser's connection to it with settings that change what is printed.
async fn fresh() -> (TestDatabase, Client) {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let (client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    let settings = "set timezone = 'Asia/Tokyo'; set datestyle = 'SQL, DMY';
        set intervalstyle = 'iso_8601'; set bytea_output = 'escape'; set quote_all_identifiers = on;
        set extra_float_digits = -3";
    run(&client, settings).await;
    run(&client, ROLES).await;
    (database, client)
}

async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("{error}: {:?}\n{sql}", error.as_db_error());
    }
}

async fn read(client: &Client, schemas: &[&str]) -> ReadSchema {
    read_schema(client, schemas).await.expect("a schema")
}
