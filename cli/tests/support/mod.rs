//! A project with its `tabellion.toml`, a fresh database, and the command that works on both.
#![allow(dead_code)] // each test file uses a part

#[path = "../../../runtime/tests/migrate_support/mod.rs"]
pub(crate) mod migrate_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tabellion::testing::TestDatabase;

use migrate_support::{Project, client, database};

/// The one target, without approvals.
pub(crate) const PLAIN: &str = "[target.shop]\nurl_env = \"SHOP_URL\"\n";
/// The one target, which asks for approvals.
pub(crate) const GUARDED: &str = "[target.shop]\nurl_env = \"SHOP_URL\"\napproval = true\n";

pub(crate) struct Shop {
    pub(crate) database: TestDatabase,
    pub(crate) project: Project,
}

/// How a command ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shop {
    pub(crate) async fn new(project: Project, config: &str) -> Shop {
        let shop = Shop {
            database: database().await,
            project,
        };
        fs::create_dir_all(shop.project.root()).expect("the root");
        shop.config(config);
        shop
    }

    /// The folder that holds root and `tabellion.toml`.
    pub(crate) fn folder(&self) -> PathBuf {
        let root = self.project.root();
        root.parent().expect("a folder").to_owned()
    }

    pub(crate) fn config(&self, text: &str) {
        fs::write(self.folder().join("tabellion.toml"), text).expect("the file is written");
    }

    /// The command, not started yet; the database's URL is in `SHOP_URL` alone.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"));
        command
            .arg("tabellion")
            .args(words)
            .current_dir(self.folder())
            .env_remove("DATABASE_URL")
            .env("SHOP_URL", self.database.url());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.end(self.command(words))
    }

    /// Runs it to its end. Nothing that is printed may hold a password.
    pub(crate) fn end(&self, mut command: Command) -> Run {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().expect("the command runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let run = Run {
            code: status.code().expect("an exit code"),
            out: text(stdout),
            err: text(stderr),
        };
        for text in [&run.out, &run.err] {
            assert!(!text.contains(self.password()), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
        run
    }

    /// The password of the database's URL.
    pub(crate) fn password(&self) -> &str {
        let login = self.database.url().split('@').next().unwrap_or_default();
        let password = login.rsplit(':').next().unwrap_or_default();
        assert!(password.len() > 5, "no password to look for");
        password
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let client = client(self.database.url()).await;
        client.batch_execute(sql).await.expect("the SQL runs");
    }

    /// One number that the database answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let client = client(self.database.url()).await;
        client.query_one(sql, &[]).await.expect("a row").get(0)
    }

    /// The versions, in order.
    pub(crate) fn versions(&self) -> Vec<String> {
        self.project.lock().migrations.into_keys().collect()
    }
}

impl Run {
    /// It ended so.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Run {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// The only document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.out).expect("one JSON document");
        assert_eq!(document["exit_code"], self.code, "{document}");
        document
    }

    /// A document for each line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).expect("a JSON document");
        self.out.lines().map(line).collect()
    }
}

/// What a file holds.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{:?}: {error}", path.as_ref()))
}

/// The common fields, which the help of all commands lists.
pub(crate) const COMMON: [&str; 4] = ["command", "target", "outcome", "exit_code"];

/// The help of a command and that of all.
pub(crate) fn help(shop: &Shop, command: &str) -> String {
    let own = shop.run(&[command, "--help"]).code(0).out;
    let all = shop.run(&["--help"]).code(0).out;
    for field in COMMON {
        assert!(all.contains(&format!("`{field}`")), "{field}");
    }
    own + &all
}

/// Every key of a document, however deep, stands in the help.
#[track_caller]
pub(crate) fn is_documented(help: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(help.contains(&format!("`{name}`")), "`{name}` of {value}");
                is_documented(help, value);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| is_documented(help, value)),
        _ => {}
    }
}
