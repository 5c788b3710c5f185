//! A database and the connections to it.

mod bulk;
mod cancel;
mod connect;
mod connection;
mod guise;
mod incoming;
mod login;
mod pinned;
mod pool;
mod tls;
mod trace;
mod url;
mod within;

use std::fmt;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::Pool;

pub(crate) use connect::Stream;
pub(crate) use guise::Guise;
#[cfg(feature = "testing")]
pub(crate) use guise::scope_sql;
pub(crate) use incoming::Incoming;
pub(crate) use pinned::Pinned;
pub(crate) use tls::connector;
pub(crate) use url::Target;

use crate::Error;
use pool::Manager;

/// A PostgreSQL database, and the pool of connections to it. Cheap to clone.
///
/// It answers no query itself: [`Database::scope`] gives the handle that does.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Manager>,
    /// How long a statement may take, unless its scope says otherwise.
    statement_timeout: Option<Duration>,
}

impl Database {
    /// Connects with the defaults of [`Database::builder`], and opens one connection to see that
    /// host, login and version are right.
    ///
    /// `url` is `postgres://user:password@host:port/database?option=value` or libpq's `key=value`
    /// form. Beside the driver's options it knows `sslmode=verify-ca|verify-full`, `sslrootcert=FILE` and
    /// `pooler=transaction|session`: what a pooler gives a client for itself, where one is in between. With
    /// `sslmode=require` and stricter the server's certificate and name are checked; with `prefer`, the default, the connection is encrypted where the server can.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Connect`], [`Error::ServerTooOld`] or [`Error::Timeout`], each with the
    /// remedy and none with the password.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Database::builder(url).connect().await
    }

    /// A database with other limits than the defaults.
    pub fn builder(url: &str) -> Builder {
        Builder {
            target: url.parse(),
            max_connections: 10,
            pool_timeout: Duration::from_secs(30),
            connect_timeout: None,
            statement_timeout: None,
        }
    }

    /// Where its connections lead.
    pub(crate) fn target(&self) -> Target {
        self.pool.manager().target()
    }

    /// Closes the connections that are not in use, and the others when they come back. Queries that
    /// wait for one, and later ones, end in [`Error::Closed`].
    pub fn close(&self) {
        self.pool.close();
    }
}

/// Shows how many connections there are, and not to where.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.pool.status();
        f.debug_struct("Database")
            .field("connections", &status.size)
            .field("available", &status.available)
            .field("waiting", &status.waiting)
            .field("max_connections", &status.max_size)
            .finish()
    }
}

/// The options of a [`Database`].
#[must_use = "nothing is connected until `connect` is called"]
pub struct Builder {
    target: Result<Target, Error>,
    max_connections: usize,
    pool_timeout: Duration,
    connect_timeout: Option<Duration>,
    statement_timeout: Option<Duration>,
}

impl Builder {
    /// At most that many connections at a time; 10 unless set, and at least 1.
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count.max(1);
        self
    }

    /// How long a query waits for a connection to become free; 30 seconds unless set.
    pub fn pool_timeout(mut self, limit: Duration) -> Self {
        self.pool_timeout = limit;
        self
    }

    /// How long the server may take to complete a connection, name lookup and login included; 10
    /// seconds unless set here or by `connect_timeout` in the URL.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// How long each statement may take on the server; as long as the login's own `statement_timeout` says unless set
    /// here or by [`Scoped::statement_timeout`](crate::Scoped::statement_timeout). It travels with the scope, to the
    /// statement's own transaction, and so behind a transaction pooler too.
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = Some(limit);
        self
    }

    /// Opens one connection to see that host, login and version are right.
    ///
    /// # Errors
    /// As [`Database::connect`].
    pub async fn connect(self) -> Result<Database, Error> {
        let target = self.target?;
        let connect_timeout = self
            .connect_timeout
            .or(target.config.get_connect_timeout().copied())
            .unwrap_or(Duration::from_secs(10));
        let pool = Pool::builder(Manager::new(target)?)
            .max_size(self.max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.pool_timeout))
            .create_timeout(Some(connect_timeout))
            .build()
            .map_err(|_| Error::Protocol("the pool has no runtime"))?;
        let database = Database {
            pool,
            statement_timeout: self.statement_timeout,
        };
        database.lease().await?;
        Ok(database)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max_connections", &self.max_connections)
            .field("pool_timeout", &self.pool_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}
