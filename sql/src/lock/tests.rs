use super::*;
use crate::file::Document;
use crate::schema::{
    Check, Column, Command, Deferrable, Exclusion, ExclusionElement, Expr, Extension, External,
    ForeignKey, Index, IndexColumn, PartitionBy, PartitionStrategy, Policy, PrimaryKey,
    QualifiedName, Rls, Role, Table, Type, Unique,
};

pub(super) fn schema(columns: &[&str]) -> Schema {
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

fn pair(version: &str, up: &str, schema: Option<String>) -> NewPair {
    NewPair {
        version: version.into(),
        up: Document::parse(up).unwrap(),
        down: Document::parse("-- back\n").unwrap(),
        schema,
    }
}

/// Seals one pair.
pub(super) fn seal(
    lock: &mut Lock,
    version: &str,
    name: &str,
    schema: Schema,
) -> Result<Vec<[String; 2]>, LockError> {
    let checksum = schema_checksum(&schema);
    let pair = pair(version, &format!("select '{name}';\n"), Some(checksum));
    lock.seal(name, vec![pair], schema)
}

fn lock() -> Lock {
    let mut lock = Lock::default();
    seal(&mut lock, "20260101000000", "first", schema(&["id"])).unwrap();
    seal(
        &mut lock,
        "20260101000001",
        "second",
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
    let pairs = [["up\n", "down\n"], ["up 2\n", "down 2\n"]];
    let draft = Draft::new(parent, read.schema.clone(), pairs);
    let first = draft.pairs().next().unwrap().1;
    assert!(first.matches("up\r\n", "down") && !first.matches("up\n", "up\n"));
    let text = draft.to_text();
    let parent = draft.parent.clone();
    assert_eq!(
        Draft::text_of(
            parent,
            &SchemaFacts::of(&read.schema),
            draft.pairs().map(|(_, pair)| pair.clone())
        ),
        text
    );
    assert_eq!(Draft::parse(&text), Ok(draft));
    for (what, with) in [("pairs.2.", "pairs.3."), ("pairs.2.down", "pairs.1.down")] {
        let other = text.replace(what, with);
        assert!(other != text && Draft::parse(&other).is_err(), "{other}");
    }
    assert_eq!(draft_files(1), ["draft.sql", "draft.rollback.sql"]);
    assert_eq!(draft_files(2), ["draft.2.sql", "draft.2.rollback.sql"]);
}

fn refused(change: impl Fn(&str) -> String) -> String {
    let text = lock().to_text();
    let changed = change(&text);
    assert_ne!(changed, text);
    Lock::parse(&changed).unwrap_err().to_string()
}

#[test]
fn a_changed_lock_is_refused() {
    let said = refused(|text| text.replace("\"second\"", "\"2nd\""));
    assert!(
        said.contains("migration `20260101000001` is not what was sealed; restore the file"),
        "{said}"
    );
    let said = refused(|text| {
        let is_first = |line: &&str| line.starts_with("migrations.20260101000000.");
        let rest: Vec<&str> = text.lines().filter(|line| !is_first(line)).collect();
        rest.join("\n")
    });
    assert!(
        said.starts_with("migration `20260101000001` is the first, and yet names one before it"),
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
fn a_fact_that_the_format_does_not_know_is_named_by_line() {
    let text = lock().to_text();
    let link = text.lines().nth(1).unwrap();
    let (link, _) = link.split_at("migrations.20260101000000.".len() + 12);
    for (fact, above) in [
        ("zzz.foo = 1", "schema."),
        (&*format!("{link}.zzz = 1"), "schema."),
        (&*format!("{link}.up.zzz = 1"), "schema."),
    ] {
        let (before, after) = text.split_at(text.find(above).unwrap());
        let error = Lock::parse(&format!("{before}{fact}\n{after}")).unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains(
                "says `zzz`, which this version of tabellion does not know; update tabellion"
            ),
            "{said}"
        );
        assert_eq!(error.line(), Some(before.lines().count() + 1), "{said}");
    }
}

/// One table with every object that has facts of its own.
fn rich() -> Schema {
    let mut schema = schema(&["id", "z"]);
    let table = schema.tables.values_mut().next().unwrap();
    let expr = || Expr::new("z > 0", ["z"]);
    table.columns[1].computed = Some(expr());
    table.checks.insert("c".into(), Check::new(expr()));
    let index = Index::new([IndexColumn::new("z")]);
    table.indexes.insert("i".into(), index);
    let key = ForeignKey::new(["z"], QualifiedName::new("public", "order"), ["id"]);
    table.foreign_keys.insert("f".into(), key);
    table.uniques.insert(
        "u".into(),
        Unique {
            columns: vec!["z".into()],
            ..Unique::default()
        },
    );
    let element = ExclusionElement {
        column: IndexColumn::new("z"),
        operator: "&&".into(),
    };
    table.exclusions.insert(
        "e".into(),
        Exclusion {
            method: "gist".into(),
            elements: vec![element],
            predicate: Some(expr()),
            deferrable: Deferrable::default(),
        },
    );
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["shop user".into()]),
        using: Some(expr()),
        check: None,
    };
    table.rls = Rls::Enabled(BTreeMap::from([("p".into(), policy)]));
    let by = PartitionBy {
        strategy: PartitionStrategy::Hash,
        columns: vec!["id".into()],
    };
    table.partition_by = Some(by);
    schema
        .extensions
        .insert("btree_gist".into(), Extension::default());
    let external = External {
        source: "auth::User".into(),
        columns: vec![Column::new("id", Type::Uuid)],
        keys: Vec::new(),
    };
    let users = QualifiedName::new("auth", "users");
    schema.externals.insert(users, external);
    schema
}

#[test]
fn no_fact_of_a_schema_is_dropped_without_a_word() {
    let text = schema_text(&rich());
    let mut tried = BTreeSet::new();
    for line in text.lines().skip(1) {
        let (path, value) = line.split_once(" = ").unwrap();
        let (segments, _) = facts::fact(line).unwrap();
        let mut above = String::new();
        for segment in &segments[..segments.len() - 1] {
            above.push_str(&format!("{}.", facts::segment(segment)));
            tried.insert(format!("{text}{above}zzz = 1\n"));
        }
        for (at, _) in value.match_indices('{') {
            let more = format!("{}{{\"zzz\":1,{}", &value[..at], &value[at + 1..]);
            tried.insert(text.replace(line, &format!("{path} = {more}")));
        }
    }
    assert!(tried.len() > 20);
    for text in tried {
        if let Ok(known) = read::<Schema>(&text, "schema") {
            panic!("of {text}\nstays {}", schema_text(&known));
        }
    }
}

#[test]
fn a_lock_of_a_newer_version_is_refused_merged_or_not() {
    let text = lock().to_text();
    let newer = text.replace(
        "schema.tables.\"public.\\\"order\\\"\".columns.z.position",
        "schema.tables.\"public.\\\"order\\\"\".columns.z.compression = \"lz4\"\n\
         schema.tables.\"public.\\\"order\\\"\".columns.z.position",
    );
    assert_ne!(text, newer);
    let line = newer.lines().position(|it| it.contains("lz4"));
    let expected = format!(
        "line {} says `compression`, which this version of tabellion does not know; update tabellion, or restore \
         the file from version control",
        line.unwrap() + 1
    );
    for said in [Lock::parse(&newer), Lock::merged(&newer)] {
        assert_eq!(said.unwrap_err().to_string(), expected);
    }
    let draft = Draft::new(None, schema(&["id"]), [["up\n", "down\n"]]).to_text();
    for known in ["schema.", "pairs.1.", "parent"] {
        let newer = format!("{draft}{}zzz = 1\n", known.replace("parent", ""));
        let said = Draft::parse(&newer).unwrap_err().to_string();
        assert!(said.contains("says `zzz`, which this version"), "{said}");
    }
}

#[test]
fn two_branches_that_both_sealed_are_told() {
    let mut one = lock();
    let mut two = Lock::parse(&one.to_text()).unwrap();
    seal(&mut one, "20260201000000", "left", schema(&["id", "l"])).unwrap();
    seal(&mut two, "20260202000000", "right", schema(&["id", "r"])).unwrap();
    one.migrations.extend(two.migrations);
    let said = Lock::parse(&one.to_text()).unwrap_err().to_string();
    assert!(
        said.contains("`20260201000000` and `20260202000000` were both sealed"),
        "{said}"
    );
}

#[test]
fn two_branches_that_sealed_in_one_second_are_told() {
    let (mut one, mut two) = (lock(), lock());
    seal(&mut one, "20260201000000", "left", schema(&["id", "l"])).unwrap();
    seal(&mut two, "20260201000000", "right", schema(&["id", "r"])).unwrap();
    let (one, two) = (one.to_text(), two.to_text());
    let more = two.lines().filter(|line| !one.contains(line));
    let more: Vec<&str> = more
        .filter(|line| line.starts_with("migrations."))
        .collect();
    let said = Lock::parse(&format!("{one}{}", more.join("\n")))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("_left.sql`")
            && said.contains("_right.sql`")
            && said.contains("`cargo tabellion reseal`"),
        "{said}"
    );
}

#[test]
fn a_version_comes_after_the_last() {
    let mut lock = lock();
    for version in ["20260101000001", "2027", "2027010100000x"] {
        assert!(
            seal(&mut lock, version, "x", schema(&["id"])).is_err(),
            "{version}"
        );
    }
}

#[test]
fn a_seal_of_several_is_a_chain_and_keeps_what_it_says() {
    let mut lock = lock();
    let after = schema(&["id", "z"]);
    let checksum = schema_checksum(&after);
    let up = "-- tabellion: loses-data: column public.\"order\".a: dropped\n\
              -- tabellion: accepted: column public.\"order\".a: never read\n\nselect 1;\n";
    let pairs = vec![
        pair("20260102000000", up, None),
        pair("20260102000001", "select 3;\n", Some(checksum)),
    ];
    let texts = lock.seal("two", pairs, after).unwrap();
    let first = &lock.migrations["20260102000000"];
    assert_eq!(
        first.losses().collect::<Vec<_>>(),
        ["column public.\"order\".a: dropped"]
    );
    assert_eq!(first.accepted["column public.\"order\".a"], "never read");
    let second = &lock.migrations["20260102000001"];
    let parent = first.checksum("20260102000000");
    assert!(texts[1][1].contains(&format!("-- tabellion: parent {parent}\n")));
    assert!(second.up.matches(&texts[1][0]) && first.down.matches(&texts[0][1]));
    assert_eq!(second.parent, Some(parent));
    assert!(
        second.gone.iter().all(|fact| fact.contains(".columns.a.")) && second.gone.len() > 1,
        "{:?}",
        second.gone
    );
    assert_eq!(Lock::parse(&lock.to_text()), Ok(lock.clone()));

    seal(
        &mut lock,
        "20260103000000",
        "again",
        schema(&["id", "z", "a"]),
    )
    .unwrap();
    let third = &lock.migrations["20260103000000"];
    assert_eq!(third.back, lock.migrations["20260102000001"].gone);
    assert!(third.gone.is_empty());

    let before = lock.clone();
    let late = |up| pair("20260104000000", up, None);
    let late = vec![late("select 1;\n"), late("select 2;\n")];
    assert!(lock.seal("twice", late, schema(&["id"])).is_err());
    assert_eq!(lock, before);
}

#[test]
fn a_lock_knows_where_extensions_have_lain() {
    let mut lock = Lock::default();
    let homes = [Some("one"), Some("My \"two\""), None, Some("three")];
    for (number, home) in homes.into_iter().enumerate() {
        let mut schema = schema(&["id"]);
        let citext = home.map(|home| Extension {
            schema: Some(home.into()),
        });
        schema
            .extensions
            .insert("uuid-ossp".into(), citext.unwrap_or_default());
        seal(&mut lock, &format!("2026010200000{number}"), "move", schema).unwrap();
    }
    let known = lock.homes();
    assert_eq!(known.iter().collect::<Vec<_>>(), ["My \"two\"", "one"]);
}
