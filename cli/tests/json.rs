//! What machines read: every document parses, holds what the help says, and the help says what it holds.

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::migrate_support::{Project, step};
use support::{COMMON, GUARDED, PLAIN, Run, Shop, help, is_documented};

fn keys(value: &Value) -> BTreeSet<&str> {
    let fields = value.as_object().expect("an object");
    fields.keys().map(String::as_str).collect()
}

/// A document with the common fields and these.
#[track_caller]
fn holds(document: &Value, fields: &[&str]) {
    let wanted: BTreeSet<&str> = COMMON.iter().chain(fields).copied().collect();
    assert_eq!(keys(document), wanted);
}

#[track_caller]
fn document(shop: &Shop, words: &[&str], fields: &[&str]) -> Value {
    let run: Run = shop.run(&[words, &["--json"]].concat());
    assert_eq!(run.err, "", "{words:?}");
    let document = run.json();
    assert_eq!(document["command"], words[0]);
    holds(&document, fields);
    let mut help = help(shop, words[0]);
    if document.get("verification").is_some() {
        // It refers to that.
        help += &shop.run(&["verify", "--help"]).out;
    }
    is_documented(&help, &document);
    document
}

const ROW: [&str; 15] = [
    "id",
    "event",
    "version",
    "name",
    "checksum",
    "rollback_checksum",
    "target",
    "guarded",
    "actor",
    "on_behalf_of",
    "note",
    "position",
    "at",
    "duration_ms",
    "tool",
];
const MIGRATION: [&str; 11] = [
    "version",
    "name",
    "state",
    "checksum",
    "rollback_checksum",
    "statements",
    "no_transaction",
    "hazards",
    "rollback_hazards",
    "approved",
    "applied",
];

#[tokio::test]
async fn of_a_day_on_a_database() {
    let shop = Shop::new(Project::sealed(), GUARDED).await;
    let versions = shop.versions();
    let plan = document(
        &shop,
        &["plan", "--sql"],
        &[
            "approval",
            "pending",
            "begun",
            "elsewhere",
            "guard",
            "unsealed",
            "problems",
        ],
    );
    assert_eq!(plan["approval"], true);
    assert_eq!(plan["target"], "shop");
    let mut migration: BTreeSet<&str> = MIGRATION.into();
    migration.insert("sql");
    assert_eq!(keys(&plan["pending"][0]), migration);
    let sql = plan["pending"][2]["sql"].as_str().unwrap();
    assert!(sql.contains("create index"), "{sql}");

    let unapproved = shop.run(&["apply", "--json"]).code(3).lines();
    let error = &unapproved.last().unwrap()["error"];
    assert_eq!(error["kind"], "unapproved");
    assert_eq!(error["problems"].as_array().unwrap().len(), 3);

    let approved = document(
        &shop,
        &["approve", "--all-pending", "--by", "Ada"],
        &["entries"],
    );
    assert_eq!(keys(&approved["entries"][0]), ROW.into());
    assert_eq!(approved["entries"][2]["event"], "approved");
    assert_eq!(approved["entries"][2]["on_behalf_of"], "Ada");

    let lines = shop
        .run(&["apply", "--by", "Bob", "--json"])
        .code(0)
        .lines();
    let help_of_apply = help(&shop, "apply");
    for line in &lines {
        is_documented(&help_of_apply, line);
        let event = line["event"].as_str().unwrap();
        assert!(help_of_apply.contains(&format!("\n  {event}  ")) || event == "progress");
    }
    let (outcome, events) = lines.split_last().unwrap();
    holds(outcome, &["at", "event", "dry_run", "entries"]);
    assert_eq!(outcome["exit_code"], 0);
    assert_eq!(events.len(), 6, "{events:?}");
    assert_eq!(outcome["entries"][0]["target"], "shop");

    let status = document(
        &shop,
        &["status", "--check"],
        &[
            "migrations",
            "pending",
            "begun",
            "elsewhere",
            "guard",
            "unsealed",
            "problems",
        ],
    );
    assert_eq!(keys(&status["guard"]), ROW.into());
    assert_eq!(status["guard"]["guarded"], true);
    assert_eq!(keys(&status["migrations"][0]), MIGRATION.into());
    assert_eq!(status["migrations"][0]["version"], versions[0]);
    assert_eq!(status["migrations"][0]["state"], "applied");
    assert_eq!(status["migrations"][0]["applied"]["on_behalf_of"], "Bob");
    assert_eq!(status["migrations"][0]["approved"]["on_behalf_of"], "Ada");

    let verify = [
        "clean",
        "compared",
        "pending",
        "problems",
        "notes",
        "missing_roles",
        "findings",
    ];
    assert_eq!(document(&shop, &["verify"], &verify)["clean"], true);
    shop.execute("alter table public.\"order\" alter shop drop not null; create table public.x ()")
        .await;
    shop.execute("drop index public.order_open").await;
    let drifted = document(&shop, &["verify"], &verify);
    assert_eq!(drifted["outcome"], "finding");
    let of = |change: &str| {
        let findings = drifted["findings"].as_array().unwrap();
        let found = findings.iter().find(|one| one["change"] == change);
        found.unwrap_or_else(|| panic!("no {change} in {drifted}"))
    };
    assert_eq!(of("missing")["name"], "order_open");
    assert!(of("missing")["found"].is_null());
    assert_ne!(of("differs")["found"], of("differs")["expected"]);

    let back = shop
        .run(&["rollback", "--accept-data-loss", "--json"])
        .lines();
    holds(back.last().unwrap(), &["at", "event", "error"]);
    let repaired = document(
        &shop,
        &[
            "repair",
            &versions[2],
            "--rolled-back",
            "--by",
            "Ada",
            "--reason",
            "x",
        ],
        &["entries"],
    );
    assert_eq!(repaired["entries"][0]["note"], "x");
    document(
        &shop,
        &["adopt", "--by", "Ada", "--reason", "x"],
        &["entries", "verification"],
    );
    // The target asks for approvals no more, which is not for a file alone to say.
    shop.config(PLAIN);
    shop.run(&["rollback"]).code(3);
    let claimed = document(
        &shop,
        &["claim", "--by", "Ada", "--reason", "x"],
        &["entries"],
    );
    let entry = &claimed["entries"][0];
    assert_eq!(keys(entry), ROW.into());
    assert_eq!(entry["event"], "claimed");
    assert!(entry["version"].is_null() && entry["checksum"].is_null());
}

#[tokio::test]
async fn of_files() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let begun = document(&shop, &["new", "fill"], &["up", "down"]);
    assert_eq!(begun["up"], "db/hand/fill.sql");
    std::fs::remove_dir_all(shop.project.path("hand")).unwrap();
    shop.project.draw(&step(1));
    let sealed = document(&shop, &["seal", "first"], &["sealed", "redraw"]);
    assert_eq!(sealed["redraw"], false);
    assert_eq!(
        keys(&sealed["sealed"][0]),
        ["version", "up", "down", "hazards", "accepted"].into()
    );
    let resealed = document(&shop, &["reseal", "--applied-nowhere"], &["resealed"]);
    assert_eq!(resealed["resealed"], serde_json::json!([]));
    shop.project.draw(&step(2));
    shop.project.seal("second");
    shop.project.draw(&step(1));
    let refused = document(&shop, &["seal", "less"], &["error"]);
    assert_eq!(refused["error"]["kind"], "unaccepted");
    assert_eq!(refused["outcome"], "refused");
}

#[tokio::test]
async fn of_a_statement_that_fails() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let broken = shop.project.seal_sql(
        "broken",
        "select 1;\ndrop table public.nowhere;",
        "select 1;",
    );
    let lines = shop.run(&["apply", "--json"]).code(4).lines();
    let outcome = lines.last().unwrap();
    assert_eq!(
        lines.iter().filter(|line| line["event"] == "done").count(),
        3
    );
    is_documented(&help(&shop, "apply"), outcome);
    let error = &outcome["error"];
    let fields = [
        "kind",
        "message",
        "exit_code",
        "file",
        "line",
        "statement",
        "sqlstate",
        "undone",
        "kept",
    ];
    assert_eq!(keys(error), fields.into());
    assert_eq!(error["kind"], "statement");
    assert_eq!(error["line"], 5);
    assert_eq!(error["sqlstate"], "42P01");
    assert_eq!(error["undone"], true);
    assert!(
        error["file"].as_str().unwrap().contains(&broken.version),
        "{error}"
    );
}

#[tokio::test]
async fn a_command_line_that_does_not_read_names_its_command() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    for (words, command, event) in [
        (&["apply", "--json", "--bogus"][..], "apply", "outcome"),
        (
            &["--root", "status", "--json", "apply", "--bogus"],
            "apply",
            "outcome",
        ),
        (&["status", "--json", "--bogus"], "status", ""),
        (&["--json", "nothing"], "", ""),
    ] {
        let run = shop.run(words).code(2);
        let document: Value = serde_json::from_str(run.out.trim()).unwrap();
        assert_eq!(document["command"], command, "{words:?}");
        assert_eq!(
            document["event"].as_str().unwrap_or_default(),
            event,
            "{words:?}"
        );
        assert_eq!(document["error"]["kind"], "usage");
    }
}
