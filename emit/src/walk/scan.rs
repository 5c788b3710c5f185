//! The tokens of Rust, as far as finding where braces close needs them.
//!
//! By index and byte by byte: a build script is not optimised.

/// What matters of a token.
#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Byte(u8),
}

pub(super) struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The place behind the last token.
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scan {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at < self.bytes.len() {
            self.bytes[at]
        } else {
            0
        }
    }

    /// The next word or punctuation; comments and literals are passed over.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let start = self.at;
            if start >= self.bytes.len() {
                return None;
            }
            let byte = self.bytes[start];
            self.at += 1;
            match byte {
                b' ' | b'\n' | b',' | b':' => {}
                b'/' if self.peek(0) == b'/' => self.until(b'\n'),
                b'/' if self.peek(0) == b'*' => self.comment(),
                b'"' => self.string(),
                b'\'' => self.quote(),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80.. => {
                    self.word();
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

    fn word(&mut self) {
        let mut at = self.at;
        while at < self.bytes.len() && is_word(self.bytes[at]) {
            at += 1;
        }
        self.at = at;
    }

    /// Passes over what an opening brace holds; gives the place of the closing one, which is next.
    pub(super) fn body(&mut self) -> Option<usize> {
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
        let mut at = self.at;
        while at < self.bytes.len() && self.bytes[at] != end {
            at += 1;
        }
        self.at = at;
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
