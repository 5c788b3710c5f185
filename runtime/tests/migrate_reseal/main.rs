//! Two branches that both sealed, merged by git itself, and put into one chain.

mod anew;
mod homes;
#[path = "../migrate_support/mod.rs"]
mod migrate_support;
mod policies;
mod repository;
mod twice;
mod unfit;

use std::fs;
use std::time::Duration;

use migrate_support::{Project, client, database, step};
use repository::Repository;
use tabellion::migrate::{Applied, ApplyOptions, MigrateError, Migrations, Migrator, reseal};
use tabellion_sql::schema::{Column, QualifiedName, Schema, Type};

fn orders(schema: &mut Schema) -> &mut Vec<Column> {
    let name = QualifiedName::new("public", "order");
    &mut schema.tables.get_mut(&name).expect("the orders").columns
}

/// A second table, and a column on the first.
fn left() -> Schema {
    let mut schema = step(2);
    orders(&mut schema).push(Column {
        nullable: true,
        ..Column::new("left", Type::Text)
    });
    schema
}

/// Another column, a check and an index on the first; it loses one that it had.
fn right() -> Schema {
    let mut schema = step(3);
    schema.tables.remove(&QualifiedName::new("Desk", "note"));
    orders(&mut schema).retain(|column| column.name != "total");
    let name = QualifiedName::new("public", "order");
    schema
        .tables
        .get_mut(&name)
        .expect("the orders")
        .indexes
        .remove("order_open");
    schema
}

fn both() -> Schema {
    let mut schema = left();
    let name = QualifiedName::new("public", "order");
    let mut table = right().tables.remove(&name).expect("the orders");
    // Each side says at which place its column stands among its own.
    table.columns.push(Column {
        nullable: true,
        ..Column::new("left", Type::Text)
    });
    schema.tables.insert(name, table);
    schema
}

/// Merged by git, in each of its ways.
fn merged(way: &str) -> Repository {
    let repository = Repository::new(way == "union");
    let clean = repository.run(&["merge", "-q", "--no-edit", "right"]);
    let text = repository.project.read("tabellion.lock");
    match way {
        "union" => assert!(clean && !text.contains("<<<<<<<"), "{text}"),
        _ => assert!(!clean && text.contains("<<<<<<<"), "{text}"),
    }
    repository
}

#[tokio::test]
async fn merged_resealed_and_applied() {
    for way in ["union", "conflict"] {
        let repository = merged(way);
        let project = &repository.project;
        let said = Migrations::load(project.root()).unwrap_err().to_string();
        assert!(said.contains("`cargo tabellion reseal`"), "{said}");

        let resealed = reseal(project.root(), &[]).unwrap();
        // The right branch was sealed first, so the left one follows.
        assert_eq!(resealed.len(), 1, "{way}");
        assert_eq!(repository.names(), ["base", "right", "more", "left"]);
        let lock = project.lock();
        assert_eq!(lock.schema, both(), "{way}");
        assert_eq!(repository.files().len(), 8);
        assert!(reseal(project.root(), &[]).unwrap().is_empty());

        let database = database().await;
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let done = engine
            .apply(&project.load(), &ApplyOptions::default())
            .await;
        assert_eq!(done.unwrap().len(), 4);
        let found = engine.verify(&project.load()).await.unwrap();
        assert!(found.is_clean(), "{found}");
    }
}

#[tokio::test]
async fn what_is_applied_keeps_its_files() {
    let repository = Repository::new(true);
    let project = &repository.project;
    repository.git(&["checkout", "-q", "right"]);
    let database = database().await;
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let options = ApplyOptions::default();
    engine.apply(&project.load(), &options).await.unwrap();
    let before: Vec<(String, String)> = repository
        .files()
        .into_iter()
        .map(|file| (project.read(&file), file))
        .collect();
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["merge", "-q", "--no-edit", "right"]);

    let applied = Applied {
        target: "production".into(),
        entries: engine.applied().await.unwrap(),
    };
    let resealed = reseal(project.root(), std::slice::from_ref(&applied)).unwrap();
    assert_eq!(resealed.len(), 1);
    assert!(
        resealed[0]
            .files
            .up
            .ends_with(format!("migrations/{}_left.sql", resealed[0].files.version))
    );
    for (text, file) in before {
        assert_eq!(project.read(&file), text, "{file}");
    }
    assert_eq!(repository.names(), ["base", "right", "more", "left"]);
    assert_eq!(
        engine.apply(&project.load(), &options).await.unwrap().len(),
        1
    );
    let found = engine.verify(&project.load()).await.unwrap();
    assert!(found.is_clean(), "{found}");

    // A database that holds something else is none of ours.
    let mut other = applied;
    other.entries[0].checksum = "0".repeat(64);
    let error = reseal(project.root(), &[other]).unwrap_err();
    assert!(matches!(error, MigrateError::History(_)), "{error}");
    client(database.url())
        .await
        .batch_execute("select 1")
        .await
        .unwrap();
}

#[test]
fn both_branches_applied_are_refused_and_nothing_is_written() {
    let repository = merged("union");
    let project = &repository.project;
    let lock = tabellion_sql::lock::Lock::merged(&project.read("tabellion.lock")).unwrap();
    let entry = |name: &str| {
        let found = lock
            .migrations
            .iter()
            .find(|(_, sealed)| sealed.name == name);
        let (version, sealed) = found.unwrap();
        tabellion::migrate::Entry {
            id: 1,
            event: tabellion::migrate::Event::Applied,
            version: version.clone(),
            name: name.into(),
            checksum: sealed.up.sha256.clone(),
            rollback_checksum: sealed.down.sha256.clone(),
            target: None,
            guarded: false,
            actor: "a".into(),
            on_behalf_of: None,
            note: None,
            position: None,
            at: String::new(),
            duration_ms: 0,
            tool: String::new(),
        }
    };
    let on = |target: &str, name: &str| Applied {
        target: target.into(),
        entries: vec![entry("base"), entry(name)],
    };
    let files = repository.files();
    let text = project.read("tabellion.lock");
    let error = reseal(
        project.root(),
        &[on("production", "left"), on("staging", "more")],
    );
    let said = error.unwrap_err().to_string();
    assert!(
        said.contains("on `production`") && said.contains("on `staging`"),
        "{said}"
    );
    assert_eq!(
        (repository.files(), project.read("tabellion.lock")),
        (files, text)
    );
}

#[test]
fn contradictions_are_refused_with_both_lines() {
    let repository = Repository {
        project: Project::new(),
    };
    let project = &repository.project;
    project.draw(&step(1));
    project.seal("base");
    repository.git(&["init", "-q", "-b", "main"]);
    repository.commit("base");
    for (branch, ty) in [("right", Type::Int8), ("left", Type::Int4)] {
        repository.git(&["checkout", "-q", "main"]);
        repository.git(&["checkout", "-q", "-b", branch]);
        let mut schema = step(1);
        orders(&mut schema).push(Column {
            nullable: true,
            ..Column::new("same", ty)
        });
        project.draw(&schema);
        project.seal(branch);
        repository.commit(branch);
        std::thread::sleep(Duration::from_millis(2100));
    }
    repository.run(&["merge", "-q", "--no-edit", "right"]);
    let text = project.read("tabellion.lock");
    let lines: Vec<usize> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.contains(".columns.same.type"))
        .map(|(number, _)| number)
        .collect();
    let said = reseal(project.root(), &[]).unwrap_err().to_string();
    assert_eq!(lines.len(), 2, "{text}");
    for line in lines {
        assert!(said.contains(&format!("line {line} says `")), "{said}");
    }
    assert_eq!(project.read("tabellion.lock"), text);
}

#[test]
fn cut_short_anywhere_it_is_completed_by_the_same_command() {
    let repository = merged("union");
    let project = &repository.project;
    let merged_lock = project.read("tabellion.lock");
    let old: Vec<(String, String)> = repository
        .files()
        .into_iter()
        .map(|file| (project.read(&file), file))
        .collect();
    // After so many of the new files, then after the lock, then after so many removals.
    for cut in 0..=4usize {
        for folder in ["migrations", "rollbacks"] {
            fs::remove_dir_all(project.path(folder)).unwrap();
            fs::create_dir(project.path(folder)).unwrap();
        }
        for (text, file) in &old {
            project.write(file, text);
        }
        project.write("tabellion.lock", &merged_lock);
        let resealed = reseal(project.root(), &[]).unwrap();
        let written: Vec<_> = resealed
            .iter()
            .flat_map(|one| [one.files.up.clone(), one.files.down.clone()])
            .collect();
        let gone: Vec<_> = old
            .iter()
            .filter(|(_, file)| !project.path(file).exists())
            .collect();
        assert_eq!(gone.len(), written.len());
        let (files, removals) = (
            cut.min(written.len()),
            cut.saturating_sub(written.len() + 1),
        );
        for (text, file) in gone.iter().skip(removals) {
            project.write(file, text);
        }
        if cut <= written.len() {
            project.write("tabellion.lock", &merged_lock);
            for path in &written[files..] {
                fs::remove_file(path).unwrap();
            }
        }
        reseal(project.root(), &[]).unwrap();
        assert_eq!(project.load().iter().count(), 4, "cut {cut}");
        assert_eq!(repository.files().len(), 8, "cut {cut}");
        assert_eq!(project.lock().schema, both(), "cut {cut}");
    }
}

/// Two branches that seal in the same second, one migration each.
fn in_one_second() -> Repository {
    loop {
        let repository = Repository {
            project: Project::new(),
        };
        let project = &repository.project;
        project.draw(&step(1));
        project.seal("base");
        // Past the second that the base has.
        std::thread::sleep(Duration::from_millis(1100));
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit("base");
        repository.git(&["checkout", "-q", "-b", "right"]);
        project.draw(&right());
        let one = project.seal("right");
        repository.commit("right");
        repository.git(&["checkout", "-q", "main"]);
        project.draw(&left());
        let other = project.seal("left");
        repository.commit("left");
        if one.version == other.version {
            return repository;
        }
    }
}

#[tokio::test]
async fn branches_sealed_in_the_same_second() {
    for applied_first in ["left", "right"] {
        let repository = in_one_second();
        let project = &repository.project;
        let database = database().await;
        let mut engine = Migrator::connect(database.url()).await.unwrap();
        let options = ApplyOptions::default();
        let branch = if applied_first == "left" {
            "main"
        } else {
            "right"
        };
        repository.git(&["checkout", "-q", branch]);
        engine.apply(&project.load(), &options).await.unwrap();
        repository.git(&["checkout", "-q", "main"]);
        repository.run(&["merge", "-q", "--no-edit", "right"]);
        let error = Migrations::load(project.root()).unwrap_err().to_string();
        assert!(error.contains("`cargo tabellion reseal`"), "{error}");

        let applied = Applied {
            target: "production".into(),
            entries: engine.applied().await.unwrap(),
        };
        let resealed = reseal(project.root(), &[applied]).unwrap();
        assert_eq!(resealed.len(), 1);
        assert_eq!(resealed[0].from.len(), 14);
        let last = if applied_first == "left" {
            "right"
        } else {
            "left"
        };
        assert_eq!(repository.names(), ["base", applied_first, last]);
        assert_eq!(repository.files().len(), 6);
        assert_eq!(project.lock().schema, both());
        assert!(reseal(project.root(), &[]).unwrap().is_empty());
        let done = engine.apply(&project.load(), &options).await.unwrap();
        assert_eq!(done.len(), 1);
        let found = engine.verify(&project.load()).await.unwrap();
        assert!(found.is_clean(), "{found}");
    }
}
