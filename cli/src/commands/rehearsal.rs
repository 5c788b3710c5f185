//! Trying everything in a scratch database.

use std::sync::Arc;

use tabellion::migrate::{Migrations, RehearseOptions, rehearse as run};

use super::Answer;
use super::interrupt::interrupted;
use crate::fault::Fault;
use crate::json::rehearsal;
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
    let mut options = RehearseOptions::default();
    if let Some(place) = place {
        options.on_copy_of = on_copy.then(|| place.database()).transpose()?;
        options.pooler = place.pooler();
        options.url = Some(place.into_url());
    }
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
