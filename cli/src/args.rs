//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args as ClapArgs, CommandFactory, Parser, Subcommand};

use crate::help;

/// Migrations from Rust structs: seal, approve, apply, look, undo.
///
/// Nothing is ever applied but by `apply`, and undone but by `rollback`. A database is named in
/// `tabellion.toml`; its URL is read from the environment and never printed.
#[derive(Debug, Parser)]
#[command(name = "cargo tabellion", bin_name = "cargo tabellion", version, after_long_help = help::MAIN)]
pub(crate) struct Args {
    /// The folder that holds the lock, the draft and the migrations [default: `root` in tabellion.toml,
    /// else `db` or `supabase` in this folder or one above it]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Write JSON on standard output: one document, or for apply, rollback, rehearse and test a line for each
    /// event and one for the outcome; errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Leave a log, the plan, the outcome, the verification and their SHA-256 in this folder, which must be
    /// new or empty
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) evidence: Option<PathBuf>,
    /// Where standard error is no terminal: the seconds between two lines that say what is being done
    #[arg(long, global = true, value_name = "SECONDS", default_value = "15", value_parser = some_seconds)]
    pub(crate) heartbeat: Duration,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Sealing(Sealing),
    #[command(flatten)]
    Rehearsal(Rehearsal),
    #[command(flatten)]
    Database(Database),
    /// Say what a rule of row-level security, or a lint, is about: the code stands in brackets behind each message
    ///
    /// Reads nothing but itself: no lock, no tabellion.toml, no database.
    #[command(after_long_help = help::EXPLAIN)]
    Explain {
        /// The code, such as `leakproof-index` [default: the list of them]
        code: Option<String>,
    },
}

/// What works on a scratch database.
#[derive(Debug, Subcommand)]
pub(crate) enum Rehearsal {
    /// Try everything in a scratch database: each migration up, down and up again, the catalogs compared
    ///
    /// On the target's server, where its login may create a database over a direct connection; else on a
    /// throw-away server of this machine; never on that of a target that asks for approvals. The scratch
    /// database goes, and the target's own is not touched; what a file written by hand does to the server
    /// itself, such as to a role that exists, stays.
    #[command(after_long_help = help::REHEARSE)]
    Rehearse {
        /// Begin with a copy of this target's database and its rows, on its server, and rehearse what is pending
        /// there; PostgreSQL copies a database while nobody is connected to it, such as a restored backup.
        /// It takes a login that owns it and has CREATEDB, or a superuser where one owns it
        #[arg(long, value_name = "TARGET", conflicts_with_all = ["target", "url_env"])]
        on_copy_of: Option<String>,
        /// On a throw-away server of this machine, whatever tabellion.toml names
        #[arg(long, conflicts_with_all = ["target", "url_env", "on_copy_of"])]
        throw_away: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Run the tests of row-level security that the build draws, in a scratch database
    ///
    /// The tables are made there by the sealed migrations, or by schema.sql where there is a draft. The scratch
    /// database is made as for a rehearsal; its login must bypass row-level security, as a superuser does.
    #[command(after_long_help = help::TEST)]
    Test {
        /// Run them again without each policy, USING, WITH CHECK, ENABLE, FORCE, REVOKE and guard against an empty
        /// text, one at a time, and demand that they notice
        #[arg(long)]
        mutate: bool,
        /// On a throw-away server of this machine, whatever tabellion.toml names
        #[arg(long, conflicts_with_all = ["target", "url_env"])]
        throw_away: bool,
        #[command(flatten)]
        target: Target,
    },
}

/// What works on the files below the root.
#[derive(Debug, Subcommand)]
pub(crate) enum Sealing {
    /// Make the draft dated migrations with their rollbacks, and record them in the lock
    ///
    /// Where `cargo tabellion new` has made a pair of that name, that pair is linted and sealed instead.
    /// Additive change is sealed as it is; everything else is refused until it is accepted, with the flag
    /// to write.
    #[command(after_long_help = help::SEAL)]
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
    #[command(after_long_help = help::NEW)]
    New {
        /// Lower-case letters, digits and `_`
        name: String,
    },
    /// After a merge of two branches that both sealed: put them into one chain
    ///
    /// Whatever is applied on a database named here keeps its files and comes first; the other branch gets
    /// new versions behind it, and nothing of its SQL changes.
    #[command(after_long_help = help::RESEAL)]
    Reseal {
        /// A database to ask what is applied, repeatable: a target of tabellion.toml, or a name for it and the
        /// environment variable of its URL [default: every target of the file, else DATABASE_URL]
        #[arg(long, value_name = "NAME[=VARIABLE]", value_parser = named)]
        target: Vec<(String, Option<String>)>,
        /// Ask no database: what the branches sealed is applied nowhere
        #[arg(long, conflicts_with = "target")]
        applied_nowhere: bool,
    },
}

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

impl Command {
    /// Its name, as it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Command::Sealing(Sealing::Seal { .. }) => "seal",
            Command::Sealing(Sealing::New { .. }) => "new",
            Command::Sealing(Sealing::Reseal { .. }) => "reseal",
            Command::Rehearsal(Rehearsal::Rehearse { .. }) => "rehearse",
            Command::Rehearsal(Rehearsal::Test { .. }) => "test",
            Command::Database(command) => command.name(),
            Command::Explain { .. } => "explain",
        }
    }
}

/// Whether the command of this name tells machines what happens while it does.
pub(crate) fn tells_events(name: &str) -> bool {
    matches!(name, "apply" | "rollback" | "rehearse" | "test")
}

/// The command that is named on a command line which does not read; empty where none is.
pub(crate) fn named_command(words: &[String]) -> String {
    let command = Args::command();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if ["--root", "--evidence", "--heartbeat"].contains(&word.as_str()) {
            words.next();
        } else if command.find_subcommand(word).is_some() {
            return word.clone();
        }
    }
    String::new()
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

fn named(text: &str) -> Result<(String, Option<String>), String> {
    match text.split_once('=') {
        None if !text.is_empty() => Ok((text.to_owned(), None)),
        Some((name, variable)) if !name.is_empty() && !variable.is_empty() => {
            Ok((name.to_owned(), Some(variable.to_owned())))
        }
        _ => Err(
            "write a target, or a name and a variable such as `production=PRODUCTION_URL`".into(),
        ),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_secs)
        .map_err(|_| "write whole seconds, such as `60`".into())
}

fn some_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("write one second or more".into()),
        some => Ok(some),
    }
}
