//! The pages of the rules: each by its code, all in a list.

mod support;

use support::migrate_support::Project;
use support::{PLAIN, Shop, help, is_documented};

#[tokio::test]
async fn every_code_of_the_list_has_a_page() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let list = shop.run(&["explain"]).code(0).out;
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(codes.is_sorted() && codes.len() >= 20, "{list}");
    for rule in [
        "cross-tenant-key",
        "cross-tenant-reference",
        "leakproof-index",
        "missing-rls",
        "native-enum",
        "policy-column-index",
        "second-permissive",
        "unneeded-allowance",
        "update-using-true",
        "view-invoker",
    ] {
        assert!(codes.contains(&rule), "{rule}");
    }
    for code in codes {
        let page = shop.run(&["explain", code]).code(0).out;
        assert!(page.starts_with(&format!("{code} (")), "{page}");
        assert!(page.contains("\nTo mend it:\n"), "{page}");
    }
}

#[tokio::test]
async fn an_unknown_code_names_the_nearest() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let run = shop.run(&["explain", "leakprof-index"]).code(2);
    assert!(
        run.err.contains(
            "no rule has the code `leakprof-index`; one with a similar name exists: \
             `cargo tabellion explain leakproof-index`"
        ),
        "{}",
        run.err
    );
    let run = shop.run(&["explain", "nothing-like-it-at-all"]).code(2);
    assert!(
        run.err.contains("; run `cargo tabellion explain` "),
        "{}",
        run.err
    );
}

/// It needs no lock, no `tabellion.toml` and no database.
#[tokio::test]
async fn machines_read_it_anywhere() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let help = help(&shop, "explain");
    for words in [
        &["explain", "--json"][..],
        &["explain", "native-enum", "--json"],
    ] {
        let document = shop.run(words).code(0).lines().pop().expect("a document");
        is_documented(&help, &document);
    }
    let elsewhere = std::env::temp_dir();
    let mut alone = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"));
    let alone = alone.args(["tabellion", "explain", "native-enum"]);
    let output = alone.current_dir(elsewhere).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}
