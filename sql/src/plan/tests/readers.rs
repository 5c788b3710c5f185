//! What a change of one table does to the policies of others that read it.

use super::access::open;
use super::*;
use crate::schema::Lookup;

/// A table of banned people, which some predicate reads, a second one that another reads, and what is told of the
/// change of the first one's policy.
fn told_of_readers(was: &str, is: &str, reader: &str, second: &str) -> Vec<String> {
    let tables = ["banned", "notes"].map(|table| QualifiedName::new("public", table));
    let read = |sql: &str| {
        let read = tables
            .iter()
            .filter(|table| sql.contains(&table.to_string()));
        read.map(Into::into).collect()
    };
    let policy = |sql: &str| Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(Expr {
            tables: read(sql),
            ..Expr::new(sql, ["level"])
        }),
        check: None,
    };
    let with = |policy| Table {
        rls: Rls::Enabled(BTreeMap::from([("see".to_owned(), policy)])),
        ..open()
    };
    let side = |rule: &str| {
        let mut schema = schema(with(policy(reader)));
        for (name, policy) in [("banned", policy(rule)), ("threads", policy(second))] {
            let name = QualifiedName::new("public", name);
            schema.tables.insert(name, with(policy));
        }
        schema
    };
    let pairs = migrations(
        &side(was),
        &side(is),
        &Renames::default(),
        &Settings::default(),
    );
    let pairs = pairs.expect("no question");
    let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
    let told = hazards.map(|hazard| hazard.to_string());
    let mut told: Vec<String> = told
        .filter(|told| told.ends_with(": policy see on public.banned changes"))
        .collect();
    told.sort();
    told
}

#[test]
fn who_reads_what_a_policy_hides_from_now_on_may_let_more_through() {
    let banned = "shop = any (array(select b.shop from public.banned b where b.level = 1))";
    let notes = "shop = any (array(select n.shop from public.notes n where n.level = 1))";
    let (more, fewer) = ("level > 0", "level > 5");
    let wider = |table: &str| {
        format!("widens-access: policy see on public.{table}: policy see on public.banned changes")
    };
    let none: [String; 0] = [];
    let not = |of: &str| format!("level > 0 and not {of}");
    assert_eq!(told_of_readers(more, fewer, banned, notes), none);
    assert_eq!(told_of_readers(more, more, &not(banned), notes), none);
    assert_eq!(
        told_of_readers(more, fewer, &not(banned), "level > 0"),
        [wider("notes")]
    );
    // What it shows, and what it hides, others read in turn.
    let both = [wider("notes"), wider("threads")];
    assert_eq!(told_of_readers(more, fewer, &not(banned), notes), both);
    assert_eq!(told_of_readers(fewer, more, banned, notes), both);
    assert_eq!(
        told_of_readers(more, fewer, banned, &not(notes)),
        [wider("threads")]
    );
}

/// Notes whose raw policy reads another table, written so, which has a column of that type and a policy of that rule.
fn raw_reader(table: &QualifiedName, written: &str, ty: Type, rule: &str) -> Schema {
    let sql = format!("not shop = any (array(select b.shop from {written} b where b.level = 1))");
    let reader = crate::raw::expression(&sql, "notes", &["shop", "level"]).expect("SQL");
    let policy = |using| Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(using),
        check: None,
    };
    let with = |using| Table {
        rls: Rls::Enabled(BTreeMap::from([("see".to_owned(), policy(using))])),
        ..open()
    };
    let mut schema = schema(with(reader));
    let mut read = with(Expr::new(rule, ["level"]));
    read.columns[0].ty = ty;
    schema.tables.insert(table.clone(), read);
    schema
}

#[test]
fn a_table_is_known_however_raw_sql_writes_its_name() {
    for (schema, name, spellings) in [
        ("public", "user", vec!["\"user\"", "PUBLIC.user"]),
        ("public", "Banned", vec!["\"Banned\"", "public.\"Banned\""]),
        ("public", "banned", vec!["Banned", "Public.\"banned\""]),
        (
            "public",
            "odd.name",
            vec!["\"odd.name\"", "public.\"odd.name\""],
        ),
        ("public", "odd\"name", vec!["\"odd\"\"name\""]),
        ("Own", "order", vec!["\"order\"", "\"Own\".\"order\""]),
        ("a.b", "c", vec!["c", "\"a.b\".c"]),
    ] {
        let table = QualifiedName::new(schema, name);
        for written in spellings {
            let side = |ty, rule| raw_reader(&table, written, ty, rule);
            let from = side(Type::Text, "level > 0");
            let told = |to: &Schema| {
                let pairs = migrations(&from, to, &Renames::default(), &Settings::default());
                let pairs = pairs.expect("no question");
                let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
                let told: Vec<String> = hazards.map(|hazard| hazard.to_string()).collect();
                let body: String = pairs.iter().map(|pair| pair.up.body()).collect();
                (told, body)
            };
            let reader = "widens-access: policy see on public.notes: ";
            let (narrowed, _) = told(&side(Type::Text, "level > 5"));
            let by = format!("{reader}policy see on {table} changes");
            assert!(narrowed.contains(&by), "{written}: {narrowed:?}");
            let (retyped, body) = told(&side("citext".parse().expect("a type"), "level > 0"));
            let by = format!("{reader}column {table}.shop changes");
            assert!(retyped.contains(&by), "{written}: {retyped:?}");
            assert!(body.contains("drop policy see on public.notes"), "{body}");
            // The same text is about another table: PostgreSQL goes on reading what had the name.
            let mut replaced = from.clone();
            let read = replaced.tables.remove(&table).expect("the table");
            let moved = QualifiedName::new(schema, "People");
            replaced.tables.insert(moved.clone(), read);
            let hints = TableRenames {
                from: Some(table.clone()),
                ..TableRenames::default()
            };
            let renames = Renames {
                tables: BTreeMap::from([(moved, hints)]),
            };
            let pairs = migrations(&from, &replaced, &renames, &Settings::default());
            let pairs = pairs.expect("no question");
            let body: String = pairs.iter().map(|pair| pair.up.body()).collect();
            assert!(body.contains("alter policy see on public.notes"), "{body}");
        }
    }
}

#[test]
fn who_reads_what_a_column_changes_is_told_to_the_end() {
    let read = |table: &str| {
        format!("shop = any (array(select o.shop from public.{table} o where o.level > 0))")
    };
    let policy = |sql: String, command, of: &str| {
        let mut using = Expr::new(sql, ["shop"]);
        using
            .tables
            .extend((!of.is_empty()).then(|| QualifiedName::new("public", of).into()));
        Policy {
            command: Some(command),
            restrictive: false,
            roles: BTreeSet::from(["app".to_owned()]),
            using: Some(using),
            check: None,
        }
    };
    let side = |collation: Option<&str>| {
        let mut schema = Schema::default();
        for (table, sql, of, command) in [
            ("one", "shop = 'x'".to_owned(), "", Command::Select),
            (
                "two",
                format!("{} or {}", read("one"), read("three")),
                "one",
                Command::Select,
            ),
            ("three", read("two"), "two", Command::Select),
            (
                "four",
                format!("not {}", read("three")),
                "three",
                Command::Select,
            ),
            ("five", read("four"), "four", Command::Delete),
            ("six", read("five"), "five", Command::Select),
        ] {
            let mut table_of = open();
            let mut policy = policy(sql, command, of);
            if table == "two" {
                let using = policy.using.as_mut().expect("an expression");
                using
                    .tables
                    .insert(QualifiedName::new("public", "three").into());
            }
            table_of.rls = Rls::Enabled(BTreeMap::from([("see".to_owned(), policy)]));
            if table == "one" {
                table_of.columns[0].collation = collation.map(str::to_owned);
            }
            schema
                .tables
                .insert(QualifiedName::new("public", table), table_of);
        }
        schema
    };
    let (from, to) = (side(Some("ci")), side(None));
    for (from, to) in [(&from, &to), (&to, &from)] {
        let pairs = migrations(from, to, &Renames::default(), &Settings::default());
        let pairs = pairs.expect("no question");
        let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
        let mut told: Vec<String> = hazards.map(|hazard| hazard.to_string()).collect();
        told.retain(|it| it.starts_with("widens-access: "));
        told.sort();
        // What a policy lets somebody delete, nobody reads through it.
        let of = ["five", "four", "one", "three", "two"];
        let of = of.map(|table| {
            format!("widens-access: policy see on public.{table}: column public.one.shop changes")
        });
        assert_eq!(told, of);
    }
}

#[test]
fn rows_that_go_with_a_partition_are_rows_that_nobody_sees() {
    let banned = QualifiedName::new("public", "banned");
    let told = |sql: &str, by_function: bool| {
        let side = |partitions: &[&str]| {
            let mut schema = raw_reader(&banned, "public.banned", Type::Text, "level > 0");
            let notes = schema.tables.get_mut(&name()).expect("notes");
            let mut reader = crate::raw::expression(sql, "notes", &["shop", "level"]).expect("SQL");
            if by_function {
                let lookup = Lookup {
                    query: "select b.shop from public.banned b where b.level = 1".into(),
                    returns: Type::Text,
                    table: banned.clone(),
                };
                let function = lookup.name("public", "banned", "shop");
                reader.lookups.insert(function, lookup);
            }
            if let Rls::Enabled(policies) = &mut notes.rls {
                let policy = policies.values_mut().next().expect("a policy");
                policy.using = Some(reader);
            }
            let table = schema.tables.get_mut(&banned).expect("the table");
            table.partition_by = Some(PartitionBy {
                strategy: PartitionStrategy::List,
                columns: vec!["shop".into()],
            });
            let values = |shop: &&str| Partition::List(vec![format!("'{shop}'")]);
            let partitions = partitions.iter().map(|it| (format!("of_{it}"), values(it)));
            table.partitions = partitions.collect();
            schema
        };
        let (from, to) = (side(&["a", "b"]), side(&["b"]));
        let pairs = migrations(&from, &to, &Renames::default(), &Settings::default());
        let pairs = pairs.expect("no question");
        let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
        let told = hazards.map(|hazard| hazard.to_string());
        told.filter(|told| told.starts_with("widens-access: "))
            .collect::<Vec<_>>()
    };
    let member = "shop = any (array(select b.shop from public.banned b where b.level = 1))";
    let wider = "widens-access: policy see on public.notes: partition public.of_a goes";
    for by_function in [false, true] {
        assert_eq!(told(member, by_function), [""; 0]);
        assert_eq!(told(&format!("not {member}"), by_function), [wider]);
    }
}

#[test]
fn nothing_is_claimed_of_what_a_view_reads() {
    let banned = QualifiedName::new("public", "banned");
    let side = |rule| raw_reader(&banned, "public.who_is_banned", Type::Text, rule);
    let pairs = migrations(
        &side("level > 0"),
        &side("level > 5"),
        &Renames::default(),
        &Settings::default(),
    );
    let pairs = pairs.expect("no question");
    let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
    let told: Vec<String> = hazards.map(|hazard| hazard.to_string()).collect();
    assert!(
        !told.iter().any(|it| it.contains("public.notes")),
        "{told:?}"
    );
}
