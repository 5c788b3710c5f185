//! Changes after which the catalog must be what a new database has, at each pair of files, there and back.

use std::collections::{BTreeMap, BTreeSet};

use tabellion::testing::Server;
use tabellion_sql::plan::{Hazard, Settings, migrations};
use tabellion_sql::schema::{
    Check, Command, Expr, Extension, Index, IndexColumn, Partition, PartitionBy, PartitionStrategy,
    Platform, Policy, PrimaryKey, QualifiedName, Renames, Rls, Role, Schema, Table, TableRenames,
    Type, Unique,
};
use tokio_postgres::Client;

use super::sample::{ROLE, column, name};
use super::{connect, follow, role, run, snapshot};

fn schema(tables: Vec<(QualifiedName, Table)>) -> Schema {
    Schema {
        roles: BTreeMap::from([(ROLE.to_owned(), Role::External)]),
        tables: tables.into_iter().collect(),
        ..Schema::default()
    }
}

/// Runs each pair there, back and there again, and all of them back in the end; gives where extensions lay at each.
async fn walk(from: &Schema, to: &Schema, renames: &Renames) -> Vec<String> {
    let server = Server::shared().expect("a server");
    let (lived, fresh) = (server.database().await, server.database().await);
    let (lived, fresh) = (lived.expect("a database"), fresh.expect("a database"));
    let (lived, fresh) = (connect(lived.url()).await, connect(fresh.url()).await);
    for roles in [super::ROLES, &role()] {
        lived.batch_execute(roles).await.expect("the roles");
    }
    run(&fresh, "the second", &Schema::default(), to).await;
    run(&lived, "the first", &Schema::default(), from).await;
    let mut states = vec![snapshot(&lived).await];
    let mut places = vec![extensions(&lived).await];
    let pairs = migrations(from, to, renames, &Settings::default()).expect("no question");
    for pair in &pairs {
        let before = states.last().expect("a state");
        let up = std::slice::from_ref(&pair.up);
        let there = follow(&lived, up).await.expect("the way there");
        let back = follow(&lived, std::slice::from_ref(&pair.down)).await;
        assert_eq!(before.diff(&back.expect("the way back")), [], "down");
        assert_eq!(places.last(), Some(&extensions(&lived).await), "down");
        let again = follow(&lived, up).await.expect("the way there");
        assert_eq!(there.diff(&again), [], "up again");
        states.push(there);
        places.push(extensions(&lived).await);
    }
    let last = states.pop().expect("a state");
    assert_eq!(snapshot(&fresh).await.diff(&last), [], "all pairs up");
    for (pair, before) in pairs.iter().zip(&states).rev() {
        let back = follow(&lived, std::slice::from_ref(&pair.down)).await;
        assert_eq!(before.diff(&back.expect("the way back")), [], "all down");
    }
    assert_eq!(places[0], extensions(&lived).await, "all down");
    places
}

/// The extensions of a database, each with the schema that it lies in.
async fn extensions(client: &Client) -> String {
    let query = "select string_agg(concat_ws(' in ', e.extname, n.nspname), ', ' order by e.extname)
        from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'";
    let row = client.query_one(query, &[]).await.expect("the extensions");
    row.get::<_, Option<String>>(0).unwrap_or_default()
}

/// Notes of teams, which a policy shows to the members of each.
fn of_teams(team: &str) -> Schema {
    let members = name("public", "members");
    let mut using = Expr::new(
        format!(
            "team = any (array(select m.{team} from {members} m where m.owner = \
             (select current_setting('app.user', true)) and m.owner > ''))"
        ),
        ["team"],
    );
    using.tables.insert((&members).into());
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from([ROLE.to_owned()]),
        using: Some(using),
        check: None,
    };
    let notes = Table {
        columns: vec![column("team", Type::Int8)],
        rls: Rls::Enabled(BTreeMap::from([("see".into(), policy)])),
        ..Table::new("shop::Note")
    };
    let owners = Table {
        columns: vec![column(team, Type::Int8), column("owner", Type::Text)],
        ..Table::new("shop::Member")
    };
    schema(vec![(members, owners), (name("public", "notes"), notes)])
}

#[tokio::test]
async fn what_a_membership_selects_is_renamed_and_leaves_no_trace() {
    let hints = TableRenames {
        columns: BTreeMap::from([("crew".into(), "team".into())]),
        ..TableRenames::default()
    };
    let renames = Renames {
        tables: BTreeMap::from([(name("public", "members"), hints)]),
    };
    walk(&of_teams("team"), &of_teams("crew"), &renames).await;
}

#[tokio::test]
async fn a_partition_that_comes_with_a_check_is_as_valid_as_the_others() {
    let events = |partitions: &[i32], check: bool| {
        let mut table = Table {
            columns: vec![column("id", Type::Int4)],
            partition_by: Some(PartitionBy {
                strategy: PartitionStrategy::List,
                columns: vec!["id".into()],
            }),
            ..Table::new("shop::Event")
        };
        for id in partitions {
            let bound = Partition::List(vec![id.to_string()]);
            table.partitions.insert(format!("events_{id}"), bound);
        }
        if check {
            let definition = Check::new(Expr::new("id > 0", ["id"]));
            table.checks.insert("events_id_check".into(), definition);
        }
        schema(vec![(name("public", "events"), table)])
    };
    let (from, to) = (events(&[1], false), events(&[1, 2], true));
    walk(&from, &to, &Renames::default()).await;
    walk(&to, &from, &Renames::default()).await;
}

#[tokio::test]
async fn a_unique_index_of_a_partitioned_table_becomes_a_constraint_of_its_name() {
    let columns = || vec!["k".to_owned(), "v".to_owned()];
    let events = |platform: Platform, rule: &dyn Fn(&mut Table)| {
        let mut table = Table {
            columns: vec![column("k", Type::Int8), column("v", Type::Int8)],
            partition_by: Some(PartitionBy {
                strategy: PartitionStrategy::List,
                columns: vec!["k".into()],
            }),
            partitions: BTreeMap::from([("e1".into(), Partition::List(vec!["1".into()]))]),
            ..Table::new("shop::Event")
        };
        rule(&mut table);
        let schema = schema(vec![(name("public", "e"), table)]);
        Schema { platform, ..schema }
    };
    let index = |name: &'static str| {
        move |table: &mut Table| {
            let index = Index {
                unique: true,
                ..Index::new(columns().iter().map(IndexColumn::new))
            };
            table.indexes.insert(name.into(), index);
        }
    };
    let unique = |table: &mut Table| {
        let unique = Unique {
            columns: columns(),
            ..Unique::default()
        };
        table.uniques.insert("i".into(), unique);
    };
    let key = |table: &mut Table| {
        table.primary_key = Some(PrimaryKey {
            name: "e_pkey".into(),
            columns: columns(),
            ..PrimaryKey::default()
        });
    };
    for platform in [Platform::Postgres, Platform::Supabase] {
        for (old, rule) in [
            ("i", &unique as &dyn Fn(&mut Table)),
            ("e_pkey", &key),
            ("other", &unique),
        ] {
            let (from, to) = (events(platform, &index(old)), events(platform, rule));
            walk(&from, &to, &Renames::default()).await;
            walk(&to, &from, &Renames::default()).await;
            // No row slips in between the two.
            let pairs = migrations(&from, &to, &Renames::default(), &Settings::default());
            let first = &pairs.expect("no question")[0].up;
            let body = first.body();
            assert!(body.contains("add constraint"), "{old}: {body}");
            let scan = Hazard::Scans(name("public", "e"));
            assert!(first.hazards().contains(&scan), "{old}: {body}");
        }
    }
}

#[tokio::test]
async fn an_extension_moves_with_what_rests_on_it() {
    let users = |email: &str, index: Option<&str>, homes: [Option<&str>; 2]| {
        let words = IndexColumn {
            opclass: Some("gin_trgm_ops".into()),
            ..IndexColumn::new("name")
        };
        let definition = Index {
            method: "gin".into(),
            ..Index::new([words])
        };
        let table = Table {
            columns: vec![
                column("name", Type::Text),
                column(email, Type::Named("citext".into())),
            ],
            indexes: index
                .map(|name| (name.into(), definition))
                .into_iter()
                .collect(),
            ..Table::new("shop::User")
        };
        let extensions = ["citext", "pg_trgm"].into_iter().zip(homes);
        let extensions = extensions.map(|(name, schema)| {
            let schema = schema.map(str::to_owned);
            (name.to_owned(), Extension { schema })
        });
        Schema {
            extensions: extensions.collect(),
            ..schema(vec![(name("public", "users"), table)])
        }
    };
    let hints = TableRenames {
        columns: BTreeMap::from([("mail".into(), "email".into())]),
        ..TableRenames::default()
    };
    let renames = Renames {
        tables: BTreeMap::from([(name("public", "users"), hints)]),
    };
    let ends = [
        [Some("public"), Some("ext")],
        [Some("My ext"), Some("public")],
    ];
    let said = [
        "citext in public, pg_trgm in ext",
        "citext in My ext, pg_trgm in public",
    ];
    for (one, other) in [(0, 1), (1, 0)] {
        for indexes in [[None, Some("words")], [Some("words"), None]] {
            let from = users("email", indexes[0], ends[one]);
            let to = users("mail", indexes[1], ends[other]);
            let places = walk(&from, &to, &renames).await;
            assert_eq!(places.first().map(String::as_str), Some(said[one]));
            assert!(places[1..].iter().all(|at| at == said[other]), "{places:?}");
        }
    }
}

/// Supabase has extensions in `extensions` before anything is declared.
#[tokio::test]
async fn an_extension_that_lay_where_it_is_declared_later_lies_there_after_the_rollback() {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    let before = "create schema there; create extension citext with schema there";
    client.batch_execute(before).await.expect("an extension");
    client.batch_execute(&role()).await.expect("the role");
    let declared = |home: Option<&str>| {
        let schema_of = home.map(str::to_owned);
        let citext = Extension { schema: schema_of };
        Schema {
            extensions: [("citext".to_owned(), citext)].into(),
            ..schema(vec![(name("public", "users"), Table::new("shop::User"))])
        }
    };
    let (from, to) = (declared(None), declared(Some("there")));
    run(&client, "the first", &Schema::default(), &from).await;
    let pairs = migrations(&from, &to, &Renames::default(), &Settings::default());
    let pairs = pairs.expect("no question");
    for pair in &pairs {
        for script in [&pair.up, &pair.down, &pair.up, &pair.down] {
            let found = follow(&client, std::slice::from_ref(script)).await;
            found.expect("there and back");
            assert_eq!(extensions(&client).await, "citext in there");
        }
    }
}

/// What PostgreSQL takes along by itself is not written again, and what comes in place of another is written once.
#[tokio::test]
async fn a_default_is_written_only_where_it_changes() {
    let interval = |size: u32| Type::Named(format!("interval({size})"));
    let (varchar, numeric) = (
        |size| Type::Varchar(Some(size)),
        Type::Numeric(Some((9, 2))),
    );
    let cases: [(Type, Type, [&str; 2], &[&str]); 13] = [
        (Type::Text, Type::Text, ["'x'", "'y'"], &["set"]),
        (Type::Text, Type::Text, ["'x'", ""], &["drop"]),
        (Type::Text, Type::Text, ["", "'x'"], &["set"]),
        (Type::Int4, Type::Int8, ["0", "0"], &[]),
        (Type::Int4, Type::Int8, ["0", "1"], &["set"]),
        (Type::Int8, Type::Int4, ["-1", ""], &["drop"]),
        (Type::Float8, numeric, ["0.125", "0.125"], &[]),
        (varchar(3), varchar(5), ["'x'", "'x'"], &[]),
        (
            Type::Timestamptz(Some(0)),
            Type::Timestamptz(None),
            ["now()", "now()"],
            &[],
        ),
        // PostgreSQL would print what was the text of another type.
        (Type::Text, varchar(5), ["'x'", "'x'"], &["drop", "set"]),
        // Read for the old size, it is rounded.
        (
            interval(0),
            interval(3),
            ["'1.5 s'", "'1.5 s'"],
            &["drop", "set"],
        ),
        // No number is cast to it automatically.
        (Type::Int4, Type::Bool, ["0", "false"], &["drop", "set"]),
        (Type::Int4, Type::Text, ["0", "'0'"], &["drop", "set"]),
    ];
    let at = |end: usize| {
        let columns = cases.iter().enumerate().map(|(number, case)| {
            let (from, to, defaults, _) = case;
            let mut it = column(&format!("c{number}"), [from, to][end].clone());
            let default = Some(defaults[end]).filter(|it| !it.is_empty());
            it.default = default.map(str::to_owned);
            it
        });
        let table = Table {
            columns: columns.collect(),
            rls: Rls::Enabled(BTreeMap::new()),
            ..Table::new("shop::Thing")
        };
        schema(vec![(name("public", "things"), table)])
    };
    let (from, to) = (at(0), at(1));
    let none = Renames::default();
    let pairs = migrations(&from, &to, &none, &Settings::default()).expect("no question");
    let ups = pairs.iter().flat_map(|pair| pair.up.plan.steps());
    let ups: Vec<&str> = ups.map(|step| step.sql.as_str()).collect();
    for (number, (old, new, defaults, wanted)) in cases.iter().enumerate() {
        let start = format!("alter table public.things alter column c{number} ");
        let own = ups.iter().filter_map(|sql| sql.strip_prefix(&start));
        let own = own.filter(|action| action.contains(" default"));
        let own: Vec<&str> = own.filter_map(|action| action.split(' ').next()).collect();
        assert_eq!(own, *wanted, "{old} to {new}: {defaults:?}");
    }
    walk(&from, &to, &none).await;
    walk(&to, &from, &none).await;
}
