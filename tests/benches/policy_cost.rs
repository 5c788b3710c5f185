//! What each form of a generated policy costs the server: the latest 20 of a tenant's rows and their number,
//! among 1,000,000 rows of 1,000 tenants, against what one writes where row-level security does not bind: the policy's
//! condition in the WHERE. Measured are the statement that leaves it to the policy alone, where an index serves that,
//! and the one that says the tenant too, as typed finders do. There PostgreSQL compares the two tenants once, in a node
//! above the scan through which every row then passes.
//!
//! Counted is the processor time of the server's process, which other work on the machine disturbs less than the
//! clock (`/proc/PID/schedstat`, so on Linux alone). The two take turns in one session: of two sessions one may have
//! the processor that the client runs on, where a statement takes a third of the time. What a finder's flight costs beside, the
//! bench `scoped_finder` of the runtime counts.
//!
//! `cargo bench -p tabellion-tests --bench policy_cost`; `ROWS` sets another number of rows, `TURNS` of turns.

#[path = "../../syntax/tests/common/mod.rs"]
mod common;

use std::fs;
use std::time::Instant;

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
    #[setting("app.flag")] flag: Option<bool>,
    #[setting("app.day")] day: Option<Date>,
    #[setting("app.size")] size: Option<Size>,
    #[claim("sub")] user: Option<Uuid>,
}
#[derive(TextEnum)] enum Size { Small, Large }
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
#[derive(Table)] #[table(name = "not_banned", scope = Who)]
#[index(columns(tenant, created_at desc))]
#[policy("others", select, using = !exists(Banned, |m| m.tenant == tenant && m.user_id == scope.uuid))]
struct NotBanned { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "banned", scope = Who)]
#[primary_key(columns(user_id, tenant))] #[policy("own", select, using = user_id == scope.uuid)]
struct Banned { user_id: Uuid, tenant: String }
#[derive(Table)] #[table(name = "teammates", scope = Who)]
#[primary_key(columns(user_id, tenant))]
#[policy("team", select, using = exists(Teammate, |m| m.tenant == tenant && m.user_id == scope.uuid))]
struct Teammate { user_id: Uuid, tenant: String }
#[derive(Table)] #[table(name = "by_function", scope = Who)]
#[index(columns(tenant, created_at desc))]
#[policy("team", select, using = exists(Teammate, |m| m.tenant == tenant && m.user_id == scope.uuid))]
struct ByFunction { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_bool", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = flag == scope.flag)]
struct ByBool { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String,
    #[column(default = true)] flag: bool }
#[derive(Table)] #[table(name = "by_date", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.day)]
struct ByDate { #[column(primary_key)] id: i64, tenant: Date, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_enum", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = size == scope.size)]
struct ByEnum { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String,
    #[column(default = Size::Small)] size: Size }
#[derive(Table)] #[table(name = "by_guard", scope = Who)]
#[index(columns(tenant, created_at desc))] #[tenant(tenant = scope.text, restrictive)]
#[policy("all", select, using = true)]
struct ByGuard { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_others", scope = Who)]
#[index(columns(tenant, created_at desc))]
#[policy("some", select, using = tenant != scope.text || tenant.is_in([scope.text, "none"]))]
struct ByOthers { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
"#;

/// The same where Supabase sets the claims, of which its functions read a JSON text.
const OF_SUPABASE: &str = r#"
#[derive(Scope)] #[scope(role = "bench_app")]
struct Who { #[claim("sub")] user: Option<Uuid>, #[claim("app_metadata.org")] org: Option<String> }
#[derive(Table)] #[table(name = "by_uid", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.user)]
struct ByUid { #[column(primary_key)] id: i64, tenant: Uuid, created_at: Timestamp, body: String }
#[derive(Table)] #[table(name = "by_jwt", scope = Who)]
#[index(columns(tenant, created_at desc))] #[policy("own", select, using = tenant == scope.org)]
struct ByJwt { #[column(primary_key)] id: i64, tenant: String, created_at: Timestamp, body: String }
"#;

/// Those functions, as Supabase documents them, for claims that come as JSON alone.
const AUTH: &str = "
create schema auth;
create function auth.jwt() returns jsonb language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.uid() returns uuid language sql stable as $$
  select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
grant usage on schema auth to public;
do $$ begin create role anon; exception when duplicate_object then null; end $$;
do $$ begin create role authenticated; exception when duplicate_object then null; end $$;
";

/// A table, the tenant of a row number as SQL, and how much of the bare statement's time its form may take: an equality
/// and a membership have an aim.
const FORMS: [(&str, &str, Option<f64>); 14] = [
    ("by_text", "'shop-' || n || '.example'", Some(1.1)),
    ("by_uuid", "md5(n::text)::uuid", Some(1.1)),
    ("by_number", "n", Some(1.1)),
    ("by_claim", "md5(n::text)::uuid", Some(1.1)),
    ("by_uid", "md5(n::text)::uuid", Some(1.1)),
    ("by_jwt", "'shop-' || n || '.example'", Some(1.1)),
    ("by_bool", "'shop-' || n || '.example'", Some(1.1)),
    ("by_date", "date '2000-01-01' + n::integer", Some(1.1)),
    ("by_enum", "'shop-' || n || '.example'", Some(1.1)),
    ("by_guard", "'shop-' || n || '.example'", Some(1.1)),
    ("by_others", "'shop-' || n || '.example'", None),
    ("by_membership", "'shop-' || n || '.example'", Some(1.5)),
    ("not_banned", "'shop-' || n || '.example'", Some(1.5)),
    ("by_function", "'shop-' || n || '.example'", Some(1.5)),
];

/// Those whose policy alone finds the tenant's rows along the index, in its order.
const ALONE: [&str; 8] = [
    "by_text",
    "by_uuid",
    "by_number",
    "by_claim",
    "by_uid",
    "by_jwt",
    "by_date",
    "by_guard",
];

/// The tenant that is asked for.
const TENANT: u32 = 7;

/// What a policy asks beside the tenant, as one writes it without row-level security.
fn explicit(table: &str) -> &'static str {
    match table {
        "by_bool" => " and flag = true",
        "by_enum" => " and size = 'small'",
        "by_others" => " and (tenant <> 'shop-7.example' or tenant in ('shop-7.example', 'none'))",
        "not_banned" => {
            " and not exists (select from banned b
               where b.tenant = not_banned.tenant and b.user_id = md5('7')::uuid)"
        }
        _ => "",
    }
}

/// How often a statement runs in one turn.
const LATEST: u32 = 1000;
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

/// A session of the superuser's, and its backend's number.
struct Session {
    client: Client,
    process: i32,
}

impl Session {
    async fn new(url: &str) -> Outcome<Session> {
        let client = connect(url).await?;
        let row = client.query_one("select pg_backend_pid()", &[]).await?;
        let say = format!(
            "set plan_cache_mode = force_generic_plan;
             select set_config('app.text', 'shop-{TENANT}.example', false),
               set_config('app.uuid', md5('{TENANT}')::uuid::text, false),
               set_config('app.number', '{TENANT}', false),
               set_config('app.flag', 'true', false), set_config('app.size', 'small', false),
               set_config('app.day', (date '2000-01-01' + {TENANT})::text, false),
               set_config('request.jwt.claim.sub', md5('{TENANT}')::uuid::text, false),
               set_config('request.jwt.claims', json_build_object('sub', md5('{TENANT}')::uuid, 'role', 'bench_app',
                 'aud', 'authenticated', 'email', 'ana@example.com', 'exp', 1999999999, 'session_id',
                 gen_random_uuid(), 'app_metadata', json_build_object('provider', 'email', 'org',
                 'shop-{TENANT}.example'))::text, false)"
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

    /// What one run of a statement takes as a role, in microseconds: of the server's processor, and of the client's
    /// time.
    async fn cost(&self, role: &str, sql: &str, times: u32) -> Outcome<[f64; 2]> {
        self.client
            .batch_execute(&format!("set role {role}"))
            .await?;
        let statement = self.client.prepare(sql).await?;
        self.client.query(&statement, &[]).await?;
        let (before, begun) = (self.spent()?, Instant::now());
        for _ in 0..times {
            self.client.query(&statement, &[]).await?;
        }
        let each = 1e-3 / f64::from(times);
        let took = begun.elapsed().as_nanos() as f64;
        Ok([(self.spent()? - before) as f64 * each, took * each])
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let (rows, turns) = (number("ROWS", 1_000_000), number("TURNS", 31));
    let server = Server::start()?;
    let database = server.database().await?;
    let admin = connect(database.url()).await?;
    let schema = common::sql(SOURCE, Platform::Postgres)?;
    admin.batch_execute(&schema).await?;
    admin.batch_execute(AUTH).await?;
    let schema = common::sql(OF_SUPABASE, Platform::Supabase)?;
    admin.batch_execute(&schema).await?;
    let setup = format!(
        "create role bench_free nologin bypassrls;
         insert into members select md5(n::text)::uuid, 'shop-' || n || '.example' from generate_series(0, 999) n;
         insert into teammates select * from members;
         insert into banned select user_id, 'other' from members;
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
    let session = Session::new(database.url()).await?;
    println!(
        "{rows} rows of 1,000 tenants; microseconds of the server's processor for a statement, and the ratio of the \
         client's time\n"
    );
    println!(
        "form            what       tenant     without     with   ratio   least to most   time   at most"
    );
    let mut missed = Vec::new();
    for (table, tenant, bar) in FORMS {
        let literal =
            format!("select quote_literal(({tenant})::text) from (select {TENANT} as n) n");
        let tenant: String = admin.query_one(&literal, &[]).await?.get(0);
        let own = format!(" where tenant = {tenant}");
        let latest = |found: &str| {
            format!("select * from {table}{found} order by tenant, created_at desc limit 20")
        };
        let count = |found: &str| format!("select count(*) from {table}{found}");
        let written = format!("{own}{}", explicit(table));
        let alone = (ALONE.contains(&table)).then_some(("alone", ""));
        let statements = alone.into_iter().chain([("said too", own.as_str())]);
        let statements = statements.flat_map(|(how, found)| {
            [
                ("latest 20", how, [&written, found].map(latest), LATEST),
                ("count", how, [&written, found].map(count), COUNT),
            ]
        });
        for (what, how, [bare, sql], times) in statements {
            let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            let mut times_of_client = Vec::new();
            for _ in 0..turns {
                let (one, other) = (
                    session.cost("bench_free", &bare, times).await?,
                    session.cost("bench_app", &sql, times).await?,
                );
                without.push(one[0]);
                with.push(other[0]);
                ratios.push(other[0] / one[0]);
                times_of_client.push(other[1] / one[1]);
            }
            let ratio = median(ratios.clone());
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ratios.iter().copied().fold(0.0, f64::max);
            let time = median(times_of_client);
            println!(
                "{table:<15} {what:<10} {how:<9} {:>8.1} {:>8.1} {ratio:>7.2}   {least:.2} to {most:.2}   {time:.2}   {}",
                median(without),
                median(with),
                bar.map_or("no aim".to_owned(), |bar| bar.to_string())
            );
            if let Some(bar) = bar.filter(|bar| time > *bar) {
                missed.push(format!(
                    "{table}, {what}, {how}: {time:.2} where {bar} was the aim"
                ));
            }
        }
    }
    for line in missed {
        println!("missed: {line}");
    }
    Ok(())
}
