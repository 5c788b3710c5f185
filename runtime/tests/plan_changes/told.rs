//! What a change does to who reads and who writes, shown on a server, and told before.

use std::collections::{BTreeMap, BTreeSet};

use tabellion::testing::Server;
use tabellion_sql::plan::{Migration, Script, Settings, migrations};
use tabellion_sql::schema::{
    Column, Command, Expr, Generated, Policy, Renames, Rls, Role, Schema, Table, TableRenames,
    Type, Unique,
};
use tokio_postgres::Client;

use super::sample::{ROLE, column, name, policy};
use super::{connect, follow, run};

/// Takes letters of either case for the same.
const COLLATION: &str = "create collation public.ci \
    (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";

pub(super) fn schema(tables: impl IntoIterator<Item = (&'static str, Table)>) -> Schema {
    let tables = tables.into_iter();
    Schema {
        roles: BTreeMap::from([(ROLE.into(), Role::Created)]),
        tables: tables
            .map(|(table, definition)| (name("public", table), definition))
            .collect(),
        ..Schema::default()
    }
}

/// A table that the role may read and write as far as the policies let it.
pub(super) fn table(columns: Vec<Column>, policies: &[(&str, Policy)]) -> Table {
    let policies = policies.iter().cloned();
    Table {
        columns,
        rls: Rls::Enabled(policies.map(|(name, it)| (name.to_owned(), it)).collect()),
        grants: BTreeMap::from([(ROLE.into(), BTreeSet::from(Command::ALL))]),
        ..Table::new("shop::Thing")
    }
}

/// A migration from one schema to another on a server, with rows in the first one.
pub(super) struct Way {
    pub(super) client: Client,
    pairs: Vec<Migration>,
    _database: tabellion::testing::TestDatabase,
}

impl Way {
    pub(super) async fn new(from: &Schema, to: &Schema, rows: &str) -> Way {
        Way::renaming(from, to, &Renames::default(), rows).await
    }

    pub(super) async fn renaming(from: &Schema, to: &Schema, renames: &Renames, rows: &str) -> Way {
        let server = Server::shared().expect("a server");
        let database = server.database().await.expect("a database");
        let client = connect(database.url()).await;
        client.batch_execute(COLLATION).await.expect("a collation");
        run(&client, "the first schema", &Schema::default(), from).await;
        client.batch_execute(rows).await.expect("the rows");
        let pairs = migrations(from, to, renames, &Settings::default());
        Way {
            client,
            pairs: pairs.expect("no question"),
            _database: database,
        }
    }

    pub(super) fn ups(&self) -> Vec<Script> {
        self.pairs.iter().map(|pair| pair.up.clone()).collect()
    }

    pub(super) fn downs(&self) -> Vec<Script> {
        let pairs = self.pairs.iter().rev();
        pairs.map(|pair| pair.down.clone()).collect()
    }

    pub(super) fn told(&self, scripts: &[Script], hazard: &str) {
        let told = scripts.iter().flat_map(Script::hazards);
        let told: Vec<String> = told.map(|hazard| hazard.to_string()).collect();
        assert!(told.iter().any(|it| it == hazard), "{hazard}: {told:?}");
    }

    /// Runs a statement as the role, of the shop `acme`, and takes it back.
    pub(super) async fn as_role(&self, statement: &str) -> Result<u64, String> {
        let begin = format!("begin; set local role {ROLE}; set local app.shop = 'acme'");
        self.client.batch_execute(&begin).await.expect("the role");
        let result = self.client.execute(statement, &[]).await;
        self.client.batch_execute("rollback").await.expect("back");
        result.map_err(|error| {
            let code = error.code().map(|code| code.code().to_owned());
            code.unwrap_or_else(|| error.to_string())
        })
    }
}

pub(super) fn own(command: Option<Command>) -> Policy {
    policy(
        command,
        "shop = current_setting('app.shop', true)",
        &["shop"],
    )
}

#[tokio::test]
async fn a_collation_that_lets_a_role_see_more_is_told() {
    let notes = |collation: Option<&str>| {
        let mut shop = column("shop", Type::Text);
        shop.collation = collation.map(str::to_owned);
        let mut through = policy(
            Some(Command::Select),
            "exists (select from notes n where n.shop = parts.of)",
            &["of"],
        );
        if let Some(using) = &mut through.using {
            using.tables.insert("notes".parse().expect("a table"));
        }
        schema([
            (
                "notes",
                table(vec![shop], &[("see", own(Some(Command::Select)))]),
            ),
            (
                "parts",
                table(vec![column("of", Type::Text)], &[("through", through)]),
            ),
        ])
    };
    let (from, to) = (notes(None), notes(Some("public.ci")));
    let rows = "insert into notes values ('acme'), ('ACME');
                insert into parts values ('acme'), ('Acme')";
    let way = Way::new(&from, &to, rows).await;
    let seen = ["select from notes", "select from parts"];
    for rows in seen {
        assert_eq!(way.as_role(rows).await, Ok(1), "{rows}");
    }
    follow(&way.client, &way.ups()).await.expect("the way up");
    for (rows, policy) in seen
        .into_iter()
        .zip(["see on public.notes", "through on public.parts"])
    {
        assert_eq!(way.as_role(rows).await, Ok(2), "{rows}");
        let hazard = format!("widens-access: policy {policy}: column public.notes.shop changes");
        way.told(&way.ups(), &hazard);
        way.told(&way.downs(), &hazard);
    }
    follow(&way.client, &way.downs())
        .await
        .expect("the way down");
    for rows in seen {
        assert_eq!(way.as_role(rows).await, Ok(1), "{rows}");
    }
}

#[tokio::test]
async fn a_computed_column_that_anyone_may_write_is_told() {
    let notes = |computed: Option<Expr>| {
        let shop = Column {
            computed,
            ..column("shop", Type::Text)
        };
        schema([(
            "notes",
            table(vec![column("raw", Type::Text), shop], &[("all", own(None))]),
        )])
    };
    let from = notes(Some(Expr::new("lower(raw)", ["raw"])));
    let way = Way::new(&from, &notes(None), "insert into notes values ('x')").await;
    let (forged, plain) = (
        "insert into notes values ('x', 'acme')",
        "insert into notes values ('acme')",
    );
    assert_eq!(way.as_role(forged).await, Err("428C9".into()));
    assert_eq!(way.as_role(plain).await, Ok(1));
    follow(&way.client, &way.ups()).await.expect("the way up");
    assert_eq!(way.as_role(forged).await, Ok(1));
    // The policy is asked before NOT NULL is.
    assert_eq!(way.as_role(plain).await, Err("42501".into()));
    let given = "restricts: column public.notes.shop: must now be given";
    way.told(&way.ups(), given);
    let hazard = "widens-access: policy \"all\" on public.notes: column public.notes.shop changes";
    way.told(&way.ups(), hazard);
    let given = "restricts: column public.notes.shop: can no longer be given";
    way.told(&way.downs(), given);
    follow(&way.client, &way.downs())
        .await
        .expect("the way down");
    assert_eq!(way.as_role(forged).await, Err("428C9".into()));
}

#[tokio::test]
async fn what_breaks_inserts_is_told() {
    let everyone = policy(None, "true", &[]);
    let things = |change: fn(&mut Column)| {
        let mut id = column("id", Type::Int8);
        change(&mut id);
        let columns = vec![column("body", Type::Text), id];
        schema([("things", table(columns, &[("all", everyone.clone())]))])
    };
    type Change = fn(&mut Column);
    let plain: Change = |_| {};
    let (left_out, given) = (
        "insert into things (body) values ('x')",
        "insert into things (body, id) values ('x', 7)",
    );
    let changes: [(Change, Change, &str, &str, &str); 5] = [
        (
            |it| it.generated = Some(Generated::Serial),
            plain,
            left_out,
            "23502",
            "must now be given",
        ),
        (
            |it| it.generated = Some(Generated::IdentityAlways),
            plain,
            left_out,
            "23502",
            "must now be given",
        ),
        (
            |it| it.default = Some("1".into()),
            plain,
            left_out,
            "23502",
            "must now be given",
        ),
        (
            plain,
            |it| it.generated = Some(Generated::IdentityAlways),
            given,
            "428C9",
            "can no longer be given",
        ),
        (
            |it| it.generated = Some(Generated::IdentityByDefault),
            |it| it.generated = Some(Generated::IdentityAlways),
            given,
            "428C9",
            "can no longer be given",
        ),
    ];
    for (from, to, insert, code, fate) in changes {
        let way = Way::new(&things(from), &things(to), "").await;
        assert_eq!(way.as_role(insert).await, Ok(1), "{fate}");
        follow(&way.client, &way.ups()).await.expect("the way up");
        assert_eq!(way.as_role(insert).await, Err(code.into()), "{fate}");
        let hazard = format!("restricts: column public.things.id: {fate}");
        way.told(&way.ups(), &hazard);
    }
}

#[tokio::test]
async fn a_collation_by_which_a_key_no_longer_holds_is_told() {
    let things = |collation: Option<&str>| {
        let mut code = column("code", Type::Text);
        code.collation = collation.map(str::to_owned);
        let mut things = table(vec![code], &[]);
        let unique = Unique {
            columns: vec!["code".into()],
            ..Unique::default()
        };
        things.uniques.insert("things_code_key".into(), unique);
        schema([("things", things)])
    };
    let (from, to) = (things(None), things(Some("public.ci")));
    let way = Way::new(&from, &to, "insert into things values ('a'), ('A')").await;
    let hazard = "restricts: constraint things_code_key on public.things: \
                  column public.things.code changes";
    way.told(&way.ups(), hazard);
    let refused = follow(&way.client, &way.ups()).await.expect_err("equal");
    assert!(
        refused.contains("could not create unique index"),
        "{refused}"
    );
}

/// What a policy of another table reads goes, and something else takes its name.
#[tokio::test]
async fn a_policy_never_reads_what_only_has_the_same_name() {
    let reader = || {
        let mut through = policy(
            Some(Command::Select),
            "exists (select from notes n where n.shop = parts.of)",
            &["of"],
        );
        if let Some(using) = &mut through.using {
            using.tables.insert("notes".parse().expect("a table"));
        }
        let of = vec![column("of", Type::Text)];
        ("parts", table(of, &[("through", through)]))
    };
    let everyone = [("see", policy(Some(Command::Select), "true", &[]))];
    let notes = |columns: &[&str]| {
        let columns = columns.iter().map(|name| column(name, Type::Text));
        table(columns.collect(), &everyone)
    };
    let columns = (
        schema([("notes", notes(&["shop", "owner"])), reader()]),
        schema([("notes", notes(&["shop"])), reader()]),
        TableRenames {
            columns: BTreeMap::from([("shop".into(), "owner".into())]),
            ..TableRenames::default()
        },
        "insert into notes values ('a', 'b')",
    );
    let tables = (
        schema([
            ("notes", notes(&["shop"])),
            ("others", notes(&["shop"])),
            reader(),
        ]),
        schema([("notes", notes(&["shop"])), reader()]),
        TableRenames {
            from: Some(name("public", "others")),
            ..TableRenames::default()
        },
        "insert into notes values ('a'); insert into others values ('b')",
    );
    for (from, to, hint, rows) in [columns, tables] {
        let renames = Renames {
            tables: BTreeMap::from([(name("public", "notes"), hint)]),
        };
        let rows = format!("{rows}; insert into parts values ('a'), ('b'), ('c')");
        let way = Way::renaming(&from, &to, &renames, &rows).await;
        let sees = async |of: &str| {
            let rows = format!("select from parts where of = '{of}'");
            way.as_role(&rows).await
        };
        assert_eq!((sees("a").await, sees("b").await), (Ok(1), Ok(0)));
        follow(&way.client, &way.ups()).await.expect("the way up");
        assert_eq!((sees("a").await, sees("b").await), (Ok(0), Ok(1)));
        way.told(
            &way.ups(),
            "widens-access: policy through on public.parts: new",
        );
        follow(&way.client, &way.downs())
            .await
            .expect("the way down");
        // What was dropped has come back empty.
        assert_eq!((sees("a").await, sees("b").await), (Ok(0), Ok(0)));
        way.told(
            &way.downs(),
            "widens-access: policy through on public.parts: changed, not decided: what it reads is renamed",
        );
    }
}
