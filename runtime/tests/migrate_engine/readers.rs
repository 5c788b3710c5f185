//! Who reads a ledger that is someone else's, and what is said of it.

use crate::owners::{may_write, owned, owner};
use crate::support::database;
use crate::{ALL, engine, run, tables};

/// As on platforms where the database belongs to a group of administrators.
#[tokio::test]
async fn a_member_of_the_databases_owner_is_trusted_like_it() {
    let (database, project) = (database().await, tables(2));
    let (_, name) = owner(&database).await;
    let dep = database.create_login("dep", &[&name]).await.unwrap();
    let dep_name = format!("dep_{}", database.name());
    run(
        &database,
        &format!("grant create on database \"{0}\" to {dep_name}; grant create on schema public to {dep_name}", database.name()),
    )
    .await;
    let set = project.load();
    let first = tabellion::migrate::ApplyOptions {
        to: set.iter().next().map(|first| first.version.clone()),
    };
    engine(&dep).await.apply(&set, &first).await.unwrap();
    let ci = database.create_login("ci", &[]).await.unwrap();
    may_write(&database, &format!("ci_{}", database.name())).await;
    assert_eq!(engine(&ci).await.apply(&set, &ALL).await.unwrap().len(), 1);
    assert_eq!(
        engine(database.url())
            .await
            .status(&set)
            .await
            .unwrap()
            .pending(),
        0
    );
}

/// A login that owns neither the database nor anything its owner is a member of.
#[tokio::test]
async fn whoever_may_read_the_ledger_reads_it_and_is_told_whose_it_is() {
    let (database, project) = (database().await, tables(2));
    let deploy = database.create_login("deploy", &[]).await.unwrap();
    let deploy_name = format!("deploy_{}", database.name());
    let shop = database.create_login("shop", &[]).await.unwrap();
    let shop_name = format!("shop_{}", database.name());
    run(
        &database,
        &format!("grant create on database \"{0}\" to {deploy_name}; grant create on schema public to {deploy_name}", database.name()),
    )
    .await;
    let set = project.load();
    engine(&deploy).await.apply(&set, &ALL).await.unwrap();
    may_write(&database, &shop_name).await;
    let mut service = engine(&shop).await;
    assert_eq!(service.status(&set).await.unwrap().pending(), 0);
    let found = service.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let told = found
        .notes
        .iter()
        .any(|note| note.starts_with(&format!("the ledger belongs to `{deploy_name}`")));
    assert!(told, "{:?}", found.notes);
    project.seal_sql(
        "more",
        "create table public.more ();\n",
        "drop table public.more;\n",
    );
    let refused = service.apply(&project.load(), &ALL).await.unwrap_err();
    assert!(
        refused.to_string().contains(&format!(
            "belongs to `{deploy_name}`, who is neither this login"
        )),
        "{refused}"
    );
}

/// Someone else's history, on which neither a service nor the ledger's owner has any right.
#[tokio::test]
async fn a_history_of_the_supabase_cli_that_may_not_be_read_stops_only_who_writes() {
    let (database, project) = (database().await, tables(2));
    let (login, _) = owned(&database, &project).await;
    run(&database, crate::supabase::TABLE).await;
    let shop = database.create_login("shop", &[]).await.unwrap();
    run(
        &database,
        &format!(
            "grant usage on schema tabellion to shop_{0}; grant select on tabellion.ledger to shop_{0}",
            database.name()
        ),
    )
    .await;
    let set = project.load();
    for url in [&login, &shop] {
        let mut engine = engine(url).await;
        assert_eq!(engine.status(&set).await.unwrap().pending(), 1);
        let found = engine.verify(&set).await.unwrap();
        let said = "the history of the Supabase CLI, `supabase_migrations.schema_migrations`, is not looked at";
        assert!(
            found.notes.iter().any(|note| note.starts_with(said)),
            "{:?}",
            found.notes
        );
    }
    let refused = engine(&login).await.apply(&set, &ALL).await.unwrap_err();
    assert!(
        refused.to_string().ends_with(
            "grant it USAGE on that schema, and SELECT, INSERT and DELETE on that table"
        ),
        "{refused}"
    );
}
