//! TLS against a server with a certificate of its own authority.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tabellion::error::ConnectFault;
use tabellion::testing::{Server, locate};
use tabellion::{Database, Error, Table};
use tokio_postgres::Client;

use crate::support::*;

const APP: &str = "app_tls";

fn fault(error: Error) -> ConnectFault {
    match error {
        Error::Connect(failure) => failure.fault,
        other => panic!("{other}"),
    }
}

/// Gives the server a certificate for `localhost`; returns the file of the authority behind it.
async fn encrypt(
    server: &Server,
    admin: &Client,
) -> Result<tempfile::NamedTempFile, Box<dyn std::error::Error>> {
    let folder = server.folder().expect("a server of our own").join("data");
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = vec!["localhost".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let owner = fs::metadata(&folder)?;
    for (name, text) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let path = folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        chown(&path, Some(owner.uid()), Some(owner.gid()))?;
    }
    admin.batch_execute("alter system set ssl = on").await?;
    admin.batch_execute("select pg_reload_conf()").await?;
    while admin
        .query_one("show ssl", &[])
        .await?
        .try_get::<_, String>(0)?
        != "on"
    {
        tokio::task::yield_now().await;
    }
    let trusted = tempfile::NamedTempFile::new()?;
    fs::write(trusted.path(), authority.pem())?;
    Ok(trusted)
}

#[tokio::test]
async fn every_mode_of_tls() -> Outcome {
    let server = Server::start_from(&locate()?)?;
    let database = server.database().await?;
    let admin = client(database.url()).await?;
    admin
        .batch_execute("create role query_shop nologin")
        .await?;
    // Channel binding is SCRAM's.
    let login = format!(
        "set password_encryption = 'scram-sha-256'; \
         create role {APP} login noinherit password 'horse' in role query_shop"
    );
    admin.batch_execute(&login).await?;
    let url = database.url_as(APP, "horse");
    let base = url
        .split('?')
        .next()
        .expect("a URL")
        .replace("127.0.0.1", "localhost");
    let with = |options: &str| format!("{base}?{options}");

    assert_eq!(
        fault(refused(Database::connect(&with("sslmode=require")).await)),
        ConnectFault::NoTls
    );
    Database::connect(&with("sslmode=prefer")).await?;

    let trusted = encrypt(&server, &admin).await?;
    let roots = format!("sslrootcert={}", trusted.path().display());

    let encrypted =
        "pg_stat_ssl join pg_stat_activity using (pid) where ssl and usename like 'app%'";
    let count = async || -> Result<i64, tokio_postgres::Error> {
        let sql = format!("select count(*) from {encrypted}");
        admin.query_one(&sql, &[]).await?.try_get(0)
    };
    let modes = [
        "sslmode=prefer".to_owned(),
        format!("sslmode=require&{roots}"),
        format!("sslmode=verify-full&{roots}"),
        format!("sslmode=verify-full&{roots}&channel_binding=require"),
    ];
    for (n, mode) in modes.iter().enumerate() {
        let db = Database::connect(&with(mode))
            .await
            .map_err(|error| format!("{mode}: {error}"))?;
        assert!(count().await? > 0, "{mode}");
        // The process of the server is told behind the handshake, and there is no pooler.
        let prepared = "select count(*) from pg_prepared_statements";
        let acme = shop(&db, "acme");
        let prepared = acme.query_as::<(i64,)>(prepared, ()).fetch_one().await?;
        assert_eq!(prepared, (2,), "{mode}");
        // The stream outlives the handshake: a query goes through it.
        if n == 3 {
            admin.batch_execute("create table notes (id int, shop text, kind text, body text, amount int, created_at timestamptz); grant select on notes to query_shop").await?;
            assert!(
                Note::by_shop("acme")
                    .fetch_all(&shop(&db, "acme"))
                    .await?
                    .is_empty()
            );
        }
        drop(db);
    }

    let unknown = fault(refused(
        Database::connect(&with("sslmode=verify-full")).await,
    ));
    assert_eq!(unknown, ConnectFault::Certificate);
    let elsewhere = with(&format!("sslmode=verify-full&{roots}")).replace("localhost", "127.0.0.1");
    assert_eq!(
        fault(refused(Database::connect(&elsewhere).await)),
        ConnectFault::Certificate
    );
    let missing = with("sslmode=require&sslrootcert=/nowhere/ca.pem");
    let error = refused(Database::connect(&missing).await);
    assert!(
        error
            .to_string()
            .contains("`sslrootcert` names no readable PEM file"),
        "{error}"
    );
    let plain = with("sslmode=disable&channel_binding=require");
    assert_eq!(
        fault(refused(Database::connect(&plain).await)),
        ConnectFault::ChannelBinding
    );
    Ok(())
}

#[tokio::test]
async fn large_values_over_tls() -> Outcome {
    let server = Server::start_from(&locate()?)?;
    let fixture = Fixture::on(&server).await?;
    fixture.admin.batch_execute("drop index notes_body").await?;
    let _trusted = encrypt(&server, &fixture.admin).await?;
    let db = fixture.connect(1).await?;
    let encrypted =
        "pg_stat_ssl join pg_stat_activity using (pid) where ssl and usename like 'app%'";
    assert!(fixture.count(encrypted).await? > 0);
    let acme = shop(&db, "acme");
    for megabytes in [1, 4, 16] {
        let body = "x".repeat(megabytes << 20);
        let insert = Note::insert(note("acme")).set(Note::BODY, body.as_str());
        let row = tokio::time::timeout(Duration::from_secs(30), insert.fetch_one(&acme)).await??;
        assert!(row.body == Some(body), "{megabytes} MB");
    }
    Ok(())
}
