//! What verify asks the server runs nothing of someone who may do less, and finds nothing that was planted.

use tabellion::migrate::{Adopt, ApplyOptions, Migrator};
use tabellion::testing::TestDatabase;
use tabellion_sql::schema::{Column, Expr, Index, IndexColumn, QualifiedName, Type};

use crate::migrate_support::{Project, ROLE, client, database, step};

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

/// What a login can do within the database it shows to whoever owns that anyway; what reaches beyond it counts, by
/// whatever role it becomes.
#[tokio::test]
async fn who_reaches_beyond_the_database_does_not_verify_for_its_owner() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let (login, owner) = owned(&database).await;
    let admin = client(database.url()).await;
    let service = database.create_login("service", &[]).await.unwrap();
    let name = format!("service_{}", database.name());
    let mut engine = Migrator::connect(&login).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let grants = format!(
        "grant usage on schema tabellion to {name}; grant select on tabellion.ledger to {name};
         create role above_{name} superuser nologin; create role beside_{name} nologin"
    );
    admin.batch_execute(&grants).await.unwrap();
    for (gives, takes, is_refused) in [
        (
            format!("grant beside_{name}, pg_monitor to {name}"),
            format!("revoke beside_{name}, pg_monitor from {name}"),
            false,
        ),
        (
            format!("alter role {name} bypassrls"),
            format!("alter role {name} nobypassrls"),
            false,
        ),
        (
            format!("grant {ROLE} to {name}"),
            format!("revoke {ROLE} from {name}"),
            false,
        ),
        (
            format!("alter role {name} replication"),
            format!("alter role {name} noreplication"),
            true,
        ),
        (
            format!("grant above_{name} to {name}"),
            format!("revoke above_{name} from {name}"),
            true,
        ),
        (
            format!("grant pg_execute_server_program to {name}"),
            format!("revoke pg_execute_server_program from {name}"),
            true,
        ),
    ] {
        admin.batch_execute(&gives).await.unwrap();
        let mut engine = Migrator::connect(&service).await.unwrap();
        match engine.verify(&set).await {
            Ok(_) => assert!(!is_refused, "{gives}"),
            Err(refused) => {
                assert!(is_refused, "{gives}: {refused}");
                let way_out = format!("verify as `{owner}`");
                assert!(refused.to_string().ends_with(&way_out), "{refused}");
            }
        }
        admin.batch_execute(&takes).await.unwrap();
    }
    let drop = format!("drop role above_{name}; drop role beside_{name}");
    admin.batch_execute(&drop).await.unwrap();
}

/// Where there is no ledger yet, what the schema names belongs to the database's owner.
#[tokio::test]
async fn nor_does_it_adopt() {
    let (database, project) = (database().await, Project::sealed());
    let (_, owner) = owned(&database).await;
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let adopted = engine.adopt(&project.load(), &Adopt::All, &[], None).await;
    let refused = adopted.unwrap_err().to_string();
    assert!(
        refused.ends_with(&format!("verify as `{owner}`")),
        "{refused}"
    );
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
