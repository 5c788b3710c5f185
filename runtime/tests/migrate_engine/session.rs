//! What a file leaves in the session is not there for the next, as it is not when that runs on another day.

use tabellion::migrate::ApplyOptions;

use crate::support::{Project, database};
use crate::{engine, run, text};

const ALL: ApplyOptions = ApplyOptions { to: None };

#[tokio::test]
async fn a_temporary_table_hides_no_table_from_the_next_file() {
    let (database, project) = (database().await, Project::new());
    run(
        &database,
        "create table public.notes as select 'old' as body",
    )
    .await;
    project.seal_sql(
        "keep",
        "create temp table notes as select * from public.notes;\n",
        "select 1;\n",
    );
    project.seal_sql("change", "update notes set body = 'new';\n", "select 1;\n");
    let mut engine = engine(database.url()).await;
    engine.apply(&project.load(), &ALL).await.unwrap();
    let body = text(&database, "select body from public.notes").await;
    assert_eq!(body.as_deref(), Some("new"));
}

#[tokio::test]
async fn names_of_a_session_are_free_in_the_next_file() {
    let (database, project) = (database().await, Project::new());
    for name in ["one", "two"] {
        project.seal_sql(
            name,
            "create temp sequence steps;
create function pg_temp.twice(int) returns int language sql return $1 * 2;
declare notes cursor with hold for select 1;
prepare note as select 2;
set role pg_monitor;
create temp table notes (id int);
",
            "select 1;\n",
        );
    }
    let set = project.load();
    let mut engine = engine(database.url()).await;
    let done = engine.apply(&set, &ALL).await.unwrap();
    assert_eq!(done.len(), 2);
    // What the connection is used for afterwards goes on.
    assert!(engine.verify(&set).await.unwrap().problems.is_empty());
}
