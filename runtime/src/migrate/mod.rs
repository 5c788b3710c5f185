//! Applying sealed migrations: exactly once, from any number of processes, and back.
//!
//! ```no_run
//! # async fn start(url: &str) -> Result<(), tabellion::migrate::MigrateError> {
//! use tabellion::migrate::{ApplyOptions, Migrations, Migrator};
//!
//! let set = Migrations::load("db")?;
//! let mut engine = Migrator::connect(url).await?;
//! engine.apply(&set, &ApplyOptions::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here runs by itself: connecting applies nothing, and no query does.
//!
//! A database to which a target that asks for approvals has written takes nothing from one that asks for none, as
//! [`Target::default`] is; a program that applies there says which target it is by [`Migrator::target`].

mod adopt;
mod apply;
mod approve;
mod claim;
mod connect;
mod engine;
mod error;
mod ledger;
mod prove;
mod rehearse;
mod repair;
mod roles;
mod rollback;
mod seal;
mod set;
mod target;
mod trust;
mod verify;

pub use adopt::{Adopt, Adopted};
pub use apply::ApplyOptions;
pub use approve::Approve;
pub use engine::{Migrator, Progress, Status};
pub use error::{Failure, MigrateError, Problems};
pub use ledger::{Entry, Event};
pub use prove::{Mutant, RlsTested, RlsTests, Testing, test_rls};
pub use rehearse::{
    Rehearsal, RehearseOptions, Rehearsed, Rehearsing, RowCount, TakenLock, rehearse,
};
pub use repair::Repair;
pub use rollback::{RollbackOptions, RollbackTarget};
pub use seal::{
    Applied, NewFiles, Resealed, SealOptions, SealedFiles, new_hand, reseal, seal, seal_hand,
    unsealed,
};
#[doc(hidden)]
pub use set::{Embedded, embedded};
pub use set::{Migration, Migrations, Script};
pub use target::{Pooler, Target, database_of, same_database};
pub use verify::{Unfit, Verification};
