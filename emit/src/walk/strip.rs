//! Takes what need not be lexed out of a file's text.
//!
//! A build script is compiled without optimisation, where lexing costs more than all the rest of
//! the walk. Function bodies are most of a crate, and what a struct holds is nothing to a thread
//! that has other structs to read. Finding where either ends needs to know no more of the language
//! than comments, literals and braces.

use std::ops::Range;

use super::scan::{Scan, Token};

/// A text with less in it.
#[derive(Debug, PartialEq)]
pub(super) struct Stripped {
    pub(super) text: String,
    /// The types that were put off, as they are written. In the text each has its number between
    /// its braces, and no attribute but its derives.
    pub(super) later: Vec<String>,
}

/// The text without what functions, `impl`s and traits hold; where `keep` is set, not without
/// bodies in which a derive or a module may stand. Types whose names `wanted` refuses are put off.
/// `None` if the braces do not add up, so that the lexer says so itself.
pub(super) fn strip(text: &str, keep: bool, wanted: &dyn Fn(&str) -> bool) -> Option<Stripped> {
    let mut scan = Scan::new(text);
    let (mut out, mut copied) = (String::with_capacity(text.len() / 2), 0);
    let mut later = Vec::new();
    // One entry for each module we are in, and for each bracket inside it.
    let mut open: Vec<Open> = vec![Open::Items];
    let mut item = Item::Unknown;
    let mut attributes = Attributes::default();
    // The name of a type, once it is read, and where it ends.
    let mut name = None;
    // Whether the token before was a word: `name!` is a macro, `#!` is not.
    let mut named = false;
    while let Some(token) = scan.next() {
        let in_items = matches!(open.last(), Some(Open::Items));
        match token {
            Token::Word(word) if in_items && item == Item::Unknown => item = Item::of(word),
            Token::Word(word) if in_items && item == Item::Type && name.is_none() => {
                name = Some((word, scan.at));
            }
            Token::Word(word) if open.len() == attributes.depth => attributes.word(word),
            Token::Byte(b'!') if in_items && named && item == Item::Unknown => item = Item::Other,
            Token::Byte(b'!') if in_items => attributes.has_inner = true,
            Token::Byte(b';') if in_items => {
                item = Item::Unknown;
                attributes = Attributes::after(scan.at);
            }
            Token::Byte(b'{') if in_items && item == Item::Module => {
                open.push(Open::Items);
                item = Item::Unknown;
                attributes = Attributes::after(scan.at);
            }
            Token::Byte(b'{') if in_items && item == Item::Code => {
                let start = scan.at;
                let end = scan.body()?;
                let body = &text[start..end];
                if !(keep && (body.contains("derive") || body.contains("mod"))) {
                    out.push_str(&text[copied..start]);
                    copied = end;
                }
                item = Item::Unknown;
                attributes = Attributes::after(scan.at);
            }
            Token::Byte(b'{') if in_items && item == Item::Type => {
                let start = scan.at;
                let end = scan.body()?;
                let whole = &text[attributes.start..scan.at];
                let is_plain =
                    name.is_some_and(|(name, at)| !wanted(name) && !text[at..start].contains('<'));
                if is_plain && !attributes.has_inner && !whole.contains("cfg") {
                    out.push_str(&text[copied..attributes.start]);
                    for derive in &attributes.derives {
                        out.push('#');
                        out.push_str(&text[derive.clone()]);
                    }
                    out.push_str(&text[attributes.end..start]);
                    if !attributes.derives.is_empty() {
                        out.push_str(&later.len().to_string());
                        later.push(whole.to_owned());
                    }
                    copied = end;
                }
                item = Item::Unknown;
                name = None;
                attributes = Attributes::after(scan.at);
            }
            Token::Byte(open_by @ (b'(' | b'[' | b'{')) => {
                open.push(Open::Bracket);
                if in_items && item == Item::Unknown && open_by == b'[' {
                    attributes.open(scan.at - 1, open.len());
                }
            }
            Token::Byte(close @ (b')' | b']' | b'}')) => {
                if open.len() == attributes.depth {
                    attributes.close(scan.at);
                }
                open.pop();
                if close == b'}' && matches!(open.last(), Some(Open::Items)) {
                    item = Item::Unknown;
                    attributes = Attributes::after(scan.at);
                }
                if open.is_empty() {
                    return None;
                }
            }
            _ => {}
        }
        if item != Item::Type {
            name = None;
        }
        named = matches!(token, Token::Word(_));
    }
    out.push_str(&text[copied..]);
    (open.len() == 1).then_some(Stripped { text: out, later })
}

/// The attributes of the item at hand.
#[derive(Default)]
struct Attributes {
    /// Where the item starts.
    start: usize,
    /// Where the last attribute ends, or the item starts.
    end: usize,
    /// One is open: where, how many brackets deep, and whether it is a `derive`.
    opened: usize,
    depth: usize,
    is_derive: Option<bool>,
    /// The brackets of each `derive`.
    derives: Vec<Range<usize>>,
    /// Whether there is one of the module itself.
    has_inner: bool,
}

impl Attributes {
    fn after(start: usize) -> Attributes {
        Attributes {
            start,
            end: start,
            ..Attributes::default()
        }
    }

    fn open(&mut self, at: usize, depth: usize) {
        (self.opened, self.depth, self.is_derive) = (at, depth, None);
    }

    fn word(&mut self, word: &str) {
        self.is_derive.get_or_insert(word == "derive");
    }

    fn close(&mut self, at: usize) {
        if self.is_derive == Some(true) {
            self.derives.push(self.opened..at);
        }
        (self.end, self.depth) = (at, 0);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Items,
    Bracket,
}

/// What the item at hand is, by its first telling word.
#[derive(Clone, Copy, PartialEq)]
enum Item {
    Unknown,
    Module,
    /// Its braces hold code.
    Code,
    /// A struct or an enum, whose braces may be put off.
    Type,
    /// Its braces are read as they are.
    Other,
}

impl Item {
    fn of(word: &str) -> Item {
        match word {
            "fn" | "impl" | "trait" => Item::Code,
            "mod" => Item::Module,
            "struct" | "enum" => Item::Type,
            "union" | "use" | "type" | "static" => Item::Other,
            _ => Item::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str, keep: bool) -> Option<String> {
        let stripped = strip(text, keep, &|_| true)?;
        assert_eq!(stripped.later, Vec::<String>::new());
        Some(stripped.text)
    }

    #[test]
    fn types_of_others_are_put_off() {
        for (text, left, later) in [
            (
                "use a::T; /// It. \n #[derive(T)] #[t(a = \"}\")] pub(crate) struct A { #[c] x: [u8; { 1 }] } fn f() { x }",
                "use a::T;#[derive(T)] pub(crate) struct A {0} fn f() {}",
                vec![
                    " /// It. \n #[derive(T)] #[t(a = \"}\")] pub(crate) struct A { #[c] x: [u8; { 1 }] }",
                ],
            ),
            (
                "#[x] #[derive(B, x::T)] #[derive(C)] enum A { B } mod m { #[derive(T)] struct r#B { } }",
                "#[derive(B, x::T)]#[derive(C)] enum A {0} mod m {#[derive(T)] struct r#B {1} }",
                vec![
                    "#[x] #[derive(B, x::T)] #[derive(C)] enum A { B }",
                    " #[derive(T)] struct r#B { }",
                ],
            ),
            // One without a derive is nobody's.
            (
                "#[x(derive(T))] struct A { a: u8 } struct B { b: u8 }",
                " struct A {} struct B {}",
                vec![],
            ),
        ] {
            let stripped = strip(text, false, &|_| false).unwrap();
            assert_eq!(stripped.text, left, "{text}");
            assert_eq!(stripped.later, later, "{text}");
        }
        // Read at once: what is wanted, what differs from build to build, whose name or braces are not told by a
        // word, a module's own attributes.
        for text in [
            "#[derive(T)] struct Own { a: u8 }",
            "#[derive(T)] struct A { #[cfg(test)] a: u8 }",
            "#[cfg_attr(test, x)] #[derive(T)] struct A { a: u8 }",
            "#[derive(T)] struct A<const N: usize = { 1 }> { a: u8 }",
            "#[derive(T)] struct A(u8); #[derive(T)] struct B;",
            "#![x] #[derive(T)] struct A { a: u8 }",
            "m! { #[derive(T)] struct A { a: u8 } } macro_rules! n { () => { struct A { a: u8 } } }",
        ] {
            let stripped = strip(text, false, &|name| name == "Own").unwrap();
            assert_eq!((stripped.text.as_str(), stripped.later.len()), (text, 0));
        }
    }

    #[test]
    fn bodies_go_and_the_rest_stays() {
        for (text, left) in [
            (
                "fn f() { x(); } struct A { f: fn() }",
                "fn f() {} struct A { f: fn() }",
            ),
            (
                "mod m { impl A { fn g() {} } enum E {} } fn h() { }",
                "mod m { impl A {} enum E {} } fn h() {}",
            ),
            (
                "use a::{b, c}; trait T: U { const X: u8 = 1; }",
                "use a::{b, c}; trait T: U {}",
            ),
            (
                "pub(crate) async fn f() -> [u8; { 1 }] { 2 }",
                "pub(crate) async fn f() -> [u8; { 1 }] {}",
            ),
            (
                "struct S<T: Tr<fn()>> { a: T } fn f() { a }",
                "struct S<T: Tr<fn()>> { a: T } fn f() {}",
            ),
            (
                "m! { fn f() { a } } macro_rules! n { (fn) => { a } } fn g() { b }",
                "m! { fn f() { a } } macro_rules! n { (fn) => { a } } fn g() {}",
            ),
            (
                "fn f() { '{'; b'}'; '\\''; '\\u{7d}'; 'a: loop {} } A",
                "fn f() {} A",
            ),
            (
                "fn f<'a>() { \"}\\\"}\"; r#\"}\"}\"#; br\"}\"; c\"}\"; r#fn; } A",
                "fn f<'a>() {} A",
            ),
            (
                "fn f() { /* } /* } */ } */ // }\n } A // fn {",
                "fn f() {} A // fn {",
            ),
            ("fn é() { 'é'; 'é: loop {} } A", "fn é() {} A"),
            (
                "fn r#mod() { 1 } mod r#fn { fn f() { 2 } }",
                "fn r#mod() {} mod r#fn { fn f() {} }",
            ),
            (
                "#[doc = \"fn {\"] struct A; #![x(fn { })] fn f() { 1 }",
                "#[doc = \"fn {\"] struct A; #![x(fn { })] fn f() {}",
            ),
            (
                "const F: fn() = || { 1 }; struct B { a: u8 }",
                "const F: fn() = || {}; struct B { a: u8 }",
            ),
        ] {
            assert_eq!(bodies(text, false).as_deref(), Some(left), "{text}");
        }
    }

    #[test]
    fn a_body_that_may_hold_a_table_is_kept_on_request() {
        let text = "fn f() { #[derive(Table)] struct A; } fn g() { mod m {} } fn h() { 1 }";
        let left = "fn f() { #[derive(Table)] struct A; } fn g() { mod m {} } fn h() {}";
        assert_eq!(bodies(text, true).as_deref(), Some(left));
        assert_eq!(
            bodies(text, false).as_deref(),
            Some("fn f() {} fn g() {} fn h() {}")
        );
    }

    #[test]
    fn braces_that_do_not_add_up_are_the_lexers_to_report() {
        for text in [
            "fn f() {",
            "}",
            "mod m {",
            "fn f() { \"}",
            "fn f() { '{ }",
            "fn f() { r#\"}\" }",
            "/* fn f() {} ",
        ] {
            let left = bodies(text, false);
            assert!(
                left.is_none() || left.as_deref() == Some(text),
                "{text}: {left:?}"
            );
        }
    }
}
