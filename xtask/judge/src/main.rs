//! Three judges that are not Tabellion's own look at what it generates: squawk and pgrls, and Supabase's splinter.
//! `cargo xtask judge` finds PostgreSQL and runs this.
//!
//! | file | job |
//! |---|---|
//! | `tools` | where the judges are, or how to get them |
//! | `corpus` | the schemas: the reference application's migrations, and many that structs give |
//! | `trial` | one schema in a database, before each judge |
//! | `answers` | what the judges print, read as findings |
//! | `allowed` | `allowed.toml`: findings that stay, each with its reason |
//!
//! Exit codes: 0 where every finding is allowed and the reference application is proven; 1 where not, or where a
//! judge failed; 3 where a judge is not installed.

mod allowed;
mod answers;
#[path = "../../../syntax/tests/common/mod.rs"]
mod common;
mod corpus;
mod tools;
mod trial;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tabellion::testing::Server;

use allowed::Allowed;
use answers::Finding;
use tools::Tools;

/// The exit code where a judge is missing.
const MISSING: u8 = 3;

fn main() -> ExitCode {
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(missing) => {
            for line in missing {
                eprintln!("error: {line}");
            }
            return ExitCode::from(MISSING);
        }
    };
    match judge(&tools) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing is left to answer for.
fn judge(tools: &Tools) -> Result<bool, String> {
    let allowed = Allowed::read()?;
    let schemas = corpus::schemas()?;
    let server = Server::start().map_err(|error| error.to_string())?;
    println!("PostgreSQL {}", server.version());
    for version in tools.versions()? {
        println!("{version}");
    }
    trial::prepare(&server)?;

    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Finding>> = Mutex::new(Vec::new());
    let failed: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(schema) = schemas.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match trial::of(schema, &server, tools) {
                        Ok(findings) => found.lock().expect("findings").extend(findings),
                        Err(error) => {
                            let error = format!("{}: {error}", schema.name);
                            failed.lock().expect("failures").push(error);
                        }
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().expect("findings");
    found.sort();
    let failed = failed.into_inner().expect("failures");
    Ok(report(&allowed, &found, &failed, schemas.len()))
}

/// Prints what came out.
fn report(allowed: &Allowed, found: &[Finding], failed: &[String], schemas: usize) -> bool {
    let verdict = allowed.judge(found);
    for (allowance, count) in &verdict.used {
        println!("allowed {count:5} × {allowance}");
    }
    for allowance in &verdict.unused {
        println!("allowance that nothing needs any more: {allowance}");
    }
    for finding in &verdict.left {
        println!("FOUND {finding}");
    }
    for error in failed {
        println!("FAILED {error}");
    }
    println!(
        "{schemas} schemas, {} findings, {} of them not allowed, {} failures",
        found.len(),
        verdict.left.len(),
        failed.len()
    );
    verdict.left.is_empty() && failed.is_empty()
}
