//! The header of a migration file: its directives, read strictly and written in one order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{FileError, lines, tokens};
use crate::plan::{Hazard, Subject};

/// Where a directive begins.
pub(super) const DIRECTIVE: &str = "-- tabellion:";

/// What the directives of a file's header say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The checksum of the sealed migration that the file follows.
    pub parent: Option<String>,
    /// The file must run outside a transaction.
    pub no_transaction: bool,
    /// Why a file written by hand holds what sqlparser cannot read.
    pub not_parsed: Option<String>,
    /// What a reviewer must know of the file, in the order of its directives.
    pub hazards: Vec<Hazard>,
    /// Why a loss of data or a wider access is wanted, by the object that it concerns.
    pub accepted: BTreeMap<String, String>,
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// An unknown directive, one that is misspelled or given twice, a reason for what no hazard names,
    /// and a directive below the header, where nobody would read it.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let mut header = Header::default();
        let mut seen = BTreeSet::new();
        let mut reasons = Vec::new();
        let mut inside = true;
        for (index, line) in lines(text).enumerate() {
            let wrong = |message: &str| FileError::new(index + 1, message);
            inside &= line.starts_with("--");
            let Some(directive) = line.strip_prefix(DIRECTIVE) else {
                if inside && is_meant(line) {
                    return Err(wrong(
                        "a directive begins with `-- tabellion:`; write it so, or take the comment out",
                    ));
                }
                continue;
            };
            if !inside {
                if is_quoted(text, line) {
                    continue;
                }
                return Err(wrong(
                    "a directive stands below the header; move it above the first blank line",
                ));
            }
            let directive = directive.trim();
            if !seen.insert(directive.to_owned()) {
                return Err(wrong("says again what is said above; remove it"));
            }
            header
                .directive(directive)
                .map_err(|message| wrong(&message))?;
            if let Some(reason) = directive.strip_prefix("accepted:") {
                reasons.push((index + 1, reason.trim().to_owned()));
            }
        }
        for (line, reason) in reasons {
            let known = header.to_accept().any(|object| {
                let rest = reason.strip_prefix(object);
                rest.is_some_and(|rest| rest.starts_with(": "))
            });
            if !known {
                return Err(FileError::new(
                    line,
                    format!("`{reason}` accepts what no hazard of the file names; remove it"),
                ));
            }
        }
        Ok(header)
    }

    /// The objects that need a reason before the file may be sealed, in order, each once.
    pub fn to_accept(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        let objects = self.hazards.iter().filter_map(Hazard::to_accept);
        objects.filter(move |&object| seen.insert(object))
    }

    /// What running the file destroys, as `object: fate`.
    pub fn losses(&self) -> impl Iterator<Item = String> {
        self.hazards.iter().filter_map(|hazard| match hazard {
            Hazard::LosesData(subject) => Some(subject.to_string()),
            _ => None,
        })
    }

    /// What is open to more once the file has run, as `object: fate`.
    pub fn openings(&self) -> impl Iterator<Item = String> {
        self.hazards.iter().filter_map(|hazard| match hazard {
            Hazard::WidensAccess(subject) => Some(subject.to_string()),
            _ => None,
        })
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
        } else if let Some(parent) = text.strip_prefix("parent ") {
            once(&mut self.parent, parent.trim(), "parent")
        } else if let Some(reason) = text.strip_prefix("not-parsed:") {
            once(&mut self.not_parsed, reason.trim(), "not-parsed")
        } else if let Some(accepted) = text.strip_prefix("accepted:") {
            let Subject { object, fate } = accepted.trim().parse().map_err(|_| {
                "`accepted` takes an object and a reason; write `accepted: column public.note.body: \
                 never shown`"
                    .to_owned()
            })?;
            match self.accepted.insert(object, fate) {
                Some(_) => Err("an object is accepted twice; keep one reason".into()),
                None => Ok(()),
            }
        } else {
            let hazard = text.parse().map_err(|message: String| {
                if message.contains("is not a directive") {
                    format!(
                        "{message}, or one of `parent CHECKSUM`, `no-transaction`, `not-parsed: REASON`, \
                         `accepted: OBJECT: REASON`"
                    )
                } else {
                    message
                }
            })?;
            self.hazards.push(hazard);
            Ok(())
        }
    }
}

/// Whether a line of a text begins inside a literal, such as the text of a comment on a table.
fn is_quoted(text: &str, line: &str) -> bool {
    // Both are parts of `text`, so that the addresses tell where they lie.
    let place = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
    let at = place(line);
    let tokens = tokens(text).unwrap_or_default();
    let mut tokens = tokens.into_iter().map(|token| (place(token), token.len()));
    tokens.any(|(start, length)| (start + 1..start + length).contains(&at))
}

/// Whether a comment that is no directive was surely meant as one.
fn is_meant(line: &str) -> bool {
    let words = line.trim_start_matches('-').trim_start();
    words
        .get(..10)
        .is_some_and(|word| word.eq_ignore_ascii_case("tabellion:"))
}

/// The directives as lines of a header, in one fixed order, each ending in a line feed.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line break in a value would begin a line of SQL.
        let mut line = |text: String| {
            let text: String = text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            writeln!(f, "{DIRECTIVE} {}", text.trim())
        };
        if let Some(parent) = &self.parent {
            line(format!("parent {parent}"))?;
        }
        if self.no_transaction {
            line("no-transaction".into())?;
        }
        if let Some(reason) = &self.not_parsed {
            line(format!("not-parsed: {reason}"))?;
        }
        for hazard in &self.hazards {
            line(hazard.to_string())?;
        }
        for (object, reason) in &self.accepted {
            line(format!("accepted: {object}: {reason}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "-- Sealed by Tabellion.\n-- tabellion: parent abc\n\
        -- tabellion: no-transaction\n\
        -- tabellion: locks: public.b (access exclusive)\n\
        -- tabellion: loses-data: column public.b.a: dropped\n\
        -- tabellion: widens-access: policy \"a: b\" on public.b: changed\n\
        -- tabellion: accepted: column public.b.a: never shown: since 2.3\n\n\
        -- what it does\nselect 1;\n";

    #[test]
    fn a_header_is_read_and_written() {
        let header = Header::parse(FILE).unwrap();
        assert_eq!(header.parent.as_deref(), Some("abc"));
        assert!(header.no_transaction);
        assert_eq!(header.hazards.len(), 3);
        assert_eq!(
            header.to_accept().collect::<Vec<_>>(),
            ["column public.b.a", "policy \"a: b\" on public.b"]
        );
        assert_eq!(
            header.accepted["column public.b.a"],
            "never shown: since 2.3"
        );
        assert_eq!(
            header.losses().collect::<Vec<_>>(),
            ["column public.b.a: dropped"]
        );
        assert_eq!(
            header.openings().collect::<Vec<_>>(),
            ["policy \"a: b\" on public.b: changed"]
        );
        let text = header.to_string();
        assert!(FILE.contains(&text), "{text}");
        assert_eq!(Header::parse(&text), Ok(header));
    }

    #[test]
    fn a_line_of_a_literal_is_no_directive() {
        for literal in [
            "'a\n-- tabellion: no-transaction\n'",
            "$$a\n-- tabellion: scans: a.b\n$$",
        ] {
            let text = format!("-- a\n\ncomment on table a.b is {literal};\n");
            assert_eq!(Header::parse(&text), Ok(Header::default()), "{text}");
            let below = format!("{text}-- tabellion: no-transaction\n");
            assert!(Header::parse(&below).is_err(), "{below}");
        }
    }

    #[test]
    fn a_wrong_directive_is_named_with_its_line() {
        for (text, line, said) in [
            (
                "-- a\n-- tabellion: no-transactoin\n",
                2,
                "`no-transactoin` is not a directive",
            ),
            (
                "select 1;\n-- tabellion: no-transaction\n",
                2,
                "stands below the header",
            ),
            (
                "-- tabellion: parent a\n-- tabellion: parent b\n",
                2,
                "`parent` is given twice",
            ),
            ("-- tabellion: parent  \n", 1, "is not a directive"),
            ("-- a\n--Tabellion: parent a\n", 2, "begins with"),
            (
                "-- tabellion: scans: a.b\n-- tabellion: scans: a.b\n",
                2,
                "says again",
            ),
            (
                "-- tabellion: scans: a.b\n-- tabellion: accepted: table a.b: why\n",
                2,
                "accepts what no hazard",
            ),
            ("-- tabellion: accepted: why\n", 1, "an object and a reason"),
            ("-- tabellion: not-parsed: \n", 1, "has no value"),
        ] {
            let error = Header::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.message.contains(said), "{text}: {error}");
        }
        assert_eq!(
            Header::parse("-- tabellion makes it\n\n"),
            Ok(Header::default())
        );
    }

    #[test]
    fn a_reason_cannot_leave_its_comment() {
        let header = Header {
            not_parsed: Some("old\ndrop table x;".into()),
            ..Header::default()
        };
        assert_eq!(
            header.to_string(),
            "-- tabellion: not-parsed: old drop table x;\n"
        );
    }
}
