//! What each form of a generated policy costs the server: the latest 20 of a tenant's rows and their number,
//! among 1,000,000 rows of 1,000 tenants, with the tenant in the WHERE as typed finders have it, as a role that the
//! policy binds, against the same statement on the same table as one that row-level security does not bind.
//!
//! Counted is the processor time of the server's process, which other work on the machine disturbs less than the
//! clock (`/proc/PID/schedstat`, so on Linux alone); the two take turns. What a finder's flight costs beside, the
//! bench `scoped_finder` of the runtime counts.
//!
//! `cargo bench -p tabellion-tests --bench policy_cost`; `ROWS` sets another number of rows, `TURNS` of turns.

#[path = "../../syntax/tests/common/mod.rs"]
mod common;

use std::fs;

use tabellion::testing::Server;
use tabellion_sql::schema::Platform;
use tokio_postgres::{Client, NoTls};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// One table for each form; the first line of a form names its scope's type.
const SOURCE: &str = r#"
#[derive(Scope)] #[scope(role = "bench_app")]
struct Who {
    #[setting("app.text")] text: Option<String>,
    #[setting("app.uuid")] uuid: Option<Uuid>,
    #[setting("app.number")] number: Option<i64>,
    #[claim("sub")] user: Option<Uuid>,
}
#[derive(Table)] #[table(name = "by_text", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.text)]
struct ByText { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_uuid", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.uuid)]
struct ByUuid { #[column(primary_key)] id: i64, tenant: Uuid, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_number", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.number)]
struct ByNumber { #[column(primary_key)] id: i64, tenant: i64, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_claim", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.user)]
struct ByClaim { #[column(primary_key)] id: i64, tenant: Uuid, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "members", scope = Who)]
#[primary_key(columns(user_id, tenant))] #[policy("own", select, using = user_id == scope.uuid)]
struct Member { user_id: Uuid, tenant: String }
#[derive(Table)] #[table(name = "by_membership", scope = Who)]
#[index(columns(tenant, created_at desc))]
#[policy("members", select, using = exists(Member, |m| m.tenant == tenant && m.user_id == scope.uuid))]
struct ByMembership { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
"#;

/// A table, the tenant of a row number as SQL, and how much of the bare statement's time its form may take.
const FORMS: [(&str, &str, f64); 5] = [
    ("by_text", "'shop-' || n || '.example'", 1.1),
    ("by_uuid", "md5(n::text)::uuid", 1.1),
    ("by_number", "n", 1.1),
    ("by_claim", "md5(n::text)::uuid", 1.1),
    ("by_membership", "'shop-' || n || '.example'", 1.5),
];

/// The tenant that is asked for.
const TENANT: u32 = 7;

/// How often a statement runs in one turn.
const LATEST: u32 = 400;
const COUNT: u32 = 100;

fn number(variable: &str, otherwise: u32) -> u32 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A session of the superuser's, its backend's number, and its two statements on a table.
struct Session {
    client: Client,
    process: i32,
}

impl Session {
    async fn new(url: &str, role: &str) -> Outcome<Session> {
        let client = connect(url).await?;
        let row = client.query_one("select pg_backend_pid()", &[]).await?;
        let say = format!(
            "set role {role};
             set plan_cache_mode = force_generic_plan;
             select set_config('app.text', 'shop-{TENANT}.example', false),
               set_config('app.uuid', md5('{TENANT}')::uuid::text, false),
               set_config('app.number', '{TENANT}', false),
               set_config('request.jwt.claim.sub', md5('{TENANT}')::uuid::text, false)"
        );
        client.batch_execute(&say).await?;
        Ok(Session {
            client,
            process: row.get(0),
        })
    }

    /// The nanoseconds of processor time that its backend has had.
    fn spent(&self) -> Outcome<u64> {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.process))?;
        Ok(text.split(' ').next().unwrap_or_default().parse()?)
    }

    /// What one run of a statement takes, in microseconds.
    async fn cost(&self, sql: &str, times: u32) -> Outcome<f64> {
        let statement = self.client.prepare(sql).await?;
        self.client.query(&statement, &[]).await?;
        let before = self.spent()?;
        for _ in 0..times {
            self.client.query(&statement, &[]).await?;
        }
        Ok((self.spent()? - before) as f64 / f64::from(times) / 1e3)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let (rows, turns) = (number("ROWS", 1_000_000), number("TURNS", 15));
    let server = Server::start()?;
    let database = server.database().await?;
    let admin = connect(database.url()).await?;
    let schema = common::sql(SOURCE, Platform::Postgres)?;
    admin.batch_execute(&schema).await?;
    let setup = format!(
        "create role bench_free nologin bypassrls;
         insert into members select md5(n::text)::uuid, 'shop-' || n || '.example' from generate_series(0, 999) n;
         {}
         grant select on all tables in schema public to bench_free;",
        FORMS
            .map(|(table, tenant, _)| format!(
                "insert into {table} (id, tenant, created_at, body)
                 select i, {tenant}, timestamptz '2024-01-01' + i * interval '1 second', md5(i::text)
                 from (select i, i * 7919::bigint % 1000 as n from generate_series(1, {rows}) i) i;"
            ))
            .concat()
    );
    admin.batch_execute(&setup).await?;
    admin.batch_execute("vacuum analyze").await?;
    let bound = Session::new(database.url(), "bench_app").await?;
    let free = Session::new(database.url(), "bench_free").await?;
    println!(
        "{rows} rows of 1,000 tenants; microseconds of the server's processor time for a statement\n"
    );
    println!("form            what        without     with   ratio   least to most   at most");
    let mut missed = Vec::new();
    for (table, tenant, bar) in FORMS {
        let literal =
            format!("select quote_literal(({tenant})::text) from (select {TENANT} as n) n");
        let tenant: String = admin.query_one(&literal, &[]).await?.get(0);
        let latest = format!(
            "select * from {table} where tenant = {tenant} order by tenant, created_at desc limit 20"
        );
        let count = format!("select count(*) from {table} where tenant = {tenant}");
        for (what, sql, times) in [("latest 20", latest, LATEST), ("count", count, COUNT)] {
            let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..turns {
                let (one, other) = (
                    free.cost(&sql, times).await?,
                    bound.cost(&sql, times).await?,
                );
                without.push(one);
                with.push(other);
                ratios.push(other / one);
            }
            let ratio = median(ratios.clone());
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ratios.iter().copied().fold(0.0, f64::max);
            println!(
                "{table:<15} {what:<10} {:>8.1} {:>8.1} {ratio:>7.2}   {least:.2} to {most:.2}   {bar}",
                median(without),
                median(with)
            );
            if ratio > bar {
                missed.push(format!(
                    "{table}, {what}: {ratio:.2} where {bar} was the aim"
                ));
            }
        }
    }
    for line in missed {
        println!("missed: {line}");
    }
    Ok(())
}
