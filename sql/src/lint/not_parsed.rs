//! What sqlparser cannot read, nobody has looked at before the server does; the header says why.

use std::borrow::Cow;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::{File, Statement};
use crate::file::tokens;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "not-parsed",
    level: Level::Lint,
    summary: "a statement that the parser cannot read, and so nobody has looked at",
    text: "\
Why:
  A slip would be found only by the server. The parser does not know all that PostgreSQL does, so that this can be
  answered.

To mend it:
  Correct the statement; or, where PostgreSQL takes it, say so in the header:
  `-- tabellion: not-parsed: REASON`.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file.header.not_parsed.is_some() {
        return Vec::new();
    }
    let unread = file.statements.iter().filter_map(|statement| {
        let text = readable(statement);
        let error = Parser::parse_sql(&PostgreSqlDialect {}, &text).err()?;
        let said = error.to_string();
        let said = said.split_once(": ").map_or(said.as_str(), |(_, said)| said);
        Some((
            statement.line,
            format!(
                "sqlparser cannot read the statement ({said}); correct it, or, where PostgreSQL takes it, say \
                 `-- tabellion: not-parsed: REASON` in the header"
            ),
        ))
    });
    unread.collect()
}

/// The statement without a word that sqlparser does not know: of `drop index concurrently` it reads `drop index`.
fn readable<'a>(statement: &'a Statement<'_>) -> Cow<'a, str> {
    let text = statement.text;
    let words: Vec<&str> = statement.words.iter().take(3).map(String::as_str).collect();
    let tokens = match words.as_slice() {
        ["drop", "index", "concurrently"] => tokens(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    let Some(word) = tokens.get(2) else {
        return Cow::Borrowed(text);
    };
    // `tokens` gives parts of `text`, so that the address tells where a part lies.
    let at = word.as_ptr().addr() - text.as_ptr().addr();
    Cow::Owned(format!("{}{}", &text[..at], &text[at + word.len()..]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn not_parsed() {
        let sql = "select 1;\nselekt 2;\nupdate a.b set c = 1 where d;\ncreate table (;";
        let lines = |sql: &str| lines("not-parsed", sql, &Schema::default());
        // The last one is not a statement at all.
        assert_eq!(
            lines("select 1;\nselekt 2;\nupdate a.b set c = 1 where d;"),
            [2]
        );
        assert!(lines(sql).is_empty());
        for sql in [
            "drop index concurrently a.b;",
            "DROP INDEX /* a */ Concurrently\n if exists a.b, \"a\".\"c\" cascade;",
            "create unique index concurrently a on b.c (d);",
        ] {
            assert!(lines(sql).is_empty(), "{sql}");
        }
        assert_eq!(lines("drop index concurrently (a);"), [1]);
        assert!(lines("-- tabellion: not-parsed: a new clause\n\nselekt 2;").is_empty());
    }
}
