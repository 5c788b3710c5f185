//! Tiny crates in temporary folders, walked and checked.

mod conditions;
mod modules;
mod paths;
mod rustc;
mod rustc_paths;
mod targets;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Cfg, Derive, Found, Resolution, Share, Target, TargetKind, Walk, walk};

/// A package made of these files, walked from `src/lib.rs`.
struct Krate {
    dir: TempDir,
    cfg: Cfg,
}

impl Krate {
    fn new(files: &[(&str, &str)]) -> Krate {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            fs::write(path, text).expect("the file");
        }
        Krate {
            dir,
            cfg: Cfg::default(),
        }
    }

    fn with(mut self, name: &str, value: Option<&str>) -> Krate {
        self.cfg.set(name, value);
        self
    }

    fn walk(&self) -> Walk {
        let target = Target {
            kind: TargetKind::Lib,
            crate_name: "krate".into(),
            root: PathBuf::from("src/lib.rs"),
        };
        walk(
            self.dir.path(),
            &target,
            &self.cfg,
            Share { number: 0, of: 1 },
        )
    }
}

/// The walk of one file.
fn one(text: &str) -> Walk {
    Krate::new(&[("src/lib.rs", text)]).walk()
}

/// The paths of what was found, those outside the schema marked.
fn paths(walk: &Walk) -> Vec<String> {
    let path = |found: &Found| {
        let mark = if found.is_outside() { " (outside)" } else { "" };
        format!("{}{mark}", found.path())
    };
    walk.items.iter().map(path).collect()
}

/// The names of the fields or the variants.
fn members(found: &Found) -> Vec<String> {
    match &found.input().expect("an item").data {
        syn::Data::Struct(data) => data
            .fields
            .iter()
            .filter_map(|field| field.ident.as_ref())
            .map(ToString::to_string)
            .collect(),
        syn::Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| variant.ident.to_string())
            .collect(),
        syn::Data::Union(_) => Vec::new(),
    }
}

/// What `path`, written beside the item at `from`, denotes: a path in the crate, or why not.
fn resolved(walk: &Walk, from: &str, path: &str) -> String {
    let from = walk
        .items
        .iter()
        .find(|found| found.path() == from)
        .expect("the item");
    let path = syn::parse_str(path).expect("a path");
    match walk.resolve(from, &path) {
        Resolution::Item(item) => walk.items[item].path(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn slashed(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .collect()
}

#[test]
fn only_our_derives_are_found() {
    let walk = one("
        use tabellion::Table as T;
        use other::Row as Table;
        #[derive(Debug, tabellion::Table, Clone)] struct A { id: i32 }
        #[derive(T)] struct B { id: i32 }
        #[derive(Table)] struct NotOurs { id: i32 }
        #[derive(Debug)] struct Plain;
        struct Bare(u8);
        #[derive(Scope)] pub struct S { #[setting(\"x\")] x: String }
        #[derive(::tabellion::TextEnum, tabellion::Table)] pub(crate) enum E { One, Two }
        #[cfg_attr(all(), derive(TextEnum))] enum F { X }
        #[cfg_attr(any(), derive(TextEnum))] enum G { X }
        mod inner { use super::*; #[derive(T)] struct C { id: i32 } }
        mod apart { #[derive(T)] struct NotSeen { id: i32 } }
    ");
    assert_eq!(paths(&walk), ["A", "B", "S", "E", "F", "inner::C"]);
    let kinds: Vec<&[Derive]> = walk
        .items
        .iter()
        .map(|found| found.derives.as_slice())
        .collect();
    use Derive::{Scope, Table, TextEnum};
    assert_eq!(
        kinds,
        [
            &[Table][..],
            &[Table],
            &[Scope],
            &[Table, TextEnum],
            &[TextEnum],
            &[Table]
        ]
    );
    assert!(walk.unparsed.is_empty());
}
