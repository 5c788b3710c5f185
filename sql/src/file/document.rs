//! A migration file in its parts: what its header tells people, what it tells tools, and the SQL.

use std::fmt;

use super::header::DIRECTIVE;
use super::{FileError, Header, body, normalize};

/// A migration file. Displays as its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The comment lines of the header that are no directives, each with its line feed.
    pub title: String,
    /// The directives.
    pub header: Header,
    /// The SQL below.
    pub body: String,
}

impl Document {
    /// Takes a file apart.
    ///
    /// # Errors
    /// Those of [`Header::parse`].
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let header = Header::parse(text)?;
        let normal = normalize(text);
        let comments = normal.lines().take_while(|line| line.starts_with("--"));
        let title = comments
            .filter(|line| !line.starts_with(DIRECTIVE))
            .map(|line| format!("{line}\n"))
            .collect();
        Ok(Document {
            title,
            header,
            body: body(text),
        })
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Document {
            title,
            header,
            body,
        } = self;
        let gap = if body.is_empty() { "" } else { "\n" };
        write!(f, "{title}{header}{gap}{body}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_survives_its_parts() {
        let text = "-- One.\n-- tabellion: parent a\n-- Two.\n\n-- why\nselect 1;\n";
        let file = Document::parse(text).unwrap();
        assert_eq!(file.title, "-- One.\n-- Two.\n");
        assert_eq!(file.body, "-- why\nselect 1;\n");
        let again = file.to_string();
        assert_eq!(
            again,
            "-- One.\n-- Two.\n-- tabellion: parent a\n\n-- why\nselect 1;\n"
        );
        assert_eq!(Document::parse(&again), Ok(file));
    }
}
