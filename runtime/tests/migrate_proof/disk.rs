//! A full disk: a server none of whose files may grow beyond a limit, which it meets as it meets the end of
//! a disk.

use tabellion::migrate::{MigrateError, Migrator};

use crate::server::Own;
use crate::support::Project;
use crate::{ALL, HEADER, State, engine};

/// In blocks of 512 bytes: room for a segment of the log, 16 MiB, and one more; not a whole number of pages,
/// so that the last page is written in part, as on a full disk.
const LIMIT: u32 = 17 * 2048 + 8;

/// Of the server's version, in the number's form.
const SIXTEEN: u32 = 160_000;

async fn full(engine: &mut Migrator, project: &Project, own: &Own) {
    let error = engine.apply(&project.load(), &ALL).await.unwrap_err();
    let MigrateError::Statement(failure) = &error else {
        panic!("{error}");
    };
    // Later versions write several pages at once, and pass on what the system says of the limit.
    let passed_on = own.server.version_number() >= SIXTEEN && failure.code == "XX000";
    assert!(failure.code == "53100" || passed_on, "{error}");
    assert!(failure.undone, "{error}");
    let said = error.to_string();
    assert!(
        passed_on || said.contains("; make room on the server's disk"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk() {
    let mut own = Own::start().await;
    let database = own.database().await;
    let table = Project::new();
    table.seal_sql(
        "thin",
        "create table public.thin (id int);\n\
         insert into public.thin select generate_series(1, 45000);\n",
        "drop table public.thin;\n",
    );
    let mut first = engine(database.url()).await;
    first.apply(&table.load(), &ALL).await.unwrap();
    drop(first);
    own.kill("-QUIT");
    own.restart(Some(LIMIT));

    // An index whose tuples are wide, which leaves no half of itself.
    let index = table;
    let wide: Vec<_> = (0..14).map(|n| format!("md5((id + {n})::text)")).collect();
    index.seal_text(
        "wide",
        &format!(
            "{HEADER}create index concurrently thin_wide on public.thin (({}));\n",
            wide.join(" || ")
        ),
        &format!("{HEADER}drop index concurrently public.thin_wide;\n"),
    );
    let mut engine = engine(database.url()).await;
    let state = State::of(&mut engine).await;
    full(&mut engine, &index, &own).await;
    let history = engine.history().await.unwrap();
    // The row that an index is entered with before it is built, and the failure's.
    let events: Vec<_> = history.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["applied", "started", "failed"]);
    assert_eq!(history[..1], state.ledger);
    let found = engine.snapshot(["public"]).await.unwrap();
    assert_eq!(state.catalog.diff(&found), []);

    // A file in a transaction, that fills a table.
    let other = own.database().await;
    let rows = Project::new();
    rows.seal_sql(
        "small",
        "create table public.small (id int);\n",
        "drop table public.small;\n",
    );
    let mut engine = crate::engine(other.url()).await;
    engine.apply(&rows.load(), &ALL).await.unwrap();
    rows.seal_sql(
        "much",
        "alter table public.small add more int;\ncreate table public.much (text text);\n\
         insert into public.much select repeat('x', 1900) from generate_series(1, 12000);\n",
        "drop table public.much;\nalter table public.small drop more;\n",
    );
    let state = State::of(&mut engine).await;
    full(&mut engine, &rows, &own).await;
    state.stands(&mut engine, 1, "a table").await;
    drop(engine);

    // Once there is room, both are run again.
    own.kill("-QUIT");
    own.restart(None);
    for (url, project) in [(database.url(), index), (other.url(), rows)] {
        let mut engine = crate::engine(url).await;
        assert_eq!(engine.apply(&project.load(), &ALL).await.unwrap().len(), 1);
        let status = engine.status(&project.load()).await.unwrap();
        assert_eq!((status.pending(), status.begun.len()), (0, 0));
    }
}
