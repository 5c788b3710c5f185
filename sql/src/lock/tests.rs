use super::*;
use crate::schema::{Column, Expr, PrimaryKey, QualifiedName, Rls, Role, Table, Type};

fn schema(columns: &[&str]) -> Schema {
    let table = Table {
        comment: Some("One order.\nWith \"quotes\".".into()),
        columns: columns
            .iter()
            .map(|name| Column {
                nullable: true,
                ..Column::new(*name, Type::Array(Box::new(Type::Text)))
            })
            .collect(),
        primary_key: Some(PrimaryKey {
            name: "orders_pkey".into(),
            columns: vec![columns[0].into()],
            ..PrimaryKey::default()
        }),
        checks: BTreeMap::from([(
            "a".into(),
            crate::schema::Check::new(Expr::new("id is not null", ["id"])),
        )]),
        rls: Rls::Enabled(BTreeMap::new()),
        ..Table::new("shop::Order")
    };
    Schema {
        roles: BTreeMap::from([("shop user".into(), Role::Created)]),
        tables: BTreeMap::from([(QualifiedName::new("public", "order"), table)]),
        ..Schema::default()
    }
}

fn lock() -> Lock {
    let mut lock = Lock::default();
    let none = || (Vec::new(), None);
    lock.seal(
        "20260101000000",
        "first",
        ("up\n", "down\n"),
        none(),
        schema(&["id"]),
    )
    .unwrap();
    lock.seal(
        "20260101000001",
        "second",
        ("up 2\n", "down 2\n"),
        none(),
        schema(&["id", "z", "a"]),
    )
    .unwrap();
    lock
}

#[test]
fn a_lock_survives_its_text() {
    let text = lock().to_text();
    assert!(
        text.contains("schema.tables.\"public.\\\"order\\\"\".columns.z.position = 2\n"),
        "{text}"
    );
    assert!(
        text.contains("schema.roles.\"shop user\" = \"created\"\n"),
        "{text}"
    );
    let sorted: Vec<_> = text
        .lines()
        .skip(1)
        .map(|l| l.split(" = ").next())
        .collect();
    assert!(sorted.is_sorted(), "{text}");
    let read = Lock::parse(&text).unwrap();
    assert_eq!(read, lock());
    assert_eq!(read.to_text(), text);
    assert_eq!(Lock::parse(&text.replace('\n', "\r\n")), Ok(lock()));
    assert_eq!(Lock::parse(&Lock::default().to_text()), Ok(Lock::default()));
    let parent = read.head().map(|head| head.checksum);
    let draft = Draft::new(parent, read.schema, "up\n", "down\n");
    assert!(draft.matches("up\r\n", "down") && !draft.matches("up\n", "up\n"));
    assert_eq!(Draft::parse(&draft.to_text()), Ok(draft));
}

fn refused(change: impl Fn(&str) -> String) -> String {
    let text = lock().to_text();
    let changed = change(&text);
    assert_ne!(changed, text);
    Lock::parse(&changed).unwrap_err().to_string()
}

#[test]
fn a_changed_lock_is_refused() {
    let said = refused(|text| {
        text.replace("\"second\"", "\"2nd\"")
            .replace("\"first\"", "\"1st\"")
    });
    assert!(
        said.starts_with("migration `20260101000001` does not follow"),
        "{said}"
    );
    let said = refused(|text| text.replace("position = 2", "position = 4"));
    assert!(
        said.contains("not the one that the last migration led to"),
        "{said}"
    );
    let said = refused(|text| text.replace("tabellion-lock 1", "tabellion-lock 2"));
    assert!(
        said.contains("names format 2") && said.contains("update tabellion"),
        "{said}"
    );
    let said = refused(|_| String::new());
    assert!(said.contains("is not `tabellion-lock 1`"), "{said}");
    let said = refused(|text| text.replace("tabellion-lock 1", "<<<<<<< HEAD\ntabellion-lock 1"));
    assert!(said.starts_with("line 1 holds a merge conflict"), "{said}");
}

#[test]
fn facts_that_do_not_fit_are_named_by_line() {
    let text = lock().to_text();
    let dropped: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains(".rls."))
        .collect();
    let error = Lock::parse(&dropped.join("\n")).unwrap_err();
    let line = dropped
        .iter()
        .position(|l| l.starts_with("schema.tables."))
        .unwrap()
        + 1;
    assert_eq!(error.line(), Some(line), "{error}");
    assert!(error.to_string().contains("missing field `rls`"), "{error}");
}

#[test]
fn two_branches_that_both_sealed_are_told() {
    let mut one = lock();
    let mut two = Lock::parse(&one.to_text()).unwrap();
    let none = || (Vec::new(), None);
    one.seal(
        "20260201000000",
        "left",
        ("l", "l"),
        none(),
        schema(&["id", "l"]),
    )
    .unwrap();
    two.seal(
        "20260202000000",
        "right",
        ("r", "r"),
        none(),
        schema(&["id", "r"]),
    )
    .unwrap();
    one.migrations.extend(two.migrations);
    let said = Lock::parse(&one.to_text()).unwrap_err().to_string();
    assert!(
        said.contains("`20260201000000` and `20260202000000` were both sealed"),
        "{said}"
    );
}

#[test]
fn a_version_comes_after_the_last() {
    let mut lock = lock();
    for version in ["20260101000001", "2027", "2027010100000x"] {
        let none = (Vec::new(), None);
        assert!(
            lock.seal(version, "x", ("", ""), none, schema(&["id"]))
                .is_err(),
            "{version}"
        );
    }
}
