//! How long `verify` takes for 100 and for 1,000 tables, each with two indexes and two policies.
//!
//! `cargo bench -p tabellion --features testing --bench verify`. In `alike` the tables differ by name
//! alone; in `apart` every table has columns, predicates and defaults of its own, which PostgreSQL has
//! to print one by one. Each message may hold several queries; how many there are does not depend on the
//! number of tables.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tabellion::migrate::{ApplyOptions, Migrations, Migrator, SealOptions, seal};
use tabellion::testing::Server;
use tabellion_sql::lock::{Draft, draft_files};
use tabellion_sql::plan::plan;
use tabellion_sql::schema::{
    Check, Column, Command, Expr, Generated, Index, IndexColumn, Policy, PrimaryKey, QualifiedName,
    Rls, Role, Schema, Table, Type,
};

#[path = "../tests/query_scoped/proxy.rs"]
#[allow(dead_code)] // the benchmark only counts
mod proxy;

const ROLE: &str = "verify_bench_app";
const RUNS: usize = 5;

fn column(name: &str, ty: Type) -> Column {
    Column::new(name, ty)
}

fn table(number: usize, apart: bool) -> Table {
    let own = |name: &str| {
        if apart {
            format!("{name}_{number}")
        } else {
            name.to_owned()
        }
    };
    let (tenant, state, at) = (own("tenant"), own("state"), own("created_at"));
    let mut id = column("id", Type::Int8);
    id.generated = Some(Generated::IdentityAlways);
    let mut created = column(&at, Type::Timestamptz(None));
    created.default = Some("now()".into());
    let mut kept = column(&state, Type::Text);
    kept.default = Some(if apart {
        format!("'open_{number}'")
    } else {
        "'open'".into()
    });
    let mine = || {
        Expr::new(
            format!("{tenant} = (select current_setting('app.tenant', true)) and {tenant} > ''"),
            [tenant.clone()],
        )
    };
    let policy = |command: Command| Policy {
        command: Some(command),
        restrictive: false,
        roles: BTreeSet::from([ROLE.to_owned()]),
        using: (command == Command::Select).then(mine),
        check: (command == Command::Insert).then(mine),
    };
    let name = format!("table_{number}");
    let index = |columns: [&str; 2], predicate: Option<Expr>| Index {
        predicate,
        ..Index::new(columns.map(IndexColumn::new))
    };
    Table {
        comment: Some(format!("Table number {number}.")),
        columns: vec![id, column(&tenant, Type::Text), kept, created],
        primary_key: Some(PrimaryKey {
            name: format!("{name}_pkey"),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        checks: BTreeMap::from([(
            format!("{name}_state_check"),
            Check::new(Expr::new(
                format!("{state} in ('open', 'closed')"),
                [state.clone()],
            )),
        )]),
        indexes: BTreeMap::from([
            (format!("{name}_tenant"), index([&tenant, &at], None)),
            (
                format!("{name}_open"),
                index(
                    [&tenant, &state],
                    Some(Expr::new(format!("{state} = 'open'"), [state.clone()])),
                ),
            ),
        ]),
        rls: Rls::Enabled(BTreeMap::from([
            ("own rows".into(), policy(Command::Select)),
            ("own new rows".into(), policy(Command::Insert)),
        ])),
        grants: BTreeMap::from([(
            ROLE.to_owned(),
            BTreeSet::from([Command::Select, Command::Insert]),
        )]),
        ..Table::new(format!("bench::Table{number}"))
    }
}

fn schema(tables: usize, apart: bool) -> Schema {
    Schema {
        roles: BTreeMap::from([(ROLE.to_owned(), Role::Created)]),
        tables: (0..tables)
            .map(|number| {
                let name = QualifiedName::new("public", format!("table_{number}"));
                (name, table(number, apart))
            })
            .collect(),
        ..Schema::default()
    }
}

/// Seals the schema as one migration.
fn sealed(schema: &Schema) -> Migrations {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let text = |from: &Schema, to: &Schema| {
        format!(
            "-- Draft by Tabellion; seal it.\n\n{}",
            plan(from, to).body()
        )
    };
    let nothing = Schema::default();
    let (up, down) = (text(&nothing, schema), text(schema, &nothing));
    let draft = Draft::new(None, schema.clone(), [[up.as_str(), down.as_str()]]);
    let files = draft_files(1);
    std::fs::write(root.join(&files[0]), &up).expect("the draft");
    std::fs::write(root.join(&files[1]), &down).expect("its rollback");
    std::fs::write(root.join("draft.lock"), draft.to_text()).expect("its lock");
    let options = SealOptions {
        accept: Vec::new(),
        reviewed: true,
    };
    seal(root, "bench", &options).expect("the draft is sealed");
    Migrations::load(root).expect("the migrations load")
}

#[tokio::main]
async fn main() {
    let server = Server::shared().expect("a PostgreSQL server");
    println!(
        "verify, tables of two indexes, a check and two policies; the fastest and the median of {RUNS}"
    );
    for (tables, apart) in [(100, false), (1_000, false), (1_000, true)] {
        let database = server.database().await.expect("a database");
        let set = sealed(&schema(tables, apart));
        let mut engine = Migrator::connect(database.url())
            .await
            .expect("a connection");
        let start = Instant::now();
        engine
            .apply(&set, &ApplyOptions::default())
            .await
            .expect("applied");
        let applied = start.elapsed();
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..RUNS {
            let start = Instant::now();
            let found = engine.verify(&set).await.expect("verified");
            times.push(start.elapsed());
            assert!(found.is_clean(), "{found}");
        }
        times.sort();
        let (url, flights) = proxy::counting(database.url()).await.expect("a proxy");
        let mut counted = Migrator::connect(&url).await.expect("a connection");
        let before = flights.count();
        counted.verify(&set).await.expect("verified");
        let messages = flights.count() - before;
        let kind = if apart { "apart" } else { "alike" };
        println!(
            "{tables:>5} tables {kind}: {:.3} s, {:.3} s, {messages} messages; apply took {:.3} s",
            times[0].as_secs_f64(),
            times[RUNS / 2].as_secs_f64(),
            applied.as_secs_f64()
        );
    }
}
