//! `cargo xtask demo` and `cargo xtask test`: the two commands that do everything on a machine
//! that has Rust and a network. `cargo xtask judge` asks tools of others, which have to be there.
//!
//! | file | job |
//! |---|---|
//! | `postgres` | find PostgreSQL, or have it obtained |
//! | `obtain` | the ways to obtain it, one after the other |
//! | `packages` | the package managers |
//! | `steps` | what each command runs |
//! | `run` | run one program, and say so |
//! | `judge/` | a crate of its own that asks squawk, pgrls and splinter about generated schemas |
//! | `portable/` | a crate of its own that downloads a portable build |
//!
//! Exit codes: 0 when everything passed; the failed program's own where one failed; 2 for a wrong
//! command line; 3 where PostgreSQL, or a judge, could not be had.

mod obtain;
mod packages;
mod postgres;
mod run;
mod steps;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask demo [ARGUMENT]...   run the reference application
       cargo xtask test                 run everything that CI runs
       cargo xtask judge                ask squawk, pgrls and splinter about generated schemas

All find PostgreSQL 15 or newer, or obtain it, and say which it is.
";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let command = arguments.next();
    let rest: Vec<OsString> = arguments.collect();
    match command.as_deref().and_then(|command| command.to_str()) {
        Some("demo") => steps::demo(&rest),
        Some("test") if rest.is_empty() => steps::test(),
        Some("judge") if rest.is_empty() => steps::judge(),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
