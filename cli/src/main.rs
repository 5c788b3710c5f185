//! `cargo tabellion`: seal migrations, apply them, look at them, undo them.
//!
//! | file | job |
//! |---|---|
//! | `args` | the command line |
//! | `commands` | one function for each command |
//! | `sealing` | those that write below the root |
//! | `root` | the folder that holds the lock |
//! | `report` | tables for people |
//! | `exit` | what each exit code means |

mod args;
mod commands;
mod exit;
mod report;
mod root;
mod sealing;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Cargo runs `cargo-tabellion tabellion …`; the first word is not for us.
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "tabellion") {
        words.remove(1);
    }
    let args = args::Args::parse_from(words);
    match commands::run(args) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error}");
            exit::of(&error).into()
        }
    }
}
