//! Neither a password nor a row's value is printed or left anywhere.

mod support;

use std::path::Path;

use support::migrate_support::Project;
use support::{Run, Shop};

/// Two targets, of which one asks for approvals.
const CONFIG: &str = "[target.shop]\nurl_env = \"ANA_URL\"\n[target.live]\nurl_env = \"LIVE_URL\"\n\
                      direct_url_env = \"LIVE_DIRECT_URL\"\npooler = \"transaction\"\napproval = true\n";

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Every command in turn, for people and for machines, each with evidence; `Shop::end` reads what is printed.
fn everything(shop: &Shop, tag: &str, urls: [&str; 3], version: &str) -> Vec<Run> {
    let who = ["--by", "Ada", "--reason", "x"];
    let mut runs = Vec::new();
    for target in ["shop", "live"] {
        let all: [Vec<&str>; 12] = [
            vec!["rehearse"],
            vec!["plan", "--sql"],
            vec!["approve", version],
            vec!["approve", "--all-pending", "--by", "Ada"],
            vec!["apply", "--dry-run"],
            vec!["apply", "--lock-wait", "0"],
            vec!["rollback", "--lock-wait", "0"],
            vec!["status"],
            vec!["verify"],
            [&["adopt"][..], &who].concat(),
            [&["repair", version, "--applied"][..], &who].concat(),
            vec!["reseal"],
        ];
        for (index, words) in all.iter().enumerate() {
            for json in [false, true] {
                let folder = format!("left/{tag}-{target}-{index}-{json}");
                let mut command = shop.command(words);
                command.args(["--target", target, "--evidence", &folder]);
                command.env_remove("SHOP_URL");
                for (name, url) in ["ANA_URL", "LIVE_URL", "LIVE_DIRECT_URL"].iter().zip(urls) {
                    command.env(name, url);
                }
                if json {
                    command.arg("--json");
                }
                runs.push(shop.end(command));
            }
        }
    }
    runs
}

#[tokio::test]
async fn whatever_the_command_and_however_it_ends() {
    let shop = Shop::new(Project::sealed(), CONFIG).await;
    shop.project.seal_sql(
        "values",
        "create table public.card (number text primary key);\n\
         insert into public.card select chr(115) || '3cret' from generate_series(1, 2);",
        "drop table public.card;",
    );
    let version = shop.versions().remove(0);
    let url = shop.database.url();
    shop.database.create_login("ana", &[]).await.unwrap();
    let ana = format!("ana_{}", shop.database.name());
    let refused = shop.database.url_as(&ana, "s3cret");
    let down = "postgres://ana:s3cret@127.0.0.1:1/s3cret";
    let mangled = "postgres://ana:s3cret@/s3cret?s3cret=s3cret";
    let keywords = "host=127.0.0.1 port=1 user=ana password=s3cret";
    for (tag, urls) in [
        ("refused", [refused.as_str(), &refused, &refused]),
        ("down", [down, keywords, down]),
        ("mangled", [mangled, mangled, mangled]),
        ("works", [url, url, url]),
        ("direct-down", [down, url, down]),
    ] {
        let runs = everything(&shop, tag, urls, &version);
        assert!(runs.iter().any(|run| run.code >= 2), "{tag}");
        let failed = runs.iter().filter(|run| !run.err.is_empty());
        for run in failed {
            assert!(run.err.starts_with("error: "), "{tag}: {}", run.err);
        }
    }
    let mut left = Vec::new();
    files(&shop.folder().join("left"), &mut left);
    assert!(left.len() > 400, "{}", left.len());
    let mut failures = 0;
    for path in left {
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in [shop.password(), "s3cret"] {
            assert!(!text.contains(secret), "{path:?}: {text}");
        }
        failures += usize::from(text.contains("23505"));
    }
    assert!(failures > 0, "the row that is there twice was never met");
    // The ledger neither.
    let rows = "select count(*) from tabellion.ledger l where l::text like '%s3cret%'";
    assert_eq!(shop.number(rows).await, 0);
    let failed = "select count(*) from tabellion.ledger where event = 'failed'";
    assert!(shop.number(failed).await > 0);
}
