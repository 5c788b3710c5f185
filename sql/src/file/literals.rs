//! What normalising a file must not change: the inside of its literals, quoted names and dollar quotes.

use super::tokens::tokens;
use super::{FileError, lines};

/// Refuses a file that [`normalize`](super::normalize) would give another meaning.
///
/// # Errors
/// A literal, quoted name or dollar-quoted text that holds a carriage return, or a blank at the end of a
/// line: the first one, with its line. A text whose quotes do not end is for [`statements`](super::statements())
/// to refuse.
pub fn keeps_literals(text: &str) -> Result<(), FileError> {
    if !has_blank_ends(text) {
        return Ok(());
    }
    for token in tokens(text).unwrap_or_default() {
        let Some(offset) = changed(token) else {
            continue;
        };
        // `tokens` gives parts of `text`, so that the address tells where a part lies.
        let at = token.as_ptr().addr() - text.as_ptr().addr() + offset;
        let line = lines(&text[..at]).count();
        let remedy = if token.starts_with('$') {
            "end its lines in line feeds alone, and take the blanks before them out"
        } else if token.starts_with('"') {
            "write it as `U&\"...\\000d\\000a...\"`"
        } else {
            "write it as `E'...\\r\\n...'`, with `\\x20` for a blank before a line break"
        };
        return Err(FileError::new(
            line,
            format!(
                "holds a line ending or trailing blank inside a literal, which version control may change; \
                 {remedy}"
            ),
        ));
    }
    Ok(())
}

/// Whether normalising changes any line at all; most files it leaves as they are.
fn has_blank_ends(text: &str) -> bool {
    text.contains('\r')
        || text
            .split('\n')
            .any(|line| line.ends_with([' ', '\t', '\u{b}', '\u{c}']))
}

/// Where in a token that spans lines normalising would change it first, in bytes.
fn changed(token: &str) -> Option<usize> {
    if !token.contains(['\r', '\n']) {
        return None;
    }
    let mut at = 0;
    for line in lines(token) {
        at += line.len();
        if !(token[at..].starts_with('\n') || token[at..].is_empty()) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_quote_holds_is_held_against_a_file() {
        for fine in [
            "",
            "select 1;  \r\n-- it's  \r\nselect 'a  b' /* ' \r\n */ ;\r\n\r\n",
            "\u{feff}select 'two\n  lines', E'a\\r\\n', \"a\nb\", $$\nx\n\n$$;\r",
            "select 'a'  \r\n  'b' \n;",
        ] {
            assert_eq!(keeps_literals(fine), Ok(()), "{fine:?}");
        }
        for (text, line, remedy) in [
            ("select 1;\nselect 'two  \nlines';", 2, "E'"),
            ("select 'two\nlines\r\nx';", 2, "E'"),
            ("select 1;\r\n\r\nselect 'two\rlines';", 3, "E'"),
            ("select E'it\\'s\n\t\n';", 2, "E'"),
            ("select '\u{b}\n';", 1, "E'"),
            ("select \"a\r\nb\";", 1, "U&"),
            ("do $a$\nbegin \n$$ $$; end\n$a$;", 2, "line feeds"),
        ] {
            let error = keeps_literals(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            let said = error.to_string();
            assert!(
                said.contains(": holds a line ending or trailing blank inside a literal")
                    && said.contains(remedy),
                "{said}"
            );
            assert_ne!(super::super::normalize(text), text);
        }
        assert_eq!(keeps_literals("select 'a \n"), Ok(()));
    }
}
