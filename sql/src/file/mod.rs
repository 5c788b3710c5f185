//! The migration file: its checksum, its header, its statements.
//!
//! A file is plain SQL. Its header is what stands above the first blank line, or above the first
//! line that is no comment; lines of it that begin with `-- tabellion:` are directives:
//!
//! | directive | meaning |
//! |---|---|
//! | `parent CHECKSUM` | the sealed migration that the file follows |
//! | `no-transaction` | holds what PostgreSQL refuses inside a transaction; its statements run one by one |
//! | `not-parsed: REASON` | written by hand, in SQL that sqlparser does not know |
//! | `locks: TABLE (MODE)`, `scans: TABLE`, `rewrites: TABLE` | what it does to a table; repeatable, as the next two |
//! | `removes`, `restricts`, `narrows-access`, `widens-access`, `loses-data`, each with `: OBJECT: FATE` | what it does to an object |
//! | `accepted: OBJECT: REASON` | why data may be lost, or access be wider |

mod concurrent;
mod document;
mod header;
mod literals;
mod masked;
mod seal;
mod statements;
mod tokens;

use std::fmt;

use sha2::{Digest, Sha256};

pub use concurrent::{Concurrent, Step, built_on, concurrent};
pub use document::Document;
pub use header::Header;
pub use literals::keeps_literals;
pub use masked::masked;
pub use seal::{FileSeal, Hunk};
pub use statements::{Statement, statements};
pub(crate) use tokens::{token_length, tokens};

/// A migration file, or what it says, is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and the remedy.
    pub message: String,
}

impl FileError {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        FileError {
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for FileError {}

/// A text without what an editor or a version control system may change on its own: a byte order
/// mark, the kind of line ending, blanks at the end of a line, blank lines at the end.
///
/// The result ends in one line feed, or is empty.
pub fn normalize(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for line in lines(text) {
        normal.push_str(line);
        normal.push('\n');
    }
    normal.truncate(normal.trim_end_matches('\n').len());
    if !normal.is_empty() {
        normal.push('\n');
    }
    normal
}

/// The lines of a text as [`normalize`] sees them, blank ones at the end included.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A search for one character is a good deal faster than one for two.
    let has_returns = text.contains('\r');
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let found = match has_returns {
            true => current.find(['\r', '\n']),
            false => current.find('\n'),
        };
        let Some(end) = found else {
            rest = None;
            return Some(current);
        };
        let ending = if current[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = Some(&current[end + ending..]);
        Some(&current[..end])
    })
    .map(|line| line.trim_end_matches([' ', '\t', '\u{b}', '\u{c}']))
}

/// Whether a text surely is as [`normalize`] leaves it, as those are that this crate writes.
fn is_normal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |at: usize| matches!(bytes[at], b' ' | b'\t' | 0x0b | 0x0c);
    let has_end = text.ends_with('\n') && !text.ends_with("\n\n") && text.len() > 1;
    if !has_end || text.starts_with('\u{feff}') || text.contains('\r') {
        return false;
    }
    let mut at = 0;
    while let Some(length) = text[at..].find('\n') {
        if length > 0 && ends(at + length - 1) {
            return false;
        }
        at += length + 1;
    }
    true
}

/// The SHA-256 of the normalised text, as 64 hexadecimal digits.
pub fn checksum(text: &str) -> String {
    if is_normal(text) {
        return hex(&Sha256::digest(text.as_bytes()));
    }
    hex(&Sha256::digest(normalize(text).as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What stands below a file's header: everything after the leading comment lines and the blank
/// line that ends them, normalised.
pub fn body(text: &str) -> String {
    let normal = normalize(text);
    let mut rest = normal.as_str();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    rest.trim_start_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "-- Sealed by Tabellion.\n-- tabellion: parent abc\n\
        -- tabellion: scans: public.b\n\n\
        -- what it does\nselect 1;\n";

    #[test]
    fn the_checksum_ignores_what_tools_change() {
        let sealed = checksum(FILE);
        assert_eq!(checksum(&FILE.replace('\n', "\r\n")), sealed);
        assert_eq!(checksum(&FILE.replace('\n', "\r")), sealed);
        assert_eq!(checksum(&FILE.replace('\n', "  \t\n")), sealed);
        assert_eq!(checksum(&format!("\u{feff}{FILE}\n \n")), sealed);
        assert_eq!(checksum(FILE.trim_end()), sealed);
        assert_ne!(checksum(&FILE.replace("select 1", "select  1")), sealed);
        assert_ne!(checksum(&format!("\n{FILE}")), sealed);
        assert_eq!(normalize(" \r\n\n"), "");
        for text in [
            "",
            "\n",
            "a",
            "a\n",
            "a\n\n",
            "a \nb\n",
            "a\n\u{b}\n",
            "a\rb\n",
            "\u{feff}a\n",
            "a\n\nb\n",
            "a\tb\n",
            "\na\n",
            "a\n \n",
            "a\u{c}\n",
        ] {
            assert_eq!(
                is_normal(text),
                !text.is_empty() && normalize(text) == text,
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_body_begins_below_the_header() {
        assert_eq!(body(FILE), "-- what it does\nselect 1;\n");
        assert_eq!(body("-- a\nselect 1;"), "select 1;\n");
    }
}
