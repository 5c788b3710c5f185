//! The tokens of a predicate, and what a token is.

use crate::file;
use crate::ident::unquote;

pub(super) fn is_one_of(token: &str, words: &[&str]) -> bool {
    words.iter().any(|word| token.eq_ignore_ascii_case(word))
}

/// The tokens of a predicate: words, literals, brackets, commas, and operators of any length.
pub(super) fn lex(sql: &str) -> Option<Vec<&str>> {
    const OPERATORS: &str = "+-*/<>=~!@#%^&|`?:";
    let mut found: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < sql.len() {
        let rest = &sql[at..];
        let first = rest.chars().next()?;
        let len = if first.is_ascii_digit() {
            let tail = |c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_');
            rest.find(tail).unwrap_or(rest.len())
        } else if OPERATORS.contains(first) && !rest.starts_with("--") && !rest.starts_with("/*") {
            let len = rest.find(|c| !OPERATORS.contains(c)).unwrap_or(rest.len());
            let len = rest[..len].find("/*").unwrap_or(len);
            // `<-1` is a comparison with a negative number.
            match rest[..len].trim_end_matches(['-', '+']).len() {
                0 => 1,
                len => len,
            }
        } else {
            let (len, is_blank) = file::token_length(sql, at)?;
            if is_blank {
                at += len;
                continue;
            }
            len
        };
        found.push(&rest[..len]);
        at += len;
    }
    Some(found)
}

/// The name that a token is: PostgreSQL reads one without quotes in small letters.
pub(super) fn name(token: &str) -> Option<String> {
    if token.starts_with('"') {
        return unquote(token).map(|(name, _)| name);
    }
    is_word(token).then(|| token.to_ascii_lowercase())
}

/// Whether a token is a key word or a name.
pub(super) fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '"'))
}

/// The brackets and the `case` that are open.
#[derive(Default)]
pub(super) struct Open<'a>(Vec<&'a str>);

impl<'a> Open<'a> {
    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next token; `None` where it closes something else than what was opened last, as a name does that is
    /// written like a key word.
    pub(super) fn take(&mut self, token: &'a str) -> Option<()> {
        if is_one_of(token, &["(", "[", "case"]) {
            self.0.push(token);
            return Some(());
        }
        let opening = match token {
            ")" => "(",
            "]" => "[",
            _ if is_one_of(token, &["end"]) => "case",
            _ => return Some(()),
        };
        let opened = self.0.pop()?;
        is_one_of(opened, &[opening]).then_some(())
    }
}
