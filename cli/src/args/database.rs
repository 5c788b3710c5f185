//! The commands that work on one database.

use std::time::Duration;

use clap::{ArgGroup, Args as ClapArgs, Subcommand};

use super::seconds;
use crate::help;

/// What works on one database.
#[derive(Debug, Subcommand)]
pub(crate) enum Database {
    /// Show what would run, and what it would do: the pending migrations with their hazards and locks
    ///
    /// Writes nothing, and takes no lock.
    #[command(after_long_help = help::PLAN)]
    Plan {
        /// Print the SQL too
        #[arg(long)]
        sql: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Let migrations, and their rollbacks, run on a target that asks for approvals
    ///
    /// An approval holds for the bytes of both files and for this target, until the migration is rolled back.
    #[command(after_long_help = help::APPROVE, group = ArgGroup::new("what").required(true))]
    Approve {
        /// The migrations to approve
        #[arg(value_name = "VERSION", group = "what")]
        versions: Vec<String>,
        /// Every migration that is pending and has no approval that counts
        #[arg(long, conflicts_with = "versions", group = "what")]
        all_pending: bool,
        /// Who approves, for the ledger
        #[arg(long, value_name = "NAME", value_parser = words)]
        by: String,
        /// Why, for the ledger
        #[arg(long, value_name = "TEXT", value_parser = words)]
        reason: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Apply what is sealed and pending, each file exactly once, one transaction for each
    ///
    /// From any number of processes; killed at any point, a second run completes it. A statement that fails
    /// takes its file back, and nothing is tried again by itself.
    #[command(after_long_help = help::APPLY)]
    Apply {
        /// The last version to apply
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Make every check, take the lock and let it go, and say what would run
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        work: Work,
    },
    /// Undo applied migrations, the last one first, one transaction for each
    #[command(after_long_help = help::ROLLBACK)]
    Rollback {
        /// How many to undo [default: 1]
        #[arg(long, value_name = "N", conflicts_with_all = ["to", "all"])]
        steps: Option<usize>,
        /// Undo everything later than this version
        #[arg(long, value_name = "VERSION", conflicts_with = "all")]
        to: Option<String>,
        /// Undo everything
        #[arg(long)]
        all: bool,
        /// Run rollbacks that lose data
        #[arg(long)]
        accept_data_loss: bool,
        /// Run rollbacks that open something to more, such as by switching row-level security off
        #[arg(long)]
        accept_wider_access: bool,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        work: Work,
    },
    /// List the migrations: which of them are applied, by whom, and who approved them
    #[command(after_long_help = help::STATUS)]
    Status {
        /// Exit with 1 where a migration is pending, was begun and has not finished, or is out of order
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Compare the database with what was sealed, object by object
    ///
    /// The server itself prints expressions for the comparison, in temporary tables of a transaction that is
    /// rolled back; what cannot be temporary, such as a partitioned table, in scratch schemas, which takes the
    /// right to create some.
    #[command(after_long_help = help::VERIFY)]
    Verify {
        #[command(flatten)]
        target: Target,
    },
    /// Enter in the ledger what a database holds already, without running anything
    ///
    /// All that is pending, once `verify` finds no difference; what the Supabase CLI has applied, because its
    /// own history says so.
    #[command(after_long_help = help::ADOPT)]
    Adopt {
        /// The last version to adopt; all before it must be there too
        #[arg(long, value_name = "VERSION", conflicts_with = "from_supabase")]
        to: Option<String>,
        /// What the Supabase CLI has applied, as its own history says
        #[arg(long)]
        from_supabase: bool,
        /// Enter this migration although it is written by hand, so that nothing but you tells that its work is
        /// there; repeatable
        #[arg(long, value_name = "VERSION")]
        hand_written: Vec<String>,
        /// Who answers for it, for the ledger
        #[arg(long, value_name = "NAME", value_parser = words)]
        by: String,
        /// Why, for the ledger
        #[arg(long, value_name = "TEXT", value_parser = words)]
        reason: String,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        patience: Patience,
    },
    /// Correct the ledger after something was done by hand; runs no file
    #[command(after_long_help = help::REPAIR, group = ArgGroup::new("state").required(true))]
    Repair {
        /// The migration
        version: String,
        /// It is applied, with its files as they are now
        #[arg(long, group = "state")]
        applied: bool,
        /// It is not applied
        #[arg(long, group = "state")]
        rolled_back: bool,
        /// Who answers for it, for the ledger
        #[arg(long, value_name = "NAME", value_parser = words)]
        by: String,
        /// Why, for the ledger
        #[arg(long, value_name = "TEXT", value_parser = words)]
        reason: String,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        patience: Patience,
    },
    /// Say that a database is a copy, or no longer that of the target which guards it
    ///
    /// A target that asks for approvals guards a database once it has entered anything in its ledger: from then on a
    /// target that asks for none changes nothing there, whatever its URL is called. A backup of it that is restored
    /// elsewhere is guarded too, until it is claimed.
    #[command(after_long_help = help::CLAIM)]
    Claim {
        /// Who answers for it, for the ledger
        #[arg(long, value_name = "NAME", value_parser = words)]
        by: String,
        /// Why, for the ledger
        #[arg(long, value_name = "TEXT", value_parser = words)]
        reason: String,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        patience: Patience,
    },
}

/// Which database.
#[derive(Debug, ClapArgs)]
pub(crate) struct Target {
    /// A target of tabellion.toml [default: the only one there is; without any, the database of DATABASE_URL]
    #[arg(long, value_name = "NAME", conflicts_with = "url_env")]
    pub(crate) target: Option<String>,
    /// For a database that no file names: the environment variable that holds its URL. Where it leads to a
    /// target of the file, it is that target
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) url_env: Option<String>,
}

/// What only commands that run files take.
#[derive(Debug, ClapArgs)]
pub(crate) struct Work {
    /// Who the login acts for, for the ledger
    #[arg(long, value_name = "NAME", value_parser = words)]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// What only commands that take the migration lock take.
#[derive(Debug, ClapArgs)]
pub(crate) struct Patience {
    /// How many seconds to wait for another process that is applying migrations
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) lock_wait: Duration,
}

impl Database {
    /// Its name, as it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Database::Plan { .. } => "plan",
            Database::Approve { .. } => "approve",
            Database::Apply { .. } => "apply",
            Database::Rollback { .. } => "rollback",
            Database::Status { .. } => "status",
            Database::Verify { .. } => "verify",
            Database::Adopt { .. } => "adopt",
            Database::Repair { .. } => "repair",
            Database::Claim { .. } => "claim",
        }
    }

    /// Which database.
    pub(crate) fn target(&self) -> &Target {
        match self {
            Database::Plan { target, .. }
            | Database::Approve { target, .. }
            | Database::Apply { target, .. }
            | Database::Rollback { target, .. }
            | Database::Status { target, .. }
            | Database::Verify { target }
            | Database::Adopt { target, .. }
            | Database::Repair { target, .. }
            | Database::Claim { target, .. } => target,
        }
    }

    /// How long to wait for the migration lock, where it is taken.
    pub(crate) fn lock_wait(&self) -> Option<Duration> {
        match self {
            Database::Apply { work, .. } | Database::Rollback { work, .. } => {
                Some(work.patience.lock_wait)
            }
            Database::Adopt { patience, .. }
            | Database::Repair { patience, .. }
            | Database::Claim { patience, .. } => Some(patience.lock_wait),
            _ => None,
        }
    }
}

/// A text that says something.
fn words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("write something that says it".into()),
        words => Ok(words.to_owned()),
    }
}
