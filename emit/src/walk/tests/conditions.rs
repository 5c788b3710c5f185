//! `cfg` in all its forms, and what only ever exists under test.

use syn::parse::ParseStream;
use syn::parse::Parser as _;

use super::{Krate, members, one, paths, slashed};
use crate::walk::{Cfg, Worlds};

fn cfg(vars: &[(&str, &str)]) -> Cfg {
    Cfg::from_vars(
        vars.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
    )
}

fn eval(cfg: &Cfg, predicate: &str) -> Option<Worlds> {
    (|input: ParseStream<'_>| cfg.predicate(input))
        .parse_str(predicate)
        .ok()
}

/// What cargo sets for a build script (1.95, x86_64 Linux), cut down.
fn cargo() -> Cfg {
    cfg(&[
        ("CARGO_CFG_FEATURE", "default,foo-bar,under_score"),
        ("CARGO_FEATURE_FOO_BAR", "1"),
        ("CARGO_CFG_DEBUG_ASSERTIONS", ""),
        ("CARGO_CFG_PANIC", "unwind"),
        ("CARGO_CFG_TARGET_ABI", ""),
        ("CARGO_CFG_TARGET_HAS_ATOMIC", "16,32,ptr"),
        ("CARGO_CFG_TARGET_OS", "linux"),
        ("CARGO_CFG_UNIX", ""),
        ("CARGO_CFG_SPECIAL", "a"),
        (
            "CARGO_ENCODED_RUSTFLAGS",
            "-Copt-level=1\u{1f}--cfg\u{1f}Loud\u{1f}--cfg=list=\"a,b\"\u{1f}--cfg\u{1f}quiet",
        ),
        ("CARGO_MANIFEST_DIR", "/x"),
    ])
}

#[test]
fn the_environment_is_read_as_cargo_means_it() {
    let cfg = cargo();
    for yes in [
        "unix",
        "feature = \"foo-bar\"",
        "feature = \"under_score\"",
        "debug_assertions",
        "panic = \"unwind\"",
        "target_abi = \"\"",
        "target_has_atomic = \"ptr\"",
        "target_os = \"linux\"",
        "Loud",
        "quiet",
        "list = \"a,b\"",
        "special = \"a\"",
        "all()",
        "not(any())",
        "all(unix, not(windows))",
        "any(windows, unix,)",
        "true",
    ] {
        assert_eq!(eval(&cfg, yes), Some(Worlds::ALL), "{yes}");
    }
    for no in [
        "windows",
        "feature = \"foo_bar\"",
        "feature",
        "feature = \"\"",
        "feature = \"default,foo-bar\"",
        "target_abi",
        "target_os",
        "target_os = \"macos\"",
        "unknown = \"x\"",
        "any()",
        "not(all())",
        "false",
        "r#true",
        "list = \"a\"",
        "all(unix, windows)",
    ] {
        assert_eq!(eval(&cfg, no), Some(Worlds::NONE), "{no}");
    }
    for wrong in [
        "",
        "not()",
        "not(a, b)",
        "some(a)",
        "feature = 1",
        "a b",
        "all(a b)",
        "\"unix\"",
    ] {
        assert_eq!(eval(&cfg, wrong), None, "{wrong}");
    }
}

#[test]
fn no_features_is_not_an_empty_feature() {
    let cfg = cfg(&[("CARGO_CFG_FEATURE", "")]);
    assert_eq!(eval(&cfg, "feature"), Some(Worlds::NONE));
    assert_eq!(eval(&cfg, "feature = \"\""), Some(Worlds::NONE));
}

#[test]
fn test_and_doc_are_decided_both_ways() {
    let cfg = cargo();
    assert_eq!(eval(&cfg, "test"), Some(Worlds::TEST));
    assert_eq!(eval(&cfg, "not(test)"), Some(Worlds::BUILD | Worlds::DOC));
    assert_eq!(
        eval(&cfg, "any(test, doc)"),
        Some(Worlds::TEST | Worlds::DOC)
    );
    assert_eq!(eval(&cfg, "any(test, unix)"), Some(Worlds::ALL));
    assert_eq!(eval(&cfg, "all(test, windows)"), Some(Worlds::NONE));
}

#[test]
fn what_only_a_test_has_is_outside() {
    let walk = Krate::new(&[
        (
            "src/lib.rs",
            "mod a; #[cfg(test)] mod tests;
             #[cfg(any(test, feature = \"x\"))] #[derive(Table)] struct Either;
             #[cfg(all(test, feature = \"x\"))] #[derive(Table)] struct Both;
             #[cfg(doc)] #[derive(Table)] struct ForReaders;
             #[cfg(not(test))] #[derive(Table)] struct Shop { real: i32 }
             #[cfg(test)] #[derive(Table)] struct Shop { fake: i32 }
             #[tokio::test] async fn t() { #[derive(Table)] struct InTest; }
             #[rstest] fn r() { #[derive(Table)] struct InRstest; }",
        ),
        ("src/a.rs", "#![cfg(test)] #[derive(Table)] struct Inner;"),
        ("src/tests.rs", "mod deep { #[derive(Table)] struct T; } #[cfg(not(test))] #[derive(Table)] struct Never;"),
    ])
    .walk();
    assert_eq!(
        paths(&walk),
        [
            "a::Inner (outside)",
            "tests::deep::T (outside)",
            "Either (outside)",
            "ForReaders (outside)",
            "Shop",
            "Shop (outside)",
            "InTest (outside)",
            "InRstest (outside)",
        ]
    );
    assert_eq!(
        slashed(&walk.files),
        ["src/a.rs", "src/lib.rs", "src/tests.rs"]
    );
}

#[test]
fn a_struct_that_differs_under_test_is_found_twice() {
    let walk = one(
        "#[derive(Table)] #[cfg_attr(test, derive(Debug))] struct Same { id: i32 }
         #[derive(Table)] struct Differs { id: i32, #[cfg(test)] probe: i32, #[cfg(any())] never: i32 }
         #[derive(Table)] #[cfg_attr(test, derive(Scope))] struct Gains { id: i32 }",
    );
    assert_eq!(
        paths(&walk),
        [
            "Same",
            "Differs",
            "Differs (outside)",
            "Gains",
            "Gains (outside)"
        ]
    );
    assert_eq!(members(&walk.items[1]), ["id"]);
    assert_eq!(members(&walk.items[2]), ["id", "probe"]);
    assert_eq!(walk.items[0].worlds, Worlds::ALL);
    assert_eq!(walk.items[1].worlds, Worlds::BUILD | Worlds::DOC);
    assert_eq!(walk.items[4].derives.len(), 2);
}

#[test]
fn a_malformed_condition_is_left_to_rustc() {
    let walk = one("#[cfg(maybe(x))] #[derive(Table)] struct A;
         #[derive(Table)] struct B { #[cfg(not())] id: i32 }
         #[derive(Table)] struct C;");
    assert_eq!(paths(&walk), ["C"]);
    assert_eq!(slashed(&walk.unparsed), ["src/lib.rs"]);
}
