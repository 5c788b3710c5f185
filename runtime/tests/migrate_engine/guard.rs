//! A database that a target with approvals has written to takes nothing from one without, until it is claimed.

use tabellion::migrate::{
    Adopt, ApplyOptions, Approve, Event, MigrateError, Migrations, Migrator, Progress, Repair,
    RollbackTarget, Target,
};
use tabellion::testing::TestDatabase;

use crate::proxy::counting;
use crate::support::{Project, client, database};
use crate::{ALL, back, engine, events, versions};

async fn named(url: &str, name: &str, approval: bool) -> Migrator {
    engine(url).await.target(Target {
        name: Some(name.into()),
        approval,
        ..Target::default()
    })
}

/// A database to which `production` has applied two of three approved migrations.
async fn guarded() -> (TestDatabase, Migrations) {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut production = named(database.url(), "production", true).await;
    let approved = production.approve(&set, &Approve::AllPending, "Ana", None);
    approved.await.unwrap();
    let two = ApplyOptions {
        to: Some(versions(&set)[1].clone()),
    };
    production.apply(&set, &two).await.unwrap();
    (database, set)
}

/// The only problem of a refusal.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, MigrateError>) -> String {
    match result {
        Err(MigrateError::Unapproved(mut problems)) if problems.0.len() == 1 => {
            problems.0.remove(0)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_target_that_asks_for_none_changes_nothing() {
    let (database, set) = guarded().await;
    let last = versions(&set)[2].clone();
    let mut plain = engine(database.url()).await;
    let before = plain.history().await.unwrap();
    assert!(before.iter().all(|entry| entry.guarded));
    let one = back(RollbackTarget::Steps(1));
    let repair = plain.repair(&set, &last, Repair::Applied, "Eve", "x").await;
    for said in [
        refused(repair),
        refused(plain.apply(&set, &ALL).await),
        refused(plain.dry_run(&set, &ALL).await),
        refused(plain.rollback(&set, &one).await),
        refused(plain.adopt(&set, &Adopt::All, &[], None).await),
        refused(
            plain
                .approve(&set, &Approve::Versions(vec![last.clone()]), "Eve", None)
                .await,
        ),
    ] {
        assert!(
            said.starts_with("target `production` guards this database, since "),
            "{said}"
        );
        for remedy in [
            "; say `--target production` (in a program: `Migrator::target`), or, ",
            "run `cargo tabellion claim --target NAME --by NAME --reason TEXT` (in a program: `Migrator::claim`)",
        ] {
            assert!(said.contains(remedy), "{said}");
        }
    }
    let mut staging = named(database.url(), "staging", false).await;
    let said = refused(staging.apply(&set, &ALL).await);
    assert!(said.contains("claim --target staging --by"), "{said}");
    let mut lax = named(database.url(), "production", false).await;
    let said = refused(lax.apply(&set, &ALL).await);
    assert!(said.contains(" UTC, and asks for none now; "), "{said}");
    assert_eq!(plain.history().await.unwrap(), before);
    let status = plain.status(&set).await.unwrap();
    assert_eq!(status.guard.unwrap().target.as_deref(), Some("production"));

    // Another one that asks works by approvals of its own.
    let mut other = named(database.url(), "other", true).await;
    let said = refused(other.apply(&set, &ALL).await);
    assert!(
        said.contains("has no approval that counts on target `other`"),
        "{said}"
    );
    // Where nothing is due, nothing is refused: a service starts.
    let mut production = named(database.url(), "production", true).await;
    production.apply(&set, &ALL).await.unwrap();
    assert_eq!(plain.apply(&set, &ALL).await.unwrap(), []);
}

#[tokio::test]
async fn a_copy_is_claimed() {
    let (database, set) = guarded().await;
    let (url, flights) = counting(database.url()).await.unwrap();
    let mut staging = named(&url, "staging", false).await;
    for (by, reason) in [("", "a copy"), ("Ana", " ")] {
        let error = staging.claim(by, reason).await;
        assert!(matches!(error, Err(MigrateError::Request(_))), "{error:?}");
    }
    let row = staging.claim("Ana", "restored for staging").await.unwrap();
    assert_eq!((row.event, row.guarded), (Event::Claimed, false));
    assert_eq!(row.target.as_deref(), Some("staging"));
    assert_eq!(row.on_behalf_of.as_deref(), Some("Ana"));
    assert_eq!(row.note.as_deref(), Some("restored for staging"));
    assert_eq!((row.version.as_str(), row.checksum.as_str()), ("", ""));
    let again = staging.claim("Ana", "again").await;
    assert!(matches!(again, Err(MigrateError::Request(_))), "{again:?}");
    let status = staging.status(&set).await.unwrap();
    assert_eq!((&status.guard, status.pending()), (&None, 1));
    assert_eq!(status.begun, []);
    assert_eq!(staging.apply(&set, &ALL).await.unwrap().len(), 1);
    // The row is none of a migration, and a glance still tells that nothing is due.
    let before = flights.count();
    assert_eq!(staging.apply(&set, &ALL).await.unwrap(), []);
    assert_eq!(flights.count() - before, 1);
    assert!(staging.verify(&set).await.unwrap().is_clean());

    // It is guarded again once a target that asks for approvals writes, and a claim by one takes over.
    let first = Approve::Versions(vec![versions(&set)[0].clone()]);
    let mut production = named(database.url(), "production", true).await;
    production.approve(&set, &first, "Ana", None).await.unwrap();
    let one = back(RollbackTarget::Steps(1));
    refused(staging.rollback(&set, &one).await);
    let again = production.claim("Ana", "mine").await;
    assert!(matches!(again, Err(MigrateError::Request(_))), "{again:?}");
    let mut strict = named(database.url(), "strict", true).await;
    assert!(strict.claim("Ana", "moved").await.unwrap().guarded);
    let said = refused(staging.rollback(&set, &one).await);
    assert!(said.starts_with("target `strict` guards"), "{said}");
    let history = staging.history().await.unwrap();
    assert_eq!(
        events(&history)
            .iter()
            .filter(|event| **event == "claimed")
            .count(),
        2
    );
}

#[tokio::test]
async fn there_is_nothing_to_claim_where_nobody_guards() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = engine(database.url()).await;
    for _ in 0..2 {
        let error = engine.claim("Ana", "why").await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no target guards this database"),
            "{error}"
        );
        assert!(!events(&engine.history().await.unwrap()).contains(&"claimed"));
        engine.apply(&set, &ALL).await.unwrap();
    }
}

#[tokio::test]
async fn a_guard_that_comes_while_the_lock_is_waited_for_counts() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let first = ApplyOptions {
        to: Some(versions(&set)[0].clone()),
    };
    engine(database.url())
        .await
        .apply(&set, &first)
        .await
        .unwrap();
    let (send, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let mut plain = engine(database.url()).await.observe(move |progress| {
        if let Progress::Waiting(_) = progress {
            let _ = send.send(());
        }
    });
    let other = client(database.url()).await;
    let hold = "begin; select pg_advisory_xact_lock(8386092168890837359)";
    let last = set.iter().next_back().unwrap();
    let approve = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, target, guarded, duration_ms, tool)
         values ('approved', '{}', 'x', '{}', '{}', 'production', true, 0, 'x'); commit",
        last.version, last.checksum, last.rollback_checksum
    );
    other.batch_execute(hold).await.unwrap();
    let (applied, ()) = tokio::join!(plain.apply(&set, &ALL), async {
        waits.recv().await;
        other.batch_execute(&approve).await.unwrap();
    });
    refused(applied);
    assert_eq!(plain.status(&set).await.unwrap().pending(), 2);
}
