//! Statements of one form that leave in one flight while they are still being made.
//!
//! The transaction is the one between two Syncs, as everywhere; only that the messages before the last Sync are
//! written as they are encoded, so that the server works on one portion while the next is made and neither end
//! holds them all.

use postgres_protocol::message::frontend;

use super::connection::{Connection, Opening, rows};
use super::guise::Guise;
use crate::Error;
use crate::query::{Query, plain};
use crate::row::Rows;
use crate::wire::{Fault, Prepared, bind};

/// Makes the next statement, of the first one's form.
pub(crate) type Next<'a> = dyn FnMut() -> Result<Option<Query>, Error> + Send + 'a;

impl Connection {
    /// Runs them all, or none.
    pub(super) async fn run_all(
        &mut self,
        guise: &Guise,
        first: Query,
        next: &mut Next<'_>,
    ) -> Result<Vec<Rows>, Error> {
        self.admit(guise)?;
        let mut loaded = self.load(guise, &first, &mut Opening::Scope).await;
        if loaded.as_ref().err() == Some(&Error::TransactionPooler)
            && self.is_idle()
            && self.learn_pooled()
        {
            // Nothing of it was sent.
            loaded = self.load(guise, &first, &mut Opening::Scope).await;
        }
        let statement = loaded?;
        let key = first.key;
        drop(first.params);
        let mut sent = 1;
        let mut unsent = None;
        loop {
            match self.wire.send().await {
                Ok(false) => {}
                Ok(true) => break, // the server skips the rest
                Err(fault) => return Err(self.refuse(fault, guise, &key)),
            }
            let bound = match next() {
                Ok(None) => break,
                Ok(Some(query)) => self.bind_next(&query, &statement),
                Err(error) => Err(error),
            };
            match bound {
                Ok(()) => sent += 1,
                Err(error) => {
                    unsent = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = unsent {
            self.take_back().await;
            return Err(error);
        }
        let mut replies = match self.wire.finish().await {
            Ok(replies) => replies,
            Err(fault) => return Err(self.refuse(fault, guise, &key)),
        };
        if let Err(fault) = replies.command() {
            return Err(match fault {
                Fault::Server(error) if error.is_stale_statement() => self.stale(),
                fault => {
                    let error = self.scope_failed(fault, guise);
                    if error == Error::TransactionPooler {
                        self.learn_pooled();
                    }
                    error
                }
            });
        }
        let mut read = || -> Result<Vec<Rows>, Fault> {
            let answers: Result<Vec<_>, _> = (0..sent).map(|_| replies.command()).collect();
            let answers = answers?.into_iter();
            // Whether their columns are as they were matters once it is known what became of them.
            replies.committed()?;
            answers
                .map(|it| rows(it, &key, statement.clone()))
                .collect()
        };
        match read() {
            Ok(all) => Ok(all),
            Err(Fault::Server(error)) if error.is_stale_statement() => Err(self.stale()),
            Err(fault) => Err(self.refuse(fault, guise, &key)),
        }
    }

    /// A table has changed since the statement was prepared. What was sent is gone, so the caller has to begin anew.
    fn stale(&mut self) -> Error {
        self.outdate();
        Error::StaleStatement
    }

    fn bind_next(&mut self, query: &Query, statement: &Prepared) -> Result<(), Error> {
        let bound = bind(&mut self.wire.outgoing, statement, query.params.values());
        bound.map_err(|refused| {
            self.forget_statement(&query.key);
            Error::Encode {
                table: plain(query.key.table().name),
                column: query.key.parameter(refused.index),
                reason: refused.reason,
            }
        })
    }

    /// Has the server roll back what was sent, by a message that it refuses. Where that cannot be seen to have
    /// happened the connection is closed, which rolls back too.
    async fn take_back(&mut self) {
        self.wire.outgoing.clear();
        let is_over = match frontend::execute("tabellion_nowhere", 0, &mut self.wire.outgoing) {
            Ok(()) => match self.wire.finish().await {
                Ok(mut replies) => replies.has_error(),
                Err(_) => false,
            },
            Err(_) => false,
        };
        if !is_over {
            self.wire.close();
        }
    }
}
