//! Asking the server to stop what nobody waits for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_postgres::CancelToken;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::Stream;

/// How long the request may take. A server that is out of reach must not keep the pool waiting.
const LIMIT: Duration = Duration::from_secs(2);

/// Where one connection leads to.
#[derive(Clone)]
pub(super) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

/// What it takes to stop a connection's statement from outside: the protocol wants a connection of
/// its own for it (<https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.10>).
#[derive(Clone)]
pub(super) struct Canceller {
    pub(super) token: CancelToken,
    pub(super) address: Address,
    /// The server's name in its certificate.
    pub(super) name: String,
    pub(super) tls: MakeRustlsConnect,
}

impl Canceller {
    /// Asks once, and does not hear what came of it: the server never answers.
    pub(super) async fn cancel(self) {
        let asked = async {
            match &self.address {
                Address::Tcp(address) => {
                    if let Ok(stream) = TcpStream::connect(address).await {
                        self.ask(stream).await;
                    }
                }
                #[cfg(unix)]
                Address::Unix(path) => {
                    if let Ok(stream) = tokio::net::UnixStream::connect(path).await {
                        self.ask(stream).await;
                    }
                }
            }
        };
        if tokio::time::timeout(LIMIT, asked).await.is_err() {
            tracing::debug!("a cancel request did not reach the server in time");
        }
    }

    async fn ask<S: Stream + 'static>(&self, stream: S) {
        let made = MakeTlsConnect::<S>::make_tls_connect(&mut self.tls.clone(), &self.name);
        let tls = made.unwrap_or_else(|never| match never {});
        if self.token.cancel_query_raw(stream, tls).await.is_err() {
            tracing::debug!("a cancel request did not reach the server");
        }
    }
}
