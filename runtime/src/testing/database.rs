//! A database of its own for each test.

use std::fmt;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tabellion_sql::ident::{quote, quote_literal};

use super::server::Inner;
use super::{Error, secret, url};

/// How long a destructor waits for a database to be removed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database that nobody else uses. It keeps its server alive, and is removed when dropped.
///
/// Removal cuts the connections that are still open. On the server of `DATABASE_URL` the
/// destructor waits for it, up to ten seconds; [`TestDatabase::close`] does the same without
/// blocking, and reports what went wrong.
#[must_use = "the database is removed as soon as this is dropped"]
pub struct TestDatabase {
    inner: Arc<Inner>,
    name: String,
    url: String,
    logins: Mutex<Vec<String>>,
    removed: bool,
}

impl TestDatabase {
    pub(super) fn new(inner: Arc<Inner>, name: String) -> Self {
        Self {
            url: url::render(&inner.admin, None, &name),
            inner,
            name,
            logins: Mutex::default(),
            removed: false,
        }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The superuser's URL for this database: for migrations, and for looking past RLS. It holds
    /// the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL for this database as another login.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        url::render(&self.inner.admin, Some((user, password)), &self.name)
    }

    /// Creates a login as an application has: `NOINHERIT`, `NOBYPASSRLS`, no superuser, owner of
    /// nothing, member of the given roles. Returns its URL, which holds its random password.
    ///
    /// Roles belong to the whole server, so the login is called `NAME_DATABASE`; tests that ask
    /// for the same name do not meet. It is removed with the database.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] where a role of `member_of` does not exist.
    pub async fn create_login(&self, name: &str, member_of: &[&str]) -> Result<String, Error> {
        let login = format!("{name}_{}", self.name);
        let password = secret::random()?;
        let mut statement = format!(
            "create role {} login noinherit nobypassrls nosuperuser nocreatedb nocreaterole \
             password {}",
            quote(&login),
            quote_literal(&password)
        );
        if !member_of.is_empty() {
            let roles: Vec<_> = member_of.iter().map(|role| quote(role)).collect();
            statement += &format!(" in role {}", roles.join(", "));
        }
        let action = format!("create the login `{login}`");
        self.run(action, vec![statement]).await?;
        self.logins
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(login.clone());
        Ok(self.url_as(&login, &password))
    }

    /// Removes the database and the logins that were created for it.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] where the server refuses, such as for a login that was granted something in
    /// another database.
    pub async fn close(mut self) -> Result<(), Error> {
        let (action, statements) = self.removal();
        self.removed = true;
        self.run(action, statements).await
    }

    async fn run(&self, action: String, statements: Vec<String>) -> Result<(), Error> {
        let (done, result) = tokio::sync::oneshot::channel();
        self.inner.clerk()?.run(action, statements, |result| {
            // The caller may have stopped waiting.
            let _ = done.send(result);
        });
        result.await.map_err(|_| Error::Gone)?
    }

    fn removal(&self) -> (String, Vec<String>) {
        removal(
            &self.name,
            &self.logins.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// The statements that remove a database and its logins, and the name for what they do.
pub(super) fn removal(name: &str, logins: &[String]) -> (String, Vec<String>) {
    let mut statements = vec![format!(
        "drop database if exists {} with (force)",
        quote(name)
    )];
    statements.extend(
        logins
            .iter()
            .map(|login| format!("drop role if exists {}", quote(login))),
    );
    (format!("remove the database `{name}`"), statements)
}

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        let Ok(clerk) = self.inner.clerk() else {
            return;
        };
        let (action, statements) = self.removal();
        let wait = self.inner.outlives_us() && thread::current().id() != clerk.thread_id();
        let (done, result) = mpsc::channel();
        clerk.run(action, statements, move |result| {
            // A throw-away server's database is not waited for.
            let _ = done.send(result);
        });
        if !wait {
            return;
        }
        match result.recv_timeout(PATIENCE) {
            Ok(Ok(())) | Err(RecvTimeoutError::Disconnected) => {}
            // A destructor has no other way to tell.
            Ok(Err(error)) => tracing::warn!("{error}"),
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!("the database `{}` was not removed in time", self.name);
            }
        }
    }
}
