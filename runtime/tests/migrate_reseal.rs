//! Two branches that both sealed, merged by git itself, and put into one chain.

mod migrate_support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use migrate_support::{Project, client, database, step};
use tabellion::migrate::{
    Applied, ApplyOptions, MigrateError, Migrations, Migrator, RehearseOptions, Resealed,
    SealOptions, rehearse, reseal, seal,
};
use tabellion_sql::file::Header;
use tabellion_sql::plan::{Script, Settings, migrations};
use tabellion_sql::schema::{
    Column, ForeignKey, Index, IndexColumn, PrimaryKey, QualifiedName, Renames, Rls, Schema, Table,
    Type,
};

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

struct Repository {
    project: Project,
}

impl Repository {
    /// A base that is sealed, and two branches from it that both seal: the right one twice.
    fn new(attributes: bool) -> Self {
        let repository = Repository {
            project: Project::new(),
        };
        let project = &repository.project;
        project.draw(&step(1));
        project.seal("base");
        if !attributes {
            project.write(".gitattributes", "");
        }
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit("base");
        repository.git(&["checkout", "-q", "-b", "right"]);
        project.draw(&right());
        project.seal("right");
        project.seal_sql("more", "select 'more';\n", "select 'less';\n");
        repository.commit("right");
        // Versions are seconds, and three may have been taken within one.
        std::thread::sleep(Duration::from_millis(3100));
        repository.git(&["checkout", "-q", "main"]);
        project.draw(&left());
        project.seal("left");
        repository.commit("left");
        repository
    }

    fn run(&self, words: &[&str]) -> bool {
        let status = Command::new("git")
            .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"])
            .args(words)
            .current_dir(self.project.root())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
        status.expect("git runs").success()
    }

    fn git(&self, words: &[&str]) {
        assert!(self.run(words), "git {words:?}");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    fn names(&self) -> Vec<String> {
        let set = self.project.load();
        set.iter().map(|migration| migration.name.clone()).collect()
    }

    /// Every file of the two folders.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for folder in ["migrations", "rollbacks"] {
            for entry in fs::read_dir(self.project.path(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                files.push(format!("{folder}/{name}"));
            }
        }
        files.sort();
        files
    }
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

/// A table with a key, and a column `x`.
fn plain(source: &str) -> Table {
    Table {
        columns: vec![Column::new("id", Type::Int8), Column::new("x", Type::Int4)],
        primary_key: Some(PrimaryKey {
            name: format!("{}_pkey", source.to_lowercase()),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        rls: Rls::Disabled("a test".into()),
        ..Table::new(format!("shop::{source}"))
    }
}

/// One whose `updated_at` a trigger maintains.
fn touched(source: &str) -> Table {
    let mut table = plain(source);
    let mut column = Column::new("updated_at", Type::Timestamptz(None));
    column.default = Some("now()".into());
    column.updated_at = true;
    table.columns.push(column);
    table
}

fn tables(tables: &[(&str, &str, Table)]) -> Schema {
    let named = tables
        .iter()
        .map(|(namespace, name, table)| (QualifiedName::new(*namespace, *name), table.clone()));
    Schema {
        tables: named.collect(),
        ..Schema::default()
    }
}

/// Draws a schema as the build does, and seals it.
fn seal_drawn(project: &Project, name: &str, schema: &Schema) {
    let settings = Settings::default();
    let sealed = project.lock().schema;
    let drawn = migrations(&sealed, schema, &Renames::default(), &settings).expect("no question");
    let text = |script: &Script| {
        let header = Header {
            no_transaction: script.no_transaction,
            hazards: script.hazards(),
            ..Header::default()
        };
        format!("-- Draft by Tabellion.\n{header}\n{}", script.body())
    };
    let texts: Vec<[String; 2]> = drawn
        .iter()
        .map(|it| [text(&it.up), text(&it.down)])
        .collect();
    let pairs: Vec<_> = texts
        .iter()
        .map(|[up, down]| (&**up, &**down, schema))
        .collect();
    project.draw_pairs(schema, &pairs);
    let objects: BTreeSet<String> = drawn
        .iter()
        .flat_map(|it| it.up.hazards())
        .filter_map(|hazard| hazard.to_accept().map(str::to_owned))
        .collect();
    let options = SealOptions {
        accept: objects.iter().map(|it| format!("{it}: tested")).collect(),
        reviewed: true,
    };
    seal(project.root(), name, &options).expect("the draft is sealed");
}

/// A base, and two branches from it, each with a seal for each schema, merged by git.
fn parted(base: &Schema, right: &[Schema], left: &[Schema]) -> Repository {
    let repository = Repository {
        project: Project::new(),
    };
    let project = &repository.project;
    seal_drawn(project, "base", base);
    repository.git(&["init", "-q", "-b", "main"]);
    repository.commit("base");
    repository.git(&["checkout", "-q", "-b", "right"]);
    for schema in right {
        seal_drawn(project, "right", schema);
    }
    repository.commit("right");
    // Versions are seconds, and each seal may have taken several.
    std::thread::sleep(Duration::from_millis(4100));
    repository.git(&["checkout", "-q", "main"]);
    for schema in left {
        seal_drawn(project, "left", schema);
    }
    repository.commit("left");
    repository.git(&["merge", "-q", "--no-edit", "right"]);
    repository
}

/// Reseals, and runs the chain up, down and up again.
async fn runs(repository: &Repository, merged: &Schema) -> Vec<Resealed> {
    let project = &repository.project;
    let resealed = reseal(project.root(), &[]).unwrap();
    assert_eq!(project.lock().schema, *merged);
    assert!(reseal(project.root(), &[]).unwrap().is_empty());
    let database = database().await;
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let set = project.load();
    let options = RehearseOptions {
        url: Some(database.url().to_owned()),
        ..RehearseOptions::default()
    };
    let report = rehearse(&set, &options, &mut |_| {}).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    resealed
}

#[tokio::test]
async fn what_tables_share_is_made_by_the_first_branch_and_drawn_anew_for_the_other() {
    let a = ("public", "a", plain("A"));
    let base = tables(std::slice::from_ref(&a));
    for [b, c] in [
        [("public", "b", touched("B")), ("public", "c", touched("C"))],
        [("w", "b", plain("B")), ("w", "c", plain("C"))],
    ] {
        let right = tables(&[a.clone(), b.clone()]);
        let left = tables(&[a.clone(), c.clone()]);
        let both = tables(&[a.clone(), b, c]);
        let resealed = runs(&parted(&base, &[right], &[left]), &both).await;
        assert_eq!(resealed.len(), 1);
        assert!(resealed[0].drawn_anew);
    }
}

#[tokio::test]
async fn what_tables_share_goes_with_the_last_of_them() {
    let [a, b] = [("public", "a"), ("public", "b")];
    let [old_a, old_b] = [(a.0, a.1, touched("A")), (b.0, b.1, touched("B"))];
    let [new_a, new_b] = [(a.0, a.1, plain("A")), (b.0, b.1, plain("B"))];
    let base = tables(&[old_a.clone(), old_b.clone()]);
    let right = tables(&[new_a.clone(), old_b]);
    let left = tables(&[old_a, new_b.clone()]);
    let both = tables(&[new_a, new_b]);
    let resealed = runs(&parted(&base, &[right], &[left]), &both).await;
    assert!(resealed[0].drawn_anew);
    assert_eq!(
        resealed[0].files.accepted["column public.b.updated_at"],
        "tested"
    );
}

#[tokio::test]
async fn of_several_seals_only_what_must_be_is_drawn_anew() {
    let a = ("public", "a", plain("A"));
    let [b, c, d] =
        [("b", "B"), ("c", "C"), ("d", "D")].map(|(name, source)| ("w", name, plain(source)));
    let mut indexed = b.clone();
    indexed
        .2
        .indexes
        .insert("b_x".into(), Index::new([IndexColumn::new("x")]));
    let right = [
        tables(&[a.clone(), b.clone()]),
        tables(&[a.clone(), indexed.clone()]),
    ];
    let left = [
        tables(&[a.clone(), c.clone()]),
        tables(&[a.clone(), c.clone(), d.clone()]),
    ];
    let repository = parted(&tables(std::slice::from_ref(&a)), &right, &left);
    let resealed = runs(&repository, &tables(&[a, indexed, c, d])).await;
    let anew: Vec<bool> = resealed.iter().map(|one| one.drawn_anew).collect();
    assert_eq!(anew, [true, false]);
}

#[tokio::test]
async fn branches_that_do_not_fit_together_are_refused() {
    let named = |name: &'static str, table: Table| ("public", name, table);
    let index = |mut table: Table, name: &str, column: &str| {
        let index = Index::new([IndexColumn::new(column)]);
        table.indexes.insert(name.into(), index);
        table
    };
    let mut other = plain("A");
    other.columns.retain(|column| column.name != "x");
    let mut child = plain("B");
    let key = ForeignKey::new(["id"], QualifiedName::new("public", "a"), ["id"]);
    child.foreign_keys.insert("b_id_fkey".into(), key);
    let [a, b] = [named("a", plain("A")), named("b", plain("B"))];
    let i = |source: &str| index(plain(source), "i", "x");
    for (base, right, left, said) in [
        // An index on a column that is gone.
        (
            vec![a.clone()],
            vec![named("a", index(plain("A"), "a_x", "x"))],
            vec![named("a", other)],
            "`a_x`",
        ),
        // A foreign key to a table that is gone.
        (
            vec![a.clone(), b.clone()],
            vec![a.clone(), named("b", child)],
            vec![b],
            "`public.b`",
        ),
        // Two indexes of one name.
        (
            vec![a.clone()],
            vec![a.clone(), named("b", i("B"))],
            vec![a, named("c", i("C"))],
            "`i`",
        ),
    ] {
        let repository = parted(&tables(&base), &[tables(&right)], &[tables(&left)]);
        let project = &repository.project;
        let (text, files) = (project.read("tabellion.lock"), repository.files());
        let error = reseal(project.root(), &[]).unwrap_err().to_string();
        assert!(
            error.contains("do not fit together at table") && error.contains(said),
            "{error}"
        );
        assert!(
            error.ends_with("merge, build, and seal it again"),
            "{error}"
        );
        assert_eq!(
            (project.read("tabellion.lock"), repository.files()),
            (text, files)
        );
    }
}

#[test]
fn what_a_person_wrote_is_never_drawn_anew() {
    let a = ("public", "a", plain("A"));
    let repository = Repository {
        project: Project::new(),
    };
    let project = &repository.project;
    seal_drawn(project, "base", &tables(std::slice::from_ref(&a)));
    repository.git(&["init", "-q", "-b", "main"]);
    repository.commit("base");
    for (branch, name, source) in [("right", "b", "B"), ("left", "c", "C")] {
        repository.git(&["checkout", "-q", "main"]);
        repository.git(&["checkout", "-q", "-b", branch]);
        // Not as `migrations` draws it: without the limits.
        project.draw(&tables(&[a.clone(), ("public", name, touched(source))]));
        project.seal(branch);
        repository.commit(branch);
        std::thread::sleep(Duration::from_millis(2100));
    }
    repository.git(&["merge", "-q", "--no-edit", "right"]);
    let (text, files) = (project.read("tabellion.lock"), repository.files());
    let error = reseal(project.root(), &[]).unwrap_err().to_string();
    assert!(
        error.contains("_left.sql` would have to say something else behind the other branch"),
        "{error}"
    );
    assert_eq!(
        (project.read("tabellion.lock"), repository.files()),
        (text, files)
    );
}

#[test]
fn cut_short_while_it_draws_anew_it_is_completed_by_the_same_command() {
    let a = ("public", "a", plain("A"));
    let [b, c] = [("w", "b", plain("B")), ("w", "c", plain("C"))];
    let right = tables(&[a.clone(), b.clone()]);
    let left = tables(&[a.clone(), c.clone()]);
    let repository = parted(&tables(std::slice::from_ref(&a)), &[right], &[left]);
    let project = &repository.project;
    let merged_lock = project.read("tabellion.lock");
    let old: Vec<(String, String)> = repository
        .files()
        .into_iter()
        .map(|file| (project.read(&file), file))
        .collect();
    reseal(project.root(), &[]).unwrap();
    let (lock, files) = (project.read("tabellion.lock"), repository.files());
    // After the lock: the old files are there still.
    for (text, file) in &old {
        project.write(file, text);
    }
    assert!(reseal(project.root(), &[]).unwrap().is_empty());
    assert_eq!(
        (project.read("tabellion.lock"), repository.files()),
        (lock, files.clone())
    );
    // Before it: the new ones are there already.
    for (text, file) in &old {
        project.write(file, text);
    }
    project.write("tabellion.lock", &merged_lock);
    std::thread::sleep(Duration::from_millis(1100));
    assert!(reseal(project.root(), &[]).unwrap()[0].drawn_anew);
    assert_eq!(repository.files().len(), files.len());
    project.load();
}
