//! Migrations whose every statement can be held up: each touches a table of its own, which the test locks.

use std::time::{Duration, Instant};

use tabellion::catalog::Snapshot;
use tabellion::migrate::{Event, Migrator};
use tokio_postgres::Client;

use crate::child::{self, Applier, Way};
use crate::support::{Project, client};
use crate::{HEADER, Row, engine, rows};

/// How long something may take to happen on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Each statement fails where it is run twice, or leaves what a second run would not.
const INSIDE: [(&str, &str); 3] = [
    (
        "alter table public.gate_1 add done int;
create table public.made (id int primary key);
alter table public.gate_2 add done int;
alter table public.gate_3 add done int;
",
        "alter table public.gate_3 drop done;
alter table public.gate_2 drop done;
drop table public.made;
alter table public.gate_1 drop done;
",
    ),
    (
        "alter table public.gate_4 add done int;
create index concurrently gate_5_id on public.gate_5 (id);
alter table public.gate_6 add done int;
vacuum public.gate_7;
",
        "vacuum public.gate_7;
alter table public.gate_6 drop done;
drop index concurrently public.gate_5_id;
alter table public.gate_4 drop done;
",
    ),
    (
        "alter table public.gate_8 add done int;\n",
        "alter table public.gate_8 drop done;\n",
    ),
];

/// A file in a transaction, one outside, one more in a transaction.
pub(crate) fn project() -> Project {
    let project = Project::new();
    for (index, (up, down)) in INSIDE.iter().enumerate() {
        let header = if index == 1 { HEADER } else { "-- Draft.\n\n" };
        project.seal_text(
            ["first", "outside", "last"][index],
            &format!("{header}{up}"),
            &format!("{header}{down}"),
        );
    }
    project
}

/// Where a statement is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// As it asks for this table's lock, with nothing done.
    Table(usize),
    /// An index built or dropped: entered in the catalog, waiting for whoever still writes the table.
    Writer,
    /// An index built: filled, waiting for whoever still looks at what was before.
    Reader,
}

pub(crate) const FORTH: [At; 10] = [
    At::Table(1),
    At::Table(2),
    At::Table(3),
    At::Table(4),
    At::Table(5),
    At::Writer,
    At::Reader,
    At::Table(6),
    At::Table(7),
    At::Table(8),
];

pub(crate) const BACK: [At; 9] = [
    At::Table(8),
    At::Table(7),
    At::Table(6),
    At::Table(5),
    At::Writer,
    At::Table(4),
    At::Table(3),
    At::Table(2),
    At::Table(1),
];

/// Every place on both ways.
pub(crate) fn places() -> impl Iterator<Item = (Way, At)> {
    let forth = FORTH.map(|at| (Way::Forth, at));
    forth.into_iter().chain(BACK.map(|at| (Way::Back, at)))
}

/// A session that holds a statement up for as long as it lives.
pub(crate) struct Gate {
    _session: Client,
    pid: i32,
}

pub(crate) async fn close(url: &str, at: At) -> Gate {
    let sql = match at {
        At::Table(number) => {
            format!("begin; lock table public.gate_{number} in share update exclusive mode")
        }
        At::Writer => "begin; lock table public.gate_5 in row exclusive mode".into(),
        At::Reader => "begin isolation level repeatable read; select 1".into(),
    };
    let session = client(url).await;
    let pid = session.query_one("select pg_backend_pid()", &[]).await;
    session.batch_execute(&sql).await.expect("a lock");
    Gate {
        pid: pid.expect("its number").get(0),
        _session: session,
    }
}

/// Lays the tables that the migrations are about.
pub(crate) async fn lay(url: &str) {
    let mut sql = String::new();
    for number in 1..=8 {
        sql.push_str(&format!(
            "create table public.gate_{number} (id int);
             insert into public.gate_{number} select generate_series(1, 50);"
        ));
    }
    client(url).await.batch_execute(&sql).await.expect("tables");
}

/// What a database comes to where nothing goes wrong, and the one that is looked at.
pub(crate) struct Course {
    pub(crate) project: Project,
    up: (Snapshot, Vec<Row>),
    down: (Snapshot, Vec<Row>),
}

impl Course {
    /// Lays the tables of the project, and runs it forth and back, by processes that nobody kills.
    pub(crate) async fn run(url: &str) -> Self {
        let project = project();
        lay(url).await;
        let mut engine = engine(url).await;
        let mut ends = Vec::new();
        for way in [Way::Forth, Way::Back] {
            let before = engine.history().await.unwrap_or_default().len();
            child::start(way, url, &project).end().expect("a whole run");
            let rows = rows(&engine.history().await.unwrap()[before..]);
            ends.push((engine.snapshot(["public"]).await.unwrap(), rows));
        }
        let down = ends.pop().expect("two");
        let up = ends.pop().expect("two");
        assert_ne!(up.0.diff(&down.0), []);
        assert_eq!(up.1.len(), 7, "{up:?}");
        Course { project, up, down }
    }

    /// Asserts that a database is where a whole run leads, and that the ledger's rows since then are those
    /// of a whole run, but for failures.
    pub(crate) async fn ended(&self, way: Way, url: &str, before: usize, what: &str) {
        let mut engine = engine(url).await;
        let (catalog, expected) = if way == Way::Forth {
            &self.up
        } else {
            &self.down
        };
        let found = engine.snapshot(["public"]).await.unwrap();
        assert_eq!(catalog.diff(&found), [], "{what}");
        let history = engine.history().await.unwrap();
        let mut since = rows(&history[before..]);
        since.retain(|(event, ..)| *event != Event::Failed);
        assert_eq!(since, *expected, "{what}");
        let status = engine.status(&self.project.load()).await.unwrap();
        assert!(
            status.begun.is_empty() && status.problems.is_empty(),
            "{what}: {status:?}"
        );
        let invalid = "select count(*) from pg_index where not (indisvalid and indisready)";
        let row = client(url).await.query_one(invalid, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 0, "{what}");
    }
}

/// How many rows the ledger has.
pub(crate) async fn length(engine: &mut Migrator) -> usize {
    engine.history().await.unwrap().len()
}

/// Waits until a session is held up by a gate; gives its process of the server.
pub(crate) async fn held_up(watch: &Client, gate: &Gate, applier: &mut Applier) -> i32 {
    let query = "select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
          and $1 = any(pg_blocking_pids(pid))";
    let start = Instant::now();
    loop {
        let row = watch.query_opt(query, &[&gate.pid]).await.unwrap();
        if let Some(row) = row {
            return row.get(0);
        }
        assert!(applier.is_running(), "it ended before it was held up");
        assert!(start.elapsed() < PATIENCE, "nothing is held up");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Waits until a query gives true.
pub(crate) async fn until(watch: &Client, query: &str) {
    let start = Instant::now();
    while !watch.query_one(query, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(start.elapsed() < PATIENCE, "never: {query}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}
