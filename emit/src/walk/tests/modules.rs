//! Modules, files and what is wrong with them.

use std::fs;

use syn::parse::{ParseStream, Parser as _};

use super::{Krate, one, paths, slashed};
use crate::walk::attrs::Facts;
use crate::walk::cfg::Cfg;
use crate::walk::heads::{Heads, Kind};
use crate::walk::{Share, strip};

#[test]
fn items_come_in_source_order() {
    let krate = Krate::new(&[
        (
            "src/lib.rs",
            "#[derive(Table)] struct Z; mod b; #[derive(Table)] struct A; mod a; #[derive(Table)] struct M;",
        ),
        ("src/a.rs", "#[derive(Table)] struct X;"),
        (
            "src/b/mod.rs",
            "mod inner { #[derive(Table)] struct Y; } #[derive(Table)] struct B;",
        ),
    ]);
    let walk = krate.walk();
    assert_eq!(paths(&walk), ["Z", "b::inner::Y", "b::B", "A", "a::X", "M"]);
    assert_eq!(
        slashed(&walk.files),
        ["src/a.rs", "src/b/mod.rs", "src/lib.rs"]
    );
}

#[test]
fn a_path_may_lead_out_of_the_package() {
    let krate = Krate::new(&[("shared.rs", "#[derive(Table)] struct Shared;")]);
    let dir = krate.dir.path().join("member");
    fs::create_dir_all(dir.join("src")).expect("a folder");
    let outside = krate.dir.path().join("absolute.rs");
    fs::write(&outside, "#[derive(Table)] struct Absolute;").expect("a file");
    let text =
        format!("#[path = \"../../shared.rs\"] mod shared; #[path = {outside:?}] mod absolute;");
    fs::write(dir.join("src/lib.rs"), text).expect("a file");
    let target = crate::walk::Target {
        kind: crate::walk::TargetKind::Lib,
        crate_name: "member".into(),
        root: "src/lib.rs".into(),
    };
    let walk = crate::walk::walk(&dir, &target, &krate.cfg, Share { number: 0, of: 1 });
    assert_eq!(paths(&walk), ["shared::Shared", "absolute::Absolute"]);
}

#[test]
fn what_is_missing_or_twice_there_is_left_to_rustc() {
    let walk = Krate::new(&[
        ("src/lib.rs", "mod gone; mod twice; #[derive(Table)] struct A; fn f() { mod unreachable; #[derive(Table)] struct B; }"),
        ("src/twice.rs", ""),
        ("src/twice/mod.rs", ""),
    ])
    .walk();
    assert_eq!(paths(&walk), ["A", "B"]);
    assert_eq!(
        slashed(&walk.unparsed),
        ["src/gone.rs", "src/lib.rs", "src/twice.rs"]
    );
}

#[test]
fn a_file_that_does_not_lex_is_left_to_rustc() {
    let krate = Krate::new(&[
        (
            "src/lib.rs",
            "mod open; mod bytes; mod quote; #[derive(Table)] struct A;",
        ),
        ("src/open.rs", "#[derive(Table)] struct B {"),
        (
            "src/quote.rs",
            "const X: &str = \"; #[derive(Table)] struct C;",
        ),
        ("src/bytes.rs", ""),
    ]);
    fs::write(krate.dir.path().join("src/bytes.rs"), b"// \xff\xfe").expect("the file");
    let walk = krate.walk();
    assert_eq!(paths(&walk), ["A"]);
    assert_eq!(
        slashed(&walk.unparsed),
        ["src/bytes.rs", "src/open.rs", "src/quote.rs"]
    );
}

#[test]
fn no_root_is_no_panic() {
    let walk = Krate::new(&[]).walk();
    assert!(walk.items.is_empty());
    assert_eq!(slashed(&walk.unparsed), ["src/lib.rs"]);
}

#[test]
fn one_bad_item_does_not_hide_its_neighbours() {
    let walk = one("#[derive(Table)] struct A;
         #[derive(Table)] struct Bad { id i32 }
         #[derive(Table)] struct B;
         use ; struct ; mod 1; #[derive(] )] fn");
    // The last line's brackets do not match, so that the whole file is lost to rustc as well.
    assert!(walk.items.is_empty());
    let walk = one(
        "#[derive(Table)] struct A;
         #[derive(Table)] struct Bad { id i32 }
         #[derive(Table)] struct B; use ; struct ; mod 1; #[derive(Table)] struct C; #[derive(Table)]",
    );
    assert_eq!(paths(&walk), ["A", "Bad", "B", "C"]);
    let read = walk.items.iter().map(|found| found.input().is_some());
    assert_eq!(read.collect::<Vec<_>>(), [true, false, true, true]);
    assert_eq!(slashed(&walk.unparsed), ["src/lib.rs"]);
}

#[test]
fn syntax_unknown_to_syn_hides_nothing() {
    let walk = one(
        "pub impl(crate) unknown thing { x } keyword-less; macro m($x:expr) { struct } macro_rules! try { () => {} }
         fn f() { let x = new syntax => here; }
         fn g() { let x = new syntax => here; #[derive(Table)] struct Lost; }
         #[derive(Table)] struct A;",
    );
    assert_eq!(paths(&walk), ["A"]);
    assert!(walk.unparsed.is_empty());
}

#[test]
fn a_file_inside_itself_is_entered_once() {
    let walk = Krate::new(&[
        (
            "src/lib.rs",
            "#[path = \"lib.rs\"] mod again; mod a; #[derive(Table)] struct A;",
        ),
        (
            "src/a.rs",
            "include!(\"a.rs\"); #[path = \"b.rs\"] mod b; #[derive(Table)] struct B;",
        ),
        ("src/b.rs", "#[path = \"a.rs\"] mod a;"),
    ])
    .walk();
    assert_eq!(paths(&walk), ["a::B", "A"]);
    assert_eq!(slashed(&walk.unparsed), ["src/a.rs", "src/lib.rs"]);
}

#[test]
fn one_file_may_be_two_modules() {
    let walk = Krate::new(&[
        (
            "src/lib.rs",
            "#[path = \"x.rs\"] mod a; #[path = \"x.rs\"] mod b;",
        ),
        ("src/x.rs", "#[derive(Table)] struct X;"),
    ])
    .walk();
    assert_eq!(paths(&walk), ["a::X", "b::X"]);
    assert_eq!(slashed(&walk.files), ["src/lib.rs", "src/x.rs"]);
}

#[test]
fn includes_of_the_build_are_passed_over() {
    let walk = Krate::new(&[
        (
            "src/lib.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\")); std::include! { \"part.rs\" }
             quote! { #[derive(Table)] struct Quoted; } macro_rules! m { () => { #[derive(Table)] struct M; } }",
        ),
        ("src/part.rs", "#[derive(Table)] struct Part;"),
    ])
    .walk();
    assert_eq!(paths(&walk), ["Part"]);
    assert!(walk.unparsed.is_empty());
}

/// The types that syn sees in items, and those that the heads of a text show.
fn types_by_syn(items: &[syn::Item], names: &mut Vec<String>) {
    for item in items {
        match item {
            syn::Item::Struct(item) => names.push(item.ident.to_string()),
            syn::Item::Enum(item) => names.push(item.ident.to_string()),
            syn::Item::Mod(item) => {
                let items = item.content.as_ref().map_or(&[][..], |(_, items)| items);
                types_by_syn(items, names);
            }
            _ => {}
        }
    }
}

fn types_by_heads(heads: Heads<'_, '_>, names: &mut Vec<String>) {
    assert!(!heads.broken);
    for head in heads.list {
        match head.kind {
            Kind::Type(name) => names.push(name.to_string()),
            Kind::Mod(_, Some(items)) => {
                types_by_heads(Heads::read(&items, &Cfg::default(), true), names);
            }
            _ => {}
        }
    }
}

#[test]
fn skimming_sees_what_parsing_sees() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Our own files hold no conditional types but their tests, which the heads show too.
            let text = fs::read_to_string(&path).expect("a file");
            let (mut syn, mut ours) = (Vec::new(), Vec::new());
            types_by_syn(&syn::parse_file(&text).expect("Rust").items, &mut syn);
            let stripped = strip::strip(&text, false, &|_| true);
            let stripped = stripped.expect("balanced").text;
            assert!(stripped.len() <= text.len());
            let read = |input: ParseStream<'_>| {
                Facts::default().inner(input, &Cfg::default())?;
                types_by_heads(Heads::read(input, &Cfg::default(), false), &mut ours);
                Ok(())
            };
            // What is passed over counts as unread to syn.
            let _ = read.parse_str(&stripped);
            assert_eq!(ours, syn, "{}", path.display());
            seen += syn.len();
        }
    }
    assert!(seen > 0);
}
