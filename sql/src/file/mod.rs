//! The migration file: its checksum, its header, its statements.
//!
//! A file is plain SQL. Its header is what stands above the first blank line, or above the first
//! line that is no comment; lines of it that begin with `-- tabellion:` are directives:
//!
//! | directive | meaning |
//! |---|---|
//! | `no-transaction` | holds a statement that PostgreSQL refuses inside a transaction |
//! | `loses-data: WHAT` | running the file destroys what it names; repeatable |
//! | `accepted: REASON` | why that loss is wanted |
//! | `parent CHECKSUM` | the sealed migration that the file follows |

mod seal;
mod statements;

use std::fmt;

use sha2::{Digest, Sha256};

pub use seal::{FileSeal, Hunk};
pub use statements::{Statement, statements};

/// Where a directive begins.
const DIRECTIVE: &str = "-- tabellion:";

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
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let Some(end) = current.find(['\r', '\n']) else {
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

/// The SHA-256 of the normalised text, as 64 hexadecimal digits.
pub fn checksum(text: &str) -> String {
    hex(&Sha256::digest(normalize(text).as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the directives of a file's header say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The file must run outside a transaction.
    pub no_transaction: bool,
    /// What running the file destroys.
    pub loses_data: Vec<String>,
    /// Why that loss is wanted.
    pub accepted: Option<String>,
    /// The checksum of the sealed migration that the file follows.
    pub parent: Option<String>,
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// An unknown directive, one given twice that may stand once, and one below the header, where
    /// nobody would read it.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let mut header = Header::default();
        let mut inside = true;
        for (index, line) in lines(text).enumerate() {
            inside &= line.starts_with("--");
            let Some(directive) = line.strip_prefix(DIRECTIVE) else {
                continue;
            };
            if !inside {
                return Err(FileError::new(
                    index + 1,
                    "a directive stands below the header; move it above the first blank line",
                ));
            }
            header
                .directive(directive.trim())
                .map_err(|message| FileError::new(index + 1, message))?;
        }
        Ok(header)
    }

    fn directive(&mut self, text: &str) -> Result<(), String> {
        let once = |slot: &mut Option<String>, value: &str, name: &str| match slot {
            Some(_) => Err(format!("`{name}` is given twice; keep one")),
            None if value.is_empty() => Err(format!("`{name}` has no value; give one")),
            None => {
                *slot = Some(value.to_owned());
                Ok(())
            }
        };
        if text == "no-transaction" {
            self.no_transaction = true;
            Ok(())
        } else if let Some(what) = text.strip_prefix("loses-data:") {
            self.loses_data.push(what.trim().to_owned());
            Ok(())
        } else if let Some(reason) = text.strip_prefix("accepted:") {
            once(&mut self.accepted, reason.trim(), "accepted")
        } else if let Some(parent) = text.strip_prefix("parent ") {
            once(&mut self.parent, parent.trim(), "parent")
        } else {
            Err(format!(
                "`{text}` is not a directive; use `no-transaction`, `loses-data: ...`, \
                 `accepted: ...` or `parent ...`"
            ))
        }
    }
}

/// The directives as lines of a header, in one fixed order, each ending in a line feed.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line break in a value would begin a line of SQL.
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(parent) = &self.parent {
            writeln!(f, "{DIRECTIVE} parent {}", one_line(parent))?;
        }
        if self.no_transaction {
            writeln!(f, "{DIRECTIVE} no-transaction")?;
        }
        for what in &self.loses_data {
            writeln!(f, "{DIRECTIVE} loses-data: {}", one_line(what))?;
        }
        if let Some(reason) = &self.accepted {
            writeln!(f, "{DIRECTIVE} accepted: {}", one_line(reason))?;
        }
        Ok(())
    }
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
        -- tabellion: loses-data: column `a`\n-- tabellion: loses-data: table `b`\n\n\
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
    }

    #[test]
    fn a_header_is_read_and_written() {
        let header = Header::parse(FILE).unwrap();
        assert_eq!(header.parent.as_deref(), Some("abc"));
        assert_eq!(header.loses_data, ["column `a`", "table `b`"]);
        assert!(!header.no_transaction);
        assert_eq!(Header::parse(&header.to_string()), Ok(header));
        assert_eq!(body(FILE), "-- what it does\nselect 1;\n");
    }

    #[test]
    fn a_wrong_directive_is_named_with_its_line() {
        let unknown = Header::parse("-- a\n-- tabellion: no-transactoin\n").unwrap_err();
        assert_eq!(unknown.line, 2);
        assert!(unknown.message.contains("`no-transactoin`"), "{unknown}");
        let below = Header::parse("select 1;\n-- tabellion: no-transaction\n").unwrap_err();
        assert_eq!(below.line, 2);
        let twice = Header::parse("-- tabellion: parent a\n-- tabellion: parent b\n").unwrap_err();
        assert_eq!(twice.message, "`parent` is given twice; keep one");
    }

    #[test]
    fn a_reason_cannot_leave_its_comment() {
        let header = Header {
            accepted: Some("old\ndrop table x;".into()),
            ..Header::default()
        };
        assert_eq!(
            header.to_string(),
            "-- tabellion: accepted: old drop table x;\n"
        );
    }
}
