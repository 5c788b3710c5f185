//! Branches that sealed in the same second.

use super::super::tests::{schema, seal};
use super::tests::{base, chain, conflict, union};
use super::*;
use crate::schema::QualifiedName;

/// Two branches that sealed in the same second: the left one twice, and it drops a column.
fn twins() -> (Lock, Lock) {
    let (mut left, mut right) = (base(), base());
    let second = "20260202000000";
    seal(&mut left, second, "l1", schema(&["id", "b"])).unwrap();
    let columns = ["id", "b", "left"];
    seal(&mut left, "20260202000001", "l2", schema(&columns)).unwrap();
    let columns = ["id", "a", "b", "right"];
    seal(&mut right, second, "r1", schema(&columns)).unwrap();
    (left, right)
}

#[test]
fn branches_sealed_in_the_same_second_are_told_apart() {
    let (left, right) = twins();
    for text in [
        union(&left, &right),
        union(&right, &left),
        conflict(&left, &right),
        conflict(&right, &left),
    ] {
        assert!(Lock::parse(&text).is_err());
        let lock = Lock::merged(&text).unwrap();
        let key = |lock: &Lock, name: &str| {
            let found = lock.migrations.iter().find(|(_, it)| it.name == name);
            found.map(|(key, _)| key.clone()).unwrap()
        };
        let (l1, r1) = (key(&lock, "l1"), key(&lock, "r1"));
        assert_eq!(lock.migrations[&l1].file_name(&l1), "20260202000000_l1.sql");
        assert_eq!(lock.migrations[&r1].file_name(&r1), "20260202000000_r1.sql");
        for (applied, kept, moved) in [
            (&l1, vec!["base", "l1", "l2"], vec!["r1"]),
            (&r1, vec!["base", "r1"], vec!["l1", "l2"]),
        ] {
            let mut lock = lock.clone();
            let on = BTreeMap::from([(applied.clone(), BTreeSet::from(["production".into()]))]);
            let order = lock.order(&on).unwrap();
            let names = |keys: &[String]| -> Vec<String> {
                keys.iter()
                    .map(|key| lock.migrations[key].name.clone())
                    .collect()
            };
            assert_eq!((names(&order.kept), names(&order.moved)), {
                let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
                (own(kept), own(moved))
            });
            chain(&mut lock, &text, &order);
            let columns = lock.schema.tables.values().next().unwrap().columns.iter();
            let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
            assert_eq!(columns, ["id", "b", "left", "right"]);
            assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
        }
    }
}

/// What a merge has made of two branches whose migrations all have the same versions, as where both sealed behind
/// one that lies in the future: nothing tells which of them follows which but their checksums.
#[test]
fn branches_of_several_migrations_with_the_same_versions_are_told_apart() {
    let sealed = |name: &str, schemas: &[Schema]| {
        let mut lock = base();
        for (number, schema) in schemas.iter().enumerate() {
            let version = format!("2026020200000{number}");
            seal(
                &mut lock,
                &version,
                &format!("{name}{number}"),
                schema.clone(),
            )
            .unwrap();
        }
        lock
    };
    let none = Schema {
        tables: BTreeMap::new(),
        ..schema(&["id"])
    };
    let mut more = schema(&["id", "a", "b"]);
    let table = more.tables.values().next().unwrap().clone();
    let other = QualifiedName::new("public", "other");
    more.tables.insert(other.clone(), table);
    let again = Schema {
        external_schemas: BTreeSet::from(["x".to_owned()]),
        ..none.clone()
    };
    let left = sealed("l", &[none.clone(), again]);
    let right = sealed(
        "r",
        &[more.clone(), {
            let mut more = more.clone();
            more.tables.get_mut(&other).unwrap().columns.remove(1);
            more
        }],
    );
    for text in [
        union(&left, &right),
        union(&right, &left),
        conflict(&left, &right),
        conflict(&right, &left),
    ] {
        let lock = Lock::merged(&text).unwrap();
        assert_eq!(lock.schema.tables.keys().collect::<Vec<_>>(), [&other]);
        for applied in ["l0", "r0"] {
            let mut lock = lock.clone();
            let first = lock.migrations.iter().find(|(_, it)| it.name == applied);
            let first = first.map(|(key, _)| key.clone()).unwrap();
            let on = BTreeMap::from([(first, BTreeSet::from(["production".into()]))]);
            let order = lock.order(&on).unwrap();
            let names: Vec<&str> = order
                .kept
                .iter()
                .chain(&order.moved)
                .map(|key| &*lock.migrations[key].name)
                .collect();
            let (one, two) = match applied {
                "l0" => (["l0", "l1"], ["r0", "r1"]),
                _ => (["r0", "r1"], ["l0", "l1"]),
            };
            assert_eq!(names, [&["base"][..], &one, &two].concat());
            chain(&mut lock, &text, &order);
            assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
        }
    }
}

#[test]
fn three_branches_of_one_second_are_told_apart() {
    let second = "20260202000000";
    let sealed = |name: &str, columns: &[&str]| {
        let mut lock = base();
        seal(&mut lock, second, name, schema(columns)).unwrap();
        lock
    };
    let mut one = sealed("one", &["id", "b"]);
    seal(
        &mut one,
        "20260202000001",
        "more",
        schema(&["id", "b", "c"]),
    )
    .unwrap();
    let two = sealed("two", &["id", "a", "b", "d"]);
    let three = sealed("three", &["id", "a", "b", "e"]);
    let locks = [&one, &two, &three];
    for [x, y, z] in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let text = format!("{}{}", union(locks[x], locks[y]), locks[z].to_text());
        let mut lock = Lock::merged(&text).unwrap();
        let order = lock.order(&BTreeMap::new()).unwrap();
        assert_eq!(order.kept.len() + order.moved.len(), 5);
        chain(&mut lock, &text, &order);
        let names: BTreeSet<&str> = lock
            .migrations
            .values()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(
            names,
            BTreeSet::from(["base", "more", "one", "three", "two"])
        );
        let columns = lock.schema.tables.values().next().unwrap().columns.iter();
        let columns: BTreeSet<&str> = columns.map(|column| column.name.as_str()).collect();
        assert_eq!(columns, BTreeSet::from(["id", "b", "c", "d", "e"]));
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
    }
}

#[test]
fn one_second_and_one_name_are_refused() {
    let (mut left, mut right) = (base(), base());
    for (lock, columns) in [(&mut left, ["id", "l"]), (&mut right, ["id", "r"])] {
        seal(lock, "20260202000000", "same", schema(&columns)).unwrap();
    }
    let error = Lock::merged(&union(&left, &right)).unwrap_err().to_string();
    assert!(
        error.contains("in the same second under the same name; take one of the branches back"),
        "{error}"
    );
}
