//! The server killed while a file runs, and started again.

use crate::child::{self, Way};
use crate::engine;
use crate::gates::{At, Course, close, held_up, length};
use crate::server::Own;
use crate::support::client;

/// In the middle of a transaction; before, in and at the end of an index's build; in its removal; in and
/// between statements outside a transaction.
const PLACES: [(Way, At); 9] = [
    (Way::Forth, At::Table(2)),
    (Way::Back, At::Table(2)),
    (Way::Forth, At::Table(5)),
    (Way::Back, At::Writer),
    (Way::Forth, At::Writer),
    (Way::Back, At::Table(5)),
    (Way::Forth, At::Reader),
    (Way::Back, At::Table(6)),
    (Way::Forth, At::Table(7)),
];

/// By a signal that it cannot hear, and by `pg_ctl stop -m immediate`, which sends SIGQUIT.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_killed_while_a_file_runs() {
    let mut own = Own::start().await;
    let database = own.database().await;
    let url = database.url();
    let course = Course::run(url).await;
    let mut left = 0;
    for (number, (way, at)) in PLACES.into_iter().enumerate() {
        let signal = ["-KILL", "-QUIT"][number / 2 % 2];
        let what = format!("{way:?}, {at:?}, {signal}");
        let before = length(&mut engine(url).await).await;
        let gate = close(url, at).await;
        let mut cut = child::start(way, url, &course.project);
        held_up(&client(url).await, &gate, &mut cut).await;
        own.kill(signal);
        let said = cut.end().expect_err(&what);
        assert!(
            said.contains("the connection was lost while"),
            "{what}: {said}"
        );
        drop(gate);
        own.restart(None);
        let halves = "select count(*) from pg_index where not indisvalid";
        let row = client(url).await.query_one(halves, &[]).await.unwrap();
        left += row.get::<_, i64>(0);
        child::start(way, url, &course.project).end().expect(&what);
        course.ended(way, url, before, &what).await;
    }
    assert_eq!(left, 3, "halves of indexes that the next run found");
}
