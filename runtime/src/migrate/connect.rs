//! The engine's own connection: one, direct, for as long as it works.

use std::future::poll_fn;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::config::{Config, Host};

use super::error::MigrateError;
use crate::database::{Target, connector};
use crate::error::ConnectFault;

/// The oldest server that the generated SQL and the catalog queries are written for.
const OLDEST: u32 = 15;

/// Stands before statements of our own, in one message with them or in their transaction. PostgreSQL looks for
/// operators and functions along the search path, where whoever may create in one of its schemas can lay a
/// better match than the one that is meant; under this only what PostgreSQL brings is found.
pub(super) const NO_PATH: &str = "set local search_path = '';";

/// The same before the ledger is read: behind a transaction pooler another client may have left a role in the session.
pub(super) const OURS: &str = "reset session authorization;reset role;set local search_path = '';";

/// How long connecting may take for each host, where the URL does not say: as for a pool.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Host and port of every host that the URL names.
fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let hosts = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| match host {
            Host::Tcp(name) => format!("`{name}:{}`", port(index)),
            #[cfg(unix)]
            Host::Unix(folder) => format!("`{}`", folder.display()),
        });
    hosts.collect::<Vec<_>>().join(", ")
}

/// Connects, and looks at the server's version.
pub(super) async fn connect(url: &str) -> Result<Client, MigrateError> {
    let failed = |error: crate::Error| MigrateError::Connection(error.to_string());
    open(url.parse().map_err(failed)?).await
}

/// The same, where the URL has been read.
pub(super) async fn open(mut target: Target) -> Result<Client, MigrateError> {
    let failed = |error: crate::Error| MigrateError::Connection(error.to_string());
    let tls = connector(&target).map_err(failed)?;
    let limit = target.config.get_connect_timeout().copied();
    let limit = limit.unwrap_or(CONNECT_TIMEOUT);
    // The driver's own limit covers the socket of one host, and neither TLS nor the login.
    target.config.connect_timeout(limit);
    let hosts = u32::try_from(target.config.get_hosts().len()).unwrap_or(1);
    let whole = limit.saturating_mul(hosts.max(1));
    let connected = tokio::time::timeout(whole, target.config.connect(tls)).await;
    let connected = connected.map_err(|_| {
        MigrateError::Connection(format!(
            "no connection to {}: the server accepted and did not answer within {} s; see that PostgreSQL \
             listens there, or raise `connect_timeout` in the URL",
            place(&target.config),
            whole.as_secs()
        ))
    })?;
    let (client, mut connection) = connected.map_err(|error| {
        let fault = ConnectFault::from_driver(&error);
        MigrateError::Connection(format!(
            "no connection to {}: {fault}",
            place(&target.config)
        ))
    })?;
    let version = connection
        .parameter("server_version")
        .unwrap_or_default()
        .to_owned();
    tokio::spawn(async move {
        // Whoever waits for an answer is told of the connection's end; here nobody does. Notices are
        // dropped: awaiting the connection would log them, and a file's may quote rows.
        while let Some(Ok(_)) = poll_fn(|context| connection.poll_message(context)).await {}
    });
    let major: u32 = version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    if major < OLDEST {
        return Err(MigrateError::Connection(format!(
            "the server is PostgreSQL {version}; tabellion needs {OLDEST} or newer, so upgrade the server"
        )));
    }
    Ok(client)
}
