//! A transaction of several statements, and the connection that it holds.
//!
//! BEGIN and the scope travel with the first statement, a savepoint with the first one inside it, so that a
//! transaction costs one round trip a statement and one for its end. The scope is set once, before any savepoint:
//! a rollback to one would take it back to what it was.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use super::connection::{Connection, Opening};
use super::guise::Guise;
use super::pool::Lease;
use crate::Error;
use crate::error::ServerError;
use crate::query::Query;
use crate::row::Rows;
use crate::wire::{Fault, Replies, execute_text};

/// What a transaction holds, behind every handle that leads to it.
pub(crate) struct Pinned {
    state: Mutex<State>,
    /// Nothing more runs, whatever handles are left.
    ended: AtomicBool,
    /// The limit on time that it begins with.
    limit: Option<String>,
}

struct State {
    /// None before the first statement, while one is under way, so that a future dropped in the middle takes the
    /// connection with it, and after the end.
    lease: Option<Lease>,
    /// What precedes the next statement: BEGIN, then savepoints.
    before: Vec<String>,
    begun: bool,
    condition: Condition,
    /// How many savepoints stand.
    depth: usize,
    /// The last failure was none of the statement's own: the same transaction may succeed next time.
    may_succeed: bool,
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
                lease: None,
                before: vec![begin],
                begun: false,
                condition: Condition::Sound,
                depth: 0,
                may_succeed: false,
            }),
            ended: AtomicBool::new(false),
            limit: limit.map(str::to_owned),
        }
    }

    /// Runs a statement. Its rows are the transaction's, and not yet committed.
    pub(super) async fn run(&self, guise: &Guise, query: &Query) -> Result<Rows, Error> {
        if self.limit.as_deref() != guise.limit() {
            return Err(Error::LimitInTransaction);
        }
        let mut state = self.state.lock().await;
        if self.ended.load(Ordering::Acquire) {
            return Err(Error::TransactionEnded);
        }
        if state.condition != Condition::Sound {
            return Err(Error::TransactionAborted);
        }
        let begun = state.begun;
        let mut lease = match state.lease.take() {
            Some(lease) => lease,
            None if begun => {
                state.condition = Condition::Lost;
                return Err(Error::TransactionAborted);
            }
            None => guise.lease(&query.key).await?,
        };
        if begun {
            guise.note(&query.key);
        }
        let opening = match begun {
            true => Opening::Nothing(&state.before),
            false => Opening::Begin(&state.before),
        };
        let (mut outcome, mut is_open) = lease.run_within(guise, query, &opening).await;
        if !begun
            && outcome.as_ref().err() == Some(&Error::TransactionPooler)
            && lease.learn_pooled()
        {
            // The server said so before it ran the statement. What became of BEGIN ends with the connection.
            lease.close();
            drop(lease);
            lease = guise.lease(&query.key).await?;
            (outcome, is_open) = lease.run_within(guise, query, &opening).await;
        }
        state.begun = begun || is_open;
        match &outcome {
            Ok(_) => state.before.clear(),
            Err(_) if lease.is_failed() => {
                state.before.clear();
                state.condition = Condition::Failed;
            }
            // Nothing was sent, such as a value that cannot be encoded.
            Err(_) if lease.is_within() || (lease.is_idle() && !begun) => {}
            Err(_) => state.condition = Condition::Lost,
        }
        if let Err(error) = &outcome {
            state.may_succeed = matches!(
                error,
                Error::Serialization(_) | Error::StaleStatement | Error::TransactionPooler
            );
            if *error == Error::TransactionPooler {
                lease.learn_pooled();
            }
        }
        if !self.ended.load(Ordering::Acquire) {
            state.lease = Some(lease);
        }
        outcome
    }

    /// Ends the transaction. A commit that the server turns into a rollback is an error.
    pub(crate) async fn end(&self, guise: &Guise, commits: bool) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        self.ended.store(true, Ordering::Release);
        let lease = state.lease.take().filter(|lease| lease.is_within());
        let Some(mut lease) = lease else {
            // Nothing was begun, or it is gone.
            let is_lost = state.begun || state.condition == Condition::Lost;
            return match commits && is_lost {
                true => Err(Error::TransactionAborted),
                false => Ok(()),
            };
        };
        let is_sound = state.condition == Condition::Sound;
        let ended = lease.end_within(guise, commits && is_sound).await;
        if let Err(Error::Serialization(_)) = &ended {
            state.may_succeed = true;
        }
        match (commits, is_sound) {
            (true, false) => Err(Error::TransactionAborted),
            _ => ended,
        }
    }

    /// Sets a savepoint with the next statement; gives its number.
    pub(crate) async fn savepoint(&self) -> Result<usize, Error> {
        let mut state = self.state.lock().await;
        if state.condition != Condition::Sound {
            return Err(Error::TransactionAborted);
        }
        state.depth += 1;
        let depth = state.depth;
        state.before.push(format!("savepoint s{depth}"));
        Ok(depth)
    }

    /// Keeps what was done since a savepoint, or takes it back.
    pub(crate) async fn leave(
        &self,
        guise: &Guise,
        depth: usize,
        keeps: bool,
    ) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        if state.depth != depth {
            // What either of them did cannot be told from what the other did: none of it may be kept.
            state.condition = Condition::Lost;
            return Err(Error::Savepoints);
        }
        state.depth -= 1;
        let savepoint = format!("savepoint s{depth}");
        if let Some(place) = state.before.iter().position(|it| *it == savepoint) {
            // Nothing was sent since, but perhaps a statement to prepare.
            state.before.truncate(place);
            return match state.condition {
                Condition::Sound => Ok(()),
                Condition::Failed | Condition::Lost => Err(Error::TransactionAborted),
            };
        }
        match (keeps, state.condition) {
            (true, Condition::Sound) => {
                state.before.push(format!("release savepoint s{depth}"));
                Ok(())
            }
            (_, Condition::Lost) => Err(Error::TransactionAborted),
            (keeps, condition) => {
                let Some(mut lease) = state.lease.take() else {
                    state.condition = Condition::Lost;
                    return Err(Error::TransactionAborted);
                };
                state.before.clear();
                let done = lease.roll_back_to(guise, depth).await;
                state.condition = match lease.is_within() {
                    true => Condition::Sound,
                    false => Condition::Lost,
                };
                if !self.ended.load(Ordering::Acquire) {
                    state.lease = Some(lease);
                }
                done?;
                match keeps && condition == Condition::Failed {
                    true => Err(Error::TransactionAborted),
                    false => Ok(()),
                }
            }
        }
    }

    /// Whether the whole may succeed next time.
    pub(crate) async fn may_succeed(&self) -> bool {
        self.state.lock().await.may_succeed
    }

    /// Lets go of the connection, which is closed unless it waits outside of a transaction.
    pub(crate) fn abandon(&self) {
        self.ended.store(true, Ordering::Release);
        if let Ok(mut state) = self.state.try_lock() {
            state.lease = None;
        }
    }
}

impl Connection {
    /// A statement inside a transaction, and whether that is open on the server.
    async fn run_within(
        &mut self,
        guise: &Guise,
        query: &Query,
        opening: &Opening<'_>,
    ) -> (Result<Rows, Error>, bool) {
        let outcome = self.try_within(guise, query, opening).await;
        (outcome, self.wire.is_within())
    }

    async fn try_within(
        &mut self,
        guise: &Guise,
        query: &Query,
        opening: &Opening<'_>,
    ) -> Result<Rows, Error> {
        self.admit(guise)?;
        let statement = self.load(guise, query, opening).await?;
        let mut replies = match self.wire.exchange().await {
            Ok(replies) => replies,
            Err(fault) => return Err(self.refuse(fault, guise, &query.key)),
        };
        for _ in opening.texts() {
            replies
                .command()
                .map_err(|fault| self.refuse(fault, guise, &query.key))?;
        }
        if let Opening::Begin(_) = opening
            && let Err(fault) = replies.command()
        {
            return Err(self.scope_failed(fault, guise));
        }
        match super::connection::read(replies, &query.key, statement) {
            Ok(rows) => Ok(rows),
            Err(Fault::Server(error)) if error.is_stale_statement() => {
                self.forget();
                Err(Error::StaleStatement)
            }
            Err(fault) => Err(self.refuse(fault, guise, &query.key)),
        }
    }

    /// Whether the server waits inside a transaction, be it a failed one.
    fn is_within(&self) -> bool {
        self.wire.is_within()
    }

    fn is_failed(&self) -> bool {
        self.wire.is_within() && self.wire.is_failed()
    }

    async fn end_within(&mut self, guise: &Guise, commits: bool) -> Result<(), Error> {
        let sql = if commits { "commit" } else { "rollback" };
        let replies = self.say(&[sql.to_owned()]).await;
        let ended = replies.and_then(|mut replies| {
            let command = replies.command()?;
            replies.committed()?;
            // After an error the server answers a COMMIT with a rollback, and no error.
            match commits && command.rolled_back {
                true => Err(Fault::Protocol("a commit was answered with a rollback")),
                false => Ok(()),
            }
        });
        ended.map_err(|fault| self.ended_with(fault, guise, commits))
    }

    async fn roll_back_to(&mut self, guise: &Guise, depth: usize) -> Result<(), Error> {
        let back = format!("rollback to savepoint s{depth}");
        let replies = self
            .say(&[back, format!("release savepoint s{depth}")])
            .await;
        let done = replies.and_then(|mut replies| {
            replies.command()?;
            replies.command()?;
            replies.committed()
        });
        done.map_err(|fault| self.ended_with(fault, guise, false))
    }

    async fn say(&mut self, texts: &[String]) -> Result<Replies, Fault> {
        self.wire.outgoing.clear();
        for text in texts {
            execute_text(&mut self.wire.outgoing, text)
                .map_err(|_| Fault::Protocol("a statement does not fit into a message"))?;
        }
        self.wire.exchange().await
    }

    /// The error of the end of a transaction: a deferred constraint, a serialization failure, a lost connection.
    fn ended_with(&mut self, fault: Fault, guise: &Guise, commits: bool) -> Error {
        match fault {
            Fault::Server(error) => {
                let error: ServerError = *error;
                let table = error.table.clone().unwrap_or_default();
                error.classify(&table, None, &self.who(guise), "commit")
            }
            fault => {
                self.close();
                match commits {
                    true => Error::Disconnected {
                        unknown_outcome: true,
                    },
                    false => fault.into(),
                }
            }
        }
    }
}
