//! What is drawn anew behind another branch, what stays, and what is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tabellion::migrate::{
    ApplyOptions, Migrator, RehearseOptions, Resealed, SealOptions, rehearse, reseal, seal,
};
use tabellion_sql::file::Header;
use tabellion_sql::plan::{Script, Settings, migrations};
use tabellion_sql::schema::{
    Column, Index, IndexColumn, PrimaryKey, QualifiedName, Renames, Rls, Schema, Table, Type,
};

use crate::migrate_support::{Project, database};
use crate::repository::Repository;

/// A table with a key, and a column `x`.
pub(crate) fn plain(source: &str) -> Table {
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

pub(crate) fn tables(tables: &[(&str, &str, Table)]) -> Schema {
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
pub(crate) fn parted(base: &Schema, right: &[Schema], left: &[Schema]) -> Repository {
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
pub(crate) async fn runs(repository: &Repository, merged: &Schema) -> Vec<Resealed> {
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
async fn what_the_other_branch_says_already_is_left_out_and_told() {
    let mut less = plain("A");
    less.columns.retain(|column| column.name != "x");
    let base = tables(&[("public", "a", plain("A"))]);
    let left = tables(&[("public", "a", less)]);
    let repository = parted(
        &base,
        std::slice::from_ref(&left),
        std::slice::from_ref(&left),
    );
    let resealed = runs(&repository, &left).await;
    assert_eq!(repository.names(), ["base", "right"]);
    assert_eq!(resealed.len(), 1);
    assert!(resealed[0].left_out && !resealed[0].drawn_anew);
    let files = &resealed[0].files;
    assert!(
        files
            .up
            .ends_with(format!("migrations/{}_left.sql", resealed[0].from))
    );
    assert!(!files.up.exists() && !files.down.exists());
    assert_eq!(files.accepted["column public.a.x"], "tested");
    assert_eq!(resealed[0].said_already, files.accepted);
}

#[tokio::test]
async fn of_what_the_other_branch_says_in_part_the_reasons_are_told() {
    let less = |source: &str| {
        let mut table = plain(source);
        table.columns.retain(|column| column.name != "x");
        table
    };
    let [a, b] = [("public", "a", "A"), ("public", "b", "B")];
    let old =
        |(schema, name, source): (&'static str, &'static str, &str)| (schema, name, plain(source));
    let new =
        |(schema, name, source): (&'static str, &'static str, &str)| (schema, name, less(source));
    let base = tables(&[old(a), old(b)]);
    let right = tables(&[new(a), old(b)]);
    let left = tables(&[new(a), new(b)]);
    let repository = parted(&base, &[right], std::slice::from_ref(&left));
    let resealed = runs(&repository, &left).await;
    assert_eq!(resealed.len(), 1);
    let one = &resealed[0];
    assert!(one.drawn_anew && !one.left_out);
    let reason = |object: &str| BTreeMap::from([(object.to_owned(), "tested".to_owned())]);
    assert_eq!(one.files.accepted, reason("column public.b.x"));
    assert_eq!(one.said_already, reason("column public.a.x"));
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

/// Three branches that sealed in the same second, of which one takes something away.
fn three_in_one_second(schemas: &[(&str, Schema); 3], base: &Schema) -> Repository {
    loop {
        let repository = Repository {
            project: Project::new(),
        };
        let project = &repository.project;
        seal_drawn(project, "base", base);
        std::thread::sleep(Duration::from_millis(1100));
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit("base");
        for (name, schema) in schemas {
            repository.git(&["checkout", "-q", "main"]);
            repository.git(&["checkout", "-q", "-b", name]);
            seal_drawn(project, name, schema);
            repository.commit(name);
        }
        repository.git(&["checkout", "-q", "main"]);
        for (name, _) in schemas {
            repository.run(&["merge", "-q", "--no-edit", name]);
        }
        let versions = repository.files().into_iter();
        let versions: BTreeSet<String> = versions
            .map(|file| file.split('_').next().unwrap_or_default().to_owned())
            .collect();
        if versions.len() == 4 {
            return repository;
        }
    }
}

#[tokio::test]
async fn three_branches_of_one_second_merged_at_once_and_one_after_the_other() {
    let [a, b, c] =
        [("a", "A"), ("b", "B"), ("c", "C")].map(|(name, source)| ("public", name, plain(source)));
    let mut less = a.clone();
    less.2.columns.retain(|column| column.name != "x");
    let base = tables(std::slice::from_ref(&a));
    let drops = ("drops", tables(std::slice::from_ref(&less)));
    let one = ("one", tables(&[a.clone(), b.clone()]));
    let two = ("two", tables(&[a.clone(), c.clone()]));
    let both = tables(&[less, b, c]);
    for schemas in [
        [drops.clone(), one.clone(), two.clone()],
        [one.clone(), drops.clone(), two.clone()],
        [one, two, drops],
    ] {
        let repository = three_in_one_second(&schemas, &base);
        let project = &repository.project;
        runs(&repository, &both).await;
        assert_eq!(repository.names().len(), 4);
        repository.git(&["reset", "-q", "--hard", schemas[0].0]);
        repository.git(&["clean", "-qfd"]);
        for (name, _) in &schemas[1..] {
            repository.git(&["merge", "-q", "--no-edit", name]);
            reseal(project.root(), &[]).unwrap();
            repository.commit("resealed");
        }
        runs(&repository, &both).await;
        assert_eq!(repository.names().len(), 4);
    }
}

/// A branch that was parted before the one that it came from was resealed behind another.
#[tokio::test]
async fn a_branch_of_what_was_resealed_meanwhile_follows() {
    let a = ("public", "a", plain("A"));
    let d = ("public", "d", plain("D"));
    for [b, c] in [
        // Drawn anew, and as it was.
        [("w", "b", plain("B")), ("w", "c", plain("C"))],
        [("public", "b", plain("B")), ("public", "c", plain("C"))],
    ] {
        for into_main in [true, false] {
            let repository = Repository {
                project: Project::new(),
            };
            let project = &repository.project;
            // Versions are seconds, and each seal may have taken several.
            let later = || std::thread::sleep(Duration::from_millis(4100));
            seal_drawn(project, "base", &tables(std::slice::from_ref(&a)));
            repository.git(&["init", "-q", "-b", "main"]);
            repository.commit("base");
            repository.git(&["checkout", "-q", "-b", "right"]);
            seal_drawn(project, "right", &tables(&[a.clone(), b.clone()]));
            repository.commit("right");
            later();
            repository.git(&["checkout", "-q", "main"]);
            seal_drawn(project, "left", &tables(&[a.clone(), c.clone()]));
            repository.commit("left");
            repository.git(&["checkout", "-q", "-b", "more"]);
            later();
            seal_drawn(project, "more", &tables(&[a.clone(), c.clone(), d.clone()]));
            repository.commit("more");
            repository.git(&["checkout", "-q", "main"]);
            repository.git(&["merge", "-q", "--no-edit", "right"]);
            reseal(project.root(), &[]).unwrap();
            repository.commit("resealed");
            let (at, other) = match into_main {
                true => ("main", "more"),
                false => ("more", "main"),
            };
            repository.git(&["checkout", "-q", at]);
            repository.git(&["merge", "-q", "--no-edit", other]);
            let both = tables(&[a.clone(), b.clone(), c.clone(), d.clone()]);
            runs(&repository, &both).await;
            assert_eq!(repository.names(), ["base", "right", "left", "more"]);
        }
    }
}
