//! One connection, and how a statement runs on it inside a scope.
//!
//! A flight is the scope's statement, the query, and one Sync: between two Syncs the server runs
//! them as one transaction, which the Sync commits. Beside BEGIN and COMMIT as statements of their
//! own this saves two of four, and leaves fewer ends: an error skips everything after it, so a scope
//! that cannot be set keeps the query from running; after any error the server has rolled back and
//! waits outside a transaction; and the commit's own result is whether an error comes before
//! ReadyForQuery. Every parameter is encoded before the first byte is written.

mod raw;
mod statements;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::cancel::Canceller;
use super::connect::Opened;
use super::guise::Guise;
use super::login::{self, Login};
use super::url::Target;
use crate::Error;
use crate::error::{Bypass, Written};
use crate::query::{Key, Query, plain};
use crate::row::Rows;
use crate::scope::NO_ROLE;
use crate::wire::{Command, Fault, Prepared, Replies, Wire};
pub(super) use statements::Opening;
use statements::Statements;

/// A connection with what it has prepared.
pub(crate) struct Connection {
    pub(super) wire: Wire,
    canceller: Canceller,
    login: Login,
    /// What answered the login is not what answers now, or the URL speaks of a pooler, of whatever mode.
    is_behind_pooler: bool,
    statements: Statements,
    learnt: Arc<Learnt>,
}

/// What the connections of a pool learn together.
pub(super) struct Learnt {
    /// Whether a pooler is in between that gives each transaction another session.
    pooled: AtomicBool,
    /// How many times tables were found to have changed since statements were prepared.
    changes: AtomicUsize,
}

impl Learnt {
    pub(super) fn new(pooled: bool) -> Self {
        Learnt {
            pooled: AtomicBool::new(pooled),
            changes: AtomicUsize::new(0),
        }
    }
}

/// How far the answer to a statement is waited for.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// Up to its first rows, where it has any.
    Rows,
    /// Up to the commit.
    Commit,
}

impl Connection {
    /// A connection over an authenticated stream, once it is known who is logged in.
    pub(super) async fn new(
        opened: Opened,
        target: &Target,
        learnt: Arc<Learnt>,
    ) -> Result<Self, Error> {
        let mut wire = Wire::new(opened.stream);
        let kind = target.config.get_target_session_attrs();
        let login = login::login(&mut wire, kind).await?;
        if let Some(why) = &login.bypass {
            tracing::warn!("login {} {why}; scoped queries will be refused", login.name);
        }
        // What answered the login is not what answers now. Which of its sessions that is, next time, only the URL can say.
        let is_behind_pooler = opened.process.is_some() && opened.process != login.process;
        if is_behind_pooler
            && target.pooled.is_none()
            && !learnt.pooled.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "a pooler is in between: statements are not prepared, as if it gave each transaction another session; \
                 add `pooler=transaction` or `pooler=session` to the URL"
            );
        }
        Ok(Connection {
            wire,
            canceller: opened.canceller,
            login,
            is_behind_pooler: is_behind_pooler || target.pooled.is_some(),
            statements: Statements::new(prefix(), &learnt),
            learnt,
        })
    }

    /// Whether the server is known to wait outside a transaction.
    pub(super) fn is_idle(&self) -> bool {
        self.wire.is_idle()
    }

    /// Whether it is idle and has not been closed from the other side.
    pub(super) fn is_alive(&mut self) -> bool {
        self.wire.is_alive()
    }

    /// How to stop what runs on it, if its caller went away before the answer came.
    ///
    /// Not behind a pooler, in whatever mode: PgBouncer 1.18 dies of requests to cancel that come while their clients
    /// go (`bad client state`), and every client with it. It closes the server's connection with the client's.
    pub(super) fn abandoned(&self) -> Option<Canceller> {
        let is_pooled = self.is_behind_pooler || self.is_pooled();
        (self.wire.is_awaited() && !is_pooled).then(|| self.canceller.clone())
    }

    /// Closes the connection at once.
    pub(super) fn close(&mut self) {
        self.wire.close();
    }

    /// Runs a statement in a scope. Rows come back only once they are committed.
    pub(super) async fn run(&mut self, guise: &Guise, query: &Query) -> Result<Rows, Error> {
        self.answer(guise, query, Until::Commit).await
    }

    /// The same up to that point.
    pub(super) async fn answer(
        &mut self,
        guise: &Guise,
        query: &Query,
        until: Until,
    ) -> Result<Rows, Error> {
        self.admit(guise)?;
        let mut outcome = self.attempt(guise, query, until).await;
        if self.is_foreign(&outcome) && self.wire.is_idle() && self.learn_pooled() {
            // The server said so before it ran anything.
            outcome = self.attempt(guise, query, until).await;
        }
        if let Ok(Err(Fault::Server(error))) = &outcome
            && error.is_stale_statement()
        {
            // The table has changed since the statement was prepared. The server noticed before it
            // ran anything, so it may be prepared and sent again.
            self.outdate();
            outcome = self.attempt(guise, query, until).await;
        }
        let has_changed = matches!(outcome, Ok(Err(Fault::Changed)));
        // Of raw SQL nobody can say for certain: PostgreSQL calls functions without a parenthesis too.
        let is_read = query.key.raw().is_none() && query.key.written() == Written::No;
        if has_changed && self.wire.is_idle() && is_read {
            // Only its rows cannot be read: its transaction is over, and wrote nothing.
            self.outdate();
            outcome = self.attempt(guise, query, until).await;
        }
        outcome?.map_err(|fault| self.refuse(fault, guise, &query.key))
    }

    /// Whether the server's session is not the one that knows the statements.
    fn is_foreign(&self, outcome: &Result<Result<Rows, Fault>, Error>) -> bool {
        match outcome {
            Err(error) => *error == Error::TransactionPooler,
            Ok(Err(Fault::Server(error))) => error.is_foreign_statement(),
            Ok(_) => false,
        }
    }

    /// Whether a pooler is known to give each transaction another session.
    pub(super) fn is_pooled(&self) -> bool {
        self.learnt.pooled.load(Ordering::Relaxed)
    }

    /// Notes that one does; false where that was known, so that it is no explanation.
    pub(super) fn learn_pooled(&mut self) -> bool {
        if !self.statements.are_named {
            return false;
        }
        if !self.learnt.pooled.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a transaction pooler is in between: statements are no longer prepared; add `pooler=transaction` to \
                 the URL"
            );
        }
        true
    }

    /// Whether the login may do what the scope asks of it.
    pub(super) fn admit(&self, guise: &Guise) -> Result<(), Error> {
        if let Some(why) = &self.login.bypass
            && guise.role != NO_ROLE
        {
            return Err(Error::LoginBypasses {
                login: self.login.name.clone(),
                why: why.clone(),
                role: login::quoted(guise.role),
            });
        }
        let passes = matches!(
            self.login.bypass,
            Some(Bypass::Superuser | Bypass::BypassRls)
        );
        if guise.reason().is_some() && !passes {
            return Err(Error::LoginCannotBypass {
                login: self.login.name.clone(),
            });
        }
        Ok(())
    }

    /// The error of a statement, whose connection is closed where it can no longer be relied on.
    pub(super) fn refuse(&mut self, fault: Fault, guise: &Guise, key: &Key) -> Error {
        self.refuse_as(fault, guise, key, key.is_write())
    }

    /// The same of a statement that may have written, or has not, whatever it is.
    pub(super) fn refuse_as(
        &mut self,
        fault: Fault,
        guise: &Guise,
        key: &Key,
        wrote: bool,
    ) -> Error {
        let unreliable = match &fault {
            Fault::Server(error) => {
                // Not for a row or a privilege that was refused.
                let is_of_schema = error.code.starts_with("42") && error.code != "42501";
                if is_of_schema || error.code == "XX000" {
                    // What was learnt of it may be of an earlier table or type, which the server looks for in vain.
                    self.forget_statement(key);
                }
                error.is_foreign_statement()
            }
            Fault::Changed => {
                self.outdate();
                !self.wire.is_idle()
            }
            _ => true,
        };
        if unreliable {
            self.wire.close();
        }
        if let Fault::Changed = fault {
            // Where more was to come, so was the commit.
            let written = match key.written() {
                Written::Yes if unreliable => Written::Unknown,
                written => written,
            };
            let table = plain(key.table().name);
            return Error::TableChanged { table, written };
        }
        failed(fault, &self.who(guise), key, wrote)
    }

    /// One flight, after another one if the connection does not know scope or statement yet. The
    /// outer error is one from before the query was sent.
    async fn attempt(
        &mut self,
        guise: &Guise,
        query: &Query,
        until: Until,
    ) -> Result<Result<Rows, Fault>, Error> {
        let statement = self.load(guise, query, &mut Opening::Scope).await?;
        let replies = match (until, self.wire.start()) {
            (_, Err(fault)) => Err(fault),
            (Until::Commit, Ok(())) => self.wire.ended().await,
            // The scope's statement has a row too.
            (Until::Rows, Ok(())) => self.wire.arrived(1).await,
        };
        let mut replies = match replies {
            Ok(replies) => replies,
            Err(fault) => return Ok(Err(fault)),
        };
        match replies.command() {
            Ok(_) => Ok(read(replies, &query.key, statement)),
            Err(Fault::Server(error))
                if error.is_stale_statement() || error.is_foreign_statement() =>
            {
                Ok(Err(Fault::Server(error)))
            }
            Err(fault) => Err(self.scope_failed(fault, guise)),
        }
    }

    /// Whom the server judges, quoted as SQL: the scope's role, or the login where there is none.
    pub(super) fn who(&self, guise: &Guise) -> String {
        match guise.role {
            NO_ROLE => self.login.name.clone(),
            role => login::quoted(role),
        }
    }

    /// The scope's statement was refused. A membership may have been granted without SET
    /// (PostgreSQL 16), which shows only here.
    pub(super) fn scope_failed(&self, fault: Fault, guise: &Guise) -> Error {
        match fault {
            Fault::Server(error) if error.is_foreign_statement() => Error::TransactionPooler,
            Fault::Server(error) if error.code == "42501" => Error::RoleNotGranted {
                login: self.login.name.clone(),
                role: login::quoted(guise.role),
            },
            Fault::Server(error) => Error::Scope(error),
            fault => fault.into(),
        }
    }
}

/// The rows, if everything up to the commit succeeded; or those that have come, if everything did so far.
pub(super) fn read(
    mut replies: Replies,
    key: &Key,
    statement: Arc<Prepared>,
) -> Result<Rows, Fault> {
    let answer = replies.command()?;
    if !answer.unfinished {
        replies.committed()?;
    }
    rows(answer, key, statement)
}

/// The rows of one statement's answer, if they are those of the columns that were learnt.
pub(super) fn rows(answer: Command, key: &Key, statement: Arc<Prepared>) -> Result<Rows, Fault> {
    as_learnt(&answer, &statement)?;
    Ok(Rows {
        table: key.table(),
        statement,
        bodies: answer.rows,
        affected: answer.affected,
        unfinished: answer.unfinished,
    })
}

/// Whether the columns of an answer are those that were learnt, where nobody else would notice.
pub(super) fn as_learnt(answer: &Command, statement: &Prepared) -> Result<(), Fault> {
    match (&statement.unnamed, &answer.columns) {
        (Some(unnamed), Some(columns)) if !unnamed.is_as_learnt(columns) => Err(Fault::Changed),
        _ => Ok(()),
    }
}

/// The error of a flight; `wrote` says that it held a write. A write's outcome is known only by what
/// came before ReadyForQuery.
fn failed(fault: Fault, who: &str, key: &Key, wrote: bool) -> Error {
    match fault {
        Fault::Server(error) if key.is_bad_cursor(&error) => bad_cursor(key, error.parameter),
        Fault::Server(error) if key.raw().is_some() && error.denied.is_some() => {
            raw::denied(*error, who)
        }
        Fault::Server(error) => {
            let info = key.table();
            error.classify(&plain(info.name), Some(info), who, key.operation())
        }
        _ if wrote => Error::Disconnected {
            unknown_outcome: true,
        },
        fault => fault.into(),
    }
}

/// A cursor's value that is none of its column's. Everything else was encoded for its type.
fn bad_cursor(key: &Key, parameter: Option<usize>) -> Error {
    Error::Cursor {
        table: plain(key.table().name),
        column: parameter.map(|parameter| key.parameter(parameter)),
        reason: "it holds a value that the column cannot have",
    }
}

/// A prefix that no other connection of any process has.
///
/// A pooler may hand each transaction to another server connection, on which another client has
/// prepared its own statements. Were the names a plain sequence, a flight could meet a statement of
/// the same name and run that.
fn prefix() -> String {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    // The hasher's keys are random; the process is in it for one that was forked off.
    let unique = (std::process::id(), connection);
    let (high, low) = (RandomState::new(), RandomState::new());
    let (high, low) = (high.hash_one(unique), low.hash_one(unique));
    format!("tabellion_{high:016x}{low:016x}_")
}

pub(super) fn too_large(_: std::io::Error) -> Error {
    Error::Unsendable
}
