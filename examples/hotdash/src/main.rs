//! Proves HotDash's tables on a throw-away PostgreSQL and prints a report.
//!
//! Needs nothing but PostgreSQL's programs, or a server in `DATABASE_URL`. Exits with 0 when every
//! check held, with 1 when one did not or the story had to stop.

use std::process::ExitCode;

use hotdash::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let mut report = Report::to_stdout();
    let ended = hotdash::run(&mut report).await;
    match (ended, report.finish()) {
        (Ok(()), Ok(true)) => ExitCode::SUCCESS,
        (Ok(()), Ok(false)) => ExitCode::FAILURE,
        (Err(stop), _) | (_, Err(stop)) => {
            eprintln!("error: {stop}");
            ExitCode::FAILURE
        }
    }
}
