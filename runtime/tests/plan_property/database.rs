//! The databases that cases run in, one after the other: cleaned in between, which is quicker than new ones.

use tabellion::catalog::Snapshot;
use tabellion::testing::{Server, TestDatabase};
use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::Platform;
use tokio_postgres::Client;

use crate::generate::USERS;
use crate::names::{NAMESPACES, ROLES};

/// Where the extensions lie, as on Supabase. They stay while everything else is cleaned away.
pub(crate) const EXTENSIONS: &str = "extensions";

/// Every extension that a case may need; all of them come with PostgreSQL.
const NEEDED: [&str; 6] = ["btree_gist", "citext", "cube", "hstore", "ltree", "pg_trgm"];

/// How many rows a role sees of a relation: -1 where it may not look at all.
const HELPERS: &str = "
    create schema helper;
    create function helper.visible(who text, relation regclass) returns bigint language plpgsql as $$
    declare seen bigint;
    begin
      perform set_config('role', who, true);
      execute format('select count(*) from %s', relation) into seen;
      perform set_config('role', 'none', true);
      return seen;
    exception when others then
      return -1;
    end $$;
    -- inserts a row unless no partition takes it
    create function helper.put(statement text) returns void language plpgsql as $$
    begin
      execute statement;
    exception when check_violation then
      if sqlerrm not like 'no partition of relation%' then raise; end if;
    end $$;
";

/// A database, seen by a superuser and by the owner, who cannot bypass row-level security.
pub(crate) struct Place {
    pub(crate) admin: Client,
    pub(crate) owner: Client,
    owner_name: String,
    _database: TestDatabase,
}

impl Place {
    pub(crate) async fn new(server: &Server) -> Place {
        let database = server.database().await.expect("a database");
        let url = database.create_login("owner", &[]).await.expect("a login");
        let admin = connect(database.url()).await;
        let owner = connect(&url).await;
        let row = owner.query_one("select current_user::text", &[]).await;
        let owner_name: String = row.expect("the owner").get(0);
        let extensions: String = NEEDED
            .iter()
            .map(|name| format!("create extension {name} schema {EXTENSIONS};\n"))
            .collect();
        let roles: String = ROLES
            .iter()
            .chain(&["service_role"])
            .map(|role| {
                format!(
                    "do $$ begin create role {} nologin; \
                     exception when duplicate_object or unique_violation then null; end $$;\n",
                    quote(role)
                )
            })
            .collect();
        let name = quote(database.name()).into_owned();
        let owner_ident = quote(&owner_name).into_owned();
        let setup = format!(
            "{roles}
             create schema {EXTENSIONS};
             grant usage on schema {EXTENSIONS} to public;
             {extensions}
             {HELPERS}
             {USERS}
             grant usage on schema auth to {owner_ident};
             grant select, references on auth.users to {owner_ident};
             alter role {owner_ident} inherit;
             alter database {name} owner to {owner_ident};
             alter database {name} set search_path = public, {EXTENSIONS};
             set search_path = public, {EXTENSIONS};
             set app.shop = 'v1'; set app.level = '1';"
        );
        admin.batch_execute(&setup).await.expect("the setup");
        let path = format!("set search_path = public, {EXTENSIONS}");
        owner.batch_execute(&path).await.expect("the search path");
        Place {
            admin,
            owner,
            owner_name,
            _database: database,
        }
    }

    /// Whoever runs the scripts.
    pub(crate) fn runner(&self, owner: bool) -> &Client {
        if owner { &self.owner } else { &self.admin }
    }

    /// Takes everything away that cases make.
    pub(crate) async fn clean(&self, platform: Platform) {
        let mut text = String::from("set client_min_messages = warning;\ndiscard temp;\n");
        for namespace in NAMESPACES {
            text.push_str(&format!(
                "drop schema if exists {} cascade;\n",
                quote(namespace)
            ));
        }
        text.push_str(
            "create schema public authorization pg_database_owner;\n\
             grant usage on schema public to public;\n",
        );
        if platform == Platform::Supabase {
            let owner = quote(&self.owner_name);
            for who in ["current_user", &owner] {
                for what in ["tables", "sequences", "functions"] {
                    text.push_str(&format!(
                        "alter default privileges for role {who} in schema public \
                         grant all on {what} to anon, authenticated;\n"
                    ));
                }
            }
        }
        self.admin
            .batch_execute(&text)
            .await
            .expect("a clean database");
    }

    pub(crate) async fn snapshot(&self) -> State {
        let catalog = Snapshot::read(&self.admin, NAMESPACES);
        let catalog = catalog.await.expect("a snapshot");
        let query = "select c.oid::regclass::text from pg_class c
            where c.relkind = 'i' and c.relispartition union all
            select c.conrelid::regclass || ': ' || c.conname from pg_constraint c
            join pg_constraint k on k.oid = c.conparentid
            where c.contype = 'f' and c.conrelid = k.conrelid order by 1";
        let rows = self.admin.query(query, &[]).await.expect("the names");
        State {
            catalog,
            shares: rows.iter().map(|row| row.get(0)).collect(),
        }
    }
}

/// What a database holds, and the names of what partitions have of their table's indexes and of
/// foreign keys into it.
#[derive(Debug, Clone)]
pub(crate) struct State {
    catalog: Snapshot,
    shares: Vec<String>,
}

impl State {
    pub(crate) fn diff(&self, found: &State) -> Vec<String> {
        let findings = self.catalog.diff(&found.catalog).into_iter();
        let findings = findings.map(|finding| finding.to_string());
        let shares = (self.shares != found.shares)
            .then(|| format!("expected {:?}, found {:?}", self.shares, found.shares));
        findings.chain(shares).collect()
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

/// What a server said about a statement that failed.
pub(crate) fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let detail = error.detail().map(|detail| format!(" ({detail})"));
            let code = error.code().code();
            format!("{code} {}{}", error.message(), detail.unwrap_or_default())
        }
        None => error.to_string(),
    }
}

/// Names as a list of literals.
pub(crate) fn namespaces() -> String {
    let literals: Vec<String> = NAMESPACES
        .iter()
        .chain(&["auth"])
        .map(|n| quote_literal(n))
        .collect();
    literals.join(", ")
}
