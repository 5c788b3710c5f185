//! `cargo tabellion`: seal migrations, apply them, look at them, undo them.
//!
//! | file | job |
//! |---|---|
//! | `args` | the command line |
//! | `commands` | one function for each command |
//! | `sealing` | those that write below the root |
//! | `root` | the folder that holds the lock |
//! | `report` | tables for people |
//! | `say` | lines for people, who may have stopped reading |
//! | `exit` | what each exit code means |

mod args;
mod commands;
mod exit;
mod report;
mod root;
mod say;
mod sealing;

use std::process::ExitCode;

use clap::Parser;

use say::note;

fn main() -> ExitCode {
    // Cargo runs `cargo-tabellion tabellion …`; the first word is not for us.
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "tabellion") {
        words.remove(1);
    }
    let args = args::Args::parse_from(words);
    match commands::run(args) {
        Ok(_) if say::lost() => exit::Outcome::Failed.into(),
        Ok(outcome) => outcome.into(),
        Err(error) => {
            note!("error: {error}");
            exit::of(&error).into()
        }
    }
}
