//! Several statements of one scope that take place together or not at all.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::database::{Guise, Pinned};
use crate::{Error, Scope, Scoped};

/// A transaction under way: what every statement inside takes in the place of the scope.
///
/// ```no_run
/// # use tabellion::{Database, Scope, Table};
/// # #[derive(Scope)]
/// # #[scope(role = "shop_app")]
/// # pub struct Shop {
/// #     #[setting("app.current_shop")]
/// #     pub domain: String,
/// # }
/// # #[derive(Table)]
/// # #[table(name = "tasks", scope = Shop)]
/// # #[index(columns(shop_domain, id desc), finder = "by_shop")]
/// # #[tenant(shop_domain = scope.domain)]
/// # pub struct Task {
/// #     #[column(primary_key, identity)]
/// #     pub id: i64,
/// #     pub shop_domain: String,
/// # }
/// # async fn first_two(shop: &tabellion::Scoped<Shop>) -> Result<(), tabellion::Error> {
/// let tasks = shop
///     .transaction(async |tx| {
///         let tasks = Task::by_shop("acme.example").limit(2).fetch_all(tx).await?;
///         for task in &tasks {
///             Task::delete(task.id).execute(tx).await?;
///         }
///         Ok::<_, tabellion::Error>(tasks)
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct Transaction<S> {
    scoped: Scoped<S>,
    pinned: Arc<Pinned>,
}

impl<S> Deref for Transaction<S> {
    type Target = Scoped<S>;

    fn deref(&self) -> &Scoped<S> {
        &self.scoped
    }
}

impl<S> fmt::Debug for Transaction<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction<{}>", std::any::type_name::<S>())
    }
}

impl<S: Scope> Scoped<S> {
    /// Runs statements as one transaction: committed where the work is `Ok`, rolled back where it is an error, or
    /// where the future is dropped. The transaction begins with the first statement, in its round trip, and ends
    /// with one of its own. Called on a [`Transaction`] it is a savepoint.
    ///
    /// After an error of the server nothing more runs in the transaction, unless the statement was inside a savepoint:
    /// work that hides the error ends in [`Error::TransactionAborted`]. A statement that was not sent, such as one with a
    /// value that cannot be encoded, leaves the transaction as it was; of many new rows that are refused so, a part may
    /// have been sent, and the transaction has failed. Statements run one after the other: a future of one that is kept
    /// and no longer polled keeps those behind it waiting, and a commit too; a rollback does not wait.
    ///
    /// # Errors
    /// The work's own, and those of the commit, such as a deferred constraint.
    pub async fn transaction<R, E, W>(&self, work: W) -> Result<R, E>
    where
        W: AsyncFnOnce(&Transaction<S>) -> Result<R, E>,
        E: From<Error>,
    {
        if let Some(pinned) = self.guise.pinned() {
            let transaction = Transaction {
                scoped: self.clone(),
                pinned: pinned.clone(),
            };
            return transaction.savepoint(work).await;
        }
        let (outcome, _) = attempt(self, &TransactionOptions::new(), work).await;
        outcome
    }

    /// The same at another isolation level, reading only, or run again where it lost against another one.
    ///
    /// Inside a transaction all that was decided with its beginning: there it is an error.
    ///
    /// In a future that has to be [`Send`] the work owns what it takes along, `async move |tx| …`: of work that runs
    /// more than once and borrows rustc does not see yet that its futures are `Send` for every lifetime
    /// (<https://github.com/rust-lang/rust/issues/110338>).
    ///
    /// # Errors
    /// As [`Scoped::transaction`], the last one where it was run several times, and [`Error::Savepoints`] inside
    /// another transaction.
    pub async fn transaction_with<R, E, W>(
        &self,
        options: &TransactionOptions,
        work: W,
    ) -> Result<R, E>
    where
        W: AsyncFn(&Transaction<S>) -> Result<R, E>,
        E: From<Error>,
    {
        if self.guise.pinned().is_some() {
            return Err(Error::Savepoints.into());
        }
        let mut wait = FIRST_WAIT;
        for _ in 0..options.retries {
            match attempt(self, options, &work).await {
                (Err(_), true) => {}
                (outcome, _) => return outcome,
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        attempt(self, options, &work).await.0
    }
}

/// How long a transaction that lost waits before it runs again; each time twice as long, up to a limit.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// One run, and whether another one may succeed where it failed.
async fn attempt<S: Scope, R, E, W>(
    scoped: &Scoped<S>,
    options: &TransactionOptions,
    work: W,
) -> (Result<R, E>, bool)
where
    W: AsyncFnOnce(&Transaction<S>) -> Result<R, E>,
    E: From<Error>,
{
    let pinned = Arc::new(Pinned::new(options.begin(), scoped.guise.limit()));
    let guise: Arc<Guise> = Arc::new(scoped.guise.pinned_to(&pinned));
    let held = Held(pinned.clone());
    let transaction = Transaction {
        scoped: scoped.with(guise.clone()),
        pinned: pinned.clone(),
    };
    let outcome = work(&transaction).await;
    let ended = match &outcome {
        Ok(_) => pinned.commit(&guise).await,
        Err(_) => pinned.roll_back(&guise).await,
    };
    drop(held);
    let may_succeed = pinned.may_succeed();
    let outcome = match (outcome, ended) {
        (Ok(result), Ok(())) => Ok(result),
        (Ok(_), Err(error)) => Err(error.into()),
        // What the rollback met with is less than what led to it.
        (Err(error), _) => Err(error),
    };
    (outcome, may_succeed)
}

/// Closes the connection of a transaction whose future is dropped, whatever handles are left.
struct Held(Arc<Pinned>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl<S: Scope> Transaction<S> {
    /// Runs statements of which an error takes back only them: the transaction goes on. Dropping the future takes them
    /// back as well. What runs meanwhile on another handle of the same transaction is inside it too, another savepoint
    /// that begins and ends before it does likewise.
    ///
    /// # Errors
    /// The work's own; [`Error::Savepoints`] where two of them end in another order than they began, as two at the
    /// same time may. A transaction whose work ends before a savepoint of another task does ends in that too.
    pub async fn savepoint<R, E, W>(&self, work: W) -> Result<R, E>
    where
        W: AsyncFnOnce(&Transaction<S>) -> Result<R, E>,
        E: From<Error>,
    {
        let number = self.pinned.savepoint(&self.guise).await?;
        let standing = Standing(&self.pinned, number);
        let outcome = work(self).await;
        let left = self.pinned.leave(&self.guise, number, outcome.is_ok());
        let left = left.await;
        std::mem::forget(standing);
        match (outcome, left) {
            (Ok(result), Ok(())) => Ok(result),
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(error), _) => Err(error),
        }
    }
}

/// Gives a savepoint up whose future is dropped before it was left.
struct Standing<'a>(&'a Pinned, u32);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.give_up(self.1);
    }
}

/// How much a transaction sees of others that run meanwhile
/// (<https://www.postgresql.org/docs/15/transaction-iso.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// The server's default for the login, which is READ COMMITTED unless changed.
    #[default]
    Default,
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first.
    RepeatableRead,
    /// As if the transactions had run one after the other.
    Serializable,
}

/// What a transaction is to be beside the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "options do nothing until a transaction takes them"]
pub struct TransactionOptions {
    isolation: Isolation,
    read_only: bool,
    retries: u32,
}

impl TransactionOptions {
    /// The server's isolation level, for reading and writing, run once.
    pub fn new() -> Self {
        TransactionOptions::default()
    }

    /// The isolation level.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// The server refuses every write.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Runs the work so many times more where it lost against a concurrent transaction: a serialization failure, a
    /// deadlock, a table that changed meanwhile. It waits 5 ms before the first of them, and twice as long before
    /// each further one, up to half a second. What the work does beside its statements it does each time.
    ///
    /// It is the last statement that tells, inside a savepoint too: work that hides its loss there, and ends in another
    /// error before it runs a further statement, is run again as well.
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }

    fn begin(&self) -> String {
        let mut sql = "begin".to_owned();
        sql.push_str(match self.isolation {
            Isolation::Default => "",
            Isolation::ReadCommitted => " isolation level read committed",
            Isolation::RepeatableRead => " isolation level repeatable read",
            Isolation::Serializable => " isolation level serializable",
        });
        if self.read_only {
            sql.push_str(" read only");
        }
        sql
    }
}
