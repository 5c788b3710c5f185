//! Adopting what is there, and repairing the ledger.

mod support;

use support::migrate_support::Project;
use support::{PLAIN, Shop, read};

/// Runs the sealed files as `psql` would.
async fn by_hand(shop: &Shop) {
    for version in shop.versions() {
        let folder = shop.project.path("migrations");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(&version)
            {
                shop.execute(&read(&path)).await;
            }
        }
    }
}

const WHO: [&str; 4] = ["--by", "Ada", "--reason", "it was there before"];

#[tokio::test]
async fn what_matches_is_entered_and_what_differs_is_told() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    by_hand(&shop).await;
    shop.execute("drop index public.order_open").await;
    let adopt = [&["adopt"][..], &WHO].concat();
    let differs = shop.run(&adopt).code(1);
    assert!(
        differs.out.starts_with("index `order_open` on `public.\"order\"` is missing")
            && differs.out.ends_with(
                "\nthe database differs from what was sealed, so nothing was adopted; change it, or seal what it \
                 holds\n"
            ),
        "{}",
        differs.out
    );
    let document = shop.run(&[&adopt[..], &["--json"]].concat()).code(1).json();
    assert_eq!(document["outcome"], "finding");
    assert_eq!(document["entries"], serde_json::json!([]));
    assert_eq!(
        document["verification"]["findings"][0]["name"],
        "order_open"
    );
    assert_eq!(document["verification"]["clean"], false);
    let status = shop.run(&["status", "--json"]).code(0).json();
    assert_eq!(status["pending"], 3);

    shop.execute("create index order_open on public.\"order\" (total) where state = 'open'")
        .await;
    let adopted = shop.run(&adopt).code(0);
    assert_eq!(adopted.out.lines().count(), 3, "{}", adopted.out);
    for (line, version) in adopted.out.lines().zip(shop.versions()) {
        assert!(
            line.starts_with(&format!("adopted {version} step_"))
                && line.contains(" on shop by ")
                && line.ends_with(" for Ada"),
            "{line}"
        );
    }
    shop.run(&["verify"]).code(0);
    shop.run(&["status", "--check"]).code(0);
    assert_eq!(shop.run(&adopt).code(0).out, "nothing to adopt\n");
    assert_eq!(shop.run(&["apply"]).code(0).out, "nothing to apply\n");
    let noted = "select count(*) from tabellion.ledger
                 where event = 'adopted' and note = 'it was there before' and on_behalf_of = 'Ada'
                   and target = 'shop'";
    assert_eq!(shop.number(noted).await, 3);
}

#[tokio::test]
async fn what_the_supabase_cli_applied_is_adopted() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    by_hand(&shop).await;
    let versions = shop.versions();
    shop.execute(&format!(
        "create schema supabase_migrations;
         create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
         insert into supabase_migrations.schema_migrations values ('{}', null, 'step_1'), ('{}', null, 'step_2')",
        versions[0], versions[1]
    ))
    .await;
    let status = shop.run(&["status"]).code(0);
    assert_eq!(
        status
            .out
            .matches("was applied by the Supabase CLI and is not in the ledger; run `cargo tabellion adopt --from-supabase`")
            .count(),
        2,
        "{}",
        status.out
    );
    let plan = shop.run(&["plan", "--json"]).code(0).json();
    assert_eq!(plan["elsewhere"][1]["version"], versions[1]);
    let adopted = shop
        .run(&[&["adopt", "--from-supabase"][..], &WHO].concat())
        .code(0);
    assert_eq!(adopted.out.lines().count(), 2, "{}", adopted.out);
    // The last one is there too, which the catalog tells.
    shop.run(&[&["adopt"][..], &WHO].concat()).code(0);
    let kept = "select count(*) from supabase_migrations.schema_migrations";
    assert_eq!(shop.number(kept).await, 3);
}

#[tokio::test]
async fn what_was_written_by_hand_is_named() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    shop.run(&["new", "greeting"]).code(0);
    let told = "`hand/greeting.sql` is not sealed, so nothing applies it; run `cargo tabellion seal greeting`, or \
                remove it\n";
    for words in ["status", "plan"] {
        let run = shop.run(&[words]).code(0);
        assert!(run.out.contains(told), "{}", run.out);
        let unsealed = shop.run(&[words, "--json"]).code(0).json()["unsealed"].take();
        assert_eq!(unsealed, serde_json::json!(["greeting"]));
    }
    shop.project.write(
        "hand/greeting.sql",
        "create function public.greeting() returns text language sql\n  \
         set search_path = '' as $$ select 'hello' $$;\n",
    );
    shop.project.write(
        "hand/greeting.rollback.sql",
        "drop function public.greeting();\n",
    );
    shop.run(&["seal", "greeting"]).code(0);
    assert!(!shop.run(&["status"]).code(0).out.contains("not sealed"));
    by_hand(&shop).await;
    let adopt = [&["adopt"][..], &WHO].concat();
    let version = shop.versions().remove(3);
    let refused = shop.run(&adopt).code(3);
    assert_eq!(
        refused.err,
        format!(
            "error: migration `{version}_greeting` is written by hand, so no comparison with the structs tells \
             whether its work is there; see that it is, and say `--hand-written {version}`\n"
        )
    );
    let named = [&adopt[..], &["--hand-written", &version]].concat();
    assert_eq!(shop.run(&named).code(0).out.lines().count(), 4);
    let noted = "select count(*) from tabellion.ledger
                 where note = 'written by hand, and said to be there: it was there before'";
    assert_eq!(shop.number(noted).await, 1);
}

#[tokio::test]
async fn a_repair_says_who_and_why() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    shop.run(&["apply"]).code(0);
    let last = shop.versions().remove(2);
    let back = [&["repair", &last, "--rolled-back"][..], &WHO].concat();
    let forth = [&["repair", &last, "--applied", "--json"][..], &WHO].concat();
    let undone = shop.run(&back).code(0);
    assert!(
        undone
            .out
            .starts_with(&format!("entered as not applied {last} step_3 on shop by "))
            && undone.out.ends_with(" for Ada\n"),
        "{}",
        undone.out
    );
    shop.run(&["status", "--check"]).code(1);
    let again = shop.run(&back).code(2);
    assert!(again.err.starts_with("error: "), "{}", again.err);
    let forth = shop.run(&forth).code(0).json();
    let entry = &forth["entries"][0];
    assert_eq!(entry["event"], "repaired_applied");
    assert_eq!(entry["note"], "it was there before");
    assert_eq!(entry["on_behalf_of"], "Ada");
    shop.run(&["status", "--check"]).code(0);
    shop.run(&["verify"]).code(0);

    for words in [
        &["repair", &last, "--rolled-back", "--by", "Ada"][..],
        &["repair", &last, "--rolled-back", "--reason", "x"],
        &["repair", &last, "--by", "Ada", "--reason", "x"],
        &[
            "repair",
            &last,
            "--rolled-back",
            "--by",
            "",
            "--reason",
            "x",
        ],
        &[
            "repair",
            &last,
            "--rolled-back",
            "--by",
            "Ada",
            "--reason",
            " ",
        ],
        &[
            "repair",
            &last,
            "--rolled-back",
            "--applied",
            "--by",
            "Ada",
            "--reason",
            "x",
        ],
        &[
            "repair",
            "20000101000000",
            "--rolled-back",
            "--by",
            "Ada",
            "--reason",
            "x",
        ],
    ] {
        shop.run(words).code(2);
    }
    let rows = "select count(*) from tabellion.ledger";
    assert_eq!(shop.number(rows).await, 5);
}
