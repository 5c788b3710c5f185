//! What paths denote.

use super::{Krate, one, resolved};

#[test]
fn paths_from_every_direction() {
    let walk = Krate::new(&[
        ("src/lib.rs", "pub mod scope; pub mod models; pub use models::order::Order; #[derive(Table)] struct Top;"),
        ("src/scope.rs", "#[derive(Scope)] pub struct Shop { x: String } pub(crate) mod kinds { #[derive(TextEnum)] pub enum Kind { A } }"),
        ("src/models/mod.rs", "pub mod order; mod note; use crate::scope::{self as scopes, Shop, kinds::*};"),
        ("src/models/order.rs", "use super::*; #[derive(Table)] pub struct Order;"),
        ("src/models/note.rs", "use crate::{scope::{Shop as Store, kinds}, Order}; #[derive(Table)] struct Note;"),
    ])
    .walk();
    for (from, path, answer) in [
        ("models::order::Order", "Shop", "scope::Shop"),
        ("models::order::Order", "Kind", "scope::kinds::Kind"),
        ("models::order::Order", "scopes::Shop", "scope::Shop"),
        ("models::order::Order", "super::super::Top", "Top"),
        ("models::order::Order", "crate::scope::Shop", "scope::Shop"),
        (
            "models::order::Order",
            "self::Order",
            "models::order::Order",
        ),
        (
            "models::order::Order",
            "crate::scope::kinds::Kind",
            "scope::kinds::Kind",
        ),
        ("models::order::Order", "String", "foreign"),
        ("models::order::Order", "::scope::Shop", "foreign"),
        ("models::order::Order", "crate::scope::Gone", "foreign"),
        ("models::order::Order", "models::order::Order", "foreign"),
        ("models::order::Order", "scopes", "plain"),
        ("models::note::Note", "Store", "scope::Shop"),
        ("models::note::Note", "Shop", "foreign"),
        ("models::note::Note", "Order", "models::order::Order"),
        ("models::note::Note", "kinds::Kind", "scope::kinds::Kind"),
        ("Top", "models::order::Order", "models::order::Order"),
        ("Top", "scope::Shop", "scope::Shop"),
        ("Top", "Order", "models::order::Order"),
        ("Top", "scope::Shop::Inner", "foreign"),
        ("Top", "super::Top", "foreign"),
        ("Top", "serde_json::Value", "foreign"),
    ] {
        assert_eq!(resolved(&walk, from, path), answer, "`{path}` in `{from}`");
    }
}

#[test]
fn a_declaration_hides_a_glob_and_globs_may_disagree() {
    let walk = one(
        "mod a { #[derive(Scope)] pub struct S; #[derive(Scope)] pub struct Only; pub struct Plain; }
         mod b { #[derive(Scope)] pub struct S; #[derive(Scope)] struct Only; pub use super::a::Plain; }
         mod both { use super::a::*; use super::b::*; #[derive(Table)] struct T; }
         mod named { use super::a::*; use super::b::S; #[derive(Table)] struct T; }
         mod own { use super::a::*; #[derive(Scope)] struct S; #[derive(Table)] struct T; }
         mod again { pub use super::a::*; }
         mod same { use super::a::*; use super::again::*; #[derive(Table)] struct T; }
         mod other { use super::a::*; use elsewhere::S; #[derive(Table)] struct T; }",
    );
    for (from, path, answer) in [
        ("both::T", "S", "ambiguous"),
        ("both::T", "Only", "a::Only"),
        ("both::T", "Plain", "plain"),
        ("named::T", "S", "b::S"),
        ("own::T", "S", "own::S"),
        ("same::T", "S", "a::S"),
        ("other::T", "S", "foreign"),
    ] {
        assert_eq!(resolved(&walk, from, path), answer, "`{path}` in `{from}`");
    }
}

#[test]
fn privacy_decides_what_a_glob_brings() {
    let walk = one(
        "mod a {
             pub mod inner {
                 #[derive(Scope)] struct Private; #[derive(Scope)] pub(super) struct Above;
                 #[derive(Scope)] pub(in crate::a) struct Within; #[derive(Scope)] pub(crate) struct Wide;
                 mod deep { use super::*; #[derive(Table)] struct T; }
             }
             use inner::*; #[derive(Table)] struct T;
         }
         mod b { use super::a::inner::*; use super::a::*; #[derive(Table)] struct T; }",
    );
    for (from, path, answer) in [
        ("a::inner::deep::T", "Private", "a::inner::Private"),
        ("a::T", "Private", "foreign"),
        ("a::T", "Above", "a::inner::Above"),
        ("a::T", "Within", "a::inner::Within"),
        ("b::T", "Above", "foreign"),
        ("b::T", "Within", "foreign"),
        ("b::T", "Wide", "a::inner::Wide"),
    ] {
        assert_eq!(resolved(&walk, from, path), answer, "`{path}` in `{from}`");
    }
}

#[test]
fn circles_end() {
    let walk = one(
        "mod a { pub use super::b::*; pub use super::b::X; pub use self::Y as Y; }
         mod b { pub use super::a::*; pub use super::a::X; #[derive(Scope)] pub struct Z; }
         mod t { use super::a::*; #[derive(Table)] struct T; }",
    );
    assert_eq!(resolved(&walk, "t::T", "X"), "foreign");
    assert_eq!(resolved(&walk, "t::T", "Y"), "foreign");
    assert_eq!(resolved(&walk, "t::T", "Z"), "b::Z");
}

#[test]
fn a_glob_may_run_through_a_glob() {
    let walk = one(
        "mod user { use hub::*; use super::*; #[derive(Table)] struct T; }
         mod hub { pub mod stock { #[derive(TextEnum)] pub enum Kind { A } } }
         mod prelude { pub use super::hub::*; pub use stock::*; }
         mod last { use super::prelude::*; #[derive(Table)] struct T; }",
    );
    assert_eq!(resolved(&walk, "last::T", "Kind"), "hub::stock::Kind");
    assert_eq!(
        resolved(&walk, "user::T", "stock::Kind"),
        "hub::stock::Kind"
    );
}

#[test]
fn names_of_other_namespaces_do_not_disturb() {
    let walk = one(
        "mod shop { pub fn shop() {} #[derive(Scope)] pub struct Shop; }
         use shop::shop; use tabellion::Table; use other::Shop as Kind;
         mod order { #[derive(Table)] pub struct Order; }
         #[derive(Table)] struct T; const Order: u8 = 0; fn Order() {} use order::Order;
         type Alias = crate::shop::Shop; type Far = Vec<u8>; type Of = Option<Order>; trait Act {} extern crate self as me;",
    );
    for (path, answer) in [
        ("shop::Shop", "shop::Shop"),
        ("Order", "order::Order"),
        ("Alias", "shop::Shop"),
        ("me::shop::Shop", "shop::Shop"),
        ("Far", "foreign"),
        ("Kind", "foreign"),
        ("Act", "plain"),
    ] {
        assert_eq!(resolved(&walk, "T", path), answer, "`{path}`");
    }
}

#[test]
fn a_block_sees_its_own_names_first() {
    let walk = one("#[derive(Scope)] struct S; #[derive(Scope)] struct Outer;
         fn f() {
             mod m { #[derive(Scope)] pub struct Inner; }
             #[derive(Scope)] struct S; #[derive(Table)] struct T;
             { use m::Inner; #[derive(Table)] struct U; }
         }
         fn g() { #[derive(Table)] struct V; }");
    let index = |from: &str, path: &str| {
        let from = walk
            .items
            .iter()
            .find(|found| found.path() == from)
            .expect("the item");
        walk.resolve(from, &syn::parse_str(path).expect("a path"))
    };
    use crate::walk::Resolution::{Foreign, Item};
    assert_eq!(index("T", "S"), Item(3));
    assert_eq!(index("T", "self::S"), Item(0));
    assert_eq!(index("T", "Outer"), Item(1));
    assert_eq!(index("U", "S"), Item(3));
    assert_eq!(index("U", "Inner"), Item(2));
    assert_eq!(index("T", "m::Inner"), Item(2));
    assert_eq!(index("V", "S"), Item(0));
    assert_eq!(index("V", "m::Inner"), Foreign);
}

#[test]
fn each_world_resolves_in_itself() {
    let walk = one(
        "#[cfg(not(test))] mod real { #[derive(Scope)] pub struct S; } #[cfg(not(test))] use real::S;
         #[cfg(test)] mod fake { #[derive(Scope)] pub struct S; } #[cfg(test)] use fake::S;
         #[derive(Table)] struct T; #[cfg(test)] mod tests { use super::*; #[derive(Table)] struct U; }",
    );
    assert_eq!(resolved(&walk, "T", "S"), "real::S");
    assert_eq!(resolved(&walk, "tests::U", "S"), "fake::S");
}

#[test]
fn raw_names_are_names() {
    let walk =
        one("mod r#async { #[derive(Scope)] pub struct r#Shop; } #[derive(Table)] struct T;");
    assert_eq!(resolved(&walk, "T", "r#async::Shop"), "r#async::r#Shop");
}
