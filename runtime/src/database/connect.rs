//! Opening a connection: address, TLS, startup and login by tokio-postgres, then the bare stream.
//!
//! tokio-postgres sends one Sync per statement and tells neither a command's tag nor whether the
//! server is outside a transaction. A scoped statement needs both, so the driver does what it does
//! best, startup and authentication, and hands the authenticated stream over.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel::{Address, Canceller};
use super::url::Target;
use crate::Error;
use crate::error::{ConnectFailure, ConnectFault};

/// What a connection reads from and writes to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Socket = Box<dyn Stream>;
type Home = Arc<Mutex<Option<(Socket, Vec<u8>)>>>;

/// An authenticated stream, and how to stop what runs on it.
pub(super) struct Opened {
    pub(super) stream: Socket,
    /// The process that the login was told to be the server's.
    pub(super) process: Option<i32>,
    pub(super) canceller: Canceller,
}

/// An authenticated stream at which the server waits for the first request.
///
/// Tries the target's hosts in their order; the error is the last host's.
pub(super) async fn open(target: &Target, tls: &MakeRustlsConnect) -> Result<Opened, Error> {
    let config = &target.config;
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let mut failure = Error::Protocol("the URL names no host");
    for index in 0..hosts.len().max(addresses.len()) {
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let host = match (addresses.get(index), hosts.get(index)) {
            (Some(address), _) => Host::Tcp(address.to_string()),
            (None, Some(host)) => host.clone(),
            (None, None) => continue,
        };
        let name = match hosts.get(index) {
            Some(Host::Tcp(name)) => name.clone(),
            _ => String::new(),
        };
        match open_host(config, &host, port, name, tls).await {
            Ok(opened) => return Ok(opened),
            Err(fault) => {
                let place = place(&host, port);
                failure = ConnectFailure { place, fault }.into();
            }
        }
    }
    Err(failure)
}

fn place(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) => format!("`{name}:{port}`"),
        #[cfg(unix)]
        Host::Unix(path) => format!("`{}`", path.join(format!(".s.PGSQL.{port}")).display()),
    }
}

async fn open_host(
    config: &Config,
    host: &Host,
    port: u16,
    name: String,
    tls: &MakeRustlsConnect,
) -> Result<Opened, ConnectFault> {
    match host {
        Host::Tcp(address) => {
            let found = tokio::net::lookup_host((address.as_str(), port)).await;
            let mut fault = ConnectFault::UnknownHost;
            for address in found.map_err(|_| ConnectFault::UnknownHost)? {
                match tcp(config, address).await {
                    Ok(socket) => {
                        let address = Address::Tcp(address);
                        return startup(config, socket, address, name, tls).await;
                    }
                    Err(error) => fault = ConnectFault::from_io(&error),
                }
            }
            Err(fault)
        }
        #[cfg(unix)]
        Host::Unix(folder) => {
            let path = folder.join(format!(".s.PGSQL.{port}"));
            let socket = tokio::net::UnixStream::connect(&path)
                .await
                .map_err(|error| ConnectFault::from_io(&error))?;
            if config.get_ssl_mode() == SslMode::Require {
                return Err(ConnectFault::NoTls);
            }
            // The server has no TLS on its socket and would only say so.
            let mut config = config.clone();
            config.ssl_mode(SslMode::Disable);
            startup(&config, socket, Address::Unix(path), name, tls).await
        }
    }
}

async fn tcp(config: &Config, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let options = SockRef::from(&socket);
    if config.get_keepalives() {
        let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
        if let Some(interval) = config.get_keepalives_interval() {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(retries) = config.get_keepalives_retries() {
            keepalive = keepalive.with_retries(retries);
        }
        options.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if let Some(timeout) = config.get_tcp_user_timeout() {
        options.set_tcp_user_timeout(Some(*timeout))?;
    }
    Ok(socket)
}

async fn startup<S: Stream + 'static>(
    config: &Config,
    socket: S,
    address: Address,
    name: String,
    tls: &MakeRustlsConnect,
) -> Result<Opened, ConnectFault> {
    let (plain_home, tls_home) = (Home::default(), Home::default());
    let connect = MakeTlsConnect::<Handover<S>>::make_tls_connect(&mut tls.clone(), &name)
        .map_err(|never| match never {})?;
    let stream = Handover {
        stream: Some(socket),
        home: plain_home.clone(),
        heard: Some(Vec::new()),
    };
    let handshake = Handshake {
        connect,
        home: tls_home.clone(),
    };
    let started = config.connect_raw(stream, handshake).await;
    let (client, connection) = started.map_err(|error| ConnectFault::from_driver(&error))?;
    // The connection was never polled after the startup, so it has read up to ReadyForQuery and sent
    // nothing since; dropping it leaves the server waiting for a request. A notice that arrived in
    // the same instant would be lost with its buffer; a torn one breaks the framing, and the
    // connection's first exchange then fails and closes it.
    let token = client.cancel_token();
    drop((connection, client));
    let handed = take(&tls_home).or_else(|| take(&plain_home));
    let (stream, heard) = handed.ok_or(ConnectFault::NotPostgres)?;
    Ok(Opened {
        stream,
        process: process(&heard),
        canceller: Canceller {
            token,
            address,
            name,
            tls: tls.clone(),
        },
    })
}

fn take(home: &Home) -> Option<(Socket, Vec<u8>)> {
    home.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The process of BackendKeyData, among the messages of a startup
/// (<https://www.postgresql.org/docs/15/protocol-message-formats.html>). The driver keeps it to itself.
fn process(heard: &[u8]) -> Option<i32> {
    // A server that does not encrypt says so first, in one byte.
    let refused = heard.strip_prefix(b"N").filter(|it| it.starts_with(b"R"));
    let mut rest = refused.unwrap_or(heard);
    loop {
        let (kind, behind) = rest.split_first()?;
        let len = u32::from_be_bytes(*behind.first_chunk()?);
        let message = behind.get(..usize::try_from(len).ok()?)?;
        if *kind == b'K' {
            return message
                .get(4..)?
                .first_chunk()
                .copied()
                .map(i32::from_be_bytes);
        }
        rest = &behind[message.len()..];
    }
}

/// A stream that goes home when its borrower is dropped, with what the server said meanwhile.
struct Handover<S: Stream + 'static> {
    stream: Option<S>,
    home: Home,
    /// None once it is encrypted and goes on below another one.
    heard: Option<Vec<u8>>,
}

impl<S: Stream + 'static> Drop for Handover<S> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
            *home = Some((Box::new(stream), self.heard.take().unwrap_or_default()));
        }
    }
}

impl<S: Stream + 'static> Handover<S> {
    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        self.stream.as_mut().map(Pin::new).ok_or_else(gone)
    }
}

impl<S: Stream + 'static> AsyncRead for Handover<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self.stream()?.poll_read(cx, buf);
        if let Some(heard) = &mut self.heard {
            heard.extend_from_slice(&buf.filled()[before..]);
        }
        read
    }
}

impl<S: Stream + 'static> AsyncWrite for Handover<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

impl<S: TlsStream + Send + Unpin + 'static> TlsStream for Handover<S> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Some(stream) => stream.channel_binding(),
            None => ChannelBinding::none(),
        }
    }
}

/// A TLS handshake whose result can be taken out of the driver again.
struct Handshake<C> {
    connect: C,
    home: Home,
}

impl<C, S> TlsConnect<Handover<S>> for Handshake<C>
where
    S: Stream + 'static,
    C: TlsConnect<Handover<S>>,
    C::Stream: Send + 'static,
    C::Future: Send + 'static,
{
    type Stream = Handover<C::Stream>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, C::Error>> + Send>>;

    fn connect(self, mut stream: Handover<S>) -> Self::Future {
        let home = self.home;
        stream.heard = None;
        Box::pin(self.connect.connect(stream).map_ok(|stream| Handover {
            stream: Some(stream),
            home,
            heard: Some(Vec::new()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_found_among_the_messages_of_a_startup() {
        let startup =
            b"R\0\0\0\x08\0\0\0\0S\0\0\0\x09a\0K\x0c\0K\0\0\0\x0c\0\0\x01\x02KKKKZ\0\0\0\x05I";
        let refused = [b"N", &startup[..]].concat();
        assert_eq!(process(startup), Some(0x102));
        assert_eq!(process(&refused), Some(0x102));
        for len in 0..refused.len() {
            // Whatever is missing, nothing is made up.
            assert!([None, Some(0x102)].contains(&process(&refused[..len])));
        }
        assert_eq!(process(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"), None);
        assert_eq!(process(b"R\xff\xff\xff\xff\0\0\0\0"), None);
        assert_eq!(process(b"R\0\0\0\0"), None);
    }
}
