//! The catalog is changed by the statements that are made for it.

use super::{File, name};
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "catalog-write",
    level: Level::Lint,
    summary: "a statement writes a table of PostgreSQL's own catalog",
    text: "\
Why:
  A row of pg_authid, pg_class or pg_policy written by hand makes a role pass by row-level security, switches it off or
  opens a policy, and no rule reads that from it. It can also leave a database that does not start.

To mend it:
  Write the statement that is made for it, such as `alter role` or `alter table`.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let written = (0..words.len()).find_map(|at| match &words[at..] {
            ["insert" | "merge", "into", rest @ ..] | ["delete", "from", rest @ ..] => target(rest),
            ["update" | "truncate" | "copy", rest @ ..] => target(rest),
            _ => None,
        })?;
        Some(format!(
            "`{written}` is PostgreSQL's own catalog, which no migration writes; use the statement that is made for it"
        ))
    })
}

/// The table at the front of words, if it is one of the catalog's.
fn target(words: &[&str]) -> Option<String> {
    let words = match words {
        ["only" | "table", rest @ ..] => rest,
        _ => words,
    };
    let (schema, table) = name(words)?;
    let is_catalogs = match schema.as_deref() {
        Some(schema) => schema == "pg_catalog" || schema == "information_schema",
        None => table.starts_with("pg_"),
    };
    is_catalogs.then_some(table)
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn catalog_write() {
        let found = |sql: &str| lines("catalog-write", sql, &Schema::default());
        for sql in [
            "update pg_catalog.pg_authid set rolbypassrls = true where rolname = 'anon';",
            "UPDATE ONLY pg_class set relrowsecurity = false where relname = 'note';",
            "delete from \"pg_catalog\".\"pg_policy\";",
            "insert into pg_auth_members select 1, 2, 3, true;",
            "with gone as (delete from pg_policy returning 1) select 1;",
            "truncate table pg_statistic;",
            "copy pg_authid from '/srv/rows';",
            "merge into pg_policy using a on true when matched then delete;",
        ] {
            assert_eq!(found(sql), [1], "{sql}");
        }
        for sql in [
            "select * from pg_catalog.pg_class for update;",
            "insert into public.note select relname from pg_class on conflict (id) do update set a = 1;",
            "update public.pg_note set a = 1;",
            "comment on table public.note is 'update pg_class';",
        ] {
            assert!(found(sql).is_empty(), "{sql}");
        }
    }
}
