//! What would run: `plan`, and `apply --dry-run`.

mod support;

use support::migrate_support::{Project, step};
use support::{PLAIN, Shop, read};

#[tokio::test]
async fn hazards_statements_and_sql() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let dropped = {
        shop.project.draw(&step(2));
        shop.project.seal("less")
    };
    let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
    shop.project.seal_text(
        "index",
        &format!("{header}create index concurrently o on public.\"order\" (total);\n"),
        &format!("{header}drop index concurrently public.o;\n"),
    );
    let versions = shop.versions();
    let plan = shop.run(&["plan"]).code(0);
    let heads: Vec<&str> = plan
        .out
        .lines()
        .filter(|line| !line.starts_with(' '))
        .collect();
    assert_eq!(heads.len(), 6, "{}", plan.out);
    assert!(
        heads[0].starts_with(&format!("{} step_1: ", versions[0]))
            && heads[0].ends_with(" statements")
    );
    assert_eq!(
        heads[4],
        format!("{} index: 1 statement, outside a transaction", versions[4])
    );
    assert_eq!(heads[5], "5 migrations pending");
    let lost = "    loses-data: column public.\"order\".state: dropped\n";
    assert!(plan.out.contains(lost), "{}", plan.out);
    assert!(plan.out.contains("    scans: "), "{}", plan.out);
    assert!(!plan.out.contains("create table"), "{}", plan.out);

    let whole = shop.run(&["plan", "--sql"]).code(0);
    assert!(
        whole
            .out
            .contains(&read(shop.project.root().join(&dropped.up))),
        "{}",
        whole.out
    );

    // What was applied is planned no more.
    shop.run(&["apply", "--to", &versions[3]]).code(0);
    let rest = shop.run(&["plan"]).code(0);
    assert_eq!(rest.out, format!("{}\n1 migration pending\n", heads[4]));
    shop.run(&["apply"]).code(0);
    assert_eq!(shop.run(&["plan"]).code(0).out, "0 migrations pending\n");

    // A version that no lock holds.
    shop.execute(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, duration_ms, tool)
         select 'applied', '20990101000000', 'unknown', checksum, rollback_checksum, 0, tool
         from tabellion.ledger limit 1",
    )
    .await;
    let unknown = shop.run(&["plan"]).code(1);
    assert!(
        unknown.out.contains("`20990101000000_unknown`"),
        "{}",
        unknown.out
    );
    shop.run(&["apply", "--dry-run"]).code(3);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    let versions = shop.versions();
    let objects = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
                   where nspname not like 'pg\\_%' and nspname <> 'information_schema'";
    let names = |upto: usize| -> String {
        let line = |(version, number)| format!("would apply {version} step_{number}\n");
        versions[..upto].iter().zip(1..).map(line).collect()
    };
    assert_eq!(shop.run(&["apply", "--dry-run"]).code(0).out, names(3));
    let some = shop
        .run(&["apply", "--dry-run", "--to", &versions[1]])
        .code(0);
    assert_eq!(some.out, names(2));
    assert_eq!(shop.number(objects).await, 0);

    // It wants what the real run wants: files as sealed, a history that fits, the lock.
    shop.run(&["apply", "--dry-run", "--to", "20000101000000"])
        .code(2);
    shop.run(&["apply", "--to", &versions[0]]).code(0);
    let rows = "select count(*) from tabellion.ledger";
    let (before, had) = (shop.number(rows).await, shop.number(objects).await);
    let holder = support::migrate_support::client(shop.database.url()).await;
    holder
        .batch_execute("begin; select pg_advisory_xact_lock(8386092168890837359)")
        .await
        .unwrap();
    shop.run(&["apply", "--dry-run", "--lock-wait", "0"])
        .code(5);
    holder.batch_execute("rollback").await.unwrap();
    let lines = shop.run(&["apply", "--dry-run", "--json"]).code(0).lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["event"], "outcome");
    assert_eq!(lines[0]["would_run"], serde_json::json!(versions[1..]));
    assert_eq!(
        (shop.number(rows).await, shop.number(objects).await),
        (before, had)
    );
    shop.run(&["apply"]).code(0);
    assert_eq!(
        shop.run(&["apply", "--dry-run"]).code(0).out,
        "nothing to apply\n"
    );
}
