//! Rehearsals: what they tell, on what server, and that nothing of them stays.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::migrate_support::{Project, database};
use support::{PLAIN, Shop, help, is_documented, read};

#[tokio::test]
async fn a_table_of_what_went_up_down_and_up_again() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let run = shop.run(&["rehearse", "--evidence", "left"]).code(0);
    assert!(
        run.out
            .starts_with("rehearsed in a scratch database on the target's server\n"),
        "{}",
        run.out
    );
    let head = run
        .out
        .lines()
        .position(|line| line.starts_with("version "));
    let table: Vec<&str> = run.out.lines().skip(head.unwrap()).take(4).collect();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        cells
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        cells(table[0]),
        [
            "version", "name", "up", "down", "up again", "verdict", "locks"
        ]
    );
    for (line, (version, number)) in table[1..].iter().zip(shop.versions().iter().zip(1..)) {
        let cells = cells(line);
        assert_eq!(cells[..2], [version.clone(), format!("step_{number}")]);
        assert!(
            cells[2..5].iter().all(|took| took.ends_with(" ms")),
            "{line}"
        );
        assert_eq!(cells[5], "exact");
    }
    assert!(
        table[3].contains("public.\"order\" (access exclusive)"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("the database holds what was sealed: "),
        "{}",
        run.out
    );
    // The target itself is as it was.
    assert_eq!(
        shop.number("select count(*) from pg_namespace where nspname = 'tabellion'")
            .await,
        0
    );

    let left = shop.folder().join("left");
    let document =
        |name: &str| -> Value { serde_json::from_str(&read(left.join(name))).expect("JSON") };
    assert_eq!(document("plan.json")["would_run"], json!(shop.versions()));
    assert_eq!(document("verification.json")["clean"], true);
    assert_eq!(document("outcome.json")["migrations"][2]["exact"], true);
    assert_eq!(document("outcome.json")["target"], "shop");
    let log = read(left.join("log.txt"));
    assert!(log.contains(" rehearse rollback "), "{log}");
    assert_eq!(read(left.join("SHA256SUMS")).lines().count(), 4);
}

#[tokio::test]
async fn machines_get_events_and_the_outcome() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let lines = shop.run(&["rehearse", "--json"]).code(0).lines();
    let help = help(&shop, "rehearse") + &shop.run(&["verify", "--help"]).out;
    lines.iter().for_each(|line| is_documented(&help, line));
    let events: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .filter(|event| *event != "progress")
        .collect();
    assert_eq!(events[0], "prepared");
    assert_eq!(events.iter().filter(|event| **event == "done").count(), 3);
    // Up, down, up again, and down once more for the one before it.
    assert!(events.iter().filter(|event| **event == "running").count() >= 9);
    let outcome = lines.last().unwrap();
    assert_eq!(outcome["event"], "outcome");
    assert_eq!(outcome["clean"], true);
    assert_eq!(outcome["exit_code"], 0);
    assert_eq!(
        outcome["migrations"][2]["up_locks"],
        json!([{ "relation": "public.\"order\"", "mode": "access exclusive" }])
    );
    assert!(outcome["migrations"][0]["again_ms"].is_u64());
    assert_eq!(outcome["verification"]["clean"], true);
}

#[tokio::test]
async fn what_is_not_exact_is_a_finding() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    shop.project.seal_sql(
        "loose",
        "alter table public.\"order\" alter shop set default 'x';",
        "select 1;",
    );
    let run = shop.run(&["rehearse"]).code(1);
    assert!(run.out.contains("  not exact"), "{}", run.out);
    assert!(
        run.out
            .contains(" loose: after the rollback, column `shop` on `public.\"order\"` differs"),
        "{}",
        run.out
    );
    shop.project
        .seal_sql("broken", "drop table public.nowhere;", "select 1;");
    let run = shop.run(&["rehearse", "--evidence", "left"]).code(1);
    assert!(
        run.out.contains(" broken: ") && run.out.contains("SQLSTATE 42P01"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .ends_with("\na file failed, so the end was not compared with what was sealed\n"),
        "{}",
        run.out
    );
    assert_eq!(read(shop.folder().join("left/verification.json")), "null\n");
}

#[tokio::test]
async fn a_copy_takes_its_rows_along() {
    let shop = Shop::new(Project::sealed(), "").await;
    let config = format!(
        "{PLAIN}[target.restored]\nurl_env = \"RESTORED_URL\"\n\
         [target.production]\nurl_env = \"PRODUCTION_URL\"\napproval = true\n"
    );
    shop.config(&config);
    let restored = database().await;
    let mut apply = shop.command(&["apply", "--to", &shop.versions()[0], "--target", "shop"]);
    apply.env("SHOP_URL", restored.url());
    shop.end(apply).code(0);
    {
        let client = support::migrate_support::client(restored.url()).await;
        let rows =
            "insert into public.\"order\" (shop, total) select 'a', 1 from generate_series(1, 7)";
        client.batch_execute(rows).await.unwrap();
        // In use.
        let mut copy = shop.command(&["rehearse", "--on-copy-of", "restored", "--json"]);
        copy.env("RESTORED_URL", restored.url());
        let held = shop.end(copy).code(5).lines();
        assert_eq!(held.last().unwrap()["error"]["kind"], "held");
    }
    // Nothing runs unapproved on the server of a target that asks for approvals.
    for words in [["--target", "production"], ["--on-copy-of", "production"]] {
        let mut asking = shop.command(&["rehearse", words[0], words[1]]);
        asking.env(
            "PRODUCTION_URL",
            restored.url().replace("localhost", "127.0.0.1"),
        );
        let said = shop.end(asking).code(3).err;
        assert!(said.contains("`production` asks for approvals"), "{said}");
    }
    let copied = async || {
        let began = Instant::now();
        loop {
            let mut copy = shop.command(&["rehearse", "--on-copy-of", "restored", "--json"]);
            copy.env("RESTORED_URL", restored.url());
            let run = shop.end(copy);
            // The session above takes a moment to end.
            if run.code != 5 || began.elapsed() > Duration::from_secs(20) {
                break run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let lines = copied().await.code(0).lines();
    let outcome = lines.last().unwrap();
    assert_eq!(outcome["migrations"].as_array().unwrap().len(), 2);
    assert!(
        outcome["rows"].as_array().unwrap().contains(&json!({
            "table": "public.\"order\"", "before": 7, "applied": 7, "rolled_back": 7
        })),
        "{outcome}"
    );
    assert_eq!(outcome["target"], "restored");
    // A restored backup of a database that such a target guards is claimed first.
    let last = shop.versions().remove(2);
    let mut approve = shop.command(&["approve", &last, "--by", "Ana", "--target", "production"]);
    approve.env("PRODUCTION_URL", restored.url());
    shop.end(approve).code(0);
    let lines = copied().await.code(3).lines();
    let said = lines.last().unwrap()["error"]["message"].as_str().unwrap();
    assert!(
        said.starts_with(
            "target `production`, which asks for approvals, guards the database to copy"
        ),
        "{said}"
    );
    let claim = [
        "claim", "--by", "Ana", "--reason", "x", "--target", "restored",
    ];
    let mut claim = shop.command(&claim);
    claim.env("RESTORED_URL", restored.url());
    shop.end(claim).code(0);
    copied().await.code(0);
    for words in [
        &["rehearse", "--on-copy-of", "nothing"][..],
        &["rehearse", "--on-copy-of", "restored", "--target", "shop"],
        &["rehearse", "--on-copy-of", "restored", "--throw-away"],
        &["rehearse"],
    ] {
        shop.run(words).code(2);
    }
}

#[tokio::test]
async fn a_throw_away_server_needs_no_target() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let mut chosen = shop.command(&["rehearse", "--throw-away"]);
    chosen.env_remove("SHOP_URL");
    let run = shop.end(chosen).code(0);
    assert!(
        run.out
            .starts_with("rehearsed on a throw-away server, PostgreSQL "),
        "{}",
        run.out
    );
    shop.config("");
    let run = shop.run(&["rehearse"]).code(0);
    assert!(
        run.out
            .starts_with("rehearsed on a throw-away server, PostgreSQL "),
        "{}",
        run.out
    );
}

#[cfg(unix)]
#[tokio::test]
async fn interrupted_it_leaves_nothing() {
    use rustix::process::{Pid, Signal, kill_process};

    let shop = Shop::new(Project::new(), PLAIN).await;
    shop.project
        .seal_sql("slow", "select pg_sleep(60);", "select 1;");
    let child = shop
        .command(&["rehearse", "--json", "--evidence", "left"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let log = shop.folder().join("left.unfinished/log.txt");
    let began = Instant::now();
    while !std::fs::read_to_string(&log).is_ok_and(|log| log.contains(" rehearse apply ")) {
        assert!(began.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = i32::try_from(child.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(4));
    assert!(began.elapsed() < Duration::from_secs(50));
    let out = String::from_utf8(ended.stdout).unwrap();
    let outcome: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(outcome["error"]["kind"], "interrupted");
    assert_eq!(
        read(shop.folder().join("left/SHA256SUMS")).lines().count(),
        4
    );
    // Its file is asleep nowhere, so its database is gone.
    let asleep = "select count(*) from pg_stat_activity
                  where query like '%pg_sleep(60)%' and datname like 'tabellion_rehearsal%'";
    assert_eq!(shop.number(asleep).await, 0);
}
