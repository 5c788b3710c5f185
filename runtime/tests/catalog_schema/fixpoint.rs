//! A schema that is read, rendered into another database and read again is the same, and both
//! databases hold the same, as far as a snapshot tells.

use tabellion::catalog::Snapshot;
use tabellion_sql::plan::plan;
use tabellion_sql::schema::Schema;
use tokio_postgres::Client;

use super::{FEATURES, SCHEMAS, fresh, read, run};

/// What the schema refers to and does not own; and where an extension's names are found.
const OTHERS: &str = "
    create schema auth;
    create schema extensions;
    set search_path = public, extensions;
    create table auth.users (
      id uuid primary key,
      tenant int not null,
      unique (id, tenant)
    )";

/// No declaration leaves a constraint unchecked; it is a step on the way.
const VALIDATE: &str = r#"
    alter table "Other Schema"."Order" validate constraint order_kind_fkey;
    alter table "Other Schema"."Order" validate constraint order_code_check"#;

#[tokio::test]
async fn what_is_read_renders_into_what_is_read() {
    let (_first_database, first) = fresh().await;
    run(&first, FEATURES).await;
    run(&first, VALIDATE).await;
    let schema = read(&first, &SCHEMAS).await.schema;

    let (_second_database, second) = fresh().await;
    run(&second, OTHERS).await;
    run(&second, &plan(&Schema::default(), &schema).body()).await;
    let again = read(&second, &SCHEMAS).await;

    let (one, other) = (json(&schema), json(&again.schema));
    let differing: Vec<_> = one
        .lines()
        .zip(other.lines())
        .filter(|(a, b)| a != b)
        .collect();
    assert!(schema == again.schema, "{differing:#?}");
    assert_eq!(again.unsupported, Vec::<String>::new());
    let findings = snapshot(&first).await.diff(&snapshot(&second).await);
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn json(schema: &Schema) -> String {
    serde_json::to_string_pretty(schema).expect("JSON")
}

async fn snapshot(client: &Client) -> Snapshot {
    Snapshot::read(client, SCHEMAS).await.expect("a snapshot")
}
