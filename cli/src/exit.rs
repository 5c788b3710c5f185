//! What each exit code means.

use std::process::ExitCode;

use tabellion::migrate::MigrateError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All done, nothing to say.
    Done = 0,
    /// A finding that was asked for.
    Finding = 1,
    /// The command line cannot be followed.
    Usage = 2,
    /// Refused before anything was changed.
    Refused = 3,
    /// Something failed.
    Failed = 4,
    /// Another process holds the migration lock.
    Held = 5,
}

/// The table of codes for the help; a test keeps it and [`Outcome`] together.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  a finding: the database differs (verify), something is pending or out of order (status --check)
  2  the command line cannot be followed: an unknown version, a missing variable
  3  refused, and nothing was changed: lock, files or ledger are not in order, or what is not additive was
     not accepted
  4  failed: the database, a folder, or a statement of a migration, which was rolled back
  5  another process is applying migrations; try again

The database's URL is read from the environment variable DATABASE_URL, or from the one that --url-env
names; it is never printed. Nothing is ever applied but by `apply` and undone but by `rollback`.";

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(outcome as u8)
    }
}

/// The outcome that an error stands for.
pub(crate) fn of(error: &MigrateError) -> Outcome {
    match error {
        MigrateError::Request(_) => Outcome::Usage,
        MigrateError::Files(_)
        | MigrateError::History(_)
        | MigrateError::DataLoss { .. }
        | MigrateError::WiderAccess { .. }
        | MigrateError::Unaccepted(_)
        | MigrateError::Unapproved(_) => Outcome::Refused,
        MigrateError::Held(_) => Outcome::Held,
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code() {
        let all = [
            Outcome::Done,
            Outcome::Finding,
            Outcome::Usage,
            Outcome::Refused,
            Outcome::Failed,
            Outcome::Held,
        ];
        for (index, outcome) in all.into_iter().enumerate() {
            assert_eq!(index, outcome as usize);
            assert!(HELP.contains(&format!("\n  {index}  ")), "{outcome:?}");
        }
    }
}
