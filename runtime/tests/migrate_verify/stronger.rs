//! What verify asks the server runs nothing of someone who may do less, and finds nothing that was planted.

use tabellion::migrate::{ApplyOptions, Migrator};
use tabellion::testing::TestDatabase;
use tabellion_sql::schema::{Column, Expr, Index, IndexColumn, QualifiedName, Type};

use crate::migrate_support::{Project, client, database, step};

/// A login that owns the database and is no superuser, and its name.
async fn owned(database: &TestDatabase) -> (String, String) {
    let owner = format!("owner_{}", database.name());
    let login = database.create_login("owner", &[]).await.unwrap();
    let prepare = format!(
        "alter role {owner} createrole; alter database \"{}\" owner to {owner};
         grant create on schema public to {owner}",
        database.name()
    );
    let admin = client(database.url()).await;
    admin.batch_execute(&prepare).await.unwrap();
    (login, owner)
}

/// PostgreSQL computes a constant call of an immutable function while it reads an index or a generated column.
#[tokio::test]
async fn a_superuser_runs_no_function_of_the_databases_owner() {
    let predicate = Expr::new("shop <> public.banned('x')", ["shop"]);
    let called = {
        let mut column = Column::new("called", Type::Text);
        column.computed = Some(Expr::new("public.banned('x')", [""; 0]));
        column
    };
    let index = Index {
        predicate: Some(predicate),
        ..Index::new([IndexColumn::new("shop")])
    };
    for (index, column) in [(Some(index), None), (None, Some(called))] {
        let (database, project) = (database().await, Project::new());
        let mut schema = step(1);
        let key = QualifiedName::new("public", "order");
        let orders = schema.tables.get_mut(&key).expect("the orders");
        orders
            .indexes
            .extend(index.map(|index| ("order_allowed".into(), index)));
        orders.columns.extend(column);
        project.draw(&schema);
        project.seal("calls");
        let set = project.load();
        let (login, owner) = owned(&database).await;
        let theirs = client(&login).await;
        let banned = |body: &str| {
            format!(
                "create or replace function public.banned(word text) returns text immutable language plpgsql as
                 $$ begin {body} return 'bad'; end $$"
            )
        };
        theirs.batch_execute(&banned("")).await.unwrap();
        let mut engine = Migrator::connect(&login).await.unwrap();
        engine.apply(&set, &ApplyOptions::default()).await.unwrap();
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{found}");
        let evil = banned(
            "if current_user = 'postgres' then raise exception using errcode = 'XX000'; end if;",
        );
        let evil = evil.replace(
            "'postgres'",
            "(select rolname from pg_catalog.pg_roles where oid = 10)",
        );
        theirs.batch_execute(&evil).await.unwrap();
        let mut above = Migrator::connect(database.url()).await.unwrap();
        let refused = above.verify(&set).await.unwrap_err().to_string();
        assert!(
            refused.contains(&format!("`{owner}`, who may do less than this login"))
                && refused.ends_with(&format!("verify as `{owner}`")),
            "{refused}"
        );
        // Its owner sees no change: the function's body is its own.
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{found}");
    }
}

/// What needs nothing of the owner's is compared, whatever else the tables name.
#[tokio::test]
async fn a_superuser_compares_what_runs_nothing_of_the_owners() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(3);
    let key = QualifiedName::new("public", "order");
    let orders = schema.tables.get_mut(&key).expect("the orders");
    let mut mail = Column::new("mail", Type::Named("citext".into()));
    mail.default = Some("'None'".into());
    let mut half = Column::new("half", Type::Numeric(None));
    half.computed = Some(Expr::new("total * 0.5", ["total"]));
    half.nullable = true;
    orders.columns.extend([mail, half]);
    project.draw(&schema);
    project.seal("names");
    let set = project.load();
    let (login, _) = owned(&database).await;
    let admin = client(database.url()).await;
    admin
        .batch_execute("create extension citext")
        .await
        .unwrap();
    let mut engine = Migrator::connect(&login).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let mut above = Migrator::connect(database.url()).await.unwrap();
    let found = above.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    admin
        .batch_execute("drop index public.order_open")
        .await
        .unwrap();
    let found = above.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
}

#[tokio::test]
async fn what_was_planted_on_the_path_is_not_found() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let plant = format!(
        "create function public.same(text, text) returns boolean immutable language sql
           return $1 operator(pg_catalog.=) $2;
         create operator public.= (function = public.same, leftarg = text, rightarg = text);
         alter database \"{}\" set search_path = public, pg_catalog",
        database.name()
    );
    client(database.url())
        .await
        .batch_execute(&plant)
        .await
        .unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    let drifted: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
    assert!(
        !drifted.iter().any(|one| one.contains("OPERATOR")),
        "{drifted:#?}"
    );
    // Nor where something else differs, so that the server builds the table.
    client(database.url())
        .await
        .batch_execute("alter table public.order alter total drop not null")
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap();
    let drifted: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
    assert!(
        !drifted.iter().any(|one| one.contains("OPERATOR")),
        "{drifted:#?}"
    );
    assert!(
        drifted.iter().any(|one| one.contains("column `total`")),
        "{drifted:#?}"
    );
}
