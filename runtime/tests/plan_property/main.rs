//! Random schemas and random changes of them, on a real server: a migration leads to what the second
//! schema is when it is made anew, its rollback to what the first one was, and rows that no change is
//! about stay as they are. Three cases in ten go on to a third schema from there, by migrations of their own,
//! and back again to the first. Meanwhile every hazard that a script names is held against what PostgreSQL
//! does: locks, files, scans, values, and what roles see.
//!
//! `TABELLION_CASES` sets the number of cases (300 without it). `TABELLION_SEED` sets the number that all
//! of them follow from (1 without it), so that a run can be repeated, and another one be different.
//! A failing case is made smaller, printed, and kept in `proptest-regressions`; that file belongs in
//! the repository, and its cases run first. `TABELLION_SURVEY=1` goes on after a failure instead,
//! keeps nothing, and prints them all.

mod case;
mod database;
mod dice;
mod edits;
mod empty;
mod exprs;
mod generate;
mod hazards;
mod lookups;
mod names;
mod operators;
mod parts;
mod property;
mod reach;
mod repair;
mod rows;
mod types;
mod values;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{
    Config, FailurePersistence, FileFailurePersistence, PersistedSeed, RngAlgorithm, TestCaseError,
    TestRng, TestRunner,
};
use tabellion::testing::Server;

use database::Place;
use property::World;

/// How many cases run at the same time, each in databases of its own.
const WORKERS: u32 = 3;

/// Where failing cases are kept.
const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/plan_property/proptest-regressions/cases.txt"
);

fn number(variable: &str, otherwise: u32) -> u32 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("`{variable}` is not a number")),
        Err(_) => otherwise,
    }
}

#[test]
fn there_and_back_and_there_again() {
    let cases = number("TABELLION_CASES", 300);
    let seed = number("TABELLION_SEED", 1);
    let survey = std::env::var_os("TABELLION_SURVEY").is_some();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let (ran, discarded) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (failures, ran, discarded) = (failures.clone(), ran.clone(), discarded.clone());
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                let server = Server::shared().expect("a server");
                let world = runtime.block_on(async {
                    World {
                        lived: Place::new(server).await,
                        fresh: Place::new(server).await,
                    }
                });
                let share = cases / WORKERS + u32::from(worker < cases % WORKERS);
                let mut seeds = [0; 32];
                seeds[..4].copy_from_slice(&seed.to_le_bytes());
                seeds[4..8].copy_from_slice(&worker.to_le_bytes());
                let config = Config {
                    cases: share,
                    max_global_rejects: share * 20,
                    max_shrink_iters: 120,
                    failure_persistence: Some(Box::new(Regressions {
                        replays: worker == 0,
                    })),
                    ..Config::default()
                };
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seeds);
                let mut runner = TestRunner::new_with_rng(config, rng);
                let run = |seeds: &case::Seeds| {
                    let result = runtime.block_on(property::check(&world, seeds));
                    let count = if matches!(result, Ok(false)) {
                        &discarded
                    } else {
                        &ran
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    result
                };
                if survey {
                    for _ in 0..share {
                        let seeds = case::seeds()
                            .new_tree(&mut runner)
                            .expect("a case")
                            .current();
                        if let Err(error) = run(&seeds) {
                            failures.lock().expect("failures").push(error);
                        }
                    }
                    return;
                }
                let result = runner.run(&case::seeds(), |seeds| match run(&seeds) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(TestCaseError::reject("PostgreSQL cannot make this change")),
                    Err(error) => Err(TestCaseError::fail(error)),
                });
                if let Err(error) = result {
                    failures.lock().expect("failures").push(error.to_string());
                }
            });
        }
    });
    let failures = failures.lock().expect("failures");
    let (ran, discarded) = (
        ran.load(Ordering::Relaxed),
        discarded.load(Ordering::Relaxed),
    );
    println!("{ran} cases from seed {seed}, {discarded} discarded");
    assert!(
        failures.is_empty(),
        "{} failures from seed {seed}\n\n{}",
        failures.len(),
        failures.join("\n\n=====\n\n")
    );
    assert!(ran + discarded >= cases, "{ran} of {cases} cases ran");
}

/// One file for all workers, the first of which runs what it holds.
#[derive(Debug, Clone, PartialEq)]
struct Regressions {
    replays: bool,
}

impl Regressions {
    const FILE: FileFailurePersistence = FileFailurePersistence::Direct(REGRESSIONS);
}

impl FailurePersistence for Regressions {
    fn load_persisted_failures2(&self, source: Option<&'static str>) -> Vec<PersistedSeed> {
        match self.replays {
            true => Self::FILE.load_persisted_failures2(source),
            false => Vec::new(),
        }
    }

    fn save_persisted_failure2(
        &mut self,
        source: Option<&'static str>,
        seed: PersistedSeed,
        shrunken: &dyn std::fmt::Debug,
    ) {
        let mut file = Self::FILE;
        file.save_persisted_failure2(source, seed, shrunken);
    }

    fn box_clone(&self) -> Box<dyn FailurePersistence> {
        Box::new(self.clone())
    }

    fn eq(&self, other: &dyn FailurePersistence) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
