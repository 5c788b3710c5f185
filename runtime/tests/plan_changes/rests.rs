//! Unique keys over the same columns, of which PostgreSQL chooses the one that a foreign key rests on: none of them
//! is taken from under it, neither on the way there nor back, over one release or several.

use std::collections::BTreeMap;

use tabellion_sql::schema::{
    ForeignKey, Index, Partition, PartitionBy, PartitionStrategy, Renames, Rls, Schema, Table, Type,
};

use tabellion::testing::Server;
use tabellion_sql::plan::{Script, Settings, migrations};

use super::keys::{all_there_and_back, key, things, unique, unique_index};
use super::sample::{column, name};
use super::{connect, follow, run};

/// A unique index, sorted the other way round.
fn sorted(columns: &[&str]) -> Index {
    let mut index = unique_index(columns);
    index.columns[0].descending = true;
    index
}

/// `things`, to whose `a` the rows of `parts` lead.
fn led_to(add: impl FnOnce(&mut Table)) -> Schema {
    let mut schema = things(Type::Int4, add);
    let mut parts = Table {
        columns: vec![column("thing", Type::Int4)],
        rls: Rls::Enabled(BTreeMap::new()),
        ..Table::new("shop::Part")
    };
    let key = ForeignKey::new(["thing"], name("public", "things"), ["a"]);
    parts.foreign_keys.insert("parts_thing_fkey".into(), key);
    schema.tables.insert(name("public", "parts"), parts);
    schema
}

/// By indexes of these names.
fn led_by(indexes: &[(&str, Index)]) -> Schema {
    led_to(|table| {
        table.indexes = indexes
            .iter()
            .map(|(name, it)| ((*name).to_owned(), it.clone()))
            .collect();
    })
}

/// The same, with `things` in two partitions by `a`.
fn in_parts(mut schema: Schema) -> Schema {
    let table = schema.tables.get_mut(&name("public", "things"));
    let table = table.expect("the table");
    table.partition_by = Some(PartitionBy {
        strategy: PartitionStrategy::List,
        columns: vec!["a".into()],
    });
    for (part, value) in [("things_one", "1"), ("things_two", "2")] {
        let bound = Partition::List(vec![value.into()]);
        table.partitions.insert(part.into(), bound);
    }
    schema
}

#[tokio::test]
async fn a_foreign_key_rests_on_no_index_that_goes() {
    let (v, w) = (|| unique_index(&["a"]), || sorted(&["a"]));
    let carries = || Index {
        include: vec!["id".into()],
        ..v()
    };
    let constrained = |name: &str| {
        let name = name.to_owned();
        led_to(|table| {
            table.uniques.insert(name, unique(&["a"]));
        })
    };
    let to_itself = |mut schema: Schema| {
        schema.tables.remove(&name("public", "parts"));
        let table = schema.tables.get_mut(&name("public", "things"));
        let table = table.expect("the table");
        let key = ForeignKey::new(["id"], name("public", "things"), ["a"]);
        table.foreign_keys.insert("things_id_fkey".into(), key);
        schema
    };
    let of_parts = |name: &str, index: Index| in_parts(led_by(&[(name, index)]));
    let rows = "insert into public.things values (1, 1); insert into public.parts values (1)";
    let own = "insert into public.things values (1, 1)";
    all_there_and_back(vec![
        (
            "one index after another",
            vec![led_by(&[("v", v())]), led_by(&[("w", w())])],
            rows,
        ),
        (
            "one index after another that carries more",
            vec![led_by(&[("v", v())]), led_by(&[("w", carries())])],
            rows,
        ),
        (
            "an index in place of a constraint",
            vec![constrained("u"), led_by(&[("w", w())])],
            rows,
        ),
        (
            "a constraint in place of an index",
            vec![led_by(&[("w", w())]), constrained("u")],
            rows,
        ),
        (
            "to itself",
            vec![
                to_itself(constrained("u")),
                to_itself(led_by(&[("v", v())])),
            ],
            own,
        ),
        (
            "the primary key moves, and an index stays",
            vec![
                led_to(|table| table.primary_key = key("things_pkey", &["a"])),
                led_to(|table| {
                    table.primary_key = key("things_pkey", &["id"]);
                    table.indexes.insert("v".into(), v());
                }),
            ],
            rows,
        ),
        (
            "a partitioned table",
            vec![of_parts("v", v()), of_parts("w", w())],
            rows,
        ),
        (
            "over two releases",
            vec![
                led_by(&[("v", v())]),
                led_by(&[("v", v()), ("w", w())]),
                led_by(&[("w", w())]),
            ],
            rows,
        ),
        (
            "there and back over four releases",
            vec![
                led_by(&[("v", v())]),
                led_by(&[("v", v()), ("w", w())]),
                led_by(&[("w", w())]),
                led_by(&[("u", carries()), ("w", w())]),
                led_by(&[("u", carries())]),
            ],
            rows,
        ),
    ])
    .await;
}

/// How the foreign key stands after each file of a change with rows, there, back and there again: whether it is
/// there and refuses a row, and whether the rows that are there were checked.
async fn watch(server: &Server, what: &str, [from, to]: [&Schema; 2]) -> Vec<String> {
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, what, &Schema::default(), from).await;
    let rows =
        "insert into public.things values (1, 1), (2, 2); insert into public.parts values (1)";
    client.batch_execute(rows).await.expect("the rows");
    let pairs = migrations(from, to, &Renames::default(), &Settings::default());
    let pairs = pairs.expect("no question");
    let up = || pairs.iter().map(|pair| pair.up.clone());
    let down = pairs.iter().rev().map(|pair| pair.down.clone());
    let files: Vec<Script> = up().chain(down).chain(up()).collect();
    let mut failures = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let mut say = |fact: &str| {
            failures.push(format!(
                "{what}, file {}: {fact}\n{}",
                number + 1,
                file.body()
            ));
        };
        if let Err(error) = follow(&client, std::slice::from_ref(file)).await {
            say(&error);
            return failures;
        }
        let state = client
            .query_opt(
                "select convalidated from pg_constraint where conname = 'parts_thing_fkey'
                   and conrelid = 'public.parts'::regclass and contype = 'f'",
                &[],
            )
            .await
            .expect("the constraint");
        match state.map(|row| row.get::<_, bool>(0)) {
            None => say("the foreign key is gone"),
            Some(false) if (number + 1) % pairs.len() == 0 => say("it was not validated"),
            Some(_) => {}
        }
        let orphan = "begin; insert into public.parts values (3)";
        let refused = client.batch_execute(orphan).await.err();
        client.batch_execute("rollback").await.expect("no change");
        let code = refused.as_ref().and_then(|error| error.code());
        if code != Some(&tokio_postgres::error::SqlState::FOREIGN_KEY_VIOLATION) {
            say("a row without a parent was let in");
        }
    }
    failures
}

#[tokio::test]
async fn a_foreign_key_stands_while_the_key_that_it_rests_on_is_replaced() {
    let primary = led_to(|table| table.primary_key = key("things_pkey", &["a"]));
    let constraint = led_to(|table| {
        table.uniques.insert("u".into(), unique(&["a"]));
    });
    let index = led_by(&[("v", unique_index(&["a"]))]);
    let moved = led_to(|table| {
        table.primary_key = key("things_pkey", &["id", "a"]);
        table.uniques.insert("u".into(), unique(&["a"]));
    });
    let moved_by_index = led_to(|table| {
        table.primary_key = key("things_pkey", &["id", "a"]);
        table.indexes.insert("v".into(), unique_index(&["a"]));
    });
    let same = led_by(&[("u", unique_index(&["a"]))]);
    let kinds = [
        ("an index of that name", same),
        ("the primary key", primary),
        ("a unique constraint", constraint),
        ("a unique index", index),
        ("a unique constraint beside another primary key", moved),
        ("a unique index beside another primary key", moved_by_index),
    ];
    let server = Server::shared().expect("a server");
    let mut failures = Vec::new();
    for (one, from) in &kinds {
        for (other, to) in kinds.iter().filter(|(other, _)| other != one) {
            let what = format!("{one}, then {other}");
            failures.extend(watch(server, &what, [from, to]).await);
            let (from, to) = (in_parts(from.clone()), in_parts(to.clone()));
            failures.extend(watch(server, &format!("{what}, in parts"), [&from, &to]).await);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
