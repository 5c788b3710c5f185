//! What stands around the tables: owners, extensions, settings, schemas of someone else; and a
//! service that asks at its start.

use tabellion::migrate::{ApplyOptions, Migrator};
use tabellion::{Database, Error};
use tabellion_sql::schema::Extension;

use crate::migrate_support::{Project, ROLE, client, database, step};
use crate::{applied, looker};

#[tokio::test]
async fn who_owns_a_table_or_a_function_matters() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let (_, stranger) = looker(&database).await;
    let give = format!("alter table public.order owner to {stranger}");
    admin.batch_execute(&give).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    // As a superuser this login may do what anyone may; the owner is told as one among its roles.
    assert!(found.is_empty() || found.contains("owner of"), "{found}");
    let login = database.create_login("other", &[]).await.unwrap();
    let other = format!("other_{}", database.name());
    let grant = format!(
        "grant usage on schema tabellion to {other}; grant select on tabellion.ledger to {other}"
    );
    admin.batch_execute(&grant).await.unwrap();
    let mut engine = Migrator::connect(&login).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    let said = format!("owner of `public.\"order\"` is not expected; found `{stranger}`");
    assert!(found.contains(&said), "{found}");
    admin
        .batch_execute(&format!("alter table public.order owner to {ROLE}"))
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains(&format!("is not expected; found `{ROLE}`")),
        "{found}"
    );
    admin
        .batch_execute("alter table public.order owner to current_user")
        .await
        .unwrap();
}

/// Its owner sets it back, or takes numbers that others were to have.
#[tokio::test]
async fn who_owns_a_sequence_matters() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let login = format!("login_{}", database.name());
    let create = format!(
        "create role {login} login in role {ROLE}; alter sequence public.order_id_seq owned by none"
    );
    admin.batch_execute(&create).await.unwrap();
    for owner in [ROLE, &login] {
        let give = format!("alter sequence public.order_id_seq owner to {owner}");
        admin.batch_execute(&give).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let said = format!("owner of `public.order_id_seq` is not expected; found `{owner}`\n");
        assert!(found.contains(&said), "{found}");
    }
    let back = format!(
        "alter sequence public.order_id_seq owner to current_user;
         alter sequence public.order_id_seq owned by public.order.id;
         grant usage on sequence public.order_id_seq to {ROLE}; drop role {login}"
    );
    admin.batch_execute(&back).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
}

#[tokio::test]
async fn an_extension_that_is_gone_or_elsewhere_is_told() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(1);
    let schema_of = |schema: &str| Extension {
        schema: Some(schema.into()),
    };
    schema
        .extensions
        .insert("citext".into(), schema_of("tools"));
    project.draw(&schema);
    project.seal("tools");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    let admin = client(database.url()).await;
    admin
        .batch_execute("alter extension citext set schema public")
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains(
            "extension `citext` differs; expected `in schema tools`, found `in schema public`"
        ),
        "{found}"
    );
    admin.batch_execute("drop extension citext").await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains("extension `citext` is missing; expected `in schema tools`"),
        "{found}"
    );
}

/// The same comparison, by a service at its start.
#[tokio::test]
async fn a_service_refuses_to_start_on_another_schema() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let to = set.iter().nth(1).map(|migration| migration.version.clone());
    engine.apply(&set, &ApplyOptions { to }).await.unwrap();
    let (login, _) = looker(&database).await;
    let service = Database::connect(&login).await.unwrap();
    let error = service.require_schema(&set).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the database is not as sealed: migration `"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("_step_3` is not applied; run `cargo tabellion apply`")
    );
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    service.require_schema(&set).await.unwrap();
    let admin = client(database.url()).await;
    for number in 0..7 {
        let add = format!("alter table public.order add extra_{number} int");
        admin.batch_execute(&add).await.unwrap();
    }
    let error = service.require_schema(&set).await.unwrap_err();
    let Error::Schema(unfit) = &error else {
        panic!("{error}");
    };
    assert_eq!(unfit.verification.findings.len(), 7);
    assert!(error.to_string().contains("column `extra_4`"), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("and 2 more; `cargo tabellion verify` tells them all"),
        "{error}"
    );
    // A login that may not even look is told what it lacks.
    let blind = database.create_login("blind", &[]).await.unwrap();
    let error = Database::connect(&blind)
        .await
        .unwrap()
        .require_schema(&set)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Verify(_)), "{error}");
}

#[tokio::test]
async fn settings_and_schemas_of_the_database_do_not_matter() {
    let (database, set, _engine) = applied().await;
    let admin = client(database.url()).await;
    for setting in [
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
    ] {
        let sql = format!("alter database \"{}\" set {setting}", database.name());
        admin.batch_execute(&sql).await.unwrap();
    }
    admin
        .batch_execute(
            "create schema tabellion_scratch_0; create table tabellion_scratch_0.kept (id int)",
        )
        .await
        .unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared >= 30, "{found}");
    let kept = "select from tabellion_scratch_0.kept";
    admin.batch_execute(kept).await.unwrap();
}

#[tokio::test]
async fn a_schema_of_someone_else_is_used_as_it_is() {
    let (database, project) = (database().await, Project::new());
    let admin = client(database.url()).await;
    admin
        .batch_execute("create schema \"Desk\"; grant all on schema \"Desk\" to public")
        .await
        .unwrap();
    let mut schema = step(2);
    schema.external_schemas.insert("Desk".into());
    project.draw(&schema);
    project.seal("desk");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared > 20, "{found}");
    admin
        .batch_execute(&project.read(format!(
            "rollbacks/{}_desk.sql",
            set.iter().next_back().unwrap().version
        )))
        .await
        .unwrap();
    let left = "select count(*) from pg_namespace where nspname = 'Desk'";
    let left = admin.query_one(left, &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1);
}
