//! The process that is killed: this program, started again for one test, in which it applies or rolls back.

use std::env;
use std::io::Read;
use std::process::{Child, Command, Stdio};

use tabellion::migrate::Migrations;

use crate::support::Project;
use crate::{ALL, back, engine};

/// The test that the process runs, whose first line is [`part`].
const TEST: &str = "crowd::sixteen_processes_at_once_run_each_migration_once";
const WAY: &str = "TABELLION_TEST_WAY";
const URL: &str = "TABELLION_TEST_URL";
const ROOT: &str = "TABELLION_TEST_ROOT";

/// Which way everything goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Forth,
    Back,
}

pub(crate) struct Applier(Child);

/// Starts a process that applies everything, or rolls everything back.
pub(crate) fn start(way: Way, url: &str, project: &Project) -> Applier {
    let child = Command::new(env::current_exe().expect("this program"))
        .args([TEST, "--exact", "--nocapture"])
        .env(WAY, format!("{way:?}"))
        .env(URL, url)
        .env(ROOT, project.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Applier(child.expect("the process starts"))
}

impl Applier {
    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_none()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("it is killed");
        self.0.wait().expect("it ends");
    }

    /// What it said, where it failed.
    pub(crate) fn end(mut self) -> Result<(), String> {
        let mut said = String::new();
        let stderr = self.0.stderr.as_mut().expect("its words");
        stderr.read_to_string(&mut said).expect("its words");
        match self.0.wait().expect("it ends").success() {
            true => Ok(()),
            false => Err(said),
        }
    }
}

/// The process's part, where this is one: does its work, and ends.
pub(crate) async fn part() {
    let Ok(way) = env::var(WAY) else {
        return;
    };
    let (url, root) = (
        env::var(URL).expect("a URL"),
        env::var(ROOT).expect("a root"),
    );
    let set = Migrations::load(root).expect("the migrations load");
    let mut engine = engine(&url).await;
    let done = if way == "Forth" {
        engine.apply(&set, &ALL).await
    } else {
        engine.rollback(&set, &back()).await
    };
    if let Err(error) = &done {
        eprintln!("{error}");
    }
    std::process::exit(i32::from(done.is_err()))
}
