//! A rule that both ends have holds between any two statements of the way, and of the way back.

use std::collections::BTreeMap;

use tabellion::testing::Server;
use tabellion_sql::plan::{Migration, Settings, migrations};
use tabellion_sql::schema::{
    Deferrable, ForeignKey, Index, PrimaryKey, Renames, Rls, Schema, Table, Type, Unique,
};

use super::sample::{column, index, name};
use super::{connect, run};

fn unique() -> Unique {
    Unique {
        columns: vec!["code".into()],
        nulls_not_distinct: false,
        deferrable: Deferrable::Not,
    }
}

fn unique_index(columns: &[&str]) -> Index {
    Index {
        unique: true,
        ..index(columns)
    }
}

/// A table whose `code` is to be unique by what `rule` adds, and one that references it where asked.
fn schema(referenced: bool, rule: impl FnOnce(&mut Table)) -> Schema {
    let mut items = Table {
        columns: vec![column("code", Type::Int4), column("shop", Type::Int4)],
        rls: Rls::Enabled(BTreeMap::new()),
        ..Table::new("shop::Item")
    };
    rule(&mut items);
    let mut tables = BTreeMap::from([(name("public", "items"), items)]);
    if referenced {
        let mut parts = Table {
            columns: vec![column("item", Type::Int4)],
            rls: Rls::Enabled(BTreeMap::new()),
            ..Table::new("shop::Part")
        };
        let key = ForeignKey::new(["item"], name("public", "items"), ["code"]);
        parts.foreign_keys.insert("parts_item_fkey".into(), key);
        tables.insert(name("public", "parts"), parts);
    }
    Schema {
        tables,
        ..Schema::default()
    }
}

type Case = (&'static str, Schema, Schema);

fn cases() -> Vec<Case> {
    let with = |unique: Unique| {
        move |table: &mut Table| {
            table.uniques.insert("items_code_key".into(), unique);
        }
    };
    let key = |name: &str, deferrable| {
        let name = name.to_owned();
        move |table: &mut Table| {
            table.primary_key = Some(PrimaryKey {
                name,
                columns: vec!["code".into()],
                deferrable,
            });
        }
    };
    let indexed = |index: Index| {
        move |table: &mut Table| {
            table.indexes.insert("items_code_idx".into(), index);
        }
    };
    let nulls = || Unique {
        nulls_not_distinct: true,
        ..unique()
    };
    let filled = || Index {
        with: BTreeMap::from([("fillfactor".into(), "70".into())]),
        ..unique_index(&["code"])
    };
    let mut cases = vec![
        (
            "a deferrable primary key",
            schema(false, key("items_pkey", Deferrable::Not)),
            schema(false, key("items_pkey", Deferrable::Immediate)),
        ),
        (
            "a unique index becomes a constraint",
            schema(false, indexed(unique_index(&["code"]))),
            schema(false, with(unique())),
        ),
    ];
    for referenced in [false, true] {
        cases.extend([
            (
                "a unique constraint",
                schema(referenced, with(unique())),
                schema(referenced, with(nulls())),
            ),
            (
                "a unique index",
                schema(referenced, indexed(unique_index(&["code"]))),
                schema(referenced, indexed(filled())),
            ),
        ]);
    }
    cases
}

#[tokio::test]
async fn a_rule_that_changes_under_its_name_never_lapses() {
    let server = Server::shared().expect("a server");
    let mut failures = Vec::new();
    for (what, from, to) in cases() {
        let referenced = from.tables.len() > 1;
        let what = format!("{what}, referenced: {referenced}");
        let database = server.database().await.expect("a database");
        let client = connect(database.url()).await;
        run(&client, &what, &Schema::default(), &from).await;
        let row = "insert into public.items values (1, 1)";
        client.batch_execute(row).await.expect("a row");
        let pairs = migrations(&from, &to, &Renames::default(), &Settings::default());
        let pairs: Vec<Migration> = pairs.expect("no question");
        assert!(!pairs.is_empty(), "{what}");
        let ways = pairs.iter().map(|pair| &pair.up);
        for script in ways.chain(pairs.iter().rev().map(|pair| &pair.down)) {
            let texts: Vec<String> = match script.no_transaction {
                true => script.plan.steps().map(|step| step.sql.clone()).collect(),
                false => vec![format!("begin;\n{}\ncommit;", script.body())],
            };
            for text in texts {
                if let Err(error) = client.batch_execute(&text).await {
                    panic!("{what}: {:?}\n{text}", error.as_db_error());
                }
                let mut broken = vec![("23505", row)];
                if referenced {
                    broken.push(("23503", "insert into public.parts values (9)"));
                }
                for (code, row) in broken {
                    let refused = client.batch_execute(row).await.err();
                    let found = refused.as_ref().and_then(|error| error.code());
                    if found.map(|found| found.code()) != Some(code) {
                        failures.push(format!("{what}: {row} gives {found:?} after\n{text}"));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
