//! Every exit code, and the word for machines that goes with it.

mod support;

use support::migrate_support::{Project, client, step};
use support::{GUARDED, PLAIN, Shop};

#[tokio::test]
async fn each_has_a_cause() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let help = shop.run(&["--help"]).code(0).out;
    // Each case: the words, the exit code, and the kind of an error.
    let check = |words: &[&str], code: i32, kind: Option<&str>| {
        let run = shop.run(words).code(code);
        let prints_error = run.err.lines().any(|line| line.starts_with("error: "));
        assert_eq!(prints_error, kind.is_some(), "{words:?} {}", run.err);
        let run = shop.run(&[words, &["--json"]].concat()).code(code);
        let document = run.lines().pop().expect("an outcome");
        assert_eq!(document["exit_code"], code);
        assert_eq!(
            document["error"]["kind"].as_str(),
            kind,
            "{words:?} {document}"
        );
        assert_eq!(
            run.err
                .lines()
                .filter(|line| line.starts_with("error"))
                .count(),
            0
        );
        if let Some(kind) = kind {
            let line = format!("    {kind} ({code}) ");
            assert!(help.contains(&line), "{line}");
            let message = document["error"]["message"].as_str().unwrap();
            assert!(
                message.contains("; ") && !message.ends_with('.'),
                "{message}"
            );
        }
    };

    check(&["status"], 0, None);
    check(&["status", "--check"], 1, None);
    check(&["verify"], 1, None);
    check(&["apply", "--to", "20000101000000"], 2, Some("usage"));
    check(&["rollback", "--to", "20000101000000"], 2, Some("usage"));
    check(&["status", "--root", "nowhere"], 3, Some("files"));
    check(&["seal", "nothing"], 3, Some("files"));
    check(&["status", "--evidence", "db"], 3, Some("evidence"));
    check(
        &["status", "--evidence", "tabellion.toml"],
        3,
        Some("evidence"),
    );
    check(&["status", "--evidence", "tabellion.toml/x"], 4, Some("io"));
    check(&["apply"], 0, None);
    check(&["rollback"], 3, Some("data-loss"));

    shop.config(GUARDED);
    check(&["rollback", "--accept-data-loss"], 3, Some("unapproved"));
    shop.config(PLAIN);

    shop.project.draw(&step(2));
    let unaccepted = shop.run(&["seal", "less"]).code(3);
    assert!(unaccepted.err.contains("--accept"), "{}", unaccepted.err);

    shop.project
        .seal_sql("broken", "drop table public.nowhere;", "select 1;");
    check(&["apply"], 4, Some("statement"));
    let holder = client(shop.database.url()).await;
    holder
        .batch_execute("begin; select pg_advisory_xact_lock(8386092168890837359)")
        .await
        .unwrap();
    check(&["apply", "--lock-wait", "0"], 5, Some("held"));
    holder.batch_execute("rollback").await.unwrap();

    shop.execute("alter table tabellion.ledger add check (event <> 'approved') not valid")
        .await;
    let approve = ["approve", "--all-pending", "--by", "Ana"];
    check(&approve, 4, Some("server"));
}

#[tokio::test]
async fn access_that_opens_is_refused() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let header = "-- Draft by Tabellion; seal it.\n\n";
    let opening = "-- Draft by Tabellion; seal it.\n-- tabellion: widens-access: table public.one: row-level security off\n\n";
    shop.project.seal_text(
        "one",
        &format!("{header}create table public.one (id int);\nalter table public.one enable row level security;\n"),
        &format!("{opening}alter table public.one disable row level security;\ndrop table public.one;\n"),
    );
    shop.run(&["apply"]).code(0);
    let refused = shop.run(&["rollback"]).code(3);
    assert!(
        refused.err.contains("--accept-wider-access"),
        "{}",
        refused.err
    );
    let lines = shop.run(&["rollback", "--json"]).code(3).lines();
    assert_eq!(lines[0]["error"]["kind"], "wider-access");
    shop.run(&["rollback", "--accept-wider-access"]).code(0);
}

#[tokio::test]
async fn the_help_says_them() {
    let shop = Shop::new(Project::new(), PLAIN).await;
    let all = shop.run(&["--help"]).code(0).out;
    let commands: Vec<&str> = all
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() >= 11, "{commands:?}");
    for command in commands {
        let own = shop.run(&[command, "--help"]).code(0).out;
        for part in [
            "Says",
            "JSON",
            "Exit codes: 0 done, 1 a finding, 2 usage, 3 refused, 4 failed, 5 held",
        ] {
            assert!(own.contains(part), "{command} does not say {part}\n{own}");
        }
    }
    // Cargo lends its name: the second word is the first of ours.
    let mut alone = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-tabellion"));
    let alone = alone.arg("--help").output().unwrap();
    assert_eq!(String::from_utf8(alone.stdout).unwrap(), all);
}
