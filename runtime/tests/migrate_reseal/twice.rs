//! What both branches hold, under two versions, is none of what runs twice.

use std::time::Duration;

use tabellion::migrate::{ApplyOptions, Migrator, SealOptions, new_hand, reseal, seal_hand};

use crate::migrate_support::{Project, client, database, step};
use crate::repository::Repository;

/// Versions are seconds, and each reseal may have taken several.
fn later() {
    std::thread::sleep(Duration::from_millis(4100));
}

fn seal_by_hand(project: &Project, name: &str, up: &str) {
    let files = new_hand(project.root(), name).unwrap();
    for (path, sql) in [(files.up, up), (files.down, "select 1;\n")] {
        std::fs::write(path, format!("-- By hand.\n\n{sql}")).unwrap();
    }
    let options = SealOptions {
        reviewed: true,
        ..SealOptions::default()
    };
    let sealed = seal_hand(project.root(), name, &options, |_, _| Vec::new()).unwrap();
    assert_eq!(sealed.map(|sealed| sealed.len()), Some(1));
    later();
}

const COUNT: &str = "create table if not exists public.runs (at int4);\n\
                     insert into public.runs (at) values (1);\n";

/// A base, and on `main` a change of the schema; on `right` a pair written by hand, so many times.
fn by_hand_on_the_right(times: usize) -> Repository {
    let repository = Repository {
        project: Project::new(),
    };
    let project = &repository.project;
    project.draw(&step(1));
    project.seal("base");
    repository.git(&["init", "-q", "-b", "main"]);
    repository.commit("base");
    repository.git(&["checkout", "-q", "-b", "right"]);
    later();
    repository.git(&["checkout", "-q", "main"]);
    project.draw(&step(2));
    project.seal("left");
    later();
    repository.commit("left");
    repository.git(&["checkout", "-q", "right"]);
    for time in 0..times {
        // The same twice in a row is one seal, repeated after it was cut short.
        if time > 0 {
            seal_by_hand(project, "other", "select 2;\n");
        }
        seal_by_hand(project, "count", COUNT);
    }
    repository.commit("right");
    repository
}

/// Makes a branch of `main` in which `right` is merged and sealed anew.
fn resealed(repository: &Repository, name: &str) {
    repository.git(&["checkout", "-q", "-b", name, "main"]);
    repository.git(&["merge", "-q", "--no-edit", "right"]);
    assert!(!reseal(repository.project.root(), &[]).unwrap().is_empty());
    later();
    repository.commit(name);
}

/// Merges both, of which git says that each gave the file another name: both files are there, and those that
/// hold marks are restored.
fn merged(repository: &Repository) {
    repository.git(&["checkout", "-q", "one"]);
    assert!(!repository.run(&["merge", "-q", "--no-edit", "two"]));
    for branch in ["one", "two"] {
        repository.git(&["checkout", "-q", branch, "--", "migrations", "rollbacks"]);
    }
    repository.commit("merged");
}

async fn runs(repository: &Repository, names: &[&str], times: i64) {
    let project = &repository.project;
    let resealed = reseal(project.root(), &[]).unwrap();
    assert!(resealed.iter().any(|one| one.left_out));
    assert!(resealed.iter().all(|one| one.said_already.is_empty()));
    assert!(reseal(project.root(), &[]).unwrap().is_empty());
    assert_eq!(repository.names(), names);
    assert_eq!(repository.files().len(), 2 * names.len());
    let database = database().await;
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let options = ApplyOptions::default();
    engine.apply(&project.load(), &options).await.unwrap();
    let client = client(database.url()).await;
    let count = client
        .query_one("select count(*) from public.runs", &[])
        .await
        .unwrap();
    assert_eq!(count.get::<_, i64>(0), times);
}

#[tokio::test]
async fn what_both_branches_sealed_anew_runs_as_often_as_one_says() {
    for times in [1, 2] {
        let repository = by_hand_on_the_right(times);
        resealed(&repository, "one");
        resealed(&repository, "two");
        merged(&repository);
        let names = ["base", "left", "count", "other", "count"];
        let names = &names[..1 + 2 * times];
        runs(&repository, names, times as i64).await;
    }
}

#[tokio::test]
async fn what_one_branch_holds_more_often_stays_that_often() {
    let repository = by_hand_on_the_right(1);
    resealed(&repository, "one");
    resealed(&repository, "two");
    seal_by_hand(&repository.project, "other", "select 2;\n");
    seal_by_hand(&repository.project, "count", COUNT);
    repository.commit("more");
    merged(&repository);
    let names = ["base", "left", "count", "other", "count"];
    runs(&repository, &names, 2).await;
}

#[test]
fn what_a_person_answered_for_and_the_other_branch_did_too_is_left_out() {
    let repository = Repository {
        project: Project::new(),
    };
    let project = &repository.project;
    project.draw(&step(1));
    project.seal("base");
    repository.git(&["init", "-q", "-b", "main"]);
    repository.commit("base");
    for branch in ["right", "left"] {
        later();
        repository.git(&["checkout", "-q", "-b", branch, "main"]);
        // Not as `migrations` draws it: without the limits.
        project.draw(&step(2));
        project.seal(branch);
        repository.commit(branch);
    }
    repository.git(&["merge", "-q", "--no-edit", "right"]);
    let resealed = reseal(project.root(), &[]).unwrap();
    assert!(resealed.len() == 1 && resealed[0].left_out, "{resealed:?}");
    assert_eq!(repository.names(), ["base", "right"]);
    assert_eq!(project.lock().schema, step(2));
}
