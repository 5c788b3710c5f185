//! A server to test against.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_postgres::Config;

use super::clerk::{Access, Clerk, Counter, Version};
#[cfg(unix)]
use super::cluster::Cluster;
use super::locate::{Installation, OLDEST};
use super::{Error, TestDatabase, secret, url};

/// A PostgreSQL server for tests and demonstrations.
///
/// It is the server of `DATABASE_URL` where that is set and not empty. Else it is a throw-away
/// one: started from local programs ([`locate`](super::locate())), listening on 127.0.0.1 alone,
/// with a random password, without durability, and gone with everything in it as soon as the last
/// handle is dropped or this process ends, in whatever way.
///
/// Autovacuum is off in a throw-away server, so that plans do not depend on time: run `ANALYZE`
/// where a plan matters.
pub struct Server {
    inner: Arc<Inner>,
}

/// What a server and its databases hold together.
pub(super) struct Inner {
    /// Taken when dropped, before the cluster stops.
    clerk: Option<Clerk>,
    counter: tokio::sync::Mutex<Counter>,
    /// The superuser's connection, with its present password.
    pub(super) admin: Config,
    /// The database that `admin` connects to.
    admin_url: String,
    version: Version,
    #[cfg(unix)]
    cluster: Option<Cluster>,
}

impl Server {
    /// Starts a server, or connects to the one of `DATABASE_URL`.
    ///
    /// Blocks until it answers: some tenths of a second, and once for each version of PostgreSQL
    /// about a second more, while the template in this user's cache folder is made. It can be
    /// called from asynchronous code as well, which it blocks for as long.
    ///
    /// # Errors
    ///
    /// See [`Error`]; a server that fails to start is reported with the end of its log.
    pub fn start() -> Result<Self, Error> {
        match std::env::var("DATABASE_URL") {
            Ok(text) if text.is_empty() => Self::own(),
            Ok(text) => Self::given(&text),
            Err(std::env::VarError::NotPresent) => Self::own(),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::Url),
        }
    }

    /// The one server of this process, started by whoever asks first.
    ///
    /// A failed start is not remembered: the next call tries again.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceLock<Server> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(server) = SHARED.get() {
            return Ok(server);
        }
        let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = SHARED.get() {
            return Ok(server);
        }
        let server = Self::start()?;
        Ok(SHARED.get_or_init(|| server))
    }

    /// Starts a throw-away server from these programs, whatever `DATABASE_URL` says.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    #[cfg(unix)]
    pub fn start_from(installation: &Installation) -> Result<Self, Error> {
        let cluster = Cluster::start(installation)?;
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(cluster.port())
            .user(super::template::SUPERUSER)
            .password(cluster.password())
            .dbname("postgres")
            .connect_timeout(std::time::Duration::from_secs(10));
        let password = secret::random()?;
        let access = Access {
            config: config.clone(),
            new_password: Some(password.clone()),
            server: "the throw-away server",
            remedy: "check that nothing on this machine filters connections to 127.0.0.1",
            prefix: "test_".to_owned(),
        };
        config.password(password);
        let server = Self::open(access, config, Some(cluster))?;
        // One database is always made ahead, so that asking for one hardly ever waits.
        server.inner.clerk()?.order_database()?;
        Ok(server)
    }

    /// Servers are started on Unix alone.
    ///
    /// # Errors
    ///
    /// Always [`Error::Platform`].
    #[cfg(not(unix))]
    pub fn start_from(_: &Installation) -> Result<Self, Error> {
        Err(Error::Platform)
    }

    fn own() -> Result<Self, Error> {
        Self::start_from(&super::locate()?)
    }

    fn given(text: &str) -> Result<Self, Error> {
        let config = url::parse(text)?;
        let access = Access {
            config: config.clone(),
            new_password: None,
            server: "the server of `DATABASE_URL`",
            remedy: "start it, correct `DATABASE_URL`, or unset it to have a throw-away server \
                     started",
            // Other processes may use the same server at the same time.
            prefix: format!("tabellion_test_{}_", &secret::random()?[..12]),
        };
        let server = Self::open(
            access,
            config,
            #[cfg(unix)]
            None,
        )?;
        if server.inner.version.number < OLDEST * 10_000 {
            return Err(Error::ServerTooOld {
                version: server.inner.version.text.clone(),
            });
        }
        Ok(server)
    }

    fn open(
        access: Access,
        admin: Config,
        #[cfg(unix)] cluster: Option<Cluster>,
    ) -> Result<Self, Error> {
        let (clerk, counter, version) = Clerk::start(access)?;
        let database = admin
            .get_dbname()
            .or(admin.get_user())
            .unwrap_or("postgres");
        Ok(Self {
            inner: Arc::new(Inner {
                clerk: Some(clerk),
                counter: tokio::sync::Mutex::new(counter),
                admin_url: url::render(&admin, None, database),
                admin,
                version,
                #[cfg(unix)]
                cluster,
            }),
        })
    }

    /// The superuser's URL for the server's own database: `postgres`, or the one of
    /// `DATABASE_URL`. It holds the password.
    pub fn admin_url(&self) -> &str {
        &self.inner.admin_url
    }

    /// A new, empty database: UTF-8, sorted by code point (locale `C`).
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] where the server refuses, such as for a login without `CREATEDB`.
    pub async fn database(&self) -> Result<TestDatabase, Error> {
        let clerk = self.inner.clerk()?;
        clerk.order_database()?;
        let name = self.inner.counter.lock().await.recv().await;
        let name = name.ok_or(Error::Gone)??;
        Ok(TestDatabase::new(Arc::clone(&self.inner), name))
    }

    /// The server's `server_version_num`: ten thousand times the major version plus the minor
    /// one, such as 150014.
    pub fn version_number(&self) -> u32 {
        self.inner.version.number
    }

    /// The server's `server_version`, such as `15.14 (Debian 15.14-0+deb12u1)`.
    pub fn version(&self) -> &str {
        &self.inner.version.text
    }

    /// The folder of a throw-away server: its `data`, `socket` and `server.log`, closed to other
    /// users. `None` for the server of `DATABASE_URL`.
    pub fn folder(&self) -> Option<&Path> {
        #[cfg(unix)]
        return self.inner.cluster.as_ref().map(Cluster::folder);
        #[cfg(not(unix))]
        None
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("version", &self.inner.version.text)
            .field("folder", &self.folder())
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn clerk(&self) -> Result<&Clerk, Error> {
        self.clerk.as_ref().ok_or(Error::Gone)
    }

    /// Whether the server lives on when this process ends.
    pub(super) fn outlives_us(&self) -> bool {
        #[cfg(unix)]
        return self.cluster.is_none();
        #[cfg(not(unix))]
        true
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(clerk) = self.clerk.take() else {
            return;
        };
        if !self.outlives_us() {
            return;
        }
        // A database whose order was cancelled lies on the counter still.
        let counter = self.counter.get_mut();
        while let Ok(made) = counter.try_recv() {
            if let Ok(name) = made {
                let (action, statements) = super::database::removal(&name, &[]);
                clerk.run(action, statements, drop);
            }
        }
        clerk.finish();
    }
}
