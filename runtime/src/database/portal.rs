//! A statement whose rows come a portion at a time, inside one scoped transaction.
//!
//! The flight is the one of every statement, with a Flush where the Sync would stand: scope, Bind, and
//! Execute for some rows. Each further Execute continues the portal, and two of them are always on their
//! way, so that the server neither waits for the caller to read what came nor for the next request; the
//! Sync comes once the last row is here. Until then the connection is in use, and one that is let go of
//! is closed.

use std::sync::Arc;

use postgres_protocol::message::backend::DataRowBody;
use tracing::{Instrument, Span};

use super::connection::{Connection, Opening};
use super::guise::Guise;
use super::pool::Lease;
use super::trace;
use crate::Error;
use crate::query::Query;
use crate::row::Rows;
use crate::wire::{Fault, Prepared, execute};

/// The first portion, of rows that nobody has seen the size of.
const FIRST: i32 = 64;

/// How many portions are asked for beyond the one that is here.
const AHEAD: usize = 2;

/// About how much of a portion is in memory at once, in bytes.
const PORTION: usize = 256 * 1024;

/// A statement under way, and its connection.
pub(crate) struct Portal {
    guise: Arc<Guise>,
    query: Query,
    /// None while a portion is under way, so that a future dropped in the middle takes the connection
    /// with it, and after the end.
    lease: Option<Lease>,
    statement: Arc<Prepared>,
    /// The last portion has come.
    done: bool,
    /// What a trace sees of it, and how many rows came.
    span: Span,
    seen: u64,
}

impl Portal {
    /// Runs the statement up to its first rows.
    pub(crate) async fn open(guise: Arc<Guise>, query: Query) -> Result<(Self, Rows), Error> {
        if guise.pinned().is_some() {
            return Err(Error::StreamInTransaction);
        }
        let span = trace::query(&query.key);
        let begun = async {
            let mut lease = guise.lease(&query.key).await?;
            let begun = lease.begin(&guise, &query).await?;
            Ok::<_, Error>((lease, begun))
        };
        let begun = begun.instrument(span.clone()).await;
        let (mut lease, (statement, bodies, paused)) =
            begun.inspect_err(|error| trace::ended(&span, Err(error)))?;
        if paused {
            for _ in 0..AHEAD {
                lease.ask(next(&bodies))?;
            }
        }
        let mut portal = Portal {
            guise,
            query,
            lease: paused.then_some(lease),
            statement,
            done: !paused,
            span,
            seen: 0,
        };
        let rows = portal.portion(bodies);
        Ok((portal, rows))
    }

    /// The next rows; none after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Rows>, Error> {
        if self.done {
            return Ok(None);
        }
        let mut lease = self.lease.take().ok_or(ABANDONED)?;
        let more = lease.go_on(&self.guise, &self.query);
        let more = more.instrument(self.span.clone()).await;
        let (bodies, paused) = more.inspect_err(|error| trace::ended(&self.span, Err(error)))?;
        if paused {
            lease.ask(next(&bodies))?;
            self.lease = Some(lease);
        } else {
            self.done = true;
        }
        Ok(Some(self.portion(bodies)))
    }

    /// Closes the connection, and gives nothing more.
    pub(crate) fn abandon(&mut self) {
        self.done = false;
        self.lease = None;
    }

    fn portion(&mut self, bodies: Vec<DataRowBody>) -> Rows {
        self.seen += bodies.len() as u64;
        if self.done {
            trace::ended(&self.span, Ok(self.seen));
        }
        Rows {
            table: self.query.key.table(),
            statement: self.statement.clone(),
            bodies,
            affected: 0,
        }
    }
}

/// How many rows to ask for behind those.
fn next(bodies: &[DataRowBody]) -> i32 {
    let bytes: usize = bodies.iter().map(|body| body.buffer().len()).sum();
    match bytes.checked_div(bodies.len()) {
        Some(average) => {
            i32::try_from(PORTION / average.max(32)).map_or(i32::MAX, |rows| rows.max(1))
        }
        None => FIRST,
    }
}

const ABANDONED: Error =
    Error::Protocol("the stream failed or was abandoned before, and has no connection any more");

impl Connection {
    /// The statement's first rows, and whether more may come.
    async fn begin(
        &mut self,
        guise: &Guise,
        query: &Query,
    ) -> Result<(Arc<Prepared>, Vec<DataRowBody>, bool), Error> {
        self.admit(guise)?;
        let mut is_second = false;
        loop {
            let statement = match self.load(guise, query, FIRST, &Opening::Scope).await {
                Err(Error::TransactionPooler) if self.is_idle() && self.learn_pooled() => continue,
                statement => statement?,
            };
            self.wire.request();
            let mut replies = match self.wire.portion(2).await {
                Ok(replies) => replies,
                Err(fault) => return Err(self.refuse(fault, guise, &query.key)),
            };
            let outcome = match replies.command() {
                Ok(_) => replies.command(),
                Err(Fault::Server(error))
                    if !error.is_stale_statement() && !error.is_foreign_statement() =>
                {
                    self.settle().await?;
                    return Err(self.scope_failed(Fault::Server(error), guise));
                }
                Err(fault) => Err(fault),
            };
            match outcome {
                Ok(command) => {
                    if let Err(fault) = super::connection::as_learnt(&command, &statement) {
                        return Err(self.refuse(fault, guise, &query.key));
                    }
                    if !command.paused {
                        self.end(guise, query, 0).await?;
                    }
                    return Ok((statement, command.rows, command.paused));
                }
                Err(Fault::Server(error))
                    if error.is_foreign_statement() && self.learn_pooled() =>
                {
                    self.settle().await?;
                }
                Err(Fault::Server(error)) if error.is_stale_statement() && !is_second => {
                    self.settle().await?;
                    self.forget();
                    is_second = true;
                }
                Err(fault) => return Err(self.give_up(fault, guise, query).await),
            }
        }
    }

    /// Has the server fetch so many more rows.
    fn ask(&mut self, rows: i32) -> Result<(), Error> {
        execute(&mut self.wire.outgoing, rows)
            .map_err(|_| Error::Protocol("a statement does not fit into a message"))?;
        self.wire.request();
        Ok(())
    }

    /// The rows that were asked for, and whether yet more may come.
    async fn go_on(
        &mut self,
        guise: &Guise,
        query: &Query,
    ) -> Result<(Vec<DataRowBody>, bool), Error> {
        let command = match self.wire.portion(1).await {
            Ok(mut replies) => replies.command(),
            Err(fault) => Err(fault),
        };
        match command {
            Ok(command) => {
                if !command.paused {
                    self.end(guise, query, AHEAD - 1).await?;
                }
                Ok((command.rows, command.paused))
            }
            Err(fault) => Err(self.give_up(fault, guise, query).await),
        }
    }

    /// Commits, behind so many portions that were asked for in vain; the connection is then free.
    async fn end(&mut self, guise: &Guise, query: &Query, vain: usize) -> Result<(), Error> {
        let ended = match self.wire.finish().await {
            Ok(mut replies) => (0..vain)
                .try_for_each(|_| replies.command().map(drop))
                .and_then(|()| replies.committed()),
            Err(fault) => Err(fault),
        };
        ended.map_err(|fault| self.refuse(fault, guise, &query.key))
    }

    /// The error of a portion. After the server's own it waits for a Sync.
    async fn give_up(&mut self, fault: Fault, guise: &Guise, query: &Query) -> Error {
        if let Fault::Server(_) = fault
            && let Err(error) = self.settle().await
        {
            return error;
        }
        self.refuse(fault, guise, &query.key)
    }

    /// Has the server roll back and wait for the next request.
    async fn settle(&mut self) -> Result<(), Error> {
        self.wire.finish().await.map(drop).map_err(Error::from)
    }
}
