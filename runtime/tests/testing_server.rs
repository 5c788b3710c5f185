//! The throw-away server as a test uses it.

#![cfg(unix)]

use std::error::Error as _;
use std::time::Instant;

use tabellion::testing::{Error, Server, TestDatabase, locate};
use tokio_postgres::{Client, NoTls};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn start() -> Result<Server, Error> {
    Server::start_from(&locate()?)
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn text(client: &Client, query: &str) -> Result<String, tokio_postgres::Error> {
    client.query_one(query, &[]).await?.try_get(0)
}

#[tokio::test]
async fn a_server_starts_and_ends_and_nothing_stays() -> Outcome {
    drop(start()?); // makes the template
    let begun = Instant::now();
    let server = start()?;
    println!("start: {:?}", begun.elapsed());

    let folder = server
        .folder()
        .expect("a throw-away server has a folder")
        .to_owned();
    assert!(folder.join("data/postmaster.pid").is_file());
    let begun = Instant::now();
    drop(server);
    println!("stop: {:?}", begun.elapsed());
    assert!(!folder.exists());
    Ok(())
}

#[tokio::test]
async fn databases_are_fresh_and_separate() -> Outcome {
    let server = start()?;
    let mut kept: Vec<TestDatabase> = Vec::new();
    for _ in 0..10 {
        let begun = Instant::now();
        kept.push(server.database().await?);
        println!("database: {:?}", begun.elapsed());
    }
    let [first, second, ..] = &kept[..] else {
        unreachable!()
    };
    let begun = Instant::now();
    let client = connect(first.url()).await?;
    println!("connect: {:?}", begun.elapsed());
    client
        .batch_execute("create table only_here (id int)")
        .await?;
    assert_eq!(
        text(&client, "select current_database()::text").await?,
        first.name()
    );

    let other = connect(second.url()).await?;
    let seen = text(
        &other,
        "select coalesce(to_regclass('only_here')::text, 'absent')",
    )
    .await?;
    assert_eq!(seen, "absent");
    let encoding = "select getdatabaseencoding()::text || ' ' || datcollate::text \
                    from pg_database where datname = current_database()";
    assert_eq!(text(&other, encoding).await?, "UTF8 C");
    Ok(())
}

#[test]
fn one_server_serves_many_threads_and_runtimes() {
    let server = start().unwrap();
    let names: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let database = server.database().await.unwrap();
                        let client = connect(database.url()).await.unwrap();
                        text(&client, "select current_database()::text")
                            .await
                            .unwrap()
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len());
}

#[tokio::test]
async fn the_shared_server_is_one() -> Outcome {
    assert_eq!(Server::shared()?.admin_url(), Server::shared()?.admin_url());
    Ok(())
}

#[tokio::test]
async fn a_login_can_do_no_more_than_its_roles() -> Outcome {
    let server = start()?;
    let database = server.database().await?;
    let admin = connect(database.url()).await?;
    admin
        .batch_execute(
            "create role reader nologin; create table t (id int); insert into t values (1); \
             grant select on t to reader",
        )
        .await?;
    let url = database.create_login("app", &["reader"]).await?;
    let client = connect(&url).await?;
    let attributes = "select concat_ws(' ', rolname, rolcanlogin, rolinherit, rolsuper, \
                      rolbypassrls, rolcreatedb, rolcreaterole) \
                      from pg_roles where rolname = current_user";
    assert_eq!(
        text(&client, attributes).await?,
        format!("app_{} t f f f f f", database.name())
    );
    let denied = client.query("select id from t", &[]).await.unwrap_err();
    assert_eq!(denied.code().map(|code| code.code()), Some("42501"));
    client.batch_execute("set role reader").await?;
    assert_eq!(client.query("select id from t", &[]).await?.len(), 1);

    let missing = database
        .create_login("other", &["no such role"])
        .await
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        format!(
            "cannot create the login `other_{}`: ERROR: role \"no such role\" does not exist",
            database.name()
        )
    );
    Ok(())
}

#[tokio::test]
async fn nobody_enters_without_the_password() -> Outcome {
    let server = start()?;
    let database = server.database().await?;
    let socket = server.folder().expect("a folder").join("socket");
    let socket = socket.display().to_string().replace('/', "%2F");
    let port = database
        .url()
        .rsplit(':')
        .next()
        .and_then(|rest| rest.split('/').next());
    let port = port.expect("a port");
    for url in [
        database.url_as("postgres", "wrong"),
        format!("postgresql://postgres:wrong@{socket}:{port}/postgres"),
    ] {
        let refused = connect(&url).await.unwrap_err();
        assert_eq!(
            refused.code().map(|code| code.code()),
            Some("28P01"),
            "{refused:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_closed_or_dropped_database_is_gone_with_its_logins() -> Outcome {
    let server = start()?;
    let closed = server.database().await?;
    let dropped = server.database().await?;
    let names = [closed.name().to_owned(), dropped.name().to_owned()];
    closed.create_login("app", &[]).await?;
    let busy = connect(closed.url()).await?;
    drop(dropped);
    closed.close().await?; // the clerk works in order, so the dropped one is gone as well
    assert!(busy.query_one("select 1", &[]).await.is_err());

    let admin = connect(server.admin_url()).await?;
    let left = admin
        .query_one(
            "select (select count(*) from pg_database where datname = any($1)) \
                  + (select count(*) from pg_roles where rolname like 'app%')",
            &[&&names[..]],
        )
        .await?;
    assert_eq!(left.try_get::<_, i64>(0)?, 0);
    Ok(())
}

#[tokio::test]
async fn a_database_keeps_its_server_alive() -> Outcome {
    let database = start()?.database().await?;
    assert_eq!(
        text(&connect(database.url()).await?, "select 'here'").await?,
        "here"
    );
    Ok(())
}

#[tokio::test]
async fn cut_connections_are_made_again() -> Outcome {
    let server = start()?;
    let admin = connect(server.admin_url()).await?;
    server.database().await?.close().await?;
    admin
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where pid <> pg_backend_pid() and backend_type = 'client backend'",
            &[],
        )
        .await?;
    server.database().await?.close().await?;
    server.database().await?.close().await?;
    Ok(())
}

#[tokio::test]
async fn no_password_is_ever_printed() -> Outcome {
    let server = start()?;
    let database = server.database().await?;
    let password = database
        .url()
        .split([':', '@'])
        .nth(2)
        .expect("a password")
        .to_owned();
    assert_eq!(password.len(), 32);
    let missing = database.create_login("x", &["missing"]).await.unwrap_err();
    let printed = format!(
        "{server:?} {database:?} {missing:?} {missing} {:?}",
        missing.source()
    );
    assert!(!printed.contains(&password), "{printed}");
    Ok(())
}

#[tokio::test]
async fn the_version_is_the_servers_own() -> Outcome {
    let installation = locate()?;
    let server = Server::start_from(&installation)?;
    assert_eq!(server.version_number() / 10_000, installation.major());
    assert!(server.version().starts_with(installation.version()));
    Ok(())
}
