//! Which PostgreSQL a run uses.

use std::env;
use std::process::Command;

use tabellion::testing::{self, Error, Installation};

use crate::obtain;
use crate::run::say;

/// The PostgreSQL of a run.
pub(crate) enum Postgres {
    /// The server of `DATABASE_URL`, which every program reads for itself.
    Given,
    /// Programs that throw-away servers are started from.
    Local(Installation),
}

impl Postgres {
    /// What `DATABASE_URL` names, else local programs, which are obtained where there are none.
    pub(crate) fn ensure() -> Result<Self, String> {
        if env::var_os("DATABASE_URL").is_some_and(|url| !url.is_empty()) {
            say("PostgreSQL: the server of `DATABASE_URL`");
            return Ok(Self::Given);
        }
        Self::ensure_local()
    }

    /// Local programs: the tests start servers of their own even where `DATABASE_URL` is set.
    pub(crate) fn ensure_local() -> Result<Self, String> {
        let installation = match testing::locate() {
            Ok(found) => found,
            // A folder that someone named is never passed over in silence.
            Err(missing @ Error::NotFound { .. }) => obtain::obtain(&missing)?,
            Err(other) => return Err(other.to_string()),
        };
        say(format_args!(
            "PostgreSQL: {} in `{}`",
            installation.version(),
            installation.bin().display()
        ));
        Ok(Self::Local(installation))
    }

    /// Tells a program which PostgreSQL to use.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            Self::Given => command,
            Self::Local(installation) => command.env("TABELLION_PG_BIN", installation.bin()),
        }
    }
}
