//! The tokens of SQL, as the server's lexer takes them apart.
//!
//! Source of the rules: PostgreSQL's `src/backend/parser/scan.l`, with `standard_conforming_strings` on.

use super::FileError;

/// The words, names, literals and operators of a text, without blanks and comments.
pub(crate) fn tokens(sql: &str) -> Result<Vec<&str>, FileError> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < sql.len() {
        let token = next(sql, at)?;
        if token.kind != Kind::Blank {
            found.push(&sql[at..token.end]);
        }
        at = token.end;
    }
    Ok(found)
}

/// How long the token at a byte is, and whether it is a blank or a comment; `None` where it does not end.
pub(crate) fn token_length(sql: &str, at: usize) -> Option<(usize, bool)> {
    let token = next(sql, at).ok()?;
    Some((token.end - at, token.kind == Kind::Blank))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space or a comment.
    Blank,
    /// A key word or an unquoted name.
    Word,
    Semicolon,
    /// A literal, a quoted name, an operator or a parenthesis.
    Other,
}

pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) end: usize,
}

/// The token that begins at a byte.
pub(super) fn next(sql: &str, at: usize) -> Result<Token, FileError> {
    let rest = &sql[at..];
    let first = rest.chars().next().unwrap_or(' ');
    let token = |kind, len: usize| {
        Ok(Token {
            kind,
            end: at + len,
        })
    };
    let unended =
        |what: &str| FileError::new(line_of(sql, at), format!("{what} does not end; close it"));
    if first == '\u{feff}' && at == 0 {
        token(Kind::Blank, first.len_utf8())
    } else if is_blank(first) {
        let len = rest.find(|c| !is_blank(c)).unwrap_or(rest.len());
        token(Kind::Blank, len)
    } else if rest.starts_with("--") {
        token(Kind::Blank, rest.find(['\n', '\r']).unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        let len = comment(rest).ok_or_else(|| unended("the comment"))?;
        token(Kind::Blank, len)
    } else if first == '\'' {
        let len = quoted(rest, '\'', false).ok_or_else(|| unended("the text"))?;
        token(Kind::Other, len)
    } else if rest.starts_with("E'") || rest.starts_with("e'") {
        let len = escaped(rest).ok_or_else(|| unended("the text"))?;
        token(Kind::Other, len)
    } else if first == '"' {
        let len = quoted(rest, '"', false).ok_or_else(|| unended("the quoted name"))?;
        token(Kind::Other, len)
    } else if first == '$' {
        let Some(tag) = dollar_tag(rest) else {
            return token(Kind::Other, 1);
        };
        let body = &rest[tag.len()..];
        let end = body
            .find(tag)
            .ok_or_else(|| unended("the dollar-quoted text"))?;
        token(Kind::Other, tag.len() + end + tag.len())
    } else if is_word(first) {
        // `$` may stand inside a name, so `a$b$` opens no quote.
        let tail = |c: char| !(is_word(c) || c.is_ascii_digit() || c == '$');
        token(Kind::Word, rest.find(tail).unwrap_or(rest.len()))
    } else if first == ';' {
        token(Kind::Semicolon, 1)
    } else {
        token(Kind::Other, first.len_utf8())
    }
}

/// A no-break space, say, is a letter to the server.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// The length of the text in quotes at the front; a doubled quote stands for itself.
fn quoted(rest: &str, quote: char, escapes: bool) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        // Both are of one byte, which no other character holds.
        let found = match escapes {
            true => rest.get(at..)?.find([quote, '\\'])?,
            false => rest.get(at..)?.find(quote)?,
        };
        at += found;
        if escapes && bytes[at] == b'\\' {
            at += 1 + rest[at + 1..].chars().next()?.len_utf8();
        } else if rest[at + 1..].starts_with(quote) {
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
}

/// The length of the `E'…'` at the front, and of what continues it: behind a line break another quote goes on
/// with the same text, its escapes included.
fn escaped(rest: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += quoted(&rest[at..], '\'', true)?;
        match continued(&rest[at..]) {
            Some(blank) => at += blank,
            None => return Some(at),
        }
    }
}

/// The length of what stands between a text's closing quote and the one that continues it: blanks and
/// comments of one line, a line break among them.
fn continued(rest: &str) -> Option<usize> {
    let (mut at, mut breaks) = (0, false);
    loop {
        let here = &rest[at..];
        match here.chars().next()? {
            '\'' => return breaks.then_some(at),
            '\n' | '\r' => {
                breaks = true;
                at += 1;
            }
            c if is_blank(c) => at += 1,
            '-' if here.starts_with("--") => at += here.find(['\n', '\r'])?,
            _ => return None,
        }
    }
}

/// The length of the block comment at the front; comments nest.
fn comment(rest: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// `$$` or `$tag$` at the front.
fn dollar_tag(rest: &str) -> Option<&str> {
    let inner = &rest[1..];
    let end = inner.find('$')?;
    let tag = &inner[..end];
    let starts_well = tag.chars().next().is_none_or(is_word);
    (starts_well && tag.chars().all(|c| is_word(c) || c.is_ascii_digit())).then(|| &rest[..end + 2])
}

/// The line of a byte, counted from 1.
pub(super) fn line_of(sql: &str, at: usize) -> usize {
    sql[..at].matches('\n').count() + 1
}
