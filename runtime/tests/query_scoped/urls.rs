//! A connection that cannot be had is one sentence with the remedy, and never holds the password.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tabellion::error::{ConnectFault, Timeout};
use tabellion::{Database, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::*;

const PASSWORD: &str = "hunter2hunter2";

fn fault(error: Error) -> ConnectFault {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(error.to_string().contains("; "), "no remedy in: {error}");
    match error {
        Error::Connect(failure) => failure.fault,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn wrong_credentials_or_database() -> Outcome {
    let fixture = Fixture::new().await?;
    let (user, _) = fixture.url["postgresql://".len().min(fixture.url.len())..]
        .split_once('@')
        .map(|(login, rest)| (login.rsplit('/').next().unwrap_or(login), rest))
        .expect("a login in the URL");
    let name = user.split(':').next().expect("a name");
    let wrong = fixture.database.url_as(name, PASSWORD);
    let refusal = fault(refused(Database::connect(&wrong).await));
    assert_eq!(refusal, ConnectFault::Credentials("28P01".into()));

    let database = fixture.database.name();
    let elsewhere = fixture.url.replace(&format!("/{database}"), "/nowhere");
    assert_eq!(
        fault(refused(Database::connect(&elsewhere).await)),
        ConnectFault::NoDatabase
    );

    let nameless = fixture.url.replace(user, name);
    assert_eq!(
        fault(refused(Database::connect(&nameless).await)),
        ConnectFault::NoPassword
    );
    Ok(())
}

#[tokio::test]
async fn nothing_there() -> Outcome {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let url = format!("postgres://ana:{PASSWORD}@127.0.0.1:{port}/shop");
    let error = refused(Database::connect(&url).await);
    assert_eq!(
        error.to_string(),
        format!(
            "no connection to `127.0.0.1:{port}`: connection refused; check that the server runs and listens there"
        )
    );
    fault(error);
    let url = format!("postgres://ana:{PASSWORD}@no-such-host.invalid/shop");
    assert_eq!(
        fault(refused(Database::connect(&url).await)),
        ConnectFault::UnknownHost
    );
    let url = format!("postgres://ana:{PASSWORD}@%2Fnowhere/shop");
    assert!(matches!(
        fault(refused(Database::connect(&url).await)),
        ConnectFault::Unreachable(_)
    ));
    Ok(())
}

#[tokio::test]
async fn somebody_else_there() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = socket.read(&mut asked).await;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let url = format!("postgres://ana:{PASSWORD}@127.0.0.1:{port}/shop?sslmode=disable");
    assert_eq!(
        fault(refused(Database::connect(&url).await)),
        ConnectFault::NotPostgres
    );

    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let port = silent.local_addr()?.port();
    let url = format!("postgres://ana:{PASSWORD}@127.0.0.1:{port}/shop");
    let builder = Database::builder(&url).connect_timeout(Duration::from_millis(50));
    assert!(!format!("{builder:?}").contains(PASSWORD));
    let error = refused(builder.connect().await);
    assert_eq!(error, Error::Timeout(Timeout::Connect));
    Ok(())
}

fn message(out: &mut BytesMut, tag: u8, body: &[u8]) {
    out.put_u8(tag);
    out.put_i32(body.len() as i32 + 4);
    out.put_slice(body);
}

#[tokio::test]
async fn a_server_that_is_too_old() -> Outcome {
    // Lets anybody in, and answers the first question like PostgreSQL 14.5.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await?;
        let mut asked = [0; 4096];
        assert!(socket.read(&mut asked).await? > 0);
        let mut out = BytesMut::new();
        message(&mut out, b'R', &0_i32.to_be_bytes());
        message(&mut out, b'Z', b"I");
        socket.write_all(&out).await?;
        assert!(socket.read(&mut asked).await? > 0);
        out.clear();
        message(&mut out, b'1', b"");
        message(&mut out, b'2', b"");
        let mut row = BytesMut::new();
        row.put_i16(7);
        for text in ["140005", "off", "7", "ana", "f", "f"] {
            row.put_i32(text.len() as i32);
            row.put_slice(text.as_bytes());
        }
        row.put_i32(-1);
        message(&mut out, b'D', &row);
        message(&mut out, b'C', b"SELECT 1\0");
        message(&mut out, b'Z', b"I");
        socket.write_all(&out).await?;
        socket.read(&mut asked).await
    });
    let url = format!("postgres://ana:{PASSWORD}@127.0.0.1:{port}/shop?sslmode=disable");
    let error = refused(Database::connect(&url).await);
    assert_eq!(
        error.to_string(),
        "the server runs PostgreSQL 14.5; tabellion needs PostgreSQL 15 or newer"
    );
    Ok(())
}

#[tokio::test]
async fn several_hosts_are_tried_in_order() -> Outcome {
    let fixture = Fixture::new().await?;
    let dead = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let url = fixture.url.replacen('@', &format!("@{dead},"), 1);
    let db = pool(&url, 1).await?;
    assert!(format!("{db:?}").contains("max_connections: 1"));

    let read_only = format!(
        "{}{}target_session_attrs=read-only",
        fixture.url,
        separator(&fixture.url)
    );
    assert_eq!(
        fault(refused(Database::connect(&read_only).await)),
        ConnectFault::WrongKind
    );
    Ok(())
}

fn separator(url: &str) -> char {
    if url.contains('?') { '&' } else { '?' }
}
