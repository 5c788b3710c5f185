//! What a platform brings along is the platform's.

use super::{File, name, past_options};
use crate::rule::{Level, Page};
use crate::schema::{Platform, Schema};

/// The schemas that Supabase keeps. Source: the schemas of a new project, those of its extensions apart.
const SUPABASE: [&str; 10] = [
    "auth",
    "graphql",
    "graphql_public",
    "pgbouncer",
    "pgsodium",
    "realtime",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "vault",
];

pub(super) const PAGE: Page = Page {
    code: "platform-object",
    level: Level::Lint,
    summary: "a statement changes what the platform keeps",
    text: "\
Why:
  Every policy relies on what the platform says of who asks: another `auth.uid()` is another caller. And the platform's
  own updates expect its tables and functions as they were.

To mend it:
  Make what you need in a schema of your own. A trigger or a policy on a table of the platform, such as `auth.users` or
  `storage.objects`, is yours to make.",
};

pub(super) fn check(file: &File<'_>, schema: &Schema) -> Vec<(usize, String)> {
    if schema.platform != Platform::Supabase {
        return Vec::new();
    }
    file.each(|words| {
        let rest = match words {
            ["create", "or", "replace", rest @ ..] | ["create" | "alter" | "drop", rest @ ..] => {
                rest
            }
            ["truncate", "table", rest @ ..] | ["truncate", rest @ ..] => {
                return said(rest, false);
            }
            _ => return None,
        };
        let rest = match rest {
            [
                "materialized" | "temp" | "temporary" | "unlogged" | "foreign" | "recursive",
                rest @ ..,
            ] => rest,
            _ => rest,
        };
        match rest {
            ["schema", rest @ ..] => said(rest, true),
            [
                "aggregate" | "domain" | "function" | "procedure" | "routine" | "sequence"
                | "table" | "type" | "view",
                rest @ ..,
            ] => said(rest, false),
            _ => None,
        }
    })
}

/// What is to be said of the names at the front of words; of schemas, or of what lies in them.
fn said(words: &[&str], are_schemas: bool) -> Option<String> {
    let of = |words: &[&str]| match (name(past_options(words))?, are_schemas) {
        ((_, name), true) => Some(name),
        ((schema, _), false) => schema,
    };
    let mut names = words.split(|word| *word == ",").filter_map(of);
    let schema = names.find(|schema| SUPABASE.contains(&schema.as_str()))?;
    Some(format!(
        "schema `{schema}` is the platform's, and policies rely on what is there; make it in a schema of your own"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::{Platform, Schema};

    #[test]
    fn platform_object() {
        let supabase = Schema {
            platform: Platform::Supabase,
            ..Schema::default()
        };
        for sql in [
            "create or replace function auth.uid() returns uuid language sql as 'select null';",
            "drop function if exists auth.jwt();",
            "alter function \"auth\".\"role\"() rename to x;",
            "create table public.a (), storage.b ();",
            "alter table if exists only auth.users disable row level security;",
            "create materialized view auth.all_users as select 1;",
            "drop schema if exists vault cascade;",
            "truncate auth.users;",
        ] {
            assert_eq!(lines("platform-object", sql, &supabase), [1], "{sql}");
            assert!(
                lines("platform-object", sql, &Schema::default()).is_empty(),
                "{sql}"
            );
        }
        for sql in [
            "create trigger made after insert on auth.users for each row execute function public.f();",
            "create policy own on storage.objects for select using (owner = auth.uid());",
            "create function public.f() returns uuid language sql as 'select auth.uid()';",
            "create table auth (id int8 references auth.users (id));",
            "insert into storage.buckets (id) values ('a');",
        ] {
            assert!(lines("platform-object", sql, &supabase).is_empty(), "{sql}");
        }
    }
}
