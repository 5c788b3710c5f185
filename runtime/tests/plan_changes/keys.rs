//! Indexes and keys that go or change together with the type of a column, which may have no operator class for
//! them: there, back, and there again, with rows.

use std::collections::BTreeMap;

use tabellion::testing::Server;
use tabellion_sql::plan::{Migration, Script, Settings, migrations};
use tabellion_sql::schema::{
    Extension, Index, IndexColumn, Partition, PartitionBy, PartitionStrategy, PrimaryKey, Renames,
    Rls, Schema, Table, Type, Unique,
};

use super::sample::{column, index, name};
use super::{connect, follow, run, snapshot};

pub(crate) fn key(name: &str, columns: &[&str]) -> Option<PrimaryKey> {
    Some(PrimaryKey {
        name: name.into(),
        columns: columns.iter().map(|it| (*it).to_owned()).collect(),
        ..PrimaryKey::default()
    })
}

pub(crate) fn unique(columns: &[&str]) -> Unique {
    Unique {
        columns: columns.iter().map(|it| (*it).to_owned()).collect(),
        ..Unique::default()
    }
}

fn json() -> Type {
    Type::Named("json".into())
}

fn by(method: &str, columns: &[&str]) -> Index {
    Index {
        method: method.into(),
        ..index(columns)
    }
}

pub(crate) fn unique_index(columns: &[&str]) -> Index {
    Index {
        unique: true,
        ..index(columns)
    }
}

/// `things (id, a)`, where `a` is of that type, with what `add` adds.
pub(crate) fn things(ty: Type, add: impl FnOnce(&mut Table)) -> Schema {
    let mut things = Table {
        columns: vec![column("id", Type::Int4), column("a", ty)],
        rls: Rls::Enabled(BTreeMap::new()),
        ..Table::new("shop::Thing")
    };
    add(&mut things);
    let home = Extension {
        schema: Some("extensions".into()),
    };
    Schema {
        extensions: BTreeMap::from([("pg_trgm".into(), home)]),
        tables: BTreeMap::from([(name("public", "things"), things)]),
        ..Schema::default()
    }
}

fn indexed(ty: Type, index: Index) -> Schema {
    things(ty, |table| {
        table.indexes.insert("things_a".into(), index);
    })
}

fn plain(ty: Type) -> Schema {
    things(ty, |_| ())
}

/// In two partitions by `id`.
fn parted(mut schema: Schema) -> Schema {
    for table in schema.tables.values_mut() {
        table.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["id".into()],
        });
        let bounds = [("one", "1"), ("two", "2")];
        table.partitions = bounds
            .map(|(part, value)| (part.into(), Partition::List(vec![value.into()])))
            .into();
    }
    schema
}

pub(crate) type Case = (&'static str, Vec<Schema>, &'static str);

/// Follows the schemas up, back down to the first, and up again; what fails in words.
async fn there_and_back(server: &Server, (what, schemas, rows): Case) -> Result<(), String> {
    let say = |error: String| format!("{what}: {error}");
    let last = schemas.last().expect("a schema");
    let database = server.database().await.expect("a database");
    let fresh = connect(database.url()).await;
    run(&fresh, what, &Schema::default(), last).await;
    let wanted = snapshot(&fresh).await;

    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, what, &Schema::default(), &schemas[0]).await;
    client.batch_execute(rows).await.expect("the rows");
    let mut states = vec![snapshot(&client).await];
    let mut pairs: Vec<Migration> = Vec::new();
    for ends in schemas.windows(2) {
        let settings = Settings::default();
        let release = migrations(&ends[0], &ends[1], &Renames::default(), &settings);
        pairs.extend(release.expect("no question"));
    }
    let up: Vec<Script> = pairs.iter().map(|pair| pair.up.clone()).collect();
    for script in &up {
        let state = follow(&client, std::slice::from_ref(script)).await;
        states.push(state.map_err(say)?);
    }
    for (pair, state) in pairs.iter().zip(&states).rev() {
        let down = std::slice::from_ref(&pair.down);
        let found = follow(&client, down).await.map_err(say)?;
        let findings = state.diff(&found);
        if !findings.is_empty() {
            return Err(say(format!("{findings:?}\n{}", pair.down.body())));
        }
    }
    let again = follow(&client, &up).await.map_err(say)?;
    let findings = wanted.diff(&again);
    match findings.is_empty() {
        true => Ok(()),
        false => Err(say(format!("{findings:?}"))),
    }
}

pub(crate) async fn all_there_and_back(cases: Vec<Case>) {
    let server = Server::shared().expect("a server");
    let mut failures = Vec::new();
    for case in cases {
        failures.extend(there_and_back(server, case).await.err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[tokio::test]
async fn an_index_that_no_operator_class_bears_goes_before_the_type_changes() {
    let dates = || Type::Array(Box::new(Type::Date));
    let range = || Type::Named("int4range".into());
    let trigrams = Index {
        method: "gin".into(),
        ..Index::new([IndexColumn {
            opclass: Some("gin_trgm_ops".into()),
            ..IndexColumn::new("a")
        }])
    };
    let gone = |what, from: Type, method, to: Type, rows| {
        let index = by(method, &["a"]);
        (what, vec![indexed(from, index), plain(to)], rows)
    };
    let object = "insert into public.things values (1, '{}')";
    let word = "insert into public.things values (1, 'x')";
    let number = "insert into public.things values (1, 1)";
    let spread = "insert into public.things values (1, '[1,2)')";
    let unique_a = |ty| {
        things(ty, |table| {
            table.uniques.insert("things_a_key".into(), unique(&["a"]));
        })
    };
    all_there_and_back(vec![
        gone("gin over dates", dates(), "gin", Type::Text, object),
        gone("gin over jsonb", Type::Jsonb, "gin", Type::Text, object),
        gone("gist over a range", range(), "gist", Type::Text, spread),
        gone("brin over a number", Type::Int4, "brin", Type::Bool, number),
        gone(
            "hash over a text",
            Type::Text,
            "hash",
            Type::Named("tsvector".into()),
            word,
        ),
        gone("btree over jsonb", Type::Jsonb, "btree", json(), object),
        (
            "gin that becomes a btree",
            vec![
                indexed(Type::Jsonb, by("gin", &["a"])),
                indexed(Type::Text, index(&["a"])),
            ],
            object,
        ),
        (
            "gin that gets another operator class",
            vec![
                indexed(Type::Jsonb, by("gin", &["a"])),
                indexed(Type::Text, trigrams),
            ],
            object,
        ),
        (
            "one of two columns",
            vec![
                indexed(Type::Jsonb, index(&["id", "a"])),
                indexed(json(), index(&["id"])),
            ],
            object,
        ),
        (
            "gin on a partitioned table",
            vec![
                parted(indexed(Type::Jsonb, by("gin", &["a"]))),
                parted(plain(Type::Text)),
            ],
            object,
        ),
        (
            "a unique constraint",
            vec![unique_a(Type::Text), plain(json())],
            object,
        ),
        (
            "a primary key that moves",
            vec![
                things(Type::Text, |it| it.primary_key = key("things_pkey", &["a"])),
                things(json(), |it| it.primary_key = key("things_pkey", &["id"])),
            ],
            object,
        ),
    ])
    .await;
}

/// The files that lead from one schema to another.
fn bodies(from: &Schema, to: &Schema) -> Vec<String> {
    let pairs = migrations(from, to, &Renames::default(), &Settings::default());
    let pairs = pairs.expect("no question").into_iter();
    pairs.map(|pair| pair.up.body()).collect()
}

fn place(bodies: &[String], word: &str) -> Option<usize> {
    let found = bodies.iter().position(|body| body.contains(word));
    assert!(found.is_some(), "{word}: {bodies:?}");
    found
}

#[test]
fn a_unique_index_goes_before_its_values_may_become_equal_for_a_wider_one() {
    let (from, to) = (
        indexed(Type::Timestamp(None), unique_index(&["a"])),
        indexed(Type::Date, unique_index(&["id", "a"])),
    );
    let bodies = bodies(&from, &to);
    assert!(place(&bodies, "drop index") < place(&bodies, "alter column"));
}

#[test]
fn a_key_that_is_stricter_than_the_one_to_come_goes_before_its_values_may_become_equal() {
    let keyed = |ty, name: &str, column: IndexColumn, strict| {
        let index = Index {
            unique: true,
            nulls_not_distinct: strict,
            ..Index::new([column, IndexColumn::new("id")])
        };
        things(ty, |table| {
            table.indexes.insert(name.into(), index);
        })
    };
    let folded = IndexColumn {
        collation: Some("C".into()),
        ..IndexColumn::new("a")
    };
    let plain = || IndexColumn::new("a");
    for (column, strict) in [(plain(), true), (folded, false)] {
        let from = keyed(Type::Text, "old", column, strict);
        let to = keyed(Type::Varchar(Some(1)), "new", plain(), false);
        let bodies = bodies(&from, &to);
        let (dropped, retyped) = (place(&bodies, "drop index"), place(&bodies, "alter column"));
        assert!(dropped < retyped, "{bodies:#?}");
    }
}

#[test]
fn a_rule_that_changes_with_a_type_stays_until_the_new_one_is_there() {
    let filled = Index {
        with: BTreeMap::from([("fillfactor".into(), "70".into())]),
        ..unique_index(&["a"])
    };
    let (from, to) = (
        indexed(Type::Int4, unique_index(&["a"])),
        indexed(Type::Int8, filled),
    );
    let bodies = bodies(&from, &to);
    assert!(place(&bodies, "create unique index") < place(&bodies, "drop index"));
}

#[tokio::test]
async fn a_key_that_goes_does_not_stand_in_the_way_of_values_that_become_equal() {
    let numeric = |precision, scale| Type::Numeric(Some((precision, scale)));
    let bits = |size| Type::Named(format!("varbit({size})"));
    let key = |ty, name: &str| {
        let name = name.to_owned();
        things(ty, |table| {
            table.uniques.insert(name, unique(&["a"]));
        })
    };
    let primary = |ty, column: &str| {
        things(ty, |table| {
            table.primary_key = self::key("things_pkey", &[column])
        })
    };
    let mut cases = Vec::new();
    for (what, from, to, rows) in [
        (
            "varchar",
            Type::Varchar(Some(5)),
            Type::Varchar(Some(2)),
            "(1, 'abc'), (2, 'abd')",
        ),
        (
            "char",
            Type::Char(5),
            Type::Char(2),
            "(1, 'abc'), (2, 'abd')",
        ),
        ("varbit", bits(5), bits(2), "(1, '111'), (2, '110')"),
        (
            "numeric",
            numeric(5, 2),
            numeric(5, 1),
            "(1, 1.11), (2, 1.12)",
        ),
        (
            "timestamp",
            Type::Timestamp(None),
            Type::Timestamp(Some(0)),
            "(1, '2026-01-01 10:00:00.1'), (2, '2026-01-01 10:00:00.2')",
        ),
    ] {
        let rows: &str = Box::leak(format!("insert into public.things values {rows}").into());
        cases.extend([
            (
                what,
                vec![
                    indexed(from.clone(), unique_index(&["a"])),
                    plain(to.clone()),
                ],
                rows,
            ),
            (what, vec![key(from.clone(), "u"), plain(to.clone())], rows),
            (what, vec![primary(from, "a"), primary(to, "id")], rows),
        ]);
    }
    let mut failures = Vec::new();
    let server = Server::shared().expect("a server");
    for (what, schemas, rows) in cases {
        failures.extend(
            there_but_not_back(server, (what, schemas, rows))
                .await
                .err(),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Follows the schemas up with rows that the way back refuses, takes one of these, and goes back and up again.
async fn there_but_not_back(server: &Server, (what, schemas, rows): Case) -> Result<(), String> {
    let say = |error: String| format!("{what}: {error}");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, what, &Schema::default(), &schemas[0]).await;
    client.batch_execute(rows).await.expect("the rows");
    let start = snapshot(&client).await;
    let pairs = migrations(
        &schemas[0],
        &schemas[1],
        &Renames::default(),
        &Settings::default(),
    );
    let pairs: Vec<Migration> = pairs.expect("no question");
    let up: Vec<Script> = pairs.iter().map(|pair| pair.up.clone()).collect();
    let down: Vec<Script> = pairs.iter().rev().map(|pair| pair.down.clone()).collect();
    let there = follow(&client, &up).await.map_err(say)?;
    let taken = client.batch_execute("delete from public.things where id = 2");
    taken.await.expect("one row");
    let back = follow(&client, &down).await.map_err(say)?;
    let again = follow(&client, &up).await.map_err(say)?;
    let findings = [start.diff(&back), there.diff(&again)].concat();
    match findings.is_empty() {
        true => Ok(()),
        false => Err(say(format!("{findings:?}"))),
    }
}

#[test]
fn a_unique_index_stays_while_its_column_only_grows() {
    let from = indexed(Type::Varchar(Some(2)), unique_index(&["a"]));
    let to = plain(Type::Varchar(Some(5)));
    let bodies = bodies(&from, &to);
    assert!(place(&bodies, "alter column") < place(&bodies, "drop index"));
}
