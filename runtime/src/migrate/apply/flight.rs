//! Files on their way: sent one behind the other, each before the one ahead of it is answered.
//!
//! None of them runs unless all that were sent ahead of it have committed. Where one fails in its transaction,
//! the server refuses whatever comes until that is rolled back; where none is open, the guard in front of each
//! file refuses, for the row of the one ahead is missing. It refuses too where anyone else has entered a row.

use std::collections::VecDeque;

use super::message::{Ahead, Prefix, Ran, Sent};
use super::{hold, script};
use crate::migrate::engine::{Migrator, Progress};
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::{Entry, Event};
use crate::migrate::set::Migration;

/// How many files may be on their way, and how many bytes before another one is sent. What the server has
/// received it runs, though the process be killed, so there are no more than a round trip takes: at two
/// milliseconds for a file, this bridges sixty.
const FILES: usize = 32;
const BYTES: usize = 256 * 1024;

impl Migrator {
    /// Runs the files at the head of a queue, each with its guard and its row as one message, and takes out of
    /// the queue those that committed. It ends with the queue, and before a file that was refused or takes
    /// more than a message: of that nothing was run.
    pub(in crate::migrate) async fn fly(
        &mut self,
        queue: &mut VecDeque<&Migration>,
        event: Event,
        done: &mut Vec<Entry>,
    ) -> Result<(), MigrateError> {
        let shared = self.target.pooler.shares_sessions();
        let mut sent: VecDeque<Sent<'_>> = VecDeque::new();
        let mut ahead: Option<Ahead<'_>> = None;
        loop {
            // Several at once, so that client and server need not take turns for each.
            let is_low = sent.len() <= FILES / 2;
            while is_low && let Some(migration) = self.next(queue, &sent, event) {
                let prefix = match &ahead {
                    Some(ahead) => Prefix::following(hold::KEY, ahead, shared),
                    None => Prefix::guarded(hold::KEY, self.ledger.last_id(), shared),
                };
                let message = self.message(prefix, migration, event);
                sent.push_back(message.start(&self.client).await);
                ahead = Some(Ahead {
                    last_id: ahead.map_or(self.ledger.last_id(), |ahead| ahead.last_id),
                    rows: ahead.map_or(0, |ahead| ahead.rows) + 1,
                    migration,
                    event,
                });
            }
            let (Some(first), Some(&migration)) = (sent.pop_front(), queue.front()) else {
                return Ok(());
            };
            self.tell(Progress::Running(migration, event));
            let before = self.ledger.last_id();
            match self.landed(migration, event, first).await? {
                Ran::Done(entry) => {
                    queue.pop_front();
                    done.push(*entry);
                }
                Ran::Refused(_) => return Ok(()),
            }
            if let Some(ahead) = &mut ahead {
                // What somebody has entered while the file ran stands before the file's own row.
                ahead.last_id = before;
                ahead.rows = sent.len() + 1;
            }
        }
    }

    /// The file to send behind those that are on their way. Through a pooler that shares sessions each goes
    /// alone: the next message may come to another session, and there before the one ahead is done.
    fn next<'a>(
        &self,
        queue: &VecDeque<&'a Migration>,
        sent: &VecDeque<Sent<'_>>,
        event: Event,
    ) -> Option<&'a Migration> {
        let files = match self.target.pooler.shares_sessions() {
            true => 1,
            false => FILES,
        };
        let bytes: usize = sent.iter().map(Sent::size).sum();
        let next = *queue.get(sent.len())?;
        let goes = sent.len() < files
            && (sent.is_empty() || bytes < BYTES)
            && self.ledger.exists
            && !script(next, event).header.no_transaction;
        goes.then_some(next)
    }
}
