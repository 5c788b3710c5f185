//! Trying everything in a scratch database.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tabellion::migrate::{
    Migrations, RehearseOptions, RlsTests, Testing, rehearse as run, test_rls,
};

use super::Answer;
use super::interrupt::interrupted;
use crate::fault::Fault;
use crate::json::{rehearsal, rls_tested};
use crate::place::Place;
use crate::report;
use crate::tell::Teller;

/// Rehearses on a place's server, or on a throw-away one.
pub(super) async fn rehearse(
    teller: &Arc<Teller>,
    set: &Arc<Migrations>,
    place: Option<Place>,
    on_copy: bool,
) -> Result<Answer, Fault> {
    let options = options(place, on_copy)?;
    teller.begin("rehearse", "making a scratch database");
    let mut observe = {
        let (teller, set) = (Arc::clone(teller), Arc::clone(set));
        move |event: tabellion::migrate::Rehearsing<'_>| teller.rehearsing(&set, event)
    };
    let ended = tokio::select! {
        ended = run(set, &options, &mut observe) => ended,
        // The future is dropped, and its scratch database with it.
        () = interrupted() => return Err(Fault::Interrupted(
            "the rehearsal was interrupted, and its scratch database is dropped; run it again for its result".into(),
        )),
    };
    let found = ended?;
    let answer = Answer::done(report::rehearsal(&found), rehearsal(&found));
    Ok(answer.or_finding(!found.is_clean()))
}

/// Runs the tests of row-level security on a place's server, or on a throw-away one.
pub(super) async fn test(
    teller: &Arc<Teller>,
    tests: &RlsTests,
    place: Option<Place>,
    mutate: bool,
) -> Result<Answer, Fault> {
    let options = options(place, false)?;
    teller.begin("test", "making a scratch database");
    let so_far = Mutex::new(SoFar::default());
    let mut observe = |event: Testing<'_>| {
        let mut so_far = so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.take(&event);
        teller.testing(event);
    };
    let ended = tokio::select! {
        ended = test_rls(tests, &options, mutate, &mut observe) => Some(ended),
        // The future is dropped, and its scratch database with it.
        () = interrupted() => None,
    };
    let Some(ended) = ended else {
        let so_far = so_far.into_inner().unwrap_or_else(PoisonError::into_inner);
        return Err(Fault::Interrupted(so_far.words().into()));
    };
    let found = ended?;
    let answer = Answer::done(report::rls_tested(&found), rls_tested(&found));
    Ok(answer.or_finding(!found.is_clean()))
}

/// What tests that were interrupted had found out.
#[derive(Default)]
struct SoFar {
    tried: usize,
    of: usize,
    survivors: Vec<String>,
}

impl SoFar {
    fn take(&mut self, event: &Testing<'_>) {
        if let Testing::Tried(mutant, number, of) = event {
            (self.tried, self.of) = (*number, *of);
            if mutant.noticed.is_none() {
                self.survivors
                    .push(format!("{} {}", mutant.kind, mutant.what));
            }
        }
    }

    fn words(&self) -> String {
        let mut said =
            "the tests were interrupted, and their scratch database is dropped".to_owned();
        if self.of > 0 {
            let noticed = self.tried - self.survivors.len();
            let _ = write!(
                said,
                "; of {} protections {} were taken away, and {noticed} of these noticed",
                self.of, self.tried
            );
        }
        for survivor in &self.survivors {
            let _ = write!(said, "; not noticed: without {survivor}");
        }
        said + "; run them again for their result"
    }
}

fn options(place: Option<Place>, on_copy: bool) -> Result<RehearseOptions, Fault> {
    let mut options = RehearseOptions::default();
    if let Some(place) = place {
        options.on_copy_of = on_copy.then(|| place.database()).transpose()?;
        options.pooler = place.pooler();
        options.url = Some(place.into_url());
    }
    Ok(options)
}
