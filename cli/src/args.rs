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
    ///
    /// Where `cargo tabellion new` has made a pair of that name, that pair is linted and sealed instead.
    /// Additive change is sealed as it is; everything else is refused until it is accepted, with the flag
    /// to write.
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
    /// Begin a migration written by hand: a backfill, a function, whatever no struct says
    ///
    /// Writes `hand/NAME.sql` and `hand/NAME.rollback.sql` below the root; fill them in, then run
    /// `cargo tabellion seal NAME`.
    #[command(after_help = exit::HELP)]
    New {
        /// Lower-case letters, digits and `_`
        name: String,
    },
    /// After a merge of two branches that both sealed: put them into one chain
    ///
    /// Whatever is applied on a database named here keeps its files and comes first; the other branch gets
    /// new versions behind it, and nothing of its SQL changes.
    #[command(after_help = exit::HELP)]
    Reseal {
        /// A database to ask what is applied: a name for it, and the environment variable of its URL;
        /// repeatable. Without one, DATABASE_URL is asked
        #[arg(long, value_name = "NAME=VARIABLE", value_parser = named)]
        target: Vec<(String, String)>,
        /// Ask no database: what the branches sealed is applied nowhere
        #[arg(long, conflicts_with = "target")]
        applied_nowhere: bool,
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
        /// Run rollbacks that open something to more, such as by switching row-level security off
        #[arg(long)]
        accept_wider_access: bool,
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

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, variable)) if !name.is_empty() && !variable.is_empty() => {
            Ok((name.to_owned(), variable.to_owned()))
        }
        _ => Err("write a name and a variable, such as `production=PRODUCTION_URL`".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_secs)
        .map_err(|_| "write whole seconds, such as `60`".into())
}
