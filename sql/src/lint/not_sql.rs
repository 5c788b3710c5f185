//! A file holds SQL alone, whole statements of it, under a header that reads.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "not-sql",
    level: Level::Lint,
    summary: "a file is not whole statements of SQL under a header that reads",
    text: "\
Why:
  A command of psql, data of `copy … from stdin` and an open quote mean something to psql at most; the migration
  engine and the Supabase CLI send SQL.

To mend it:
  Write the rows as `insert`; close what is open; correct the line of the header.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = file
        .broken
        .iter()
        .map(|error| (error.line, error.message.clone()))
        .collect();
    found.extend(file.each(|words| match words {
        ["copy", rest @ ..] if rest.iter().any(|word| matches!(*word, "stdin" | "stdout")) => {
            Some("`copy` from or to the client needs psql; write the rows as `insert`".into())
        }
        _ => None,
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn not_sql() {
        for (sql, line) in [
            ("select 1;\n\\i other.sql\n", 2),
            ("select 'a;\n", 1),
            ("-- a\n-- tabellion: no-transactoin\n\nselect 1;", 2),
            ("select 1;\ncopy t from stdin;", 2),
        ] {
            assert_eq!(lines("not-sql", sql, &Schema::default()), [line], "{sql}");
        }
        let fine = "select '\\d', $$ \\d $$; copy (select 1) to program 'x';";
        assert!(lines("not-sql", fine, &Schema::default()).is_empty());
    }
}
