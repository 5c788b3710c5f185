//! Foreign keys of partitioned tables under FORCE, made and taken by an owner who sees no row of them.

use std::collections::BTreeMap;

use tabellion::testing::{Server, TestDatabase};
use tabellion_sql::plan::{Hazard, LockMode, Settings, migrations, plan};
use tabellion_sql::schema::{
    ForeignKey, Partition, PartitionBy, PartitionStrategy, PrimaryKey, Renames, Schema, Table, Type,
};
use tokio_postgres::Client;

use super::connect;
use super::sample::{column, index, name};

/// `events`, in two partitions, closed to everyone.
fn events() -> Table {
    Table {
        columns: vec![column("id", Type::Int4), column("owner", Type::Int4)],
        primary_key: Some(PrimaryKey {
            name: "events_pkey".into(),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        partition_by: Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["id".into()],
        }),
        partitions: BTreeMap::from([
            ("events_one".into(), Partition::List(vec!["1".into()])),
            ("events_two".into(), Partition::List(vec!["2".into()])),
        ]),
        ..Table::new("shop::Event")
    }
}

/// A table of one number, closed to everyone.
fn numbers(table: &str) -> Table {
    Table {
        columns: vec![column("id", Type::Int4)],
        primary_key: Some(PrimaryKey {
            name: format!("{table}_pkey"),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        ..Table::new("shop::Number")
    }
}

fn schema(tables: Vec<(&str, Table)>) -> Schema {
    let tables = tables.into_iter();
    Schema {
        tables: tables
            .map(|(table, definition)| (name("public", table), definition))
            .collect(),
        ..Schema::default()
    }
}

/// A database with that schema, made by an owner who is no superuser, and rows from one who is.
async fn made(schema: &Schema, rows: &str) -> (TestDatabase, Client) {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let owner = database.create_login("owner", &[]).await.expect("a login");
    let admin = connect(database.url()).await;
    let login: tokio_postgres::Config = owner.parse().expect("a URL");
    let login = login.get_user().expect("a user");
    admin
        .batch_execute(&format!("grant create on schema public to \"{login}\""))
        .await
        .expect("the right");
    let client = connect(&owner).await;
    let body = plan(&Schema::default(), schema).body();
    client.batch_execute(&body).await.expect("the tables");
    admin.batch_execute(rows).await.expect("the rows");
    (database, client)
}

/// What the server says to the plan.
async fn refusal(client: &Client, from: &Schema, to: &Schema) -> Option<String> {
    let body = plan(from, to).body();
    let result = client
        .batch_execute(&format!("begin;\n{body}\ncommit;"))
        .await;
    let error = result.err()?;
    let _ = client.batch_execute("rollback").await;
    Some(error.as_db_error()?.code().code().to_owned())
}

#[tokio::test]
async fn a_key_of_a_partitioned_table_is_checked_on_every_partition() {
    let before = schema(vec![("events", events()), ("owners", numbers("owners"))]);
    let mut after = before.clone();
    let key = ForeignKey::new(["owner"], name("public", "owners"), ["id"]);
    let table = after.tables.get_mut(&name("public", "events"));
    let keys = &mut table.expect("the table").foreign_keys;
    keys.insert("events_owner_fkey".into(), key);
    let (_database, client) = made(&before, "insert into public.events values (2, 77)").await;
    assert_eq!(
        refusal(&client, &before, &after).await.as_deref(),
        Some("23503")
    );
}

#[tokio::test]
async fn a_partition_that_rows_need_does_not_go() {
    let mut logs = numbers("logs");
    let key = ForeignKey::new(["id"], name("public", "events"), ["id"]);
    logs.foreign_keys.insert("logs_id_fkey".into(), key);
    let before = schema(vec![("events", events()), ("logs", logs)]);
    let mut after = before.clone();
    let table = after.tables.get_mut(&name("public", "events"));
    table.expect("the table").partitions.remove("events_two");
    let rows = "insert into public.events values (2, 7); insert into public.logs values (2)";
    let (database, client) = made(&before, rows).await;
    assert_eq!(
        refusal(&client, &before, &after).await.as_deref(),
        Some("23503")
    );
    let admin = connect(database.url()).await;
    admin
        .batch_execute("delete from public.logs")
        .await
        .expect("the row goes");
    assert_eq!(refusal(&client, &before, &after).await, None);
    let forced = admin
        .query_one(
            "select bool_and(relforcerowsecurity) from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
            &[],
        )
        .await
        .expect("an answer");
    assert!(forced.get::<_, bool>(0), "FORCE came back everywhere");
}

#[tokio::test]
async fn an_index_of_a_partitioned_table_is_built_while_others_write() {
    let before = schema(vec![("events", events())]);
    let mut after = before.clone();
    let table = after.tables.get_mut(&name("public", "events"));
    let table = table.expect("the table");
    table
        .indexes
        .insert("events_owner_idx".into(), index(&["owner"]));
    let (_database, client) = made(&before, "insert into events values (1, 7), (2, 8)").await;
    let pairs = migrations(&before, &after, &Renames::default(), &Settings::default());
    let [pair] = &pairs.expect("no question")[..] else {
        panic!("one pair");
    };
    assert!(pair.up.no_transaction);
    for step in pair.up.plan.steps() {
        if let Err(error) = client.batch_execute(&step.sql).await {
            panic!("{:?}\n{}", error.as_db_error(), step.sql);
        }
        let locks = step.hazards.iter().filter_map(|hazard| match hazard {
            Hazard::Locks(mode, _) => Some(*mode),
            _ => None,
        });
        let mut steps = pair.up.plan.steps();
        let is_first = steps.next() == Some(step);
        // The first makes an entry in the catalog and reads no row.
        let most = if is_first {
            LockMode::Share
        } else {
            LockMode::ShareUpdateExclusive
        };
        assert!(locks.max().is_none_or(|lock| lock <= most), "{}", step.sql);
    }
    let valid = "select bool_and(indisvalid), count(*) from pg_index where indexrelid::regclass::text like '%owner_idx%'";
    let row = client.query_one(valid, &[]).await.expect("the indexes");
    assert_eq!((row.get(0), row.get(1)), (true, 3_i64));
    assert!(!pair.down.no_transaction);
    let down = pair.down.body();
    client.batch_execute(&down).await.expect("it goes at once");
    let row = client.query_one(valid, &[]).await.expect("the indexes");
    assert_eq!(row.get::<_, i64>(1), 0, "{down}");
}

#[tokio::test]
async fn a_partition_whose_rows_lie_in_the_default_one_is_told() {
    let mut whole = events();
    whole.partitions.remove("events_two");
    whole
        .partitions
        .insert("events_rest".into(), Partition::Default);
    let mut carved = whole.clone();
    carved
        .partitions
        .insert("events_two".into(), Partition::List(vec!["2".into()]));
    let (whole, carved) = (
        schema(vec![("events", whole)]),
        schema(vec![("events", carved)]),
    );
    let told = |from: &Schema, to: &Schema| -> Vec<String> {
        let pairs = migrations(from, to, &Renames::default(), &Settings::default());
        let pairs = pairs.expect("no question");
        let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
        let restricts = hazards.filter(|hazard| matches!(hazard, Hazard::Restricts(_)));
        restricts.map(|hazard| hazard.to_string()).collect()
    };
    assert_eq!(
        told(&whole, &carved),
        [
            "restricts: partition public.events_two: new; rows that it should hold stop this file where they \
             lie in public.events_rest, take them out of it before"
        ]
    );
    // Nothing lies in what is new, or goes.
    assert_eq!(told(&carved, &whole), [""; 0]);
    assert_eq!(told(&Schema::default(), &carved), [""; 0]);
    let (_database, client) = made(&whole, "insert into public.events values (2, 7)").await;
    assert_eq!(
        refusal(&client, &whole, &carved).await.as_deref(),
        Some("23514")
    );
}
