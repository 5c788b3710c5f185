//! How often the engine waits for the server, counted on the wire; and that a file sent at once with its
//! guard is told by its own lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use tabellion::migrate::{MigrateError, RollbackTarget};
use tabellion_sql::schema::{Check, Expr, Index, IndexColumn, QualifiedName, Schema, Table};

use crate::proxy::counting;
use crate::support::{Project, database, step};
use crate::{ALL, back, engine, tables, versions};

#[tokio::test]
async fn one_for_all_files_and_three_to_read() {
    let (database, project) = (database().await, tables(12));
    let set = project.load();
    let first = tabellion::migrate::ApplyOptions {
        to: Some(versions(&set)[0].clone()),
    };
    let (url, flights) = counting(database.url()).await.unwrap();
    engine(&url).await.apply(&set, &first).await.unwrap();

    let mut engine = crate::engine(&url).await;
    let before = flights.count();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 11);
    assert_eq!(flights.count() - before, 3 + 1);

    let before = flights.count();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
    assert_eq!(flights.count() - before, 1);

    let before = flights.count();
    let all = back(RollbackTarget::All);
    assert_eq!(engine.rollback(&set, &all).await.unwrap().len(), 12);
    assert_eq!(flights.count() - before, 2 + 1);
}

/// However many tables there are, and however many expressions the server has to print.
#[tokio::test]
async fn verifying_asks_a_fixed_number_of_times() {
    let mut counts = Vec::new();
    for number in [3, 90] {
        let (database, project) = (database().await, Project::new());
        project.draw(&checked_tables(number));
        project.seal("tables");
        let set = project.load();
        let (url, flights) = counting(database.url()).await.unwrap();
        let mut engine = engine(&url).await;
        engine.apply(&set, &ALL).await.unwrap();
        let before = flights.count();
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean() && found.compared > 5 * number, "{found}");
        counts.push(flights.count() - before);
    }
    assert_eq!(counts[0], counts[1], "{counts:?}");
    assert!(counts[0] <= 10, "{counts:?}");
}

/// Tables with a check, an index and the policies of the sample table.
fn checked_tables(count: usize) -> Schema {
    let mut schema = step(1);
    let (_, order) = schema.tables.pop_first().expect("the orders");
    for number in 0..count {
        let mut id = order.column("id").expect("its key").clone();
        id.generated = None;
        let shop = order.column("shop").expect("its shop").clone();
        let check = Expr::new(format!("id <> {number}"), ["id"]);
        let table = Table {
            columns: vec![id, shop],
            checks: BTreeMap::from([(format!("not_{number}"), Check::new(check))]),
            indexes: BTreeMap::from([(
                format!("shop_{number}"),
                Index::new([IndexColumn::new("shop")]),
            )]),
            rls: order.rls.clone(),
            grants: order.grants.clone(),
            ..Table::new(format!("shop::Table{number}"))
        };
        let name = QualifiedName::new("public", format!("table_{number}"));
        schema.tables.insert(name, table);
    }
    schema
}

#[tokio::test]
async fn sixteen_appliers_at_once_run_each_migration_once() {
    let (database, project) = (database().await, tables(30));
    let set = Arc::new(project.load());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (set, url) = (Arc::clone(&set), database.url().to_owned());
        tasks.spawn(async move { engine(&url).await.apply(&set, &ALL).await });
    }
    let mut done = Vec::new();
    while let Some(result) = tasks.join_next().await {
        done.extend(result.unwrap().expect("every applier succeeds"));
    }
    done.sort_by_key(|entry| entry.id);
    let found: Vec<_> = done.into_iter().map(|entry| entry.version).collect();
    assert_eq!(found, versions(&set));
    let history = engine(database.url()).await.history().await.unwrap();
    assert_eq!(history.len(), 30);
}

#[tokio::test]
async fn a_failure_behind_the_guard_has_its_own_line() {
    for history in [false, true] {
        let (database, project) = (database().await, Project::new());
        if history {
            crate::run(&database, crate::supabase::TABLE).await;
        }
        project.seal_sql("one", "select 'ü';\n", "select 1;\n");
        project.seal_sql(
            "two",
            "select 'ü — é';\ncreate table public.a (\n  id int,\n  other nowhere\n);\n",
            "select 1;\n",
        );
        let set = project.load();
        let error = engine(database.url()).await.apply(&set, &ALL).await;
        let Err(MigrateError::Statement(failure)) = error else {
            panic!("the statement fails");
        };
        let text = project.read(&failure.file);
        let line = text.lines().nth(failure.line - 1);
        assert_eq!(line, Some("  other nowhere"), "{failure}");
        assert_eq!(failure.statement, "create table public.a (");
    }
}
