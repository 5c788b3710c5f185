//! Savepoints: set with the next statement, kept or taken back, also where their future was dropped.

use std::sync::atomic::Ordering;

use super::{Condition, Guise, NONE, Pinned, State};
use crate::Error;

impl State {
    /// Forgets a savepoint that was not sent, and what is to be sent behind it; false where it was sent.
    fn forget(&mut self, number: u32) -> bool {
        let savepoint = format!("savepoint s{number}");
        let place = self.before.iter().position(|it| *it == savepoint);
        if let Some(place) = place {
            self.before.truncate(place);
        }
        place.is_some()
    }
}

impl Pinned {
    /// Sets a savepoint with the next statement; gives its number.
    pub(crate) async fn savepoint(&self, guise: &Guise) -> Result<u32, Error> {
        let mut state = self.turn().await?;
        self.settle(&mut state, guise).await?;
        if state.condition != Condition::Sound {
            return Err(Error::TransactionAborted);
        }
        state.count += 1;
        let number = state.count;
        state.open.push(number);
        state.before.push(format!("savepoint s{number}"));
        Ok(number)
    }

    /// Keeps what was done since a savepoint, or takes it back.
    pub(crate) async fn leave(&self, guise: &Guise, number: u32, keeps: bool) -> Result<(), Error> {
        let mut state = self.turn().await?;
        self.settle(&mut state, guise).await?;
        if state.open.last() != Some(&number) {
            // What either of them did cannot be told from what the other did: none of it may be kept.
            state.condition = Condition::Lost;
            state.open.retain(|it| *it != number);
            return Err(Error::Savepoints);
        }
        state.open.pop();
        let is_sound = state.condition == Condition::Sound;
        match keeps && is_sound {
            true if state.forget(number) => {}
            true => state.before.push(format!("release savepoint s{number}")),
            false => self.take_back(&mut state, guise, number).await?,
        }
        match keeps && !is_sound {
            true => Err(Error::TransactionAborted),
            false => Ok(()),
        }
    }

    /// Notes that the future of a savepoint was dropped. What it did is taken back before anything else is done.
    pub(crate) fn give_up(&self, number: u32) {
        self.given_up.fetch_min(number, Ordering::AcqRel);
    }

    /// Takes back what futures did that were dropped; returns whether there was one.
    pub(super) async fn settle(&self, state: &mut State, guise: &Guise) -> Result<bool, Error> {
        let number = self.given_up.swap(NONE, Ordering::AcqRel);
        let Some(place) = state.open.iter().position(|it| *it == number) else {
            return Ok(false);
        };
        state.open.truncate(place);
        self.take_back(state, guise, number).await?;
        Ok(true)
    }

    /// Has the server take back what was done since a savepoint, which ends with that.
    async fn take_back(&self, state: &mut State, guise: &Guise, number: u32) -> Result<(), Error> {
        if state.forget(number) {
            return Ok(());
        }
        if state.condition == Condition::Lost {
            // The end takes all of it back.
            return Err(Error::TransactionAborted);
        }
        let Some(mut lease) = self.take()? else {
            state.condition = Condition::Lost;
            return Err(Error::TransactionAborted);
        };
        state.before.clear();
        let done = lease.roll_back_to(guise, number).await;
        state.condition = match lease.is_within() && !lease.is_failed() {
            true => Condition::Sound,
            false => Condition::Lost,
        };
        self.put_back(lease)?;
        done
    }
}
