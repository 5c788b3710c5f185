//! Trying everything in a scratch database.

use std::sync::Arc;

use tabellion::migrate::{Migrations, RehearseOptions, RlsTests, rehearse as run, test_rls};

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
            "the rehearsal was interrupted, and its scratch database is dropped; run it again for its result",
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
    let mut observe = {
        let teller = Arc::clone(teller);
        move |event: tabellion::migrate::Testing<'_>| teller.testing(event)
    };
    let ended = tokio::select! {
        ended = test_rls(tests, &options, mutate, &mut observe) => ended,
        // The future is dropped, and its scratch database with it.
        () = interrupted() => return Err(Fault::Interrupted(
            "the tests were interrupted, and their scratch database is dropped; run them again for their result",
        )),
    };
    let found = ended?;
    let answer = Answer::done(report::rls_tested(&found), rls_tested(&found));
    Ok(answer.or_finding(!found.is_clean()))
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
