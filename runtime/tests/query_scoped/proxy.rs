//! A proxy between client and server that counts, delays and cuts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How many times the client spoke and then had to wait for the server.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<AtomicUsize>);

impl Flights {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// How the server's answers travel.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// In pieces of at most that many bytes.
    pub(crate) piece: usize,
    /// With that pause after each.
    pub(crate) pause: Duration,
}

/// A URL that leads to `url` through a proxy that counts flights.
pub(crate) async fn counting(url: &str) -> std::io::Result<(String, Flights)> {
    let pace = Pace {
        piece: usize::MAX,
        pause: Duration::ZERO,
    };
    start(url, pace).await
}

/// The same, at that pace.
pub(crate) async fn start(url: &str, pace: Pace) -> std::io::Result<(String, Flights)> {
    let config: tokio_postgres::Config = url.parse().expect("a URL");
    let port = config.get_ports()[0];
    let host = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        other => panic!("the tests connect over TCP, not {other:?}"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (old, new) = (format!("@{host}:{port}"), listener.local_addr()?);
    assert!(url.contains(&old), "a URL of host and port");
    let url = url.replace(&old, &format!("@{new}"));
    let flights = Flights::default();
    let counter = flights.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect((host.as_str(), port)).await else {
                break;
            };
            tokio::spawn(forward(client, server, counter.clone(), pace));
        }
    });
    Ok((url, flights))
}

async fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    flights: Flights,
    pace: Pace,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    let mut client_spoke_last = false;
    loop {
        tokio::select! {
            count = client.read(&mut from_client) => match count? {
                0 => return Ok(()),
                count => {
                    if !client_spoke_last {
                        flights.0.fetch_add(1, Ordering::SeqCst);
                    }
                    client_spoke_last = true;
                    server.write_all(&from_client[..count]).await?;
                }
            },
            count = server.read(&mut from_server) => match count? {
                0 => return Ok(()),
                count => {
                    client_spoke_last = false;
                    for piece in from_server[..count].chunks(pace.piece) {
                        client.write_all(piece).await?;
                        if !pace.pause.is_zero() {
                            tokio::time::sleep(pace.pause).await;
                        }
                    }
                }
            },
        }
    }
}

/// A URL that leads to `url` through a proxy that can end connections: while the switch is on, the
/// first ReadyForQuery becomes an error, and the connection is closed.
pub(crate) async fn ending_after_the_commit(
    url: &str,
) -> Result<(String, Arc<AtomicBool>), Box<dyn std::error::Error>> {
    const READY: &[u8] = b"Z\0\0\0\x05I";
    const FATAL: &[u8] = b"E\0\0\0\x1cSFATAL\0C57P01\0Mthe end\0\0";
    let port = url.parse::<tokio_postgres::Config>()?.get_ports()[0];
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let own = format!(":{}/", listener.local_addr()?.port());
    let through = url.replace(&format!(":{port}/"), &own);
    assert_ne!(through, url, "a URL of host and port");
    let switch = Arc::new(AtomicBool::new(false));
    let ends = switch.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await?;
            let ends = ends.clone();
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let there = tokio::io::copy(&mut from_client, &mut to_server);
                let back = async {
                    let mut answer = Vec::new();
                    while from_server.read_buf(&mut answer).await? > 0 {
                        if ends.load(Ordering::SeqCst) {
                            // The answers of a small flight end with it, maybe in several pieces.
                            let Some(commands) = answer.strip_suffix(READY) else {
                                continue;
                            };
                            to_client.write_all(&[commands, FATAL].concat()).await?;
                            return Ok(());
                        }
                        to_client.write_all(&answer).await?;
                        answer.clear();
                    }
                    Ok::<_, std::io::Error>(())
                };
                tokio::select! {
                    copied = there => copied.map(|_| ()),
                    ended = back => ended,
                }
            });
        }
        Ok::<_, std::io::Error>(())
    });
    Ok((through, switch))
}

/// A URL that leads to `url` through a proxy that tells the server of a client's end only after that time.
pub(crate) async fn ending_late(
    url: &str,
    late: Duration,
) -> Result<String, Box<dyn std::error::Error>> {
    let port = url.parse::<tokio_postgres::Config>()?.get_ports()[0];
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let own = format!(":{}/", listener.local_addr()?.port());
    let through = url.replace(&format!(":{port}/"), &own);
    assert_ne!(through, url, "a URL of host and port");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await?;
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let copied = tokio::io::copy(&mut from_client, &mut to_server).await;
                tokio::time::sleep(late).await;
                copied
            });
        }
        Ok::<_, std::io::Error>(())
    });
    Ok(through)
}
