//! The session that holds the migration lock ended, while the other one of the same process works on.

use std::time::{Duration, Instant};

use crate::child::{self, Way};
use crate::engine;
use crate::gates::{At, Course, close, held_up, length};
use crate::support::{client, database};

/// Without the lock, another process may be at work: no statement is begun any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_lost_the_lock_stops() {
    let database = database().await;
    let url = database.url();
    let course = Course::run(url).await;
    let watch = client(url).await;
    for (way, at, next) in [
        (Way::Forth, At::Writer, At::Table(6)),
        (Way::Back, At::Writer, At::Table(4)),
        (Way::Forth, At::Table(6), At::Table(7)),
        (Way::Back, At::Table(6), At::Table(5)),
    ] {
        let what = format!("{way:?}, {at:?}");
        let before = length(&mut engine(url).await).await;
        let (gate, second) = (close(url, at).await, close(url, next).await);
        let mut lost = child::start(way, url, &course.project);
        let worker = held_up(&watch, &gate, &mut lost).await;
        let end = "select count(pg_terminate_backend(pid)) from pg_locks
            where locktype = 'advisory' and granted and pid <> $1
              and database = (select oid from pg_database where datname = current_database())";
        let ended = watch.query_one(end, &[&worker]).await.unwrap();
        assert_eq!(ended.get::<_, i64>(0), 1, "{what}");
        drop(gate);
        // It never comes to the next statement, which would be held up.
        let start = Instant::now();
        while lost.is_running() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{what}: it goes on"
            );
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let said = lost.end().expect_err(&what);
        assert!(
            said.contains("the session that held the migration lock was ended"),
            "{said}"
        );
        let mut taken_up = child::start(way, url, &course.project);
        held_up(&watch, &second, &mut taken_up).await;
        drop(second);
        taken_up.end().expect(&what);
        course.ended(way, url, before, &what).await;
    }
}
