//! The walk's reading against rustc's own: which items there are, and what they hold.
//!
//! A crate full of corner cases is compiled with derives that fail with `module_path!()` and the
//! very tokens they were given; the walk must find the same items, in the same modules, with the
//! same tokens, in a plain build and under test.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::str::FromStr as _;

use proc_macro2::TokenStream;
use quote::ToTokens as _;

use super::Krate;
use crate::walk::Worlds;

/// The derives that tell what they were given, as one error each.
const PROBE: &str = r##"
    extern crate proc_macro;
    use proc_macro::TokenStream;

    fn tell(input: TokenStream) -> TokenStream {
        let hex: String = input.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("::core::compile_error!(::core::concat!(\"@@\", ::core::module_path!(), \"@@{hex}@@\"));")
            .parse()
            .unwrap()
    }

    #[proc_macro_derive(Table, attributes(table, column, index))]
    pub fn table(input: TokenStream) -> TokenStream { tell(input) }
    #[proc_macro_derive(Scope, attributes(scope, setting))]
    pub fn scope(input: TokenStream) -> TokenStream { tell(input) }
    #[proc_macro_derive(TextEnum, attributes(text))]
    pub fn text_enum(input: TokenStream) -> TokenStream { tell(input) }
"##;

const FILES: &[(&str, &str)] = &[
    (
        "src/lib.rs",
        "\u{feff}#!/usr/bin/env run\r\n//! A crate.\r\n#![allow(dead_code)]\r\n
        use tabellion::{Scope, Table, TextEnum};
        use tabellion::Table as Deed;

        macro_rules! cfg_if {
            ($(if #[cfg($m:meta)] { $($t:item)* })else+ else { $($e:item)* }) => {
                $( $(#[cfg($m)] $t)* )*
            };
        }

        /// Documented.\r
        #[derive(Table)] #[table(name = \"a\")] pub struct Root { #[column(primary_key)] id: i32 }
        #[derive(Clone, Deed, Debug)] struct Tuple(i32, #[cfg(any())] i64);
        mod plain;
        mod folder;
        mod r#async;
        mod r#ordinary;
        #[path = \"elsewhere/odd name.rs\"] mod odd;
        #[cfg_attr(all(), path = \"elsewhere/by_attr.rs\")] mod by_attr;
        #[cfg_attr(test, path = \"elsewhere/tested.rs\")] mod two_faced;
        mod inline { mod below; #[path = \"other.rs\"] mod other; pub mod deep { mod deeper; } }
        #[path = \"rerooted\"] mod moved { mod a; #[path = \"b\"] mod again { mod c; } }
        #[cfg(never)] mod missing;
        #[cfg(not(never))] mod present { use tabellion::*; #[derive(Table)] struct P; }
        #[cfg(feature = \"foo-bar\")] mod dashed { #[derive(tabellion::Table)] struct D { } }
        #[cfg(feature = \"foo_bar\")] mod missing_too;
        #[cfg(all(unix_like, not(any(never, k = \"w\")), k = \"v\"))] #[derive(Scope)] struct Facts {
            #[setting(\"a\")] a: String
        }
        mod gated;
        #[cfg(true)] #[derive(Table)] struct Literal;
        #[cfg(false)] #[derive(Table)] struct Absent;
        #[derive(Table)] #[cfg(true)] struct CfgAfter { #[cfg_attr(true, cfg(true), column(unique))] id: i32 }
        #[derive(Table)] #[cfg(false)] struct AbsentAfter;
        #[cfg_attr(true, cfg(true))] #[derive(Debug)] #[cfg(true)] #[derive(Table)] #[cfg(true)] struct CfgBetween;
        include!(\"parts/included.rs\");
        cfg_if! {
            if #[cfg(never)] { mod missing_three; }
            else if #[cfg(k = \"v\")] { mod chosen { #[derive(tabellion::Table)] struct C; } }
            else { mod missing_four; }
        }
        cfg_select! {
            never => { mod missing_five; }
            k = \"v\" => { #[derive(Table)] struct Selected; }
            _ => { mod missing_six; }
        }
        #[cfg(test)] mod tests { use super::*; #[derive(Table)] struct OnlyTested { id: i32 } }
        #[cfg(not(test))] #[derive(Table)] struct NeverTested;
        #[derive(Table)] struct Differs {
            id: i32,
            #[cfg(test)] seen: i32,
            #[cfg_attr(not(test), column(unique))] key: i32,
        }
        #[derive(TextEnum)] enum Kind<#[cfg(any())] 'a, T = ()> {
            #[cfg(never)] Gone,
            #[cfg_attr(all(k = \"v\"), text(rename = \"one\"), doc = \"d\")] One = 1,
            Two { #[cfg(never)] a: i32, b: T },
        }
        #[cfg_attr(k = \"v\", derive(Table), table(name = \"x\"))] struct ByAttr { id: i32 }
        #[cfg_attr(test, derive(Table))] struct TestDerived { id: i32 }
        fn function() -> Option<Vec<u8>> where [(); { 1 }]: Sized {
            #[derive(Table)] struct InFunction { id: i32 }
            if 1 < 2 { #[derive(Table)] struct InBlock; }
            #[cfg(never)] { #[derive(Table)] struct InAbsent; }
            #[cfg(test)] { #[derive(Table)] struct InTestBlock; }
            mod inner { #[derive(tabellion::Table)] struct InInner; fn f() { #[derive(tabellion::Scope)] struct Twice; } }
            let _ = || { #[derive(Table)] struct InClosure; };
            match 1 { #[cfg(never)] 1 => { #[derive(Table)] struct InArm; } _ => { #[derive(Table)] struct InOther; } }
            None
        }
        #[test] fn a_test() { #[derive(Table)] struct InTest; }
        const _: () = { #[derive(Table)] struct InConst; };
        static TEXT: &str = { #[derive(Table)] struct InStatic; \"\" };
        struct Holder<const N: usize>;
        impl Holder<{ 2 }> {
            fn method<F: Fn(u8) -> u8>(f: F) { #[derive(Table)] struct InMethod; }
            #[cfg(never)] fn gone() { #[derive(Table)] struct InGone; }
        }
        trait Named { fn named() { #[derive(Table)] struct InTrait; } }
        pub(crate) const unsafe extern \"C\" fn qualified() { #[derive(Table)] struct InQualified; }
        ",
    ),
    ("src/plain.rs", "mod child; mod inline { mod x; #[path = \"y.rs\"] mod y; } #[path = \"aside.rs\"] mod aside; #[derive(tabellion::Table)] struct Plain;"),
    ("src/plain/child.rs", "use tabellion::Table as X; #[derive(X)] struct Child { a: &'static str }"),
    ("src/plain/inline/x.rs", "#[derive(tabellion::Table)] struct X;"),
    ("src/plain/inline/y.rs", "#[derive(tabellion::Table)] struct Y;"),
    ("src/aside.rs", "mod own; #[derive(tabellion::Table)] struct Aside;"),
    ("src/own.rs", "#[derive(tabellion::Table)] struct Own;"),
    ("src/folder/mod.rs", "mod child; mod inline { mod x; }"),
    ("src/folder/child.rs", "mod grand; #[derive(tabellion::Table)] struct Child;"),
    ("src/folder/child/grand.rs", "#[derive(tabellion::Table)] struct Grand;"),
    ("src/folder/inline/x.rs", "#[derive(tabellion::Table)] struct X;"),
    ("src/async.rs", "mod r#fn { #[derive(tabellion::Table)] struct r#Async { r#type: i32 } } mod below; "),
    ("src/async/below.rs", "#[derive(tabellion::Table)] struct r#Self_;"),
    ("src/ordinary.rs", "#[derive(tabellion::Table)] struct Ordinary;"),
    ("src/elsewhere/odd name.rs", "mod beside;"),
    ("src/elsewhere/beside.rs", "#[derive(tabellion::Table)] struct Beside;"),
    ("src/elsewhere/by_attr.rs", "#[derive(tabellion::Table)] struct ByAttr;"),
    ("src/elsewhere/tested.rs", "#[derive(tabellion::Table)] struct Face { tested: i32 }"),
    ("src/two_faced.rs", "#[derive(tabellion::Table)] struct Face { built: i32 }"),
    ("src/inline/below.rs", "mod further; #[derive(tabellion::Table)] struct Below;"),
    ("src/inline/below/further.rs", "#[derive(tabellion::Table)] struct Further;"),
    ("src/inline/other.rs", "#[derive(tabellion::Table)] struct Other;"),
    ("src/inline/deep/deeper.rs", "#[derive(tabellion::Table)] struct Deeper;"),
    ("src/rerooted/a.rs", "#[derive(tabellion::Table)] struct A;"),
    ("src/rerooted/b/c.rs", "#[derive(tabellion::Table)] struct C;"),
    ("src/gated.rs", "#![cfg(test)]\n#[derive(tabellion::Table)] struct Gated;"),
    ("src/parts/included.rs", "mod from_include; #[derive(Table)] struct Included { /** two\n lines */ a: i32 }"),
    ("src/parts/from_include.rs", "#[derive(tabellion::Table)] struct FromInclude;"),
];

#[test]
fn the_walk_reads_what_rustc_reads() {
    let krate = Krate::new(FILES)
        .with("feature", Some("foo-bar"))
        .with("k", Some("v"))
        .with("unix_like", None);
    let dir = krate.dir.path();
    fs::write(dir.join("probe.rs"), PROBE).expect("the probe");
    let probe = run(
        dir,
        &[
            "probe.rs",
            "--crate-name=tabellion",
            "--crate-type=proc-macro",
            "-Cprefer-dynamic",
        ],
    );
    assert!(probe.is_empty(), "{probe}");

    let walk = krate.walk();
    assert!(walk.unparsed.is_empty(), "{:?}", walk.unparsed);
    for (world, flag) in [
        (Worlds::BUILD, "--crate-type=lib"),
        (Worlds::TEST, "--test"),
    ] {
        let errors = run(
            dir,
            &[
                "src/lib.rs",
                "--crate-name=krate",
                flag,
                "--emit=metadata",
                "--extern=tabellion",
                "-L.",
                "--cfg=feature=\"foo-bar\"",
                "--cfg=k=\"v\"",
                "--cfg=unix_like",
            ],
        );
        let mut rustc: Vec<String> = told(&errors);
        assert!(rustc.len() > 30, "{errors}");
        let mut ours: Vec<String> = walk
            .items
            .iter()
            .filter(|found| found.worlds.meets(world))
            .map(|found| {
                let module = ["krate"]
                    .into_iter()
                    .chain(found.module.iter().map(String::as_str));
                let module = module.collect::<Vec<_>>().join("::");
                spaced(&module, &found.input().to_token_stream().to_string())
            })
            .collect();
        // rustc runs derives in an order of its own.
        rustc.sort();
        ours.sort();
        assert_eq!(ours, rustc, "with {flag}");
    }
}

/// Runs the compiler in `dir` and gives its complaints.
pub(super) fn run(dir: &Path, arguments: &[&str]) -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "-Awarnings"])
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("rustc runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the derives told: a module and an item each.
fn told(errors: &str) -> Vec<String> {
    let mut items = Vec::new();
    for line in errors.lines().filter(|line| line.starts_with("error: @@")) {
        let mut parts = line.split("@@").skip(1);
        let (Some(module), Some(hex)) = (parts.next(), parts.next()) else {
            continue;
        };
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        let text = String::from_utf8((0..hex.len()).step_by(2).map(byte).collect()).expect("text");
        items.push(spaced(module, &text));
    }
    items
}

/// One spelling for tokens that were spaced by different hands.
fn spaced(module: &str, text: &str) -> String {
    let tokens = TokenStream::from_str(text).expect("tokens").to_string();
    format!("{module} {}", tokens.replace(' ', ""))
}
