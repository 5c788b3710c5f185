//! Killed at every query that the process sends, as it is cut off in the middle of it, and as it has arrived.
//!
//! What a process does to a database it does by its queries, so these are all the instants there are for it;
//! what the server does meanwhile, `boundaries` holds up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tabellion::migrate::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::config::{Config, Host};

use crate::child::{self, Way};
use crate::gates::{Course, length};
use crate::support::{Project, database};
use crate::{ALL, back, engine, rows};

/// A way to the server that ends at one query of all that pass, on whichever connection.
struct Line {
    url: String,
    /// Says that the query has come; from then on nothing passes.
    cut: UnboundedReceiver<()>,
}

/// A line whose last query is the given one, counted from 1: the server gets it whole, or half of it.
async fn line(url: &str, query: usize, whole: bool) -> Line {
    let config: Config = url.parse().expect("a URL");
    let port = config.get_ports()[0];
    let Host::Tcp(host) = config.get_hosts()[0].clone() else {
        panic!("the tests connect over TCP");
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let new = listener.local_addr().expect("its address");
    let old = format!("@{host}:{port}");
    assert!(url.contains(&old), "a URL of host and port");
    let url = url.replace(&old, &format!("@{new}"));
    let (told, cut) = unbounded_channel();
    let left = Arc::new(AtomicUsize::new(query));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect((host.as_str(), port)).await else {
                return;
            };
            let ((from, mut to), (mut answers, server)) = (near.into_split(), far.into_split());
            tokio::spawn(async move { copy(&mut answers, &mut to).await });
            let queries = Queries {
                left: Arc::clone(&left),
                whole,
                told: told.clone(),
            };
            tokio::spawn(queries.pass(from, server));
        }
    });
    Line { url, cut }
}

/// The queries of a line, on one connection.
struct Queries {
    /// How many may come, the last one included.
    left: Arc<AtomicUsize>,
    whole: bool,
    told: UnboundedSender<()>,
}

impl Queries {
    /// Passes on what the client says, message by message.
    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        // The first message, and a request for encryption before it, have no byte for their type.
        let mut is_begun = false;
        loop {
            let mut message = vec![0; if is_begun { 5 } else { 4 }];
            from.read_exact(&mut message).await?;
            let head = message.len();
            let digits = message.last_chunk::<4>().expect("four bytes");
            let length = u32::from_be_bytes(*digits) as usize;
            message.resize(head + length - 4, 0);
            from.read_exact(&mut message[head..]).await?;
            let is_query = is_begun && message[0] == b'Q';
            is_begun |= length != 8;
            let left = if is_query {
                let fewer = |left: usize| left.checked_sub(1);
                self.left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
                    .unwrap_or(0)
            } else {
                self.left.load(Ordering::SeqCst) + 1
            };
            if left > 1 {
                to.write_all(&message).await?;
                continue;
            }
            if left == 1 && is_query {
                let length = message.len();
                let passed = if self.whole { length } else { length / 2 };
                to.write_all(&message[..passed]).await?;
                let _ = self.told.send(());
            }
            // Nobody hangs up before the process is dead.
            let _ = from.read_u8().await;
            return Ok(());
        }
    }
}

/// Starts a process and kills it at a query; says whether it came to that.
async fn killed_at(query: usize, whole: bool, way: Way, url: &str, project: &Project) -> bool {
    let mut line = line(url, query, whole).await;
    let mut process = child::start(way, &line.url, project);
    loop {
        if line.cut.try_recv().is_ok() {
            process.kill();
            return true;
        }
        if !process.is_running() {
            process.end().expect("a whole run");
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_killed_at_every_query() {
    let database = database().await;
    let url = database.url();
    let course = Course::run(url).await;
    let set = course.project.load();
    let mut next = engine(url).await;
    let mut kills = [0; 2];
    for query in 1.. {
        let before = kills;
        for (way, whole) in [
            (Way::Forth, false),
            (Way::Back, false),
            (Way::Forth, true),
            (Way::Back, true),
        ] {
            let what = format!("{way:?}, query {query}, whole: {whole}");
            let rows = length(&mut next).await;
            kills[way as usize] +=
                usize::from(killed_at(query, whole, way, url, &course.project).await);
            match way {
                Way::Forth => next.apply(&set, &ALL).await.expect(&what),
                Way::Back => next.rollback(&set, &back()).await.expect(&what),
            };
            course.ended(way, url, rows, &what).await;
        }
        if kills == before {
            break;
        }
    }
    assert!(kills.iter().all(|&kills| kills > 30), "{kills:?}");
}

/// The first of all makes the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_killed_while_there_is_no_ledger() {
    let project = Project::new();
    project.seal_sql(
        "one",
        "create table public.one (id int);\n",
        "drop table public.one;\n",
    );
    let set = project.load();
    let schemas = ["public", "tabellion"];
    let whole = database().await;
    let mut next = engine(whole.url()).await;
    next.apply(&set, &ALL).await.unwrap();
    let expected = next.snapshot(schemas).await.unwrap();
    let mut kills = 0;
    'all: for query in 1.. {
        for whole in [false, true] {
            let what = format!("query {query}, whole: {whole}");
            let database = database().await;
            if !killed_at(query, whole, Way::Forth, database.url(), &project).await {
                break 'all;
            }
            kills += 1;
            let mut next = engine(database.url()).await;
            next.apply(&set, &ALL).await.expect(&what);
            let found = next.snapshot(schemas).await.unwrap();
            assert_eq!(expected.diff(&found), [], "{what}");
            let history = next.history().await.unwrap();
            let applied = (Event::Applied, "one".to_owned(), None);
            assert_eq!(rows(&history), [applied], "{what}");
        }
    }
    assert!(kills > 10, "{kills}");
}
