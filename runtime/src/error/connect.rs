//! Why no connection could be opened, and what to do about it.

use std::error::Error as _;
use std::fmt;
use std::io;

/// A connection that could not be opened. Names host and port, never the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no connection to {place}: {fault}")]
#[non_exhaustive]
pub struct ConnectFailure {
    /// Host and port, or the socket's folder.
    pub place: String,
    /// What went wrong.
    pub fault: ConnectFault,
}

/// What went wrong while a connection was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFault {
    /// The host's name has no address.
    UnknownHost,
    /// Nothing listens there, or the network does not reach it.
    Unreachable(io::ErrorKind),
    /// The server refused the login; holds its SQLSTATE.
    Credentials(String),
    /// The server wants a password and the URL has none.
    NoPassword,
    /// The database does not exist.
    NoDatabase,
    /// The server has no connection left.
    TooManyConnections,
    /// The server is starting up or shutting down.
    NotReady,
    /// `sslmode` asks for TLS and the server has none.
    NoTls,
    /// The server's certificate was not accepted.
    Certificate,
    /// The TLS handshake failed otherwise.
    Handshake,
    /// The URL asks for channel binding, which this connection cannot give.
    ChannelBinding,
    /// Whatever answers there does not speak PostgreSQL's protocol, or hung up.
    NotPostgres,
    /// The server is the wrong kind for `target_session_attrs`.
    WrongKind,
    /// Any other refusal; holds its SQLSTATE.
    Refused(String),
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectFault::UnknownHost => {
                "the host's name is not known; check it, and percent-encode `@`, `/` and `:` in the password"
            }
            ConnectFault::Unreachable(kind) => {
                return write!(f, "{kind}; check that the server runs and listens there");
            }
            ConnectFault::Credentials(code) => {
                return write!(
                    f,
                    "the server refused the login (SQLSTATE {code}); check user and password, and the server's pg_hba.conf"
                );
            }
            ConnectFault::NoPassword => {
                "the server asks for a password and the URL has none; write `postgres://user:password@host/database`"
            }
            ConnectFault::NoDatabase => "the database does not exist; create it or correct the URL",
            ConnectFault::TooManyConnections => {
                "the server has no connection left; lower `max_connections` here or raise it there"
            }
            ConnectFault::NotReady => "the server is starting up or shutting down; try again",
            ConnectFault::NoTls => {
                "`sslmode` asks for TLS and the server offers none; turn TLS on there, or use `sslmode=disable` on a trusted network"
            }
            ConnectFault::Certificate => {
                "the server's certificate is not trusted for this host; name its authority with `sslrootcert=FILE` in the URL"
            }
            ConnectFault::Handshake => "the TLS handshake failed; check that the server speaks TLS 1.2 or newer",
            ConnectFault::ChannelBinding => {
                "`channel_binding=require` needs TLS and a SCRAM password; correct either, or drop the option"
            }
            ConnectFault::NotPostgres => "what answers there does not speak PostgreSQL's protocol; check host and port",
            ConnectFault::WrongKind => "no server of the kind that `target_session_attrs` asks for; check the hosts",
            ConnectFault::Refused(code) => {
                return write!(f, "the server refused the connection (SQLSTATE {code}); its log says why");
            }
        })
    }
}

impl ConnectFault {
    /// Sorts an I/O error of the socket.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        ConnectFault::Unreachable(error.kind())
    }

    /// Sorts the driver's error of a startup. Its text is looked at, never passed on.
    pub(crate) fn from_driver(error: &tokio_postgres::Error) -> Self {
        if let Some(code) = error.code() {
            return match code.code() {
                code @ ("28P01" | "28000") => ConnectFault::Credentials(code.to_owned()),
                "3D000" => ConnectFault::NoDatabase,
                "53300" => ConnectFault::TooManyConnections,
                "57P01" | "57P02" | "57P03" => ConnectFault::NotReady,
                code => ConnectFault::Refused(code.to_owned()),
            };
        }
        let kind = error.to_string();
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        if kind.starts_with("error performing TLS handshake") {
            return match rustls_error(error) {
                Some(rustls::Error::InvalidCertificate(_)) => ConnectFault::Certificate,
                _ if cause.contains("does not support TLS") => ConnectFault::NoTls,
                _ => ConnectFault::Handshake,
            };
        }
        match cause.as_str() {
            "password missing" => ConnectFault::NoPassword,
            text if text.contains("channel binding") => ConnectFault::ChannelBinding,
            _ => match error
                .source()
                .and_then(|source| source.downcast_ref::<io::Error>())
            {
                Some(io) if !is_nonsense(io.kind()) => ConnectFault::from_io(io),
                _ => ConnectFault::NotPostgres,
            },
        }
    }
}

/// The kinds by which the driver says that bytes do not parse or end too early.
fn is_nonsense(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | Other | UnexpectedEof)
}

/// The TLS library's error, where one is at the root.
fn rustls_error(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref()
}
