//! A transaction of several statements, and the connection that it holds.
//!
//! BEGIN and the scope travel with the first statement, a savepoint with the first one inside it, so that a
//! transaction costs one round trip a statement and one for its end. The scope is set once, before any savepoint:
//! a rollback to one would take it back to what it was. No savepoint has the name of another one, whether that still
//! stands or not.

mod savepoints;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{MutexGuard, PoisonError};

use tokio::sync::{Mutex, Notify};

use super::bulk::Next;
use super::connection::Opening;
use super::guise::Guise;
use super::pool::Lease;
use crate::Error;
use crate::query::{Query, TableInfo};
use crate::row::Rows;

/// What a transaction holds, behind every handle that leads to it.
pub(crate) struct Pinned {
    /// Held by one statement, or another step, after the other.
    state: Mutex<State>,
    /// Locked for a moment at a time, so that the end need not wait for whoever has the state and is not polled.
    place: std::sync::Mutex<Place>,
    /// Wakes those that wait for the state when the end comes.
    over: Notify,
    /// The last statement lost, so that the same transaction may succeed next time. Its savepoint takes back the
    /// statement, not that: work that passes the error on cannot be told from work that ends in one of its own.
    may_succeed: AtomicBool,
    /// The outermost savepoint whose future was dropped since the last look, [`NONE`] if there was none.
    given_up: AtomicU32,
    /// What begins it.
    begin: String,
    /// The limit on time that it begins with.
    limit: Option<String>,
}

/// No savepoint's number.
const NONE: u32 = u32::MAX;

/// Where the connection is between two statements.
#[derive(Default)]
struct Place {
    /// None before the first statement, while one is under way, so that a future dropped in the middle takes the
    /// connection with it, and after the end.
    lease: Option<Lease>,
    /// Nothing more runs, whatever handles are left.
    ended: bool,
}

struct State {
    /// What precedes the next statement: savepoints, and the ends of those that are kept.
    before: Vec<String>,
    begun: bool,
    condition: Condition,
    /// The numbers of the savepoints that stand, the outermost first, and how many there were.
    open: Vec<u32>,
    count: u32,
    /// The tables that were written, whose constraints the commit may look at.
    written: Vec<&'static TableInfo>,
}

#[derive(Clone, Copy, PartialEq)]
enum Condition {
    Sound,
    /// A statement failed: the server runs nothing more before a rollback.
    Failed,
    /// The connection is gone, or nobody can tell any more what belongs together.
    Lost,
}

impl Pinned {
    pub(crate) fn new(begin: String, limit: Option<&str>) -> Pinned {
        Pinned {
            state: Mutex::new(State {
                before: Vec::new(),
                begun: false,
                condition: Condition::Sound,
                open: Vec::new(),
                count: 0,
                written: Vec::new(),
            }),
            place: std::sync::Mutex::default(),
            over: Notify::new(),
            may_succeed: AtomicBool::new(false),
            given_up: AtomicU32::new(NONE),
            begin,
            limit: limit.map(str::to_owned),
        }
    }

    /// Runs a statement. Its rows are the transaction's, and not yet committed.
    pub(super) async fn run(&self, guise: &Guise, query: &Query) -> Result<Rows, Error> {
        let mut state = self.turn().await?;
        self.ready(&mut state, guise).await?;
        self.send(&mut state, guise, query).await
    }

    /// Runs statements of one form, and no other between them. Where one of them does not, the transaction has failed, so
    /// that none of the others is kept.
    pub(super) async fn run_all(
        &self,
        guise: &Guise,
        first: &Query,
        next: &mut Next<'_>,
    ) -> Result<Vec<Rows>, Error> {
        let mut state = self.turn().await?;
        self.ready(&mut state, guise).await?;
        let mut all = vec![self.send(&mut state, guise, first).await?];
        let outcome = loop {
            // The caller's iterator may panic.
            state.condition = Condition::Failed;
            let made = next();
            state.condition = Condition::Sound;
            let outcome = match made {
                Ok(None) => break Ok(all),
                Ok(Some(query)) => self.send(&mut state, guise, &query).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(rows) => all.push(rows),
                Err(error) => break Err(error),
            }
        };
        if outcome.is_err() && state.condition == Condition::Sound {
            state.condition = Condition::Failed;
        }
        if outcome.is_ok() && self.settle(&mut state, guise).await? {
            // A savepoint around them was given up meanwhile.
            return Err(Error::Savepoints);
        }
        outcome
    }

    /// Whether a statement may run now.
    async fn ready(&self, state: &mut State, guise: &Guise) -> Result<(), Error> {
        if self.limit.as_deref() != guise.limit() {
            return Err(Error::LimitInTransaction);
        }
        self.settle(state, guise).await?;
        match state.condition {
            Condition::Sound => Ok(()),
            Condition::Failed | Condition::Lost => Err(Error::TransactionAborted),
        }
    }

    async fn send(&self, state: &mut State, guise: &Guise, query: &Query) -> Result<Rows, Error> {
        let begun = state.begun;
        let mut lease = match self.take()? {
            Some(lease) => lease,
            None if begun => {
                state.condition = Condition::Lost;
                return Err(Error::TransactionAborted);
            }
            None => {
                let lease = guise.lease(&query.key).await?;
                // It may have taken its time.
                self.go_on()?;
                lease
            }
        };
        if begun {
            guise.note(&query.key);
        }
        // From here on a future that is dropped takes with it what it may have sent, the beginning too.
        state.begun = true;
        let mut opening = match begun {
            true => Opening::Within(&mut state.before),
            false => Opening::Begin(&self.begin, &mut state.before),
        };
        let (mut outcome, mut is_open) = lease.run_within(guise, query, &mut opening).await;
        let begins_anew = match &outcome {
            Err(Error::TransactionPooler) => lease.learn_pooled(),
            Err(Error::StaleStatement) => true,
            _ => false,
        };
        if begins_anew
            && matches!(opening, Opening::Begin(..))
            && lease.end_within(guise, false, &[]).await.is_ok()
        {
            // What it did, if it ran at all, is gone, and its locks with it.
            (outcome, is_open) = lease.run_within(guise, query, &mut opening).await;
        }
        state.begun = begun || is_open;
        match &outcome {
            Ok(_) => {
                state.before.clear();
                let table = query.key.table();
                let is_known = state.written.iter().any(|it| std::ptr::eq(*it, table));
                if query.key.is_write() && !is_known {
                    state.written.push(table);
                }
            }
            // One whose columns had changed ran, and goes with the transaction.
            Err(error)
                if lease.is_failed() || (lease.is_within() && *error == Error::StaleStatement) =>
            {
                state.before.clear();
                state.condition = Condition::Failed;
            }
            // Nothing was sent, such as a value that cannot be encoded.
            Err(_) if lease.is_within() || (lease.is_idle() && !begun) => {}
            Err(_) => state.condition = Condition::Lost,
        }
        self.lost(matches!(
            outcome,
            Err(Error::Serialization(_) | Error::StaleStatement | Error::TransactionPooler)
        ));
        if let Err(Error::TransactionPooler) = outcome {
            lease.learn_pooled();
        }
        match (outcome, self.put_back(lease)) {
            // None of it stands.
            (Ok(_), Err(ended)) => Err(ended),
            (outcome, _) => outcome,
        }
    }

    /// Takes back what was done, at once: a statement that is under way is not waited for. It has the connection, which
    /// is closed, and the transaction rolled back, once its future is polled again or dropped.
    pub(crate) async fn roll_back(&self, guise: &Guise) -> Result<(), Error> {
        let lease = self.end().filter(|lease| lease.is_within());
        match lease {
            Some(mut lease) => lease.end_within(guise, false, &[]).await,
            None => Ok(()),
        }
    }

    /// Keeps what was done. A commit that the server turns into a rollback is an error.
    pub(crate) async fn commit(&self, guise: &Guise) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        let settled = self.settle(&mut state, guise).await;
        let lease = self.end().filter(|lease| lease.is_within());
        settled?;
        let Some(mut lease) = lease else {
            // Nothing was begun, or it is gone.
            let is_lost = state.begun || state.condition == Condition::Lost;
            return match is_lost {
                true => Err(Error::TransactionAborted),
                false => Ok(()),
            };
        };
        // A savepoint of another task, which has not said whether it is to be kept.
        let is_open = !state.open.is_empty();
        let is_sound = state.condition == Condition::Sound && !is_open;
        let ended = lease.end_within(guise, is_sound, &state.written).await;
        if is_sound {
            // Whatever failed before it, its own outcome decides: one that nobody knows must not be run again.
            self.lost(matches!(ended, Err(Error::Serialization(_))));
            return ended;
        }
        Err(match is_open {
            true => Error::Savepoints,
            false => Error::TransactionAborted,
        })
    }

    /// Whether the whole may succeed next time, as far as that is known.
    pub(crate) fn may_succeed(&self) -> bool {
        self.may_succeed.load(Ordering::Acquire)
    }

    fn lost(&self, is: bool) {
        self.may_succeed.store(is, Ordering::Release);
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once it is the caller's turn. After the end nobody waits for whoever has it.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, State>, Error> {
        let over = self.over.notified();
        self.go_on()?;
        let state = tokio::select! {
            state = self.state.lock() => state,
            () = over => return Err(Error::TransactionEnded),
        };
        self.go_on()?;
        Ok(state)
    }

    fn go_on(&self) -> Result<(), Error> {
        match self.place().ended {
            true => Err(Error::TransactionEnded),
            false => Ok(()),
        }
    }

    /// The connection, if there is one, until it is put back.
    fn take(&self) -> Result<Option<Lease>, Error> {
        let mut place = self.place();
        match place.ended {
            true => Err(Error::TransactionEnded),
            false => Ok(place.lease.take()),
        }
    }

    /// Where the transaction ended meanwhile, the connection goes with it.
    fn put_back(&self, lease: Lease) -> Result<(), Error> {
        let mut place = self.place();
        if place.ended {
            return Err(Error::TransactionEnded);
        }
        place.lease = Some(lease);
        Ok(())
    }

    /// Nothing more runs from here on. The connection, unless a statement is under way, which lets go of it.
    fn end(&self) -> Option<Lease> {
        let mut place = self.place();
        place.ended = true;
        let lease = place.lease.take();
        drop(place);
        self.over.notify_waiters();
        lease
    }

    /// Lets go of the connection, which is closed unless it waits outside of a transaction.
    pub(crate) fn abandon(&self) {
        drop(self.end());
    }
}
