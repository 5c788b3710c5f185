//! Identifiers and literals as SQL text.

mod keywords;

use std::borrow::Cow;

use self::keywords::is_keyword;
use crate::file::checksum;

/// The longest identifier in bytes; PostgreSQL's `NAMEDATALEN` less its end mark.
pub const MAX_BYTES: usize = 63;

/// Whether a name can stand in SQL as it is, without quotes, on every supported server.
pub fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    // By index: a build script is not optimised, and asks this of every name several times.
    let mut at = 0;
    while at < bytes.len() && is_plain_tail(bytes[at]) {
        at += 1;
    }
    at == bytes.len()
        && at > 0
        && matches!(bytes[0], b'a'..=b'z' | b'_')
        && !is_keyword(name, bytes[0])
}

fn is_plain_tail(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'$')
}

/// A name as an SQL identifier: in double quotes, its own doubled, only where PostgreSQL needs them.
pub fn quote(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// A text as an SQL literal.
///
/// A text with a backslash becomes an `E'…'` literal, so that it reads the same whatever
/// `standard_conforming_strings` says.
///
/// So does one with a line ending that an editor or a version control system may change, and what is
/// changed in a migration file must not be what a statement says.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    let mut lines = text.split('\n').rev().skip(1);
    let is_fragile =
        text.contains('\r') || lines.any(|line| line.ends_with([' ', '\t', '\u{b}', '\u{c}']));
    if is_fragile {
        let escaped = quoted.replace('\\', "\\\\");
        format!("E'{}'", escaped.replace('\r', "\\r").replace('\n', "\\n"))
    } else if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// The text of a literal that [`quote_literal`] wrote; `None` where it is anything else.
pub fn unquote_literal(sql: &str) -> Option<String> {
    let (inner, is_escaped) = match sql.strip_prefix('E') {
        Some(rest) => (rest, true),
        None => (sql, false),
    };
    let inner = inner.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\'' if chars.next()? == '\'' => '\'',
            '\'' => return None,
            '\\' if is_escaped => match chars.next()? {
                '\\' => '\\',
                'r' => '\r',
                'n' => '\n',
                _ => return None,
            },
            c => c,
        });
    }
    Some(text)
}

/// A text between dollar quotes, under a tag that does not stand in it.
pub(crate) fn quote_dollar(text: &str) -> String {
    let mut tag = "$$".to_owned();
    let mut number = 0;
    while text.contains(&tag) {
        number += 1;
        tag = format!("$q{number}$");
    }
    format!("{tag}\n{text}\n{tag}")
}

/// Reads one identifier, as [`quote`] writes it, from the front of a text; gives the name and what
/// follows it. `None` where no identifier stands there.
pub fn unquote(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text
            .bytes()
            .position(|byte| !is_plain_tail(byte))
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        return is_plain(name).then(|| (name.to_owned(), rest));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None if name.is_empty() => return None,
            None => return Some((name, rest)),
        }
    }
}

/// The name that PostgreSQL gives to a constraint, index or sequence: table, column and label joined
/// by `_`, the longer of the first two cut until the whole fits. An empty column is left out, as in
/// the name of a primary key.
///
/// Source: `makeObjectName` in PostgreSQL's `src/backend/commands/indexcmds.c`.
pub fn object_name(table: &str, column: &str, label: &str) -> String {
    let separators = usize::from(!column.is_empty()) + usize::from(!label.is_empty());
    let room = MAX_BYTES.saturating_sub(separators + label.len());
    let (mut table_len, mut column_len) = (table.len(), column.len());
    while table_len + column_len > room {
        if table_len > column_len {
            table_len -= 1;
        } else {
            column_len -= 1;
        }
    }
    let mut name = table[..table.floor_char_boundary(table_len)].to_owned();
    if !column.is_empty() {
        name.push('_');
        name.push_str(&column[..column.floor_char_boundary(column_len)]);
    }
    if !label.is_empty() {
        name.push('_');
        name.push_str(label);
    }
    name
}

/// The same, but where the names do not fit whole with a sum of them, so that no other two give that name.
pub(crate) fn distinct_name(table: &str, column: &str, label: &str) -> String {
    let whole = [table, column, label].map(str::len).iter().sum::<usize>() + 2;
    if whole <= MAX_BYTES {
        return object_name(table, column, label);
    }
    summed_name(table, column, label)
}

/// The same with a sum of the names, whether they fit whole or not.
pub(crate) fn summed_name(table: &str, column: &str, label: &str) -> String {
    let sum = &checksum(&format!("{table}\n{column}"))[..8];
    match label {
        "" => object_name(table, column, sum),
        label => object_name(table, column, &format!("{sum}_{label}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_holds_no_line_ending_that_a_tool_may_change() {
        assert_eq!(quote_literal("a\nb"), "'a\nb'");
        assert_eq!(quote_literal("it's\r\n\\"), r"E'it''s\r\n\\'");
        assert_eq!(quote_literal("a  \nb"), r"E'a  \nb'");
        for text in ["a\r", "a \n\tb\\", "x\u{b}\n"] {
            let literal = quote_literal(text);
            assert_eq!(crate::file::normalize(&literal).trim_end(), literal);
        }
    }

    #[test]
    fn quotes_stand_only_where_they_must() {
        assert_eq!(quote("sales_pulse_actions"), "sales_pulse_actions");
        assert_eq!(quote("_a$1"), "_a$1");
        for name in [
            "",
            "1st",
            "Order",
            "order",
            "a b",
            "naïve",
            "json",
            "left",
            "date time",
        ] {
            assert_eq!(quote(name), format!("\"{name}\""), "{name}");
        }
        assert_eq!(quote("say \"hi\""), "\"say \"\"hi\"\"\"");
        // Unreserved key words are common column names.
        for name in ["name", "date", "status", "key", "action", "text", "uuid"] {
            assert_eq!(quote(name), name);
        }
    }

    #[test]
    fn unquote_reads_what_quote_wrote() {
        for name in ["a", "order", "A b", "x\"y", "\"", "a.b", "ü"] {
            let text = format!("{}.rest", quote(name));
            assert_eq!(unquote(&text), Some((name.to_owned(), ".rest")), "{name}");
        }
        for text in ["", "Table", "\"open", "\"\"", "select", ".a", "9"] {
            assert_eq!(unquote(text), None, "{text}");
        }
    }

    #[test]
    fn literals_keep_quotes_and_backslashes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), "E'a\\\\''b'");
        for text in ["", "it's", "a\\'b", "\\", "a \n\r\\n", "'"] {
            assert_eq!(unquote_literal(&quote_literal(text)).as_deref(), Some(text));
        }
        for sql in ["a", "'a' || 'b'", "'a", "'", "now()", "'a'::text", ""] {
            assert_eq!(unquote_literal(sql), None, "{sql}");
        }
    }

    #[test]
    fn long_names_are_cut_as_postgresql_cuts_them() {
        assert_eq!(object_name("orders", "", "pkey"), "orders_pkey");
        assert_eq!(object_name("orders", "id", "seq"), "orders_id_seq");
        let (table, column) = ("t".repeat(50), "c".repeat(40));
        let name = object_name(&table, &column, "fkey");
        assert_eq!(name, format!("{}_{}_fkey", "t".repeat(29), "c".repeat(28)));
        assert_eq!(name.len(), MAX_BYTES);
        let other = object_name(&table, &format!("{column}2"), "fkey");
        assert_eq!(name, other);
        // Those that must tell the two apart.
        assert_eq!(distinct_name("a", "i", "part"), "a_i_part");
        let name = distinct_name(&table, &column, "part");
        let other = distinct_name(&table, &format!("{column}2"), "part");
        assert!(name != other && name.ends_with("_part"), "{name}");
        assert_eq!((name.len(), other.len()), (MAX_BYTES, MAX_BYTES));
        // A character is never cut in two.
        assert!(object_name(&"ü".repeat(40), "id", "seq").len() <= MAX_BYTES);
    }
}
