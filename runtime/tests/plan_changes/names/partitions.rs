//! Partitions under another name.

use std::collections::BTreeMap;

use tabellion::testing::Server;
use tabellion_sql::plan::{Hazard, Migration, Settings, migrations};
use tabellion_sql::schema::{
    Command, ForeignKey, Partition, Renames, Rls, Schema, Table, TableRenames,
};

use super::{keyed, parted, schema, walk};
use crate::sample::{self, index, name, policy};
use crate::{connect, run};

/// A table in two partitions, with a policy, a key, an index, and foreign keys out of it and into it.
fn whole(table: &str, partition: &str) -> Schema {
    let policy = policy(Some(Command::Select), "y > 0", &["y"]);
    let out = ForeignKey::new(["y"], name("public", "others"), ["x"]);
    let mut it = Table {
        primary_key: keyed("a_pkey", &["x"]).primary_key,
        indexes: BTreeMap::from([("a_y".into(), index(&["y"]))]),
        rls: Rls::Enabled(BTreeMap::from([("readers".into(), policy)])),
        foreign_keys: BTreeMap::from([("a_y_fkey".into(), out)]),
        ..parted(&[])
    };
    let bound = it.partitions.remove("a_1").expect("a partition");
    it.partitions.insert(partition.into(), bound);
    let into = ForeignKey::new(["y"], name("public", table), ["x"]);
    let leading = Table {
        foreign_keys: BTreeMap::from([("into_y_fkey".into(), into)]),
        ..keyed("into_pkey", &["x"])
    };
    let whole = schema(vec![
        (table, it),
        ("into", leading),
        ("others", keyed("others_pkey", &["x"])),
    ]);
    Schema {
        roles: sample::schema().roles,
        ..whole
    }
}

fn renamed(table: &str, old: &str, new: &str) -> Renames {
    let hints = TableRenames {
        partitions: BTreeMap::from([(new.into(), old.into())]),
        ..TableRenames::default()
    };
    Renames {
        tables: BTreeMap::from([(name("public", table), hints)]),
    }
}

#[tokio::test]
async fn a_partition_has_another_name_with_all_that_is_named_after_it() {
    let mut both = renamed("b", "a_9", "a_1");
    let hints = both
        .tables
        .get_mut(&name("public", "b"))
        .expect("the table");
    hints.from = Some(name("public", "a"));
    let rest = vec![
        (whole("a", "a_9"), renamed("a", "a_1", "a_9")),
        // Its table has another name too.
        (whole("b", "a_1"), both),
    ];
    let shares = walk("a partition", whole("a", "a_1"), rest).await;
    assert!(
        shares[0].iter().any(|it| it.starts_with("a_9_a_y_")),
        "{shares:?}"
    );
}

#[tokio::test]
async fn a_renamed_partition_keeps_its_rows_and_loses_nothing() {
    let (from, to) = (whole("a", "a_1"), whole("a", "a_9"));
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, "a partition", &Schema::default(), &from).await;
    let rows = "insert into public.others values (7, 7, 7); insert into public.a values (1, 7, 7)";
    client.batch_execute(rows).await.expect("the rows");
    let renames = renamed("a", "a_1", "a_9");
    let pairs = migrations(&from, &to, &renames, &Settings::default()).expect("no question");
    let [Migration { up, down, .. }] = &pairs[..] else {
        panic!("one pair");
    };
    let told: Vec<String> = up.hazards().iter().map(Hazard::to_string).collect();
    assert!(
        told.contains(&"removes: partition public.a_1: renamed to a_9".to_owned()),
        "{told:?}"
    );
    assert!(!up.hazards().iter().any(Hazard::loses_data), "{told:?}");
    for (script, partition) in [(up, "a_9"), (down, "a_1"), (up, "a_9")] {
        client.batch_execute(&script.body()).await.expect("it runs");
        let count = format!("select count(*) from public.{partition}");
        let row = client.query_one(&count, &[]).await.expect("the rows");
        assert_eq!(row.get::<_, i64>(0), 1);
    }
}

/// Only the partition goes: indexes and keys of the table stay, and so do foreign keys.
#[tokio::test]
async fn a_partition_takes_the_name_of_one_that_goes() {
    let two = || Partition::List(vec!["2".into()]);
    let with = |partitions: &[(&str, Partition)]| {
        let mut whole = whole("a", "a_1");
        let table = whole.tables.get_mut(&name("public", "a"));
        let table = table.expect("the table");
        table.partitions.remove("a_1");
        let partitions = partitions.iter().cloned();
        let partitions = partitions.map(|(name, bound)| (name.to_owned(), bound));
        table.partitions.extend(partitions);
        whole
    };
    let one = Partition::List(vec!["1".into()]);
    let (from, to) = (
        with(&[("a_1", one), ("a_2", two())]),
        with(&[("a_1", two())]),
    );
    let renames = || renamed("a", "a_2", "a_1");
    walk("another", from.clone(), vec![(to.clone(), renames())]).await;

    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, "two partitions", &Schema::default(), &from).await;
    let rows = "insert into public.others values (7, 7, 7);
                insert into public.a values (1, 7, 7), (2, 7, 7);
                insert into public.into values (7, 1, 7)";
    client.batch_execute(rows).await.expect("the rows");
    let pairs = migrations(&from, &to, &renames(), &Settings::default()).expect("no question");
    let [Migration { up, down, .. }] = &pairs[..] else {
        panic!("one pair");
    };
    for script in [up, down] {
        let body = script.body();
        for rebuilt in [
            "drop index",
            "create index",
            "drop constraint",
            "add constraint",
        ] {
            assert!(!body.contains(rebuilt), "{rebuilt}: {body}");
        }
    }
    let told = up.hazards().into_iter().map(|hazard| hazard.to_string());
    let told: Vec<String> = told.filter(|it| !it.starts_with("locks: ")).collect();
    assert_eq!(
        told,
        [
            "scans: public.\"into\"",
            "removes: partition public.a_2: renamed to a_1",
            "loses-data: partition public.a_1: dropped with its rows; rows of public.\"into\" that reference them \
             stop this file, take those out before",
        ]
    );
    let body = format!("begin; {} commit", up.body());
    let refused = client.batch_execute(&body).await.expect_err("a reference");
    let code = refused.code().map(|code| code.code().to_owned());
    assert_eq!(code.as_deref(), Some("23503"));
    let follow = "rollback; update public.into set y = 2";
    client.batch_execute(follow).await.expect("the rows follow");
    for (script, partition) in [(up, "a_1"), (down, "a_2"), (up, "a_1")] {
        client.batch_execute(&script.body()).await.expect("it runs");
        let count = format!("select count(*) from public.{partition}");
        let row = client.query_one(&count, &[]).await.expect("the rows");
        assert_eq!(row.get::<_, i64>(0), 1);
    }
}

#[test]
fn what_is_asked_of_partitions_names_the_attribute_and_the_rows() {
    let asked = |from: &Schema, to: &Schema, renames: &Renames| -> Vec<String> {
        let questions = migrations(from, to, renames, &Settings::default()).err();
        let questions = questions.unwrap_or_default().into_iter();
        questions.map(|question| question.message).collect()
    };
    let at = |partition: &str, values: &[&str]| {
        let mut table = parted(&[]);
        let values = values.iter().map(|value| value.to_string()).collect();
        table.partitions = BTreeMap::from([(partition.into(), Partition::List(values))]);
        schema(vec![("a", table)])
    };
    let none = Renames::default();
    let old = at("t2", &["2", "3"]);
    // Under another name, whatever the order of the values.
    assert_eq!(
        asked(&old, &at("t9", &["3", "2"]), &none),
        [
            "partition `t9` of table `a` is new, partition `t2` is gone, and both have the same bounds; if it is the \
             same partition write `#[partition(renamed_from = \"t2\")]`, if not drop the one with its rows in a \
             migration before the other is added"
        ]
    );
    assert_eq!(
        asked(&old, &at("t2", &["4"]), &none),
        [
            "partition `t2` of table `a` changes its bounds, which PostgreSQL cannot do; give the partition of the \
             new bounds another name, and the old one goes with its rows, or move them into another partition before \
             with `cargo tabellion new`"
        ]
    );
    let renames = renamed("a", "t2", "t9");
    assert!(asked(&old, &at("t9", &["4"]), &renames)[0].contains("changes its bounds"));
    // It has had its say.
    assert_eq!(
        asked(&at("t9", &["2"]), &at("t9", &["2"]), &renames),
        [""; 0]
    );
    assert_eq!(
        asked(&at("t1", &["2"]), &at("t9", &["4"]), &renames),
        [
            "partition `t9` of table `a` is `renamed_from = \"t2\"`, and the sealed table has no such partition; \
             correct it, or leave it out"
        ]
    );
    // The same rows, written otherwise.
    for values in [&["3", "2"], &["02", "3.0"]] {
        let pairs = migrations(&old, &at("t2", values), &none, &Settings::default());
        assert_eq!(pairs.map(|pairs| pairs.len()), Ok(0), "{values:?}");
    }
}
