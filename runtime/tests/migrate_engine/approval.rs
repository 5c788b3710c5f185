//! Who asks for approval gets nothing without it, at no moment.

use tabellion::migrate::{Approve, MigrateError, Migrator, RollbackTarget, Target};

use crate::support::{Project, client, database};
use crate::{ALL, back, engine, events, versions};

async fn production(url: &str) -> Migrator {
    engine(url).await.target(Target {
        name: Some("production".into()),
        approval: true,
        ..Target::default()
    })
}

#[tokio::test]
async fn nothing_runs_without_one() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), production(database.url()).await);
    let all = versions(&set);
    let error = engine.apply(&set, &ALL).await.unwrap_err();
    let MigrateError::Unapproved(problems) = &error else {
        panic!("{error}");
    };
    assert_eq!(problems.0.len(), 3);
    for (problem, version) in problems.0.iter().zip(&all) {
        let command =
            format!("run `cargo tabellion approve {version} --target production --by NAME`");
        assert!(problem.ends_with(&command), "{problem}");
    }
    assert_eq!(engine.history().await.unwrap(), []);

    let error = engine.approve(&set, &Approve::AllPending, " ", None).await;
    assert!(matches!(error, Err(MigrateError::Request(_))));
    let first = Approve::Versions(vec![all[0].clone()]);
    let reason = Some("read with Ben");
    let rows = engine.approve(&set, &first, "Ana", reason).await.unwrap();
    assert_eq!(events(&rows), ["approved"]);
    assert_eq!(rows[0].on_behalf_of.as_deref(), Some("Ana"));
    assert_eq!(rows[0].note.as_deref(), reason);
    assert_eq!(rows[0].target.as_deref(), Some("production"));
    let status = engine.status(&set).await.unwrap();
    assert_eq!(status.approvals.keys().collect::<Vec<_>>(), [&all[0]]);
    assert_eq!((status.pending(), status.begun.len()), (3, 0));

    // Two still lack it, and so none of the three runs.
    let MigrateError::Unapproved(problems) = engine.apply(&set, &ALL).await.unwrap_err() else {
        panic!("two lack it");
    };
    assert_eq!(problems.0.len(), 2);
    let rest = engine
        .approve(&set, &Approve::AllPending, "Ana", None)
        .await;
    assert_eq!(rest.unwrap().len(), 2);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 3);

    // It covers the way back, and no second way there.
    let last = back(RollbackTarget::Steps(1));
    assert_eq!(engine.rollback(&set, &last).await.unwrap().len(), 1);
    let error = engine.apply(&set, &ALL).await.unwrap_err().to_string();
    assert!(
        error.contains(&all[2]) && !error.contains(&all[1]),
        "{error}"
    );
}

#[tokio::test]
async fn it_is_of_these_files_and_this_target() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut staging = engine(database.url()).await;
    let of_staging = staging
        .approve(&set, &Approve::AllPending, "Ana", None)
        .await;
    assert_eq!(of_staging.unwrap().len(), 3);
    let first = set.iter().next().unwrap();
    for (up, down) in [
        ("a".repeat(64), first.rollback_checksum.clone()),
        (first.checksum.clone(), "a".repeat(64)),
    ] {
        let other = format!(
            "insert into tabellion.ledger
               (event, version, name, checksum, rollback_checksum, target, duration_ms, tool)
             values ('approved', '{}', 'x', '{up}', '{down}', 'production', 0, 'x')",
            first.version
        );
        crate::run(&database, &other).await;
    }
    let mut engine = production(database.url()).await;
    let MigrateError::Unapproved(problems) = engine.apply(&set, &ALL).await.unwrap_err() else {
        panic!("none counts");
    };
    assert_eq!(problems.0.len(), 3);
    // What was applied without the target's rule is not undone under it.
    staging.apply(&set, &ALL).await.unwrap();
    let error = engine.rollback(&set, &back(RollbackTarget::All)).await;
    assert!(matches!(error, Err(MigrateError::Unapproved(_))));
    assert_eq!(staging.status(&set).await.unwrap().pending(), 0);
}

#[tokio::test]
async fn what_is_voided_while_the_lock_is_waited_for_does_not_run() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let (send, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let mut engine = production(database.url()).await.observe(move |progress| {
        if let tabellion::migrate::Progress::Waiting(_) = progress {
            let _ = send.send(());
        }
    });
    let approved = engine
        .approve(&set, &Approve::AllPending, "Ana", None)
        .await;
    let first = &approved.unwrap()[0];
    let other = client(database.url()).await;
    other
        .batch_execute("begin; select pg_advisory_xact_lock(8386092168890837359)")
        .await
        .unwrap();
    let void = format!(
        "insert into tabellion.ledger
           (event, version, name, checksum, rollback_checksum, target, duration_ms, tool)
         values ('rolled_back', '{}', 'x', '{}', '{}', 'production', 0, 'x'); commit",
        first.version, first.checksum, first.rollback_checksum
    );
    let (applied, ()) = tokio::join!(engine.apply(&set, &ALL), async {
        waits.recv().await;
        other.batch_execute(&void).await.unwrap();
    });
    let error = applied.unwrap_err();
    assert!(matches!(error, MigrateError::Unapproved(_)), "{error}");
    assert!(error.to_string().contains(&first.version), "{error}");
    assert_eq!(engine.status(&set).await.unwrap().pending(), 3);
}
