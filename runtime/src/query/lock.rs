//! Locking the rows that are read.

use super::{Fetch, Find, Finder, Projection, Wanted, first, not_found};
use crate::table::{AllowsSelect, AllowsUpdate, HasPrimaryKey};
use crate::{Scope, Transaction};

/// Rows that are read and locked until the end of the transaction, so that no other one changes them meanwhile.
///
/// PostgreSQL lets a scope lock the rows that it may update, so both policies are needed, and it finds only those that
/// both let through. It reads them in a transaction alone, since elsewhere the lock would be gone with the answer.
///
/// Another transaction that holds a row is waited for. What it then left of the row is what is read: one that no
/// longer fits is left out, and one whose place in the order has changed stands where it stood.
///
/// ```
/// # use tabellion::*;
/// # #[derive(Scope)]
/// # #[scope(role = "shop_app")]
/// # pub struct Shop {
/// #     #[setting("app.current_shop")]
/// #     pub domain: String,
/// # }
/// # #[derive(Table)]
/// # #[table(scope = Shop)]
/// # #[index(columns(shop, id), where = !done, finder = "open")]
/// # #[tenant(shop = scope.domain)]
/// # pub struct Task {
/// #     #[column(primary_key, identity)]
/// #     pub id: i64,
/// #     pub shop: String,
/// #     pub done: bool,
/// # }
/// # async fn work(acme: &Scoped<Shop>) -> Result<(), Error> {
/// acme.transaction(async |tx| {
///     let oldest = Task::open("acme").for_update().skip_locked().fetch_optional(tx).await?;
///     if let Some(task) = oldest {
///         Task::update(task.id).set(Task::DONE, true).execute(tx).await?;
///     }
///     Ok::<_, Error>(())
/// })
/// .await
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is read or locked until it is fetched"]
pub struct Locked<Q> {
    read: Q,
    lock: Lock,
}

/// How rows are locked. Source of the clauses: <https://www.postgresql.org/docs/15/explicit-locking.html#LOCKING-ROWS>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lock {
    strength: &'static str,
    wait: &'static str,
}

impl Lock {
    pub(crate) const UPDATE: Lock = Lock::new("update");

    const fn new(strength: &'static str) -> Self {
        Lock { strength, wait: "" }
    }

    /// The clause, behind the statement.
    pub(super) fn as_sql(self) -> String {
        format!(" for {}{}", self.strength, self.wait)
    }
}

macro_rules! lockable {
    ($(impl<$($param:ident $(: $bound:path)?),*> $read:ty;)*) => {$(
        impl<$($param $(: $bound)?),*> $read {
            /// Locks the rows as a change of their key or their deletion would: others can read them, and do nothing
            /// else with them, not even refer to them.
            pub fn for_update(self) -> Locked<Self> {
                self.locked(Lock::UPDATE)
            }

            /// Locks the rows as a change of other columns would: others can read them, and refer to them.
            pub fn for_no_key_update(self) -> Locked<Self> {
                self.locked(Lock::new("no key update"))
            }

            /// Locks the rows so that they stay as they are: others can share the lock, and change nothing.
            pub fn for_share(self) -> Locked<Self> {
                self.locked(Lock::new("share"))
            }

            /// Locks the rows so that they stay with the key that they have, as a reference to them does.
            pub fn for_key_share(self) -> Locked<Self> {
                self.locked(Lock::new("key share"))
            }

            fn locked(self, lock: Lock) -> Locked<Self> {
                Locked { read: self, lock }
            }
        }
    )*};
}

lockable! {
    impl<R: Projection, Rest, O> Finder<R, Rest, O>;
    impl<T: HasPrimaryKey> Find<T>;
}

impl<Q> Locked<Q> {
    /// Passes over the rows that another transaction holds, as the workers of a queue want it.
    pub fn skip_locked(mut self) -> Self {
        self.lock.wait = " skip locked";
        self
    }

    /// Waits for no other transaction: where one holds a row it is [`Timeout::Lock`](crate::error::Timeout::Lock).
    pub fn no_wait(mut self) -> Self {
        self.lock.wait = " nowait";
        self
    }
}

impl<R: Projection, Rest, O> Locked<Finder<R, Rest, O>> {
    /// All of the rows.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn fetch_all<S: Scope>(self, tx: &Transaction<S>) -> Fetch<'_, Vec<R>>
    where
        R::Table: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.read.query(Wanted::Locked(self.lock));
        Fetch::new(async move { tx.guise.run(query?).await?.decode(R::from_row) })
    }

    /// The first row, if there is one; no other is locked.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn fetch_optional<S: Scope>(self, tx: &Transaction<S>) -> Fetch<'_, Option<R>>
    where
        R::Table: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.read.one(Wanted::Locked(self.lock));
        Fetch::new(async move { first(&tx.guise.run(query?).await?, R::from_row) })
    }

    /// The first row; no other is locked.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) if there is none that the scope may read and update; else see [`Error`](crate::Error).
    pub fn fetch_one<S: Scope>(self, tx: &Transaction<S>) -> Fetch<'_, R>
    where
        R::Table: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.read.one(Wanted::Locked(self.lock));
        Fetch::new(async move {
            let found = first(&tx.guise.run(query?).await?, R::from_row)?;
            found.ok_or_else(|| not_found(R::INFO))
        })
    }
}

impl<T: HasPrimaryKey> Locked<Find<T>> {
    /// The row, if the scope may read and update it.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn fetch_optional<S: Scope>(self, tx: &Transaction<S>) -> Fetch<'_, Option<T>>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.read.query(Some(self.lock));
        Fetch::new(async move { first(&tx.guise.run(query).await?, T::from_row) })
    }

    /// The row.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) if the scope may not read and update it; else see [`Error`](crate::Error).
    pub fn fetch_one<S: Scope>(self, tx: &Transaction<S>) -> Fetch<'_, T>
    where
        T: AllowsUpdate<S> + AllowsSelect<S>,
    {
        let query = self.read.query(Some(self.lock));
        Fetch::new(async move {
            let found = first(&tx.guise.run(query).await?, T::from_row)?;
            found.ok_or_else(|| not_found(T::INFO))
        })
    }
}
