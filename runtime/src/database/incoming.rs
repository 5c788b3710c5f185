//! The rows of one scoped statement as they arrive.
//!
//! The flight is the one of every statement, its Sync included; only that nobody reads ahead. What the caller does not
//! ask for stays in the socket, and once that is full the server waits: a reader that is slower than the server sets
//! the pace, and neither end holds the rows. Until the last one is here the connection is in use, and one that is let
//! go of before is closed.

use std::sync::Arc;

use tracing::{Instrument, Span};

use super::connection::{Until, read};
use super::guise::Guise;
use super::pool::Lease;
use super::trace;
use crate::Error;
use crate::query::Query;
use crate::row::Rows;
use crate::wire::Prepared;

/// A statement under way, and its connection.
pub(crate) struct Incoming {
    guise: Arc<Guise>,
    query: Query,
    /// None after the end, which the last row is or an error.
    lease: Option<Lease>,
    /// The last row has come.
    done: bool,
    statement: Arc<Prepared>,
    /// What a trace sees of it, and how many rows came.
    span: Span,
    seen: u64,
}

impl Incoming {
    /// Runs the statement up to its first rows.
    pub(crate) async fn open(guise: Arc<Guise>, query: Query) -> Result<(Self, Rows), Error> {
        if guise.pinned().is_some() {
            return Err(Error::StreamInTransaction);
        }
        let span = trace::query(&query.key);
        let begun = async {
            let mut lease = guise.lease(&query.key).await?;
            let rows = lease.answer(&guise, &query, Until::Rows).await?;
            Ok((lease, rows))
        };
        let begun = begun.instrument(span.clone()).await;
        let (lease, rows) = begun.inspect_err(|error| trace::ended(&span, Err(error)))?;
        let mut incoming = Incoming {
            guise,
            query,
            lease: Some(lease),
            statement: rows.statement.clone(),
            span,
            done: false,
            seen: 0,
        };
        incoming.note(&rows);
        Ok((incoming, rows))
    }

    /// The next rows; none after the last. A future that is dropped loses none.
    pub(crate) async fn next(&mut self) -> Result<Option<Rows>, Error> {
        if self.done {
            return Ok(None);
        }
        let lease = self.lease.as_mut().ok_or(FAILED)?;
        let arrived = lease.wire.arrived(0).instrument(self.span.clone()).await;
        let (key, statement) = (&self.query.key, self.statement.clone());
        match arrived.and_then(|replies| read(replies, key, statement)) {
            Ok(rows) => {
                self.note(&rows);
                Ok(Some(rows))
            }
            Err(fault) => {
                let error = lease.refuse(fault, &self.guise, key);
                self.lease = None;
                trace::ended(&self.span, Err(&error));
                Err(error)
            }
        }
    }

    /// Gives nothing more, and closes the connection unless the last row has come.
    pub(crate) fn abandon(&mut self) {
        self.done = false;
        self.lease = None;
    }

    fn note(&mut self, rows: &Rows) {
        self.seen += rows.bodies.len() as u64;
        if !rows.unfinished {
            self.done = true;
            self.lease = None;
            trace::ended(&self.span, Ok(self.seen));
        }
    }
}

const FAILED: Error = Error::Protocol("the stream failed before, and has no connection any more");
