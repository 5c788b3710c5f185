//! The engine beyond one file after another: approvals, round trips, poolers, other tools' histories.

mod adopting;
mod approval;
mod extras;
mod flights;
mod glance;
mod guard;
mod killed;
mod order;
mod outside;
mod owners;
#[path = "../pgbouncer/mod.rs"]
mod pgbouncer;
mod pooler;
mod proof;
#[allow(dead_code)] // shared with the tests of queries
#[path = "../query_scoped/proxy.rs"]
mod proxy;
mod readers;
mod session;
mod strangers;
mod supabase;
#[path = "../migrate_support/mod.rs"]
mod support;

use support::Project;
use tabellion::migrate::{
    ApplyOptions, Entry, Migrations, Migrator, RollbackOptions, RollbackTarget,
};
use tabellion::testing::TestDatabase;

const ALL: ApplyOptions = ApplyOptions { to: None };

fn back(target: RollbackTarget) -> RollbackOptions {
    RollbackOptions {
        target,
        accept_data_loss: true,
        accept_wider_access: true,
    }
}

async fn engine(url: &str) -> Migrator {
    Migrator::connect(url).await.expect("the engine connects")
}

fn events(entries: &[Entry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.event.as_str()).collect()
}

fn versions(set: &Migrations) -> Vec<String> {
    set.iter()
        .map(|migration| migration.version.clone())
        .collect()
}

/// So many migrations of a table each.
fn tables(count: usize) -> Project {
    let project = Project::new();
    for number in 0..count {
        project.seal_sql(
            &format!("table_{number}"),
            &format!("create table public.t_{number} (id int);\n"),
            &format!("drop table public.t_{number};\n"),
        );
    }
    project
}

async fn run(database: &TestDatabase, sql: &str) {
    support::client(database.url())
        .await
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The first column of the only row.
async fn text(database: &TestDatabase, sql: &str) -> Option<String> {
    let rows = support::client(database.url()).await.query(sql, &[]).await;
    rows.unwrap().first().and_then(|row| row.get(0))
}
