//! What a `create schema` makes along with the schema stands in the middle of a statement, where no rule looks.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "schema-elements",
    level: Level::Lint,
    summary: "a schema is made together with its tables, views or grants",
    text: "\
Why:
  The rules for migrations written by hand look at one statement at a time. Tables, views and grants within a
  `create schema` are parts of that statement: no rule would see a table without row-level security there, a view that
  reads as its owner, or a grant.

To mend it:
  Make the schema alone, and write what stands within it as statements of their own, each name with its schema.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let ["create", "schema", rest @ ..] = words else {
            return None;
        };
        // Both words are reserved, so that no name is one of them without quotes.
        let part = rest.iter().find(|word| matches!(**word, "create" | "grant"))?;
        Some(format!(
            "`create schema` with `{part}` within it is one statement, of which no other rule sees the parts; make the \
             schema alone, and write each part as a statement of its own"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn schema_elements() {
        for (sql, is_found) in [
            ("create schema s;", false),
            (
                "create schema if not exists s authorization \"create\";",
                false,
            ),
            ("create schema \"grant\";", false),
            ("create table s.t ();", false),
            (
                "create schema s create table t (a int) create view v as select * from a.b;",
                true,
            ),
            (
                "create schema authorization me create view v as select 1;",
                true,
            ),
            ("CREATE SCHEMA s GRANT SELECT ON a.b TO c;", true),
            ("create schema s create sequence q;", true),
            (
                "-- tabellion: not-parsed: a schema with its objects\ncreate schema s create table t ();",
                true,
            ),
        ] {
            let found = lines("schema-elements", sql, &Schema::default());
            assert_eq!(!found.is_empty(), is_found, "{sql}");
        }
    }
}
