//! Tabellion's typed queries beside tokio-postgres, sqlx, Diesel, SeaORM and toasty: 1,000,000 rows of 1,000 shops
//! under row-level security, on the same throw-away server, in turns.
//!
//! The server is that of the tests: its data lie in memory where there is room (`/dev/shm`), nothing is synchronised
//! to a disk, autovacuum is off. One connection is measured on a runtime of one thread, which is where each contender
//! takes least; the pool on one with a thread for each core.
//!
//! `cargo run --release`, with `-- --quick` for fewer rows and turns, and with the names of cases (`latest`, `away`,
//! `pool`, `insert`, `stream`) for only those. It ends with 1 where a bar does not hold.

mod cases;
mod memory;
mod model;
mod peers;
#[path = "../../migrate/src/proxy.rs"]
mod proxy;
mod report;
mod stage;

use std::env;
use std::process::ExitCode;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use self::peers::Fault;
use self::report::Bar;
use self::stage::{Size, Stage};

fn main() -> Result<ExitCode, Fault> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let cases: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wanted = |case: &str| cases.is_empty() || cases.contains(&case);

    let one = Builder::new_current_thread().enable_all().build()?;
    let many = Runtime::new()?;
    let size = if quick {
        Size {
            orders: 100_000,
            archive: 100_000,
            arrivals: 20_000,
        }
    } else {
        Size {
            orders: 1_000_000,
            archive: 1_000_000,
            arrivals: 100_000,
        }
    };
    let turns = |all: usize| if quick { all.div_ceil(8) } else { all };
    let stage = one.block_on(Stage::set(size))?;
    let version: String = one.block_on(async {
        let row = stage.admin.query_one("show server_version", &[]).await?;
        Ok::<_, Fault>(row.get(0))
    })?;
    let cores = thread::available_parallelism()?;
    println!(
        "PostgreSQL {version}, {cores} cores shared with the server; {}",
        env!("VERSIONS")
    );

    let mut all_hold = true;
    let mut bar = |case: &report::Case, name: &'static str, ratio: f64| {
        all_hold &= case.print(Bar { name, ratio });
    };
    if wanted("latest") {
        let case = one.block_on(cases::latest(&stage, turns(48)))?;
        bar(&case, "the latest 20", 1.4);
    }
    if wanted("away") {
        let case = one.block_on(cases::away(&stage, turns(16)))?;
        bar(&case, "the latest 20, 1 ms away", 1.1);
    }
    if wanted("pool") {
        let case = many.block_on(cases::pool(&stage, turns(16)))?;
        bar(&case, "16 tasks over a pool of 8", 0.72);
    }
    if wanted("insert") {
        let case = one.block_on(cases::insert(&stage, turns(7)))?;
        bar(&case, "many rows inserted", 0.7);
    }
    if wanted("stream") {
        let case = one.block_on(cases::stream(&stage, turns(5)))?;
        bar(&case, "many rows streamed", 0.9);
    }
    Ok(ExitCode::from(u8::from(!all_hold)))
}
