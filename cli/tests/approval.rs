//! Approvals, end to end.

mod support;

use support::migrate_support::Project;
use support::{GUARDED, Shop, read};
use tabellion_sql::file::checksum;
use tabellion_sql::lock::Lock;

#[tokio::test]
async fn refused_approved_applied_and_back() {
    let shop = Shop::new(Project::sealed(), GUARDED).await;
    let versions = shop.versions();
    let refused = shop.run(&["apply", "--target", "shop"]).code(3);
    let lacking: Vec<String> = versions
        .iter()
        .zip(1..)
        .map(|(version, number)| {
            format!(
                "migration `{version}_step_{number}` has no approval that counts on target `shop`; read both \
                 its files, then run `cargo tabellion approve {version} --target shop --by NAME`\n"
            )
        })
        .collect();
    assert_eq!(refused.err, format!("error: {}", lacking.concat()));
    let plan = shop.run(&["plan"]).code(0);
    assert!(plan.out.contains(", not approved\n"), "{}", plan.out);
    // Nothing was written, not even the ledger.
    let schemas = "select count(*) from pg_namespace where nspname = 'tabellion'";
    assert_eq!(shop.number(schemas).await, 0);

    // A dry run is refused too.
    assert_eq!(shop.run(&["apply", "--dry-run"]).code(3).err, refused.err);

    let who = ["--by", "Ada Lovelace", "--reason", "reviewed in 31"];
    let mut words = vec!["approve", versions[0].as_str()];
    words.extend(who);
    let approved = shop.run(&words).code(0);
    assert!(
        approved
            .out
            .starts_with(&format!("approved {} step_1 on shop by ", versions[0]))
            && approved.out.ends_with(" for Ada Lovelace\n"),
        "{}",
        approved.out
    );
    // One of three is not all, and nothing runs; up to it, it does.
    let refused = shop.run(&["apply"]).code(3);
    assert_eq!(refused.err, format!("error: {}", lacking[1..].concat()));
    let applied = shop.run(&["apply", "--to", &versions[0]]).code(0);
    assert!(applied.out.starts_with("applied "), "{}", applied.out);
    let status = shop.run(&["status"]).code(0);
    assert!(status.out.contains("approved by"), "{}", status.out);
    assert!(status.out.contains("  Ada Lovelace\n"), "{}", status.out);

    let rest = shop
        .run(&["approve", "--all-pending", "--by", "Ada Lovelace"])
        .code(0);
    assert_eq!(rest.out.lines().count(), 2, "{}", rest.out);
    let again = shop
        .run(&["approve", "--all-pending", "--by", "Ada Lovelace"])
        .code(0);
    assert_eq!(again.out, "nothing to approve\n");
    shop.run(&["apply"]).code(0);
    shop.run(&["verify"]).code(0);

    // It covers the rollback, and is used up by it.
    shop.run(&["rollback", "--accept-data-loss"]).code(0);
    let used = shop.run(&["apply"]).code(3);
    assert_eq!(used.err, format!("error: {}", lacking[2]));
    shop.run(&["approve", &versions[2], "--by", "Bob"]).code(0);
    shop.run(&["apply"]).code(0);
}

#[tokio::test]
async fn a_rollback_needs_one() {
    let shop = Shop::new(Project::sealed(), "").await;
    // Applied while nobody asked for approvals.
    let mut unasked = shop.command(&["apply", "--url-env", "MINE"]);
    unasked.env("MINE", shop.database.url());
    shop.end(unasked).code(0);
    shop.config(GUARDED);
    let refused = shop.run(&["rollback", "--accept-data-loss"]).code(3);
    assert!(
        refused
            .err
            .contains("_step_3` has no approval that counts on target `shop`"),
        "{}",
        refused.err
    );
    let last = shop.versions().remove(2);
    shop.run(&["approve", &last, "--by", "Ada"]).code(0);
    let undone = shop.run(&["rollback", "--accept-data-loss"]).code(0);
    assert!(undone.out.starts_with("rolled back "), "{}", undone.out);
}

#[tokio::test]
async fn an_edit_voids_it() {
    let shop = Shop::new(Project::new(), GUARDED).await;
    let sealed = shop.project.seal_sql(
        "one",
        "create table public.one (id int);",
        "drop table public.one;",
    );
    shop.run(&["approve", &sealed.version, "--by", "Ada"])
        .code(0);

    // An edit alone is not as sealed.
    let up = shop.project.root().join(&sealed.up);
    let text = read(&up);
    std::fs::write(&up, text.replace("id int", "id text")).unwrap();
    let edited = shop.run(&["apply"]).code(3);
    assert!(!edited.err.contains("approval"), "{}", edited.err);
    std::fs::write(&up, &text).unwrap();

    // An edit that was entered in the lock is another pair of files: the rollback's bytes count too.
    let lock = shop.project.path("tabellion.lock");
    let locked = read(&lock);
    let down = shop.project.root().join(&sealed.down);
    for path in [&up, &down] {
        let whole = read(path);
        std::fs::write(path, whole.replace("public.one", "public.two")).unwrap();
        let mut edited = Lock::parse(&locked).unwrap();
        let entry = edited.migrations.get_mut(&sealed.version).unwrap();
        let file = if path == &up {
            &mut entry.up
        } else {
            &mut entry.down
        };
        assert_eq!(file.sha256, checksum(&whole));
        file.sha256 = checksum(&read(path));
        std::fs::write(&lock, edited.to_text()).unwrap();
        let voided = shop.run(&["apply"]).code(3);
        assert!(
            voided
                .err
                .contains("has no approval that counts on target `shop`"),
            "{}",
            voided.err
        );
        std::fs::write(path, whole).unwrap();
        std::fs::write(&lock, &locked).unwrap();
    }
    shop.run(&["apply"]).code(0);
}

#[tokio::test]
async fn that_of_another_target_does_not_count() {
    let shop = Shop::new(Project::sealed(), &GUARDED.replace("shop", "staging")).await;
    let by = ["approve", "--all-pending", "--by", "Ada", "--target"];
    shop.run(&[&by[..], &["staging"]].concat()).code(0);
    // The same database under another name, as a copy of it would be.
    shop.config(GUARDED);
    let refused = shop.run(&["apply"]).code(3);
    assert_eq!(refused.err.lines().count(), 3, "{}", refused.err);
    shop.run(&[&by[..], &["shop"]].concat()).code(0);
    shop.run(&["apply"]).code(0);
}

#[tokio::test]
async fn it_needs_a_name_and_a_version() {
    let shop = Shop::new(Project::sealed(), GUARDED).await;
    let version = shop.versions().remove(0);
    for words in [
        &["approve", &version][..],
        &["approve", &version, "--by", " "],
        &["approve", "--by", "Ada"],
        &["approve", "--all-pending", &version, "--by", "Ada"],
        &["approve", "20000101000000", "--by", "Ada"],
    ] {
        let run = shop.run(words).code(2);
        assert!(run.err.starts_with("error: "), "{}", run.err);
    }
}
