//! A service's start: it runs on the schema that it was built for, or not at all.

use std::fmt;
use std::time::Duration;

use super::Verification;
use crate::database::Database;
use crate::error::Error;
use crate::migrate::connect;
use crate::migrate::engine::Migrator;
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::Ledger;
use crate::migrate::set::Migrations;
use crate::migrate::target::Target;

/// How many differences one error tells.
const TOLD: usize = 5;

/// A database that is not as sealed: which migrations are pending, what speaks against its history, what
/// drifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Everything that was found.
    pub verification: Verification,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.verification.to_string();
        let lines: Vec<&str> = told.lines().collect();
        f.write_str("the database is not as sealed: ")?;
        f.write_str(&lines[..lines.len().min(TOLD)].join("\n"))?;
        if lines.len() > TOLD {
            write!(
                f,
                "\nand {} more; `cargo tabellion verify` tells them all",
                lines.len() - TOLD
            )?;
        }
        Ok(())
    }
}

impl Database {
    /// Refuses a database that is not exactly as sealed, so that a service does not start on it. Applies
    /// nothing.
    ///
    /// It opens a connection of its own for as long as that takes. The login needs to read the ledger:
    /// `grant usage on schema tabellion to app_login; grant select on tabellion.ledger to app_login`; for
    /// what else it needs see [`Migrator::verify`].
    ///
    /// # Errors
    /// [`Error::Schema`] with the first few differences, pending migrations and problems of the history;
    /// [`Error::Verify`] where the comparison was not possible.
    pub async fn require_schema(&self, migrations: &Migrations) -> Result<(), Error> {
        let verify = async {
            let client = connect::open(self.target()).await?;
            let mut engine = Migrator {
                client,
                own_ledger: None,
                ledger: Ledger::default(),
                url: String::new(),
                is_past_pooler: false,
                target: Target::default(),
                on_behalf_of: None,
                lock_wait: Duration::ZERO,
                observer: None,
            };
            engine.verify(migrations).await
        };
        let verification = verify
            .await
            .map_err(|error: MigrateError| Error::Verify(error.to_string()))?;
        if verification.is_clean() {
            Ok(())
        } else {
            Err(Error::Schema(Box::new(Unfit { verification })))
        }
    }
}
