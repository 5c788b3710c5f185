//! The words of an SQL expression, as far as renaming a column needs them.

use std::collections::BTreeMap;

use crate::ident::{quote, unquote};

/// The expression with columns renamed, as PostgreSQL does it by itself when a column is renamed.
///
/// It knows strings, quoted names and plain words, not the grammar: a word before `(` is a function,
/// one behind `.` or `::` belongs to something else. Where that is wrong, the text differs from the
/// declared one, and the owner of the expression is made anew.
pub(super) fn rename(sql: &str, names: &BTreeMap<String, String>) -> String {
    if names.is_empty() {
        return sql.to_owned();
    }
    let mut out = String::with_capacity(sql.len());
    let pieces = pieces(sql);
    for (at, text) in pieces.iter().enumerate() {
        let belongs = out.trim_end().ends_with('.') || out.trim_end().ends_with("::");
        let mut behind = pieces[at + 1..]
            .iter()
            .filter(|piece| !piece.trim().is_empty());
        let calls = behind.next().is_some_and(|piece| *piece == "(");
        match plain(text).and_then(|name| names.get(&name)) {
            Some(new) if !belongs && !calls => out.push_str(&quote(new)),
            _ => out.push_str(text),
        }
    }
    out
}

/// The text in pieces: strings, quoted names, words, and what else there is, a character each.
pub(super) fn pieces(sql: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => 1 + rest[1..].find('\'').map_or(rest.len() - 1, |end| end + 1),
            '"' => unquote(rest).map_or(rest.len(), |(_, after)| rest.len() - after.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// The name that a piece is, if it is one.
pub(super) fn plain(piece: &str) -> Option<String> {
    let first = piece.chars().next()?;
    let is_name = first == '"' || (is_word(first) && !first.is_ascii_digit());
    is_name.then(|| unquote(piece).map(|(name, _)| name))?
}

/// Whether an expression may name a column of that name, of whatever table.
pub(super) fn mentions(sql: &str, column: &str) -> bool {
    let ident = quote(column);
    let mut words = sql.split(|c| !is_word(c));
    (ident.starts_with('"') && sql.contains(&*ident))
        || words.any(|word| word.eq_ignore_ascii_case(column))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_wherever_it_may_be_named() {
        for (sql, column, found) in [
            ("exists (select from n where n.Shop = x)", "shop", true),
            ("n.\"Shop it\" = x", "Shop it", true),
            ("n.\"shop\" = x", "shop", true),
            ("n.shops = x", "shop", false),
            ("n.shop_it = x", "shop it", false),
        ] {
            assert_eq!(mentions(sql, column), found, "{sql}");
        }
    }

    #[test]
    fn only_columns_are_renamed() {
        let names = BTreeMap::from([("shop".to_owned(), "Shop".to_owned())]);
        for (before, after) in [
            ("shop = 'shop'", "\"Shop\" = 'shop'"),
            (
                "\"shop\" <> '' and shop(1) = x.shop",
                "\"Shop\" <> '' and shop(1) = x.shop",
            ),
            (
                "'it''s shop' = a::shop or shops = shop",
                "'it''s shop' = a::shop or shops = \"Shop\"",
            ),
            ("shop", "\"Shop\""),
            ("'open", "'open"),
        ] {
            assert_eq!(rename(before, &names), after);
        }
    }
}
