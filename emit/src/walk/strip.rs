//! Takes function bodies out of a file's text before it is lexed.
//!
//! A build script is compiled without optimisation, where lexing costs more than all the rest of
//! the walk, and bodies are most of a crate. Finding where one ends needs to know no more of the
//! language than comments, literals and braces.

/// The text without what functions, `impl`s and traits hold; where `keep` is set, not without
/// bodies in which a derive or a module may stand. `None` if the braces do not add up, so that the
/// lexer says so itself.
pub(super) fn bodies(text: &str, keep: bool) -> Option<String> {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    let (mut out, mut copied) = (String::with_capacity(text.len() / 2), 0);
    // One entry for each module we are in, and for each bracket inside it.
    let mut open: Vec<Open> = vec![Open::Items];
    let mut item = Item::Unknown;
    // Whether the token before was a word: `name!` is a macro, `#!` is not.
    let mut named = false;
    while let Some(token) = scan.next() {
        let in_items = matches!(open.last(), Some(Open::Items));
        match token {
            Token::Word(word) if in_items && item == Item::Unknown => item = Item::of(word),
            Token::Byte(b'!') if in_items && named && item == Item::Unknown => item = Item::Other,
            Token::Byte(b';') if in_items => item = Item::Unknown,
            Token::Byte(b'{') if in_items && item == Item::Module => {
                open.push(Open::Items);
                item = Item::Unknown;
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
            }
            Token::Byte(b'(' | b'[' | b'{') => open.push(Open::Bracket),
            Token::Byte(close @ (b')' | b']' | b'}')) => {
                open.pop();
                if close == b'}' && matches!(open.last(), Some(Open::Items)) {
                    item = Item::Unknown;
                }
                if open.is_empty() {
                    return None;
                }
            }
            _ => {}
        }
        named = matches!(token, Token::Word(_));
    }
    out.push_str(&text[copied..]);
    (open.len() == 1).then_some(out)
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
    /// Its braces are read as they are.
    Other,
}

impl Item {
    fn of(word: &str) -> Item {
        match word {
            "fn" | "impl" | "trait" => Item::Code,
            "mod" => Item::Module,
            "struct" | "enum" | "union" | "use" | "type" | "static" => Item::Other,
            _ => Item::Unknown,
        }
    }
}

/// What matters of a token.
#[derive(Clone, Copy)]
enum Token<'a> {
    Word(&'a str),
    Byte(u8),
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The next word or punctuation; comments and literals are passed over.
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            let start = self.at;
            self.at += 1;
            match byte {
                b'/' if self.peek(0) == b'/' => self.until(b'\n'),
                b'/' if self.peek(0) == b'*' => self.comment(),
                b'"' => self.string(),
                b'\'' => self.quote(),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80.. => {
                    while is_word(self.peek(0)) {
                        self.at += 1;
                    }
                    let word = &self.text[start..self.at];
                    match (word, self.peek(0)) {
                        ("r" | "br" | "cr", b'"' | b'#') if self.raw_string() => {}
                        // `r#word` is never a keyword.
                        ("r", b'#') => self.at += 1,
                        ("b", b'\'') => {
                            self.at += 1;
                            self.quote();
                        }
                        _ => return Some(Token::Word(word)),
                    }
                }
                b'!' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' => {
                    return Some(Token::Byte(byte));
                }
                _ => {}
            }
        }
    }

    /// Passes over what an opening brace holds; gives the place of the closing one, which is next.
    fn body(&mut self) -> Option<usize> {
        let mut depth = 1_u32;
        loop {
            match self.next()? {
                Token::Byte(b'{') => depth += 1,
                Token::Byte(b'}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(self.at - 1);
            }
        }
    }

    fn until(&mut self, end: u8) {
        while self.at < self.bytes.len() && self.peek(0) != end {
            self.at += 1;
        }
    }

    /// A block comment, which may hold others, from its `*` on.
    fn comment(&mut self) {
        let mut depth = 1_u32;
        self.at += 1;
        while depth > 0 && self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ => self.at += 1,
            }
        }
    }

    /// A string with escapes, after its opening quote.
    fn string(&mut self) {
        loop {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return;
                }
                _ if self.at >= self.bytes.len() => return,
                _ => self.at += 1,
            }
        }
    }

    /// A character or a lifetime, after its quote.
    fn quote(&mut self) {
        if self.peek(0) == b'\\' {
            self.at += 2;
            self.until(b'\'');
            self.at += 1;
            return;
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let first = rest.chars().next().map_or(0, char::len_utf8);
        if first > 0 && self.peek(first) == b'\'' {
            self.at += first + 1;
        }
    }

    /// A raw string after its prefix; false, and nothing read, if it is none.
    fn raw_string(&mut self) -> bool {
        let mut hashes = 0;
        while self.peek(hashes) == b'#' {
            hashes += 1;
        }
        if self.peek(hashes) != b'"' {
            return false;
        }
        self.at += hashes + 1;
        while self.at < self.bytes.len() {
            self.until(b'"');
            self.at += 1;
            if (0..hashes).all(|ahead| self.peek(ahead) == b'#') {
                self.at += hashes;
                break;
            }
        }
        true
    }
}

fn is_word(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

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
