//! Path resolution against rustc's own.
//!
//! Tables fail to compile with the path of the scope that rustc takes their field's type for; the
//! walk must resolve each to the same, in a plain build and under test.

use std::fs;

use super::Krate;
use super::rustc::run;
use crate::walk::{Resolution, Worlds};

/// Scopes that know their path, and tables that fail with the path of their field's type.
const RESOLVER: &str = r##"
    extern crate proc_macro;
    use proc_macro::{TokenStream, TokenTree};

    #[proc_macro_derive(Scope)]
    pub fn scope(input: TokenStream) -> TokenStream {
        let mut tokens = input.into_iter().skip_while(|token| token.to_string() != "struct");
        let name = tokens.nth(1).unwrap().to_string();
        format!("impl {name} {{ pub const PATH: &'static str = ::core::concat!(::core::module_path!(), \"::{name}\"); }}")
            .parse()
            .unwrap()
    }

    #[proc_macro_derive(Table)]
    pub fn table(input: TokenStream) -> TokenStream {
        let Some(TokenTree::Group(body)) = input.into_iter().last() else { panic!() };
        let ty: TokenStream = body.stream().into_iter().skip(2).collect();
        format!("const _: () = ::core::panic!(\"{{}}\", <{ty}>::PATH);").parse().unwrap()
    }
"##;

/// One table a line, since the compiler's excerpt of the line tells which one speaks.
const PATHS: &[(&str, &str)] = &[
    (
        "src/lib.rs",
        "#![allow(ambiguous_glob_reexports)]
        use tabellion::{Scope, Table};
        pub mod a; mod b;
        #[derive(Scope)] pub struct Root;
        #[derive(Table)] struct Q01 { at: Root }
        #[derive(Table)] struct Q02 { at: a::deep::Deep }
        #[derive(Table)] struct Q03 { at: self::b::Own }
        #[derive(Table)] struct Q04 { at: crate::a::Renamed }
        extern crate self as me;
        #[derive(Table)] struct Q05 { at: me::a::InA }
        type Alias = a::Renamed;
        #[derive(Table)] struct Q06 { at: Alias }
        mod real { #[derive(tabellion::Scope)] pub struct Faced; }
        #[cfg(test)] mod fake { #[derive(tabellion::Scope)] pub struct Faced; }
        #[cfg(not(test))] use real::Faced;
        #[cfg(test)] use fake::Faced;
        #[derive(Table)] struct Q07 { at: Faced }
        mod late { use super::*;
        #[derive(Table)] struct Q08 { at: Faced }
        #[derive(Table)] struct Q09 { at: super::krate::Root }
        }
        use crate as krate;
        fn function() {
            #[derive(Scope)] struct Root;
            use a::*;
        #[derive(Table)] struct Q10 { at: Root }
        #[derive(Table)] struct Q11 { at: self::Root }
        #[derive(Table)] struct Q12 { at: InA }
            { #[derive(Scope)] struct InA;
        #[derive(Table)] struct Q13 { at: InA }
            }
            mod nested { use super::*;
        #[derive(Table)] struct Q14 { at: Root }
            }
        }
        ",
    ),
    (
        "src/a.rs",
        "use tabellion::{Scope, Table};
        pub mod deep {
            use tabellion::{Scope, Table};
            #[derive(Scope)] pub struct Deep;
            #[derive(Scope)] pub(in crate::a) struct Within;
            #[derive(Scope)] struct Hidden;
            pub(super) mod below { use super::*;
        #[derive(Table)] struct Q20 { at: Hidden }
        #[derive(Table)] struct Q21 { at: InA }
            }
            use super::*;
        }
        pub use deep::Deep as Renamed;
        #[derive(Scope)] pub struct InA;
        #[derive(Scope)] pub struct Hidden;
        use deep::*;
        #[derive(Table)] struct Q22 { at: Within }
        #[derive(Table)] struct Q23 { at: Hidden }
        #[derive(Table)] struct Q24 { at: Deep }
        #[derive(Table)] struct Q25 { at: deep::Deep }
        ",
    ),
    (
        "src/b.rs",
        "use tabellion::*;
        use super::a::{self, deep::{self as depths, *}, *};
        mod prelude { pub use super::inner::*; pub use twice::*; }
        mod inner { pub mod twice { #[derive(tabellion::Scope)] pub struct Twice; } #[derive(tabellion::Scope)] pub struct Own; }
        pub use prelude::*;
        use Twice as Thrice;
        pub fn Renamed() {}
        #[derive(Table)] struct Q30 { at: a::InA }
        #[derive(Table)] struct Q31 { at: depths::Deep }
        #[derive(Table)] struct Q32 { at: Twice }
        #[derive(Table)] struct Q33 { at: Thrice }
        #[derive(Table)] struct Q34 { at: Own }
        #[derive(Table)] struct Q35 { at: twice::Twice }
        #[derive(Table)] struct Q36 { at: Renamed }
        #[derive(Table)] struct Q37 { at: Hidden }
        ",
    ),
];

#[test]
fn paths_denote_what_rustc_says() {
    let krate = Krate::new(PATHS);
    let dir = krate.dir.path();
    fs::write(dir.join("probe.rs"), RESOLVER).expect("the probe");
    let probe = run(
        dir,
        &[
            "probe.rs",
            "--crate-name=tabellion",
            "--crate-type=proc-macro",
        ],
    );
    assert!(probe.is_empty(), "{probe}");
    let walk = krate.walk();
    for (world, flag) in [
        (Worlds::BUILD, "--crate-type=lib"),
        (Worlds::TEST, "--test"),
    ] {
        let arguments = [
            "src/lib.rs",
            "--crate-name=krate",
            flag,
            "--extern=tabellion",
            "-L.",
        ];
        let errors = run(dir, &arguments);
        let mut rustc = Vec::new();
        for told in errors.split("evaluation panicked: ").skip(1) {
            let (path, excerpt) = told.split_once('\n').expect("an excerpt");
            let (_, name) = excerpt.split_once("struct ").expect("the struct");
            rustc.push(format!("{} {path}", &name[..3]));
        }
        let mut ours = Vec::new();
        for found in walk.items.iter().filter(|found| found.worlds.meets(world)) {
            let syn::Data::Struct(data) = &found.input().expect("an item").data else {
                panic!("not a struct")
            };
            let Some(syn::Type::Path(ty)) = data.fields.iter().next().map(|field| &field.ty) else {
                continue;
            };
            let answer = walk.resolve_in(found, &ty.path, world);
            let Resolution::Item(item) = answer else {
                panic!("{}: {answer:?}", found.path())
            };
            ours.push(format!("{} krate::{}", found.name, walk.items[item].path()));
        }
        rustc.sort();
        ours.sort();
        assert_eq!(ours, rustc, "{errors}");
        assert!(ours.len() > 25);
    }
}
