//! A repository with a project in it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::migrate_support::{Project, step};
use crate::{left, right};

pub(crate) struct Repository {
    pub(crate) project: Project,
}

impl Repository {
    /// A base that is sealed, and two branches from it that both seal: the right one twice.
    pub(crate) fn new(attributes: bool) -> Self {
        let repository = Repository {
            project: Project::new(),
        };
        let project = &repository.project;
        project.draw(&step(1));
        project.seal("base");
        if !attributes {
            project.write(".gitattributes", "");
        }
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit("base");
        repository.git(&["checkout", "-q", "-b", "right"]);
        project.draw(&right());
        project.seal("right");
        project.seal_sql("more", "select 'more';\n", "select 'less';\n");
        repository.commit("right");
        // Versions are seconds, and three may have been taken within one.
        std::thread::sleep(Duration::from_millis(3100));
        repository.git(&["checkout", "-q", "main"]);
        project.draw(&left());
        project.seal("left");
        repository.commit("left");
        repository
    }

    pub(crate) fn run(&self, words: &[&str]) -> bool {
        let status = Command::new("git")
            .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"])
            .args(words)
            .current_dir(self.project.root())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
        status.expect("git runs").success()
    }

    pub(crate) fn git(&self, words: &[&str]) {
        assert!(self.run(words), "git {words:?}");
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let set = self.project.load();
        set.iter().map(|migration| migration.name.clone()).collect()
    }

    /// Every file of the two folders.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for folder in ["migrations", "rollbacks"] {
            for entry in fs::read_dir(self.project.path(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                files.push(format!("{folder}/{name}"));
            }
        }
        files.sort();
        files
    }
}
