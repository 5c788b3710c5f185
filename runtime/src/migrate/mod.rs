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

mod alone;
mod connect;
mod engine;
mod error;
mod hold;
mod ledger;
mod roles;
mod rollback;
mod run;
mod seal;
mod set;
mod trust;
mod verify;

pub use engine::{ApplyOptions, Migrator, Progress, Status};
pub use error::{Failure, MigrateError, Problems};
pub use ledger::{Entry, Event};
pub use rollback::{RollbackOptions, RollbackTarget};
pub use seal::{
    Applied, NewFiles, Resealed, SealOptions, SealedFiles, new_hand, reseal, seal, seal_hand,
};
#[doc(hidden)]
pub use set::embedded;
pub use set::{Migration, Migrations, Script};
pub use verify::Verification;
