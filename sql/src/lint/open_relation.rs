//! A table that no struct declares has no policies unless the file gives it some.

use super::{File, Statement, name, past_options};
use crate::plan::Hazard;
use crate::rule::{Level, Page};
use crate::schema::{Platform, Schema};

pub(super) const PAGE: Page = Page {
    code: "open-relation",
    level: Level::Lint,
    summary: "a table or materialized view is made that no policy guards",
    text: "\
Why:
  Whoever holds a privilege on a table without row-level security reads and writes the rows of all tenants. Supabase
  gives the privileges on whatever is made to everybody who calls its interface. A materialized view has no policies at
  all: it holds what its owner saw.

To mend it:
  Declare the table as a struct. Or `alter table NAME enable row level security` in the same file, and the policies
  that it needs. On Supabase, `revoke all on NAME from anon, authenticated` for a materialized view. What is meant to be
  open says so in the header: `-- tabellion: widens-access: table public.countries: everybody reads it`.",
};

pub(super) fn check(file: &File<'_>, schema: &Schema) -> Vec<(usize, String)> {
    let hazards = &file.header.hazards;
    if hazards
        .iter()
        .any(|hazard| matches!(hazard, Hazard::WidensAccess(_)))
    {
        return Vec::new();
    }
    // What a statement guards has been made before it.
    let mut behind = file.statements.as_slice();
    file.each(|words| {
        behind = &behind[1..];
        let (made, is_materialized) = made(words)?;
        // Without privileges that come by themselves nobody reads it before a GRANT, which another rule asks about.
        let is_open = !is_materialized || schema.platform == Platform::Supabase;
        if !is_open || behind.iter().any(|it| guards(it, &made, is_materialized)) {
            return None;
        }
        let (_, name) = &made;
        Some(match is_materialized {
            false => format!(
                "table `{name}` is made without row-level security; enable it in the same file, or declare the table \
                 as a struct"
            ),
            true => format!(
                "materialized view `{name}` shows every tenant's rows to whoever calls the platform's interface; \
                 revoke all on it from anon and authenticated in the same file"
            ),
        })
    })
}

type Named = (Option<String>, String);

/// The table or materialized view that a statement makes.
fn made(words: &[&str]) -> Option<(Named, bool)> {
    match words {
        ["create", "table", rest @ ..]
        | ["create", "unlogged", "table", rest @ ..]
        | ["create", "foreign", "table", rest @ ..] => Some((name(past_options(rest))?, false)),
        ["create", "materialized", "view", rest @ ..] => Some((name(past_options(rest))?, true)),
        // SELECT INTO, of which the first INTO tells.
        ["select" | "with", rest @ ..] => {
            let at = rest.iter().position(|word| *word == "into")?;
            let is_insert = at > 0 && matches!(rest[at - 1], "insert" | "merge");
            let into = match &rest[at + 1..] {
                ["temp" | "temporary", ..] => return None,
                ["unlogged", "table", rest @ ..] | ["table" | "unlogged", rest @ ..] => rest,
                rest => rest,
            };
            (!is_insert).then_some(())?;
            Some((name(into)?, false))
        }
        _ => None,
    }
}

/// Whether a statement keeps strangers from what was made.
fn guards(statement: &Statement<'_>, made: &Named, is_materialized: bool) -> bool {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let is_made = |words: &[&str]| {
        name(past_options(words)).is_some_and(|named| qualified(&named) == qualified(made))
    };
    match words.as_slice() {
        ["alter", "table", rest @ ..] => {
            !is_materialized
                && is_made(rest)
                && super::holds(rest, &["enable", "row", "level", "security"])
        }
        ["revoke", "all", "on", "table", rest @ ..]
        | ["revoke", "all", "privileges", "on", "table", rest @ ..]
        | ["revoke", "all", "privileges", "on", rest @ ..]
        | ["revoke", "all", "on", rest @ ..] => {
            is_materialized
                && is_made(rest)
                && ["anon", "authenticated"]
                    .iter()
                    .all(|role| rest.contains(role))
        }
        _ => false,
    }
}

/// A name with its schema, which is `public` where none is given.
fn qualified((schema, name): &Named) -> (&str, &str) {
    (schema.as_deref().unwrap_or("public"), name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::{Platform, Schema};

    #[test]
    fn open_relation() {
        let plain = Schema::default();
        let supabase = Schema {
            platform: Platform::Supabase,
            ..Schema::default()
        };
        for sql in [
            "create table notes (id int8, secret text);",
            "create unlogged table if not exists public.notes ();",
            "create table n as select * from orders;",
            "select * into n from orders;",
            "select * into table public.n from orders;",
            "create foreign table f () server s;",
            "create table notes ();\nalter table other enable row level security;",
            "create table notes ();\ndrop table notes;",
            // Another one of that name.
            "create table z.notes ();\nalter table public.notes enable row level security;",
            "create table z.notes ();\nalter table notes enable row level security;",
        ] {
            assert_eq!(lines("open-relation", sql, &plain), [1], "{sql}");
        }
        // What stood there before is another one.
        let before = "alter table notes enable row level security;\ndrop table notes;\ncreate table notes ();";
        assert_eq!(lines("open-relation", before, &plain), [3]);
        let view = "create materialized view if not exists mv as select * from orders;";
        assert_eq!(lines("open-relation", view, &supabase), [1]);
        assert!(lines("open-relation", view, &plain).is_empty());
        for sql in [
            "create table public.notes ();\nalter table only notes enable row level security;",
            "create table notes ();\nalter table public.notes enable row level security;",
            "create table z.notes ();\nalter table \"z\".notes enable row level security;",
            "create temp table t ();\ncreate temporary table t ();",
            "select 1;\nselect * into temp t from orders;",
            "with a as (insert into b values (1) returning 1) select 1;",
            "create materialized view mv as select 1;\nrevoke all on mv from public, anon, authenticated;",
            "-- tabellion: widens-access: table n: everybody reads it\n\ncreate table n ();",
        ] {
            assert!(lines("open-relation", sql, &supabase).is_empty(), "{sql}");
        }
    }
}
