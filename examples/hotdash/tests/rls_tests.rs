//! The tests that the build draws: green on the migrated database, whatever it holds, and red without any one
//! protection.

use std::error::Error;
use std::io;

use hotdash::Report;
use tabellion::migrate::{RehearseOptions, RlsTests, test_rls};
use tabellion::testing::Server;
use tokio_postgres::{Client, NoTls};

type Outcome = Result<(), Box<dyn Error>>;

const TESTS: &str = include_str!("../db/tests/rls_tests.sql");

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/db");

/// How many rows the tables hold, and the next numbers of their sequences.
async fn state(client: &Client) -> Result<Vec<i64>, tokio_postgres::Error> {
    let row = client
        .query_one(
            "select array[
               (select count(*) from social_posts), (select count(*) from notifications),
               (select count(*) from user_preferences), (select sum(user_id::bigint)::bigint from user_preferences),
               (select last_value from social_posts_id_seq), (select last_value from notifications_id_seq)]",
            &[],
        )
        .await?;
    row.try_get(0)
}

#[tokio::test]
async fn they_pass_on_a_database_in_use_and_change_nothing_there() -> Outcome {
    let mut report = Report::new(io::sink(), false);
    let stage = hotdash::stage(&mut report, Server::shared()?).await?;
    let (client, connection) = tokio_postgres::connect(stage.database.url(), NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(
            "insert into social_posts (shop_domain, platform, status, content, created_by)
               select 'shop ' || n % 20, 'facebook', 'draft', '', '' from generate_series(1, 2000) n;
             insert into notifications (user_id, type, priority, title)
               select n % 20, 'alert', 'low', '' from generate_series(1, 2000) n;
             insert into user_preferences (user_id) select n from generate_series(1, 2000) n",
        )
        .await?;
    let before = state(&client).await?;
    client.batch_execute(TESTS).await?;
    assert_eq!(state(&client).await?, before);
    // As a second statement of a session that has said who asks.
    client.batch_execute(TESTS).await?;
    Ok(())
}

#[tokio::test]
async fn who_is_bound_by_policies_cannot_run_them() -> Outcome {
    let mut report = Report::new(io::sink(), false);
    let stage = hotdash::stage(&mut report, Server::shared()?).await?;
    let login = stage
        .database
        .create_login("tests", &["hotdash_app"])
        .await?;
    let (client, connection) = tokio_postgres::connect(&login, NoTls).await?;
    tokio::spawn(connection);
    let error = client.batch_execute(TESTS).await.unwrap_err();
    let said = error
        .as_db_error()
        .map(|db| db.message())
        .unwrap_or_default();
    assert!(
        said.contains("does not bypass row-level security"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn they_notice_each_protection_that_is_missing() -> Outcome {
    let server = Server::shared()?;
    let database = server.database().await?;
    let options = RehearseOptions {
        url: Some(database.url().to_owned()),
        ..RehearseOptions::default()
    };
    let tests = RlsTests::load(ROOT)?;
    let tested = test_rls(&tests, &options, true, &mut |_| {}).await?;
    assert_eq!(tested.failure, None);
    assert!(tested.passed > 40, "{}", tested.passed);
    let survivors: Vec<_> = tested.survivors().collect();
    assert!(survivors.is_empty(), "{survivors:#?}");
    let count = |kind: &str| tested.mutants.iter().filter(|it| it.kind == kind).count();
    assert_eq!(count("policy"), 16);
    assert_eq!(count("using") + count("with check"), 19);
    assert_eq!(count("guard"), 19);
    assert_eq!((count("enable"), count("force")), (5, 5));
    assert!(count("revoke") > 30);
    let said = |what: &str| {
        let mutant = tested.mutants.iter().find(|it| it.what == what);
        mutant.and_then(|it| it.noticed.clone()).unwrap_or_default()
    };
    assert_eq!(
        said("public.social_posts: policy \"tenant_select\""),
        "public.social_posts: policy \"tenant_select\" on social_posts, with its command and roles: expected one, found none"
    );
    assert_eq!(
        said("truncate from hotdash_app on table public.social_posts"),
        "public.social_posts: TRUNCATE of hotdash_app on social_posts: expected none, found a grant"
    );
    assert_eq!(tested.leftovers, [""; 0]);
    Ok(())
}
