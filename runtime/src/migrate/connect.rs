//! The engine's own connection: one, direct, for as long as it works.

use tokio_postgres::Client;
use tokio_postgres::config::{Config, Host};

use super::error::MigrateError;
use crate::database::{Target, connector};
use crate::error::ConnectFault;

/// The oldest server that the generated SQL and the catalog queries are written for.
const OLDEST: u32 = 15;

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
    let target: Target = url.parse().map_err(failed)?;
    let tls = connector(&target).map_err(failed)?;
    let (client, connection) = target.config.connect(tls).await.map_err(|error| {
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
        // Whoever waits for an answer is told of the connection's end; here nobody does.
        let _ = connection.await;
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
