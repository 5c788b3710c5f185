//! What is there already is entered, and what is told wrongly is set right.

use tabellion::migrate::{
    Adopt, MigrateError, Repair, RollbackTarget, SealOptions, new_hand, seal_hand, unsealed,
};

use crate::support::{Project, client, database};
use crate::{ALL, back, engine, events, run, versions};

/// Runs the files of a project by hand.
async fn by_hand(url: &str, project: &Project) {
    let client = client(url).await;
    for migration in project.load().iter() {
        client.batch_execute(&migration.up.sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_matches_is_adopted_whole() {
    let (database, project) = (database().await, Project::sealed());
    by_hand(database.url(), &project).await;
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let before = engine.snapshot(["public", "Desk"]).await.unwrap();
    let done = engine.adopt(&set, &Adopt::All, &[], None).await.unwrap();
    assert_eq!(events(&done.entries), ["adopted"; 3]);
    assert!(done.verification.unwrap().is_clean());
    assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
    assert!(engine.verify(&set).await.unwrap().is_clean());
    assert_eq!(engine.snapshot(["public", "Desk"]).await.unwrap(), before);
    assert_eq!(
        engine
            .adopt(&set, &Adopt::All, &[], None)
            .await
            .unwrap()
            .entries,
        []
    );
    // And it is undone like any other.
    let all = back(RollbackTarget::All);
    assert_eq!(engine.rollback(&set, &all).await.unwrap().len(), 3);
}

#[tokio::test]
async fn one_that_differs_is_told_where() {
    let (database, project) = (database().await, Project::sealed());
    by_hand(database.url(), &project).await;
    run(
        &database,
        "alter table public.\"order\" no force row level security",
    )
    .await;
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let done = engine.adopt(&set, &Adopt::All, &[], None).await.unwrap();
    assert_eq!(done.entries, []);
    let found = done.verification.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
    assert_eq!(engine.history().await.unwrap(), []);
}

#[tokio::test]
async fn an_earlier_version_cannot_be_compared() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let second = versions(&set)[1].clone();
    let error = engine
        .adopt(&set, &Adopt::To(second), &[], None)
        .await
        .unwrap_err();
    assert!(matches!(error, MigrateError::Request(_)), "{error}");
    assert!(error.to_string().contains("_step_1` is there"), "{error}");
    assert_eq!(engine.history().await.unwrap(), []);
}

#[tokio::test]
async fn a_repair_sets_the_state_and_is_answered_for() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    let all = versions(&set);
    engine.apply(&set, &ALL).await.unwrap();
    let last = set.iter().last().unwrap();
    run(&database, &last.down.sql).await;

    for (by, reason) in [("", "a restore"), ("Ana", " ")] {
        let error = engine
            .repair(&set, &all[2], Repair::RolledBack, by, reason)
            .await;
        assert!(matches!(error, Err(MigrateError::Request(_))));
    }
    let error = engine
        .repair(&set, &all[2], Repair::Applied, "Ana", "why")
        .await;
    assert!(error.unwrap_err().to_string().contains("says already"));
    let repaired = engine
        .repair(&set, &all[2], Repair::RolledBack, "Ana", "a restore")
        .await;
    let repaired = repaired.unwrap();
    assert_eq!(repaired.event.as_str(), "repaired_rolled_back");
    assert_eq!(repaired.on_behalf_of.as_deref(), Some("Ana"));
    assert_eq!(repaired.note.as_deref(), Some("a restore"));
    assert_eq!(engine.status(&set).await.unwrap().pending(), 1);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap().len(), 1);

    run(&database, &last.down.sql).await;
    engine
        .repair(&set, &all[2], Repair::RolledBack, "Ana", "again")
        .await
        .unwrap();
    run(&database, &last.up.sql).await;
    let repaired = engine
        .repair(&set, &all[2], Repair::Applied, "Ana", "by hand")
        .await;
    assert_eq!(repaired.unwrap().event.as_str(), "repaired_applied");
    assert!(engine.verify(&set).await.unwrap().is_clean());
}

#[tokio::test]
async fn a_version_that_no_lock_knows_can_be_taken_out() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ALL).await.unwrap();
    run(
        &database,
        "insert into tabellion.ledger (event, version, name, checksum, rollback_checksum, duration_ms, tool)
         values ('applied', '29990101000000', 'later', repeat('a', 64), repeat('b', 64), 0, 'x')",
    )
    .await;
    let version = "29990101000000";
    let error = engine
        .repair(&set, version, Repair::Applied, "Ana", "why")
        .await;
    assert!(matches!(error, Err(MigrateError::Request(_))));
    engine
        .repair(&set, version, Repair::RolledBack, "Ana", "never ours")
        .await
        .unwrap();
    assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
}

/// Seals a pair written by hand; gives its version.
fn hand_written(project: &Project, name: &str) -> String {
    new_hand(project.root(), name).unwrap();
    assert_eq!(unsealed(project.root()).unwrap(), [name]);
    project.write(&format!("hand/{name}.sql"), "select 1;\n");
    project.write(&format!("hand/{name}.rollback.sql"), "select 2;\n");
    let options = SealOptions {
        accept: Vec::new(),
        reviewed: true,
    };
    let sealed = seal_hand(project.root(), name, &options, |_, _| Vec::new());
    assert_eq!(unsealed(project.root()).unwrap(), [""; 0]);
    sealed.unwrap().unwrap().remove(0).version
}

#[tokio::test]
async fn what_was_written_by_hand_is_named_by_whoever_adopts_it() {
    let (database, project) = (database().await, Project::sealed());
    let named = ["fill", "mend"].map(|name| hand_written(&project, name));
    by_hand(database.url(), &project).await;
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    for (given, lacking) in [(&named[..0], 2), (&named[1..], 1)] {
        let error = engine.adopt(&set, &Adopt::All, given, Some("it ran")).await;
        let Err(MigrateError::Unaccepted(problems)) = error else {
            panic!("{error:?}");
        };
        assert_eq!(problems.0.len(), lacking);
        for (problem, version) in problems.0.iter().zip(&named) {
            assert!(
                problem.starts_with(&format!("migration `{version}_"))
                    && problem.ends_with(&format!("say `--hand-written {version}`")),
                "{problem}"
            );
        }
    }
    let generated = [named[0].clone(), versions(&set)[0].clone()];
    let error = engine.adopt(&set, &Adopt::All, &generated, None).await;
    assert!(matches!(error, Err(MigrateError::Request(_))), "{error:?}");
    assert_eq!(engine.history().await.unwrap(), []);

    let done = engine
        .adopt(&set, &Adopt::All, &named, Some("it ran"))
        .await;
    let notes: Vec<_> = done
        .unwrap()
        .entries
        .into_iter()
        .map(|one| one.note.unwrap())
        .collect();
    let said = "written by hand, and said to be there: it ran";
    assert_eq!(notes, ["it ran", "it ran", "it ran", said, said]);
    assert_eq!(engine.apply(&set, &ALL).await.unwrap(), []);
}
