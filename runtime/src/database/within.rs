//! What a transaction of several statements does on its connection.

use super::connection::{Connection, Opening, read};
use super::guise::Guise;
use crate::Error;
use crate::error::{ServerError, Timeout};
use crate::query::{Query, TableInfo};
use crate::row::Rows;
use crate::wire::{Fault, Replies, execute_text};

impl Connection {
    /// A statement inside a transaction, and whether that is open on the server.
    pub(super) async fn run_within(
        &mut self,
        guise: &Guise,
        query: &Query,
        opening: &mut Opening<'_>,
    ) -> (Result<Rows, Error>, bool) {
        let outcome = self.try_within(guise, query, opening).await;
        (outcome, self.wire.is_within())
    }

    async fn try_within(
        &mut self,
        guise: &Guise,
        query: &Query,
        opening: &mut Opening<'_>,
    ) -> Result<Rows, Error> {
        self.admit(guise)?;
        let statement = self.load(guise, query, opening).await?;
        let mut replies = match self.wire.exchange().await {
            Ok(replies) => replies,
            Err(fault) => return Err(self.refuse_within(fault, guise, query)),
        };
        if let Opening::Begin(..) = opening {
            let begun = replies.command();
            begun.map_err(|fault| self.refuse_within(fault, guise, query))?;
            let scoped = replies.command();
            scoped.map_err(|fault| self.scope_failed(fault, guise))?;
        }
        for _ in opening.texts() {
            let done = replies.command();
            done.map_err(|fault| self.refuse_within(fault, guise, query))?;
        }
        match read(replies, &query.key, statement) {
            Ok(rows) => Ok(rows),
            Err(Fault::Server(error)) if error.is_stale_statement() => {
                self.outdate();
                Err(Error::StaleStatement)
            }
            Err(Fault::Changed) => {
                // What it did goes with the transaction, which must not go on.
                self.outdate();
                Err(Error::StaleStatement)
            }
            Err(Fault::Server(error))
                if error.is_foreign_statement() && matches!(opening, Opening::Begin(..)) =>
            {
                Err(Error::TransactionPooler)
            }
            Err(fault) => Err(self.refuse_within(fault, guise, query)),
        }
    }

    /// Until its COMMIT is sent a transaction has written nothing.
    fn refuse_within(&mut self, fault: Fault, guise: &Guise, query: &Query) -> Error {
        self.refuse_as(fault, guise, &query.key, false)
    }

    /// Whether the server waits inside a transaction, be it a failed one.
    pub(super) fn is_within(&self) -> bool {
        self.wire.is_within()
    }

    pub(super) fn is_failed(&self) -> bool {
        self.wire.is_within() && self.wire.is_failed()
    }

    /// Ends a transaction that wrote those tables.
    pub(super) async fn end_within(
        &mut self,
        guise: &Guise,
        commits: bool,
        written: &[&'static TableInfo],
    ) -> Result<(), Error> {
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
        ended.map_err(|fault| self.ended_with(fault, guise, commits, written))
    }

    pub(super) async fn roll_back_to(&mut self, guise: &Guise, number: u32) -> Result<(), Error> {
        let back = format!("rollback to savepoint s{number}");
        let replies = self
            .say(&[back, format!("release savepoint s{number}")])
            .await;
        let done = replies.and_then(|mut replies| {
            replies.command()?;
            replies.command()?;
            replies.committed()
        });
        done.map_err(|fault| self.ended_with(fault, guise, false, &[]))
    }

    async fn say(&mut self, texts: &[String]) -> Result<Replies, Fault> {
        self.wire.outgoing.clear();
        for text in texts {
            execute_text(&mut self.wire.outgoing, text)
                .map_err(|_| Fault::Protocol("a statement does not fit into a message"))?;
        }
        self.wire.exchange().await
    }

    /// The error of the end of a transaction, which wrote those tables: a deferred constraint, a serialization failure,
    /// a lost connection.
    fn ended_with(
        &mut self,
        fault: Fault,
        guise: &Guise,
        commits: bool,
        written: &[&'static TableInfo],
    ) -> Error {
        match fault {
            Fault::Server(error) => {
                let error: ServerError = *error;
                let table = error.table.clone().unwrap_or_default();
                let constraint = error.constraint.as_deref().unwrap_or_default();
                let is_of = |info: &&TableInfo| !info.fields_of(&table, constraint).is_empty();
                let info = written.iter().copied().find(is_of);
                error.classify(&table, info, &self.who(guise), "commit")
            }
            // While it waits, and so before it has the COMMIT.
            Fault::Farewell(error) if error.is_of_idleness() => {
                self.close();
                Error::Timeout(Timeout::Transaction)
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
