//! A view runs as its owner, who may see every row, unless it says otherwise.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "view-invoker",
    level: Level::Lint,
    summary: "a view reads its tables as its owner",
    text: "\
Why:
  A view runs with its owner's rights, and for an owner who bypasses row-level security, as a superuser or a role
  with BYPASSRLS does, no policy of the tables below holds: whoever may read the view reads the rows of all tenants.

To mend it:
  `create view … with (security_invoker = true) as …`: it then reads as whoever asks, under the tables' policies.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        if let ["alter", "view" | "table", ..] = words {
            return altered(words);
        }
        let rest = match words {
            ["create", "or", "replace", rest @ ..] | ["create", rest @ ..] => rest,
            _ => return None,
        };
        let is_prefix = |word: &&&str| {
            matches!(
                **word,
                "local" | "global" | "temp" | "temporary" | "unlogged" | "recursive"
            )
        };
        let ["view", rest @ ..] = &rest[rest.iter().take_while(is_prefix).count()..] else {
            return None;
        };
        // The options stand between WITH and AS, words that without quotes name nothing.
        let end = rest.iter().position(|word| *word == "as");
        let head = &rest[..end.unwrap_or(rest.len())];
        let with = head.iter().position(|word| *word == "with");
        (!is_invoker(&head[with.unwrap_or(head.len())..])).then(|| {
            "a view without `security_invoker` runs as its owner and passes by row-level security; write \
             `create view NAME with (security_invoker = true) as ...`"
                .into()
        })
    })
}

/// Whether options say that a view reads as whoever asks, and none says that it does not.
fn is_invoker(options: &[&str]) -> bool {
    let mut said = named(options).map(|at| match &options[at + 1..] {
        ["=", value, ..] => is_true(value),
        _ => true,
    });
    said.next().unwrap_or(false) && said.all(|it| it)
}

/// Whether PostgreSQL reads a value as true: in any case, in quotes or without, and by its first letters, as
/// <https://www.postgresql.org/docs/15/datatype-boolean.html> has it.
fn is_true(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let begins = |word: &str| !value.is_empty() && word.starts_with(&value);
    begins("true") || begins("yes") || ["on", "1"].contains(&value.as_str())
}

/// Where a list names the option, in quotes or without; behind a dot it is one of another namespace.
fn named(words: &[&str]) -> impl Iterator<Item = usize> {
    let is_named = |pair: &[&str]| {
        matches!(pair[0], "(" | ",") && pair[1].trim_matches('"') == "security_invoker"
    };
    let pairs = words.windows(2).enumerate();
    pairs.filter_map(move |(at, pair)| is_named(pair).then_some(at + 1))
}

/// What is to be said where a view's option is changed.
fn altered(words: &[&str]) -> Option<String> {
    let is_reset = words.contains(&"reset");
    let is_named = named(words).next().is_some();
    (is_named && (is_reset || !is_invoker(words))).then(|| {
        "the view is to run as its owner and pass by row-level security; leave `security_invoker` on".into()
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn view_invoker_is_on_in_every_spelling() {
        for (value, is_on) in [
            ("true", true),
            ("T", true),
            ("tru", true),
            ("yes", true),
            ("y", true),
            ("on", true),
            ("1", true),
            ("'yes'", true),
            ("'YE'", true),
            ("\"true\"", true),
            ("o", false),
            ("off", false),
            ("no", false),
            ("'f'", false),
            ("0", false),
            ("''", false),
            ("trues", false),
        ] {
            let sql = format!("create view a.b with (security_invoker = {value}) as select 1;");
            let found = lines("view-invoker", &sql, &Schema::default());
            assert_eq!(found.is_empty(), is_on, "{sql}");
        }
    }

    /// The name of a view, of a column, and what stands in another namespace are none of its options.
    #[test]
    fn view_invoker_is_an_option() {
        for (sql, is_on) in [
            (
                "create view v (security_invoker) as select id from a.b;",
                false,
            ),
            ("create view security_invoker as select * from a.b;", false),
            (
                "create view v (a, security_invoker) with (security_barrier) as select 1, 2;",
                false,
            ),
            (
                "create view v with (toast.security_invoker = true) as select 1;",
                false,
            ),
            (
                "create view v (security_invoker) with (security_barrier, security_invoker) as select 1;",
                true,
            ),
            ("create temp recursive view v (n) as select 1;", false),
            (
                "create or replace local temporary view v as select 1;",
                false,
            ),
            (
                "create temp recursive view v (n) with (security_invoker) as select 1;",
                true,
            ),
            ("alter view security_invoker rename to other;", true),
            (
                "alter view v set (security_barrier, security_invoker = off);",
                false,
            ),
        ] {
            let found = lines("view-invoker", sql, &Schema::default());
            assert_eq!(found.is_empty(), is_on, "{sql}");
        }
    }

    #[test]
    fn view_invoker() {
        let sql = "create view a.b as select 1 as security_invoker;\n\
                   create or replace view a.b with (security_invoker = true) as select 1;\n\
                   create view a.c (d) with (security_barrier, security_invoker) as select 1;\n\
                   create view a.c with (security_invoker = false) as select 1;\n\
                   create materialized view a.d as select 1;\n\
                   create view a.e with (security_invoker = true, security_invoker = false) as select 1;\n\
                   alter view a.b set (security_invoker = false);\n\
                   alter table if exists a.b set (security_barrier, security_invoker = off);\n\
                   alter view a.b reset (security_invoker);\n\
                   alter view a.b set (security_invoker = on);\n\
                   alter view a.b rename to c;\n\
                   alter table a.b reset (\"security_invoker\");\n\
                   create view a.f with (\"security_invoker\" = true) as select 1;\n\
                   alter view a.b set (\"security_invoker\" = false);";
        assert_eq!(
            lines("view-invoker", sql, &Schema::default()),
            [1, 4, 6, 7, 8, 9, 12, 14]
        );
    }
}
