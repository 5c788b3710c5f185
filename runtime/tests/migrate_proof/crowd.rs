//! Many processes at once.

use tabellion::migrate::Event;

use crate::child::{self, Way};
use crate::engine;
use crate::gates::{Course, lay, length};
use crate::support::database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_processes_at_once_run_each_migration_once() {
    child::part().await;
    let (database, other) = (database().await, database().await);
    let course = Course::run(other.url()).await;
    // Not even a ledger is there.
    lay(database.url()).await;
    let mut engine = engine(database.url()).await;
    for way in [Way::Forth, Way::Back] {
        let before = length(&mut engine).await;
        let start = |_| child::start(way, database.url(), &course.project);
        let all: Vec<_> = (0..16).map(start).collect();
        for one in all {
            one.end().expect("every process succeeds");
        }
        let what = format!("{way:?}");
        course.ended(way, database.url(), before, &what).await;
        let history = engine.history().await.unwrap();
        assert!(history.iter().all(|entry| entry.event != Event::Failed));
    }
}
