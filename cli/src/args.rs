//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::exit;

/// Migrations from Rust structs: seal, apply, look, undo.
#[derive(Debug, Parser)]
#[command(name = "cargo tabellion", bin_name = "cargo tabellion", version, after_help = exit::HELP)]
pub(crate) struct Args {
    /// The folder that holds the lock, the draft and the migrations; found as `db` or `supabase` in
    /// this folder or one above it
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the draft dated migrations with their rollbacks, and record them in the lock
    #[command(after_help = exit::HELP)]
    Seal {
        /// Lower-case letters, digits and `_`
        name: String,
        /// Seal although an object loses data or is opened to more, and why; repeatable. The object is
        /// written as the draft's header names it; the reason goes into the file and the lock
        #[arg(long, value_name = "OBJECT: REASON")]
        accept: Vec<String>,
        /// Seal what is rewritten, removed or closed: you have looked at the SQL
        #[arg(long)]
        reviewed: bool,
    },
    /// Apply what is pending, one transaction for each migration
    #[command(after_help = exit::HELP)]
    Apply {
        /// The last version to apply
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        work: Work,
    },
    /// Undo applied migrations, the last one first, one transaction for each
    #[command(after_help = exit::HELP)]
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
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        work: Work,
    },
    /// List the migrations, and which of them are applied
    #[command(after_help = exit::HELP)]
    Status {
        /// Exit with 1 where a migration is pending
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Compare the database with what was sealed, object by object
    #[command(after_help = exit::HELP)]
    Verify {
        #[command(flatten)]
        target: Target,
    },
}

/// Which database.
#[derive(Debug, ClapArgs)]
pub(crate) struct Target {
    /// The environment variable that holds the database's URL
    #[arg(long, value_name = "NAME", default_value = "DATABASE_URL")]
    pub(crate) url_env: String,
}

/// What only commands that change the database take.
#[derive(Debug, ClapArgs)]
pub(crate) struct Work {
    /// Who the login acts for, for the ledger
    #[arg(long, value_name = "WHO")]
    pub(crate) actor: Option<String>,
    /// How many seconds to wait for another process that is applying migrations
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) lock_wait: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_secs)
        .map_err(|_| "write whole seconds, such as `60`".into())
}
