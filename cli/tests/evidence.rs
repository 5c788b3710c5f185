//! The folder that a run leaves, also where it fails.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use support::migrate_support::Project;
use support::{GUARDED, PLAIN, Shop, read};

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The documents of a folder that is complete, right to the last checksum, and holds no password.
#[track_caller]
fn complete(shop: &Shop, name: &str, files: &[&str]) -> (Value, String) {
    let folder = shop.folder().join(name);
    let mut wanted: BTreeSet<String> = files.iter().map(|&file| file.to_owned()).collect();
    assert!(!shop.folder().join(format!("{name}.unfinished")).exists());
    let sums = read(folder.join("SHA256SUMS"));
    let mut listed = BTreeSet::new();
    for line in sums.lines() {
        let (sum, file) = line.split_once("  ").expect("two blanks");
        let text = read(folder.join(file));
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum, hex, "{file}");
        assert!(!text.contains(shop.password()), "{file}: {text}");
        assert!(!text.contains("s3cret"), "{file}: {text}");
        listed.insert(file.to_owned());
    }
    assert_eq!(listed, wanted);
    wanted.insert("SHA256SUMS".into());
    assert_eq!(names(&folder), wanted);
    let outcome = serde_json::from_str(&read(folder.join("outcome.json"))).expect("JSON");
    (outcome, read(folder.join("log.txt")))
}

fn json(shop: &Shop, file: &str) -> Value {
    serde_json::from_str(&read(shop.folder().join(file))).expect("JSON")
}

const ALL: [&str; 4] = ["log.txt", "outcome.json", "plan.json", "verification.json"];

#[tokio::test]
async fn of_a_run_that_does_all() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let versions = shop.versions();
    // An empty folder will do, and keeps its permissions.
    let folder = shop.folder().join("left");
    std::fs::create_dir(&folder).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let run = shop.run(&["apply", "--evidence", "left/"]).code(0);
    assert_eq!(run.out.lines().count(), 3, "{}", run.out);
    let (outcome, log) = complete(&shop, "left", &ALL);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert_eq!(outcome["outcome"], "done");
    assert_eq!(outcome["exit_code"], 0);
    assert_eq!(outcome["target"], "shop");
    assert_eq!(outcome["entries"].as_array().unwrap().len(), 3);
    assert!(outcome["tool"].as_str().unwrap().starts_with("tabellion "));
    let plan = json(&shop, "left/plan.json");
    assert_eq!(plan["would_run"], serde_json::json!(versions));
    assert_eq!(plan["migrations"][0]["state"], "pending");
    assert_eq!(json(&shop, "left/verification.json")["clean"], true);
    for line in run.out.lines() {
        assert!(log.contains(&format!("Z {line}\n")), "{log}");
    }
    assert!(log.contains("Z cargo tabellion apply "), "{log}");
    assert!(log.ends_with("Z ended: done, exit code 0\n"), "{log}");

    // A folder in use is refused before anything else.
    let refused = shop
        .run(&["rollback", "--accept-data-loss", "--evidence", "left"])
        .code(3);
    assert_eq!(
        refused.err,
        "error: `left` holds something already; name a folder for the evidence that is new or empty\n"
    );
    complete(&shop, "left", &ALL);

    let back = ["rollback", "--all", "--accept-data-loss", "--evidence"];
    shop.run(&[&back[..], &["deep/er/back"]].concat()).code(0);
    let reversed: Vec<&String> = versions.iter().rev().collect();
    assert_eq!(
        json(&shop, "deep/er/back/plan.json")["would_run"],
        serde_json::json!(reversed)
    );
    complete(&shop, "deep/er/back", &ALL);
}

#[tokio::test]
async fn of_a_run_that_fails() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let broken = shop
        .project
        .seal_sql("broken", "drop table public.nowhere;", "select 1;");
    shop.run(&["apply", "--evidence", "failed"]).code(4);
    let (outcome, log) = complete(&shop, "failed", &ALL);
    assert_eq!(outcome["error"]["kind"], "statement");
    assert_eq!(outcome["exit_code"], 4);
    assert!(log.contains("Z error: "), "{log}");
    assert!(log.ends_with("Z ended: failed, exit code 4\n"), "{log}");
    let verification = json(&shop, "failed/verification.json");
    assert_eq!(verification["clean"], false);
    assert!(
        verification["pending"]
            .to_string()
            .contains(&broken.version),
        "{verification}"
    );

    shop.config(GUARDED);
    shop.run(&["apply", "--evidence", "refused"]).code(3);
    let (outcome, _) = complete(&shop, "refused", &ALL);
    assert_eq!(outcome["error"]["kind"], "unapproved");

    let mut down = shop.command(&["apply", "--evidence", "down"]);
    down.env("SHOP_URL", "postgres://ana:s3cret@127.0.0.1:1/shop");
    shop.end(down).code(4);
    complete(&shop, "down", &ALL);
    for file in ["down/plan.json", "down/verification.json"] {
        assert_eq!(json(&shop, file)["error"]["kind"], "connection", "{file}");
    }

    let mut unset = shop.command(&["apply", "--evidence", "unset"]);
    unset.env_remove("SHOP_URL");
    shop.end(unset).code(2);
    let (outcome, _) = complete(&shop, "unset", &ALL);
    assert_eq!(outcome["error"]["kind"], "usage");
    assert_eq!(json(&shop, "unset/plan.json")["error"]["kind"], "usage");

    shop.run(&["seal", "nothing", "--evidence", "unsealed"])
        .code(3);
    let (outcome, _) = complete(&shop, "unsealed", &["log.txt", "outcome.json"]);
    assert_eq!(outcome["command"], "seal");
}

#[tokio::test]
async fn of_a_run_that_is_killed() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    shop.project
        .seal_sql("slow", "select pg_sleep(60);", "select 1;");
    let mut child = shop
        .command(&["apply", "--evidence", "left"])
        .spawn()
        .expect("the command runs");
    let unfinished = shop.folder().join("left.unfinished");
    let began = Instant::now();
    let is_running = || {
        let log = std::fs::read_to_string(unfinished.join("log.txt"));
        log.is_ok_and(|log| log.contains("_slow: 1 statement in one message"))
    };
    while !is_running() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // No folder is better than half of one, and the log is not lost.
    assert!(!shop.folder().join("left").exists());
    assert_eq!(
        names(&unfinished),
        BTreeSet::from(["log.txt".into(), "plan.json".into()])
    );
    // The name is free, and what was left is left alone.
    shop.run(&["plan", "--evidence", "left"]).code(0);
    let folder = shop.folder().join("left");
    assert_eq!(names(&folder).len(), 5);
    assert_eq!(
        json(&shop, "left/plan.json")["would_run"],
        serde_json::json!(shop.versions())
    );
    assert_eq!(names(&unfinished).len(), 2);
}

#[tokio::test]
async fn where_its_name_is_taken_meanwhile_it_stays_where_it_is() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    shop.project
        .seal_sql("slow", "select pg_sleep(2);", "select 1;");
    let mut command = shop.command(&["apply", "--evidence", "left"]);
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| command.output().expect("the command runs"));
        let began = Instant::now();
        while !shop.folder().join("left.unfinished/plan.json").exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "it never began");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::create_dir(shop.folder().join("left")).unwrap();
        std::fs::write(shop.folder().join("left/mine"), "").unwrap();
        run.join().unwrap()
    });
    assert_eq!(run.status.code(), Some(4));
    let err = String::from_utf8(run.stderr).unwrap();
    assert!(
        err.starts_with("error: the evidence cannot take the name `left`: ")
            && err.ends_with(
                "; it lies complete in `left.unfinished`, and what the command did stands\n"
            ),
        "{err}"
    );
    assert_eq!(names(&shop.folder().join("left.unfinished")).len(), 5);
    assert_eq!(shop.run(&["status", "--check"]).code, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn where_it_cannot_be_written_nothing_is_run() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    shop.run(&["apply"]).code(0);
    let rows = "select count(*) from tabellion.ledger";
    let before = shop.number(rows).await;
    // A limit on the size of files stands in for a disk that is full.
    let full = |words: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 0; exec \"$0\" {words}");
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_cargo-tabellion")])
            .current_dir(shop.folder())
            .env("SHOP_URL", shop.database.url());
        shop.end(command).code(4)
    };
    let refused = full("rollback --accept-data-loss --evidence full");
    assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
    assert!(
        refused.err.starts_with("error: `full.unfinished/log.txt` cannot be written: ")
            && refused.err.ends_with(
                "; nothing was run, so make room for the evidence or name another folder, and run it again\n"
            ),
        "{}",
        refused.err
    );
    assert_eq!(shop.number(rows).await, before);
    assert!(!shop.folder().join("full").exists());
    // So do the commands that no database is needed for.
    full("rehearse --throw-away --evidence full");
    full("new more --evidence full");
    assert!(!shop.project.root().join("hand").exists());
}
