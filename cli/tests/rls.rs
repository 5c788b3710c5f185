//! The tests of row-level security: run as they are, and without each protection.

mod support;

use serde_json::{Value, json};
use support::migrate_support::{Project, ROLE, step};
use support::{PLAIN, Shop, help, is_documented, read};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Expr, QualifiedName, Rls, Type};

/// A project with the tests that its build would have drawn.
async fn shop() -> Shop {
    let project = Project::sealed();
    let scope = ProofScope {
        role: ROLE.to_owned(),
        settings: vec![ProofSetting {
            name: "app.shop".to_owned(),
            claim: None,
            ty: Type::Text,
            texts: Vec::new(),
        }],
    };
    let text = rls_tests(&project.lock().schema, &[scope]);
    std::fs::create_dir_all(project.path("tests")).unwrap();
    project.write("tests/rls_tests.sql", &text);
    Shop::new(project, PLAIN).await
}

#[tokio::test]
async fn each_missing_protection_is_noticed() {
    let shop = shop().await;
    let run = shop.run(&["test"]).code(0);
    assert!(
        run.out
            .starts_with("tested in a scratch database on the target's server\n"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("tables made by the sealed migrations\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains(" proofs passed\n"), "{}", run.out);
    assert!(!run.out.contains("score"), "{}", run.out);

    let lines = shop
        .run(&["test", "--mutate", "--json", "--evidence", "left"])
        .code(0)
        .lines();
    let help = help(&shop, "test");
    lines.iter().for_each(|line| is_documented(&help, line));
    let outcome = lines.last().unwrap();
    assert_eq!(outcome["clean"], true);
    assert_eq!(outcome["score"], 100);
    let mutants = outcome["mutants"].as_array().unwrap();
    let events = lines.iter().filter(|line| line["event"] == "without");
    assert_eq!(events.count(), mutants.len());
    for (kind, at_least) in [
        ("policy", 4),
        ("using", 3),
        ("with check", 2),
        ("enable", 2),
        ("force", 2),
        ("guard", 5),
        ("revoke", 10),
    ] {
        let of_it = mutants.iter().filter(|mutant| mutant["kind"] == kind);
        assert!(of_it.count() >= at_least, "{kind}");
    }
    let left = read(shop.folder().join("left").join("verification.json"));
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["score"], 100);
}

/// A text that is no value of its type must find nothing, and raise nothing either.
#[tokio::test]
async fn the_form_of_each_value_is_a_protection_too() {
    let owner = "id = (select case when given like '________-____-____-____-____________' \
                 and given ~ '^[0-9a-fA-F-]+$' and given not like '%-%-%-%-%-%' then given::uuid end \
                 from (select current_setting('app.owner', true) as given) setting)";
    let number = "order_id = (select case when length(given) <= 20 and given ~ '^-?[0-9]+$' then \
                  case when given::numeric between -9223372036854775808 and 9223372036854775807 \
                  then given::bigint end end from (select current_setting('app.number', true) as given) setting)";
    let project = Project::new();
    let mut schema = step(2);
    let name = QualifiedName::new("Desk", "note");
    let Rls::Enabled(policies) = &mut schema.tables.get_mut(&name).unwrap().rls else {
        panic!("no policies");
    };
    for policy in policies.values_mut() {
        let both = format!("{owner} and {number}");
        policy.using = Some(Expr::new(both, ["id", "order_id"]));
    }
    project.draw(&schema);
    project.seal("typed");
    let setting = |name: &str, ty| ProofSetting {
        name: name.to_owned(),
        claim: None,
        ty,
        texts: Vec::new(),
    };
    let scope = ProofScope {
        role: ROLE.to_owned(),
        settings: vec![
            setting("app.shop", Type::Text),
            setting("app.owner", Type::Uuid),
            setting("app.number", Type::Int8),
        ],
    };
    std::fs::create_dir_all(project.path("tests")).unwrap();
    project.write("tests/rls_tests.sql", &rls_tests(&schema, &[scope]));
    let shop = Shop::new(project, PLAIN).await;
    let lines = shop.run(&["test", "--mutate", "--json"]).code(0).lines();
    let mutants = lines.last().unwrap()["mutants"].as_array().unwrap();
    let guard = "\"Desk\".note: policy \"Own rows: select\", using, form of a value";
    let guard = mutants.iter().find(|mutant| mutant["what"] == guard);
    let guard = guard.unwrap_or_else(|| panic!("{mutants:?}"));
    assert_eq!(guard["kind"], "guard");
    assert!(guard["noticed"].is_string(), "{guard}");
}

#[tokio::test]
async fn what_they_do_not_notice_is_a_finding() {
    let shop = shop().await;
    let path = shop.project.path("tests/rls_tests.sql");
    let text = read(&path);
    // Somebody has cut the catalog out of the tests.
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("select pg_temp.prove_catalog("))
        .collect();
    std::fs::write(&path, kept.join("\n")).unwrap();
    let run = shop.run(&["test", "--mutate"]).code(1);
    assert!(
        run.out
            .contains("not noticed: without force public.\"order\"\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains("\nscore: "), "{}", run.out);
    let lines = shop.run(&["test", "--mutate", "--json"]).code(1).lines();
    let help = help(&shop, "test");
    lines.iter().for_each(|line| is_documented(&help, line));
    let survived = lines.iter().filter(|line| line["event"] == "survived");
    let unnoticed = lines.last().unwrap()["mutants"].as_array().unwrap();
    let unnoticed = unnoticed
        .iter()
        .filter(|mutant| mutant["noticed"].is_null());
    assert!(survived.count() == unnoticed.count() && run.out.contains("not noticed"));

    // A migration that opens a table behind the structs' back.
    std::fs::write(&path, text).unwrap();
    shop.project.seal_sql(
        "open",
        &format!("create policy open on public.\"order\" for select to {ROLE} using (true);"),
        "drop policy open on public.\"order\";",
    );
    let run = shop.run(&["test", "--mutate", "--json"]).code(1);
    let outcome = run.lines().pop().unwrap();
    let failure = format!(
        "public.\"order\": select by {ROLE}, scope unset, row of tenant A: expected 0 rows, found 1 row"
    );
    assert_eq!(outcome["failure"], json!(failure));
    assert_eq!(outcome["score"], Value::Null);
}

#[cfg(unix)]
#[tokio::test]
async fn interrupted_they_say_what_they_had_found() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use rustix::process::{Pid, Signal, kill_process};

    let shop = shop().await;
    let mut child = shop
        .command(&["test", "--mutate", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let third = lines.find(|line| line["event"] == "without" && line["number"] == 3);
    assert!(third.is_some());
    let pid = i32::try_from(child.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    let outcome = lines.last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(outcome["error"]["kind"], "interrupted");
    let said = outcome["error"]["message"].as_str().unwrap();
    assert!(
        said.starts_with("the tests were interrupted, and their scratch database is dropped; of ")
            && said.contains(" protections ")
            && said.contains(" were taken away, and "),
        "{said}"
    );
}

#[tokio::test]
async fn tests_that_no_build_has_drawn_are_refused() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let run = shop.run(&["test"]).code(3);
    assert!(
        run.err
            .contains("tests/rls_tests.sql` does not exist; run `cargo build`"),
        "{}",
        run.err
    );
}
