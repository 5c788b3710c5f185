//! The command line.

mod database;

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use self::database::{Database, Target};
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
