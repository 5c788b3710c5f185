//! Rehearsing: every migration up, down and up again in a scratch database, and nothing of it left.

mod files;
mod homes;
#[path = "../migrate_support/mod.rs"]
mod migrate_support;
mod places;

use std::collections::BTreeSet;

use migrate_support::client;
use tabellion::migrate::{Migrations, Rehearsal, RehearseOptions, rehearse};
use tabellion::testing::TestDatabase;

fn on(database: &TestDatabase) -> RehearseOptions {
    RehearseOptions {
        url: Some(database.url().to_owned()),
        ..RehearseOptions::default()
    }
}

async fn rehearsed(set: &Migrations, options: &RehearseOptions) -> Rehearsal {
    rehearse(set, options, &mut |_| {}).await.unwrap()
}

/// The scratch databases of this server.
async fn scratches(database: &TestDatabase) -> Vec<String> {
    let query = "select datname from pg_database where datname like 'tabellion_rehearsal%'";
    let rows = client(database.url())
        .await
        .query(query, &[])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Only the rehearsal under test can have made these.
async fn left_by<F: Future<Output = T>, T>(database: &TestDatabase, run: F) -> (T, Vec<String>) {
    let before: BTreeSet<String> = scratches(database).await.into_iter().collect();
    let result = run.await;
    let mut new = scratches(database).await;
    new.retain(|name| !before.contains(name));
    (result, new)
}

/// One at a time: what a rehearsal leaves is told by its name, and the tests share a server.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
