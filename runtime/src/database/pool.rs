//! The pool: which connections may be used again.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use deadpool::managed::{
    self, Metrics, Object, PoolError, RecycleError, RecycleResult, TimeoutType,
};
use tokio::runtime::Handle;
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::Instrument;

use super::connection::{Connection, Learnt};
use super::url::Target;
use super::{Database, connect, tls, trace};
use crate::Error;
use crate::error::Timeout;

/// Opens connections, and looks at those that come back.
pub(crate) struct Manager {
    target: Target,
    tls: MakeRustlsConnect,
    learnt: Arc<Learnt>,
}

impl Manager {
    pub(super) fn new(target: Target) -> Result<Self, Error> {
        let tls = tls::connector(&target)?;
        let learnt = Arc::new(Learnt::new(target.pooled == Some(true)));
        Ok(Manager {
            target,
            tls,
            learnt,
        })
    }

    pub(super) fn target(&self) -> Target {
        self.target.clone()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        let opened = connect::open(&self.target, &self.tls).await?;
        Connection::new(opened, &self.target, self.learnt.clone()).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_alive() {
            Ok(())
        } else {
            Err(RecycleError::message("the connection is closed"))
        }
    }
}

/// A connection on loan.
///
/// It stays open only if the server is known to wait outside a transaction. Otherwise, after a future
/// was dropped in the middle or the connection broke, it is closed at once, so that the server rolls
/// back and releases its locks now and not when somebody else happens to need a connection. A server
/// at work does not look whether the client is still there, so it is asked to stop first; until
/// it has been asked, the connection counts as one of the pool's.
pub(super) struct Lease(Option<Object<Manager>>);

const HELD: &str = "a lease holds its connection until it is dropped";

impl Database {
    pub(super) async fn lease(&self) -> Result<Lease, Error> {
        let span = trace::wait(|| self.pool.status());
        match self.pool.get().instrument(span).await {
            Ok(object) => Ok(Lease(Some(object))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Create)) => Err(Timeout::Connect.into()),
            Err(PoolError::Timeout(_)) => Err(Timeout::Pool.into()),
            Err(PoolError::Closed) => Err(Error::Closed),
            Err(_) => Err(Error::Protocol("the pool is misconfigured")),
        }
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect(HELD)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        self.0.as_mut().expect(HELD)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.0.take() else { return };
        if object.is_idle() {
            return;
        }
        let abandoned = object.abandoned();
        let closing = Closing(object);
        if let (Some(canceller), Ok(runtime)) = (abandoned, Handle::try_current()) {
            runtime.spawn(async move {
                canceller.cancel().await;
                drop(closing);
            });
        }
    }
}

/// A connection that is closed on its way back to the pool, whatever becomes of the task that holds
/// it.
struct Closing(Object<Manager>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}
