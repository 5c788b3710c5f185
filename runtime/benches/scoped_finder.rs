//! What a scope costs: the latest 20 of a tenant's rows by a finder under row-level security, against
//! the bare prepared query on the same rows without it, on the same server, in the same run, in turns.
//!
//! `cargo bench -p tabellion --features testing --bench scoped_finder`

use std::time::{Duration, Instant};

use tabellion::testing::Server;
use tabellion::{Database, Decimal, Json, Scope, Table, TextEnum, Timestamp};
use tokio_postgres::{Client, NoTls, Statement};

const SHOPS: u32 = 1_000;
const ROUNDS: u32 = 100;
const TURNS: u32 = 60;

#[derive(Scope)]
#[scope(role = "bench_shop")]
struct Shop {
    #[setting("app.current_shop")]
    domain: String,
}

#[derive(Debug, TextEnum)]
enum ActionType {
    LogFollowUp,
    EscalateToOps,
    NoAction,
}

#[derive(Debug, Table)]
#[table(name = "actions", scope = Shop)]
#[index(columns(shop_domain, created_at desc), finder = "by_shop")]
#[policy("own", select, using = shop_domain == scope.domain)]
#[allow(dead_code)]
struct Action {
    #[column(primary_key, serial)]
    id: i32,
    shop_domain: String,
    #[column(numeric(5, 2))]
    variance_pct: Option<Decimal>,
    action_type: ActionType,
    notes: Option<String>,
    created_by: String,
    #[column(default = now())]
    created_at: Option<Timestamp>,
    metadata: Option<Json>,
}

/// 100,000 rows of 1,000 shops, once under row-level security and once without.
const SETUP: &str = "
create role bench_shop nologin;
create table actions (
  id serial primary key, shop_domain text not null, variance_pct numeric(5, 2),
  action_type text not null, notes text, created_by text not null,
  created_at timestamptz default now(), metadata jsonb
);
insert into actions (shop_domain, variance_pct, action_type, notes, created_by, created_at, metadata)
select 'shop' || n % 1000 || '.example', n % 90, 'log_follow_up', 'called back about order ' || n,
  'ana', now() - n * interval '1 second', jsonb_build_object('order', n)
from generate_series(1, 100000) n;
create index actions_by_shop on actions (shop_domain, created_at desc);
create table bare_actions (like actions);
insert into bare_actions select * from actions;
create index bare_actions_by_shop on bare_actions (shop_domain, created_at desc);
alter table actions enable row level security;
alter table actions force row level security;
create policy own on actions for select to bench_shop
  using (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');
grant select on actions to bench_shop;
";

const BARE: &str = "select id, shop_domain, variance_pct, action_type, notes, created_by, created_at, \
     metadata from bare_actions where shop_domain = $1 order by created_at desc limit $2";

async fn bare(client: &Client, statement: &Statement, shop: &str) -> Vec<Action> {
    let limit = 20_i64;
    let rows = client.query(statement, &[&shop, &limit]).await.unwrap();
    let read = |row: &tokio_postgres::Row| Action {
        id: row.get(0),
        shop_domain: row.get(1),
        variance_pct: row.get(2),
        action_type: row.get(3),
        notes: row.get(4),
        created_by: row.get(5),
        created_at: row.get(6),
        metadata: row.get(7),
    };
    rows.iter().map(read).collect()
}

async fn scoped(db: &Database, shop: &str) -> Vec<Action> {
    let domain = shop.to_owned();
    let scope = db.scope(Shop { domain });
    let latest = Action::by_shop(shop).limit(20);
    latest.fetch_all(&scope).await.unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn run() {
    let server = Server::shared().unwrap();
    let database = server.database().await.unwrap();
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(SETUP).await.unwrap();
    client.batch_execute("vacuum analyze").await.unwrap();
    let url = database.create_login("app", &["bench_shop"]).await.unwrap();
    let db = Database::connect(&url).await.unwrap();
    let statement = client.prepare(BARE).await.unwrap();

    let shop = |n: u32| format!("shop{}.example", n * 7 % SHOPS);
    for n in 0..200 {
        assert_eq!(bare(&client, &statement, &shop(n)).await.len(), 20);
        assert_eq!(scoped(&db, &shop(n)).await.len(), 20);
    }
    let (mut bare_times, mut scoped_times) = (Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    for turn in 0..TURNS {
        let mut bare_turn = Vec::new();
        let mut scoped_turn = Vec::new();
        for n in turn * ROUNDS..(turn + 1) * ROUNDS {
            let shop = shop(n);
            let begun = Instant::now();
            std::hint::black_box(bare(&client, &statement, &shop).await);
            bare_turn.push(begun.elapsed());
            let begun = Instant::now();
            std::hint::black_box(scoped(&db, &shop).await);
            scoped_turn.push(begun.elapsed());
        }
        let (bare, scoped) = (median(bare_turn), median(scoped_turn));
        ratios.push(scoped.as_secs_f64() / bare.as_secs_f64());
        bare_times.push(bare);
        scoped_times.push(scoped);
    }
    ratios.sort_by(f64::total_cmp);
    println!("20 of 100,000 rows, one connection, loopback; medians of {TURNS} turns of {ROUNDS}");
    println!("bare prepared query, no RLS   {:>9.1?}", median(bare_times));
    println!(
        "scoped finder, one flight     {:>9.1?}",
        median(scoped_times)
    );
    let (low, middle, high) = (
        ratios[0],
        ratios[ratios.len() / 2],
        ratios[ratios.len() - 1],
    );
    println!("ratio {middle:.2} (lowest {low:.2}, highest {high:.2}; at most 1.5 is the bar)");
    client
        .batch_execute("drop owned by bench_shop; drop role bench_shop")
        .await
        .unwrap();
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}
