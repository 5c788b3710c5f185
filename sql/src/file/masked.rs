//! Statements as messages show them: what a literal holds may be a password, or a row's value.

use super::tokens::{Kind, next};

/// A statement without what its literals hold: `'…'` for a text, however it is quoted. Where it cannot be
/// taken apart, its first word.
pub fn masked(sql: &str) -> String {
    let mut shown = String::new();
    let mut at = 0;
    while at < sql.len() {
        let Ok(token) = next(sql, at) else {
            let first = sql.split_whitespace().next().unwrap_or_default();
            return format!("{first} …");
        };
        let text = &sql[at..token.end];
        let is_quoted = text.starts_with('\'')
            || text.starts_with("E'")
            || text.starts_with("e'")
            || (text.starts_with('$') && text.len() > 1);
        match text {
            _ if token.kind == Kind::Other && is_quoted => shown.push_str("'…'"),
            // A comment may quote what the statement does.
            _ if text.starts_with("--") || text.starts_with("/*") => {}
            _ => shown.push_str(text),
        }
        at = token.end;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_literal_is_shown() {
        for (sql, shown) in [
            (
                "insert into a values ('it''s', E'\\'x', 1)",
                "insert into a values ('…', '…', 1)",
            ),
            (
                "do $a$ begin x; end $a$ language plpgsql",
                "do '…' language plpgsql",
            ),
            (
                "create role \"a b\" password 'p' -- 'q'\n",
                "create role \"a b\" password '…' \n",
            ),
            ("select U&'\\0061', $1", "select U&'…', $1"),
            ("select 'unended", "select …"),
        ] {
            assert_eq!(masked(sql), shown);
        }
    }
}
