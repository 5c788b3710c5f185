//! The tests of row-level security: run as they are, and without each protection.

mod support;

use serde_json::{Value, json};
use support::migrate_support::{Project, ROLE, step};
use support::{PLAIN, Shop, help, is_documented, read};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Expr, Platform, QualifiedName, Rls, Type};

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

/// The guards that are taken away of a policy that reads settings in several ways, each of which is noticed.
async fn guards(platform: Platform, using: &[String], settings: Vec<ProofSetting>) -> Vec<String> {
    let project = Project::new();
    let mut schema = step(2);
    schema.platform = platform;
    let name = QualifiedName::new("Desk", "note");
    let note = schema.tables.get_mut(&name).unwrap();
    let Rls::Enabled(policies) = &mut note.rls else {
        panic!("no policies");
    };
    for policy in policies.values_mut() {
        policy.using = Some(Expr::new(using.join(" and "), ["id", "order_id", "shop"]));
    }
    project.draw(&schema);
    project.seal("typed");
    let scope = ProofScope {
        role: ROLE.to_owned(),
        settings,
    };
    std::fs::create_dir_all(project.path("tests")).unwrap();
    project.write("tests/rls_tests.sql", &rls_tests(&schema, &[scope]));
    let shop = Shop::new(project, PLAIN).await;
    // On a server of its own: what it makes of the platform's roles is dropped while other tests run.
    let run = shop.run(&["test", "--mutate", "--json", "--throw-away"]);
    let lines = run.code(0).lines();
    let outcome = lines.last().unwrap();
    assert_eq!(outcome["score"], 100);
    let policy = "\"Desk\".note: policy \"Own rows: select\", using, ";
    let guards = outcome["mutants"].as_array().unwrap().iter();
    let guards = guards.filter(|mutant| mutant["kind"] == "guard");
    let guards = guards.filter_map(|mutant| mutant["what"].as_str()?.strip_prefix(policy));
    guards.map(str::to_owned).collect()
}

fn setting(name: &str, claim: Option<&str>, ty: Type, texts: &[&str]) -> ProofSetting {
    ProofSetting {
        name: name.to_owned(),
        claim: claim.map(|claim| vec![claim.to_owned()]),
        ty,
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
    }
}

const UUID: &str = "given like '________-____-____-____-____________' and given ~ '^[0-9a-fA-F-]+$' \
                    and given not like '%-%-%-%-%-%'";

/// A text that is no value of its type must find nothing, and raise nothing either.
#[tokio::test]
async fn the_form_of_each_value_is_a_protection_too() {
    let given = |name: &str| format!("(select current_setting('{name}', true) as given) setting");
    let value = |form: &str, value: &str, name: &str| {
        let given = given(name);
        format!("(select case when {form} then {value} end from {given})")
    };
    let number = "case when given::numeric between -9223372036854775808 and 9223372036854775807 \
                  then given::bigint end";
    let number = value(
        "length(given) <= 20 and given ~ '^-?[0-9]+$'",
        number,
        "app.number",
    );
    let using = [
        format!("id = {}", value(UUID, "given::uuid", "app.owner")),
        format!("order_id = {number}"),
        format!(
            "shop <> {}",
            value("given in ('it''s THEN', 'b')", "given", "app.kind")
        ),
        "shop = (select current_setting('app.shop', true)) and shop > ''".to_owned(),
        "shop >= nullif((select current_setting('app.shop', true)), '')".to_owned(),
        "shop <= nullif((select current_setting('app.shop', true)), '')".to_owned(),
    ];
    let settings = vec![
        setting("app.shop", None, Type::Text, &[]),
        setting("app.owner", None, Type::Uuid, &[]),
        setting("app.number", None, Type::Int8, &[]),
        setting("app.kind", None, Type::Text, &["it's THEN", "b"]),
    ];
    let guards = guards(Platform::Postgres, &using, settings).await;
    assert_eq!(
        guards,
        [
            "empty setting 1 of 2",
            "empty setting 2 of 2",
            "empty text",
            "form of a value 1 of 4",
            "form of a value 2 of 4",
            "form of a value 3 of 4",
            "form of a value 4 of 4",
        ]
    );
}

#[tokio::test]
async fn what_a_claim_must_be_is_a_protection_too() {
    let claim = |name: &str, step: &str, form: &str, value: &str| {
        format!(
            "(select case when {form} then {value} end from (select (select auth.jwt()) {step} '{name}' as given \
             offset 0) setting)"
        )
    };
    let text = |form: &str, name: &str| claim(name, "->", form, "given #>> '{}'");
    let is_text = "jsonb_typeof(given) = 'string'";
    let kind = format!("{is_text} and given #>> '{{}}' in ('it''s THEN', 'b')");
    let using = [
        format!("shop = {} and shop > ''", text(is_text, "email")),
        format!("shop >= nullif({}, '')", text(is_text, "email")),
        format!("shop <> {}", text(&kind, "kind")),
        format!("id = {}", claim("owner", "->>", UUID, "given::uuid")),
    ];
    let settings = vec![
        setting("request.jwt.claim.email", Some("email"), Type::Text, &[]),
        setting("request.jwt.claim.owner", Some("owner"), Type::Uuid, &[]),
        setting(
            "request.jwt.claim.kind",
            Some("kind"),
            Type::Text,
            &["it's THEN", "b"],
        ),
    ];
    let guards = guards(Platform::Supabase, &using, settings).await;
    assert_eq!(
        guards,
        [
            "empty setting",
            "empty text",
            "form of a value 1 of 2",
            "form of a value 2 of 2",
            "text of an enumeration",
            "type of a claim 1 of 3",
            "type of a claim 2 of 3",
            "type of a claim 3 of 3",
        ]
    );
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
