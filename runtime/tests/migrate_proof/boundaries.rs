//! Killed at every boundary of statements, forth and back, in a transaction and outside.

use std::time::Duration;

use tabellion::migrate::MigrateError;

use crate::child::{self, Way};
use crate::gates::{self, At, Course, PATIENCE, close, held_up, length, until};
use crate::support::{Project, client, database};
use crate::{ALL, HEADER, State, back, engine};

/// The server goes on with what the process has sent; the next process comes while it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_killed_at_every_statement() {
    let database = database().await;
    let url = database.url();
    let course = Course::run(url).await;
    let (mut engine, watch) = (engine(url).await, client(url).await);
    for (way, at) in gates::places() {
        // One kill on the way, all the way back or forth again.
        let what = format!("{way:?}, {at:?}");
        if way == Way::Back {
            child::start(Way::Forth, url, &course.project)
                .end()
                .expect(&what);
        }
        let before = length(&mut engine).await;
        let gate = close(url, at).await;
        let mut killed = child::start(way, url, &course.project);
        let pid = held_up(&watch, &gate, &mut killed).await;
        killed.kill();
        let next = child::start(way, url, &course.project);
        let joined = format!(
            "select count(*) > 0 from pg_stat_activity where datname = current_database()
               and pid not in ({pid}, pg_backend_pid())
               and backend_start > (select backend_start from pg_stat_activity where pid = {pid})"
        );
        until(&watch, &joined).await;
        drop(gate);
        next.end().expect(&what);
        course.ended(way, url, before, &what).await;
        if way == Way::Forth {
            child::start(Way::Back, url, &course.project)
                .end()
                .expect(&what);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_ended_at_every_statement() {
    let database = database().await;
    let url = database.url();
    let course = Course::run(url).await;
    let (mut engine, watch) = (engine(url).await, client(url).await);
    for (way, at) in gates::places() {
        let what = format!("{way:?}, {at:?}");
        if way == Way::Back {
            child::start(Way::Forth, url, &course.project)
                .end()
                .expect(&what);
        }
        let before = length(&mut engine).await;
        let gate = close(url, at).await;
        let mut cut = child::start(way, url, &course.project);
        let pid = held_up(&watch, &gate, &mut cut).await;
        let end = "select pg_terminate_backend($1)";
        watch.execute(end, &[&pid]).await.expect("a superuser may");
        let said = cut.end().expect_err(&what);
        assert!(
            said.contains("the connection was lost while"),
            "{what}: {said}"
        );
        drop(gate);
        let next = child::start(way, url, &course.project);
        next.end().expect(&what);
        course.ended(way, url, before, &what).await;
        if way == Way::Forth {
            child::start(Way::Back, url, &course.project)
                .end()
                .expect(&what);
        }
    }
}

/// The killed process's statement waits for the table: a second build behind it would end in a deadlock, and a
/// rollback would leave the index to come later. So both wait for it, as long as they may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_a_killed_process_still_queues_for() {
    let database = database().await;
    let url = database.url();
    let course = Course::run(url).await;
    let set = course.project.load();
    let watch = client(url).await;
    let mut hasty = engine(url).await.lock_wait(Duration::from_millis(150));
    for way in [Way::Forth, Way::Back] {
        let what = format!("{way:?}");
        let before = length(&mut hasty).await;
        let gate = close(url, At::Table(5)).await;
        let mut killed = child::start(way, url, &course.project);
        held_up(&watch, &gate, &mut killed).await;
        killed.kill();
        let run = async {
            match way {
                Way::Forth => hasty.apply(&set, &ALL).await,
                Way::Back => hasty.rollback(&set, &back()).await,
            }
        };
        let ended = tokio::time::timeout(PATIENCE, run).await;
        let error = ended.expect("it does not queue").expect_err(&what);
        assert!(matches!(error, MigrateError::Held(_)), "{error}");
        let said = error.to_string();
        assert!(
            said.contains("end it with `pg_terminate_backend("),
            "{said}"
        );
        let next = child::start(way, url, &course.project);
        drop(gate);
        next.end().expect(&what);
        course.ended(way, url, before, &what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_comes_while_it_is_rolled_back() {
    let database = database().await;
    let url = database.url();
    let project = Project::new();
    project.seal_text(
        "index",
        &format!("{HEADER}create index concurrently kept_id on public.kept (id);\n"),
        &format!("{HEADER}drop index concurrently public.kept_id;\n"),
    );
    let set = project.load();
    let watch = client(url).await;
    let table = "create table public.kept (id int)";
    watch.batch_execute(table).await.unwrap();
    let mut hasty = engine(url).await.lock_wait(Duration::from_millis(150));
    let state = State::of(&mut hasty).await;
    let hold = client(url).await;
    let lock = "begin; lock table public.kept in share update exclusive mode";
    hold.batch_execute(lock).await.unwrap();
    let mut killed = child::start(Way::Forth, url, &project);
    let waits = "select count(*) = 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    until(&watch, waits).await;
    assert!(killed.is_running());
    killed.kill();
    let error = hasty.rollback(&set, &back()).await.unwrap_err();
    assert!(matches!(error, MigrateError::Held(_)), "{error}");
    let next = child::start(Way::Back, url, &project);
    drop(hold);
    next.end().expect("it is undone");
    let found = hasty.snapshot(["public"]).await.unwrap();
    assert_eq!(state.catalog.diff(&found), []);
    let history = hasty.history().await.unwrap();
    let events: Vec<_> = history.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["started", "failed"]);
}
