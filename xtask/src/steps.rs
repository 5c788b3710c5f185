//! What the commands run.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::obtain;
use crate::postgres::Postgres;
use crate::run::{Failed, run, say};

/// The exit code where PostgreSQL, or PgBouncer, could not be had.
const NO_POSTGRES: u8 = 3;

/// One run of cargo: its arguments, and variables that it sees.
struct Step {
    arguments: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
}

const fn step(arguments: &'static [&'static str]) -> Step {
    Step {
        arguments,
        variables: &[],
    }
}

/// Everything that CI runs, the quick ones first.
const TEST: &[Step] = &[
    step(&["fmt", "--all", "--check"]),
    step(&[
        "fmt",
        "--manifest-path",
        "xtask/portable/Cargo.toml",
        "--check",
    ]),
    step(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]),
    // What all features together cannot show: that each crate also stands without them.
    step(&["check", "--package", "tabellion", "--no-default-features"]),
    step(&[
        "check",
        "--package",
        "tabellion-sql",
        "--no-default-features",
    ]),
    step(&["test", "--workspace", "--all-features"]),
    Step {
        arguments: &["doc", "--workspace", "--no-deps", "--all-features"],
        variables: &[("RUSTDOCFLAGS", "-D warnings")],
    },
];

/// `cargo xtask demo`: the reference application, with whatever else is on the command line.
pub(crate) fn demo(arguments: &[OsString]) -> ExitCode {
    let postgres = match Postgres::ensure() {
        Ok(postgres) => postgres,
        Err(error) => return no_postgres(&error),
    };
    let mut command = Command::new(cargo());
    command
        .args(["run", "--quiet", "--package", "hotdash", "--"])
        .args(arguments)
        .current_dir(workspace());
    end(run(postgres.tell(&mut command)))
}

/// `cargo xtask judge`: what other tools say of generated schemas.
pub(crate) fn judge() -> ExitCode {
    let postgres = match Postgres::ensure_local() {
        Ok(postgres) => postgres,
        Err(error) => return no_postgres(&error),
    };
    let mut command = Command::new(cargo());
    command
        .args(["run", "--quiet", "--package", "tabellion-judge"])
        .current_dir(workspace())
        // Roles are made that a server in use may have.
        .env_remove("DATABASE_URL");
    end(run(postgres.tell(&mut command)))
}

/// `cargo xtask test`.
pub(crate) fn test() -> ExitCode {
    let postgres = match Postgres::ensure_local() {
        Ok(postgres) => postgres,
        Err(error) => return no_postgres(&error),
    };
    if let Err(error) = obtain::ensure_pgbouncer() {
        say(format_args!("error: {error}; install PgBouncer by hand"));
        return ExitCode::from(NO_POSTGRES);
    }
    let begun = Instant::now();
    for step in TEST {
        let mut command = Command::new(cargo());
        command
            .args(step.arguments)
            .envs(step.variables.iter().copied())
            .current_dir(workspace());
        if let Err(failed) = run(postgres.tell(&mut command)) {
            return end(Err(failed));
        }
    }
    say(format_args!(
        "all passed in {} s",
        begun.elapsed().as_secs()
    ));
    ExitCode::SUCCESS
}

fn end(result: Result<(), Failed>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            say(format_args!("error: {failed}"));
            failed.exit_code()
        }
    }
}

fn no_postgres(error: &str) -> ExitCode {
    say(format_args!("error: {error}"));
    ExitCode::from(NO_POSTGRES)
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
