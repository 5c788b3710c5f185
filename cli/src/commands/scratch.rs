//! The commands that work on a scratch database, with the evidence that they leave.

use std::sync::Arc;

use serde_json::json;
use tabellion::migrate::{Migrations, RlsTests};

use super::{Answer, Session, rehearsal};
use crate::args::{Rehearsal, Target};
use crate::evidence::{PLAN, VERIFICATION};
use crate::fault::Fault;
use crate::json;
use crate::place::Place;

impl Session {
    /// Works on a scratch database, and leaves what the evidence keeps of it.
    pub(super) async fn in_scratch(&self, command: Rehearsal) -> Result<Answer, Fault> {
        let answer = match command {
            Rehearsal::Rehearse {
                on_copy_of,
                throw_away,
                target,
            } => self.rehearse(on_copy_of, throw_away, &target).await,
            Rehearsal::Test {
                mutate,
                throw_away,
                target,
            } => self.test(mutate, throw_away, &target).await,
        };
        if let Err(fault) = &answer {
            self.document_unless_there(PLAN, || json!({ "error": json::error(fault) }));
            self.document(VERIFICATION, || json!({ "error": json::error(fault) }));
        }
        answer
    }

    /// The server of a scratch database.
    fn scratch_place(
        &self,
        on_copy_of: Option<&str>,
        throw_away: bool,
        target: &Target,
    ) -> Result<Option<Place>, Fault> {
        let place = match throw_away {
            true => None,
            false => Place::for_rehearsal(&self.config, on_copy_of, target)?,
        };
        if let Some(name) = place.as_ref().and_then(|place| place.target.name.as_ref()) {
            self.teller.set_target(name);
        }
        Ok(place)
    }

    async fn rehearse(
        &self,
        on_copy_of: Option<String>,
        throw_away: bool,
        target: &Target,
    ) -> Result<Answer, Fault> {
        let place = self.scratch_place(on_copy_of.as_deref(), throw_away, target)?;
        let set = Arc::new(Migrations::load(&self.root)?);
        self.document(PLAN, || {
            let versions = set.iter().map(|migration| &migration.version);
            json!({
                "command": "rehearse",
                "on_copy_of": on_copy_of,
                "would_run": versions.collect::<Vec<_>>(),
            })
        });
        self.intact()?;
        let answer = rehearsal::rehearse(&self.teller, &set, place, on_copy_of.is_some()).await?;
        self.document(VERIFICATION, || answer.json["verification"].clone());
        Ok(answer)
    }

    async fn test(&self, mutate: bool, throw_away: bool, target: &Target) -> Result<Answer, Fault> {
        let place = self.scratch_place(None, throw_away, target)?;
        let tests = RlsTests::load(&self.root)?;
        self.document(PLAN, || {
            let would_run: [&str; 0] = [];
            json!({ "command": "test", "mutate": mutate, "would_run": would_run })
        });
        self.intact()?;
        let answer = rehearsal::test(&self.teller, &tests, place, mutate).await?;
        self.document(VERIFICATION, || answer.json.clone());
        Ok(answer)
    }
}
