//! `tabellion.toml`, and which database a command takes.

mod support;

use support::migrate_support::{Project, database};
use support::{GUARDED, PLAIN, Shop};

#[tokio::test]
async fn a_mistake_in_the_file_is_told_with_its_line() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let cases = [
        (
            "[target.shop]\nurl_env = \"SHOP_URL\"\ncolour = \"red\"\n",
            "`tabellion.toml` line 3: the key `colour` is unknown; it knows `root`, and in `[target.NAME]` \
             `url_env`, `direct_url_env`, `approval` and `pooler`",
        ),
        (
            "\n[target.shop]\nurl_env = \"postgres://ana:s3cret@db.example/shop\"\n",
            "`tabellion.toml` line 3: `url_env` of target `shop` holds what looks like a URL, which never stands \
             in a file; write the name of the environment variable that holds it, and change the password if \
             this file has been shared",
        ),
        (
            "[target.shop]\nurl = \"postgres://ana:s3cret@db.example/shop\"\n",
            "`tabellion.toml` line 2: the key `url` is unknown; a URL never stands in a file; write `url_env` \
             with the name of the environment variable that holds it",
        ),
        (
            "[target.shop]\napproval = true\n",
            "`tabellion.toml` line 1: a target lacks `url_env`; write the name of the environment variable that \
             holds its URL",
        ),
        (
            "[target.shop]\nurl_env = \"SHOP_URL\"\npooler = \"s3cret\"\n",
            "`tabellion.toml` line 3: `pooler` of target `shop` is none of `direct`, `session` and \
             `transaction`; write one of them",
        ),
    ];
    for (config, told) in cases {
        shop.config(config);
        // Before anything else, whatever the command.
        for words in [&["status"][..], &["seal", "x"], &["apply", "--by", "Ana"]] {
            let run = shop.run(words).code(2);
            assert_eq!(run.err, format!("error: {told}\n"), "{words:?}");
            assert_eq!(run.out, "");
        }
        let error = shop.run(&["status", "--json"]).code(2).json();
        assert_eq!(error["error"]["kind"], "usage");
        assert_eq!(error["error"]["message"], told);
    }
}

#[tokio::test]
async fn the_file_is_found_from_below_and_by_the_root() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let root = shop.folder().join("schema");
    std::fs::rename(shop.project.root(), &root).unwrap();
    shop.config(&format!("root = \"schema\"\n{PLAIN}"));
    let below = shop.folder().join("src/deeper");
    std::fs::create_dir_all(&below).unwrap();
    let mut command = shop.command(&["new", "first"]);
    command.current_dir(&below);
    let run = shop.end(command).code(0);
    assert!(
        run.out.starts_with(
            "wrote ../../schema/hand/first.sql\n      ../../schema/hand/first.rollback.sql\n"
        ),
        "{}",
        run.out
    );
    // From elsewhere the root leads to it.
    let elsewhere = tempfile::tempdir().unwrap();
    shop.config("x = 1\n");
    let mut command = shop.command(&["status", "--root", root.to_str().unwrap()]);
    command.current_dir(elsewhere.path());
    let run = shop.end(command).code(2);
    assert!(run.err.contains("the key `x` is unknown"), "{}", run.err);
}

#[tokio::test]
async fn a_database_is_named_or_the_only_one() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let named = shop.run(&["status", "--json"]).code(0).json();
    assert_eq!(named["target"], "shop");

    let mut unset = shop.command(&["status"]);
    unset.env("SHOP_URL", " ");
    assert_eq!(
        shop.end(unset).code(2).err,
        "error: the environment variable `SHOP_URL` holds no URL; set it to \
         `postgres://user:password@host:5432/database`, or name another with `--target NAME`\n"
    );
    assert_eq!(
        shop.run(&["status", "--target", "warehouse"]).code(2).err,
        "error: `tabellion.toml` names no target `warehouse`; it names `shop`\n"
    );

    shop.config(&format!("{PLAIN}[target.test]\nurl_env = \"TEST_URL\"\n"));
    assert_eq!(
        shop.run(&["status"]).code(2).err,
        "error: `tabellion.toml` names several targets; choose one of `shop`, `test` with `--target`\n"
    );
    // What the usual variable holds is no answer to that.
    let mut usual = shop.command(&["status"]);
    usual.env("DATABASE_URL", shop.database.url());
    shop.end(usual).code(2);
    shop.run(&["status", "--target", "shop"]).code(0);
    shop.run(&["status", "--target", "shop", "--url-env", "SHOP_URL"])
        .code(2);

    // No file at all.
    std::fs::remove_file(shop.folder().join("tabellion.toml")).unwrap();
    let mut usual = shop.command(&["status", "--json"]);
    usual.env("DATABASE_URL", shop.database.url());
    assert!(shop.end(usual).code(0).json()["target"].is_null());
    assert!(
        shop.run(&["status"])
            .code(2)
            .err
            .contains("`DATABASE_URL` holds no URL; set it to"),
    );
    assert_eq!(
        shop.run(&["status", "--target", "shop"]).code(2).err,
        "error: `tabellion.toml` names no target `shop`; write it into `tabellion.toml`, or name a variable \
         with `--url-env`\n"
    );
}

#[tokio::test]
async fn nobody_walks_around_an_approval_by_a_variable() {
    let shop = Shop::new(Project::sealed(), GUARDED).await;
    let url = shop.database.url();
    let other_login = url.replacen("postgres://", "postgresql://", 1) + "?application_name=x";
    let as_variable = |variable: &str, value: &str, words: &[&str]| {
        let mut command = shop.command(words);
        command.env(variable, value).arg("--url-env").arg(variable);
        shop.end(command)
    };
    let refused = "has no approval that counts on target `shop`";
    // The target's own variable, another one with the same URL, another one that leads there.
    for (variable, value) in [("SHOP_URL", url), ("MINE", url), ("MINE", &other_login)] {
        let run = as_variable(variable, value, &["apply"]).code(3);
        assert!(run.err.contains(refused), "{}", run.err);
    }
    // The target's variable is unset, and its ledger tells all the same.
    shop.run(&["approve", "--all-pending", "--by", "Ana"])
        .code(0);
    let versions = shop.versions();
    shop.run(&["apply", "--to", &versions[1]]).code(0);
    let version = &versions[2];
    let who = ["--by", "Eve", "--reason", "x"];
    for words in [
        &["apply"][..],
        &["rollback", "--accept-data-loss"],
        &[&["repair", version, "--applied"][..], &who].concat(),
        &[&["adopt"][..], &who].concat(),
        &["approve", version, "--by", "Eve"],
    ] {
        let mut command = shop.command(words);
        command
            .env("SHOP_URL", "")
            .env("MINE", url)
            .args(["--url-env", "MINE"]);
        let run = shop.end(command).code(3);
        assert!(
            run.err.starts_with(
                "error: target `shop` guards this database, since it asked for approvals when "
            ) && run
                .err
                .contains(" UTC; say `--target shop` (in a program: ")
                && run
                    .err
                    .contains("run `cargo tabellion claim --target NAME --by NAME --reason TEXT`"),
            "{}",
            run.err
        );
    }
    // Looking is free.
    let mut command = shop.command(&["status", "--url-env", "MINE"]);
    command.env("SHOP_URL", "").env("MINE", url);
    let run = shop.end(command).code(0);
    assert!(
        run.out.contains(
            "\ntarget `shop` guards this database: a target that asks for no approvals changes nothing here\n"
        ),
        "{}",
        run.out
    );
    // Nor is its server one to rehearse on.
    let mut command = shop.command(&["rehearse", "--url-env", "MINE"]);
    command.env("SHOP_URL", "").env("MINE", url);
    let run = shop.end(command).code(3);
    assert!(
        run.err.contains("guards the named database") && run.err.contains("`--throw-away`"),
        "{}",
        run.err
    );
    // A database of one's own is nobody's target.
    let own = database().await;
    as_variable("MINE", own.url(), &["apply"]).code(0);
}

#[tokio::test]
async fn a_restored_copy_is_claimed_for_its_target() {
    let config = format!("{GUARDED}[target.staging]\nurl_env = \"STAGING_URL\"\n");
    let shop = Shop::new(Project::sealed(), &config).await;
    let all = [
        "approve",
        "--all-pending",
        "--by",
        "Ana",
        "--target",
        "shop",
    ];
    shop.run(&all).code(0);
    shop.run(&["apply", "--target", "shop"]).code(0);
    // As if it were a copy on a server of its own.
    let staging = |words: &[&str]| {
        let mut command = shop.command(words);
        command
            .env("SHOP_URL", "")
            .env("STAGING_URL", shop.database.url())
            .args(["--target", "staging"]);
        shop.end(command)
    };
    let back = ["rollback", "--accept-data-loss"];
    let refused = staging(&back).code(3);
    let remedy = "cargo tabellion claim --target staging --by NAME --reason TEXT";
    assert!(refused.err.contains(remedy), "{}", refused.err);
    staging(&["claim", "--by", "Ana"]).code(2);
    let claim = ["claim", "--by", "Ana", "--reason", "restored on Monday"];
    let claimed = staging(&claim).code(0);
    assert!(
        claimed
            .out
            .starts_with("claimed the database on staging by ")
            && claimed.out.ends_with(" for Ana\n"),
        "{}",
        claimed.out
    );
    staging(&back).code(0);
    let again = staging(&claim).code(2);
    assert!(
        again
            .err
            .starts_with("error: no target guards this database"),
        "{}",
        again.err
    );
    // Where both lead to one database, it is no copy.
    let mut twin = shop.command(&claim);
    twin.env("STAGING_URL", shop.database.url())
        .args(["--target", "staging"]);
    shop.end(twin).code(2);
}

#[tokio::test]
async fn two_targets_of_one_database_are_told_apart_by_the_stricter() {
    let shop = Shop::new(
        Project::sealed(),
        &format!("{GUARDED}[target.lax]\nurl_env = \"LAX_URL\"\n"),
    )
    .await;
    let url = shop.database.url();
    let mut lax = shop.command(&["apply", "--target", "lax"]);
    lax.env("LAX_URL", url);
    assert_eq!(
        shop.end(lax).code(2).err,
        "error: targets `lax` and `shop` lead to the same database, and `shop` asks for approvals; see what \
         their variables hold, or say `--target shop`\n"
    );
    let mut mine = shop.command(&["apply", "--json", "--url-env", "MINE"]);
    mine.env("LAX_URL", url).env("MINE", url);
    let lines = shop.end(mine).code(3).lines();
    let outcome = lines.last().unwrap();
    assert_eq!(outcome["target"], "shop");
    assert_eq!(outcome["error"]["kind"], "unapproved");
}

#[tokio::test]
async fn a_url_on_the_command_line_is_not_repeated() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let url = shop.database.url();
    let pair = format!("production={url}");
    let flag = format!("--url-env={url}");
    for words in [
        &["status", "--target", url][..],
        &["status", "--url-env", url],
        &["status", &flag],
        &["status", url],
        &["reseal", "--target", &pair],
        &["reseal", "--target", url],
        &["apply", "--lock-wait", url],
        &["status", "--url-env", "host=db password=s3cret"],
        &["status", "host=db password=s3cret"],
    ] {
        // That nothing holds the password is looked at in `end`.
        let run = shop.run(words).code(2);
        assert!(run.err.starts_with("error: "), "{words:?} {}", run.err);
        let mut words = words.to_vec();
        words.push("--json");
        let error = shop.run(&words).code(2).json();
        assert_eq!(error["error"]["kind"], "usage", "{words:?}");
    }
}
