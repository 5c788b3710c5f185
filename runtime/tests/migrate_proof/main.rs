//! The engine where something dies or is refused: processes, sessions and servers killed, many processes at
//! once, a full disk, missing rights, clocks that disagree. Run again, catalog and ledger end as they do
//! where nothing went wrong; refused, they are as before, but for the row that says so.
#![cfg(unix)]

mod boundaries;
mod child;
mod clocks;
mod crowd;
mod disk;
mod gates;
mod holder;
mod messages;
mod refused;
mod server;
mod server_killed;
#[path = "../migrate_support/mod.rs"]
mod support;

use tabellion::catalog::Snapshot;
use tabellion::migrate::{ApplyOptions, Entry, Event, Migrator, RollbackOptions, RollbackTarget};

const ALL: ApplyOptions = ApplyOptions { to: None };
const HEADER: &str = "-- Draft.\n-- tabellion: no-transaction\n\n";

fn back() -> RollbackOptions {
    RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: true,
    }
}

async fn engine(url: &str) -> Migrator {
    Migrator::connect(url).await.expect("the engine connects")
}

/// What a row says of the history, without who and when.
type Row = (Event, String, Option<usize>);

fn rows(entries: &[Entry]) -> Vec<Row> {
    entries
        .iter()
        .map(|entry| (entry.event, entry.name.clone(), entry.position))
        .collect()
}

/// Catalog and ledger at a moment.
struct State {
    catalog: Snapshot,
    ledger: Vec<Entry>,
}

impl State {
    async fn of(engine: &mut Migrator) -> Self {
        State {
            catalog: engine.snapshot(["public"]).await.unwrap(),
            ledger: engine.history().await.unwrap(),
        }
    }

    /// Asserts that catalog and ledger are as then, but for so many rows of failures; gives those.
    async fn stands(&self, engine: &mut Migrator, failures: usize, what: &str) -> Vec<Entry> {
        let now = State::of(engine).await;
        assert_eq!(self.catalog.diff(&now.catalog), [], "{what}");
        let (before, since) = now.ledger.split_at(self.ledger.len());
        assert_eq!(before, self.ledger, "{what}");
        assert_eq!(since.len(), failures, "{what}: {since:?}");
        assert!(
            since.iter().all(|entry| entry.event == Event::Failed),
            "{what}: {since:?}"
        );
        since.to_vec()
    }
}
