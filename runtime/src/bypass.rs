//! Past row-level security, on purpose and on record.

use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::database::{Database, Guise};
use crate::scope::NO_ROLE;

/// A database without row-level security, for what concerns every tenant: a report, a repair.
///
/// A statement takes it by a method of its own, such as [`Finder::bypassing`](crate::Finder::bypassing),
/// and runs as the login itself. That has to be one that PostgreSQL lets pass: a superuser, or a role with
/// BYPASSRLS and the privileges that it needs. No scoped handle leads here.
#[derive(Clone)]
pub struct Bypass {
    pub(crate) guise: Arc<Guise>,
}

/// With `row_security` off the server raises an error where a policy would still filter, instead of
/// giving a part of the rows for all:
/// <https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-ROW-SECURITY>.
const SETTINGS: &[&str] = &["row_security"];

impl Database {
    /// This database past row-level security, and why.
    ///
    /// The reason goes into a `tracing` event here and into one for each statement, beside the table and
    /// the operation; no value does.
    ///
    /// # Errors
    /// [`Error::NoReason`] where the reason is blank. Whether the login may bypass anything shows with
    /// the first statement: [`Error::LoginCannotBypass`].
    pub fn bypass(&self, reason: &str) -> Result<Bypass, Error> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Error::NoReason);
        }
        tracing::warn!(reason, "row-level security is bypassed");
        let off = vec![Some("off".to_owned())];
        let guise = Guise::new(self.clone(), NO_ROLE, SETTINGS, off);
        Ok(Bypass {
            guise: Arc::new(guise.bypassing(reason)),
        })
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Bypass");
        debug.field("reason", &self.guise.reason()).finish()
    }
}
