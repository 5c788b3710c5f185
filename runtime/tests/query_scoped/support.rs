//! Two tenants, their tables, and a look from outside.

use std::time::{Duration, Instant};

use tabellion::testing::{Server, TestDatabase};
use tabellion::{
    AllowsSelect, Database, Error, NoScope, Row, Scope, Scoped, Table, TextEnum, Timestamp,
};
use tokio_postgres::{Client, NoTls};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Scope)]
#[scope(role = "query_shop")]
pub(crate) struct Shop {
    #[setting("app.current_shop")]
    pub(crate) domain: String,
}

/// A second kind of scope, with the same role and another setting.
#[derive(Scope)]
#[scope(role = "query_shop")]
pub(crate) struct User {
    #[setting("app.current_user")]
    pub(crate) id: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, TextEnum)]
pub(crate) enum Kind {
    Call,
    Visit,
}

#[derive(Debug, Table)]
#[table(name = "notes", scope = Shop)]
#[index(name = "notes_by_shop", columns(shop, amount desc, id), finder = "by_shop")]
#[index(name = "notes_said", columns(shop, body desc nulls_last), finder = "said")]
#[index(name = "notes_open", columns(shop, id), where = kind == Kind::Call, finder = "calls_of")]
#[tenant(shop = scope.domain)]
pub(crate) struct Note {
    #[column(primary_key, serial)]
    pub(crate) id: i32,
    pub(crate) shop: String,
    pub(crate) kind: Kind,
    pub(crate) body: Option<String>,
    #[column(default = 7)]
    pub(crate) amount: i32,
    #[column(default = now())]
    pub(crate) created_at: Timestamp,
}

/// A seat is one tenant's, which the database looks at only when the transaction commits.
#[derive(Debug, Table)]
#[table(name = "seats", schema = "hall", scope = Shop)]
#[primary_key(columns(shop, seat))]
#[unique(name = "one_seat_each", columns(shop, guest), deferrable = deferred)]
#[tenant(shop = scope.domain)]
pub(crate) struct Seat {
    pub(crate) shop: String,
    pub(crate) seat: i32,
    pub(crate) guest: String,
}

#[derive(Debug, Table)]
#[table(name = "preferences", scope = User)]
#[index(columns(user_id), finder = "of_user")]
#[tenant(user_id = scope.id)]
pub(crate) struct Preference {
    #[column(primary_key)]
    pub(crate) user_id: i64,
    /// What the other kind of scope's setting was when the row was written.
    pub(crate) leak: Option<String>,
}

const SCHEMA: &str = "
do $$ begin
  create role query_shop nologin;
exception when duplicate_object or unique_violation then
  null; -- another test's: roles belong to the whole server
end $$;

create table notes (
  id serial primary key,
  shop text not null,
  kind text not null,
  body text,
  amount int not null default 7,
  created_at timestamptz not null default now(),
  constraint notes_amount_check check (amount < 1000)
);
create index notes_by_shop on notes (shop, amount desc, id);
create index notes_open on notes (shop, id) where kind = 'call';
create unique index notes_body on notes (shop, body);
alter table notes enable row level security;
alter table notes force row level security;
create policy tenant on notes to query_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');
grant select, insert, update, delete on notes to query_shop;
grant usage on sequence notes_id_seq to query_shop;

create schema hall;
grant usage on schema hall to query_shop;
create table hall.seats (
  shop text not null,
  seat int not null,
  guest text not null,
  primary key (shop, seat),
  constraint one_seat_each unique (shop, guest) deferrable initially deferred
);
alter table hall.seats enable row level security;
alter table hall.seats force row level security;
create policy tenant on hall.seats to query_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');
grant select, insert, update, delete on hall.seats to query_shop;

create table preferences (
  user_id int8 primary key,
  leak text default current_setting('app.current_shop', true)
);
alter table preferences enable row level security;
alter table preferences force row level security;
create policy tenant on preferences to query_shop
  using (user_id = nullif((select current_setting('app.current_user', true)), '')::int8)
  with check (user_id = nullif((select current_setting('app.current_user', true)), '')::int8);
grant select, insert, update, delete on preferences to query_shop;
";

/// A database with the tables, and a login that may take on their role.
pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    /// The superuser.
    pub(crate) admin: Client,
    /// The application's URL.
    pub(crate) url: String,
}

impl Fixture {
    pub(crate) async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Fixture::on(Server::shared()?).await
    }

    /// The same on a server whose configuration the test changes.
    pub(crate) async fn on(server: &Server) -> Result<Self, Box<dyn std::error::Error>> {
        let database = server.database().await?;
        let admin = client(database.url()).await?;
        admin.batch_execute(SCHEMA).await?;
        let url = database.create_login("app", &["query_shop"]).await?;
        Ok(Fixture {
            database,
            admin,
            url,
        })
    }

    /// The application with a pool of that many connections.
    pub(crate) async fn connect(&self, connections: usize) -> Result<Database, tabellion::Error> {
        pool(&self.url, connections).await
    }

    /// That many notes of `acme` and of each of so many other tenants, their amounts from 0 on.
    pub(crate) async fn seed(&self, notes: i32, others: i32) -> Outcome {
        let sql = format!(
            "insert into notes (shop, kind, amount) \
             select case tenant when 0 then 'acme' else 'shop ' || tenant end, 'call', n \
             from generate_series(0, {notes} - 1) n, generate_series(0, {others}) tenant"
        );
        self.admin.batch_execute(&sql).await?;
        Ok(())
    }

    /// How many rows there are, whoever owns them.
    pub(crate) async fn count(&self, what: &str) -> Result<i64, tokio_postgres::Error> {
        let sql = format!("select count(*) from {what}");
        self.admin.query_one(&sql, &[]).await?.try_get(0)
    }

    /// Connections of the application's login that are inside a transaction.
    pub(crate) async fn open_transactions(&self) -> Result<i64, tokio_postgres::Error> {
        self.count(
            "pg_stat_activity where datname = current_database() \
             and usename like 'app%' and state like 'idle in transaction%'",
        )
        .await
    }

    /// [`open_transactions`](Self::open_transactions) that stay. A connection whose future was dropped is closed at
    /// once, and the server sees that when it next looks at it: none of them is left open for five seconds.
    pub(crate) async fn lasting_transactions(&self) -> Result<i64, tokio_postgres::Error> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let open = self.open_transactions().await?;
            if open == 0 || Instant::now() > end {
                return Ok(open);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(crate) async fn pool(url: &str, connections: usize) -> Result<Database, tabellion::Error> {
    let builder = Database::builder(url).max_connections(connections);
    builder.connect().await
}

pub(crate) async fn client(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub(crate) fn shop(database: &Database, domain: &str) -> Scoped<Shop> {
    database.scope(Shop {
        domain: domain.into(),
    })
}

pub(crate) fn note(shop: &str) -> NewNote {
    NewNote {
        shop: shop.into(),
        kind: Kind::Call,
    }
}

/// The error that a call must end in.
pub(crate) fn refused<T>(result: Result<T, tabellion::Error>) -> tabellion::Error {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

/// The statements that the connection at hand has prepared.
#[derive(Debug)]
pub(crate) struct Prepared;

impl Table for Prepared {
    type Scope = NoScope;
    const NAME: &'static str = "pg_catalog.pg_prepared_statements";
    const COLUMNS: &'static [&'static str] = &["name"];
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get::<String>(0).map(|_| Prepared)
    }
}

impl AllowsSelect for Prepared {}
