//! A `reseal` that is killed before any change of a file, and run again.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tabellion_sql::file::Header;
use tabellion_sql::lock::{DOWN, Draft, LOCK, Lock, UP, draft_files};
use tabellion_sql::plan::{Script, Settings, migrations};
use tabellion_sql::schema::{Column, QualifiedName, Renames, Rls, Schema, Table, Type};

use super::super::set::Migrations;
use super::{SealOptions, reseal, seal};

thread_local! {
    /// How many changes there are left to live.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

pub(super) fn step() {
    LEFT.with(|left| {
        assert!(left.get() > 0, "killed");
        left.set(left.get() - 1);
    });
}

type Tree = BTreeMap<String, String>;

/// The files of the root and its two folders.
fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for folder in ["", UP, DOWN] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let below = path.strip_prefix(root).unwrap().to_str().unwrap();
                tree.insert(below.to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    tree
}

fn restore(root: &Path, tree: &Tree) {
    let _ = fs::remove_dir_all(root);
    for (path, text) in tree {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Tables of an `id`, and of the columns that stand behind their names.
fn schema(tables: &[(&str, &str, &[&str])]) -> Schema {
    let table = |columns: &[&str]| Table {
        columns: std::iter::once(&"id")
            .chain(columns)
            .map(|name| Column::new(*name, Type::Int8))
            .collect(),
        rls: Rls::Disabled("a test".into()),
        ..Table::new("shop::Table")
    };
    let tables = tables
        .iter()
        .map(|(schema, name, columns)| (QualifiedName::new(*schema, *name), table(columns)));
    Schema {
        tables: tables.collect(),
        ..Schema::default()
    }
}

/// Draws a schema as the build does, and seals it.
fn seal_drawn(root: &Path, name: &str, schema: &Schema) {
    let lock = fs::read_to_string(root.join(LOCK));
    let lock = lock.map_or_else(|_| Lock::default(), |text| Lock::parse(&text).unwrap());
    let settings = Settings::default();
    let drawn = migrations(&lock.schema, schema, &Renames::default(), &settings).unwrap();
    let text = |script: &Script| {
        let header = Header {
            hazards: script.hazards(),
            ..Header::default()
        };
        format!("-- Draft.\n{header}\n{}", script.body())
    };
    let texts: Vec<[String; 2]> = drawn
        .iter()
        .map(|it| [text(&it.up), text(&it.down)])
        .collect();
    let pairs = texts.iter().map(|[up, down]| [up.as_str(), down.as_str()]);
    let parent = lock.head().map(|head| head.checksum);
    let draft = Draft::new(parent, schema.clone(), pairs);
    fs::create_dir_all(root).unwrap();
    for (number, [up, down]) in (1..).zip(&texts) {
        let files = draft_files(number);
        fs::write(root.join(&files[0]), up).unwrap();
        fs::write(root.join(&files[1]), down).unwrap();
    }
    fs::write(root.join("draft.lock"), draft.to_text()).unwrap();
    let hazards = drawn.iter().flat_map(|it| it.up.hazards());
    let mut accept: Vec<String> = hazards
        .filter_map(|hazard| Some(format!("{}: tested", hazard.to_accept()?)))
        .collect();
    accept.dedup();
    let options = SealOptions {
        accept,
        reviewed: true,
    };
    seal(root, name, &options).unwrap();
}

#[test]
fn killed_anywhere_it_is_finished_by_the_same_command() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("db");
    // The left branch says first what the right one says too, then what must be drawn anew behind it.
    let base = schema(&[("public", "a", &["x"])]);
    let right = schema(&[("public", "a", &[]), ("w", "b", &[])]);
    let less = schema(&[("public", "a", &[])]);
    let left = schema(&[("public", "a", &[]), ("w", "c", &[])]);
    let both = schema(&[("public", "a", &[]), ("w", "b", &[]), ("w", "c", &[])]);
    seal_drawn(&root, "base", &base);
    let sealed = tree(&root);
    seal_drawn(&root, "right", &right);
    let mut merged = tree(&root);
    restore(&root, &sealed);
    // The right one has the second after the base: no version of the left one is the same.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    seal_drawn(&root, "less", &less);
    seal_drawn(&root, "left", &left);
    for (path, text) in tree(&root) {
        match path == LOCK {
            true => merged.get_mut(LOCK).unwrap().push_str(&text),
            false => drop(merged.insert(path, text)),
        }
    }
    restore(&root, &merged);
    let resealed = reseal(&root, &[]).unwrap();
    let told: Vec<[bool; 2]> = resealed
        .iter()
        .map(|it| [it.left_out, it.drawn_anew])
        .collect();
    assert_eq!(told, [[true, false], [false, true]]);
    let names: Vec<String> = tree(&root).into_keys().collect();

    for first in 0.. {
        restore(&root, &merged);
        LEFT.set(first);
        let ended = catch_unwind(AssertUnwindSafe(|| reseal(&root, &[])));
        LEFT.set(usize::MAX);
        if ended.is_ok() {
            assert!(first > 12, "{first}");
            break;
        }
        // Once more, now and then a second later, so that what is written has other names.
        let cut = tree(&root);
        for second in [usize::MAX, first / 2, 4, 7] {
            restore(&root, &cut);
            if first % 4 == 1 {
                std::thread::sleep(std::time::Duration::from_millis(1000));
            }
            LEFT.set(second);
            let _ = catch_unwind(AssertUnwindSafe(|| reseal(&root, &[])));
            LEFT.set(usize::MAX);
            reseal(&root, &[]).unwrap_or_else(|error| panic!("{first}, {second}: {error}"));
            let now = tree(&root);
            assert_eq!(
                now.len(),
                names.len(),
                "{first}, {second}: {:?}",
                now.keys()
            );
            assert_eq!(Migrations::load(&root).unwrap().iter().count(), 3);
            assert_eq!(Lock::parse(&now[LOCK]).unwrap().schema, both);
        }
    }
}
